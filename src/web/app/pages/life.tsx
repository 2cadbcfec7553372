// The life of a transaction as steps: which are behind it, where it is, and what happened on the way.

import { Box, CircleCheck, Hourglass, Inbox, Undo2 } from "lucide";
import type { Transaction } from "../api.ts";
import { rules } from "../live.ts";
import { Icon } from "../parts/icon.tsx";
import { Card } from "../parts/layout.tsx";
import { Ago, BlockLink, span } from "../parts/values.tsx";
import { locale, words } from "../words/index.ts";

/** Something that was seen to happen. */
export type Moment =
  { at: number; state: "mined"; height: number } | { at: number; state: "returned"; height: number } | { at: number; state: "dropped" };

/** From here on a reorganisation that takes it back is hardly to be expected. */
export const SAFE = 6;

export function Life({ transaction, moments }: { transaction: Transaction; moments: Moment[] }) {
  const t = words.value.life;
  const { block, confirmations, received } = transaction;
  const dropped = moments.at(-1)?.state === "dropped" && !block;
  const returned = moments.findLast((moment) => moment.state === "returned");
  const at = block ? (confirmations >= SAFE ? 4 : 3) : 1;
  const spacing = rules.value?.interval_ms;
  const steps = [
    { icon: Inbox, name: t.received, text: received ? <Ago ms={received} /> : t.done },
    { icon: Hourglass, name: t.pool, text: block ? t.done : dropped ? t.droppedShort : t.waiting },
    { icon: Box, name: t.block, text: block ? <BlockLink height={block.height} /> : spacing ? t.about(span(spacing)) : "…" },
    { icon: CircleCheck, name: t.confirmed, text: block ? t.confirmations(Math.min(confirmations, SAFE), SAFE, confirmations) : "…" },
  ];
  return (
    <Card title={t.title} kind="life">
      <ol class="steps">
        {steps.map(({ icon, name, text }, i) => (
          <li
            key={name}
            data-state={i < at ? "done" : i === at && !dropped ? "now" : "later"}
            aria-current={i === Math.min(at, 3) ? "step" : undefined}
          >
            <span class="mark">
              <Icon of={icon} />
            </span>
            <span class="name">{name}</span>
            <span class="text">{text}</span>
          </li>
        ))}
      </ol>
      {block && (
        <div
          class="depth"
          role="meter"
          aria-label={t.confirmed}
          aria-valuemin={0}
          aria-valuemax={SAFE}
          aria-valuenow={Math.min(confirmations, SAFE)}
        >
          {Array.from({ length: SAFE }, (_, i) => (
            <span key={i} data-on={i < confirmations} />
          ))}
        </div>
      )}
      {returned && (
        <p class="notice" role="status">
          <Icon of={Undo2} size={16} /> {t.returned(returned.height.toLocaleString(locale.value))}
        </p>
      )}
      {dropped && (
        <p class="notice bad" role="status">
          {t.dropped}
        </p>
      )}
      {moments.length > 0 && (
        <ul class="moments">
          {moments.map((moment, i) => (
            <li key={i}>
              <span class="faint">
                <Ago ms={moment.at} />
              </span>{" "}
              {moment.state === "dropped" ? t.momentDropped : t.moment[moment.state](moment.height.toLocaleString(locale.value))}
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

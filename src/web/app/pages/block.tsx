// One block: where it stands, what it pays, its transactions, and every byte of its header.

import { ChevronLeft, ChevronRight } from "lucide";
import { Icon } from "../parts/icon.tsx";
import { useState } from "preact/hooks";
import { type Block, api } from "../api.ts";
import { useAnswer } from "../ask.ts";
import { bytes, scaled } from "../format.ts";
import { height, tip } from "../live.ts";
import { Copy } from "../parts/copy.tsx";
import { Card, Fact, Facts, Pager, Title } from "../parts/layout.tsx";
import { Empty, Shown } from "../parts/states.tsx";
import { AccountLink, Amount, Count, Hash, When } from "../parts/values.tsx";
import { to } from "../router.ts";
import { locale, words } from "../words/index.ts";
import { TransactionTable } from "./transactions.tsx";

const LIMIT = 25;

export function BlockPage({ which }: { which: string }) {
  const t = words.value.block;
  const [answer, again] = useAnswer(() => api.block(which), which, tip.value);
  return (
    <>
      <Title extra={answer.state === "ready" && <Neighbours block={answer.value} />}>
        {t.title} {answer.state === "ready" ? `#${answer.value.height.toLocaleString(locale.value)}` : ""}
      </Title>
      <Shown answer={answer} again={again} lines={8}>
        {(block) => (
          <>
            {!block.in_chain && (
              <p class="notice bad" role="status">
                {t.outside}
              </p>
            )}
            <Summary block={block} />
            <Transactions block={block} />
            <Header block={block} />
          </>
        )}
      </Shown>
    </>
  );
}

function Neighbours({ block }: { block: Block }) {
  const t = words.value.block;
  return (
    <nav class="neighbours" aria-label={t.neighbours}>
      {block.height > 0 && (
        <a class="button quiet" href={to.block(block.parent)}>
          <Icon of={ChevronLeft} size={16} />
          {t.previous}
        </a>
      )}
      {block.in_chain && block.height < height.value && (
        <a class="button quiet" href={to.block(block.height + 1)}>
          {t.next}
          <Icon of={ChevronRight} size={16} />
        </a>
      )}
    </nav>
  );
}

function Summary({ block }: { block: Block }) {
  const t = words.value.block;
  return (
    <Card>
      <Facts>
        <Fact name={t.id}>
          <Hash value={block.id} whole /> <Copy text={block.id} name={t.id} />
        </Fact>
        <Fact name={t.time}>
          <When ms={block.time} />
        </Fact>
        <Fact name={t.confirmations}>
          <Count value={block.confirmations} />
        </Fact>
        <Fact name={t.miner}>
          <AccountLink address={block.miner} whole />
        </Fact>
        <Fact name={t.reward}>
          <Amount drops={block.reward} />{" "}
          {BigInt(block.fees) > 0n && (
            <span class="faint">
              {t.plusFees} <Amount drops={block.fees} />
            </span>
          )}
        </Fact>
        <Fact name={t.difficulty}>
          <span class="number" title={String(block.difficulty)}>
            {scaled(block.difficulty)}
          </span>
        </Fact>
        <Fact name={t.size}>{bytes(block.bytes)}</Fact>
      </Facts>
    </Card>
  );
}

function Transactions({ block }: { block: Block }) {
  const t = words.value.block;
  const [from, setFrom] = useState<string | null>(null);
  const [answer, again] = useAnswer(() => api.blockTransactions(block.id, LIMIT, from), `${block.id} ${from}`);
  return (
    <Card title={`${t.transactions} (${block.transactions.toLocaleString(locale.value)})`}>
      {block.transactions === 0 ? (
        <Empty>{t.noTransactions}</Empty>
      ) : (
        <Shown answer={answer} again={again}>
          {({ list, next }) => (
            <>
              <TransactionTable transactions={list} showBlock={false} />
              <Pager newest={from === null ? null : () => setFrom(null)} older={next === null ? null : () => setFrom(next)} />
            </>
          )}
        </Shown>
      )}
    </Card>
  );
}

function Header({ block }: { block: Block }) {
  const t = words.value.block;
  return (
    <details class="card">
      <summary>{t.header}</summary>
      <Facts>
        <Fact name={t.version}>{block.version}</Fact>
        <Fact name={t.parent}>
          <Hash value={block.parent} href={to.block(block.parent)} whole />
        </Fact>
        <Fact name={t.root}>
          <Hash value={block.root} whole />
        </Fact>
        <Fact name={t.target}>
          <span class="hash">{block.target}</span>
        </Fact>
        <Fact name={t.nonce}>
          <span class="hash">{block.nonce}</span>
        </Fact>
        <Fact name={t.signer}>
          <Hash value={block.miner_key} whole />
        </Fact>
        <Fact name={t.signature}>
          <Hash value={block.signature} whole />
        </Fact>
      </Facts>
    </details>
  );
}

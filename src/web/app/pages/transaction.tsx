// One transaction and its life: received, in the pool, in a block, confirmed ever deeper; and back to the pool when a
// reorganisation takes its block out of the chain. What happens while the page is open is kept and told.

import { useEffect, useRef, useState } from "preact/hooks";
import { type Transaction, type Waiting, api } from "../api.ts";
import { lastValue, useAnswer } from "../ask.ts";
import { bytes, textOf } from "../format.ts";
import { onTransaction, reorganisation, tip } from "../live.ts";
import { Copy } from "../parts/copy.tsx";
import { Card, Fact, Facts, Title } from "../parts/layout.tsx";
import { Empty, Shown } from "../parts/states.tsx";
import { AccountLink, Amount, BlockLink, Count, Hash, When } from "../parts/values.tsx";
import { words } from "../words/index.ts";
import { Life, type Moment } from "./life.tsx";
import { ProofCard } from "./proof.tsx";

/** A transaction that was just posted may not be known yet. */
const PATIENCE = 5;

export function TransactionPage({ id }: { id: string }) {
  const t = words.value.transaction;
  const [news, setNews] = useState(0);
  const [answer, again] = useAnswer(() => api.transaction(id), id, `${tip.value} ${news}`);
  const moments = useMoments(id, lastValue(answer), () => setNews((n) => n + 1));
  const missing = answer.state === "failed" && answer.problem.status === 404;
  useEffect(() => {
    if (!missing || news >= PATIENCE) return;
    const timer = setTimeout(() => setNews((n) => n + 1), 1_000);
    return () => clearTimeout(timer);
  }, [missing, news]);
  const dropped = moments.at(-1)?.state === "dropped";
  return (
    <>
      <Title>{t.title}</Title>
      {missing && moments.length === 0 ? (
        <Empty>
          {t.unknown}
          <br />
          <code>{id}</code>
        </Empty>
      ) : (
        <Shown answer={dropped && missing ? keep(answer) : answer} again={again} lines={8}>
          {(transaction) => (
            <>
              <Life transaction={transaction} moments={moments} />
              {transaction.state === "pool" && !dropped && <Why id={id} />}
              <Details transaction={transaction} />
              {transaction.block && <ProofCard transaction={transaction} />}
            </>
          )}
        </Shown>
      )}
    </>
  );
}

/** After a transaction was dropped the node does not know it any more; what it was is still shown. */
function keep<T>(answer: ReturnType<typeof useAnswer<T>>[0]): typeof answer {
  return answer.state === "failed" && answer.value !== null ? { state: "ready", value: answer.value } : answer;
}

/** What was seen to happen to a transaction since the page was opened. */
function useMoments(id: string, transaction: Transaction | null, onNews: () => void): Moment[] {
  const [moments, setMoments] = useState<Moment[]>([]);
  const before = useRef<Transaction | null>(null);
  const add = (moment: Moment) => setMoments((all) => [...all, moment].slice(-20));
  useEffect(
    () =>
      onTransaction((news) => {
        if (news.id !== id) return;
        if (news.state === "dropped") add({ at: Date.now(), state: "dropped" });
        onNews();
      }),
    [id],
  );
  useEffect(() => {
    if (!transaction) return;
    const old = before.current;
    before.current = transaction;
    const [was, is] = [old?.block ?? null, transaction.block];
    if (was && was.id !== is?.id) add({ at: Date.now(), state: "returned", height: was.height });
    if (is && was?.id !== is.id && old) add({ at: Date.now(), state: "mined", height: is.height });
  }, [transaction]);
  useEffect(() => {
    if (reorganisation.value?.last.returned.includes(id)) onNews();
  }, [reorganisation.value]);
  return moments;
}

function Why({ id }: { id: string }) {
  const t = words.value.transaction;
  const [answer] = useAnswer(() => api.waiting(id), id, tip.value);
  const waiting = lastValue(answer);
  if (!waiting || waiting.state !== "pool") return null;
  return (
    <Card title={t.why.title} kind="accent">
      <p>{reason(waiting)}</p>
      <Facts>
        {waiting.position !== null && (
          <Fact name={t.why.place}>
            <Count value={waiting.position} />
          </Fact>
        )}
        {waiting.ahead_bytes !== null && <Fact name={t.why.ahead}>{bytes(waiting.ahead_bytes)}</Fact>}
        {waiting.expected_blocks !== null && (
          <Fact name={t.why.blocks}>
            <Count value={waiting.expected_blocks} />
          </Fact>
        )}
      </Facts>
    </Card>
  );
}

function reason(waiting: Waiting): string {
  const t = words.value.transaction.why;
  if (waiting.reason === null) return "";
  return waiting.reason === "nonce_gap" ? t.nonce_gap(waiting.missing_nonces.length) : t[waiting.reason];
}

function Details({ transaction }: { transaction: Transaction }) {
  const t = words.value.transaction;
  const text = textOf(transaction.data);
  return (
    <Card title={t.details}>
      <Facts>
        <Fact name={t.id}>
          <Hash value={transaction.id} whole /> <Copy text={transaction.id} name={t.id} />
        </Fact>
        <Fact name={t.from}>
          <AccountLink address={transaction.from} whole />
        </Fact>
        <Fact name={t.to}>
          <AccountLink address={transaction.to} whole />
        </Fact>
        <Fact name={t.amount}>
          <Amount drops={transaction.amount} />
        </Fact>
        <Fact name={t.fee}>
          <Amount drops={transaction.fee} />
        </Fact>
        {transaction.block && (
          <Fact name={t.block}>
            <BlockLink height={transaction.block.height} /> <span class="faint">{t.place(transaction.block.index)}</span>
          </Fact>
        )}
        {transaction.block && (
          <Fact name={t.time}>
            <When ms={transaction.block.time} />
          </Fact>
        )}
        {text !== null && (
          <Fact name={t.message}>
            <q>{text}</q>
          </Fact>
        )}
      </Facts>
      <details>
        <summary>{t.more}</summary>
        <Facts>
          <Fact name={t.kind}>{t.kinds[transaction.kind]}</Fact>
          <Fact name={t.nonce}>
            <span class="hash">{transaction.nonce}</span>
          </Fact>
          <Fact name={t.data}>{transaction.data ? <Hash value={transaction.data} whole /> : "–"}</Fact>
          <Fact name={t.signer}>
            <Hash value={transaction.signer} whole />
          </Fact>
          <Fact name={t.signature}>
            <Hash value={transaction.signature} whole />
          </Fact>
        </Facts>
      </details>
    </Card>
  );
}

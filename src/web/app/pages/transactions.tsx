// Transactions: those in the chain, the newest first, and those that wait.

import { useState } from "preact/hooks";
import { type PoolItem, type Transaction, api } from "../api.ts";
import { useAnswer } from "../ask.ts";
import { bytes } from "../format.ts";
import { now, status, tip } from "../live.ts";
import { Card, Pager, Table, Tabs, Title } from "../parts/layout.tsx";
import { Meter } from "../parts/meter.tsx";
import { Empty, Shown } from "../parts/states.tsx";
import { AccountLink, Ago, Amount, BlockLink, TransactionLink } from "../parts/values.tsx";
import { locale, words } from "../words/index.ts";

const LIMIT = 25;
/** How many of the waiting are shown; the pool may hold many thousands. */
const POOL_LIMIT = 100;
const POOL_MS = 2_000;

export function TransactionsPage({ list }: { list: "chain" | "pool" }) {
  const t = words.value;
  const waiting = status.value?.pool.transactions ?? 0;
  const tabs = [
    { href: "#/transactions", name: t.transaction.confirmed, here: list === "chain" },
    { href: "#/transactions/pool", name: `${t.transaction.waiting} (${waiting.toLocaleString(locale.value)})`, here: list === "pool" },
  ];
  return (
    <>
      <Title>{t.nav.transactions}</Title>
      <Tabs label={t.transaction.views} tabs={tabs} />
      {list === "chain" ? <Chain /> : <Pool />}
    </>
  );
}

function Chain() {
  const t = words.value;
  const [before, setBefore] = useState<string | null>(null);
  const [answer, again] = useAnswer(() => api.transactions(LIMIT, before), String(before), before === null ? tip.value : null);
  return (
    <Card>
      <Shown answer={answer} again={again} lines={12}>
        {({ list, next }) =>
          list.length === 0 ? (
            <Empty>{t.transaction.none}</Empty>
          ) : (
            <>
              <TransactionTable transactions={list} showBlock />
              <Pager newest={before === null ? null : () => setBefore(null)} older={next === null ? null : () => setBefore(next)} />
            </>
          )
        }
      </Shown>
    </Card>
  );
}

function Pool() {
  const t = words.value;
  const [answer, again] = useAnswer(() => api.pool(POOL_LIMIT), "pool", Math.floor(now.value / POOL_MS));
  return (
    <Card>
      <Shown answer={answer} again={again} lines={8}>
        {(pool) => (
          <>
            <Meter
              label={t.pool.room}
              value={pool.bytes}
              most={pool.capacity_bytes}
              text={`${bytes(pool.bytes)} / ${bytes(pool.capacity_bytes)}`}
            />
            {pool.list.length === 0 ? <Empty>{t.pool.empty}</Empty> : <PoolTable list={pool.list} />}
          </>
        )}
      </Shown>
    </Card>
  );
}

function PoolTable({ list }: { list: PoolItem[] }) {
  const t = words.value.transaction;
  return (
    <Table
      caption={t.waiting}
      rows={list}
      id={({ id }) => id}
      columns={[
        { name: t.id, cell: ({ id }) => <TransactionLink id={id} /> },
        { name: t.received, cell: ({ received }) => <Ago ms={received} /> },
        { name: t.from, cell: ({ from }) => <AccountLink address={from} /> },
        { name: t.to, cell: ({ to }) => <AccountLink address={to} /> },
        { name: t.amount, figure: true, cell: ({ amount }) => <Amount drops={amount} /> },
        { name: t.feePerByte, figure: true, cell: ({ fee_per_byte }) => fee_per_byte.toFixed(2) },
      ]}
    />
  );
}

export function TransactionTable({ transactions, showBlock }: { transactions: Transaction[]; showBlock: boolean }) {
  const t = words.value.transaction;
  const block = [
    { name: t.block, cell: ({ block }: Transaction) => (block ? <BlockLink height={block.height} /> : t.waiting) },
    { name: t.age, cell: ({ block }: Transaction) => (block ? <Ago ms={block.time} /> : "–") },
  ];
  return (
    <Table
      caption={words.value.nav.transactions}
      rows={transactions}
      id={({ id }) => id}
      columns={[
        { name: t.id, cell: ({ id }) => <TransactionLink id={id} /> },
        ...(showBlock ? block : []),
        { name: t.from, cell: ({ from }) => <AccountLink address={from} /> },
        { name: t.to, cell: ({ to }) => <AccountLink address={to} /> },
        { name: t.amount, figure: true, cell: ({ amount }) => <Amount drops={amount} /> },
      ]}
    />
  );
}

// All blocks, the newest first.

import { useState } from "preact/hooks";
import { type BlockSummary, api } from "../api.ts";
import { useAnswer } from "../ask.ts";
import { bytes } from "../format.ts";
import { tip } from "../live.ts";
import { Card, Pager, Table, Title } from "../parts/layout.tsx";
import { Shown } from "../parts/states.tsx";
import { AccountLink, Ago, Amount, BlockLink, Count, Hash } from "../parts/values.tsx";
import { to } from "../router.ts";
import { words } from "../words/index.ts";

const LIMIT = 25;

export function BlocksPage() {
  const t = words.value;
  const [before, setBefore] = useState<string | null>(null);
  // Only the first page changes with the tip.
  const [answer, again] = useAnswer(() => api.blocks(LIMIT, before), String(before), before === null ? tip.value : null);
  return (
    <>
      <Title>{t.nav.blocks}</Title>
      <Card>
        <Shown answer={answer} again={again} lines={12}>
          {({ list, next }) => (
            <>
              <BlockTable blocks={list} />
              <Pager newest={before === null ? null : () => setBefore(null)} older={next === null ? null : () => setBefore(next)} />
            </>
          )}
        </Shown>
      </Card>
    </>
  );
}

export function BlockTable({ blocks }: { blocks: BlockSummary[] }) {
  const t = words.value.block;
  return (
    <Table
      caption={words.value.nav.blocks}
      rows={blocks}
      id={(block) => block.id}
      columns={[
        { name: t.height, cell: ({ height }) => <BlockLink height={height} /> },
        { name: t.age, cell: ({ time }) => <Ago ms={time} /> },
        { name: t.id, cell: ({ id }) => <Hash value={id} href={to.block(id)} /> },
        { name: t.miner, cell: ({ miner }) => <AccountLink address={miner} /> },
        { name: t.transactions, figure: true, cell: ({ transactions }) => <Count value={transactions} /> },
        { name: t.size, figure: true, cell: (block) => bytes(block.bytes) },
        { name: t.reward, figure: true, cell: ({ reward, fees }) => <Amount drops={BigInt(reward) + BigInt(fees)} /> },
      ]}
    />
  );
}

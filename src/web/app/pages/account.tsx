// One account: what it has, how to pay it, and everything that ever happened to it.

import { Download, QrCode } from "lucide";
import { useState } from "preact/hooks";
import { type HistoryItem, api } from "../api.ts";
import { lastValue, useAnswer } from "../ask.ts";
import { tip } from "../live.ts";
import { Copy } from "../parts/copy.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Icon } from "../parts/icon.tsx";
import { Identicon } from "../parts/identicon.tsx";
import { Card, Fact, Facts, Pager, Table, Title } from "../parts/layout.tsx";
import { Qr } from "../parts/qr.tsx";
import { Empty, Shown } from "../parts/states.tsx";
import { AccountLink, Ago, Amount, BlockLink, Count, TransactionLink, amountText } from "../parts/values.tsx";
import { to } from "../router.ts";
import { words } from "../words/index.ts";

const LIMIT = 25;

export function AccountPage({ address }: { address: string }) {
  const t = words.value.account;
  const [answer, again] = useAnswer(() => api.account(address), address, tip.value);
  const [qr, setQr] = useState(false);
  const account = lastValue(answer);
  return (
    <>
      <Title
        extra={
          <>
            <button type="button" class="quiet" onClick={() => setQr(true)}>
              <Icon of={QrCode} /> {t.qr}
            </button>
            <a class="button" href={to.send(address)}>
              {t.send}
            </a>
          </>
        }
      >
        {t.title}
      </Title>
      <Card>
        <div class="who">
          <Identicon address={address} size={44} />
          <span class="hash">{address}</span>
          <Copy text={address} name={t.address} />
        </div>
        <Shown answer={answer} again={again}>
          {(account) => (
            <Facts>
              <Fact name={t.balance}>
                <strong>
                  <Amount drops={account.balance} />
                </strong>
              </Fact>
              <Fact name={t.sent}>
                <Count value={account.sequence} />
              </Fact>
              {account.waiting > 0 && (
                <Fact name={t.waiting}>
                  <Count value={account.waiting} />
                </Fact>
              )}
            </Facts>
          )}
        </Shown>
        {account && !account.exists && <Empty>{t.unseen}</Empty>}
      </Card>
      <History address={address} />
      {qr && (
        <Dialog title={t.qr} onClose={() => setQr(false)}>
          <Qr text={address} label={t.qrOf(address)} />
          <p class="hash centre">{address}</p>
          <button type="button" onClick={() => setQr(false)}>
            {words.value.close}
          </button>
        </Dialog>
      )}
    </>
  );
}

/** What happened to an account, the newest first. */
export function History({ address }: { address: string }) {
  const t = words.value.account;
  const [before, setBefore] = useState<string | null>(null);
  const [answer, again] = useAnswer(() => api.history(address, LIMIT, before), `${address} ${before}`, before === null ? tip.value : null);
  return (
    <Card
      title={t.history}
      extra={
        <a class="button quiet" href={api.historyCsv(address)} download={`${address}.csv`}>
          <Icon of={Download} size={16} /> CSV
        </a>
      }
    >
      <Shown answer={answer} again={again} lines={6}>
        {({ list, next }) =>
          list.length === 0 ? (
            <Empty>{t.nothing}</Empty>
          ) : (
            <>
              <HistoryTable list={list} />
              <Pager newest={before === null ? null : () => setBefore(null)} older={next === null ? null : () => setBefore(next)} />
            </>
          )
        }
      </Shown>
    </Card>
  );
}

const SIGNS = { in: "+", mined: "+", out: "−", self: "" };

function HistoryTable({ list }: { list: HistoryItem[] }) {
  const t = words.value.account;
  const w = words.value.transaction;
  const other = ({ direction, transaction }: HistoryItem) => (direction === "out" ? transaction?.to : transaction?.from);
  const fee = ({ direction, transaction }: HistoryItem) => (direction === "out" ? transaction?.fee : undefined);
  return (
    <Table
      caption={t.history}
      rows={list}
      id={({ block, transaction, direction }) => `${block} ${transaction?.id ?? direction}`}
      columns={[
        { name: t.what, cell: ({ direction }) => <span class={`tag ${direction}`}>{t.directions[direction]}</span> },
        {
          name: t.with,
          cell: (item) => {
            const address = other(item);
            return address ? <AccountLink address={address} /> : "–";
          },
        },
        { name: w.id, cell: ({ transaction }) => (transaction ? <TransactionLink id={transaction.id} /> : "–") },
        { name: w.block, cell: ({ height }) => <BlockLink height={height} /> },
        { name: w.age, cell: ({ time }) => <Ago ms={time} /> },
        {
          name: w.amount,
          figure: true,
          cell: (item) => {
            const paid = fee(item);
            return (
              <span class={`flow ${item.direction}`} title={paid ? t.withFee(amountText(paid)) : undefined}>
                <Amount drops={item.amount} sign={SIGNS[item.direction]} />
              </span>
            );
          },
        },
      ]}
    />
  );
}

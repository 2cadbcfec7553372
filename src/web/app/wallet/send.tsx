// A transfer: to whom, how much, what it costs; then everything once more, the passphrase, and off it goes.

import { useState } from "preact/hooks";
import { type Account, type Fees, type Network, api } from "../api.ts";
import { useAnswer } from "../ask.ts";
import { barrelText, parseBarrels, plainBarrels } from "../format.ts";
import { rules, tip } from "../live.ts";
import { Field } from "../parts/fields.tsx";
import { Card, Title } from "../parts/layout.tsx";
import { Empty, Shown, Skeleton } from "../parts/states.tsx";
import { AccountLink, Amount, amountText } from "../parts/values.tsx";
import { canonical, isAddress } from "../router.ts";
import { locale, words } from "../words/index.ts";
import { type OwnAccount, current } from "./accounts.ts";
import { Review } from "./review.tsx";

export type Level = "next_block" | "three_blocks" | "ten_blocks";
const LEVELS: Level[] = ["next_block", "three_blocks", "ten_blocks"];

/** What is to be signed, but for the nonce. */
export interface Transfer {
  to: string;
  amount: bigint;
  fee: bigint;
  data: Uint8Array;
}

export function SendPage({ to }: { to: string }) {
  const t = words.value.send;
  const account = current.value;
  return (
    <>
      <Title>{t.title}</Title>
      {!account ? (
        <Empty>
          {t.noAccount} <a href="#/wallet">{words.value.nav.wallet}</a>
        </Empty>
      ) : (
        <Ready key={account.file.address} own={account} to={to} />
      )}
    </>
  );
}

function Ready({ own, to }: { own: OwnAccount; to: string }) {
  const ask = async () => {
    const [account, fees] = await Promise.all([api.account(own.file.address), api.fees()]);
    return { account, fees };
  };
  const [answer, again] = useAnswer(ask, own.file.address, tip.value);
  const network = rules.value;
  return (
    <Card kind="narrow">
      <Shown answer={answer} again={again} lines={6}>
        {({ account, fees }) => (network ? <Form own={own} account={account} fees={fees} network={network} to={to} /> : <Skeleton />)}
      </Shown>
    </Card>
  );
}

/** The fee of a transfer with so many bytes: what the level asks for each thousand, rounded up, and never below the least. */
export function feeFor(fees: Fees, level: Level, bytes: number, minimum: string): bigint {
  const round = (per: string) => (BigInt(per) * BigInt(bytes) + 999n) / 1000n;
  return [round(fees[level].per_1000_bytes), round(fees.minimum.per_1000_bytes), BigInt(minimum)].reduce((a, b) => (a > b ? a : b));
}

function Form({ own, account, fees, network, to: given }: { own: OwnAccount; account: Account; fees: Fees; network: Network; to: string }) {
  const t = words.value.send;
  const [to, setTo] = useState(given);
  const [amountWritten, setAmount] = useState("");
  const [message, setMessage] = useState("");
  const [level, setLevel] = useState<Level | "own">("three_blocks");
  const [feeWritten, setFee] = useState("");
  const [tried, setTried] = useState(false);
  const [review, setReview] = useState<Transfer | null>(null);

  const data = new TextEncoder().encode(message);
  const bytes = network.limits.transfer_bytes + data.length;
  const ownFee = parseBarrels(feeWritten);
  const fee = level === "own" ? ownFee : feeFor(fees, level, bytes, network.minimum_fee);
  const amount = parseBarrels(amountWritten);
  const balance = BigInt(account.balance);

  const errors = {
    to: !isAddress(to) ? t.errors.address : canonical(to) === own.file.address ? t.errors.self : null,
    amount:
      typeof amount !== "bigint"
        ? t.errors[amount]
        : amount === 0n
          ? t.errors.zero
          : typeof fee === "bigint" && amount + fee > balance
            ? t.errors.balance(amountText(balance))
            : null,
    fee:
      typeof fee !== "bigint" ? t.errors[fee] : fee < BigInt(network.minimum_fee) ? t.errors.lowFee(amountText(network.minimum_fee)) : null,
    message: data.length > network.limits.data_bytes ? t.errors.message(network.limits.data_bytes) : null,
  };
  const submit = () => {
    setTried(true);
    if (Object.values(errors).some((error) => error !== null) || typeof amount !== "bigint" || typeof fee !== "bigint") return;
    setReview({ to: canonical(to), amount, fee, data });
  };
  const most = typeof fee === "bigint" && balance > fee ? balance - fee : 0n;
  return (
    <>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <p class="from">
          {t.from} <AccountLink address={own.file.address} />
          <span class="faint">
            {t.has} <Amount drops={account.balance} />
          </span>
        </p>
        <Field
          label={t.to}
          kind="code"
          value={to}
          onInput={setTo}
          placeholder="0x…"
          error={tried || (to.length >= 40 && errors.to) ? errors.to : null}
        />
        <Field
          label={t.amount}
          kind="amount"
          value={amountWritten}
          onInput={setAmount}
          error={tried || amountWritten ? errors.amount : null}
          suffix={
            <button type="button" class="quiet" onClick={() => setAmount(plainBarrels(most))}>
              {t.all}
            </button>
          }
        />
        <fieldset class="choice">
          <legend>{t.fee}</legend>
          {LEVELS.map((name) => (
            <label key={name}>
              <input type="radio" name="fee" checked={level === name} onChange={() => setLevel(name)} />
              <span>
                {words.value.pool.levels[name]}
                <small class="number">{barrelText(feeFor(fees, name, bytes, network.minimum_fee), locale.value)}</small>
              </span>
            </label>
          ))}
          <label>
            <input type="radio" name="fee" checked={level === "own"} onChange={() => setLevel("own")} />
            <span>{t.ownFee}</span>
          </label>
        </fieldset>
        {level === "own" && (
          <Field label={t.ownFeeLabel} kind="amount" value={feeWritten} onInput={setFee} error={tried || feeWritten ? errors.fee : null} />
        )}
        <Field label={t.message} kind="long" value={message} onInput={setMessage} hint={t.messageHint} error={errors.message} />
        <div class="actions">
          <button type="submit">{t.review}</button>
        </div>
      </form>
      {review && <Review own={own} account={account} chain={network.chain} transfer={review} onClose={() => setReview(null)} />}
    </>
  );
}

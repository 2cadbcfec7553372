// The faucet: what it gives now, whether this person may have it, and the way there: work if it is asked for, the claim,
// and the transaction that pays.

import { useEffect, useRef, useState } from "preact/hooks";
import { type Claimed, type Faucet, Problem, api, problemOf } from "../api.ts";
import { useAnswer } from "../ask.ts";
import { type Progress, solve } from "../faucet/solve.ts";
import { scaled } from "../format.ts";
import { now, tip } from "../live.ts";
import { Field } from "../parts/fields.tsx";
import { Card, Fact, Facts, Title } from "../parts/layout.tsx";
import { Meter } from "../parts/meter.tsx";
import { Shown, problemText } from "../parts/states.tsx";
import { AccountLink, Amount, TransactionLink, amountText, span } from "../parts/values.tsx";
import { canonical, isAddress } from "../router.ts";
import { current } from "../wallet/accounts.ts";
import { words } from "../words/index.ts";

type Claim =
  | { step: "idle" }
  | { step: "asking" }
  | { step: "working"; progress: Progress }
  | { step: "claiming" }
  | { step: "paid"; claimed: Claimed }
  | { step: "refused"; problem: Problem; until: number | null };

export function FaucetPage() {
  const t = words.value.faucet;
  const [address, setAddress] = useState(() => current.value?.file.address ?? "");
  const known = isAddress(address) ? canonical(address) : null;
  const [answer, again] = useAnswer(() => api.faucet(known), String(known), tip.value);
  return (
    <>
      <Title>{t.title}</Title>
      <div class="columns">
        <Card>
          <ClaimForm faucet={answer.state === "ready" ? answer.value : null} address={address} setAddress={setAddress} onPaid={again} />
        </Card>
        <Card title={t.about}>
          <Shown answer={answer} again={again} lines={6}>
            {(faucet) => <About faucet={faucet} />}
          </Shown>
        </Card>
      </div>
    </>
  );
}

/** What a stable word of the faucet means. */
function reasonText(reason: string | null, fallback: string): string {
  const t = words.value.faucet.reasons;
  return (reason && t[reason as keyof typeof t]) || fallback;
}

function ClaimForm({
  faucet,
  address,
  setAddress,
  onPaid,
}: {
  faucet: Faucet | null;
  address: string;
  setAddress: (text: string) => void;
  onPaid: () => void;
}) {
  const t = words.value.faucet;
  const [claim, setClaim] = useState<Claim>({ step: "idle" });
  const [tried, setTried] = useState(false);
  const stop = useRef<AbortController | null>(null);
  useEffect(() => () => stop.current?.abort(), []);

  const busy = claim.step === "asking" || claim.step === "working" || claim.step === "claiming";
  const start = async () => {
    setTried(true);
    if (!isAddress(address)) return;
    stop.current = new AbortController();
    try {
      setClaim({ step: "asking" });
      const to = canonical(address);
      const { challenge, bits } = await api.challenge(to);
      const solution =
        bits === 0 ? undefined : await solve(challenge, bits, (progress) => setClaim({ step: "working", progress }), stop.current.signal);
      setClaim({ step: "claiming" });
      const claimed = await api.claim(to, solution === undefined ? { challenge } : { challenge, solution });
      setClaim({ step: "paid", claimed });
      onPaid();
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return setClaim({ step: "idle" });
      const problem = problemOf(error);
      setClaim({ step: "refused", problem, until: problem.retryAfter === null ? null : Date.now() + problem.retryAfter * 1000 });
    }
  };
  return (
    <form
      class="claim"
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy) void start();
      }}
    >
      <p class="offer">
        <span>{t.offer}</span>
        <strong>{faucet ? <Amount drops={faucet.amount} /> : "…"}</strong>
        {faucet && faucet.amount !== faucet.full_amount && <span class="faint">{t.lessThan(amountText(faucet.full_amount))}</span>}
      </p>
      <Field
        label={t.address}
        kind="code"
        value={address}
        placeholder="0x…"
        onInput={setAddress}
        disabled={busy}
        error={tried && !isAddress(address) ? words.value.send.errors.address : null}
        hint={
          current.value ? undefined : (
            <>
              {t.noWallet} <a href="#/wallet">{words.value.nav.wallet}</a>
            </>
          )
        }
      />
      {faucet?.you && claim.step !== "paid" && claim.step !== "refused" && <Standing you={faucet.you} />}
      <div class="actions">
        <button type="submit" disabled={busy || faucet === null || faucet.state !== "open" || faucet.you !== null}>
          {t.action}
        </button>
        {claim.step === "working" && (
          <button type="button" class="quiet" onClick={() => stop.current?.abort()}>
            {words.value.cancel}
          </button>
        )}
      </div>
      <div class="outcome" role="status">
        <Outcome claim={claim} />
      </div>
    </form>
  );
}

/** What a claim would meet now, said before anybody claims. */
function Standing({ you }: { you: NonNullable<Faucet["you"]> }) {
  const seen = useRef({ you, at: Date.now() });
  if (seen.current.you !== you) seen.current = { you, at: Date.now() };
  const until = you.retry_after_s === null ? null : seen.current.at + you.retry_after_s * 1000;
  return (
    <p class="notice">
      {reasonText(you.reason, you.detail)} <Countdown until={until} />
    </p>
  );
}

/** How long until a moment, second by second. */
function Countdown({ until }: { until: number | null }) {
  const t = words.value.faucet;
  if (until === null) return null;
  const seconds = Math.max(0, Math.ceil((until - now.value) / 1000));
  const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map((n) => String(n).padStart(2, "0"));
  return (
    <span class="countdown number" role="timer">
      {seconds === 0 ? t.now : t.in((clock[0] === "00" ? clock.slice(1) : clock).join(":"))}
    </span>
  );
}

function Outcome({ claim }: { claim: Claim }) {
  const t = words.value.faucet;
  switch (claim.step) {
    case "idle":
      return null;
    case "asking":
    case "claiming":
      return <p>{t.steps[claim.step]}</p>;
    case "working": {
      const { tried, expected } = claim.progress;
      // The search has no memory: this is the chance that it would have ended by now.
      const share = 1 - Math.exp(-tried / expected);
      return (
        <div class="working">
          <span>{t.steps.working(scaled(tried), scaled(expected))}</span>
          <progress value={share} max={1} aria-label={t.work} />
        </div>
      );
    }
    case "paid":
      return (
        <p class="verdict good">
          {t.paid(amountText(claim.claimed.amount))} <TransactionLink id={claim.claimed.transaction} />
        </p>
      );
    case "refused":
      return (
        <p class="verdict bad">
          {reasonText(claim.problem.reason, problemText(claim.problem))} <Countdown until={claim.until} />
        </p>
      );
  }
}

function About({ faucet }: { faucet: Faucet }) {
  const t = words.value.faucet;
  const { left, capacity, refill_per_hour } = faucet.budget;
  return (
    <>
      <p>{t.aboutText(span(faucet.interval_s * 1000))}</p>
      {faucet.on && (
        <Meter
          label={t.budget}
          value={Number(BigInt(left) / 1000n)}
          most={Number(BigInt(capacity) / 1000n)}
          text={`${amountText(left)} / ${amountText(capacity)}`}
        />
      )}
      <Facts>
        <Fact name={t.state}>
          <span class={`tag ${faucet.state === "open" ? "in" : "out"}`}>{t.states[faucet.state]}</span>
        </Fact>
        <Fact name={t.refill}>
          <Amount drops={refill_per_hour} />
        </Fact>
        <Fact name={t.limit}>
          <Amount drops={faucet.balance_limit} />
        </Fact>
        <Fact name={t.work}>{faucet.work_bits === 0 ? t.noWork : t.workOf(scaled(2 ** faucet.work_bits))}</Fact>
        {faucet.on && (
          <Fact name={t.account}>
            <AccountLink address={faucet.account} />
          </Fact>
        )}
      </Facts>
    </>
  );
}

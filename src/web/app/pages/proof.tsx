// The proof that a transaction is in its block, checked here: the person need not believe the node about that.

import { ShieldCheck, ShieldX } from "lucide";
import { useState } from "preact/hooks";
import { type Problem, type Proof, type Transaction, api, problemOf } from "../api.ts";
import { holds } from "../../keys/proof.ts";
import { rules } from "../live.ts";
import { Icon } from "../parts/icon.tsx";
import { Card, Fact, Facts } from "../parts/layout.tsx";
import { ProblemBox } from "../parts/states.tsx";
import { Hash } from "../parts/values.tsx";
import { locale, words } from "../words/index.ts";

type State =
  { step: "idle" } | { step: "asking" } | { step: "failed"; problem: Problem } | { step: "checked"; proof: Proof; holds: boolean };

export function ProofCard({ transaction }: { transaction: Transaction }) {
  const t = words.value.proof;
  const [state, setState] = useState<State>({ step: "idle" });
  const start = async () => {
    setState({ step: "asking" });
    try {
      const proof = await api.proof(transaction.id);
      const chain = rules.value?.chain ?? (await api.network()).chain;
      setState({ step: "checked", proof, holds: holds(chain, transaction.id, transaction.block?.id ?? "", proof) });
    } catch (error) {
      setState({ step: "failed", problem: problemOf(error) });
    }
  };
  return (
    <Card title={t.title}>
      {state.step !== "checked" && (
        <>
          <p>{t.text}</p>
          <button type="button" class="quiet" disabled={state.step === "asking"} onClick={() => void start()}>
            {t.action}
          </button>
        </>
      )}
      {state.step === "failed" && <ProblemBox problem={state.problem} />}
      {state.step === "checked" && (
        <>
          <p class={state.holds ? "verdict good" : "verdict bad"} role="status">
            <Icon of={state.holds ? ShieldCheck : ShieldX} />{" "}
            {state.holds ? t.holds(state.proof.height.toLocaleString(locale.value)) : t.fails}
          </p>
          <details>
            <summary>{t.more}</summary>
            <Facts>
              <Fact name={t.leaf}>
                <Hash value={state.proof.leaf} whole />
              </Fact>
              {state.proof.branch.map((step, i) => (
                <Fact key={i} name={t.node(i + 1)}>
                  <Hash value={step.digest} whole />
                </Fact>
              ))}
              <Fact name={t.root}>
                <Hash value={state.proof.root} whole />
              </Fact>
            </Facts>
          </details>
        </>
      )}
    </Card>
  );
}

// The answer to a search: goes where the thing is, or says that there is none.

import { useEffect } from "preact/hooks";
import { type Found, api } from "../api.ts";
import { useAnswer } from "../ask.ts";
import { Title } from "../parts/layout.tsx";
import { Empty, Shown } from "../parts/states.tsx";
import { canonical, isAddress, to } from "../router.ts";
import { words } from "../words/index.ts";

function place(found: Found): string {
  switch (found.kind) {
    case "block":
      return to.block(found.id);
    case "transaction":
      return to.transaction(found.id);
    case "account":
      return to.account(found.address);
  }
}

export function SearchPage({ text }: { text: string }) {
  const t = words.value.search;
  const ask = async (): Promise<Found> => (isAddress(text) ? { kind: "account", address: canonical(text) } : api.search(text));
  const [answer, again] = useAnswer(ask, text);
  const found = answer.state === "ready" ? place(answer.value) : null;
  useEffect(() => {
    // Replaced, so that "back" leads to where the search began.
    if (found) location.replace(found);
  }, [found]);
  const nothing = answer.state === "failed" && (answer.problem.status === 404 || answer.problem.status === 400);
  return (
    <>
      <Title>{t.title}</Title>
      {nothing ? (
        <Empty>
          {t.nothing} <code>{text}</code>
          <br />
          {t.hint}
        </Empty>
      ) : (
        <Shown answer={answer} again={again}>
          {() => null}
        </Shown>
      )}
    </>
  );
}

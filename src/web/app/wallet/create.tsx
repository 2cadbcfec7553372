// A new account: words to write down, a test that they were written down, a name and a passphrase.

import { useEffect, useState } from "preact/hooks";
import { go } from "../router.ts";
import { Field } from "../parts/fields.tsx";
import { Card, Title } from "../parts/layout.tsx";
import { Skeleton } from "../parts/states.tsx";
import { words } from "../words/index.ts";
import { Keep } from "./keep.tsx";
import { refusal } from "./secret_work.tsx";
import { ask, forget, lock } from "./vault.ts";

/** How many of the words are asked for. */
const ASKED = 3;

type Step = { at: "words" } | { at: "test"; places: number[] } | { at: "keep" };

export function CreatePage() {
  const t = words.value.wallet;
  const [made, setMade] = useState<{ address: string; words: string[] } | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [step, setStep] = useState<Step>({ at: "words" });
  useEffect(() => {
    let here = true;
    lock();
    ask({ ask: "make" }).then(
      ({ address, words }) => here && setMade({ address, words: words.split(" ") }),
      (failed: unknown) => here && setError(refusal(failed)),
    );
    return () => {
      here = false;
      forget();
    };
  }, []);
  const number = step.at === "words" ? 1 : step.at === "test" ? 2 : 3;
  return (
    <>
      <Title>{t.create}</Title>
      <Card title={`${number}/3 · ${t.steps[step.at]}`} kind="narrow">
        {error && (
          <p class="problem" role="alert">
            {error}
          </p>
        )}
        {!made ? (
          !error && <Skeleton lines={4} />
        ) : step.at === "words" ? (
          <Words list={made.words} onNext={() => setStep({ at: "test", places: places(made.words.length) })} />
        ) : step.at === "test" ? (
          <Test list={made.words} places={step.places} onBack={() => setStep({ at: "words" })} onNext={() => setStep({ at: "keep" })} />
        ) : (
          <Keep address={made.address} onKept={() => go("#/wallet")} />
        )}
      </Card>
    </>
  );
}

/** Different places among the words, in their order. */
function places(count: number): number[] {
  const chosen = new Set<number>();
  while (chosen.size < ASKED) chosen.add((crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) % count);
  return [...chosen].sort((a, b) => a - b);
}

export function WordList({ list }: { list: string[] }) {
  return (
    <ol class="wordlist" lang="en" translate={false}>
      {list.map((word, i) => (
        <li key={i}>{word}</li>
      ))}
    </ol>
  );
}

function Words({ list, onNext }: { list: string[]; onNext: () => void }) {
  const t = words.value.wallet;
  return (
    <>
      <p>{t.wordsText}</p>
      <WordList list={list} />
      <p class="notice">{t.wordsWarning}</p>
      <div class="actions">
        <button type="button" onClick={onNext}>
          {t.wroteDown}
        </button>
      </div>
    </>
  );
}

function Test({ list, places, onBack, onNext }: { list: string[]; places: number[]; onBack: () => void; onNext: () => void }) {
  const t = words.value.wallet;
  const [given, setGiven] = useState<string[]>(() => places.map(() => ""));
  const [wrong, setWrong] = useState(false);
  const right = () => places.every((place, i) => given[i]?.trim().toLowerCase() === list[place]);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (right()) onNext();
        else setWrong(true);
      }}
    >
      <p>{t.testText}</p>
      {places.map((place, i) => (
        <Field
          key={place}
          label={t.wordNumber(place + 1)}
          kind="code"
          value={given[i] ?? ""}
          onInput={(text) => {
            setWrong(false);
            setGiven(given.map((old, j) => (j === i ? text : old)));
          }}
        />
      ))}
      {wrong && (
        <p class="error" role="alert">
          {t.testWrong}
        </p>
      )}
      <div class="actions">
        <button type="button" class="quiet" onClick={onBack}>
          {t.backToWords}
        </button>
        <button type="submit">{t.next}</button>
      </div>
    </form>
  );
}

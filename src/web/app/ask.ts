// A question of a page to the node, and what is known of its answer. While it is asked again the last answer stays, so
// that nothing flickers; an answer that comes after the page went on is dropped.

import { useEffect, useRef, useState } from "preact/hooks";
import { type Problem, problemOf } from "./api.ts";

export type Answer<T> =
  | { state: "loading" }
  | { state: "ready"; value: T }
  /** `value` is the last good answer, if there was one. */
  | { state: "failed"; problem: Problem; value: T | null };

/**
 * Asks when the page appears, and again whenever `about` or `again` changes: with another `about` the old answer goes
 * away, with another `again` it stays until the new one is there.
 */
export function useAnswer<T>(ask: () => Promise<T>, about: string, again: unknown = null): [Answer<T>, () => void] {
  const [answer, setAnswer] = useState<{ about: string; answer: Answer<T> }>({ about, answer: { state: "loading" } });
  const [count, setCount] = useState(0);
  const latest = useRef(0);

  useEffect(() => {
    const mine = ++latest.current;
    ask().then(
      (value) => {
        if (mine === latest.current) setAnswer({ about, answer: { state: "ready", value } });
      },
      (error: unknown) => {
        if (mine !== latest.current) return;
        setAnswer((before) => {
          const value = before.about === about ? lastValue(before.answer) : null;
          return { about, answer: { state: "failed", problem: problemOf(error), value } };
        });
      },
    );
  }, [about, again, count]);
  useEffect(() => () => void latest.current++, []);

  const shown: Answer<T> = answer.about === about ? answer.answer : { state: "loading" };
  return [shown, () => setCount((n) => n + 1)];
}

/** The last good answer, if there is one. */
export function lastValue<T>(answer: Answer<T>): T | null {
  return answer.state === "loading" ? null : answer.value;
}

// What stands where an answer will be, where there is nothing, and where something went wrong.

import type { ComponentChildren } from "preact";
import type { Problem } from "../api.ts";
import type { Answer } from "../ask.ts";
import { words } from "../words/index.ts";

/** Bars in the place of what is loading. */
export function Skeleton({ lines = 3 }: { lines?: number }) {
  return (
    <div class="skeleton" role="status">
      <span class="hidden">{words.value.loading}</span>
      {Array.from({ length: lines }, (_, i) => (
        <span key={i} class="bar" style={{ width: `${100 - ((i * 37) % 45)}%` }} />
      ))}
    </div>
  );
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

/** What a problem means and what to do about it. */
export function problemText(problem: Problem): string {
  const t = words.value.problems;
  if (problem.offline) return t.offline;
  const known = t.kinds[problem.kind as keyof typeof t.kinds];
  const detail = problem.message;
  if (known && detail) return `${known} (${detail})`;
  return known ?? detail ?? t.unknown;
}

export function ProblemBox({ problem, again }: { problem: Problem; again?: () => void }) {
  const t = words.value;
  return (
    <div class="problem" role="alert">
      <p>{problemText(problem)}</p>
      {again && problem.status !== 404 && (
        <button type="button" class="quiet" onClick={again}>
          {t.again}
        </button>
      )}
    </div>
  );
}

/** An answer: bars, the problem, or what `children` makes of it. A problem beside an older answer shows both. */
export function Shown<T>({
  answer,
  again,
  lines,
  children,
}: {
  answer: Answer<T>;
  again?: () => void;
  lines?: number;
  children: (value: T) => ComponentChildren;
}) {
  switch (answer.state) {
    case "loading":
      return <Skeleton lines={lines ?? 3} />;
    case "ready":
      return <>{children(answer.value)}</>;
    case "failed":
      return (
        <>
          <ProblemBox problem={answer.problem} {...(again ? { again } : {})} />
          {answer.value !== null && children(answer.value)}
        </>
      );
  }
}

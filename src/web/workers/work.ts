// Searches the number that the faucet wants: SHA-256(challenge ‖ "." ‖ number) begins with so many zero bits. Several of
// these workers share the numbers: each takes every n-th.

import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";

export interface Task {
  challenge: string;
  bits: number;
  /** The first number of this worker, and the distance to its next. */
  start: number;
  step: number;
}

export type Report = { kind: "tried"; count: number } | { kind: "found"; solution: string };

/** Hashes between two reports: some tenths of a second. */
const SLICE = 50_000;

/** Whether a digest begins with so many zero bits. */
export function isEnough(digest: Uint8Array, bits: number): boolean {
  const whole = bits >> 3;
  for (let i = 0; i < whole; i += 1) if (digest[i] !== 0) return false;
  const rest = bits & 7;
  return rest === 0 || (digest[whole] ?? 0xff) >> (8 - rest) === 0;
}

/** The first of the task's numbers, from `from` on, that is enough; at most `most` are tried. */
export function search({ challenge, bits, step }: Task, from: number, most: number): number | null {
  for (let i = 0; i < most; i += 1) {
    const number = from + i * step;
    if (isEnough(sha256(utf8ToBytes(`${challenge}.${number}`)), bits)) return number;
  }
  return null;
}

// In a worker only: the tests use the functions above.
if ("importScripts" in globalThis) {
  addEventListener("message", ({ data: task }: MessageEvent<Task>) => {
    for (let from = task.start; ; from += SLICE * task.step) {
      const found = search(task, from, SLICE);
      if (found !== null) return postMessage({ kind: "found", solution: String(found) } satisfies Report);
      postMessage({ kind: "tried", count: SLICE } satisfies Report);
    }
  });
}

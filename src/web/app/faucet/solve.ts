// Does the faucet's work on the cores that this machine can spare, and says how far it is.

import type { Report, Task } from "../../workers/work.ts";

/** More workers than this help little and make a phone hot. */
const MOST_WORKERS = 4;

/** How the work goes: numbers tried, and how many it takes on average. */
export interface Progress {
  tried: number;
  expected: number;
}

/** Searches until the solution is found; `signal` ends it before. */
export function solve(challenge: string, bits: number, progress: (now: Progress) => void, signal: AbortSignal): Promise<string> {
  const step = Math.max(1, Math.min(MOST_WORKERS, (navigator.hardwareConcurrency || 2) - 1));
  const workers: Worker[] = [];
  const end = () => workers.forEach((worker) => worker.terminate());
  let tried = 0;
  return new Promise<string>((done, failed) => {
    signal.addEventListener("abort", () => failed(new DOMException("stopped", "AbortError")));
    for (let start = 0; start < step; start += 1) {
      const worker = new Worker("/work.js", { type: "module" });
      workers.push(worker);
      worker.onerror = () => failed(new Error("the worker does not start"));
      worker.onmessage = ({ data }: MessageEvent<Report>) => {
        if (data.kind === "found") return done(data.solution);
        tried += data.count;
        progress({ tried, expected: 2 ** bits });
      };
      worker.postMessage({ challenge, bits, start, step } satisfies Task);
    }
  }).finally(end);
}

// The page's side of the vault: starts it when a key is needed, and ends it to lock. See workers/vault.ts.

import { signal } from "@preact/signals";
import type { Answer, Given, Question } from "../../workers/vault_talk.ts";

/** Without use for so long, the vault is locked. */
const IDLE_MS = 5 * 60_000;

/** The account whose key is held; null while locked. */
export const unlocked = signal<string | null>(null);

/** Why the vault did not do it, in one word. */
export class Refused extends Error {
  readonly why: string;

  constructor(why: string) {
    super(why);
    this.why = why;
  }
}

interface Asked {
  done: (value: unknown) => void;
  failed: (error: Refused) => void;
  progress: (share: number) => void;
}

let worker: Worker | null = null;
let asked = new Map<number, Asked>();
let count = 0;
let idle: ReturnType<typeof setTimeout> | undefined;

function start(): Worker {
  const started = new Worker("/vault.js", { type: "module" });
  started.onmessage = ({ data }: MessageEvent<Answer>) => {
    const waiting = asked.get(data.number);
    if (!waiting) return;
    if (data.kind === "progress") return waiting.progress(data.share);
    asked.delete(data.number);
    if (data.kind === "done") waiting.done(data.value);
    else waiting.failed(new Refused(data.why));
  };
  started.onerror = () => lock();
  return started;
}

/** Asks the vault. `progress` hears how far the work of a passphrase is, from 0 to 1. */
export function ask<Kind extends Question["ask"]>(
  question: Extract<Question, { ask: Kind }>,
  progress: (share: number) => void = () => undefined,
): Promise<Given[Kind]> {
  const running = (worker ??= start());
  touch();
  const number = ++count;
  return new Promise((done, failed) => {
    asked.set(number, { done: done as (value: unknown) => void, failed, progress });
    running.postMessage({ number, question });
  });
}

/** The key of this account is held from now on. */
export function isOpen(address: string): void {
  unlocked.value = address;
  touch();
}

/** Ends the vault with everything in it. */
export function lock(): void {
  clearTimeout(idle);
  worker?.terminate();
  worker = null;
  unlocked.value = null;
  const waiting = asked;
  asked = new Map();
  for (const { failed } of waiting.values()) failed(new Refused("locked"));
}

/** Ends the vault if it holds the key of no account: one that was not kept in the end. */
export function forget(): void {
  if (unlocked.peek() === null) lock();
}

function touch(): void {
  clearTimeout(idle);
  idle = setTimeout(lock, IDLE_MS);
}

for (const event of ["pointerdown", "keydown"] as const) {
  addEventListener(event, () => worker && touch(), { passive: true });
}
addEventListener("pagehide", lock);

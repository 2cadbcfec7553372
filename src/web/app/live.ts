// What is new: the node's event stream, and what the whole application knows from it. While the stream is away, the
// status is asked every few seconds instead. A page that nobody looks at gives its stream back: a node has few.

import { computed, effect, signal } from "@preact/signals";
import { type Id, type Network, type NewBlock, type Pulse, type Reorganisation, type Status, type TransactionNews, api } from "./api.ts";

/** How news arrives. */
export type Line = "starting" | "live" | "polling" | "offline";

const POLL_MS = 4_000;
/** Waits between two attempts to open the stream. */
const RETRY_MS = [1_000, 2_000, 5_000, 15_000, 30_000];
/** A hidden page keeps its stream this long. */
const HIDDEN_MS = 60_000;
/** Blocks that are remembered for the overview. */
const RECENT = 24;

export const line = signal<Line>("starting");
export const status = signal<Status | null>(null);
export const rules = signal<Network | null>(null);
/** The newest blocks, the newest first. */
export const recent = signal<NewBlock[]>([]);
/** The last reorganisation that was heard of, and when. */
export const reorganisation = signal<{ at: number; last: Reorganisation } | null>(null);
/** The id of the tip: changes with every block. */
export const tip = computed(() => status.value?.tip.id ?? null);
export const height = computed(() => status.value?.tip.height ?? 0);
/** The clock, for times that read "5 s ago". */
export const now = signal(Date.now());

type Listener = (news: TransactionNews) => void;
const listeners = new Set<Listener>();

/** Calls `listener` with every piece of news about a transaction, until the function that is returned is called. */
export function onTransaction(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

let stream: EventSource | null = null;
let attempt = 0;
let retry: ReturnType<typeof setTimeout> | undefined;

async function poll(): Promise<void> {
  try {
    const answer = await api.status();
    const moved = answer.tip.id !== status.peek()?.tip.id;
    status.value = answer;
    if (line.peek() !== "live") line.value = "polling";
    if (rules.peek() === null) rules.value = await api.network();
    if (moved) await fill();
  } catch {
    if (line.peek() !== "live") line.value = "offline";
  }
}

/** Asks for the newest blocks; needed at the start, and after a gap or a reorganisation. */
async function fill(): Promise<void> {
  recent.value = (await api.blocks(RECENT)).list;
}

function take(block: NewBlock): void {
  const old = status.peek();
  if (old) status.value = { ...old, tip: { ...old.tip, id: block.id, height: block.height, time: block.time } };
  const [newest] = recent.peek();
  if (newest && newest.height + 1 === block.height) recent.value = [block, ...recent.peek()].slice(0, RECENT);
  else if (newest?.id !== block.id) void fill().catch(() => undefined);
}

function hear<T>(name: string, handle: (news: T) => void): void {
  stream?.addEventListener(name, (event) => handle(JSON.parse((event as MessageEvent<string>).data) as T));
}

function open(): void {
  close();
  stream = api.events();
  stream.onopen = () => {
    attempt = 0;
    line.value = "live";
    void poll();
  };
  stream.onerror = () => {
    // The browser would try again by itself after some errors and give up after others; one way for all is clearer.
    close();
    line.value = "polling";
    void poll();
    retry = setTimeout(open, RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]);
    attempt += 1;
  };
  hear<NewBlock>("block", take);
  hear<Pulse>("status", ({ tip, pool, peers }) => {
    const old = status.peek();
    if (old) status.value = { ...old, tip, pool, peers };
  });
  hear<TransactionNews>("transaction", (news) => listeners.forEach((listener) => listener(news)));
  hear<Reorganisation>("reorganisation", (news) => {
    reorganisation.value = { at: Date.now(), last: news };
    for (const id of news.returned) listeners.forEach((listener) => listener({ id, state: "pool" }));
    void poll()
      .then(fill)
      .catch(() => undefined);
  });
}

function close(): void {
  clearTimeout(retry);
  stream?.close();
  stream = null;
}

/** Begins to listen, for as long as the page exists. */
export function listen(): void {
  open();
  void poll();
  // Nobody sees a hidden page's clock, and what is asked by it can wait.
  setInterval(() => {
    if (document.visibilityState === "visible") now.value = Date.now();
  }, 1_000);
  setInterval(() => {
    if (line.peek() !== "live" && document.visibilityState === "visible") void poll();
  }, POLL_MS);
  let hidden: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hidden);
    if (document.visibilityState === "hidden") hidden = setTimeout(close, HIDDEN_MS);
    else if (stream === null) open();
  });
  // Of another network than before: nothing that was shown is true any more.
  let chain: Id | undefined;
  effect(() => {
    const current = status.value?.chain;
    if (chain && current && chain !== current) location.reload();
    chain = current ?? chain;
  });
}

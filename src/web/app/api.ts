// The one file that talks to the node: every request, its answer's type, and what went wrong.
// Amounts are decimal strings in drops and nonces decimal strings, since neither fits a JavaScript number.

/** Drops as a decimal string. */
export type Drops = string;
/** A block's or transaction's id, 64 hex digits. */
export type Id = string;
/** An account, 0x and 40 hex digits. */
export type Address = string;

export interface Status {
  version: string;
  network: string;
  chain: Id;
  tip: { id: Id; height: number; time: number; work: string };
  transactions: number;
  pool: { transactions: number; bytes: number };
  peers: number;
  external: string[];
  sync: { phase: string; height: number; target: number; done: number; total: number; per_second: number; remaining_s: number | null };
  live: boolean;
  ready: boolean;
  reasons: string[];
}

/** The rules of the network. */
export interface Network {
  name: string;
  chain: Id;
  genesis_time: number;
  interval_ms: number;
  response_ms: number;
  reward: Drops;
  nonce_base: string;
  minimum_fee: Drops;
  limits: { block_bytes: number; block_transactions: number; barreleye_bytes: number; data_bytes: number; transfer_bytes: number };
  miners: string[];
  peers_to_mine: number;
  mint_only: boolean;
}

export interface Supply {
  height: number;
  issued: Drops;
  opening: Drops;
  reward: Drops;
  maximum: Drops | null;
}

/** What the stream tells of a new block; lists tell more. */
export interface NewBlock {
  id: Id;
  height: number;
  time: number;
  miner: Address;
  transactions: number;
  bytes: number;
  difficulty: number;
  fees: Drops;
}

export interface BlockSummary extends NewBlock {
  work: string;
  target: string;
  reward: Drops;
  parent: Id;
}

export interface Block extends BlockSummary {
  in_chain: boolean;
  confirmations: number;
  version: number;
  root: string;
  nonce: string;
  miner_key: string;
  signature: string;
  header: string;
}

export interface BlockPlace {
  id: Id;
  height: number;
  index: number;
  time: number;
}

export type WaitingReason = "next_block" | "queue" | "fee" | "nonce_gap";

export interface Transaction {
  id: Id;
  kind: "transfer" | "barreleye";
  state: "pool" | "confirmed";
  from: Address;
  to: Address;
  amount: Drops;
  fee: Drops;
  nonce: string;
  data: string;
  size: number;
  signer: string;
  signature: string;
  block: BlockPlace | null;
  confirmations: number;
  /** When the node took it into its pool; null if it does not wait there. */
  received: number | null;
}

/** Something that happened to an account; where a block paid its miner there is no transaction. */
export interface HistoryItem {
  direction: "in" | "out" | "self" | "mined";
  amount: Drops;
  height: number;
  block: Id;
  time: number;
  transaction: Transaction | null;
}

/** Why a transaction waits. */
export interface Waiting {
  state: "pool" | "confirmed";
  reason: WaitingReason | null;
  next_nonce: string;
  missing_nonces: string[];
  position: number | null;
  ahead_bytes: number | null;
  expected_blocks: number | null;
}

/** That a transaction is in a block. */
export interface Proof {
  transaction: Id;
  block: Id;
  height: number;
  index: number;
  transactions: number;
  leaf: string;
  /** Every byte of the transaction. */
  encoded: string;
  branch: { side: "left" | "right"; digest: string }[];
  root: string;
  header: string;
}

export interface Account {
  address: Address;
  exists: boolean;
  balance: Drops;
  nonce: string;
  /** Transactions that it sent. */
  sequence: number;
  next_nonce: string;
  /** Its transactions that wait. */
  waiting: number;
}

export interface PoolItem {
  id: Id;
  from: Address;
  to: Address;
  amount: Drops;
  fee: Drops;
  size: number;
  fee_per_byte: number;
  received: number;
}

export interface Pool {
  transactions: number;
  bytes: number;
  capacity_bytes: number;
  list: PoolItem[];
}

export interface Fee {
  per_1000_bytes: Drops;
  /** For a transfer without data. */
  transfer: Drops;
}

export interface Fees {
  minimum: Fee;
  next_block: Fee;
  three_blocks: Fee;
  ten_blocks: Fee;
}

/** Numbers of the last blocks, the lowest first. */
export interface Statistics {
  height: number[];
  interval_ms: number[];
  difficulty: number[];
  transactions: number[];
  hash_rate: number;
  mean_interval_ms: number;
  intended_interval_ms: number;
}

export interface Peer {
  agent: string;
  height: number;
  direction: "in" | "out";
  since_ms: number;
}

export interface Peers {
  peers: Peer[];
  inbound: number;
  outbound: number;
}

/** What the stream tells of the node every few seconds. */
export interface Pulse {
  tip: Status["tip"];
  pool: Status["pool"];
  peers: number;
}

export interface TransactionNews {
  id: Id;
  state: "pool" | "confirmed" | "dropped";
}

export interface Reorganisation {
  /** Blocks that left the chain. */
  depth: number;
  fork_height: number;
  from: Id;
  to: Id;
  /** Transactions that wait again. */
  returned: Id[];
}

export type Found = { kind: "block"; id: Id; height: number } | { kind: "transaction"; id: Id } | { kind: "account"; address: Address };

export interface Faucet {
  on: boolean;
  state: "off" | "closed" | "paused" | "open";
  account: Address;
  /** What a claim gets now. */
  amount: Drops;
  full_amount: Drops;
  interval_s: number;
  /** An account with so much or more gets nothing. */
  balance_limit: Drops;
  /** What an account may ever get. */
  account_limit: Drops;
  budget: { left: Drops; capacity: Drops; refill_per_hour: Drops; share_percent: number };
  work_bits: number;
  /** What a claim from here would meet now; null if it would be paid. */
  you: { reason: string; retry_after_s: number | null; detail: string } | null;
}

export interface Challenge {
  challenge: string;
  bits: number;
  expires_in_s: number;
  algorithm: "sha256";
}

export interface Claimed {
  transaction: Id;
  amount: Drops;
  fee: Drops;
  claim: string;
}

/** A native transfer with its signature, as the node takes it. */
export interface SignedTransfer {
  from: string;
  to: Address;
  amount: Drops;
  fee: Drops;
  nonce: string;
  data: string;
  signature: string;
}

/** Why a request was not granted: what the node says, or that it does not answer. */
export class Problem extends Error {
  /** The last part of the problem's type: a word that stays the same. `offline` if the node did not answer. */
  readonly kind: string;
  readonly status: number;
  /** Why the faucet does not pay, in one stable word. */
  readonly reason: string | null;
  /** Seconds after which it is worth trying again. */
  readonly retryAfter: number | null;

  constructor(status: number, body: { type?: string; detail?: string; title?: string; reason?: string; retry_after_s?: number }) {
    super(body.detail ?? body.title ?? "");
    this.status = status;
    this.kind = body.type?.split("/").pop() ?? (status === 0 ? "offline" : "unknown");
    this.reason = body.reason ?? null;
    this.retryAfter = body.retry_after_s ?? null;
  }

  get offline(): boolean {
    return this.kind === "offline";
  }
}

/** Any error as a problem; what is not one of ours keeps its text. */
export function problemOf(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem(-1, { detail: error instanceof Error ? error.message : String(error) });
}

/** A node on a busy machine may take this long; the node itself gives up after ten seconds. */
const PATIENCE_MS = 15_000;

async function ask<T>(path: string, init: RequestInit = {}): Promise<T> {
  let reply: Response;
  try {
    reply = await fetch(`/v1/${path}`, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS), ...init });
  } catch {
    throw new Problem(0, {});
  }
  const body: unknown = await reply.json().catch(() => ({}));
  if (!reply.ok) throw new Problem(reply.status, body as ConstructorParameters<typeof Problem>[1]);
  return body as T;
}

function post<T>(path: string, body: unknown): Promise<T> {
  return ask<T>(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

function query(values: Record<string, string | number | null | undefined>): string {
  const given = Object.entries(values).filter(([, value]) => value !== null && value !== undefined);
  return given.length === 0 ? "" : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}

/** A part of a long list; `next` is where it goes on, or null at its end. */
export interface Page<T> {
  list: T[];
  next: string | null;
}

type Listed<Name extends string, T> = { [key in Name]: T[] } & { next: string | number | null };

function page<Name extends string, T>(name: Name, answer: Listed<Name, T>): Page<T> {
  return { list: answer[name], next: answer.next === null ? null : String(answer.next) };
}

export const api = {
  status: () => ask<Status>("status"),
  network: () => ask<Network>("network"),
  supply: () => ask<Supply>("supply"),
  blocks: async (limit: number, before?: string | null) =>
    page("blocks", await ask<Listed<"blocks", BlockSummary>>(`blocks${query({ limit, before })}`)),
  block: (which: string) => ask<Block>(`blocks/${which}`),
  blockTransactions: async (which: string, limit: number, from?: string | null) =>
    page("transactions", await ask<Listed<"transactions", Transaction>>(`blocks/${which}/transactions${query({ limit, from })}`)),
  transactions: async (limit: number, before?: string | null) =>
    page("transactions", await ask<Listed<"transactions", Transaction>>(`transactions${query({ limit, before })}`)),
  transaction: (id: Id) => ask<Transaction>(`transactions/${id}`),
  waiting: (id: Id) => ask<Waiting>(`transactions/${id}/waiting`),
  proof: (id: Id) => ask<Proof>(`transactions/${id}/proof`),
  submit: (transfer: SignedTransfer) => post<{ id: Id }>("transactions", transfer),
  account: (address: Address) => ask<Account>(`accounts/${address}`),
  history: async (address: Address, limit: number, before?: string | null) =>
    page("transactions", await ask<Listed<"transactions", HistoryItem>>(`accounts/${address}/transactions${query({ limit, before })}`)),
  historyCsv: (address: Address) => `/v1/accounts/${address}/transactions.csv`,
  pool: (limit: number) => ask<Pool>(`pool${query({ limit })}`),
  fees: () => ask<Fees>("fees"),
  statistics: (blocks: number) => ask<Statistics>(`statistics${query({ blocks })}`),
  peers: () => ask<Peers>("peers"),
  search: (text: string) => ask<Found>(`search${query({ q: text })}`),
  faucet: (address: Address | null) => ask<Faucet>(`faucet${query({ address })}`),
  challenge: (address: Address) => ask<Challenge>(`faucet/challenge${query({ address })}`),
  claim: (address: Address, work: { challenge: string; solution?: string }) => post<Claimed>("faucet/claims", { address, ...work }),
  /** The stream of news; see live.ts. */
  events: () => new EventSource("/v1/events"),
};

// The person's accounts: key files with names, in this browser's storage. The files are encrypted; nothing secret is
// kept in any other form. Whether a file is whole is the vault's to say, when it is opened. Other windows of the same
// browser see changes at once.

import { computed, signal } from "@preact/signals";
import type { KeyFile } from "../../keys/keyfile.ts";

export interface OwnAccount {
  name: string;
  file: KeyFile;
}

interface Kept {
  accounts: OwnAccount[];
  chosen: string | null;
}

const KEY = "barreleye.accounts";

const kept = signal<Kept>(load());

export const accounts = computed(() => kept.value.accounts);
/** The account that the person uses now. */
export const current = computed(() => accounts.value.find(({ file }) => file.address === kept.value.chosen) ?? accounts.value[0] ?? null);

function load(): Kept {
  try {
    const value = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Kept>;
    const list = Array.isArray(value.accounts) ? value.accounts : [];
    return { accounts: list.filter(({ file }) => typeof file?.address === "string"), chosen: value.chosen ?? null };
  } catch {
    return { accounts: [], chosen: null };
  }
}

/** Keeps it; throws where the browser keeps nothing, since a key that is believed to be kept must be. */
function store(next: Kept): void {
  localStorage.setItem(KEY, JSON.stringify(next));
  kept.value = next;
}

export function add(account: OwnAccount): void {
  const others = accounts.value.filter(({ file }) => file.address !== account.file.address);
  store({ accounts: [...others, account], chosen: account.file.address });
}

export function remove(address: string): void {
  store({ accounts: accounts.value.filter(({ file }) => file.address !== address), chosen: null });
}

export function use(address: string): void {
  store({ ...kept.value, chosen: address });
}

export function rename(address: string, name: string): void {
  const list = accounts.value.map((account) => (account.file.address === address ? { ...account, name } : account));
  store({ ...kept.value, accounts: list });
}

addEventListener("storage", (event) => {
  if (event.key === KEY || event.key === null) kept.value = load();
});

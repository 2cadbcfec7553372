// Whether the wallet is open, and the way to lock it.

import { LockKeyhole, LockKeyholeOpen } from "lucide";
import { Icon } from "../parts/icon.tsx";
import { words } from "../words/index.ts";
import { lock, unlocked } from "./vault.ts";

/** A button in the head of the page while a key is held. */
export function LockChip() {
  const t = words.value.wallet;
  if (unlocked.value === null) return null;
  return (
    <button type="button" class="lock" aria-label={t.lock} title={t.lockHint} onClick={lock}>
      <Icon of={LockKeyholeOpen} size={16} />
      <span>{t.lock}</span>
    </button>
  );
}

export function LockState({ address }: { address: string }) {
  const t = words.value.wallet;
  const open = unlocked.value === address;
  return (
    <span class={`tag ${open ? "in" : ""}`}>
      <Icon of={open ? LockKeyholeOpen : LockKeyhole} size={13} /> {open ? t.open : t.locked}
    </span>
  );
}

// Work with a passphrase: runs it, shows how far it is, and says what went wrong.

import { useState } from "preact/hooks";
import { words } from "../words/index.ts";
import { Refused } from "./vault.ts";

export interface SecretWork {
  /** From 0 to 1 while it runs, else null. */
  share: number | null;
  /** What went wrong, for people. */
  error: string | null;
  /** Runs it. Gives whether it succeeded. */
  run: (work: (progress: (share: number) => void) => Promise<void>) => Promise<boolean>;
  clear: () => void;
}

/** What a word of the vault means. */
export function refusal(error: unknown): string {
  const t = words.value.wallet.refusals;
  if (error instanceof Refused) return t[error.why as keyof typeof t] ?? t.machine;
  if (error instanceof DOMException && error.name === "QuotaExceededError") return t.storage;
  return error instanceof Error && error.message ? error.message : t.machine;
}

export function useSecretWork(): SecretWork {
  const [share, setShare] = useState<number | null>(null);
  const [error, setError] = useState<string | null>(null);
  return {
    share,
    error,
    clear: () => setError(null),
    run: async (work) => {
      setError(null);
      setShare(0);
      try {
        await work(setShare);
        return true;
      } catch (failed) {
        setError(refusal(failed));
        return false;
      } finally {
        setShare(null);
      }
    },
  };
}

/** A bar while the passphrase is worked on. */
export function Working({ share, label }: { share: number | null; label: string }) {
  if (share === null) return null;
  return (
    <div class="working" role="status">
      <span>{label}</span>
      <progress value={share} max={1} aria-label={label} />
    </div>
  );
}

/** Passphrases shorter than this are guessed too soon. */
export const LEAST_PASSPHRASE = 10;

/** What is wrong with a new passphrase and its repetition, if anything. */
export function passphraseError(passphrase: string, again: string): { passphrase: string | null; again: string | null } {
  const t = words.value.wallet;
  const short = passphrase !== "" && [...passphrase].length < LEAST_PASSPHRASE;
  const differs = again !== "" && again !== passphrase;
  return { passphrase: short ? t.tooShort(LEAST_PASSPHRASE) : null, again: differs ? t.differs : null };
}

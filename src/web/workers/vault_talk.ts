// What the page and the vault say to each other.

import type { KeyFile } from "../keys/keyfile.ts";
import type { Order, Signed } from "../keys/transfer.ts";

export type Question =
  /** Makes a new key and holds it. */
  | { ask: "make" }
  /** Holds the key of backup words. */
  | { ask: "words"; text: string }
  /** Holds a key that was written down as a number. */
  | { ask: "text"; text: string }
  /** Reads the text of a key file, as far as that goes without its passphrase. */
  | { ask: "look"; text: string }
  /** Holds the key of a file. */
  | { ask: "open"; file: KeyFile; passphrase: string }
  /** Encrypts the key that is held. */
  | { ask: "seal"; passphrase: string }
  /** Signs with it. */
  | { ask: "sign"; chain: string; order: Order }
  /** Its backup words, if it has any. */
  | { ask: "tell" };

/** What each question gives. */
export interface Given {
  make: { address: string; words: string };
  words: string;
  text: string;
  look: KeyFile;
  open: string;
  seal: KeyFile;
  sign: Signed;
  tell: string | null;
}

export type Answer =
  | { number: number; kind: "progress"; share: number }
  | { number: number; kind: "done"; value: unknown }
  | { number: number; kind: "failed"; why: string };

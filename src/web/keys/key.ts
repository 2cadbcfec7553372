// Secret keys: made from the platform's randomness, from words, or from what other programs show; and the address that
// belongs to one. Rules K1 and K2 of docs/rules.md.

import { secp256k1 } from "@noble/curves/secp256k1.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { HDKey } from "@scure/bip32";
import { entropyToMnemonic, generateMnemonic, mnemonicToEntropy, mnemonicToSeedSync } from "@scure/bip39";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { bytesToHex, hexToBytes } from "./bytes.ts";

/** The same path as the command line's: with it common wallets give the same key. */
const PATH = "m/44'/60'/0'/0/0";
/** More digits than any number that a wallet ever showed. */
const MAX_DIGITS = 256;

/** A secret key, and what its words stand for if it comes from words. */
export interface Secret {
  key: Uint8Array;
  entropy: Uint8Array | null;
}

/** Why a text leads to no key; the text itself is never repeated. */
export type KeyError = "words" | "unknown_word" | "form" | "range";

export class BadKey extends Error {
  readonly why: KeyError;

  constructor(why: KeyError) {
    super(why);
    this.why = why;
  }
}

/** New words, and their key. */
export function newSecret(): { secret: Secret; words: string } {
  const words = generateMnemonic(wordlist, 128);
  return { secret: fromWords(words), words };
}

/** The key that words lead to, in any case and with any white space between them. */
export function fromWords(text: string): Secret {
  const words = text.trim().toLowerCase().split(/\s+/);
  if (![12, 15, 18, 21, 24].includes(words.length)) throw new BadKey("words");
  if (words.some((word) => !wordlist.includes(word))) throw new BadKey("unknown_word");
  const phrase = words.join(" ");
  let entropy: Uint8Array;
  try {
    entropy = mnemonicToEntropy(phrase, wordlist);
  } catch {
    throw new BadKey("words");
  }
  const seed = mnemonicToSeedSync(phrase);
  const root = HDKey.fromMasterSeed(seed);
  const child = root.derive(PATH);
  const key = child.privateKey?.slice();
  root.wipePrivateData();
  child.wipePrivateData();
  seed.fill(0);
  if (!key) throw new BadKey("words");
  return { key, entropy };
}

/** The words of entropy. */
export function wordsOf(entropy: Uint8Array): string {
  return entropyToMnemonic(entropy, wordlist);
}

/**
 * A key as people have it: hex with or without `0x` and leading zeros, or the decimal number of Barreleye Scan.
 *
 * Barreleye Scan shows a new key as a decimal number and later takes those digits for hex, modulo the order of the
 * curve; only that reading leads to the account that it showed. For at most 64 digits it is the same as hex, so one
 * field serves both.
 */
export function fromText(text: string): Secret {
  const trimmed = text.trim();
  const prefixed = /^0x/i.test(trimmed);
  const digits = trimmed.replace(/^0x/i, "");
  const scan = !prefixed && /^\d+$/.test(digits) && digits.length <= MAX_DIGITS;
  if (!scan && !/^[0-9a-f]{1,64}$/i.test(digits)) throw new BadKey("form");
  const number = BigInt(`0x${digits}`);
  const reduced = scan ? number % secp256k1.Point.Fn.ORDER : number;
  const key = hexToBytes(reduced.toString(16).padStart(64, "0"));
  return { key: checked(key), entropy: null };
}

/** The key itself, if it is one: neither zero nor as large as the order of the curve. */
export function checked(key: Uint8Array): Uint8Array {
  if (!secp256k1.utils.isValidSecretKey(key)) throw new BadKey("range");
  return key;
}

/** The compressed public key. */
export function publicKey(key: Uint8Array): Uint8Array {
  return secp256k1.getPublicKey(key, true);
}

/** The address of a public key: the first 20 bytes of SHA-256(x ‖ y). */
export function addressOf(publicKey: Uint8Array): string {
  const xy = secp256k1.Point.fromBytes(publicKey).toBytes(false).subarray(1);
  return `0x${bytesToHex(sha256(xy).subarray(0, 20))}`;
}

/** Signs a digest: deterministic, low s (rule K1). */
export function sign(digest: Uint8Array, key: Uint8Array): Uint8Array {
  return secp256k1.sign(digest, key, { prehash: false, lowS: true });
}

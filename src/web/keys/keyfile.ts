// The encrypted key file of docs/keyfile.md, word for word the one of the command line: Argon2id makes a key of the
// passphrase, XChaCha20-Poly1305 seals the secret. Everything that can be said without the passphrase is said before
// any work is done, so that a hostile file cannot take the machine.

import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { argon2idAsync } from "@noble/hashes/argon2.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { randomBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { bytesToHex, concatBytes, hexToBytes } from "./bytes.ts";
import { type Secret, addressOf, checked, fromWords, publicKey, wordsOf } from "./key.ts";

export interface KeyFile {
  barreleye_key: 1;
  address: string;
  public_key: string;
  kdf: { name: "argon2id"; salt: string; memory_kib: number; passes: number; lanes: number };
  cipher: { name: "xchacha20poly1305"; nonce: string };
  sealed: string;
  checksum: string;
}

/** Why a file does not open. */
export type KeyFileError = "not_one" | "newer" | "unknown" | "work" | "damaged" | "passphrase";

export class BadKeyFile extends Error {
  readonly why: KeyFileError;

  constructor(why: KeyFileError, detail = "") {
    super(`${why} ${detail}`);
    this.why = why;
  }
}

/** What new files cost to open: the command line's numbers. */
export const COST = { memory_kib: 64 * 1024, passes: 3, lanes: 1 };
const MOST = { memory_kib: 256 * 1024, passes: 10, lanes: 4 };
const LEAST_KIB_A_LANE = 8;
const KEY_BYTES = 32;
const TAG_BYTES = 16;
/** What may stand behind the key: nothing, or what 12 to 24 words stand for. */
const ENTROPY_BYTES = [0, 16, 20, 24, 28, 32];
const CHECKSUM_BYTES = 8;
/** Names in a file, those inside `kdf` and `cipher` included. */
const FIELDS = 14;

type Progress = (share: number) => void;

/** Reads the text of a key file. Whether a passphrase fits is known only by `open`. */
export function read(text: string): KeyFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new BadKeyFile(text.trimStart().startsWith("{") ? "damaged" : "not_one");
  }
  // The parser would take the last of two fields with one name.
  const twice = (text.match(/"\s*:/g) ?? []).length > FIELDS;
  const version = (value as { barreleye_key?: unknown } | null)?.barreleye_key;
  if (typeof version !== "number" || !Number.isInteger(version) || version < 1) throw new BadKeyFile("not_one");
  if (version > 1) throw new BadKeyFile("newer");
  const file = value as KeyFile;
  const { kdf, cipher } = file;
  if (typeof kdf?.name === "string" && kdf.name !== "argon2id") throw new BadKeyFile("unknown");
  if (typeof cipher?.name === "string" && cipher.name !== "xchacha20poly1305") throw new BadKeyFile("unknown");
  if (!whole(kdf?.memory_kib) || !whole(kdf.passes) || !whole(kdf.lanes)) throw new BadKeyFile("damaged", "kdf");
  if (!sane(kdf)) throw new BadKeyFile("work");
  const fields: [string, unknown, RegExp][] = [
    ["address", file.address, /^0x[0-9a-f]{40}$/],
    ["public_key", file.public_key, /^0[23][0-9a-f]{64}$/],
    ["salt", kdf.salt, /^[0-9a-f]{64}$/],
    ["nonce", cipher?.nonce, /^[0-9a-f]{48}$/],
    ["sealed", file.sealed, /^([0-9a-f]{2})+$/],
  ];
  for (const [name, field, form] of fields) {
    if (typeof field !== "string" || !form.test(field)) throw new BadKeyFile("damaged", name);
  }
  if (twice || !sameFields(file, write(file))) throw new BadKeyFile("damaged", "fields or checksum");
  if (!ENTROPY_BYTES.includes(file.sealed.length / 2 - KEY_BYTES - TAG_BYTES)) throw new BadKeyFile("damaged", "length");
  if (addressOf(hexToBytes(file.public_key)) !== file.address) throw new BadKeyFile("damaged", "address");
  return file;
}

/** The text of a key file. */
export function toText(file: KeyFile): string {
  return `${JSON.stringify(write(file), null, 2)}\n`;
}

/** Encrypts a secret. `cost` is only smaller in tests. */
export async function seal(secret: Secret, passphrase: string, progress: Progress = () => undefined, cost = COST): Promise<KeyFile> {
  const key = publicKey(secret.key);
  const file: KeyFile = {
    barreleye_key: 1,
    address: addressOf(key),
    public_key: bytesToHex(key),
    kdf: { name: "argon2id", salt: bytesToHex(randomBytes(32)), ...cost },
    cipher: { name: "xchacha20poly1305", nonce: bytesToHex(randomBytes(24)) },
    sealed: "",
    checksum: "",
  };
  const plain = concatBytes(secret.key, secret.entropy ?? new Uint8Array());
  const cipher = await cipherOf(file, passphrase, progress);
  const sealed = { ...file, sealed: bytesToHex(cipher.encrypt(plain)) };
  plain.fill(0);
  return write(sealed);
}

/** Decrypts the secret. */
export async function open(file: KeyFile, passphrase: string, progress: Progress = () => undefined): Promise<Secret> {
  const cipher = await cipherOf(file, passphrase, progress);
  let plain: Uint8Array;
  try {
    plain = cipher.decrypt(hexToBytes(file.sealed));
  } catch {
    throw new BadKeyFile("passphrase");
  }
  const key = checked(plain.slice(0, KEY_BYTES));
  const entropy = plain.length > KEY_BYTES ? plain.slice(KEY_BYTES) : null;
  plain.fill(0);
  const matches = entropy === null || bytesToHex(fromWords(wordsOf(entropy)).key) === bytesToHex(key);
  if (!matches || bytesToHex(publicKey(key)) !== file.public_key) throw new BadKeyFile("damaged", "another key");
  return { key, entropy };
}

/** What is sealed together with the secret, so that none of it can be exchanged. */
function header({ address, public_key, kdf, cipher }: KeyFile): string {
  const { name, memory_kib, passes, lanes, salt } = kdf;
  return `barreleye key 1 ${address} ${public_key} ${name} ${memory_kib} ${passes} ${lanes} ${salt} ${cipher.name} ${cipher.nonce}`;
}

/** The file with exactly its fields, in their order, and the right checksum. */
function write(file: KeyFile): KeyFile {
  const { address, public_key, kdf, cipher, sealed } = file;
  const checksum = bytesToHex(sha256(utf8ToBytes(`${header(file)} ${sealed}`)).subarray(0, CHECKSUM_BYTES));
  return {
    barreleye_key: 1,
    address,
    public_key,
    kdf: { name: kdf.name, salt: kdf.salt, memory_kib: kdf.memory_kib, passes: kdf.passes, lanes: kdf.lanes },
    cipher: { name: cipher.name, nonce: cipher.nonce },
    sealed,
    checksum,
  };
}

async function cipherOf(file: KeyFile, passphrase: string, progress: Progress) {
  const { salt, memory_kib, passes, lanes } = file.kdf;
  // One Unicode form that all keyboards lead to.
  const password = utf8ToBytes(passphrase.normalize("NFKC"));
  const key = await argon2idAsync(password, hexToBytes(salt), { m: memory_kib, t: passes, p: lanes, dkLen: 32, onProgress: progress });
  return xchacha20poly1305(key, hexToBytes(file.cipher.nonce), utf8ToBytes(header(file)));
}

function whole(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

function sane({ memory_kib, passes, lanes }: typeof COST): boolean {
  return (
    passes >= 1 &&
    passes <= MOST.passes &&
    lanes >= 1 &&
    lanes <= MOST.lanes &&
    memory_kib >= LEAST_KIB_A_LANE * lanes &&
    memory_kib <= MOST.memory_kib
  );
}

/** Whether two files have the same fields with the same values, in whatever order. */
function sameFields(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  const [left, right] = [Object.entries(a), Object.entries(b)];
  return (
    left.length === right.length && left.every(([name, value]) => name in b && sameFields(value, (b as Record<string, unknown>)[name]))
  );
}

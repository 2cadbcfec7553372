// Bytes and their hex form, and the one way in which the ledger writes what is hashed or signed.

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";

export { bytesToHex, concatBytes, hexToBytes };

/** An integer as 8 bytes, the lowest first. */
export function u64(value: bigint): Uint8Array {
  if (value < 0n || value > 0xffff_ffff_ffff_ffffn) throw new RangeError("the number does not fit in 64 bits");
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
}

/** An integer as 4 bytes, the lowest first. */
export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** SHA-256 of a tag and the parts behind it. */
export function tagged(tag: string, ...parts: Uint8Array[]): Uint8Array {
  return sha256(concatBytes(utf8ToBytes(tag), ...parts));
}

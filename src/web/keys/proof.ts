// Whether a proof of inclusion holds: from every byte of the transaction up to the id of the block (rules E1, E3, E4,
// E5 and B3 of docs/rules.md). Nothing is taken from the node's word but the ids that the person asked about.

import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { bytesToHex, concatBytes, hexToBytes, tagged, u32 } from "./bytes.ts";

export interface InclusionProof {
  block: string;
  transactions: number;
  encoded: string;
  leaf: string;
  /** What the leaf is hashed with, from the leaves up, and on which side that stands. */
  branch: { side: "left" | "right"; digest: string }[];
  root: string;
  header: string;
}

const SIGNATURE_BYTES = 64;
/** Where the root stands in the header's preimage: behind tag, version, height and the id before. */
const ROOT_AT = 7 + 4 + 8 + 32;
const PREIMAGE_BYTES = 136;

/** The leaf of a transaction's bytes. */
export function leaf(encoded: Uint8Array): Uint8Array {
  return tagged("barreleye/leaf/1", encoded);
}

/** The root over a branch, for a block with so many transactions. */
export function rootOf(start: Uint8Array, branch: InclusionProof["branch"], transactions: number): Uint8Array {
  const top = branch.reduce((below, step) => {
    const other = hexToBytes(step.digest);
    const [left, right] = step.side === "left" ? [other, below] : [below, other];
    return tagged("barreleye/node/1", left, right);
  }, start);
  return tagged("barreleye/root/1", u32(transactions), top);
}

/** The id of a transaction of either kind, from its bytes. */
export function idOf(chain: string, encoded: Uint8Array): string {
  const unsigned = encoded.subarray(1, -SIGNATURE_BYTES);
  if (encoded[0] === 0) return bytesToHex(tagged("barreleye/transfer/1", hexToBytes(chain), unsigned));
  const [nonce, accounts, value, data] = [unsigned.slice(0, 8), unsigned.slice(8, 48), unsigned.slice(48, 56), unsigned.slice(56, 57)];
  const text = concatBytes(minimal(nonce.reverse()), accounts, minimal(value.reverse()), data);
  return bytesToHex(sha256(utf8ToBytes(bytesToHex(text))));
}

/** Big-endian bytes without leading zeros, at least one. */
function minimal(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  return bytes.subarray(first < 0 ? bytes.length - 1 : first);
}

/** Whether the proof proves that the transaction with this id is in the block with that id. */
export function holds(chain: string, transaction: string, block: string, proof: InclusionProof): boolean {
  try {
    const encoded = hexToBytes(proof.encoded);
    const header = hexToBytes(proof.header);
    const root = rootOf(leaf(encoded), proof.branch, proof.transactions);
    return (
      idOf(chain, encoded) === transaction &&
      header.length === PREIMAGE_BYTES &&
      bytesToHex(header.subarray(ROOT_AT, ROOT_AT + 32)) === bytesToHex(root) &&
      bytesToHex(sha256(sha256(header))) === block
    );
  } catch {
    // Not even hex: it proves nothing.
    return false;
  }
}

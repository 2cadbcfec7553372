// The native transfer: exactly the bytes that are signed, and its id. Rules E3, E5 and T4 of docs/rules.md.

import { bytesToHex, concatBytes, hexToBytes, tagged, u32, u64 } from "./bytes.ts";
import { publicKey, sign } from "./key.ts";

/** What the person decided; amounts in drops. */
export interface Order {
  to: string;
  amount: bigint;
  fee: bigint;
  nonce: bigint;
  /** Attached bytes, at most 1 024. */
  data: Uint8Array;
}

/** A transfer as the node takes it, with its id. */
export interface Signed {
  id: string;
  transfer: { from: string; to: string; amount: string; fee: string; nonce: string; data: string; signature: string };
}

export const MAX_DATA_BYTES = 1024;

/** Bytes of a transfer without data: what the fee is counted by. */
export const TRANSFER_BYTES = 1 + 33 + 20 + 3 * 8 + 4 + 64;

/** The bytes behind the tag and the chain: key, receiver, amount, fee, nonce, length of the data, data. */
export function unsignedBytes(from: Uint8Array, { to, amount, fee, nonce, data }: Order): Uint8Array {
  const receiver = hexToBytes(to.replace(/^0x/i, ""));
  if (from.length !== 33 || receiver.length !== 20) throw new RangeError("a key has 33 bytes, an address 20");
  if (data.length > MAX_DATA_BYTES) throw new RangeError("more data than a transfer may carry");
  return concatBytes(from, receiver, u64(amount), u64(fee), u64(nonce), u32(data.length), data);
}

/** The digest that is signed, which is also the id. */
export function digest(chain: string, from: Uint8Array, order: Order): Uint8Array {
  return tagged("barreleye/transfer/1", hexToBytes(chain), unsignedBytes(from, order));
}

/** Signs a transfer for a chain. */
export function signTransfer(key: Uint8Array, chain: string, order: Order): Signed {
  const from = publicKey(key);
  const signed = digest(chain, from, order);
  return {
    id: bytesToHex(signed),
    transfer: {
      from: bytesToHex(from),
      to: order.to,
      amount: String(order.amount),
      fee: String(order.fee),
      nonce: String(order.nonce),
      data: bytesToHex(order.data),
      signature: bytesToHex(sign(signed, key)),
    },
  };
}

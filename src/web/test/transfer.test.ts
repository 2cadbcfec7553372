// The bytes that are signed, against the golden values of the ledger (src/ledger/tests/golden.rs).

import assert from "node:assert/strict";
import { test } from "node:test";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { bytesToHex, concatBytes, hexToBytes } from "../keys/bytes.ts";
import { addressOf, publicKey, sign } from "../keys/key.ts";
import { MAX_DATA_BYTES, type Order, TRANSFER_BYTES, digest, signTransfer, unsignedBytes } from "../keys/transfer.ts";

const G = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
const CHAIN = "33".repeat(32);

const golden: Order = {
  to: `0x${"44".repeat(20)}`,
  amount: 0x0102030405060708n,
  fee: 0x1112131415161718n,
  nonce: 0x2122232425262728n,
  data: new TextEncoder().encode("abc"),
};

test("a transfer has the ledger's golden bytes and digest", () => {
  const unsigned = bytesToHex(unsignedBytes(hexToBytes(G), golden));
  assert.equal(unsigned, `${G}${"44".repeat(20)}08070605040302011817161514131211282726252423222103000000616263`);
  assert.equal(bytesToHex(digest(CHAIN, hexToBytes(G), golden)), "89153dce134e7e5eac924aadf031cbbe0b0268c589772b85fb5b17c26cb3698c");
  assert.equal(1 + unsigned.length / 2 - 3 + 64, TRANSFER_BYTES);
});

test("signing gives the ledger's golden signature", () => {
  const signed = sign(new Uint8Array(32).fill(9), new Uint8Array(32).fill(7));
  assert.equal(
    bytesToHex(signed),
    "7157050929571a762ab6e06207f74db146f165fead17acc7afe23000a091dc377b5faa50c021f3f9613f20531b8fc1a38744203a2f391c15e7b1455c3a296e4e",
  );
});

test("a signed transfer verifies under its key, and only as it is", () => {
  const key = new Uint8Array(32).fill(5);
  const { id, transfer } = signTransfer(key, CHAIN, golden);
  const verify = (order: Order) =>
    secp256k1.verify(hexToBytes(transfer.signature), digest(CHAIN, hexToBytes(transfer.from), order), publicKey(key), {
      prehash: false,
      lowS: true,
    });
  assert.ok(verify(golden));
  assert.equal(id, bytesToHex(digest(CHAIN, publicKey(key), golden)));
  assert.equal(transfer.amount, "72623859790382856", "exact, though a JavaScript number is not");
  const changes: Partial<Order>[] = [
    { amount: golden.amount + 1n },
    { fee: 0n },
    { nonce: 1n },
    { to: `0x${"45".repeat(20)}` },
    { data: new Uint8Array() },
  ];
  for (const change of changes) assert.ok(!verify({ ...golden, ...change }), Object.keys(change).join());
});

test("what does not fit is refused, not cut", () => {
  const from = hexToBytes(G);
  const bad: Partial<Order>[] = [{ amount: 1n << 64n }, { amount: -1n }, { data: new Uint8Array(MAX_DATA_BYTES + 1) }, { to: "0x44" }];
  for (const change of bad) assert.throws(() => unsignedBytes(from, { ...golden, ...change }), RangeError);
  assert.equal(unsignedBytes(from, { ...golden, data: new Uint8Array(MAX_DATA_BYTES) }).length, 81 + MAX_DATA_BYTES);
  assert.throws(() => unsignedBytes(concatBytes(from, from), golden), RangeError);
});

test("the address of the generator is the ledger's", () => {
  assert.equal(addressOf(hexToBytes(G)), "0x09c0b2d1a486c439a87bcba6b46a7a1a23f3897c");
});

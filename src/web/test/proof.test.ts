// Proofs of inclusion, against the golden leaves, ids and roots of the ledger (src/ledger/tests/golden.rs).

import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, concatBytes, hexToBytes, tagged } from "../keys/bytes.ts";
import { type InclusionProof, holds, idOf, leaf, rootOf } from "../keys/proof.ts";

const CHAIN = "33".repeat(32);
const G = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
const NATIVE = `00${G}${"44".repeat(20)}08070605040302011817161514131211282726252423222103000000616263${"55".repeat(64)}`;
const COMPATIBLE = `010504030201000000${"66".repeat(20)}${"44".repeat(20)}2c01000000000000ab${G}${"55".repeat(64)}`;

test("transactions of both kinds have their golden id and leaf", () => {
  assert.equal(idOf(CHAIN, hexToBytes(NATIVE)), "89153dce134e7e5eac924aadf031cbbe0b0268c589772b85fb5b17c26cb3698c");
  assert.equal(bytesToHex(leaf(hexToBytes(NATIVE))), "f45d82f8bb1b27aa193ec572b4d07046d8d4a2fb2da51af2bbf370ac6cc8e491");
  assert.equal(idOf(CHAIN, hexToBytes(COMPATIBLE)), "4028e2cd8a3be24643010941525627eabe6143e95ac85aaf0f9d1b16c2fbd4be");
  assert.equal(bytesToHex(leaf(hexToBytes(COMPATIBLE))), "ef8e3cb79617394065e6d234afc3032d19e772476a3d18e0f7984b6b6725fcf1");
});

const digest = (byte: number) => new Uint8Array(32).fill(byte);
const node = (left: Uint8Array, right: Uint8Array) => tagged("barreleye/node/1", left, right);

test("branches lead to the golden roots", () => {
  assert.equal(bytesToHex(rootOf(digest(0), [], 1)), "14256438b1f7fdef532ba76209c3bd1c924948702345e404071fb2a7f3632858");
  assert.equal(
    bytesToHex(rootOf(digest(1), [{ side: "left" as const, digest: bytesToHex(digest(0)) }], 2)),
    "3d57ba6ead03e209b9c8d0d8c3c3860e229a0459f05e5b5f10426eea3e8a717f",
  );
  // The third of three is promoted: one step.
  const pair = bytesToHex(node(digest(0), digest(1)));
  assert.equal(bytesToHex(rootOf(digest(2), [{ side: "left" as const, digest: pair }], 3)), "adf71447b31f752a5fe807414762652cd711f31f7fa0124a74252d5fc3d67fe7");
  const pairRight = bytesToHex(node(digest(2), digest(3)));
  const branch = [{ side: "right" as const, digest: bytesToHex(digest(1)) }, { side: "right" as const, digest: pairRight }, { side: "right" as const, digest: bytesToHex(digest(4)) }];
  assert.equal(bytesToHex(rootOf(digest(0), branch, 5)), "9af95a0e16c9e187ed42e598be8f4817dca4079429a27023e0cc1be7697a7878");
});

test("a proof holds for its transaction and block, and for nothing else", () => {
  const beside = bytesToHex(digest(8));
  const branch = [{ side: "right" as const, digest: beside }];
  const root = rootOf(leaf(hexToBytes(NATIVE)), branch, 2);
  const header = concatBytes(new TextEncoder().encode("brl/hd1"), new Uint8Array(44), root, new Uint8Array(53));
  const block = bytesToHex(sha256(sha256(header)));
  const id = idOf(CHAIN, hexToBytes(NATIVE));
  const proof: InclusionProof = {
    block,
    transactions: 2,
    encoded: NATIVE,
    leaf: "",
    branch,
    root: bytesToHex(root),
    header: bytesToHex(header),
  };
  assert.ok(holds(CHAIN, id, block, proof));
  const wrong: [string, string, InclusionProof][] = [
    [bytesToHex(digest(1)), block, proof],
    [id, bytesToHex(digest(1)), proof],
    [id, block, { ...proof, transactions: 3 }],
    [id, block, { ...proof, branch: [{ side: "left" as const, digest: beside }] }],
    [id, block, { ...proof, encoded: NATIVE.replace("616263", "616264") }],
    [id, block, { ...proof, encoded: NATIVE.replace(/55$/, "56") }],
    [id, block, { ...proof, header: proof.header.replace(/..$/, "01") }],
    [id, block, { ...proof, header: "not hex" }],
  ];
  for (const [transaction, place, changed] of wrong) assert.ok(!holds(CHAIN, transaction, place, changed));
  assert.ok(!holds("34".repeat(32), id, block, proof), "of another chain");
});

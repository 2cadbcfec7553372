// The faucet's work: what is found is enough, and the workers together miss no number.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { isEnough, search } from "../workers/work.ts";

test("zero bits are counted from the front", () => {
  const digest = (...head: number[]) => Uint8Array.from([...head, ...Array<number>(32 - head.length).fill(0xff)]);
  for (const [bytes, bits] of [
    [[0xff], 0],
    [[0x7f], 1],
    [[0x01], 7],
    [[0x00, 0xff], 8],
    [[0x00, 0x1f], 11],
    [[0, 0, 0x3f], 18],
  ] as const) {
    assert.ok(isEnough(digest(...bytes), bits), `${bytes} has ${bits}`);
    assert.ok(!isEnough(digest(...bytes), bits + 1), `${bytes} has not ${bits + 1}`);
  }
});

test("the solution is what the faucet checks", () => {
  const found = search({ challenge: "a-challenge", bits: 12, start: 0, step: 1 }, 0, 1_000_000);
  assert.notEqual(found, null);
  const digest = createHash("sha256").update(`a-challenge.${found}`).digest();
  assert.ok(digest.readUInt16BE(0) >> 4 === 0, digest.toString("hex"));
});

test("several workers find what one finds", () => {
  const first = search({ challenge: "c", bits: 8, start: 0, step: 1 }, 0, 100_000) ?? -1;
  const firsts = [0, 1, 2].map((start) => search({ challenge: "c", bits: 8, start, step: 3 }, start, 100_000) ?? Infinity);
  assert.equal(Math.min(...firsts), first);
});

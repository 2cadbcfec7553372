// Amounts stay exact on their way from the node to the eye and from the keyboard to the node.

import assert from "node:assert/strict";
import { test } from "node:test";
import { barrelText, bytes, parseBarrels, plainBarrels, scaled, short, textOf } from "../app/format.ts";

test("amounts print and read exactly, as in the ledger", () => {
  for (const [drops, text] of [
    [0n, "0"],
    [1n, "0.00000001"],
    [100_000_000n, "1"],
    [150_000_000n, "1.5"],
    [18446744073709551615n, "184467440737.09551615"],
  ] as const) {
    assert.equal(plainBarrels(drops), text);
    assert.equal(parseBarrels(text), drops);
  }
  assert.equal(barrelText("123456789012345678"), "1,234,567,890.12345678");
  assert.equal(barrelText(18446744073709551615n, "ko-KR"), "184,467,440,737.09551615");
});

test("texts that are no amount are refused for their reason", () => {
  for (const text of ["-1", "+1", ".5", "1.", "1e3", "0x10", "1.2.3", "1,5", "１"]) assert.equal(parseBarrels(text), "form", text);
  assert.equal(parseBarrels(" "), "none");
  assert.equal(parseBarrels("0.000000001"), "fine");
  assert.equal(parseBarrels("184467440737.09551616"), "large");
  assert.equal(parseBarrels(" 1.5 "), 150_000_000n);
});

test("large numbers keep three digits", () => {
  for (const [value, text] of [
    [0, "0"],
    [999, "999"],
    [1000, "1.00 k"],
    [12_345, "12.3 k"],
    [123_456, "123 k"],
    [4_500_000_000, "4.50 G"],
    [2.5, "2.50"],
  ] as const) {
    assert.equal(scaled(value), text.replace(" ", "\u00a0"));
  }
  assert.equal(scaled(1_200_000, "H/s"), "1.20\u00a0MH/s");
  assert.deepEqual([bytes(1023), bytes(1536), bytes(5 * 1024 * 1024)], ["1023\u00a0B", "1.5\u00a0KiB", "5.00\u00a0MiB"]);
  assert.equal(short("0123456789abcdef0123"), "012345…0123");
});

test("data is shown as text only if it is text", () => {
  const hex = (text: string) => Buffer.from(text).toString("hex");
  assert.equal(textOf(hex("커피 ☕ thanks")), "커피 ☕ thanks");
  for (const no of ["", "f", "ff", hex("a\u0000b"), hex("\u202Eabc"), "c328"]) assert.equal(textOf(no), null, no);
});

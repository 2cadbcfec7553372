// Keys in all forms, against the vectors of the original chain and of other wallets.

import assert from "node:assert/strict";
import { test } from "node:test";
import vectors from "../../ledger/tests/data/barreleye-vectors.json";
import { bytesToHex } from "../keys/bytes.ts";
import { BadKey, addressOf, fromText, fromWords, newSecret, publicKey, wordsOf } from "../keys/key.ts";

const hex = (text: string) => bytesToHex(fromText(text).key);
const refused = (why: string) => (error: unknown) => error instanceof BadKey && error.why === why;

test("every key of the vectors has its padded address", () => {
  assert.ok(vectors.keys.length >= 15);
  for (const { privateKey, addressIfPadded_NOT_USED: address, note } of vectors.keys) {
    assert.equal(addressOf(publicKey(fromText(privateKey).key)), `0x${address}`, note);
  }
});

test("hex keys may lack prefix and zeros", () => {
  const whole = "abc".padStart(64, "0");
  for (const text of ["abc", "0xabc", "0X0ABC\n", " 0abc "]) assert.equal(hex(text), whole, text);
});

test("the number of Barreleye Scan is read as hex digits modulo the order", () => {
  assert.equal(hex("10"), "10".padStart(64, "0"));
  // 16⁶⁴ mod n = 2²⁵⁶ − n, known from the curve; and the example of the command line's test.
  assert.equal(hex(`1${"0".repeat(64)}`), "14551231950b75fc4402da1732fc9bebf".padStart(64, "0"));
  const typical = "73514296380120941568350742186093547829610358274619530487261950837465291038475";
  assert.equal(hex(typical), "941568350742186093e702df6f4d5f569df2871fc892261f5d274ce276f6de3".padStart(64, "0"));
});

test("what is no key is refused", () => {
  for (const text of ["", "0x", "xyz", "12a ".repeat(30), `0x${"1".repeat(65)}`, "-1", "9".repeat(257)])
    assert.throws(() => fromText(text), refused("form"), text);
  for (const text of ["0", "00", "f".repeat(64), "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"]) {
    assert.throws(() => fromText(text), refused("range"), text);
  }
});

test("words lead to the keys that other wallets derive", () => {
  // Computed apart from this code; the command line's tests have the same.
  const known = [
    [
      "legal winner thank year wave sausage worth useful legal winner thank yellow",
      "33fa40f84e854b941c2b0436dd4a256e1df1cb41b9c1c0ccc8446408c19b8bf9",
    ],
    [`${"abandon ".repeat(23)}art`, "1053fae1b3ac64f178bcc21026fd06a3f4544ec2f35338b001f02d1d8efa3d5f"],
  ];
  for (const [words, key] of known) {
    const secret = fromWords(`  ${words?.toUpperCase().replaceAll(" ", " \n ")}\t`);
    assert.equal(bytesToHex(secret.key), key);
    assert.equal(wordsOf(secret.entropy ?? new Uint8Array()), words);
  }
});

test("what is wrong with words is said without repeating them", () => {
  const good = "legal winner thank year wave sausage worth useful legal winner thank yellow";
  assert.throws(() => fromWords("legal"), refused("words"));
  assert.throws(() => fromWords(good.replace("sausage", "sausages")), refused("unknown_word"));
  assert.throws(() => fromWords(good.replace("thank yellow", "yellow thank")), refused("words"));
});

test("new keys differ, have twelve words, and come back from them", () => {
  const [one, other] = [newSecret(), newSecret()];
  assert.notEqual(one.words, other.words);
  assert.equal(one.words.split(" ").length, 12);
  assert.deepEqual(fromWords(one.words), one.secret);
});

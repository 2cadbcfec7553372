// Key files, against those of the command line: both programs must open and refuse the same (src/node/keyfile).

import assert from "node:assert/strict";
import { test } from "node:test";
import vectors from "../../node/keyfile/vectors.json";
import { bytesToHex } from "../keys/bytes.ts";
import { fromText, newSecret, wordsOf } from "../keys/key.ts";
import { BadKeyFile, open, read, seal, toText } from "../keys/keyfile.ts";

const CHEAP = { memory_kib: 64, passes: 1, lanes: 1 };
const refused = (why: string) => (error: unknown) => error instanceof BadKeyFile && error.why === why;

test("the command line's files open, are written the same, and only for their passphrase", async () => {
  assert.ok(vectors.files.length >= 4);
  for (const vector of vectors.files) {
    const file = read(JSON.stringify(vector.file));
    assert.deepEqual(JSON.parse(toText(file)), vector.file, vector.name);
    const also = "also_opens_with" in vector ? [vector.also_opens_with] : [];
    for (const passphrase of [vector.passphrase, ...also]) {
      const secret = await open(file, passphrase ?? "");
      assert.equal(bytesToHex(secret.key), vector.secret_key, vector.name);
      const words = "words" in vector ? vector.words : undefined;
      assert.equal(secret.entropy ? wordsOf(secret.entropy) : undefined, words, vector.name);
    }
    await assert.rejects(open(file, "another"), refused("passphrase"));
  }
});

test("every file that must be refused is refused for its reason", () => {
  assert.ok(vectors.refused.length > 20);
  for (const { name, error, file } of vectors.refused) assert.throws(() => read(JSON.stringify(file)), refused(error), name);
});

test("a file gives its secret back, and never shows it", async () => {
  for (const secret of [newSecret().secret, fromText("abc")]) {
    const file = await seal(secret, "correct horse", undefined, CHEAP);
    const text = toText(file);
    assert.deepEqual(await open(read(text), "correct horse"), secret);
    assert.ok(!text.includes(bytesToHex(secret.key)));
    const again = await seal(secret, "correct horse", undefined, CHEAP);
    assert.notEqual(again.kdf.salt, file.kdf.salt);
    assert.notEqual(again.cipher.nonce, file.cipher.nonce);
  }
});

test("a file that is cut anywhere is damaged or none", async () => {
  const text = toText(await seal(fromText("abc"), "p", undefined, CHEAP)).trimEnd();
  for (let cut = 0; cut < text.length; cut += 1) assert.throws(() => read(text.slice(0, cut)), BadKeyFile, String(cut));
});

test("a field that is there twice is damage, whichever of the two is right", async () => {
  const text = toText(await seal(fromText("abc"), "p", undefined, CHEAP));
  const [, address] = /("address": "0x[0-9a-f]{40}",)/.exec(text) ?? [];
  for (const other of [address, address?.replace("0x", "0X")]) {
    const doubled = text.replace('"address"', `${other}\n  "address"`);
    assert.notEqual(doubled, text);
    assert.throws(() => read(doubled), refused("damaged"));
  }
});

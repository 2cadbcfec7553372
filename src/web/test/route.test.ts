// What addresses mean.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parse, to } from "../app/route.ts";

const ID = "ab".repeat(32);
const ADDRESS = `0x${"cd".repeat(20)}`;

test("every link that is written leads to its page", () => {
  assert.deepEqual(parse(""), { page: "overview" });
  assert.deepEqual(parse("#/"), { page: "overview" });
  assert.deepEqual(parse("#/blocks"), { page: "blocks" });
  assert.deepEqual(parse(to.block(12)), { page: "block", which: "12" });
  assert.deepEqual(parse(to.block(ID)), { page: "block", which: ID });
  assert.deepEqual(parse("#/transactions"), { page: "transactions", list: "chain" });
  assert.deepEqual(parse("#/transactions/pool"), { page: "transactions", list: "pool" });
  assert.deepEqual(parse(to.transaction(ID)), { page: "transaction", id: ID });
  assert.deepEqual(parse(to.account(ADDRESS)), { page: "account", address: ADDRESS });
  assert.deepEqual(parse(`#/account/${"CD".repeat(20)}`), { page: "account", address: ADDRESS });
  assert.deepEqual(parse(to.send(ADDRESS)), { page: "send", to: ADDRESS });
  assert.deepEqual(parse(to.send()), { page: "send", to: "" });
  assert.deepEqual(parse(to.search("가 나/1?&#")), { page: "search", text: "가 나/1?&#" });
  for (const part of ["create", "import"] as const) assert.deepEqual(parse(`#/wallet/${part}`), { page: "wallet", part });
});

test("what leads nowhere is said to", () => {
  for (const path of [
    "x",
    "blocks/1",
    "block/",
    "block/-1",
    "block/0x12",
    "transaction/12",
    "account/0x1",
    "wallet/keys",
    "block/1/2",
    "block/%zz",
  ]) {
    assert.deepEqual(parse(`#/${path}`), { page: "lost" }, path);
  }
});

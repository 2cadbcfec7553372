// A person walks through the whole application: on a desktop in English and on a phone in Korean, each at a node of its
// own. What must not happen on the way is noticed by the visitor of browser.mjs.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { en } from "./node_modules/.built/en.mjs";
import { ko } from "./node_modules/.built/ko.mjs";
import { search } from "./node_modules/.built/work.mjs";
import { Visitor, startBrowser } from "./browser.mjs";
import { ask, startNetwork, until } from "./network.mjs";

const PASSPHRASE = "correct horse battery staple";
/** A key as Barreleye Scan shows it; which key that is stands in the tests of src/web. */
const SCAN =
  "73514296380120941568350742186093547829610358274619530487261950837465291038475";

let net;
let browser;

before(async () => {
  [net, browser] = await Promise.all([startNetwork(), startBrowser()]);
});

after(async () => {
  await browser?.close();
  net?.end();
});

/** Claims at the faucet from one of this machine's addresses, with the work that it wants. */
async function claim(node, from, address) {
  const { challenge, bits } = await ask(
    `${node.url}/v1/faucet/challenge?address=${address}`,
    { from },
  );
  const solution =
    bits === 0
      ? undefined
      : String(
          search({ challenge, bits, start: 0, step: 1 }, 0, 2 ** (bits + 5)),
        );
  return ask(`${node.url}/v1/faucet/claims`, {
    method: "POST",
    body: { address, challenge, solution },
    from,
  });
}

const WALKS = [
  { node: 0, language: "en", theme: "light", width: 1280, t: en },
  { node: 1, language: "ko", theme: "dark", width: 375, t: ko },
];

// Side by side: each at a node of its own.
describe("the application", { concurrency: true }, () => {
  for (const { node: number, t, ...look } of WALKS) {
    const name = `${look.language}, ${look.theme}, ${look.width} pixels`;

    test(`everything can be done: ${name}`, async (walk) => {
      const node = net.nodes[number];
      const me = await Visitor.arrive(browser, node, look);
      const { page } = me;
      let address;

      await walk.test("the overview is live", async () => {
        await me.go("#/");
        const shown = () => page.locator(".strip strong").first().innerText();
        const first = await shown();
        await me.look("overview");
        await until(
          "a new block appears by itself",
          async () =>
            (await shown()) !== first &&
            (await page.locator(".pulse").getAttribute("data-state")) ===
              "live",
        );
        assert.equal(await page.locator(".chart canvas").count(), 3);
      });

      await walk.test(
        "a new key is made, its words are asked for, and it is kept",
        async () => {
          await me.go("#/wallet");
          await me.look("wallet-welcome");
          await page.getByRole("link", { name: t.wallet.create }).click();
          await page.locator(".wordlist li").first().waitFor();
          const words = await page.locator(".wordlist li").allInnerTexts();
          assert.equal(words.length, 12);
          await me.look("wallet-words");
          await me.button(t.wallet.wroteDown).click();
          for (const field of await page.locator("form .field").all()) {
            const label = await field.locator("label").innerText();
            await field
              .locator("input")
              .fill(words[Number(label.replace(/\D/g, "")) - 1]);
          }
          await me.button(t.wallet.next).click();
          await me.field(t.wallet.newPassphrase).fill("short");
          await page.getByText(t.wallet.tooShort(10)).waitFor();
          await me.field(t.wallet.newPassphrase).fill(PASSPHRASE);
          await me.field(t.wallet.repeat).fill(PASSPHRASE);
          await me.look("wallet-keep");
          await me.button(t.wallet.keep).click();
          await page
            .locator(".chosen .address .hash")
            .waitFor({ timeout: 60_000 });
          address = await page.locator(".chosen .address .hash").innerText();
          const kept = await page.evaluate(() =>
            JSON.stringify({ ...localStorage }),
          );
          assert.ok(
            !words.some((word) => kept.includes(`"${word}"`)) &&
              !kept.includes(PASSPHRASE),
            "only the encrypted file is kept",
          );
        },
      );

      await walk.test(
        "the faucet pays it, and then says when it will pay again",
        async () => {
          // Others came first and took of the budget, so that this claim takes some work.
          for (
            let other = 50;
            (await node.get("faucet")).work_bits === 0;
            other += 1
          ) {
            assert.ok(other < 70, "the budget never gets low");
            await claim(
              node,
              `127.0.0.${other}`,
              `0x${String(other).repeat(20)}`,
            );
          }
          await me.go("#/faucet");
          assert.equal(await me.field(t.faucet.address).inputValue(), address);
          const solving = page.waitForEvent("worker", (worker) =>
            worker.url().endsWith("/work.js"),
          );
          await me.button(t.faucet.action).click();
          await solving;
          await page
            .locator(".outcome .verdict.good a")
            .waitFor({ timeout: 60_000 });
          await me.look("faucet-paid");
          await page.locator(".outcome .verdict.good a").click();
          await page
            .locator('.steps [data-state="done"]')
            .nth(2)
            .waitFor({ timeout: 30_000 });
          await me.go("#/faucet");
          await page.getByRole("timer").waitFor();
          await me.look("faucet-countdown");
        },
      );

      await walk.test(
        "coins are sent, and the transaction shows its life and its proof",
        async () => {
          const [other] = net.nodes.filter((one) => one !== node);
          const { account } = await other.get("faucet");
          await me.go("#/wallet/send");
          // A fresh window: its wallet is locked, the key is there only behind its passphrase.
          await me.reload();
          await me.button(t.send.review).click();
          await page.getByText(t.send.errors.address).waitFor();
          await me.field(t.send.to).fill(address);
          await page.getByText(t.send.errors.self).waitFor();
          await me.field(t.send.to).fill(account);
          await me.field(t.send.amount).fill("1000000");
          await page
            .getByText(t.send.errors.balance("|").split("|")[0])
            .waitFor();
          await me.field(t.send.amount).fill("0.25");
          await me.field(t.send.message).fill("커피 ☕ thanks");
          await me.look("send");
          await me.button(t.send.review).click();
          await page.locator("dialog").waitFor();
          await me.look("send-review");
          await me.field(t.wallet.passphrase).fill("wrong passphrase");
          await me.button(t.send.action).click();
          await page
            .getByText(t.wallet.refusals.passphrase)
            .waitFor({ timeout: 30_000 });
          await me.field(t.wallet.passphrase).fill(PASSPHRASE);
          await me.button(t.send.action).click();
          await page.waitForURL(/#\/transaction\//, { timeout: 30_000 });
          const id = page.url().split("/").pop();
          await page
            .locator('.steps [data-state="done"]')
            .nth(2)
            .waitFor({ timeout: 30_000 });
          await page.getByText("커피 ☕ thanks").waitFor();
          const deep = new RegExp(
            t.life.confirmations(9, 6, 9).replace("9", "\\d+"),
          );
          await page
            .locator(".life")
            .getByText(deep)
            .waitFor({ timeout: 30_000 });
          await me.button(t.proof.action).click();
          await page.locator(".verdict.good").waitFor();
          await me.look("transaction");
          const told = await node.get(`transactions/${id}`);
          assert.deepEqual(
            [told.from, told.to, told.amount],
            [address, account, "25000000"],
          );
        },
      );

      await walk.test(
        "the wallet locks, backs up, shows its words again, and forgets",
        async () => {
          await me.button(t.wallet.lock).click();
          await me.go("#/wallet");
          await page.getByText(t.wallet.locked, { exact: true }).waitFor();
          await me.look("wallet");
          await me.button(t.wallet.receive).click();
          await page.locator("dialog .qr").waitFor();
          await me.look("wallet-qr");
          await me.button(t.close).click();
          const saving = page.waitForEvent("download");
          await me.button(t.wallet.backUp).click();
          const file = join(
            tmpdir(),
            `barreleye-${process.pid}-${look.language}.json`,
          );
          await (await saving).saveAs(file);
          const kept = JSON.parse(readFileSync(file, "utf8"));
          assert.deepEqual([kept.barreleye_key, kept.address], [1, address]);
          await me.button(t.wallet.showWords).click();
          await me.field(t.wallet.passphrase).fill(PASSPHRASE);
          await page
            .locator("dialog")
            .getByRole("button", { name: t.show, exact: true })
            .last()
            .click();
          await page
            .locator("dialog .wordlist li")
            .nth(11)
            .waitFor({ timeout: 30_000 });
          const words = await page
            .locator("dialog .wordlist li")
            .allInnerTexts();
          await me.button(t.close).click();
          await me.button(t.wallet.remove).click();
          await me.look("wallet-remove");
          await page
            .locator("dialog")
            .getByRole("button", { name: t.wallet.remove, exact: true })
            .click();
          await page.getByText(t.wallet.welcome).waitFor();

          // Back again, first from the file and then from the words.
          await me.go("#/wallet/import");
          await me.field(t.wallet.forms.file).check();
          await page.locator("#keyfile").setInputFiles(file);
          await me.field(t.wallet.passphrase).fill(PASSPHRASE);
          await me.look("wallet-import-file");
          await me.button(t.wallet.importAction).click();
          await page
            .locator(".chosen .address")
            .getByText(address)
            .waitFor({ timeout: 30_000 });
          await me.go("#/wallet/import");
          await page
            .locator("textarea")
            .fill(`${words.join("  ").toUpperCase()}\n`);
          await me.button(t.wallet.next).click();
          await page.getByTitle(address).waitFor();
        },
      );

      await walk.test(
        "a key of Barreleye Scan leads to its account, and what is no key is refused",
        async () => {
          await me.go("#/wallet");
          await me.go("#/wallet/import");
          await me.field(t.wallet.forms.text).check();
          const text = page.locator("textarea");
          await text.fill("not a key");
          await me.button(t.wallet.next).click();
          await page.getByText(t.wallet.refusals.form).waitFor();
          await me.look("wallet-import-refused");
          await text.fill(SCAN);
          await me.button(t.wallet.next).click();
          await page.getByText(t.wallet.steps.keep).waitFor();
          assert.match(
            await page.locator("form .account a").getAttribute("title"),
            /^0x[0-9a-f]{40}$/,
          );
        },
      );

      await walk.test(
        "blocks, transactions, accounts and the network can be read",
        async () => {
          await me.go("#/blocks");
          await me.look("blocks");
          await me.button(t.older).click();
          await until("the way back is open", () =>
            me.button(t.newest).isEnabled(),
          );
          await page.locator("tbody a").first().click();
          await me.settled();
          await page.locator("summary").click();
          await me.look("block");
          await me.go("#/transactions");
          await me.look("transactions");
          await me.go("#/transactions/pool");
          await me.look("pool");
          await me.go(`#/account/${address}`);
          await page.locator(".tag.out").first().waitFor();
          await me.look("account");
          await me.button(t.account.qr).click();
          await page.locator("dialog .qr").waitFor();
          await me.button(t.close).click();
          const csv = await fetch(
            `${node.url}${await page.getByRole("link", { name: "CSV" }).getAttribute("href")}`,
          );
          const lines = (await csv.text()).trim().split("\r\n");
          assert.match(lines[0], /^time,height,direction,counterparty,amount,fee,transaction$/);
          assert.match(lines[1], /,out,0x[0-9a-f]{40},0\.25,/);
          assert.match(lines.at(-1), /,in,0x[0-9a-f]{40},/);
          await me.go("#/network");
          await page.locator("tbody tr").nth(1).waitFor();
          await me.look("network");
        },
      );

      await walk.test(
        "a height, an id and an address are found, and nothing else",
        async () => {
          const block = await node.get("blocks/3");
          const field = page.getByRole("searchbox");
          const search = async (text) => {
            await me.go("#/");
            await page.keyboard.press("/");
            await page.keyboard.type(text);
            await page.keyboard.press("Enter");
          };
          await search("3");
          await page.waitForURL(new RegExp(`#/block/${block.id}`));
          await search(block.id);
          await page.waitForURL(new RegExp(`#/block/${block.id}`));
          await search(address.slice(2).toUpperCase());
          await page.waitForURL(new RegExp(`#/account/${address}`));
          me.expected.push("/v1/search");
          await search("ff".repeat(32));
          await page.getByText(t.search.hint).waitFor();
          await me.look("search-nothing");
          assert.equal(await field.inputValue(), "");
          await me.go("#/nowhere/at/all");
          await me.look("lost");
        },
      );

      await walk.test(
        "the keyboard alone is enough, and choices of language and colours stay",
        async () => {
          await me.go("#/");
          await me.reload();
          await page.keyboard.press("Tab");
          assert.equal(
            await page.evaluate(() => document.activeElement.className),
            "skip",
          );
          await page.keyboard.press("Enter");
          assert.equal(
            await page.evaluate(() => document.activeElement.tagName),
            "H1",
          );
          await me.button(t.otherLanguage).click();
          const other = look.language === "ko" ? en : ko;
          await page
            .getByRole("heading", { level: 1, name: other.overview.title })
            .waitFor();
          await me.button(other.otherTheme[look.theme]).click();
          await me.reload();
          await page
            .getByRole("heading", { level: 1, name: other.overview.title })
            .waitFor();
          assert.equal(
            await page.evaluate(() => document.documentElement.dataset.theme),
            look.theme === "dark" ? "light" : "dark",
          );
        },
      );

      await me.leave();
    });
  }

  test("every page is looked at in the other languages, colours and sizes too", async () => {
    const node = net.nodes[2];
    await claim(node, "127.0.0.40", `0x${"40".repeat(20)}`);
    const [{ id, from }] = await until(
      "the faucet's payment is in a block",
      async () => {
        const { transactions } = await node.get("transactions?limit=1");
        return transactions.length > 0 && transactions;
      },
    );
    const pages = {
      overview: "#/",
      block: "#/block/2",
      transaction: `#/transaction/${id}`,
      account: `#/account/${from}`,
      faucet: "#/faucet",
      network: "#/network",
      "wallet-create": "#/wallet/create",
    };
    for (const look of [
      { language: "ko", theme: "light", width: 1280 },
      { language: "en", theme: "dark", width: 375 },
    ]) {
      const me = await Visitor.arrive(browser, node, look);
      for (const [name, path] of Object.entries(pages)) {
        await me.go(path);
        await me.look(name);
      }
      await me.leave();
    }
  });
});

test("a transaction goes back to the pool when its block leaves the chain, and is mined again", async () => {
  const [alice, bob, carol] = net.nodes;
  // One after the other: stopped at once they may keep two tips of equal work.
  for (const node of [bob, carol]) await node.order("miner/pause");
  const before = await alice.height();
  await until("alice goes on", async () => (await alice.height()) > before);
  await alice.order("miner/pause");
  const height = await until("one tip", async () => {
    const tips = await Promise.all(
      net.nodes.map(async (node) => (await node.get("status")).tip),
    );
    return tips.every(({ id }) => id === tips[0].id) && tips[0].height;
  });
  // Carol is alone, with a branch that will have more work.
  const peer = await carol.id();
  for (const node of [alice, bob]) await node.order("peers/ban", { peer });
  await until(
    "carol is alone",
    async () => (await carol.get("status")).peers === 0,
  );
  await carol.order("mint", { blocks: 4 });

  const me = await Visitor.arrive(browser, alice, {
    language: "en",
    theme: "light",
    width: 1280,
  });
  const { transaction } = await claim(
    alice,
    "127.0.0.77",
    `0x${"77".repeat(20)}`,
  );
  await me.go(`#/transaction/${transaction}`);
  await me.page
    .locator(".accent")
    .getByText(en.transaction.why.title)
    .waitFor();
  await me.look("life-1-waiting");
  await alice.order("mint", { blocks: 1 });
  await me.page.locator('.steps [data-state="done"]').nth(2).waitFor();
  await me.look("life-2-in-a-block");

  for (const node of [alice, bob]) await node.order("peers/unban", { peer });
  await alice.order("peers/dial", { address: carol.address });
  await me.page
    .getByText(en.life.returned((height + 1).toLocaleString("en-GB")))
    .waitFor({ timeout: 60_000 });
  await me.look("life-3-returned");
  await alice.order("mint", { blocks: 2 });
  await me.page
    .locator('.steps [data-state="done"]')
    .nth(2)
    .waitFor({ timeout: 30_000 });
  await me.look("life-4-again");
  await me.leave();
});

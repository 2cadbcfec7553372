// The browser, and a page of it that notices everything that must not happen: console errors, requests that leave the
// node, violations that axe-core finds, content wider than the window.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const PICTURES = process.env.BARRELEYE_PICTURES;
const AXE = readFileSync(
  createRequire(import.meta.url).resolve("axe-core/axe.min.js"),
  "utf8",
);

export function startBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** One person's window: a language, colours and a size, at one node. */
export class Visitor {
  static async arrive(browser, node, { language, theme, width }) {
    const visitor = new Visitor();
    Object.assign(visitor, {
      node,
      language,
      name: `${language}-${theme}-${width}`,
      faults: [],
      expected: [],
    });
    visitor.context = await browser.newContext({
      viewport: { width, height: width < 600 ? 780 : 900 },
      locale: language === "ko" ? "ko-KR" : "en-GB",
      colorScheme: theme,
      reducedMotion: "reduce",
      acceptDownloads: true,
    });
    const page = (visitor.page = await visitor.context.newPage());
    page.setDefaultTimeout(30_000);
    visitor.context.on("request", (request) => visitor.#request(request));
    page.on("console", (message) => visitor.#console(message));
    page.on("pageerror", (error) =>
      visitor.faults.push(`error: ${error.message}`),
    );
    return visitor;
  }

  #request(request) {
    const url = new URL(request.url());
    if (url.protocol !== "blob:" && url.origin !== this.node.url)
      this.faults.push(`a request left the node: ${request.url()}`);
  }

  #console(message) {
    if (!["error", "warning"].includes(message.type())) return;
    // The browser writes every answer above 399 to the console; those that the test provokes are named by it.
    const { url } = message.location();
    if (
      this.expected.some((part) => url.includes(part)) &&
      message.text().includes("Failed to load resource")
    )
      return;
    this.faults.push(
      `${message.type()} on the console: ${message.text()} ${url}`,
    );
  }

  /** Goes to a page and waits until nothing loads there any more. */
  async go(path) {
    await this.page.goto(`${this.node.url}/${path}`);
    await this.settled();
  }

  /** The same page in a fresh window. */
  async reload() {
    await this.page.reload();
    await this.settled();
  }

  async settled() {
    await this.page.locator("main h1").first().waitFor();
    await this.page.waitForFunction(
      () => document.querySelector("main .skeleton") === null,
    );
  }

  /** Looks at the page as it is: a picture, the width, and what axe-core says of it. */
  async look(name) {
    const { page } = this;
    await page.screenshot({
      path: join(PICTURES, `${name}.${this.name}.png`),
      fullPage: true,
    });
    const wider = await page.evaluate(
      () => document.documentElement.scrollWidth - window.innerWidth,
    );
    if (wider > 0)
      this.faults.push(`${name} is ${wider} pixels wider than the window`);
    // Into the page by the debugger, which the policy does not concern.
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() =>
      globalThis.axe.run(document),
    );
    for (const { id, impact, help, nodes } of violations) {
      if (impact !== "serious" && impact !== "critical") continue;
      this.faults.push(
        `${name}: ${impact} ${id}: ${help}: ${nodes.map((node) => node.html.slice(0, 160)).join(" ")}`,
      );
    }
    const language = await page.evaluate(() => document.documentElement.lang);
    if (language !== this.language)
      this.faults.push(`${name} says that it is in ${language}`);
  }

  button(name) {
    return this.page.getByRole("button", { name, exact: true });
  }

  field(name) {
    return this.page.getByLabel(name, { exact: true });
  }

  /** Ends the visit; nothing that must not happen has happened. */
  async leave() {
    await this.context.close();
    assert.deepEqual([...new Set(this.faults)], [], this.name);
  }
}

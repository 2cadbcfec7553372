// What surrounds every page: name, ways through the application, search, language, theme, and whether the node answers.

import { Boxes, Droplet, House, Languages, Moon, Send, Sun, Wallet } from "lucide";
import { Icon } from "./parts/icon.tsx";
import { useEffect, useRef } from "preact/hooks";
import { height, line, now, reorganisation, status } from "./live.ts";
import { AccountPage } from "./pages/account.tsx";
import { BlockPage } from "./pages/block.tsx";
import { BlocksPage } from "./pages/blocks.tsx";
import { FaucetPage } from "./pages/faucet.tsx";
import { LostPage } from "./pages/lost.tsx";
import { NetworkPage } from "./pages/network.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { SearchPage } from "./pages/search.tsx";
import { TransactionPage } from "./pages/transaction.tsx";
import { TransactionsPage } from "./pages/transactions.tsx";
import { Search } from "./parts/search.tsx";
import { type Route, route } from "./router.ts";
import { theme, toggle } from "./theme.ts";
import { LockChip } from "./wallet/lock.tsx";
import { SendPage } from "./wallet/send.tsx";
import { WalletPage } from "./wallet/page.tsx";
import { choose, language, locale, words } from "./words/index.ts";

function Page({ at }: { at: Route }) {
  switch (at.page) {
    case "overview":
      return <OverviewPage />;
    case "blocks":
      return <BlocksPage />;
    case "block":
      return <BlockPage key={at.which} which={at.which} />;
    case "transactions":
      return <TransactionsPage list={at.list} />;
    case "transaction":
      return <TransactionPage key={at.id} id={at.id} />;
    case "account":
      return <AccountPage key={at.address} address={at.address} />;
    case "network":
      return <NetworkPage />;
    case "faucet":
      return <FaucetPage />;
    case "wallet":
      return <WalletPage part={at.part} />;
    case "send":
      return <SendPage to={at.to} />;
    case "search":
      return <SearchPage key={at.text} text={at.text} />;
    case "lost":
      return <LostPage />;
  }
}

/** The parts of the application, and the pages that belong to each. */
const WAYS = [
  { href: "#/", name: "overview", icon: House, pages: ["overview", "network", "search"] },
  { href: "#/blocks", name: "blocks", icon: Boxes, pages: ["blocks", "block"] },
  { href: "#/transactions", name: "transactions", icon: Send, pages: ["transactions", "transaction", "account"] },
  { href: "#/faucet", name: "faucet", icon: Droplet, pages: ["faucet"] },
  { href: "#/wallet", name: "wallet", icon: Wallet, pages: ["wallet", "send"] },
] as const;

function Ways({ at }: { at: Route }) {
  const t = words.value;
  return (
    <nav class="ways" aria-label={t.ways}>
      {WAYS.map(({ href, name, icon, pages }) => (
        <a key={name} href={href} aria-current={(pages as readonly string[]).includes(at.page) ? "page" : undefined}>
          <Icon of={icon} size={20} />
          <span>{t.nav[name]}</span>
        </a>
      ))}
    </nav>
  );
}

/** Whether news arrive, the height, and the way to the network's page. */
function Pulse() {
  const t = words.value;
  const known = status.value;
  const state = line.value === "offline" ? "offline" : known && !known.ready ? "waiting" : line.value;
  return (
    <a class="pulse" href="#/network" data-state={state} title={t.line[state]}>
      <span class="dot" aria-hidden="true" />
      <span class="name">{known?.network ?? "…"}</span>
      <span class="number">#{height.value.toLocaleString(locale.value)}</span>
      <span class="hidden">{t.line[state]}</span>
    </a>
  );
}

/** A reorganisation is news for so long. One of a single block is nothing special: two miners were equally fast. */
const NEWS_MS = 60_000;

/** What is wrong with the node or was just heard, above the page. */
function Notices() {
  const t = words.value;
  const known = status.value;
  const last = reorganisation.value;
  return (
    <div class="notices" role="status">
      {line.value === "offline" && <p class="notice bad">{t.problems.offline}</p>}
      {known && known.sync.total > 0 && <p class="notice">{t.syncing(known.sync.done, known.sync.total)}</p>}
      {last && last.last.depth > 1 && now.value - last.at < NEWS_MS && <p class="notice">{t.reorganised(last.last.depth)}</p>}
    </div>
  );
}

/** Where a link led to another page, reading begins at its heading. */
function useFocus(at: Route): void {
  const first = useRef(true);
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    scrollTo(0, 0);
    document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true });
  }, [JSON.stringify(at)]);
}

export function Shell() {
  const t = words.value;
  const at = route.value;
  useFocus(at);
  return (
    <>
      <a class="skip" href="#content" onClick={skip}>
        {t.skip}
      </a>
      <header class="top">
        <a class="brand" href="#/" aria-label={`Barreleye, ${t.nav.overview}`}>
          <img src="/icon.svg" alt="" width="28" height="28" />
          <span>Barreleye</span>
        </a>
        <Ways at={at} />
        <Search />
        <div class="tools">
          <LockChip />
          <Pulse />
          <button
            type="button"
            class="icon"
            aria-label={t.otherLanguage}
            title={t.otherLanguage}
            lang={language.value === "ko" ? "en" : "ko"}
            onClick={() => choose(language.value === "ko" ? "en" : "ko")}
          >
            <Icon of={Languages} size={18} />
          </button>
          <button type="button" class="icon" aria-label={t.otherTheme[theme.value]} title={t.otherTheme[theme.value]} onClick={toggle}>
            {theme.value === "dark" ? <Icon of={Sun} size={18} /> : <Icon of={Moon} size={18} />}
          </button>
        </div>
      </header>
      <main id="content">
        <Notices />
        <Page at={at} />
      </main>
      <footer class="foot">
        <span>
          {t.foot} <a href="#/network">{status.value?.network ?? "…"}</a>
        </span>
        <span>
          <a href="/api">{t.apiLink}</a> · Barreleye {status.value?.version ?? ""}
        </span>
      </footer>
    </>
  );
}

/** A link to `#content` would change the route. */
function skip(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>("main h1")?.focus();
}

// Values as the application shows them: an amount, a time, an id, an account. One look for each, everywhere.

import { barrelText, barrels, short } from "../format.ts";
import { now } from "../live.ts";
import { isAddress, to } from "../router.ts";
import { accounts } from "../wallet/accounts.ts";
import { locale, words } from "../words/index.ts";
import { Identicon } from "./identicon.tsx";

/** Drops as Barrel; what is behind the point stands back. */
export function Amount({ drops, sign = "", unit = true }: { drops: string | bigint; sign?: string; unit?: boolean }) {
  const { whole, fraction } = barrels(drops, locale.value);
  return (
    <span class="amount">
      {sign}
      {whole}
      {fraction && <span class="fraction">.{fraction}</span>}
      {unit && <span class="unit"> Barrel</span>}
    </span>
  );
}

/** Drops as one text, with its unit. */
export function amountText(drops: string | bigint): string {
  return `${barrelText(drops, locale.value)} Barrel`;
}

export function Count({ value }: { value: number }) {
  return <span class="number">{value.toLocaleString(locale.value)}</span>;
}

function exact(ms: number): string {
  return new Intl.DateTimeFormat(locale.value, { dateStyle: "medium", timeStyle: "medium" }).format(ms);
}

/** How long ago something was, with the exact time behind it. */
export function Ago({ ms }: { ms: number }) {
  const seconds = Math.max(0, Math.floor((now.value - ms) / 1000));
  return (
    <time dateTime={new Date(ms).toISOString()} title={exact(ms)}>
      {words.value.ago(seconds)}
    </time>
  );
}

/** The exact time, and how long ago that was. */
export function When({ ms }: { ms: number }) {
  return (
    <span>
      {exact(ms)}{" "}
      <span class="faint">
        (<Ago ms={ms} />)
      </span>
    </span>
  );
}

/** A span of time, for people: `1.0 s`, `12 min`. */
export function span(ms: number): string {
  const t = words.value.units;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)}${t.s}`;
  if (ms < 120_000) return `${Math.round(ms / 1000)}${t.s}`;
  if (ms < 7_200_000 && ms % 3_600_000 !== 0) return `${Math.round(ms / 60_000)}${t.min}`;
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)}${t.h}` : `${Math.round(ms / 86_400_000)}${t.d}`;
}

/** An id, shortened unless `whole`, with a link if it leads somewhere. */
export function Hash({ value, href, whole = false }: { value: string; href?: string; whole?: boolean }) {
  const text = whole ? value : short(value);
  return href ? (
    <a class="hash" href={href} title={value}>
      {text}
    </a>
  ) : (
    <span class="hash" title={value}>
      {text}
    </span>
  );
}

export function BlockLink({ height }: { height: number }) {
  return (
    <a class="number" href={to.block(height)}>
      {height.toLocaleString(locale.value)}
    </a>
  );
}

export function TransactionLink({ id }: { id: string }) {
  return <Hash value={id} href={to.transaction(id)} />;
}

/** An account with its picture, and its name if it is the person's own. */
export function AccountLink({ address, whole = false }: { address: string; whole?: boolean }) {
  if (!isAddress(address)) return <span class="hash">{address}</span>;
  const own = accounts.value.find(({ file }) => file.address === address);
  return (
    <span class="account">
      <Identicon address={address} />
      <Hash value={address} href={to.account(address)} whole={whole} />
      {own && <span class="mine">{own.name}</span>}
    </span>
  );
}

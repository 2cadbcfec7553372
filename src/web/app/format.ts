// Numbers, amounts and times as people read them. Amounts stay exact: they are never made floating point numbers.

const DROPS = 100_000_000n;
const DECIMALS = 8;

/** Drops as Barrel: `123456789` is `{ whole: "1", fraction: "23456789" }`. Trailing zeros are left out. */
export function barrels(drops: string | bigint, locale = "en"): { whole: string; fraction: string } {
  const value = BigInt(drops);
  const fraction = (value % DROPS).toString().padStart(DECIMALS, "0").replace(/0+$/, "");
  return { whole: (value / DROPS).toLocaleString(locale), fraction };
}

/** Drops as one text. */
export function barrelText(drops: string | bigint, locale = "en"): string {
  const { whole, fraction } = barrels(drops, locale);
  return fraction ? `${whole}.${fraction}` : whole;
}

/** Drops as a form takes them: no groups of digits. */
export function plainBarrels(drops: bigint): string {
  const { fraction } = barrels(drops);
  return fraction ? `${drops / DROPS}.${fraction}` : String(drops / DROPS);
}

/** Why a text is not an amount. */
export type AmountError = "none" | "form" | "fine" | "large";

/** Reads Barrel as the ledger does (rule K4): digits and at most eight decimals. Gives drops, or why not. */
export function parseBarrels(text: string): bigint | AmountError {
  const trimmed = text.trim();
  if (trimmed === "") return "none";
  const match = /^(\d+)(?:\.(\d+))?$/.exec(trimmed);
  if (!match) return "form";
  const [, whole = "", fraction = ""] = match;
  if (fraction.length > DECIMALS) return "fine";
  const drops = BigInt(whole + fraction.padEnd(DECIMALS, "0"));
  return drops > 0xffff_ffff_ffff_ffffn ? "large" : drops;
}

const SCALES = ["", "k", "M", "G", "T", "P", "E"];

/** A number with three significant digits and a letter for thousands, never broken: `12.3 k`. */
export function scaled(value: number, unit = ""): string {
  let scale = 0;
  let rest = value;
  while (rest >= 1000 && scale < SCALES.length - 1) {
    rest /= 1000;
    scale += 1;
  }
  const digits = scale === 0 && Number.isInteger(rest) ? String(rest) : rest >= 100 ? rest.toFixed(0) : rest.toFixed(rest >= 10 ? 1 : 2);
  const suffix = `${SCALES[scale] ?? ""}${unit}`;
  return suffix ? `${digits}\u00a0${suffix}` : digits;
}

/** Bytes with a binary unit. */
export function bytes(count: number): string {
  if (count < 1024) return `${count}\u00a0B`;
  return count < 1024 * 1024 ? `${(count / 1024).toFixed(1)}\u00a0KiB` : `${(count / 1024 / 1024).toFixed(2)}\u00a0MiB`;
}

/** The beginning and the end of an id. */
export function short(id: string, head = 6, tail = 4): string {
  return id.length <= head + tail + 1 ? id : `${id.slice(0, head)}…${id.slice(-tail)}`;
}

/** Hex as text, if that is what it is: printable, and valid UTF-8. */
export function textOf(hex: string): string | null {
  if (hex === "" || hex.length % 2 !== 0) return null;
  const raw = Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(raw);
    return /[\p{C}]/u.test(text) ? null : text;
  } catch {
    return null;
  }
}

// The frames of pages: title, card, list of facts, table, and the way through a long list.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { words } from "../words/index.ts";

/** The heading of a page, which is also the title of the window; see `useFocus` of the shell. */
export function Title({ children, extra }: { children: ComponentChildren; extra?: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${heading.current?.textContent?.trim() ?? ""} · Barreleye`;
  });
  return (
    <div class="title">
      <h1 ref={heading} tabIndex={-1}>
        {children}
      </h1>
      {extra && <div class="extra">{extra}</div>}
    </div>
  );
}

export function Card({
  title,
  extra,
  kind = "",
  children,
}: {
  title?: ComponentChildren;
  extra?: ComponentChildren;
  kind?: string;
  children: ComponentChildren;
}) {
  return (
    <section class={`card ${kind}`}>
      {title && (
        <header>
          <h2>{title}</h2>
          {extra}
        </header>
      )}
      {children}
    </section>
  );
}

/** Names and values. */
export function Facts({ children }: { children: ComponentChildren }) {
  return <dl class="facts">{children}</dl>;
}

export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** A column of a table: its heading, what a row shows there, and whether that is a figure. */
export interface Column<T> {
  name: string;
  cell: (row: T) => ComponentChildren;
  figure?: boolean;
}

/** A table that becomes a list of cards where there is little room. */
export function Table<T>({
  caption,
  columns,
  rows,
  id,
}: {
  caption: string;
  columns: Column<T>[];
  rows: T[];
  id: (row: T) => string | number;
}) {
  return (
    <table>
      <caption class="hidden">{caption}</caption>
      <thead>
        <tr>
          {columns.map(({ name, figure }) => (
            <th key={name} scope="col" class={figure ? "figure" : ""}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={id(row)}>
            {columns.map(({ name, figure, cell }) => (
              <td key={name} data-name={name} class={figure ? "figure" : ""}>
                {cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** One of a few views of a page, as links. */
export function Tabs({ label, tabs }: { label: string; tabs: { href: string; name: ComponentChildren; here: boolean }[] }) {
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map(({ href, name, here }) => (
        <a key={href} href={href} aria-current={here ? "page" : undefined}>
          {name}
        </a>
      ))}
    </nav>
  );
}

/** Back to the newest, and on to older ones. */
export function Pager({ newest, older }: { newest: (() => void) | null; older: (() => void) | null }) {
  const t = words.value;
  if (!newest && !older) return null;
  return (
    <nav class="pager" aria-label={t.pages}>
      <button type="button" class="quiet" disabled={!newest} onClick={newest ?? undefined}>
        {t.newest}
      </button>
      <button type="button" class="quiet" disabled={!older} onClick={older ?? undefined}>
        {t.older}
      </button>
    </nav>
  );
}

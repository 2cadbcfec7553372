// Where the person is. The place is behind # in the address, so that the node serves one page.

import { computed, signal } from "@preact/signals";
import { parse } from "./route.ts";

export * from "./route.ts";

const hash = signal(location.hash);
addEventListener("hashchange", () => (hash.value = location.hash));

/** The place now. */
export const route = computed(() => parse(hash.value));

/** Goes somewhere, as if a link had been followed. */
export function go(path: string): void {
  location.hash = path;
}

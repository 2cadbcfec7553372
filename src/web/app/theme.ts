// Dark or light: what the person chose, else what the system says.

import { computed, effect, signal } from "@preact/signals";
import { preference } from "./preference.ts";

export type Theme = "dark" | "light";

const kept = preference<Theme>("theme", ["dark", "light"]);
const system = matchMedia("(prefers-color-scheme: dark)");
const systemDark = signal(system.matches);
system.addEventListener("change", (event) => (systemDark.value = event.matches));

const chosen = signal<Theme | null>(kept.get());

export const theme = computed<Theme>(() => chosen.value ?? (systemDark.value ? "dark" : "light"));

export function toggle(): void {
  chosen.value = theme.value === "dark" ? "light" : "dark";
  kept.set(chosen.value);
}

effect(() => {
  document.documentElement.dataset.theme = theme.value;
});

// The language of the application: what the person chose, else the browser's, else English.

import { computed, effect, signal } from "@preact/signals";
import { preference } from "../preference.ts";
import { en } from "./en.ts";
import { ko } from "./ko.ts";

/** Everything that is said; each language has all of it. */
export type Words = typeof en;
export type Language = "en" | "ko";

const WORDS: Record<Language, Words> = { en, ko };
const chosen = preference("language", ["en", "ko"]);

export const language = signal<Language>(chosen.get() ?? (navigator.language.startsWith("ko") ? "ko" : "en"));
export const words = computed(() => WORDS[language.value]);
/** The language's rules for numbers and dates. */
export const locale = computed(() => (language.value === "ko" ? "ko-KR" : "en-GB"));

export function choose(next: Language): void {
  chosen.set(next);
  language.value = next;
}

effect(() => {
  document.documentElement.lang = language.value;
});

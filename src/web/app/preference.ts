// A choice that outlives the page, such as the language. Where the browser keeps nothing, it lasts until the page goes.

export interface Preference<T extends string> {
  get(): T | null;
  set(value: T): void;
}

/** One of `values`, under `name`. */
export function preference<T extends string>(name: string, values: readonly T[]): Preference<T> {
  const key = `barreleye.${name}`;
  return {
    get() {
      try {
        const kept = localStorage.getItem(key);
        return values.find((value) => value === kept) ?? null;
      } catch {
        return null;
      }
    },
    set(value) {
      try {
        localStorage.setItem(key, value);
      } catch {
        // Private windows may refuse to keep anything; the choice holds for this page.
      }
    },
  };
}

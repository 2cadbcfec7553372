// The search field: a height, an id or an address. `/` brings the keyboard here.

import { Search as SearchIcon } from "lucide";
import { Icon } from "./icon.tsx";
import { useEffect, useRef, useState } from "preact/hooks";
import { go, to } from "../router.ts";
import { words } from "../words/index.ts";

export function Search() {
  const t = words.value.search;
  const [text, setText] = useState("");
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLElement && event.target.closest("input, textarea, dialog");
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing) return;
      event.preventDefault();
      field.current?.focus();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  return (
    <form
      class="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() === "") return;
        go(to.search(text.trim()));
        setText("");
      }}
    >
      <Icon of={SearchIcon} size={16} />
      <input
        ref={field}
        type="search"
        value={text}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        aria-label={t.label}
        placeholder={t.label}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <kbd aria-hidden="true">/</kbd>
    </form>
  );
}

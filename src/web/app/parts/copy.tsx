// A button that copies a text and says so.

import { Check, Copy as CopyIcon } from "lucide";
import { Icon } from "./icon.tsx";
import { useEffect, useState } from "preact/hooks";
import { words } from "../words/index.ts";

/** Copies; without a secure context browsers only have the old way. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "hidden";
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

export function Copy({ text, name }: { text: string; name: string }) {
  const [state, setState] = useState<"idle" | "copied" | "failed">("idle");
  useEffect(() => {
    if (state === "idle") return;
    const timer = setTimeout(() => setState("idle"), 2_000);
    return () => clearTimeout(timer);
  }, [state]);
  const t = words.value.copy;
  return (
    <>
      <button
        type="button"
        class="icon"
        aria-label={t.action(name)}
        title={t.action(name)}
        onClick={() => void copy(text).then((done) => setState(done ? "copied" : "failed"))}
      >
        {state === "copied" ? <Icon of={Check} size={16} /> : <Icon of={CopyIcon} size={16} />}
      </button>
      <span class="hidden" role="status">
        {state === "copied" ? t.copied : state === "failed" ? t.failed : ""}
      </span>
    </>
  );
}

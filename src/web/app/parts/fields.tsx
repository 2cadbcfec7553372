// Fields of forms: each with a label, a hint, and its error beside it.

import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import { Eye, EyeOff } from "lucide";
import { Icon } from "./icon.tsx";
import { words } from "../words/index.ts";

interface FieldProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
  hint?: ComponentChildren;
  error?: string | null | undefined;
  kind?: "text" | "amount" | "code" | "long";
  suffix?: ComponentChildren;
  placeholder?: string;
  autocomplete?: string;
  disabled?: boolean;
}

export function Field({
  label,
  value,
  onInput,
  hint,
  error,
  kind = "text",
  suffix,
  placeholder,
  autocomplete = "off",
  disabled,
}: FieldProps) {
  const id = useId();
  const about = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  const shared = {
    id,
    value,
    placeholder,
    disabled,
    autocomplete,
    autocapitalize: "off" as const,
    spellcheck: false,
    class: kind,
    "aria-invalid": error ? true : undefined,
    "aria-describedby": about || undefined,
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="control">
        {kind === "long" ? (
          <textarea {...shared} rows={3} onInput={(event) => onInput(event.currentTarget.value)} />
        ) : (
          <input
            {...shared}
            type="text"
            inputMode={kind === "amount" ? "decimal" : "text"}
            onInput={(event) => onInput(event.currentTarget.value)}
          />
        )}
        {suffix}
      </div>
      {hint && (
        <p id={`${id}-hint`} class="hint">
          {hint}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} class="error">
          {error}
        </p>
      )}
    </div>
  );
}

/** A passphrase, hidden until the person wants to see it. */
export function Passphrase({
  label,
  value,
  onInput,
  hint,
  error,
  fresh = false,
}: {
  label: string;
  value: string;
  onInput: (value: string) => void;
  hint?: ComponentChildren;
  error?: string | null | undefined;
  /** A new one, not one to be looked up by a password manager. */
  fresh?: boolean;
}) {
  const id = useId();
  const [shown, setShown] = useState(false);
  const t = words.value;
  const about = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  const shared = {
    key: "field",
    id,
    value,
    autocomplete: fresh ? "new-password" : "current-password",
    autocapitalize: "off" as const,
    spellcheck: false,
    "aria-invalid": error ? true : undefined,
    "aria-describedby": about || undefined,
    onInput: (event: { currentTarget: HTMLInputElement }) => onInput(event.currentTarget.value),
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="control">
        {shown ? <input type="text" {...shared} /> : <input type="password" {...shared} />}
        <button type="button" class="icon" aria-label={shown ? t.hide : t.show} aria-pressed={shown} onClick={() => setShown(!shown)}>
          {shown ? <Icon of={EyeOff} size={18} /> : <Icon of={Eye} size={18} />}
        </button>
      </div>
      {hint && (
        <p id={`${id}-hint`} class="hint">
          {hint}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} class="error">
          {error}
        </p>
      )}
    </div>
  );
}

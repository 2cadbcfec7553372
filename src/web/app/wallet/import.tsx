// A key that the person already has: words, a key as hex or as the number of Barreleye Scan, or an encrypted key file.

import { useEffect, useState } from "preact/hooks";
import type { KeyFile } from "../../keys/keyfile.ts";
import { go } from "../router.ts";
import { Field, Passphrase } from "../parts/fields.tsx";
import { Card, Title } from "../parts/layout.tsx";
import { AccountLink } from "../parts/values.tsx";
import { words } from "../words/index.ts";
import { accounts, add } from "./accounts.ts";
import { Keep } from "./keep.tsx";
import { Working, refusal, useSecretWork } from "./secret_work.tsx";
import { ask, forget, isOpen, lock } from "./vault.ts";

const FORMS = ["words", "text", "file"] as const;
type Form = (typeof FORMS)[number];

/** A key file has less than a kilobyte. */
const MOST_FILE_BYTES = 16 * 1024;

export function ImportPage() {
  const t = words.value.wallet;
  const [form, setForm] = useState<Form>("words");
  const [address, setAddress] = useState<string | null>(null);
  useEffect(() => forget, []);
  return (
    <>
      <Title>{t.import}</Title>
      <Card kind="narrow" title={address ? t.steps.keep : t.importTitle}>
        {address ? (
          <Keep address={address} onKept={() => go("#/wallet")} />
        ) : (
          <>
            <fieldset class="choice">
              <legend class="hidden">{t.importTitle}</legend>
              {FORMS.map((name) => (
                <label key={name}>
                  <input type="radio" name="form" value={name} checked={form === name} onChange={() => setForm(name)} />
                  <span>{t.forms[name]}</span>
                </label>
              ))}
            </fieldset>
            {form === "file" ? <FileForm /> : <TextForm key={form} form={form} onHeld={setAddress} />}
          </>
        )}
      </Card>
    </>
  );
}

function TextForm({ form, onHeld }: { form: "words" | "text"; onHeld: (address: string) => void }) {
  const t = words.value.wallet;
  const [text, setText] = useState("");
  const [error, setError] = useState<string | null>(null);
  const take = async () => {
    lock();
    try {
      const address = await ask<"words" | "text">(form === "words" ? { ask: "words", text } : { ask: "text", text });
      setText("");
      onHeld(address);
    } catch (failed) {
      setError(refusal(failed));
    }
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void take();
      }}
    >
      <Field
        label={t.forms[form]}
        kind="long"
        value={text}
        onInput={(value) => (setError(null), setText(value))}
        hint={t.formHints[form]}
        error={error}
      />
      <div class="actions">
        <button type="submit" disabled={text.trim() === ""}>
          {t.next}
        </button>
      </div>
    </form>
  );
}

function FileForm() {
  const t = words.value.wallet;
  const [file, setFile] = useState<KeyFile | null>(null);
  const [passphrase, setPassphrase] = useState("");
  const [name, setName] = useState(() => t.accountName(accounts.value.length + 1));
  const work = useSecretWork();
  const choose = async (chosen: File | undefined) => {
    setFile(null);
    work.clear();
    if (!chosen) return;
    await work.run(async () => {
      const text = chosen.size > MOST_FILE_BYTES ? "" : await chosen.text();
      setFile(await ask({ ask: "look", text }));
    });
  };
  const open = (kept: KeyFile) =>
    work.run(async (progress) => {
      lock();
      isOpen(await ask({ ask: "open", file: kept, passphrase }, progress));
      add({ name: name.trim() || t.accountName(accounts.value.length + 1), file: kept });
      go("#/wallet");
    });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (file) void open(file);
      }}
    >
      <div class="field">
        <label for="keyfile">{t.forms.file}</label>
        <input id="keyfile" type="file" accept=".json,application/json" onChange={(event) => void choose(event.currentTarget.files?.[0])} />
        <p class="hint">{t.formHints.file}</p>
      </div>
      {file && (
        <>
          <p>
            {t.fileOf} <AccountLink address={file.address} />
          </p>
          <Field label={t.name} value={name} onInput={setName} />
          <Passphrase label={t.passphrase} value={passphrase} onInput={setPassphrase} />
        </>
      )}
      <Working share={work.share} label={t.decrypting} />
      {work.error && (
        <p class="error" role="alert">
          {work.error}
        </p>
      )}
      <div class="actions">
        <button type="submit" disabled={!file || passphrase === "" || work.share !== null}>
          {t.importAction}
        </button>
      </div>
    </form>
  );
}

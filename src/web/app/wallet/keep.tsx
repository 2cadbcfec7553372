// The last step of making or importing a key: a name and a passphrase for what the vault holds, then it is kept.

import { useState } from "preact/hooks";
import type { KeyFile } from "../../keys/keyfile.ts";
import { Field, Passphrase } from "../parts/fields.tsx";
import { AccountLink } from "../parts/values.tsx";
import { words } from "../words/index.ts";
import { accounts, add } from "./accounts.ts";
import { LEAST_PASSPHRASE, Working, passphraseError, useSecretWork } from "./secret_work.tsx";
import { ask, isOpen } from "./vault.ts";

const NAME_LENGTH = 40;

export function Keep({ address, onKept }: { address: string; onKept: (file: KeyFile) => void }) {
  const t = words.value.wallet;
  const [name, setName] = useState(() => t.accountName(accounts.value.length + 1));
  const [passphrase, setPassphrase] = useState("");
  const [again, setAgain] = useState("");
  const work = useSecretWork();
  const errors = passphraseError(passphrase, again);
  const ready = [...passphrase].length >= LEAST_PASSPHRASE && passphrase === again && work.share === null;
  const keep = () =>
    work.run(async (progress) => {
      const file = await ask({ ask: "seal", passphrase }, progress);
      add({ name: name.trim().slice(0, NAME_LENGTH) || t.accountName(accounts.value.length + 1), file });
      isOpen(address);
      onKept(file);
    });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) void keep();
      }}
    >
      <p>
        {t.keepFor} <AccountLink address={address} />
      </p>
      <Field label={t.name} value={name} onInput={setName} />
      <Passphrase
        label={t.newPassphrase}
        value={passphrase}
        onInput={setPassphrase}
        hint={t.passphraseHint}
        error={errors.passphrase}
        fresh
      />
      <Passphrase label={t.repeat} value={again} onInput={setAgain} error={errors.again} fresh />
      <Working share={work.share} label={t.encrypting} />
      {work.error && (
        <p class="error" role="alert">
          {work.error}
        </p>
      )}
      <div class="actions">
        <button type="submit" disabled={!ready}>
          {t.keep}
        </button>
      </div>
    </form>
  );
}

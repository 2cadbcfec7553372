// The backup words of an account, behind its passphrase. Asked for even while the wallet is open: whoever walks by an
// open wallet must not be able to take the key along.

import { useState } from "preact/hooks";
import type { KeyFile } from "../../keys/keyfile.ts";
import { Dialog } from "../parts/dialog.tsx";
import { Passphrase } from "../parts/fields.tsx";
import { words } from "../words/index.ts";
import { WordList } from "./create.tsx";
import { Working, useSecretWork } from "./secret_work.tsx";
import { ask, isOpen } from "./vault.ts";

type State = { step: "ask" } | { step: "shown"; list: string[] | null };

export function ShowWords({ file, onClose }: { file: KeyFile; onClose: () => void }) {
  const t = words.value.wallet;
  const [passphrase, setPassphrase] = useState("");
  const [state, setState] = useState<State>({ step: "ask" });
  const work = useSecretWork();
  const show = () =>
    work.run(async (progress) => {
      isOpen(await ask({ ask: "open", file, passphrase }, progress));
      const told = await ask({ ask: "tell" });
      setPassphrase("");
      setState({ step: "shown", list: told?.split(" ") ?? null });
    });
  return (
    <Dialog title={t.showWords} onClose={onClose}>
      {state.step === "ask" ? (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void show();
          }}
        >
          <p>{t.showWordsText}</p>
          <Passphrase label={t.passphrase} value={passphrase} onInput={setPassphrase} error={work.error} />
          <Working share={work.share} label={t.decrypting} />
          <div class="actions">
            <button type="button" class="quiet" onClick={onClose}>
              {words.value.cancel}
            </button>
            <button type="submit" disabled={passphrase === "" || work.share !== null}>
              {words.value.show}
            </button>
          </div>
        </form>
      ) : (
        <>
          {state.list ? <WordList list={state.list} /> : <p>{t.noWords}</p>}
          <div class="actions">
            <button type="button" onClick={onClose}>
              {words.value.close}
            </button>
          </div>
        </>
      )}
    </Dialog>
  );
}

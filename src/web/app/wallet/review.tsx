// The last look at a transfer before it is signed. The nonce is asked for at the last moment.

import { useState } from "preact/hooks";
import { type Account, Problem, api } from "../api.ts";
import { textOf } from "../format.ts";
import { Dialog } from "../parts/dialog.tsx";
import { Passphrase } from "../parts/fields.tsx";
import { Fact, Facts } from "../parts/layout.tsx";
import { problemText } from "../parts/states.tsx";
import { AccountLink, Amount } from "../parts/values.tsx";
import { go, to as paths } from "../router.ts";
import { words } from "../words/index.ts";
import type { OwnAccount } from "./accounts.ts";
import type { Transfer } from "./send.tsx";
import { Working, useSecretWork } from "./secret_work.tsx";
import { ask, isOpen, unlocked } from "./vault.ts";

export function Review({
  own,
  account,
  chain,
  transfer,
  onClose,
}: {
  own: OwnAccount;
  account: Account;
  chain: string;
  transfer: Transfer;
  onClose: () => void;
}) {
  const t = words.value.send;
  const [passphrase, setPassphrase] = useState("");
  const work = useSecretWork();
  const { file } = own;
  const locked = unlocked.value !== file.address;
  const { to, amount, fee, data } = transfer;
  const text = textOf([...data].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
  const send = () =>
    work.run(async (progress) => {
      if (locked) isOpen(await ask({ ask: "open", file, passphrase }, progress));
      setPassphrase("");
      try {
        const { next_nonce } = await api.account(file.address);
        const signed = await ask({ ask: "sign", chain, order: { to, amount, fee, data, nonce: BigInt(next_nonce) } });
        const { id } = await api.submit(signed.transfer);
        go(paths.transaction(id));
      } catch (error) {
        throw error instanceof Problem ? new Error(problemText(error)) : error;
      }
    });
  return (
    <Dialog title={t.reviewTitle} onClose={onClose}>
      <Facts>
        <Fact name={t.from}>
          <AccountLink address={file.address} />
        </Fact>
        <Fact name={t.to}>
          <AccountLink address={to} whole />
        </Fact>
        <Fact name={words.value.transaction.amount}>
          <strong>
            <Amount drops={amount} />
          </strong>
        </Fact>
        <Fact name={t.fee}>
          <Amount drops={fee} />
        </Fact>
        <Fact name={t.rest}>
          <Amount drops={BigInt(account.balance) - amount - fee} />
        </Fact>
        {text && (
          <Fact name={words.value.transaction.message}>
            <q>{text}</q>
          </Fact>
        )}
      </Facts>
      <p class="notice">{t.final}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        {locked && <Passphrase label={words.value.wallet.passphrase} value={passphrase} onInput={setPassphrase} />}
        <Working share={work.share} label={locked ? words.value.wallet.decrypting : t.sending} />
        {work.error && (
          <p class="error" role="alert">
            {work.error}
          </p>
        )}
        <div class="actions">
          <button type="button" class="quiet" onClick={onClose}>
            {words.value.cancel}
          </button>
          <button type="submit" disabled={(locked && passphrase === "") || work.share !== null}>
            {t.action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

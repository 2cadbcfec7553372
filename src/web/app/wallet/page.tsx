// The person's accounts in this browser, and what can be done with the chosen one.

import { Download, KeyRound, QrCode, Send, Trash2 } from "lucide";
import { useState } from "preact/hooks";
import { api } from "../api.ts";
import { useAnswer } from "../ask.ts";
import { tip } from "../live.ts";
import { History } from "../pages/account.tsx";
import { Copy } from "../parts/copy.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Icon } from "../parts/icon.tsx";
import { Identicon } from "../parts/identicon.tsx";
import { Card, Title } from "../parts/layout.tsx";
import { Qr } from "../parts/qr.tsx";
import { Shown } from "../parts/states.tsx";
import { Amount } from "../parts/values.tsx";
import { words } from "../words/index.ts";
import { type OwnAccount, accounts, current, remove, rename, use } from "./accounts.ts";
import { CreatePage } from "./create.tsx";
import { download } from "./download.ts";
import { ImportPage } from "./import.tsx";
import { LockState } from "./lock.tsx";
import { ShowWords } from "./show_words.tsx";
import { lock, unlocked } from "./vault.ts";

export function WalletPage({ part }: { part: "accounts" | "create" | "import" }) {
  switch (part) {
    case "create":
      return <CreatePage />;
    case "import":
      return <ImportPage />;
    case "accounts":
      return current.value ? <Accounts account={current.value} /> : <Welcome />;
  }
}

function Welcome() {
  const t = words.value.wallet;
  return (
    <>
      <Title>{t.title}</Title>
      <Card kind="narrow welcome" title={t.welcome}>
        <p>{t.welcomeText}</p>
        <ul>
          {t.promises.map((promise) => (
            <li key={promise}>{promise}</li>
          ))}
        </ul>
        <div class="actions">
          <a class="button" href="#/wallet/create">
            {t.create}
          </a>
          <a class="button quiet" href="#/wallet/import">
            {t.import}
          </a>
        </div>
      </Card>
    </>
  );
}

function Accounts({ account }: { account: OwnAccount }) {
  const t = words.value.wallet;
  return (
    <>
      <Title
        extra={
          <>
            <a class="button quiet" href="#/wallet/create">
              {t.create}
            </a>
            <a class="button quiet" href="#/wallet/import">
              {t.import}
            </a>
          </>
        }
      >
        {t.title}
      </Title>
      {accounts.value.length > 1 && (
        <nav class="accounts" aria-label={t.accounts}>
          {accounts.value.map(({ name, file }) => (
            <button key={file.address} type="button" aria-pressed={file.address === account.file.address} onClick={() => use(file.address)}>
              <Identicon address={file.address} size={20} />
              <span>{name}</span>
            </button>
          ))}
        </nav>
      )}
      <Chosen key={account.file.address} account={account} />
      <History key={`history ${account.file.address}`} address={account.file.address} />
    </>
  );
}

type Open = "qr" | "words" | "remove" | null;

function Chosen({ account: { name, file } }: { account: OwnAccount }) {
  const t = words.value.wallet;
  const [answer, again] = useAnswer(() => api.account(file.address), file.address, tip.value);
  const [open, setOpen] = useState<Open>(null);
  const close = () => setOpen(null);
  return (
    <Card kind="chosen">
      <div class="who">
        <Identicon address={file.address} size={44} />
        <input
          class="rename"
          aria-label={t.name}
          value={name}
          maxLength={40}
          onChange={(event) => rename(file.address, event.currentTarget.value || name)}
        />
        <LockState address={file.address} />
      </div>
      <div class="balance">
        <Shown answer={answer} again={again} lines={1}>
          {({ balance }) => <Amount drops={balance} />}
        </Shown>
      </div>
      <p class="address">
        <span class="hash">{file.address}</span> <Copy text={file.address} name={t.address} />
      </p>
      <div class="actions">
        <a class="button" href="#/wallet/send">
          <Icon of={Send} size={16} /> {t.send}
        </a>
        <button type="button" class="quiet" onClick={() => setOpen("qr")}>
          <Icon of={QrCode} size={16} /> {t.receive}
        </button>
        <button
          type="button"
          class="quiet"
          onClick={() => download(`barreleye-${file.address}.json`, `${JSON.stringify(file, null, 2)}\n`)}
        >
          <Icon of={Download} size={16} /> {t.backUp}
        </button>
        <button type="button" class="quiet" onClick={() => setOpen("words")}>
          <Icon of={KeyRound} size={16} /> {t.showWords}
        </button>
        <button type="button" class="quiet danger" onClick={() => setOpen("remove")}>
          <Icon of={Trash2} size={16} /> {t.remove}
        </button>
      </div>
      {open === "qr" && (
        <Dialog title={t.receive} onClose={close}>
          <Qr text={file.address} label={words.value.account.qrOf(file.address)} />
          <p class="hash centre">{file.address}</p>
          <div class="actions">
            <button type="button" onClick={close}>
              {words.value.close}
            </button>
          </div>
        </Dialog>
      )}
      {open === "words" && <ShowWords file={file} onClose={close} />}
      {open === "remove" && (
        <Dialog title={t.removeTitle(name)} onClose={close}>
          <p>{t.removeText}</p>
          <div class="actions">
            <button type="button" class="quiet" onClick={close}>
              {words.value.cancel}
            </button>
            <button
              type="button"
              class="danger"
              onClick={() => {
                if (unlocked.value === file.address) lock();
                remove(file.address);
              }}
            >
              {t.remove}
            </button>
          </div>
        </Dialog>
      )}
    </Card>
  );
}

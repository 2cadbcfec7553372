// The vault: the only place where a secret key is in memory. It runs in a worker of its own, so that the page never
// holds a key, and locking is certain: the page ends the worker, and everything in it is gone. It asks nobody anything.

import { BadKey, type Secret, addressOf, fromText, fromWords, newSecret, publicKey, wordsOf } from "../keys/key.ts";
import { BadKeyFile, open, read, seal } from "../keys/keyfile.ts";
import { signTransfer } from "../keys/transfer.ts";
import type { Answer, Question } from "./vault_talk.ts";

let held: Secret | null = null;

function hold(secret: Secret): string {
  held?.key.fill(0);
  held?.entropy?.fill(0);
  held = secret;
  return addressOf(publicKey(secret.key));
}

function secret(): Secret {
  if (!held) throw new Error("locked");
  return held;
}

async function answer(question: Question, progress: (share: number) => void): Promise<unknown> {
  switch (question.ask) {
    case "make": {
      const made = newSecret();
      return { address: hold(made.secret), words: made.words };
    }
    case "words":
      return hold(fromWords(question.text));
    case "text":
      return hold(fromText(question.text));
    case "look":
      return read(question.text);
    case "open":
      // What comes from the browser's storage may be damaged like any file.
      return hold(await open(read(JSON.stringify(question.file)), question.passphrase, progress));
    case "seal":
      return seal(secret(), question.passphrase, progress);
    case "sign":
      return signTransfer(secret().key, question.chain, question.order);
    case "tell": {
      const { entropy } = secret();
      return entropy ? wordsOf(entropy) : null;
    }
  }
}

function why(error: unknown): string {
  if (error instanceof BadKey || error instanceof BadKeyFile) return error.why;
  return error instanceof Error && error.message === "locked" ? "locked" : "machine";
}

addEventListener("message", ({ data: { number, question } }: MessageEvent<{ number: number; question: Question }>) => {
  const post = (message: Answer) => postMessage(message);
  const progress = (share: number) => post({ number, kind: "progress", share });
  answer(question, progress).then(
    (value) => post({ number, kind: "done", value }),
    (error: unknown) => post({ number, kind: "failed", why: why(error) }),
  );
});

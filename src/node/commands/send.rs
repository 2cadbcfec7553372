//! `send`: signs a transfer with a key of the wallet and posts it.

use client::transfer::{self, TransferJson};
use ledger::{BlockId, Transfer};
use serde_json::Value;

use crate::cli::SendArgs;
use crate::client::Client;
use crate::commands::print;
use crate::failure::Failure;
use crate::passphrase;
use crate::wallet::Wallet;

/// Signs and posts. Prints the transaction's id.
pub fn send(args: &SendArgs) -> Result<(), Failure> {
    let keystore = Wallet::of(&args.wallet.data_dir).get(&args.alias)?;
    let client = Client::public(&args.client);
    let chain = chain(&client)?;
    let nonce = match args.nonce {
        Some(nonce) => nonce,
        None => next_nonce(&client.get(&format!("/v1/accounts/{}", keystore.address))?.ok()?)?,
    };
    let data = transfer::data(&args.transfer.data).map_err(Failure::usage)?;
    let passphrase = passphrase::existing(args.wallet.passphrase_file.as_deref(), &format!("'{}'", args.alias))?;
    let key = keystore.open(&passphrase).map_err(|error| Failure::usage(format!("'{}': {error}", args.alias)))?;
    let tx = Transfer::sign(&key, &chain, args.transfer.to, args.transfer.amount, args.transfer.fee, nonce, data);
    let answer = client.post("/v1/transactions", &TransferJson::from(&tx))?.ok()?;
    match args.client.json {
        true => print::json(&answer),
        false => print::line(tx.id(&chain).to_hex()),
    }
}

fn chain(client: &Client) -> Result<BlockId, Failure> {
    let status = client.get("/v1/status")?.ok()?;
    let text = print::text(&status, "/chain");
    text.parse().map_err(|error| Failure::usage(format!("the node names no chain ({error}): is it another version?")))
}

fn next_nonce(account: &Value) -> Result<u64, Failure> {
    let text = print::text(account, "/next_nonce");
    text.parse().map_err(|_| Failure::usage(format!("the node gives no nonce but '{text}': name one with --nonce")))
}

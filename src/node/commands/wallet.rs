//! `wallet`: making, listing, showing, importing, exporting and signing with keys. Needs no node.

use std::io::Read;
use std::path::Path;

use client::transfer::{self, TransferJson};
use ledger::{SecretKey, Transfer};
use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::{TransferArgs, WalletArgs, WalletCommand};
use crate::commands::print;
use crate::config;
use crate::failure::Failure;
use crate::keyfile;
use crate::keystore::Cost;
use crate::passphrase;
use crate::private_file;
use crate::wallet::{self, Wallet};

/// Does what was asked of the wallet.
pub fn perform(command: WalletCommand) -> Result<(), Failure> {
    match command {
        WalletCommand::New { alias, wallet } => keep(&alias, &wallet, || Ok(keyfile::random_key())),
        WalletCommand::Import { alias, from, scan_decimal, wallet } => keep(&alias, &wallet, || {
            let text = secret_text(from.as_deref())?;
            if scan_decimal { wallet::parse_scan_decimal(&text) } else { wallet::parse_key(&text) }
        }),
        WalletCommand::List { json, wallet } => list(&wallet, json),
        WalletCommand::Show { alias, json, wallet } => show(&alias, &wallet, json),
        WalletCommand::Export { alias, wallet } => {
            let key = open(&alias, &wallet)?;
            print::line(&*Zeroizing::new(hex::encode(key.to_bytes())))
        }
        WalletCommand::Sign { alias, transfer, network, nonce, hex, wallet } => {
            let network = config::network(&network)?;
            let tx = sign(&open(&alias, &wallet)?, &transfer, &network.chain, nonce)?;
            if hex { print::line(transfer::to_hex(&tx)) } else { print::json(&json!(TransferJson::from(&tx))) }
        }
    }
}

fn keep(alias: &str, args: &WalletArgs, key: impl FnOnce() -> Result<SecretKey, Failure>) -> Result<(), Failure> {
    let wallet = Wallet::of(&args.data_dir);
    wallet.check_free(alias)?;
    let key = key()?;
    let passphrase = passphrase::new(args.passphrase_file.as_deref(), &format!("'{alias}'"))?;
    let path = wallet.add(alias, &key, &passphrase, Cost::default())?;
    print::line(format!("{alias}  {}  in {}", key.address(), path.display()))
}

fn list(args: &WalletArgs, as_json: bool) -> Result<(), Failure> {
    let keys = Wallet::of(&args.data_dir).list()?;
    if as_json {
        let keys: Vec<_> = keys.iter().map(|(alias, address)| json!({ "alias": alias, "address": address })).collect();
        return print::json(&json!(keys));
    }
    let rows: Vec<_> = keys.into_iter().map(|(alias, address)| vec![alias, address.to_string()]).collect();
    print::line(print::table(&["name", "address"], &rows))
}

fn show(alias: &str, args: &WalletArgs, as_json: bool) -> Result<(), Failure> {
    let keystore = Wallet::of(&args.data_dir).get(alias)?;
    if as_json {
        return print::json(&json!({ "alias": alias, "address": keystore.address, "public_key": keystore.public_key }));
    }
    print::line(format!("name        {alias}"))?;
    print::line(format!("address     {}", keystore.address))?;
    print::line(format!("public key  {}", keystore.public_key))
}

fn open(alias: &str, args: &WalletArgs) -> Result<SecretKey, Failure> {
    let keystore = Wallet::of(&args.data_dir).get(alias)?;
    let passphrase = passphrase::existing(args.passphrase_file.as_deref(), &format!("'{alias}'"))?;
    keystore.open(&passphrase).map_err(|error| Failure::usage(format!("'{alias}': {error}")))
}

fn sign(key: &SecretKey, args: &TransferArgs, chain: &ledger::ChainId, nonce: u64) -> Result<Transfer, Failure> {
    let data = transfer::data(&args.data).map_err(Failure::usage)?;
    Ok(Transfer::sign(key, chain, args.to, args.amount, args.fee, nonce, data))
}

/// A secret from a private file, or from whoever pipes it in.
fn secret_text(from: Option<&Path>) -> Result<Zeroizing<String>, Failure> {
    if let Some(path) = from {
        return private_file::read(path).map_err(Failure::usage);
    }
    let mut text = Zeroizing::new(String::new());
    std::io::stdin().lock().take(4096).read_to_string(&mut text).map_err(Failure::usage)?;
    Ok(text)
}

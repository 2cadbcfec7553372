//! `sign`: a transfer that is valid on one chain, signed without asking anybody.

use client::transfer::{self, TransferJson};
use ledger::{Address, Transfer};
use serde_json::json;

use crate::cli::{SignArgs, TransferArgs};
use crate::commands::offline::Offline;
use crate::commands::print::Out;
use crate::commands::wallet;
use crate::failure::Failure;
use crate::private_file;
use crate::wallet::Wallet;

/// Signs, and prints the transfer or writes it to a file.
pub fn sign(args: &SignArgs, out: Out) -> Result<(), Failure> {
    let wallet = Wallet::of(&args.wallet.data_dir);
    let file = wallet.get(&args.alias)?;
    let (to, data) = receiver(&wallet, &args.transfer)?;
    let offline = Offline::of(args)?;
    let nonce = args.nonce.map_or_else(|| offline.nonce(&file.address()), Ok)?;
    let key = wallet::open(&args.alias, &file, &args.wallet.passphrase())?.key;
    let tx = Transfer::sign(&key, &offline.chain, to, args.transfer.amount, args.fee, nonce, data);
    let fields = TransferJson::from(&tx);
    let text = match args.hex {
        true => transfer::to_hex(&tx),
        false => serde_json::to_string_pretty(&fields).map_err(Failure::internal)?,
    };
    let Some(path) = &args.out else {
        let answer = if args.hex { json!({ "hex": text }) } else { json!(fields) };
        return out.answer(&answer, || text);
    };
    private_file::create(path, (text + "\n").as_bytes())?;
    let id = tx.id(&offline.chain);
    out.answer(&json!({ "id": id, "file": path }), || {
        format!("transaction {} is in {}: post it with barreleye submit", id.to_hex(), path.display())
    })
}

/// Whom a transfer pays, and what is attached.
pub fn receiver(wallet: &Wallet, args: &TransferArgs) -> Result<(Address, Vec<u8>), Failure> {
    let data = transfer::data(&args.data).map_err(Failure::usage)?;
    Ok((wallet.resolve(&args.to)?, data))
}

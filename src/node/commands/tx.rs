//! `tx`: a transaction, waiting or in a block; and waiting for it.

use client::Transaction;
use ledger::TxId;

use crate::cli::TxArgs;
use crate::commands::node;
use crate::commands::print::{self, Out};
use crate::commands::wait::Wait;
use crate::failure::Failure;

/// Prints the transaction, as soon as it has the confirmations that are wanted.
pub fn tx(args: &TxArgs, out: Out) -> Result<(), Failure> {
    let id: TxId =
        args.id.parse().map_err(|error| Failure::usage(format!("'{}' is no transaction id: {error}", args.id)))?;
    let client = node::public(&args.client);
    let tx = match args.wait.wait {
        Some(wanted) => Wait { client: &client, id, wanted, transfer: None }.until_confirmed(&args.wait, out)?,
        None => client.transaction(&id)?,
    };
    out.answer(&tx, || text(&tx))
}

fn text(tx: &Transaction) -> String {
    print::list(&[
        ("transaction", tx.id.to_string()),
        ("state", print::state(tx)),
        ("from", tx.from.to_string()),
        ("to", tx.to.to_string()),
        ("amount", format!("{} Barrel", tx.amount.0)),
        ("fee", format!("{} Barrel", tx.fee.0)),
        ("nonce", tx.nonce.to_string()),
        ("data", tx.data.clone()),
    ])
}

//! `history`: the transactions of an account, newest first.

use client::{AccountHistory, Client, HistoryItem};
use ledger::Address;
use serde_json::json;

use crate::cli::HistoryArgs;
use crate::commands::node;
use crate::commands::print::{self, Out};
use crate::failure::Failure;
use crate::wallet::Wallet;

/// The most that a node gives at once.
const PAGE: usize = 100;

/// Prints the history, asking for as many pages as it takes.
pub fn history(args: &HistoryArgs, out: Out) -> Result<(), Failure> {
    let address = Wallet::of(&args.account.wallet.data_dir).resolve(&args.account.account)?;
    let client = node::public(&args.account.client);
    let items = read(&client, &address, args.limit)?;
    let answer = json!({ "address": address, "items": items });
    out.answer(&answer, || match items.is_empty() {
        true => format!("nothing happened to {address} yet"),
        false => print::table(&["block", "when", "way", "Barrel", "with", "transaction"], &rows(&items)),
    })
}

fn read(client: &Client, address: &Address, limit: usize) -> Result<Vec<HistoryItem>, Failure> {
    let (mut items, mut before) = (Vec::new(), None::<String>);
    while items.len() < limit {
        let page = PAGE.min(limit - items.len());
        let cursor = before.map(|before| format!("&before={before}")).unwrap_or_default();
        let path = format!("/v1/accounts/{address}/transactions?limit={page}{cursor}");
        let history: AccountHistory = client.read(&path)?;
        items.extend(history.transactions);
        before = history.next;
        if before.is_none() {
            break;
        }
    }
    Ok(items)
}

fn rows(items: &[HistoryItem]) -> Vec<Vec<String>> {
    let row = |item: &HistoryItem| {
        let (with, id) = match (&item.transaction, item.direction) {
            (Some(tx), client::Direction::In) => (tx.from.to_string(), tx.id.to_hex()),
            (Some(tx), _) => (tx.to.to_string(), tx.id.to_hex()),
            (None, _) => ("-".into(), "-".into()),
        };
        let (when, way) = (print::ago(item.time), item.direction.text().to_owned());
        vec![item.height.to_string(), when, way, item.amount.0.to_string(), with, id]
    };
    items.iter().map(row).collect()
}

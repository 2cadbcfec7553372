//! An account's history as a table for spreadsheets.

use std::sync::Arc;

use actix_web::web::{Bytes, Path, block};
use actix_web::{HttpResponse, get};
use client::schema::AnyAddress;
use futures::stream::unfold;
use jiff::Timestamp;
use ledger::{Address, Amount};
use store::{Cursor, HistoryEntry, Movement, StoreError};

use super::accounts::address;
use super::view::sender;
use super::{Problem, Problems, Shared};
use crate::node_api::NodeApi;

/// Rows that are read at once, each read with a snapshot of its own.
const CHUNK: usize = 200;
/// Rows of the longest table; what is older is left out.
const MAX_ROWS: usize = 100_000;
const HEAD: &str = "time,height,direction,counterparty,amount,fee,transaction\r\n";

/// What happened to an account, newest first, as CSV: at most 100000 rows. Amounts are in Barrel, times in UTC.
#[utoipa::path(
    tag = "accounts",
    params(("address" = inline(AnyAddress), Path, description = "its address")),
    responses((status = 200, body = String, content_type = "text/csv", description = "a line for each entry"), Problems)
)]
#[get("/v1/accounts/{address}/transactions.csv")]
pub async fn export_account(state: Shared, path: Path<String>) -> Result<HttpResponse, Problem> {
    let address = address(&path)?;
    let table = Table { node: state.node.clone(), address, before: None, rows: 0, next: Next::Head };
    let stream = unfold(table, |mut table| async move {
        let chunk = match table.next {
            Next::Head => Ok(HEAD.to_owned()),
            Next::Rows => {
                let (node, address, before) = (table.node.clone(), table.address, table.before);
                let limit = CHUNK.min(MAX_ROWS - table.rows);
                let read = block(move || node.reader().snapshot()?.history(&address, before, limit));
                match read.await.map_err(|error| StoreError::Stopped(error.to_string())).and_then(|read| read) {
                    Ok(entries) => {
                        table.rows += entries.len();
                        table.before = entries.last().map(|entry| entry.at);
                        Ok(entries.iter().map(|entry| row(&table.node.network().chain, entry)).collect())
                    }
                    Err(error) => Err(error),
                }
            }
            Next::Nothing => return None,
        };
        let more = table.rows < MAX_ROWS && (matches!(table.next, Next::Head) || table.before.is_some());
        table.next = if more && chunk.is_ok() { Next::Rows } else { Next::Nothing };
        if chunk.as_ref().is_ok_and(String::is_empty) {
            return None;
        }
        Some((chunk.map(Bytes::from), table))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header(("Content-Disposition", format!("attachment; filename=\"{address}.csv\"")))
        .streaming(Box::pin(stream)))
}

struct Table {
    node: Arc<dyn NodeApi>,
    address: Address,
    before: Option<Cursor>,
    rows: usize,
    next: Next,
}

#[derive(Debug, Clone, Copy)]
enum Next {
    Head,
    Rows,
    Nothing,
}

/// No field holds a comma, a quote or a formula: all are numbers, hex or fixed words.
fn row(chain: &ledger::ChainId, entry: &HistoryEntry) -> String {
    let (direction, counterparty, amount, fee, id) = match &entry.movement {
        Movement::Mined { amount } => ("mined", String::new(), *amount, Amount::ZERO, String::new()),
        Movement::Received(tx) => ("in", sender(tx).to_string(), tx.amount(), Amount::ZERO, tx.id(chain).to_hex()),
        Movement::Sent(tx) => ("out", tx.to().to_string(), tx.amount(), tx.fee(), tx.id(chain).to_hex()),
    };
    let time = i64::try_from(entry.time).ok().and_then(|time| Timestamp::from_millisecond(time).ok());
    let time = time.map(|time| time.to_string()).unwrap_or_default();
    format!("{time},{},{direction},{counterparty},{amount},{fee},{id}\r\n", entry.at.height)
}

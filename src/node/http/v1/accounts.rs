//! Accounts and what happened to them.

use actix_web::get;
use actix_web::web::{Json, Path, Query};
use client::schema::AnyAddress;
use client::{Account, AccountHistory, Direction, HistoryItem};
use ledger::{Address, Amount, ChainSource, Network};
use serde::Deserialize;
use store::{Cursor, HistoryEntry, Movement};
use utoipa::IntoParams;

use super::view::confirmed;
use super::{Answer, Problem, Problems, Shared, clamp};

/// How a cursor names what a miner was paid.
const MINED: &str = "mined";

/// An account. One that was never paid has nothing, and is no error.
#[utoipa::path(
    tag = "accounts",
    params(("address" = inline(AnyAddress), Path, description = "its address")),
    responses((status = 200, body = Account, description = "the account"), Problems)
)]
#[get("/v1/accounts/{address}")]
pub async fn get_account(state: Shared, path: Path<String>) -> Answer<Account> {
    let address = address(&path)?;
    let base = state.node.network().nonce_base;
    let stored = state.account::<Problem>(&address)?;
    let account = stored.unwrap_or(ledger::Account { balance: Amount::ZERO, nonce: base });
    let pool = state.node.pool();
    Ok(Json(Account {
        address,
        exists: stored.is_some(),
        balance: account.balance.into(),
        nonce: account.nonce.into(),
        sequence: account.nonce.saturating_sub(base),
        next_nonce: pool.next_nonce(&address).unwrap_or(account.nonce).into(),
        waiting: pool.waiting_of(&address),
    }))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct HistoryQuery {
    /// How many, 1 to 100; other numbers are moved there.
    limit: Option<u64>,
    /// `next` of the page before.
    before: Option<String>,
}

/// What happened to an account, newest first: transactions and the blocks that paid it as their miner.
#[utoipa::path(
    tag = "accounts",
    params(("address" = inline(AnyAddress), Path, description = "its address"), HistoryQuery),
    responses((status = 200, body = AccountHistory, description = "what happened to it, the newest first"), Problems)
)]
#[get("/v1/accounts/{address}/transactions")]
pub async fn list_account_transactions(
    state: Shared,
    path: Path<String>,
    query: Query<HistoryQuery>,
) -> Answer<AccountHistory> {
    let address = address(&path)?;
    let before = query.before.as_deref().map(cursor).transpose()?;
    let limit = clamp(query.limit);
    let snapshot = state.node.reader().snapshot()?;
    // One more than is shown tells whether there is a next page.
    let mut entries = snapshot.history(&address, before, limit + 1)?;
    let more = entries.len() > limit;
    entries.truncate(limit);
    let next = entries.last().filter(|_| more).map(|entry| cursor_text(entry.at));
    let tip = snapshot.tip()?.height;
    let transactions = entries.into_iter().map(|entry| item(state.node.network(), entry, tip)).collect();
    Ok(Json(AccountHistory { transactions, next }))
}

/// An entry of an account's history as it is shown.
pub fn item(network: &Network, entry: HistoryEntry, tip: u64) -> HistoryItem {
    let HistoryEntry { at, block, time, movement } = entry;
    let (direction, amount, transaction) = match movement {
        Movement::Mined { amount } => (Direction::Mined, amount, None),
        Movement::Received(tx) => (Direction::In, tx.amount(), Some(tx)),
        Movement::Sent(tx) => (Direction::Out, tx.amount(), Some(tx)),
    };
    let located = |transaction: ledger::Transaction| {
        let id = transaction.id(&network.chain);
        // Its number among all is not shown.
        let at = store::Located { transaction, height: at.height, index: at.index, number: 0, block, time };
        confirmed(&at, id, tip)
    };
    let transaction = transaction.map(located);
    HistoryItem { direction, amount: amount.into(), height: at.height, block, time, transaction }
}

/// The address in a path.
pub fn address(text: &str) -> Result<Address, Problem> {
    text.parse().map_err(|error| Problem::malformed(format!("'{text}' is no address: {error}")))
}

fn cursor_text(at: Cursor) -> String {
    match at.index {
        u32::MAX => format!("{}-{MINED}", at.height),
        index => format!("{}-{index}", at.height),
    }
}

fn cursor(text: &str) -> Result<Cursor, Problem> {
    let parse = || {
        let (height, index) = text.split_once('-')?;
        let index = if index == MINED { u32::MAX } else { index.parse().ok()? };
        Some(Cursor { height: height.parse().ok()?, index })
    };
    parse().ok_or_else(|| Problem::malformed(format!("'{text}' is no cursor: send the `next` of the page before")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text() {
        for at in [Cursor { height: 0, index: 0 }, Cursor { height: u64::MAX, index: u32::MAX }] {
            assert_eq!(cursor(&cursor_text(at)), Ok(at));
        }
        for bad in ["", "7", "7-", "-7", "a-b", "7-mine", "1-2-3"] {
            assert!(cursor(bad).is_err(), "{bad}");
        }
    }
}

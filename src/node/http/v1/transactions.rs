//! Transactions, whether they wait or are in a block.

use actix_web::web::{Json, Path, Query};
use actix_web::{HttpRequest, HttpResponse, get};
use client::schema::AnyId;
use client::{Transaction, Transactions};
use ledger::{ChainSource, TxId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::pool::in_pool;
use super::view::{confirmed, id, waiting};
use super::{Answer, Problem, Problems, Shared, clamp, name, page};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TransactionsQuery {
    /// How many, 1 to 100; other numbers are moved there.
    limit: Option<u64>,
    /// Only those below this number; they are counted from 0, the oldest first.
    before: Option<u64>,
}

/// Transactions of the chain, newest first.
#[utoipa::path(
    tag = "transactions",
    params(TransactionsQuery),
    responses((status = 200, body = Transactions, description = "transactions of the chain, the newest first"), Problems)
)]
#[get("/v1/transactions")]
pub async fn list_transactions(
    state: Shared,
    request: HttpRequest,
    query: Query<TransactionsQuery>,
) -> Result<HttpResponse, Problem> {
    page(&state, name(&request), || {
        let snapshot = state.node.reader().snapshot()?;
        let (chain, tip) = (&state.node.network().chain, snapshot.tip()?.height);
        let listed = snapshot.transactions_below(query.before.unwrap_or(u64::MAX), clamp(query.limit))?;
        let next = listed.last().map(|located| located.number).filter(|number| *number > 0);
        let transactions =
            listed.iter().map(|located| confirmed(located, located.transaction.id(chain), tip)).collect();
        Ok(Transactions { transactions, next, total: snapshot.transaction_count()? })
    })
}

/// A transaction, in the chain or waiting.
#[utoipa::path(
    tag = "transactions",
    params(("id" = inline(AnyId), Path, description = "its id")),
    responses((status = 200, body = Transaction, description = "the transaction"), Problems)
)]
#[get("/v1/transactions/{id}")]
pub async fn get_transaction(state: Shared, path: Path<String>) -> Answer<Transaction> {
    let id: TxId = id(&path)?;
    // The pool first: what leaves it for a block meanwhile is in the snapshot that is taken after.
    let pool = state.node.pool();
    let snapshot = state.node.reader().snapshot()?;
    if let Some(located) = snapshot.transaction(&id)? {
        return Ok(Json(confirmed(&located, id, snapshot.tip()?.height)));
    }
    let tx = pool.get(&id).ok_or_else(|| Problem::not_found(format!("no transaction {id}")))?;
    let place = in_pool(&state, &pool, &tx).await;
    Ok(Json(waiting(&state, &pool, &tx, place)))
}

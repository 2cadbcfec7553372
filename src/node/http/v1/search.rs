//! `/v1/search`: what a text names.

use actix_web::get;
use actix_web::web::{Json, Query};
use client::Found;
use ledger::{AccountSource, Address, BlockId, ChainSource, TxId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Answer, Problem, Problems, Shared, blocks};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct SearchQuery {
    /// A height, the id of a block or a transaction, or an address.
    q: String,
}

/// What a text names: a block, a transaction or an account.
#[utoipa::path(
    tag = "search",
    params(SearchQuery),
    responses((status = 200, body = Found, description = "what the text names"), Problems)
)]
#[get("/v1/search")]
pub async fn search(state: Shared, query: Query<SearchQuery>) -> Answer<Found> {
    let text = query.q.trim();
    let pool = state.node.pool();
    let snapshot = state.node.reader().snapshot()?;
    if let Ok(address) = text.parse::<Address>() {
        return Ok(Json(Found::Account { address, exists: snapshot.account(&address)?.is_some() }));
    }
    if let Ok(id) = text.parse::<BlockId>() {
        if let Some(stored) = snapshot.header(&id)? {
            return Ok(Json(Found::Block { id, height: stored.header.height }));
        }
        let id = TxId(id.0);
        if pool.contains(&id) || snapshot.transaction(&id)?.is_some() {
            return Ok(Json(Found::Transaction { id }));
        }
        return Err(Problem::not_found(format!("no block and no transaction {id}")));
    }
    let no_name = |_| Problem::not_found(format!("'{text}' is neither a height, nor an id, nor an address"));
    let height: u64 = text.parse().map_err(no_name)?;
    let (id, stored) = blocks::find(&snapshot, &height.to_string())?;
    Ok(Json(Found::Block { id, height: stored.header.height }))
}

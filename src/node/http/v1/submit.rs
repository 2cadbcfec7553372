//! Handing in transfers, one or many, in any of their forms.

use actix_web::web::Json;
use actix_web::{HttpResponse, post};
use client::transfer::{Batch, BatchItem, BatchReply, Posted, Submitted, from_hex};
use ledger::{Transaction, Transfer};
use serde::de::DeserializeOwned;

use super::{Answer, Problem, Problems, Shared, State};
use crate::http::body::{Fields, Received, whole};
use crate::http::compat_transfer;
use crate::node_api::Refused;

/// Transfers of one batch: what 64 KiB hold of small ones, and a second of checks on a slow machine.
const MAX_BATCH: usize = 100;

/// Hands in a signed transfer; it waits in the pool when the answer comes. Posting the same again is the same success.
#[utoipa::path(
    tag = "transactions",
    request_body = Posted,
    responses((status = 202, body = Submitted, description = "it waits, or is in the chain already"), Problems)
)]
#[post("/v1/transactions")]
pub async fn submit(state: Shared, body: Received) -> Result<HttpResponse, Problem> {
    let posted: Posted = read(body)?;
    Ok(HttpResponse::Accepted().json(take(&state, posted).await?))
}

/// Hands in up to a hundred signed transfers, in their order. Each is taken or refused by itself.
#[utoipa::path(
    tag = "transactions",
    request_body = Batch,
    responses((status = 200, body = BatchReply, description = "one answer for each transaction, in their order"), Problems)
)]
#[post("/v1/transactions/batch")]
pub async fn submit_batch(state: Shared, body: Received) -> Answer<BatchReply> {
    let batch: Batch = read(body)?;
    if batch.transactions.is_empty() || batch.transactions.len() > MAX_BATCH {
        return Err(Problem::malformed(format!("send between 1 and {MAX_BATCH} transactions at a time")));
    }
    let mut transactions = Vec::with_capacity(batch.transactions.len());
    for posted in batch.transactions {
        transactions.push(match take(&state, posted).await {
            Ok(submitted) => BatchItem::Taken(submitted),
            Err(problem) => BatchItem::Refused(problem.0),
        });
    }
    Ok(Json(BatchReply { transactions }))
}

fn read<T: DeserializeOwned>(body: Received) -> Result<T, Problem> {
    serde_json::from_slice(&whole(body)?).map_err(Problem::malformed)
}

async fn take(state: &State, posted: Posted) -> Result<Submitted, Problem> {
    let transaction = match posted {
        Posted::Hex(form) => Transaction::Transfer(from_hex(&form.hex).map_err(Problem::malformed)?),
        Posted::Json(form) => Transaction::Transfer(Transfer::try_from(form).map_err(Problem::malformed)?),
        Posted::Barreleye(form) => {
            let fields = Fields::of(&form.barreleye).map_err(Problem::malformed)?;
            Transaction::Barreleye(compat_transfer::read(state, &fields)?.1)
        }
    };
    let id = transaction.id(&state.node.network().chain);
    let confirmed = state.node.reader().snapshot()?.transaction(&id)?.is_some();
    // Whoever heard no answer may post again: the same transaction is the same success.
    if !confirmed {
        match state.node.submit(transaction).await {
            Ok(_) | Err(Refused::Known(_)) => {}
            Err(refused) => return Err(refused.into()),
        }
    }
    Ok(Submitted { id })
}

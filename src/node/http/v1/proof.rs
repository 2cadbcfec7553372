//! `/v1/transactions/{id}/proof`: that a transaction is in a block.

use actix_web::get;
use actix_web::web::{Json, Path};
use client::schema::AnyId;
use client::{Proof, Side, Step};
use ledger::merkle::{self, Sibling};
use ledger::{ChainSource, Transaction, TxId};

use super::view::id;
use super::{Answer, Problem, Problems, Shared};

/// That a transaction is in a block of the chain, checked with hashes alone: see the schema for how.
#[utoipa::path(
    tag = "transactions",
    params(("id" = inline(AnyId), Path, description = "its id")),
    responses((status = 200, body = Proof, description = "the way from the transaction to the header"), Problems)
)]
#[get("/v1/transactions/{id}/proof")]
pub async fn get_proof(state: Shared, path: Path<String>) -> Answer<Proof> {
    let id: TxId = id(&path)?;
    let snapshot = state.node.reader().snapshot()?;
    let not_there =
        || Problem::not_found(format!("no transaction {id} in the chain: only what is in a block has a proof"));
    let located = snapshot.transaction(&id)?.ok_or_else(not_there)?;
    let block = snapshot.block(&located.block)?.ok_or_else(not_there)?;
    let leaves: Vec<_> = block.transactions.iter().map(Transaction::leaf).collect();
    let index = located.index as usize;
    let leaf = *leaves.get(index).ok_or_else(not_there)?;
    let step = |sibling| match sibling {
        Sibling::Left(digest) => Step { side: Side::Left, digest },
        Sibling::Right(digest) => Step { side: Side::Right, digest },
    };
    Ok(Json(Proof {
        transaction: id,
        block: located.block,
        height: located.height,
        index: located.index,
        transactions: leaves.len() as u32,
        leaf,
        encoded: hex::encode(located.transaction.encode()),
        branch: merkle::branch(&leaves, index).into_iter().map(step).collect(),
        root: block.header.root,
        header: hex::encode(block.header.preimage()),
    }))
}

//! Blocks and headers.

use actix_web::web::{Json, Path, Query};
use actix_web::{HttpRequest, HttpResponse, get};
use client::schema::BlockName;
use client::{Block, BlockTransactions, Blocks, HeaderView, Headers};
use ledger::{BlockId, ChainSource, StoredHeader};
use serde::Deserialize;
use store::{Located, Snapshot};
use utoipa::IntoParams;

use super::view::{confirmed, id, summary};
use super::{Answer, MAX_PAGE, Problem, Problems, Shared, clamp, name, page};

/// Transactions behind all blocks of a page: their bodies are read for the fees. A page ends before it has more.
const MAX_BEHIND: u64 = 20_000;
/// Headers of the longest run.
const MAX_HEADERS: u64 = 2_000;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct BlocksQuery {
    /// How many, 1 to 100; other numbers are moved there.
    limit: Option<u64>,
    /// Only blocks below this height.
    before: Option<u64>,
}

/// Blocks of the chain, newest first.
#[utoipa::path(
    tag = "blocks",
    params(BlocksQuery),
    responses((status = 200, body = Blocks, description = "blocks, the newest first"), Problems)
)]
#[get("/v1/blocks")]
pub async fn list_blocks(
    state: Shared,
    request: HttpRequest,
    query: Query<BlocksQuery>,
) -> Result<HttpResponse, Problem> {
    page(&state, name(&request), || {
        let snapshot = state.node.reader().snapshot()?;
        let listed = snapshot.headers_below(query.before.unwrap_or(u64::MAX), clamp(query.limit))?;
        let (mut blocks, mut behind) = (Vec::new(), 0);
        for (id, stored) in &listed {
            behind += u64::from(stored.transactions);
            if behind > MAX_BEHIND && !blocks.is_empty() {
                break;
            }
            blocks.push(summary(state.node.network(), *id, stored, &state.facts.of(&snapshot, id)?));
        }
        let next = blocks.last().map(|block| block.height).filter(|height| *height > 0);
        Ok(Blocks { blocks, next })
    })
}

/// A block, by height or id. By id also one that is not part of the chain.
#[utoipa::path(
    tag = "blocks",
    params(("block" = inline(BlockName), Path, description = "its height or id")),
    responses((status = 200, body = Block, description = "the block"), Problems)
)]
#[get("/v1/blocks/{block}")]
pub async fn get_block(state: Shared, path: Path<String>) -> Answer<Block> {
    let snapshot = state.node.reader().snapshot()?;
    let (id, stored) = find(&snapshot, &path)?;
    let body = snapshot.block(&id)?.ok_or_else(|| Problem::not_found(format!("no block {id}")))?;
    let in_chain = snapshot.is_on_chain(&id)?;
    let header = &stored.header;
    let tip = snapshot.tip()?.height;
    let chain = &state.node.network().chain;
    Ok(Json(Block {
        summary: summary(state.node.network(), id, &stored, &state.facts.keep(id, &body)),
        in_chain,
        confirmations: if in_chain { tip.saturating_sub(header.height) + 1 } else { 0 },
        version: header.version,
        root: header.root,
        nonce: header.nonce.into(),
        miner_key: header.miner,
        signature: stored.signature,
        header: hex::encode(header.preimage()),
        transaction_ids: body.transactions.iter().map(|tx| tx.id(chain)).collect(),
    }))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct InBlockQuery {
    /// How many, 1 to 100; other numbers are moved there.
    limit: Option<u64>,
    /// The place of the first one.
    from: Option<u32>,
}

/// Transactions of a block of the chain, in their order.
#[utoipa::path(
    tag = "blocks",
    params(("block" = inline(BlockName), Path, description = "its height or id"), InBlockQuery),
    responses((status = 200, body = BlockTransactions, description = "a page of its transactions"), Problems)
)]
#[get("/v1/blocks/{block}/transactions")]
pub async fn list_block_transactions(
    state: Shared,
    path: Path<String>,
    query: Query<InBlockQuery>,
) -> Answer<BlockTransactions> {
    let snapshot = state.node.reader().snapshot()?;
    let (id, stored) = find(&snapshot, &path)?;
    if !snapshot.is_on_chain(&id)? {
        return Err(Problem::not_found(format!("block {id} is not part of the chain")));
    }
    let (height, tip) = (stored.header.height, snapshot.tip()?.height);
    let body = snapshot.block(&id)?.ok_or_else(|| Problem::not_found(format!("no block {id}")))?;
    let (from, limit) = (query.from.unwrap_or(0), clamp(query.limit));
    let total = stored.transactions;
    let chain = &state.node.network().chain;
    let listed = (0..).zip(body.transactions).skip(from as usize).take(limit);
    let transactions: Vec<_> = listed
        .map(|(index, transaction)| {
            let tx = transaction.id(chain);
            // Its number among all is not shown.
            let at = Located { transaction, height, index, number: 0, block: id, time: stored.header.time };
            confirmed(&at, tx, tip)
        })
        .collect();
    let end = from.saturating_add(transactions.len() as u32);
    Ok(Json(BlockTransactions { transactions, next: (end < total && end > from).then_some(end), total }))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct HeadersQuery {
    /// How many, 1 to 2000; other numbers are moved there.
    limit: Option<u64>,
    /// The height of the first one.
    from: Option<u64>,
}

/// Headers of the chain, lowest first: what a light client checks.
#[utoipa::path(
    tag = "blocks",
    params(HeadersQuery),
    responses((status = 200, body = Headers, description = "headers, the lowest first"), Problems)
)]
#[get("/v1/headers")]
pub async fn list_headers(state: Shared, query: Query<HeadersQuery>) -> Answer<Headers> {
    let snapshot = state.node.reader().snapshot()?;
    let limit = query.limit.unwrap_or(MAX_PAGE).clamp(1, MAX_HEADERS) as usize;
    let listed = snapshot.headers_from(query.from.unwrap_or(0), limit)?;
    let end = listed.last().map(|(_, stored)| stored.header.height);
    let tip = snapshot.tip()?.height;
    let view = |(id, stored): (BlockId, StoredHeader)| HeaderView {
        id,
        height: stored.header.height,
        header: hex::encode(stored.header.preimage()),
        signature: stored.signature,
    };
    let next = end.filter(|end| *end < tip).map(|end| end + 1);
    Ok(Json(Headers { headers: listed.into_iter().map(view).collect(), next }))
}

/// A block by height, if the chain has it, or by id.
pub fn find(snapshot: &Snapshot, text: &str) -> Result<(BlockId, StoredHeader), Problem> {
    let height = text.len() <= 19 && !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    if height {
        let height: u64 = text.parse().map_err(Problem::malformed)?;
        let found = snapshot.headers_from(height, 1)?.pop().filter(|(_, stored)| stored.header.height == height);
        return found.ok_or_else(|| Problem::not_found(format!("the chain has no block {height}")));
    }
    let id: BlockId = id(text)?;
    let stored = snapshot.header(&id)?.ok_or_else(|| Problem::not_found(format!("no block {id}")))?;
    Ok((id, stored))
}

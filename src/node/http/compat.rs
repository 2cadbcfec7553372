//! The compatible interface: what wallets and explorers of the original chain ask for, answered as recorded.
//! `docs/compatibility.md` lists every deliberate difference.

use actix_web::web::{Path, Query};
use actix_web::{HttpRequest, HttpResponse, get, post};
use ledger::{Address, BlockId, ChainSource, StoredHeader, Transaction, TxId};
use serde::Serialize;
use store::Snapshot;

use super::at_tip::name;
use super::body::{Fields, Received, hex_bytes, whole, without_prefix};
use super::compat_json::{
    AccountData, AccountJson, BlockData, BlockJson, BlocksData, TransactionData, TransactionJson, TransactionsData,
};
use super::compat_transfer;
use super::reply::{Envelope, Refusal, Refusals, envelope, ready, rendered};
use super::{Routes, Shared, State};
use crate::node_api::Refused;

/// Largest page. Below it, pages are as large as asked.
const MAX_PAGE: u64 = 1_000;
/// Most transaction ids on a page of blocks: 3.3 MB of answer.
const MAX_IDS: u64 = 50_000;

/// The paths at the root.
pub fn routes(app: &mut Routes) {
    app.service(compat_last_block)
        .service(compat_blocks)
        .service(compat_block)
        .service(compat_transactions)
        .service(compat_submit)
        .service(compat_transaction)
        .service(compat_account);
}

/// The newest block.
#[utoipa::path(
    tag = "compatible",
    responses((status = 200, body = Envelope<BlockData>, description = "the block"), Refusals)
)]
#[get("/last-block")]
pub async fn compat_last_block(state: Shared) -> HttpResponse {
    page_of(&state, "/last-block", || {
        let snapshot = state.node.reader().snapshot()?;
        let tip = snapshot.tip()?;
        let stored = snapshot.header(&tip.id)?.ok_or_else(|| Refusal::new(404, "not found last block"))?;
        Ok(BlockData { block: block_json(&snapshot, &tip.id, &stored)? })
    })
}

/// A block, by height or hash.
#[utoipa::path(
    tag = "compatible",
    params(("block" = String, Path, description = "its height or hash")),
    responses((status = 200, body = Envelope<BlockData>, description = "the block"), Refusals)
)]
#[get("/blocks/{block}")]
pub async fn compat_block(state: Shared, path: Path<String>) -> HttpResponse {
    let find = || {
        let snapshot = state.node.reader().snapshot()?;
        let id = match path.parse::<i64>() {
            Ok(height) => u64::try_from(height).ok().map(|height| snapshot.main_id(height)).transpose()?.flatten(),
            Err(_) => Some(BlockId(hash(&path)?)),
        };
        let id = id.ok_or_else(|| Refusal::new(404, "not found block"))?;
        let on_chain = snapshot.is_on_chain(&id)?;
        let stored = snapshot.header(&id)?.filter(|_| on_chain);
        block_json(&snapshot, &id, &stored.ok_or_else(|| Refusal::new(404, "not found block"))?)
    };
    envelope(find().map(|block| BlockData { block }))
}

/// Blocks, newest first.
#[utoipa::path(
    tag = "compatible",
    params(
        ("page" = i64, Query, description = "from 1 on; smaller ones are the first"),
        ("size" = i64, Query, description = "at most 1000; larger ones are moved there")
    ),
    responses((status = 200, body = Envelope<BlocksData>, description = "a page of blocks"), Refusals)
)]
#[get("/blocks")]
pub async fn compat_blocks(state: Shared, request: HttpRequest, query: Query<Vec<(String, String)>>) -> HttpResponse {
    page_of(&state, name(&request), || {
        let (skip, size) = page(&query)?;
        let snapshot = state.node.reader().snapshot()?;
        let total_count = snapshot.tip()?.height + 1;
        let headers = snapshot.headers_below(total_count.saturating_sub(skip), size as usize)?;
        let ids: u64 = headers.iter().map(|(_, stored)| u64::from(stored.transactions)).sum();
        if ids > MAX_IDS && headers.len() > 1 {
            let text =
                format!("this page would have {ids} transaction ids, more than {MAX_IDS}: ask for a smaller size");
            return Err(Refusal::bad(text));
        }
        let blocks = headers.iter().map(|(id, stored)| block_json(&snapshot, id, stored)).collect::<Result<_, _>>()?;
        Ok(BlocksData { blocks, total_count })
    })
}

/// Transactions, newest first.
#[utoipa::path(
    tag = "compatible",
    params(
        ("page" = i64, Query, description = "from 1 on; smaller ones are the first"),
        ("size" = i64, Query, description = "at most 1000; larger ones are moved there")
    ),
    responses((status = 200, body = Envelope<TransactionsData>, description = "a page of transactions"), Refusals)
)]
#[get("/txs")]
pub async fn compat_transactions(
    state: Shared,
    request: HttpRequest,
    query: Query<Vec<(String, String)>>,
) -> HttpResponse {
    page_of(&state, name(&request), || {
        let (skip, size) = page(&query)?;
        let snapshot = state.node.reader().snapshot()?;
        let chain = &state.node.network().chain;
        let total_count = snapshot.transaction_count()?;
        let listed = snapshot.transactions_below(total_count.saturating_sub(skip), size as usize)?;
        let transactions = listed.iter().map(|found| TransactionJson::located(found, found.transaction.id(chain)));
        Ok(TransactionsData { transactions: transactions.collect(), total_count })
    })
}

/// A transaction of the chain, by number or hash.
#[utoipa::path(
    tag = "compatible",
    params(("transaction" = String, Path, description = "its number from 0 on, or its hash")),
    responses((status = 200, body = Envelope<TransactionData>, description = "the transaction"), Refusals)
)]
#[get("/txs/{transaction}")]
pub async fn compat_transaction(state: Shared, path: Path<String>) -> HttpResponse {
    let find = || {
        let snapshot = state.node.reader().snapshot()?;
        let found = match path.parse::<i64>() {
            Ok(number) => u64::try_from(number).ok().map(|n| snapshot.transaction_by_number(n)).transpose()?.flatten(),
            Err(_) => snapshot.transaction(&TxId(hash(&path)?))?,
        };
        let found = found.ok_or_else(|| Refusal::unknown_transaction(&path))?;
        Ok(TransactionJson::located(&found, found.transaction.id(&state.node.network().chain)))
    };
    envelope(find().map(|transaction| TransactionData { transaction }))
}

/// An account that was ever paid.
#[utoipa::path(
    tag = "compatible",
    params(("address" = String, Path, description = "40 hex digits, with or without 0x")),
    responses((status = 200, body = Envelope<AccountData>, description = "the account"), Refusals)
)]
#[get("/accounts/{address}")]
pub async fn compat_account(state: Shared, path: Path<String>) -> HttpResponse {
    let find = || {
        let bytes = hex_bytes(&without_prefix(&path)).ok().and_then(|bytes| bytes.try_into().ok());
        let address = Address(bytes.ok_or_else(|| Refusal::bad("invalid address"))?);
        let account = state.account::<Refusal>(&address)?.ok_or_else(|| Refusal::new(404, "not found account"))?;
        let next_nonce = state.node.pool().next_nonce(&address).unwrap_or(account.nonce);
        Ok(AccountJson::new(&address, &account, next_nonce))
    };
    envelope(find().map(|account| AccountData { account }))
}

/// Hands in a transfer of the original chain.
#[utoipa::path(
    tag = "compatible",
    request_body = client::BarreleyeTexts,
    responses((status = 200, body = Envelope<TransactionData>, description = "the transaction"), Refusals)
)]
#[post("/txs")]
pub async fn compat_submit(state: Shared, request: HttpRequest, body: Received) -> HttpResponse {
    let submitted = async { submit(&state, &request, &whole(body)?).await };
    envelope(submitted.await.map(|transaction| TransactionData { transaction }))
}

async fn submit(state: &State, request: &HttpRequest, body: &[u8]) -> Result<TransactionJson, Refusal> {
    let fields = Fields::read(content_type(request), body, "dto.TransactionRequest")?;
    let (texts, transfer) = compat_transfer::read(state, &fields)?;
    let (id, nonce) = (transfer.id(), transfer.nonce);
    let known = state.node.pool().contains(&id) || state.node.reader().snapshot()?.transaction(&id)?.is_some();
    // Whoever heard no answer may post again: the same transaction is the same success.
    if !known {
        match state.node.submit(Transaction::Barreleye(transfer)).await {
            Ok(_) | Err(Refused::Known(_)) => {}
            Err(Refused::Invalid(why)) => return Err(Refusal::bad(why)),
            Err(Refused::Unavailable(why)) => return Err(Refusal::new(503, why).retry_after(1)),
        }
    }
    Ok(texts.echo(id, nonce))
}

/// An answer that holds as long as the tip does, from those that are kept if it was made before.
fn page_of<T: Serialize>(state: &State, name: &str, make: impl FnOnce() -> Result<T, Refusal>) -> HttpResponse {
    match state.pages.get(state.node.tip().id, name, || make().map(rendered)) {
        Ok(body) => ready(body),
        Err(refusal) => refusal.reply(),
    }
}

pub(super) fn content_type(request: &HttpRequest) -> &str {
    request.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn block_json(snapshot: &Snapshot, id: &BlockId, stored: &StoredHeader) -> Result<BlockJson, Refusal> {
    let ids = if stored.transactions == 0 { Vec::new() } else { snapshot.transaction_ids(id)? };
    Ok(BlockJson::new(id, stored, &ids))
}

/// 64 hex digits, without a prefix.
fn hash(text: &str) -> Result<[u8; 32], Refusal> {
    let bytes = hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| Refusal::bad(format!("invalid hash {text}")))
}

/// How many entries to skip and how many to list. The first of two equal names counts; pages start at 1.
fn page(query: &[(String, String)]) -> Result<(u64, u64), Refusal> {
    let number = |name: &str| {
        let text = query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        text.and_then(|text| text.parse::<i64>().ok()).ok_or_else(|| Refusal::bad(format!("invalid {name}")))
    };
    let page = u64::try_from(number("page")?.max(1)).unwrap_or(1);
    let size = u64::try_from(number("size")?).unwrap_or(0).min(MAX_PAGE);
    Ok(((page - 1).saturating_mul(size), size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(page_text: &str, size: &str) -> Result<(u64, u64), Refusal> {
        page(&[("page".into(), page_text.into()), ("size".into(), size.into())])
    }

    #[test]
    fn a17_pages_and_sizes_are_clamped() {
        assert_eq!(asked("1", "3"), Ok((0, 3)));
        assert_eq!(asked("3", "10"), Ok((20, 10)));
        for first in ["0", "-1", "-9223372036854775808"] {
            assert_eq!(asked(first, "3"), Ok((0, 3)));
        }
        assert_eq!(asked("1", "-3"), Ok((0, 0)));
        assert_eq!(asked("1", "1000000000"), Ok((0, MAX_PAGE)));
        assert_eq!(asked("9223372036854775807", "1000").map(|(_, size)| size), Ok(1000));
        assert_eq!(asked("99999999999999999999", "3"), Err(Refusal::bad("invalid page")));
        assert_eq!(asked("", "abc"), Err(Refusal::bad("invalid page")));
        assert_eq!(asked("1", "abc"), Err(Refusal::bad("invalid size")));
    }
}

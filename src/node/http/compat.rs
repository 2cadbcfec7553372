//! The compatible interface: what wallets and explorers of the original chain ask for, answered as recorded.
//! `docs/compatibility.md` lists every deliberate difference.

use actix_web::web::{self, Path, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use ledger::{AccountSource, Address, BlockId, ChainSource, StoredHeader, Transaction, TxId};
use machines::faucet::ClaimError;
use store::Snapshot;

use super::body::{Fields, Received, hex_bytes, whole, without_prefix};
use super::client_address;
use super::compat_json::{
    AccountData, AccountJson, BlockData, BlockJson, BlocksData, TransactionData, TransactionJson, TransactionsData,
};
use super::compat_transfer::TransferRequest;
use super::reply::{Refusal, envelope, not_found, other_method};
use super::{Shared, State};
use crate::node_api::{ClaimRefused, Refused};

/// Largest page. Below it, pages are as large as asked.
const MAX_PAGE: u64 = 1_000;
/// Most transaction ids on a page of blocks: 3.3 MB of answer.
const MAX_IDS: u64 = 50_000;

/// The paths at the root.
pub fn routes(app: &mut ServiceConfig) {
    let get =
        |path: &str, route: actix_web::Route| web::resource(path).route(route).default_service(web::to(other_method));
    app.service(get("/last-block", web::get().to(last_block)))
        .service(get("/blocks", web::get().to(blocks)))
        .service(get("/blocks/{block}", web::get().to(block)))
        .service(get("/txs", web::get().to(transactions)).route(web::post().to(post_transaction)))
        .service(get("/txs/{transaction}", web::get().to(transaction)))
        .service(get("/accounts/{address}", web::get().to(account)))
        .service(get("/faucet", web::post().to(faucet)))
        .default_service(web::to(not_found));
}

async fn last_block(state: Shared) -> HttpResponse {
    let find = || {
        let snapshot = state.node.reader().snapshot()?;
        let tip = snapshot.tip()?;
        let stored = snapshot.header(&tip.id)?.ok_or_else(|| Refusal::new(404, "not found last block"))?;
        block_json(&snapshot, &stored)
    };
    envelope(find().map(|block| BlockData { block }))
}

async fn block(state: Shared, path: Path<String>) -> HttpResponse {
    let find = || {
        let snapshot = state.node.reader().snapshot()?;
        let stored = match path.parse::<i64>() {
            Ok(height) => u64::try_from(height).ok().map(|height| snapshot.header_at(height)).transpose()?.flatten(),
            Err(_) => {
                let id = BlockId(hash(&path)?);
                if snapshot.is_on_chain(&id)? { snapshot.header(&id)? } else { None }
            }
        };
        block_json(&snapshot, &stored.ok_or_else(|| Refusal::new(404, "not found block"))?)
    };
    envelope(find().map(|block| BlockData { block }))
}

async fn blocks(state: Shared, query: Query<Vec<(String, String)>>) -> HttpResponse {
    let find = || {
        let (skip, size) = page(&query)?;
        let snapshot = state.node.reader().snapshot()?;
        let total_count = snapshot.tip()?.height + 1;
        let headers = snapshot.headers_desc(skip, size as usize)?;
        let ids: u64 = headers.iter().map(|stored| u64::from(stored.transactions)).sum();
        if ids > MAX_IDS && headers.len() > 1 {
            let text =
                format!("this page would have {ids} transaction ids, more than {MAX_IDS}: ask for a smaller size");
            return Err(Refusal::bad(text));
        }
        let blocks = headers.iter().map(|stored| block_json(&snapshot, stored)).collect::<Result<_, _>>()?;
        Ok(BlocksData { blocks, total_count })
    };
    envelope(find())
}

async fn transactions(state: Shared, query: Query<Vec<(String, String)>>) -> HttpResponse {
    let find = || {
        let (skip, size) = page(&query)?;
        let snapshot = state.node.reader().snapshot()?;
        let chain = &state.node.network().chain;
        let listed = snapshot.transactions_desc(skip, size as usize)?;
        let transactions = listed.iter().map(|found| TransactionJson::located(found, found.transaction.id(chain)));
        Ok(TransactionsData { transactions: transactions.collect(), total_count: snapshot.transaction_count()? })
    };
    envelope(find())
}

async fn transaction(state: Shared, path: Path<String>) -> HttpResponse {
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

async fn account(state: Shared, path: Path<String>) -> HttpResponse {
    let find = || {
        let bytes = hex_bytes(&without_prefix(&path)).ok().and_then(|bytes| bytes.try_into().ok());
        let address = Address(bytes.ok_or_else(|| Refusal::bad("invalid address"))?);
        let snapshot = state.node.reader().snapshot()?;
        let account = snapshot.account(&address)?.ok_or_else(|| Refusal::new(404, "not found account"))?;
        let next_nonce = state.node.pool().next_nonce(&address).unwrap_or(account.nonce);
        Ok(AccountJson::new(&address, &account, next_nonce))
    };
    envelope(find().map(|account| AccountData { account }))
}

async fn post_transaction(state: Shared, request: HttpRequest, body: Received) -> HttpResponse {
    let submitted = async { submit(&state, &request, &whole(body)?).await };
    envelope(submitted.await.map(|transaction| TransactionData { transaction }))
}

async fn submit(state: &State, request: &HttpRequest, body: &[u8]) -> Result<TransactionJson, Refusal> {
    let fields = Fields::read(content_type(request), body, "dto.TransactionRequest")?;
    let texts = TransferRequest::read(&fields)?;
    let network = state.node.network();
    let (transfer, known) = {
        let snapshot = state.node.reader().snapshot()?;
        let shaped = texts.shape(|address| snapshot.account(address))?;
        let from = shaped.from();
        let stored = snapshot.account(&from)?.map_or(network.nonce_base, |account| account.nonce);
        let pool = state.node.pool();
        let next_nonce = pool.next_nonce(&from).unwrap_or(stored);
        let transfer = shaped.with_nonce(next_nonce, network).map_err(Refusal::bad)?;
        let known = pool.get(&transfer.id()).is_some() || snapshot.transaction(&transfer.id())?.is_some();
        (transfer, known)
    };
    let (id, nonce) = (transfer.id(), transfer.nonce);
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

async fn faucet(state: Shared, request: HttpRequest, body: Received) -> HttpResponse {
    let claimed = async { claim(&state, &request, &whole(body)?).await };
    envelope(claimed.await.map(|transaction| TransactionData { transaction }))
}

async fn claim(state: &State, request: &HttpRequest, body: &[u8]) -> Result<TransactionJson, Refusal> {
    let fields = Fields::read(content_type(request), body, "dto.FaucetRequest")?;
    let text = without_prefix(&fields.text("accountAddress")?);
    let bytes = hex_bytes(&text).map_err(|error| Refusal::bad(format!("invalid AccountAddress {error}")))?;
    let to = Address(bytes.try_into().map_err(|_| Refusal::bad("invalid address length"))?);
    let client = client_address::of(request, &state.trusted_proxies)
        .ok_or_else(|| Refusal::bad("the faucet needs to know the client's address"))?;
    match state.node.claim(to, client).await {
        Ok(payout) => Ok(TransactionJson::pending(&payout)),
        Err(ClaimRefused::Unavailable(why)) => Err(Refusal::new(503, why).retry_after(1)),
        Err(ClaimRefused::Rule(error)) => Err(match &error {
            ClaimError::TimeLimit { retry_after_s } => Refusal::bad(&error).retry_after(*retry_after_s),
            ClaimError::SufficientBalance | ClaimError::BadAddress => Refusal::bad(&error),
            ClaimError::Off => Refusal::new(403, &error),
            ClaimError::NoFunds | ClaimError::Syncing | ClaimError::Busy => Refusal::new(503, &error).retry_after(60),
            ClaimError::NotKept(_) => Refusal::new(500, &error),
        }),
    }
}

fn content_type(request: &HttpRequest) -> &str {
    request.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn block_json(snapshot: &Snapshot, stored: &StoredHeader) -> Result<BlockJson, Refusal> {
    let ids = if stored.transactions == 0 { Vec::new() } else { snapshot.transaction_ids(&stored.header.id())? };
    Ok(BlockJson::new(stored, &ids))
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

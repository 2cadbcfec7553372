//! What waits, why, and what fees it takes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::get;
use actix_web::web::{Json, Path, Query, block};
use client::schema::AnyId;
use client::{Fee, Fees, InPool, PoolEntry, PoolList, State as TxState, Waiting, WaitingReason};
use ledger::{AccountSource, Amount, CheckedTransaction, TxId};
use machines::pool::{self, Outlook, PoolView};
use serde::Deserialize;
use utoipa::IntoParams;

use super::network::TRANSFER_BYTES;
use super::view::{id, received};
use super::{Answer, Problem, Problems, Shared, State, clamp};

/// Pools up to this size are looked through for every change, larger ones once a second: a full one takes some ten
/// milliseconds.
const SMALL: usize = 1_000;
/// See [`SMALL`].
const LARGE_EVERY: Duration = Duration::from_secs(1);
/// Missing nonces that are named.
const MAX_MISSING: u64 = 20;

/// The outlook of the pool as it was last looked at.
#[derive(Debug, Default)]
pub struct Outlooks(Mutex<Option<Seen>>);

#[derive(Debug, Clone)]
struct Seen {
    version: u64,
    at: Instant,
    outlook: Arc<Outlook>,
}

impl Outlooks {
    /// The outlook for what waits now, at most [`LARGE_EVERY`] old.
    async fn get(&self, state: &State, pool: &Arc<PoolView>) -> Arc<Outlook> {
        // Nothing under the lock panics half way.
        let kept = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh =
            |seen: &Seen| seen.version == pool.version() || pool.len() > SMALL && seen.at.elapsed() < LARGE_EVERY;
        if let Some(seen) = kept().as_ref().filter(|seen| fresh(seen)) {
            return seen.outlook.clone();
        }
        let (network, view) = (state.node.network().clone(), pool.clone());
        let look = move || Outlook::new(&view, &network.spec);
        // Nobody waits for a blocking thread that is not there any more: the node stops.
        let outlook = Arc::new(if pool.len() > SMALL { block(look).await.unwrap_or_default() } else { look() });
        *kept() = Some(Seen { version: pool.version(), at: Instant::now(), outlook: outlook.clone() });
        outlook
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PoolQuery {
    /// How many, 1 to 100; other numbers are moved there.
    limit: Option<u64>,
}

/// What waits, in the order in which it would be mined.
#[utoipa::path(
    tag = "pool",
    params(PoolQuery),
    responses((status = 200, body = PoolList, description = "what waits, the next first"), Problems)
)]
#[get("/v1/pool")]
pub async fn get_pool(state: Shared, query: Query<PoolQuery>) -> Answer<PoolList> {
    let pool = state.node.pool();
    let outlook = state.outlooks.get(&state, &pool).await;
    let limit = clamp(query.limit);
    // Behind what can be mined comes what cannot yet.
    let ready = outlook.order().iter().filter(|tx| pool.contains(&tx.id()));
    let others = pool.transactions().filter(|tx| outlook.place(&tx.id()).is_none());
    let entry = |tx: &Arc<CheckedTransaction>| PoolEntry {
        id: tx.id(),
        from: tx.sender(),
        to: tx.to(),
        amount: tx.amount().into(),
        fee: tx.fee().into(),
        nonce: tx.nonce().into(),
        size: tx.size(),
        fee_per_byte: tx.fee().as_drops() as f64 / tx.size() as f64,
        received: received(&state, &pool, &tx.id()).unwrap_or(0),
        block: outlook.place(&tx.id()).map(|place| place.block),
    };
    Ok(Json(PoolList {
        transactions: pool.len(),
        bytes: pool.bytes(),
        capacity_bytes: pool::MAX_BYTES,
        list: ready.chain(others).take(limit).map(entry).collect(),
    }))
}

/// What a transfer must pay to be mined soon, by what waits now.
#[utoipa::path(tag = "pool", responses((status = 200, body = Fees, description = "what to pay"), Problems))]
#[get("/v1/fees")]
pub async fn get_fees(state: Shared) -> Answer<Fees> {
    let pool = state.node.pool();
    let outlook = state.outlooks.get(&state, &pool).await;
    // A full pool takes only what pays more than the least in it.
    let full = pool.bytes() + TRANSFER_BYTES > pool::MAX_BYTES;
    let least = outlook.order().last().filter(|_| full).map_or(0, |tx| pool::fee_per_byte(tx).saturating_add(1));
    let fee = |rate: u64| {
        let rate = rate.max(least);
        // Thousandths of a drop for each byte are drops for a thousand bytes.
        let transfer = u128::from(rate) * TRANSFER_BYTES as u128;
        let transfer = u64::try_from(transfer.div_ceil(1000)).unwrap_or(u64::MAX);
        Fee { per_1000_bytes: Amount::drops(rate).into(), transfer: Amount::drops(transfer).into() }
    };
    Ok(Json(Fees {
        minimum: fee(0),
        next_block: fee(outlook.fee_for(1)),
        three_blocks: fee(outlook.fee_for(3)),
        ten_blocks: fee(outlook.fee_for(10)),
    }))
}

/// Why a transaction waits: what it waits for, its place, and when it may be mined.
#[utoipa::path(
    tag = "pool",
    params(("id" = inline(AnyId), Path, description = "its id")),
    responses((status = 200, body = Waiting, description = "why it waits"), Problems)
)]
#[get("/v1/transactions/{id}/waiting")]
pub async fn get_waiting(state: Shared, path: Path<String>) -> Answer<Waiting> {
    let id: TxId = id(&path)?;
    // The pool first: what leaves it for a block meanwhile is in the snapshot that is taken after.
    let pool = state.node.pool();
    let snapshot = state.node.reader().snapshot()?;
    let located = snapshot.transaction(&id)?;
    let waiting = pool.get(&id).filter(|_| located.is_none());
    let (sender, amount, fee) = match (&waiting, &located) {
        (Some(tx), _) => (tx.sender(), tx.amount(), tx.fee()),
        (None, Some(found)) => {
            let tx = &found.transaction;
            (super::view::sender(tx), tx.amount(), tx.fee())
        }
        (None, None) => {
            let detail = format!("no transaction {id}: it never came here, was replaced, or left without a block");
            return Err(Problem::not_found(detail));
        }
    };
    let base = state.node.network().nonce_base;
    let account = snapshot.account(&sender)?.unwrap_or(ledger::Account { balance: Amount::ZERO, nonce: base });
    let next_nonce = pool.next_nonce(&sender).unwrap_or(account.nonce);
    let outlook = state.outlooks.get(&state, &pool).await;
    let place = waiting.as_ref().and_then(|tx| outlook.place(&tx.id()));
    let reason = waiting.as_ref().map(|tx| reason(&outlook, tx, next_nonce));
    let missing = waiting.iter().flat_map(|tx| missing(&pool, tx, next_nonce)).map(Into::into).collect();
    Ok(Json(Waiting {
        state: if located.is_some() { TxState::Confirmed } else { TxState::Pool },
        reason,
        detail: words(reason).into(),
        next_nonce: next_nonce.into(),
        missing_nonces: missing,
        position: place.map(|place| place.position),
        ahead_bytes: place.map(|place| place.ahead_bytes),
        expected_blocks: place.map(|place| place.block),
        balance: account.balance.into(),
        needed: amount.checked_add(fee).unwrap_or(Amount::drops(u64::MAX)).into(),
    }))
}

/// Where in the pool a transaction is.
pub async fn in_pool(state: &State, pool: &Arc<PoolView>, tx: &CheckedTransaction) -> InPool {
    let outlook = state.outlooks.get(state, pool).await;
    let next_nonce = pool.next_nonce(&tx.sender()).unwrap_or(0);
    let position = outlook.place(&tx.id()).map(|place| place.position);
    InPool { position, of: pool.len(), reason: reason(&outlook, tx, next_nonce) }
}

fn reason(outlook: &Outlook, tx: &CheckedTransaction, next_nonce: u64) -> WaitingReason {
    match outlook.place(&tx.id()) {
        _ if tx.nonce() >= next_nonce => WaitingReason::NonceGap,
        Some(place) if place.block == 1 => WaitingReason::NextBlock,
        Some(place) if place.behind_own => WaitingReason::Queue,
        Some(_) => WaitingReason::Fee,
        // It came after the pool was last looked through.
        None if pool::fee_per_byte(tx) >= outlook.fee_for(1) => WaitingReason::NextBlock,
        None => WaitingReason::Fee,
    }
}

fn words(reason: Option<WaitingReason>) -> &'static str {
    match reason {
        None => "it is in a block",
        Some(WaitingReason::NextBlock) => "it has a place in the next block",
        Some(WaitingReason::Queue) => "transactions of the same account must be mined before it, and they wait too",
        Some(WaitingReason::Fee) => "others pay more for each byte: the same nonce with a higher fee replaces it",
        Some(WaitingReason::NonceGap) => "transactions of the same account that must come before it are missing",
    }
}

/// The first nonces between what can be mined and a transaction that nobody has handed in.
fn missing(pool: &PoolView, tx: &CheckedTransaction, next_nonce: u64) -> Vec<u64> {
    let mut nonces: Vec<u64> = (next_nonce..tx.nonce()).collect();
    let behind_a_gap = tx.nonce() >= next_nonce;
    if behind_a_gap {
        let here: std::collections::HashSet<u64> =
            pool.transactions().filter(|other| other.sender() == tx.sender()).map(|other| other.nonce()).collect();
        nonces.retain(|nonce| !here.contains(nonce));
    }
    nonces.truncate(MAX_MISSING as usize);
    nonces
}

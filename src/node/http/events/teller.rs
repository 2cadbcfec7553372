//! What changed between two looks at the node: found by comparing what is stored and what waits, so nothing is told
//! that is not durable, and nothing depends on having seen every step.

use client::{BlockEvent, LifeEvent, LifeState, ReorganisationEvent, StatusEvent};
use ledger::{BlockId, ChainSource, StoredHeader, Transaction, TxId};
use machines::pool::PoolView;
use serde::Serialize;
use store::Snapshot;

use crate::http::State;
use crate::http::problem::Problem;
use crate::http::v1::{difficulty, pool_size, sender, tip_info};
use crate::node_api::NodeApi;

/// Blocks that are told at once: while a sync brings thousands, the newest ones.
const MAX_BLOCKS: u64 = 100;
/// Blocks that are looked through for where a branch left the chain. Longer ones are told without that.
const MAX_DEPTH: usize = 1_000;
/// Transactions that a reorganisation names.
const MAX_RETURNED: usize = 1_000;

/// Something to tell.
#[derive(Debug, Clone)]
pub enum News {
    /// For everybody, as it is sent.
    All(String),
    /// Where transactions are now; each stream picks.
    Lives(Vec<LifeEvent>),
}

/// Knows what was told.
#[derive(Debug)]
pub struct Teller {
    tip: BlockId,
    changes: u64,
}

impl Teller {
    /// Tells what changes from now on.
    pub fn new(node: &dyn NodeApi) -> Self {
        Self { changes: node.pool().changes(), tip: node.tip().id }
    }

    /// What changed since the last time.
    pub fn tell(&mut self, state: &State, with_status: bool) -> Result<Vec<News>, Problem> {
        // The pool first: whatever left it for a block is in the snapshot that is taken after.
        let pool = state.node.pool();
        let snapshot = state.node.reader().snapshot()?;
        let tip = snapshot.tip()?;
        let mut news = Vec::new();
        if tip.id != self.tip {
            news.extend(moved(state, &snapshot, &pool, self.tip)?);
            self.tip = tip.id;
        }
        let lives = changed(&snapshot, &pool, self.changes)?;
        self.changes = pool.changes();
        if !lives.is_empty() {
            news.push(News::Lives(lives));
        }
        if with_status {
            news.push(status(state, &snapshot)?);
        }
        Ok(news)
    }
}

/// What a stream is told at its start: the blocks after the last that its client saw, where the named transactions are,
/// and how the node is.
pub fn start(state: &State, last: Option<BlockId>, named: &[TxId]) -> Result<Vec<News>, Problem> {
    let pool = state.node.pool();
    let snapshot = state.node.reader().snapshot()?;
    let mut news = match last {
        Some(last) if snapshot.header(&last)?.is_some() => moved(state, &snapshot, &pool, last)?,
        _ => Vec::new(),
    };
    let mut lives = Vec::new();
    for id in named {
        if let Some(located) = snapshot.transaction(id)? {
            lives.push(life(&located.transaction, *id, LifeState::Confirmed, Some((located.block, located.height))));
        } else if let Some(tx) = pool.get(id) {
            lives.push(life(&tx, *id, LifeState::Pool, None));
        }
    }
    news.push(News::Lives(lives));
    news.push(status(state, &snapshot)?);
    Ok(news)
}

/// How an event is sent. The id of a block's event lets a client go on from there.
pub fn event(name: &str, id: Option<BlockId>, data: &impl Serialize) -> String {
    // Only maps with keys that are no text could fail, and there are none.
    let data = serde_json::to_string(data).unwrap_or_default();
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("event: {name}\n{id}data: {data}\n\n")
}

/// How the chain moved since its tip was `from`.
fn moved(state: &State, snapshot: &Snapshot, pool: &PoolView, from: BlockId) -> Result<Vec<News>, Problem> {
    let (mut left, mut at) = (Vec::new(), from);
    while left.len() < MAX_DEPTH && !snapshot.is_on_chain(&at)? {
        let Some(stored) = snapshot.header(&at)? else { break };
        left.push(at);
        at = stored.header.previous;
    }
    let fork_height = snapshot.header(&at)?.map_or(0, |stored| stored.header.height);
    let tip = snapshot.tip()?;
    let mut news = Vec::new();
    if !left.is_empty() {
        let returned = returned(state, snapshot, pool, &left)?;
        let depth = left.len() as u64;
        let told = ReorganisationEvent { depth, fork_height, from, to: tip.id, returned };
        news.push(News::All(event("reorganisation", None, &told)));
    }
    let first = (fork_height + 1).max((tip.height + 1).saturating_sub(MAX_BLOCKS));
    for (id, stored) in snapshot.headers_from(first, MAX_BLOCKS as usize)? {
        joined(state, snapshot, id, &stored, &mut news)?;
    }
    Ok(news)
}

/// A block joined the chain, and its transactions with it.
fn joined(
    state: &State,
    snapshot: &Snapshot,
    id: BlockId,
    stored: &StoredHeader,
    news: &mut Vec<News>,
) -> Result<(), Problem> {
    let Some(block) = snapshot.block(&id)? else { return Ok(()) };
    let fact = state.facts.keep(id, &block);
    let (height, time) = (stored.header.height, stored.header.time);
    let told = BlockEvent {
        id,
        height,
        time,
        miner: fact.miner,
        transactions: stored.transactions,
        bytes: fact.bytes,
        difficulty: difficulty(stored),
        fees: fact.fees.into(),
    };
    news.push(News::All(event("block", Some(id), &told)));
    let chain = &state.node.network().chain;
    let confirmed = |tx: &Transaction| life(tx, tx.id(chain), LifeState::Confirmed, Some((id, height)));
    if !block.transactions.is_empty() {
        news.push(News::Lives(block.transactions.iter().map(confirmed).collect()));
    }
    Ok(())
}

/// Transactions of blocks that left the chain and wait again.
fn returned(state: &State, snapshot: &Snapshot, pool: &PoolView, left: &[BlockId]) -> Result<Vec<TxId>, Problem> {
    let mut returned = Vec::new();
    for id in left.iter().rev() {
        let block = snapshot.block(id)?;
        let ids = block.into_iter().flat_map(|block| block.transactions).map(|tx| tx.id(&state.node.network().chain));
        returned.extend(ids.filter(|id| pool.contains(id)).take(MAX_RETURNED - returned.len()));
        if returned.len() == MAX_RETURNED {
            break;
        }
    }
    Ok(returned)
}

/// What came into the pool and what left it without a block. If more changed than the pool remembers, nothing is told
/// of that: the next status has the numbers.
fn changed(snapshot: &Snapshot, pool: &PoolView, since: u64) -> Result<Vec<LifeEvent>, Problem> {
    let mut lives = Vec::new();
    for change in pool.changes_since(since).into_iter().flatten() {
        let waits = pool.contains(&change.tx.id());
        let state = match (change.entered, waits) {
            (true, true) => LifeState::Pool,
            (false, false) if snapshot.transaction(&change.tx.id())?.is_none() => LifeState::Dropped,
            // It came and went, went and came, or is in a block, which tells of it.
            _ => continue,
        };
        lives.push(life(&change.tx, change.tx.id(), state, None));
    }
    Ok(lives)
}

fn life(tx: &Transaction, id: TxId, state: LifeState, block: Option<(BlockId, u64)>) -> LifeEvent {
    let (amount, fee) = (tx.amount().into(), tx.fee().into());
    let (block, height) = block.unzip();
    LifeEvent { id, state, from: sender(tx), to: tx.to(), amount, fee, block, height }
}

fn status(state: &State, snapshot: &Snapshot) -> Result<News, Problem> {
    let told = StatusEvent {
        tip: tip_info(&snapshot.tip()?),
        pool: pool_size(state),
        peers: state.node.peer_count(),
        syncing: state.node.progress().is_fetching(),
    };
    Ok(News::All(event("status", None, &told)))
}

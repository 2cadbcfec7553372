//! Transactions that this node passes on by itself: those of its clients, at once and again until they are mined.
//!
//! Decides when, never to whom. Transactions of others travel by the verdict on their gossip message.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use ledger::{CheckedTransaction, TxId};

use crate::bucket::Bucket;
use crate::pool::{self, PoolView};

/// Transactions that are announced again until they are mined.
const MAX_LOCAL: usize = 10_000;
/// The first repeat; then twice as long, and so on.
const REPEAT_MS: u64 = 10_000;
/// Transactions that wait to be passed on: as many of the smallest as the pool holds. The oldest makes room.
const MAX_WAITING: usize = pool::MAX_BYTES / 146;
/// Bytes passed on at once, and each second after that: a full block, then a quarter of one. A burst of clients does
/// not become a burst for everybody's verifier.
pub const BYTES: (u64, u64) = (2_000_000, 500_000);

struct Local {
    tx: Arc<CheckedTransaction>,
    next: u64,
    wait: u64,
}

/// What is passed on.
pub(super) struct Relay {
    waiting: VecDeque<Arc<CheckedTransaction>>,
    local: BTreeMap<TxId, Local>,
    bytes: Bucket,
}

impl Relay {
    pub fn new() -> Self {
        Self { waiting: VecDeque::new(), local: BTreeMap::new(), bytes: Bucket::new(BYTES.0, BYTES.1, 0) }
    }

    /// Passes a transaction on with the next tick.
    pub fn pass_on(&mut self, tx: Arc<CheckedTransaction>) {
        if self.waiting.len() >= MAX_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(tx);
    }

    /// Repeats a transaction until it is mined.
    pub fn keep(&mut self, mono: u64, tx: Arc<CheckedTransaction>) {
        if self.local.len() < MAX_LOCAL {
            let next = mono.saturating_add(REPEAT_MS);
            self.local.insert(tx.id(), Local { tx, next, wait: REPEAT_MS });
        }
    }

    /// What is due, as far as its bytes are within the rate. What left the pool is not passed on.
    pub fn due(&mut self, mono: u64, pool: &PoolView) -> Vec<Arc<CheckedTransaction>> {
        self.local.retain(|id, _| pool.contains(id));
        let mut repeated = Vec::new();
        for local in self.local.values_mut().filter(|local| local.next <= mono) {
            local.wait = local.wait.saturating_mul(2);
            local.next = mono.saturating_add(local.wait);
            repeated.push(local.tx.clone());
        }
        repeated.into_iter().for_each(|tx| self.pass_on(tx));
        let mut due = Vec::new();
        while let Some(tx) = self.waiting.front() {
            let waits = pool.contains(&tx.id());
            if waits && !self.bytes.take(tx.size() as u64, mono) {
                break;
            }
            due.extend(self.waiting.pop_front().filter(|_| waits));
        }
        due
    }
}

//! What the next blocks will probably hold, if nothing else comes: who waits for what, and what a place costs.
//!
//! Chooses as [`Pool::select`](super::Pool::select) does, block after block. A miner elsewhere may choose otherwise; so
//! this is for people, and nothing is decided by it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use ledger::{Address, CheckedTransaction, NetworkSpec, TxId};

use super::{PoolView, fee_per_byte};

/// Where a transaction that can be mined will probably be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its place among all, from 1.
    pub position: u32,
    /// The block, counted from the next one as 1.
    pub block: u32,
    /// Bytes that are mined before it.
    pub ahead_bytes: u64,
    /// Whether one of its own account before it has no place in the next block.
    pub behind_own: bool,
}

/// A block that is probably mined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Filled {
    /// Whether something that could have been in it had no room.
    full: bool,
    /// The lowest fee in it, in thousandths of a drop for each byte.
    lowest_fee: u64,
}

/// What the next blocks will probably hold.
#[derive(Debug, Clone, Default)]
pub struct Outlook {
    order: Vec<Arc<CheckedTransaction>>,
    places: HashMap<TxId, Place>,
    blocks: Vec<Filled>,
}

/// The best first: fee for each byte, then age, then id.
type Rank = (u64, Reverse<u64>, TxId);
type Head = (Rank, Address, usize);

impl Outlook {
    /// The outlook for what waits now. Takes some ten milliseconds for a full pool.
    pub fn new(view: &PoolView, spec: &NetworkSpec) -> Self {
        let mut queues: BTreeMap<Address, Vec<&Arc<CheckedTransaction>>> = BTreeMap::new();
        for tx in view.transactions() {
            // What is behind a gap cannot be mined.
            if view.next_nonce(&tx.sender()).is_some_and(|next| tx.nonce() < next) {
                queues.entry(tx.sender()).or_default().push(tx);
            }
        }
        for queue in queues.values_mut() {
            queue.sort_unstable_by_key(|tx| tx.nonce());
        }
        let head = |sender: &Address, index: usize| -> Option<Head> {
            let tx = queues.get(sender)?.get(index)?;
            let since = view.since(&tx.id()).unwrap_or(u64::MAX);
            Some(((fee_per_byte(tx), Reverse(since), tx.id()), *sender, index))
        };
        let mut heads: BTreeSet<Head> = queues.keys().filter_map(|sender| head(sender, 0)).collect();
        let mut outlook = Self::default();
        let mut ahead_bytes = 0;
        while !heads.is_empty() {
            let block = outlook.blocks.len() as u32 + 1;
            let mut room = Room::of(spec);
            let mut left_out = BTreeSet::new();
            let mut lowest_fee = u64::MAX;
            while let Some((rank, sender, index)) = heads.pop_last() {
                let Some(tx) = queues.get(&sender).and_then(|queue| queue.get(index)) else { continue };
                if !room.take(tx) {
                    left_out.insert((rank, sender, index));
                    continue;
                }
                lowest_fee = lowest_fee.min(rank.0);
                let position = outlook.order.len() as u32 + 1;
                let place = Place { position, block, ahead_bytes, behind_own: block > 1 && index > 0 };
                ahead_bytes += tx.size() as u64;
                outlook.places.insert(tx.id(), place);
                outlook.order.push(Arc::clone(tx));
                heads.extend(head(&sender, index + 1));
            }
            if room.is_untouched() {
                // What does not fit into an empty block waits for ever.
                break;
            }
            outlook.blocks.push(Filled { full: !left_out.is_empty(), lowest_fee });
            heads = left_out;
        }
        outlook
    }

    /// What can be mined, in its probable order.
    pub fn order(&self) -> &[Arc<CheckedTransaction>] {
        &self.order
    }

    /// Where a transaction will probably be; none if it cannot be mined yet.
    pub fn place(&self, id: &TxId) -> Option<Place> {
        self.places.get(id).copied()
    }

    /// What gets a place in one of the next `blocks`, in thousandths of a drop for each byte: nothing while the last of
    /// them has room, else a tenth more than the least in it, and one more at least.
    pub fn fee_for(&self, blocks: usize) -> u64 {
        match self.blocks.get(blocks.saturating_sub(1)) {
            Some(Filled { full: true, lowest_fee }) => lowest_fee.saturating_add((lowest_fee / 10).max(1)),
            _ => 0,
        }
    }
}

/// What a block still takes.
struct Room {
    bytes: usize,
    barreleye: usize,
    transactions: u32,
    untouched: bool,
}

impl Room {
    fn of(spec: &NetworkSpec) -> Self {
        Self {
            bytes: super::room(spec),
            barreleye: spec.max_barreleye_bytes as usize,
            transactions: spec.max_block_transactions,
            untouched: true,
        }
    }

    fn take(&mut self, tx: &CheckedTransaction) -> bool {
        let size = tx.size();
        let barreleye = if tx.is_barreleye() { size } else { 0 };
        let fits = self.transactions > 0 && size <= self.bytes && barreleye <= self.barreleye;
        if fits {
            self.bytes -= size;
            self.barreleye -= barreleye;
            self.transactions -= 1;
            self.untouched = false;
        }
        fits
    }

    fn is_untouched(&self) -> bool {
        self.untouched
    }
}

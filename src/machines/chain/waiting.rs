//! Blocks that cannot be connected yet: their parent is unknown, or they come from the future.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use ledger::{BlockId, CheckedBlock};

use super::Source;

/// Orphans in all; each is at most 2 MB, and a flood pushes out the oldest of whoever holds the most.
pub const MAX_ORPHANS: usize = 64;
/// An orphan whose parent did not come for this long is forgotten.
pub const ORPHAN_MS: u64 = 300_000;
/// Blocks from the future that are kept.
pub const MAX_EARLY: usize = 16;

/// Blocks by the parent that they wait for.
#[derive(Debug, Default)]
pub(super) struct Orphans {
    by_parent: HashMap<BlockId, Vec<(Arc<CheckedBlock>, Source)>>,
    order: VecDeque<(u64, BlockId, BlockId)>,
}

impl Orphans {
    pub fn len(&self) -> usize {
        self.order.len()
    }

    pub fn add(&mut self, block: Arc<CheckedBlock>, source: Source, mono: u64) {
        let parent = block.header().previous;
        let waiting = self.by_parent.entry(parent).or_default();
        if waiting.iter().any(|(other, _)| other.id() == block.id()) {
            return;
        }
        self.order.push_back((mono, parent, block.id()));
        waiting.push((block, source));
        if self.order.len() > MAX_ORPHANS {
            self.drop_oldest();
        }
    }

    /// The blocks that waited for `parent`.
    pub fn take(&mut self, parent: &BlockId) -> Vec<(Arc<CheckedBlock>, Source)> {
        let taken = self.by_parent.remove(parent).unwrap_or_default();
        if !taken.is_empty() {
            self.order.retain(|(_, waits_for, _)| waits_for != parent);
        }
        taken
    }

    pub fn expire(&mut self, mono: u64) {
        while self.order.front().is_some_and(|(since, ..)| since.saturating_add(ORPHAN_MS) <= mono) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let Some((_, parent, id)) = self.order.pop_front() else { return };
        if let Some(waiting) = self.by_parent.get_mut(&parent) {
            waiting.retain(|(block, _)| block.id() != id);
            if waiting.is_empty() {
                self.by_parent.remove(&parent);
            }
        }
    }
}

/// Blocks from the future, by the unix time at which they may be connected (rule B2).
#[derive(Debug, Default)]
pub(super) struct Early {
    by_time: BTreeMap<(u64, BlockId), (Arc<CheckedBlock>, Source)>,
}

impl Early {
    pub fn add(&mut self, block: Arc<CheckedBlock>, source: Source, from_unix: u64) {
        self.by_time.insert((from_unix, block.id()), (block, source));
        if self.by_time.len() > MAX_EARLY {
            self.by_time.pop_last();
        }
    }

    pub fn contains(&self, id: &BlockId) -> bool {
        self.by_time.keys().any(|(_, early)| early == id)
    }

    /// The blocks whose time has come.
    pub fn take(&mut self, unix: u64) -> Vec<(Arc<CheckedBlock>, Source)> {
        let later = self.by_time.split_off(&(unix.saturating_add(1), BlockId::ZERO));
        std::mem::replace(&mut self.by_time, later).into_values().collect()
    }
}

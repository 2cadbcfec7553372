//! Blocks that cannot be connected yet: their parent is unknown, or they come from the future.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use ledger::{BlockId, CheckedBlock};

use super::Source;
use crate::PeerId;

/// Orphans in all.
pub const MAX_ORPHANS: usize = 64;
/// Their bytes: eight of the largest.
pub const MAX_ORPHAN_BYTES: usize = 16_000_000;
/// An orphan whose parent did not come for this long is forgotten.
pub const ORPHAN_MS: u64 = 300_000;
/// Blocks from the future that are kept.
pub const MAX_EARLY: usize = 16;

#[derive(Debug)]
struct Orphan {
    block: Arc<CheckedBlock>,
    from: PeerId,
    source: Source,
    bytes: usize,
    since: u64,
}

/// Blocks whose parent is unknown, the oldest first. When there is no room, whoever's orphans have the most bytes loses
/// the oldest of them: a flood pushes out itself.
#[derive(Debug, Default)]
pub(super) struct Orphans(VecDeque<Orphan>);

impl Orphans {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn add(&mut self, block: Arc<CheckedBlock>, from: PeerId, source: Source, mono: u64) {
        if self.0.iter().any(|other| other.block.id() == block.id()) {
            return;
        }
        self.0.push_back(Orphan { bytes: block.size(), block, from, source, since: mono });
        while self.0.len() > MAX_ORPHANS || self.0.iter().map(|orphan| orphan.bytes).sum::<usize>() > MAX_ORPHAN_BYTES {
            self.drop_one();
        }
    }

    /// The blocks that waited for `parent`, and where they came from.
    pub fn take(&mut self, parent: &BlockId) -> impl Iterator<Item = (Arc<CheckedBlock>, Source)> + use<> {
        let all = std::mem::take(&mut self.0);
        let (taken, left): (VecDeque<_>, _) =
            all.into_iter().partition(|orphan| orphan.block.header().previous == *parent);
        self.0 = left;
        taken.into_iter().map(|orphan| (orphan.block, orphan.source))
    }

    pub fn expire(&mut self, mono: u64) {
        self.0.retain(|orphan| orphan.since.saturating_add(ORPHAN_MS) > mono);
    }

    fn drop_one(&mut self) {
        let mut held: BTreeMap<PeerId, usize> = BTreeMap::new();
        for orphan in &self.0 {
            *held.entry(orphan.from).or_default() += orphan.bytes;
        }
        let most = held.values().max().copied();
        // Where several hold as much, it is the newest of them that does not fit.
        let loser = self.0.iter().rev().map(|orphan| orphan.from).find(|from| held.get(from).copied() == most);
        if let Some(oldest) = self.0.iter().position(|orphan| Some(orphan.from) == loser) {
            self.0.remove(oldest);
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

//! Bodies from several peers at once, in a sliding window; handed on in order.
//!
//! Decides which block is asked of whom, and when to ask somebody else. Never looks into a block.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ledger::{Block, BlockId};

use super::event::Ask;
use crate::PeerId;

/// Bytes of bodies that may be asked for, wait for an earlier one, or wait at the chain.
pub const WINDOW_BYTES: usize = 16_000_000;
/// Bytes that one question should bring: enough to keep a fast line busy, little enough to be answered in time.
pub const REQUEST_BYTES: usize = 1_000_000;
/// Blocks in one question; the wire's own limit is the same.
pub const REQUEST_BLOCKS: usize = 256;
/// Questions to one peer at a time.
pub const PER_PEER: usize = 4;
/// Blocks that were handed on and are not connected yet: keeps the verifier and the chain busy, not more.
pub const MAX_OFFERED: usize = 2_048;

#[derive(Debug, Clone)]
struct Asked {
    peer: PeerId,
    ids: Vec<BlockId>,
    at: u64,
}

/// The download of one run of blocks.
#[derive(Debug, Clone)]
pub(super) struct Download {
    /// Not asked for, lowest first.
    todo: VecDeque<(usize, BlockId)>,
    asked: BTreeMap<Ask, (usize, Asked)>,
    /// Arrived, by index of the first block, waiting for earlier ones.
    arrived: BTreeMap<usize, (PeerId, Vec<Block>)>,
    arrived_bytes: usize,
    total: usize,
    /// Handed on to the chain.
    offered: usize,
    /// Taken by the chain.
    taken: usize,
    /// Running mean of a body's size.
    mean_bytes: usize,
}

/// What an answer with blocks is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// The blocks that were asked for, or the first of them.
    Good(PeerId),
    /// None: it follows another branch. No offence, but it is of no use.
    Nothing(PeerId),
    /// Others than were asked for.
    Wrong(PeerId),
}

/// Blocks in order, with who delivered them.
pub(super) struct Ready {
    pub from: PeerId,
    pub blocks: Vec<Block>,
}

impl Download {
    pub fn new(ids: Vec<BlockId>) -> Self {
        Self {
            total: ids.len(),
            todo: ids.into_iter().enumerate().collect(),
            asked: BTreeMap::new(),
            arrived: BTreeMap::new(),
            arrived_bytes: 0,
            offered: 0,
            taken: 0,
            mean_bytes: REQUEST_BYTES / 64,
        }
    }

    pub fn total(&self) -> usize {
        self.total
    }

    pub fn taken(&self) -> usize {
        self.taken
    }

    /// How many blocks, from the lowest on, were handed to the chain.
    pub fn offered(&self) -> usize {
        self.offered
    }

    /// The chain took blocks. Late news of an earlier run must not count for more than was offered.
    pub fn take(&mut self, blocks: usize) {
        self.taken = (self.taken + blocks).min(self.offered);
    }

    pub fn peers(&self) -> BTreeSet<PeerId> {
        self.asked.values().map(|(_, asked)| asked.peer).collect()
    }

    /// The next question for `peer`, if the window and its share allow one.
    pub fn next(&mut self, peer: PeerId, ask: Ask, now: u64) -> Option<Vec<BlockId>> {
        let in_flight: usize = self.asked.values().map(|(_, asked)| asked.ids.len()).sum();
        let of_peer = self.asked.values().filter(|(_, asked)| asked.peer == peer).count();
        let waiting = self.offered - self.taken;
        let window = (in_flight + waiting) * self.mean_bytes + self.arrived_bytes;
        if of_peer >= PER_PEER || waiting >= MAX_OFFERED || (window >= WINDOW_BYTES && in_flight + waiting > 0) {
            return None;
        }
        let &(first, _) = self.todo.front()?;
        let want = (REQUEST_BYTES / self.mean_bytes.max(1)).clamp(1, REQUEST_BLOCKS);
        let mut ids = Vec::new();
        while ids.len() < want && self.todo.front().is_some_and(|(i, _)| *i == first + ids.len()) {
            ids.extend(self.todo.pop_front().map(|(_, id)| id));
        }
        self.asked.insert(ask, (first, Asked { peer, ids: ids.clone(), at: now }));
        Some(ids)
    }

    /// Blocks arrived. None if they answer no open question.
    pub fn arrive(&mut self, ask: Ask, blocks: Vec<Block>) -> Option<Arrival> {
        let (first, asked) = self.asked.remove(&ask)?;
        let got: Vec<_> = blocks.iter().map(|block| block.header.id()).collect();
        if got.is_empty() || !asked.ids.starts_with(&got) {
            self.put_back(first, &asked.ids);
            return Some(if got.is_empty() { Arrival::Nothing(asked.peer) } else { Arrival::Wrong(asked.peer) });
        }
        self.put_back(first + got.len(), &asked.ids[got.len()..]);
        let bytes: usize = blocks.iter().map(Block::size).sum();
        self.mean_bytes = (self.mean_bytes + bytes / got.len()) / 2;
        self.arrived_bytes += bytes;
        self.arrived.insert(first, (asked.peer, blocks));
        Some(Arrival::Good(asked.peer))
    }

    /// A question failed: its blocks are asked for again. Gives whom it was asked of.
    pub fn fail(&mut self, ask: Ask) -> Option<PeerId> {
        let (first, asked) = self.asked.remove(&ask)?;
        self.put_back(first, &asked.ids);
        Some(asked.peer)
    }

    /// Questions that are older than `patience`.
    pub fn overdue(&self, now: u64, patience: impl Fn(&PeerId) -> u64) -> Vec<Ask> {
        let late = |asked: &Asked| asked.at.saturating_add(patience(&asked.peer)) <= now;
        self.asked.iter().filter(|(_, (_, asked))| late(asked)).map(|(ask, _)| *ask).collect()
    }

    /// Questions to a peer that is gone.
    pub fn of_peer(&self, peer: &PeerId) -> Vec<Ask> {
        self.asked.iter().filter(|(_, (_, asked))| asked.peer == *peer).map(|(ask, _)| *ask).collect()
    }

    /// The next blocks in order, if they have arrived.
    pub fn ready(&mut self) -> Option<Ready> {
        let (from, blocks) = self.arrived.remove(&self.offered)?;
        self.offered += blocks.len();
        self.arrived_bytes -= blocks.iter().map(Block::size).sum::<usize>();
        Some(Ready { from, blocks })
    }

    fn put_back(&mut self, first: usize, ids: &[BlockId]) {
        for (i, id) in ids.iter().enumerate().rev() {
            let at = self.todo.partition_point(|(index, _)| *index < first + i);
            self.todo.insert(at, (first + i, *id));
        }
    }
}

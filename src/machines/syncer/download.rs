//! Bodies from several peers at once, in a sliding window; handed on in order.
//!
//! Decides which block is asked of whom, and when to ask somebody else too. A body is taken only if it is the very
//! block: its transactions and its signature are those of the header. So whatever is wrong with a run later, it is the
//! headers' fault and not of who sent a body.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use ledger::{Block, BlockId, Transaction, merkle};

use super::event::Ask;
use crate::PeerId;

/// Bytes of bodies that may be asked for, wait for an earlier one, or wait at the chain.
pub const WINDOW_BYTES: usize = 16_000_000;
/// Bytes that one question should bring at most: enough to keep a fast line busy, little enough to be answered in time.
pub const REQUEST_BYTES: usize = 1_000_000;
/// Bytes that the first question to a peer should bring: not much is lost if it does not answer, and a line of 20 KB/s,
/// as one that is far away and loses every twentieth packet, answers in seconds.
pub const START_BYTES: usize = 64_000;
/// Blocks in one question; the wire's own limit is the same.
pub const REQUEST_BLOCKS: usize = 256;
/// Blocks that were handed on and are not connected yet. The chain has 4 096 at the verifier at most and drops what is
/// beyond: the other half is for blocks that are announced.
pub const MAX_OFFERED: usize = 2_048;

/// Who can be asked for bodies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    pub peer: PeerId,
    /// Height of its tip: it may have the blocks up to there, or is found out when asked.
    pub height: u64,
    /// Questions that it may be asked at a time.
    pub questions: usize,
    /// Bytes that one question to it should bring.
    pub bytes: usize,
}

#[derive(Debug, Clone)]
struct Asked {
    peer: PeerId,
    blocks: Range<usize>,
    at: u64,
}

/// The download of one run of blocks, named by their index in it.
#[derive(Debug, Clone)]
pub(super) struct Download {
    ids: Vec<BlockId>,
    /// Height of the first block.
    first_height: u64,
    /// Neither asked for nor arrived.
    todo: BTreeSet<usize>,
    asked: BTreeMap<Ask, Asked>,
    /// Arrived, by index of the first block, waiting for earlier ones.
    arrived: BTreeMap<usize, (PeerId, Vec<Block>)>,
    arrived_bytes: usize,
    /// Handed on to the chain.
    offered: usize,
    /// Taken by the chain.
    taken: usize,
    /// Running mean of a body's size; a guess before the first.
    mean_bytes: usize,
}

/// What an answer with blocks is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Arrival {
    /// The blocks that were asked for, or the first of them.
    Good {
        peer: PeerId,
        bytes: usize,
        asked_at: u64,
        /// Who was asked for the same blocks too, and when.
        others: Vec<(PeerId, u64)>,
    },
    /// None: it follows another branch, or does not keep old blocks. No offence, but it is of no use.
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
    /// The bodies of `ids`, of which the first is at `first_height`.
    pub fn new(ids: Vec<BlockId>, first_height: u64) -> Self {
        Self {
            todo: (0..ids.len()).collect(),
            ids,
            first_height,
            asked: BTreeMap::new(),
            arrived: BTreeMap::new(),
            arrived_bytes: 0,
            offered: 0,
            taken: 0,
            mean_bytes: START_BYTES / 16,
        }
    }

    pub fn total(&self) -> usize {
        self.ids.len()
    }

    pub fn taken(&self) -> usize {
        self.taken
    }

    /// The chain took blocks: gives how many that really are. Late news of an earlier run must not count for more than
    /// was offered.
    pub fn take(&mut self, blocks: usize) -> usize {
        let count = blocks.min(self.offered - self.taken);
        self.taken += count;
        count
    }

    /// Whether this run handed the block to the chain.
    pub fn offered(&self, id: &BlockId) -> bool {
        self.ids[..self.offered].contains(id)
    }

    /// Whether the chain has blocks that it did not take yet.
    pub fn waits_for_chain(&self) -> bool {
        self.offered > self.taken
    }

    /// Whether anybody is asked.
    pub fn is_asking(&self) -> bool {
        !self.asked.is_empty()
    }

    pub fn peers(&self) -> BTreeSet<PeerId> {
        self.asked.values().map(|asked| asked.peer).collect()
    }

    /// The next question for a source, if the window and its share allow one: blocks that others keep everybody waiting
    /// for come before new ones.
    pub fn next(
        &mut self,
        source: &Source,
        ask: Ask,
        now: u64,
        patience: impl Fn(&PeerId) -> u64,
    ) -> Option<Vec<BlockId>> {
        if self.asked.values().filter(|asked| asked.peer == source.peer).count() >= source.questions {
            return None;
        }
        let has = usize::try_from((source.height + 1).saturating_sub(self.first_height)).unwrap_or(usize::MAX);
        let most = (source.bytes.min(REQUEST_BYTES) / self.mean_bytes.max(1)).clamp(1, REQUEST_BLOCKS);
        let mut blocks = self.late(source, now, patience).or_else(|| self.fresh())?;
        blocks.end = blocks.end.min(has).min(blocks.start + most);
        if blocks.is_empty() {
            return None;
        }
        for index in blocks.clone() {
            self.todo.remove(&index);
        }
        let ids = self.ids[blocks.clone()].to_vec();
        self.asked.insert(ask, Asked { peer: source.peer, blocks, at: now });
        Some(ids)
    }

    /// Blocks arrived. None if they answer no open question.
    pub fn arrive(&mut self, ask: Ask, blocks: Vec<Block>) -> Option<Arrival> {
        let Asked { peer, blocks: wanted, at } = self.asked.remove(&ask)?;
        let ids = &self.ids[wanted.clone()];
        let right = blocks.len() <= ids.len() && blocks.iter().zip(ids).all(|(block, id)| is_the_block(block, id));
        if blocks.is_empty() || !right {
            self.release(wanted);
            return Some(if right { Arrival::Nothing(peer) } else { Arrival::Wrong(peer) });
        }
        let got = wanted.start..wanted.start + blocks.len();
        let bytes: usize = blocks.iter().map(Block::size).sum();
        // The first answer tells more than any guess before it.
        let guess = self.offered == 0 && self.arrived.is_empty();
        let mean = bytes / got.len();
        self.mean_bytes = if guess { mean } else { (self.mean_bytes + mean) / 2 };
        self.arrived_bytes += bytes;
        self.arrived.insert(got.start, (peer, blocks));
        let overlaps = |asked: &Asked| asked.blocks.start < got.end && got.start < asked.blocks.end;
        let same: Vec<_> = self.asked.iter().filter(|(_, asked)| overlaps(asked)).map(|(ask, _)| *ask).collect();
        let same: Vec<_> = same.into_iter().filter_map(|ask| self.asked.remove(&ask)).collect();
        self.release(wanted);
        same.iter().for_each(|asked| self.release(asked.blocks.clone()));
        let others = same.into_iter().map(|asked| (asked.peer, asked.at)).collect();
        Some(Arrival::Good { peer, bytes, asked_at: at, others })
    }

    /// A question failed: its blocks are asked for again. Gives whom it was asked of.
    pub fn fail(&mut self, ask: Ask) -> Option<PeerId> {
        let asked = self.asked.remove(&ask)?;
        self.release(asked.blocks);
        Some(asked.peer)
    }

    /// Questions that are older than the deadline of whom they were asked.
    pub fn overdue(&self, now: u64, deadline: impl Fn(&PeerId) -> u64) -> Vec<Ask> {
        let late = |asked: &Asked| asked.at.saturating_add(deadline(&asked.peer)) <= now;
        self.asked.iter().filter(|(_, asked)| late(asked)).map(|(ask, _)| *ask).collect()
    }

    /// Questions to a peer that is gone.
    pub fn of_peer(&self, peer: &PeerId) -> Vec<Ask> {
        self.asked.iter().filter(|(_, asked)| asked.peer == *peer).map(|(ask, _)| *ask).collect()
    }

    /// The next blocks in order, if they have arrived and the chain has room for them.
    pub fn ready(&mut self) -> Option<Ready> {
        let waiting = self.offered - self.taken;
        let entry = self.arrived.first_entry().filter(|entry| *entry.key() == self.offered)?;
        if waiting + entry.get().1.len() > MAX_OFFERED {
            return None;
        }
        let (from, blocks) = entry.remove();
        self.offered += blocks.len();
        self.arrived_bytes -= blocks.iter().map(Block::size).sum::<usize>();
        Some(Ready { from, blocks })
    }

    /// The lowest blocks that everybody asked for them keeps waiting, and this source was not asked for.
    fn late(&self, source: &Source, now: u64, patience: impl Fn(&PeerId) -> u64) -> Option<Range<usize>> {
        let late = |asked: &Asked| asked.at.saturating_add(patience(&asked.peer)) <= now;
        let mut open: BTreeMap<usize, (usize, bool)> = BTreeMap::new();
        for asked in self.asked.values() {
            let (end, for_us) = open.entry(asked.blocks.start).or_insert((asked.blocks.end, true));
            *end = (*end).min(asked.blocks.end);
            *for_us &= asked.peer != source.peer && late(asked);
        }
        open.into_iter().find(|(_, (_, for_us))| *for_us).map(|(start, (end, _))| start..end)
    }

    /// The lowest blocks that nobody is asked for, if they fit into the window. The very lowest always do: all others
    /// wait for them.
    fn fresh(&self) -> Option<Range<usize>> {
        let start = *self.todo.first()?;
        let asked: usize = self.asked.values().map(|asked| asked.blocks.len()).sum();
        let waiting = self.offered - self.taken;
        let window = (asked + waiting) * self.mean_bytes + self.arrived_bytes;
        if window >= WINDOW_BYTES && start != self.offered {
            return None;
        }
        let ahead = self.todo.range(start..).zip(start..).take(REQUEST_BLOCKS);
        Some(start..start + ahead.take_while(|(index, next)| *index == next).count())
    }

    /// These blocks are not asked for by this question any more. Those that neither arrived nor are asked for by
    /// another one are to be asked for again.
    fn release(&mut self, blocks: Range<usize>) {
        let below = self.arrived.range(..=blocks.start).next_back();
        let arrived: Vec<_> = below
            .into_iter()
            .chain(self.arrived.range(blocks.clone()))
            .map(|(start, (_, blocks))| *start..start + blocks.len())
            .collect();
        let asked: Vec<_> = self.asked.values().map(|asked| asked.blocks.clone()).collect();
        let open =
            |index: &usize| *index >= self.offered && !arrived.iter().chain(&asked).any(|range| range.contains(index));
        self.todo.extend(blocks.filter(open));
    }
}

/// Whether this is the block with this id and nothing of it was changed on its way.
fn is_the_block(block: &Block, id: &BlockId) -> bool {
    let leaves = || block.transactions.iter().map(Transaction::leaf).collect::<Vec<_>>();
    block.header.id() == *id
        && merkle::root(&leaves()) == block.header.root
        && id.is_signed_by(&block.header.miner, &block.signature)
}

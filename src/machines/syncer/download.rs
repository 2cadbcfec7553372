//! Bodies from several peers at once, in a sliding window; handed on in order.
//!
//! Decides which block is asked of whom, and when to ask somebody else too. A question stays open until it is answered,
//! also when another one was sooner: what a slow peer sends late still shows that it delivers. A body is taken only if it
//! is the very block: its transactions and its signature are those of the header. So whatever is wrong with a run later,
//! it is the headers' fault and not of who sent a body.

use std::collections::BTreeSet;
use std::ops::Range;

use ledger::{Block, BlockId, Transaction, merkle};

use super::arrived::{Arrived, Ready};
use super::event::Ask;
use super::record::Pace;
use super::requests::{Request, Requests};
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
    pub pace: Pace,
}

/// The download of one run of blocks, named by their index in it.
#[derive(Debug, Clone)]
pub(super) struct Download {
    ids: Vec<BlockId>,
    /// Height of the first block.
    first_height: u64,
    /// Neither asked for nor arrived.
    todo: BTreeSet<usize>,
    requests: Requests,
    /// Waiting for earlier ones.
    arrived: Arrived,
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
    /// The blocks that were asked for, or the first of them; perhaps later than another one's.
    Good {
        peer: PeerId,
        bytes: usize,
        asked_at: u64,
        /// Another one was asked for them later, and this one was sooner.
        raced: bool,
    },
    /// None: it follows another branch, or does not keep old blocks. No offence, but it is of no use.
    Nothing(PeerId),
    /// Others than were asked for.
    Wrong(PeerId),
}

impl Download {
    /// The bodies of `ids`, of which the first is at `first_height`.
    pub fn new(ids: Vec<BlockId>, first_height: u64) -> Self {
        Self {
            todo: (0..ids.len()).collect(),
            ids,
            first_height,
            requests: Requests::default(),
            arrived: Arrived::default(),
            offered: 0,
            taken: 0,
            mean_bytes: START_BYTES / 16,
        }
    }

    /// All ids, lowest first.
    pub fn into_ids(self) -> Vec<BlockId> {
        self.ids
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
        self.requests.is_any_open()
    }

    pub fn peers(&self) -> BTreeSet<PeerId> {
        self.requests.peers()
    }

    /// The next question for a source, if the window and its share allow one. The block that the chain waits for comes
    /// first, if whoever was asked for it keeps this node waiting; then new ones; then whatever others are late with.
    ///
    /// While somebody who has proven itself is asked, whoever has not is asked for the same blocks and no others: that it
    /// delivers nothing costs nothing then.
    pub fn next(
        &mut self,
        source: &Source,
        ask: Ask,
        now: u64,
        pace: impl Fn(&PeerId) -> Pace,
    ) -> Option<Vec<BlockId>> {
        if self.requests.of(&source.peer).count() >= source.questions {
            return None;
        }
        let has = usize::try_from((source.height + 1).saturating_sub(self.first_height)).unwrap_or(usize::MAX);
        let most = (source.bytes.min(REQUEST_BYTES) / self.mean_bytes.max(1)).clamp(1, REQUEST_BLOCKS);
        let able = |blocks: Range<usize>| {
            let blocks = blocks.start..blocks.end.min(has).min(blocks.start + most);
            (!blocks.is_empty()).then_some(blocks)
        };
        let trial = if source.pace.is_proven() { None } else { self.requests.of_the_proven(&pace) };
        let blocks = match trial {
            Some(trial) => trial.and_then(able)?,
            None => {
                let late = self.requests.late(source, now, &pace).and_then(able);
                let starves = |blocks: &Range<usize>| blocks.start == self.offered && !self.waits_for_chain();
                match late {
                    Some(late) if starves(&late) => late,
                    late => self.fresh().and_then(able).or(late)?,
                }
            }
        };
        for index in blocks.clone() {
            self.todo.remove(&index);
        }
        let ids = self.ids[blocks.clone()].to_vec();
        self.requests.add(ask, source.peer, blocks, now);
        Some(ids)
    }

    /// Blocks arrived. None if they answer no open question.
    pub fn arrive(&mut self, ask: Ask, blocks: Vec<Block>) -> Option<Arrival> {
        let Request { peer, blocks: wanted, at, .. } = self.requests.take(ask)?;
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
        let sooner = self.arrived.keep(peer, got.start, blocks, |index| index >= self.offered);
        let raced = self.requests.arrived(&got, at) && sooner;
        self.release(wanted);
        Some(Arrival::Good { peer, bytes, asked_at: at, raced })
    }

    /// Whether the block arrived.
    fn has(&self, index: usize) -> bool {
        index < self.offered || self.arrived.has(index)
    }

    /// A question failed: its blocks are asked for again. Gives whom it was asked of.
    pub fn fail(&mut self, ask: Ask) -> Option<PeerId> {
        let Request { peer, blocks, .. } = self.requests.take(ask)?;
        self.release(blocks);
        Some(peer)
    }

    /// Questions that are older than the deadline of whom they were asked.
    pub fn overdue(&self, now: u64, deadline: impl Fn(&PeerId) -> u64) -> Vec<Ask> {
        self.requests.overdue(now, deadline)
    }

    /// All questions to a peer that is gone fail. Tells whether there was one.
    pub fn give_back(&mut self, peer: &PeerId) -> bool {
        let asks: Vec<_> = self.requests.of(peer).collect();
        asks.iter().filter_map(|ask| self.fail(*ask)).count() > 0
    }

    /// The next blocks in order, if they have arrived and the chain has room for them.
    pub fn ready(&mut self) -> Option<Ready> {
        let room = MAX_OFFERED.saturating_sub(self.offered - self.taken);
        let ready = self.arrived.take(self.offered, room)?;
        self.offered += ready.blocks.len();
        Some(ready)
    }

    /// The lowest blocks that nobody is asked for, if they fit into the window. The very lowest always do: all others
    /// wait for them.
    fn fresh(&self) -> Option<Range<usize>> {
        let start = *self.todo.first()?;
        let waiting = self.offered - self.taken;
        let window = (self.requests.blocks() + waiting) * self.mean_bytes + self.arrived.bytes();
        if window >= WINDOW_BYTES && start != self.offered {
            return None;
        }
        let ahead = self.todo.range(start..).zip(start..).take(REQUEST_BLOCKS);
        Some(start..start + ahead.take_while(|(index, next)| *index == next).count())
    }

    /// These blocks are not asked for by this question any more. Those that neither arrived nor are asked for by
    /// another one are to be asked for again.
    fn release(&mut self, blocks: Range<usize>) {
        let free: Vec<_> = blocks.filter(|index| !self.has(*index) && !self.requests.is_for(*index)).collect();
        self.todo.extend(free);
    }
}

/// Whether this is the block with this id and nothing of it was changed on its way.
fn is_the_block(block: &Block, id: &BlockId) -> bool {
    let leaves = || block.transactions.iter().map(Transaction::leaf).collect::<Vec<_>>();
    block.header.id() == *id
        && merkle::root(&leaves()) == block.header.root
        && id.is_signed_by(&block.header.miner, &block.signature)
}

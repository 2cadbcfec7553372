//! The way of bodies: the blocks of one run of headers, from everybody who has them, to the chain.
//!
//! Decides who is asked for how much, who is left alone, and when a run is given up. Which block is asked of whom is
//! [`Download`]'s.

use std::collections::BTreeSet;

use ledger::{Block, BlockError, BlockId, Fault};

use super::download::{Arrival, Download};
use super::headers::HeaderRun;
use super::{Ask, Effect, Syncer, Work};
use crate::PeerId;
use crate::peer::Offence;

/// A question for bodies is given up after this long; after 20 and 40 s where a peer delivered before and failed lately.
/// Another one was asked for the same blocks long before.
pub(super) const BODIES_MS: u64 = 10_000;
/// The chain must take something within this time, or the sync starts again.
pub(super) const STUCK_MS: u64 = 60_000;
/// When a block was lost on its way the run cannot go on: after this long, in which the chain takes what it has.
const LOST_MS: u64 = 1_000;
/// A run is given up when nobody can be asked for its next block for so long: another peer's headers may lead elsewhere.
const NO_SOURCE_MS: u64 = 5_000;

/// A run of headers whose bodies are being fetched.
#[derive(Debug)]
pub(super) struct Run {
    /// Whose headers they are.
    pub leader: PeerId,
    /// The headers, of which the download has the ids. More may come while bodies do.
    headers: HeaderRun,
    /// Whether more headers follow.
    pub more: bool,
    pub download: Download,
    /// Who follows another branch, or does not keep old blocks.
    without: BTreeSet<PeerId>,
    /// The chain took something last.
    taken_at: u64,
    /// Something that it was offered was lost.
    lost_at: Option<u64>,
    /// When somebody was asked, or the chain was busy, last.
    busy_at: u64,
}

impl Run {
    fn new(mut headers: HeaderRun, leader: PeerId, more: bool, mono: u64) -> Self {
        let ids = std::mem::take(&mut headers.ids);
        let first_height = (headers.last_height() + 1).saturating_sub(ids.len() as u64);
        Self {
            leader,
            headers,
            more,
            download: Download::new(ids, first_height),
            without: BTreeSet::new(),
            taken_at: mono,
            lost_at: None,
            busy_at: mono,
        }
    }

    /// Where more headers follow.
    pub fn end(&self) -> HeaderRun {
        self.headers.end()
    }

    pub fn last_id(&self) -> BlockId {
        self.headers.last_id()
    }

    pub fn last_height(&self) -> u64 {
        self.headers.last_height()
    }

    pub fn work(&self) -> ledger::Work {
        self.headers.work
    }

    /// The headers, to begin again with them.
    fn into_headers(mut self) -> HeaderRun {
        self.headers.ids = self.download.into_ids();
        self.headers
    }
}

impl Syncer {
    /// Begins to fetch the bodies of a run.
    pub(super) fn begin_bodies(&mut self, run: HeaderRun, leader: PeerId, more: bool, mono: u64) {
        self.blocks.begin(mono);
        self.work = Work::Blocks(Box::new(Run::new(run, leader, more, mono)));
    }

    /// Hands on what has arrived, and asks everybody who has room for a question.
    pub(super) fn ask_bodies(&mut self, mono: u64, effects: &mut Vec<Effect>) {
        let Work::Blocks(run) = &mut self.work else { return };
        while let Some(ready) = run.download.ready() {
            effects.push(Effect::Offer { blocks: ready.blocks, from: ready.from });
        }
        let mut sources = self.peers.sources(self.tip.work, mono);
        // Whoever has not shown that it delivers is asked one thing at a time.
        sources.retain(|source| !run.without.contains(&source.peer));
        sources.retain(|source| source.pace.is_proven() || self.questions.to(&source.peer).is_none());
        let mut asked = true;
        while std::mem::take(&mut asked) {
            for source in &sources {
                let ask = Ask(self.next_ask);
                if let Some(ids) = run.download.next(source, ask, mono, |peer| self.peers.pace(peer, mono)) {
                    self.next_ask += 1;
                    effects.push(Effect::AskBlocks { ask, peer: source.peer, ids });
                    asked = true;
                }
            }
        }
        if run.download.is_asking() || run.download.waits_for_chain() {
            run.busy_at = mono;
        }
    }

    pub(super) fn bodies(&mut self, mono: u64, ask: Ask, blocks: Vec<Block>, effects: &mut Vec<Effect>) {
        let Work::Blocks(run) = &mut self.work else { return };
        match run.download.arrive(ask, blocks) {
            Some(Arrival::Good { peer, bytes, asked_at, raced }) => {
                self.peers.delivered(peer, bytes, asked_at, raced, mono);
            }
            // It need not have what another one's headers tell of.
            Some(Arrival::Nothing(peer)) if peer != run.leader => {
                run.without.insert(peer);
            }
            Some(Arrival::Nothing(peer)) => self.peers.blame(peer, mono),
            Some(Arrival::Wrong(peer)) => {
                let (offence, why) = (Offence::Forges, "sent other blocks than it was asked for".into());
                effects.push(Effect::Misbehaved { peer, offence, why });
                self.peers.blame(peer, mono);
            }
            None => {}
        }
    }

    pub(super) fn bodies_failed(&mut self, mono: u64, asks: &[Ask]) {
        let Work::Blocks(run) = &mut self.work else { return };
        for peer in asks.iter().filter_map(|ask| run.download.fail(*ask)) {
            self.peers.blame(peer, mono);
        }
    }

    pub(super) fn taken(&mut self, mono: u64, blocks: usize) {
        let Work::Blocks(run) = &mut self.work else { return };
        let taken = run.download.take(blocks);
        run.taken_at = mono;
        self.pause.blocks(taken, mono);
        self.blocks.add(taken as u64, mono);
    }

    /// A block of the sync is refused. With it go all that follow it, so more such news comes, also when the next run
    /// has begun: only what this run handed on counts.
    pub(super) fn refused(&mut self, mono: u64, id: BlockId, error: &BlockError) {
        if error.condemns_the_id() {
            self.invalid.insert(id);
            self.held.forget(&id);
        }
        let Work::Blocks(run) = &self.work else { return };
        if !run.download.offered(&id) {
            return;
        }
        match error {
            // One before it was refused or lost.
            BlockError::UnknownParent(_) => self.not_taken(mono),
            BlockError::FromTheFuture { .. } => {
                self.peers.correct(&run.leader, self.tip);
                self.work = Work::Idle;
            }
            _ => {
                if error.fault() == Fault::Sender {
                    self.peers.blame(run.leader, mono);
                }
                self.work = Work::Idle;
            }
        }
    }

    /// The chain has too much to do: what was offered is lost.
    pub(super) fn not_taken(&mut self, mono: u64) {
        if let Work::Blocks(run) = &mut self.work {
            run.lost_at.get_or_insert(mono);
        }
    }

    pub(super) fn bodies_tick(&mut self, mono: u64) {
        let Work::Blocks(run) = &self.work else { return };
        let late = run.download.overdue(mono, |peer| self.peers.deadline(peer, BODIES_MS, mono));
        self.bodies_failed(mono, &late);
        let Work::Blocks(run) = &self.work else { return };
        let stuck = run.taken_at.saturating_add(STUCK_MS) <= mono;
        let lost = run.lost_at.is_some_and(|at| at.saturating_add(LOST_MS) <= mono);
        if stuck && !run.download.waits_for_chain() {
            // Its headers are good, and nobody has the bodies: somebody else's may lead elsewhere.
            self.peers.blame(run.leader, mono);
        }
        let idle = !run.download.is_asking() && !run.download.waits_for_chain();
        if (stuck || lost || idle && run.busy_at.saturating_add(NO_SOURCE_MS) <= mono)
            && let Work::Blocks(run) = std::mem::replace(&mut self.work, Work::Idle)
        {
            // Nobody need tell them again. A slow peer may need all its time for telling them once.
            self.held.add(run.into_headers());
        }
    }
}

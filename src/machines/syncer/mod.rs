//! The syncer: which blocks this node lacks, and whom to ask for them.
//!
//! `Alone → Comparing → Headers → Blocks → Following`, and back whenever a peer has more work. Headers come first, from
//! one peer, and their work is checked before anything is stored; bodies come from all peers that have them. Every
//! question has a deadline, so no answer that never comes can stop it. It believes only events: its tip moves on
//! [`Event::TipChanged`], not when it offered a block.

mod download;
mod event;
mod headers;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use ledger::{BlockId, ChainSource, Header, Network, Tip, ViewError};
use serde::Serialize;

use self::download::{Arrival, Download};
use self::headers::{HeaderRun, HeadersError};
use crate::{Now, PeerId};

pub use self::event::{Ask, Effect, Event};

/// Headers in one answer; the wire's own limit is the same. Fewer mean that the peer has no more.
pub const HEADERS_PER_ANSWER: usize = 2_000;
/// Headers that are held before their bodies are fetched: 32 bytes each.
const MAX_RUN: usize = 20_000;
/// A branch must show more work than ours within this many headers: 32 bytes each.
const MAX_BRANCH: usize = 1_000_000;
/// A header question waits this long.
const HEADERS_MS: u64 = 15_000;
/// A body question waits this long at first; twice as long after each failure, up to [`MAX_PATIENCE_MS`].
const BLOCKS_MS: u64 = 5_000;
const MAX_PATIENCE_MS: u64 = 64_000;
/// A peer that failed is not asked for this long, doubled with each failure.
const PENALTY_MS: u64 = 2_000;
/// How often peers are asked for their tip. A quiet peer's tip would grow old otherwise.
const STATUS_MS: u64 = 10_000;
/// The chain must connect something within this time while blocks are offered, or the sync starts again.
const STUCK_MS: u64 = 60_000;

/// What the syncer is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, strum::IntoStaticStr)]
pub enum State {
    /// No peer passed the handshake.
    Alone,
    /// Asked a peer for its tip, to learn whether it has more work.
    Comparing {
        /// The peer.
        peer: PeerId,
        /// When, on the monotonic clock.
        since: u64,
    },
    /// Fetching headers.
    Headers {
        /// The peer.
        peer: PeerId,
        /// Headers so far.
        got: usize,
        /// Height of the peer's tip.
        target: u64,
        /// Deadline of the question.
        until: u64,
    },
    /// Fetching bodies.
    Blocks {
        /// Whose headers they follow.
        peer: PeerId,
        /// Peers that are asked now.
        sources: Vec<PeerId>,
        /// Blocks of this run that the chain has taken.
        done: usize,
        /// Blocks in this run.
        total: usize,
        /// Height of this node's tip.
        height: u64,
        /// Height of the peer's tip.
        target: u64,
        /// Blocks a second since the run began.
        per_second: u64,
    },
    /// No peer has more work.
    Following,
}

#[derive(Debug, Clone)]
struct Peer {
    tip: Tip,
    /// None: to be asked with the next tick.
    asked_status_at: Option<u64>,
    failures: u32,
    not_before: u64,
}

#[derive(Debug)]
enum Work {
    Idle,
    Headers { ask: Ask, peer: PeerId, run: Option<HeaderRun>, after: Option<BlockId>, until: u64 },
    Blocks { peer: PeerId, run: HeaderRun, more: bool, download: Download, began: u64, moved: u64 },
}

/// The syncer machine.
#[derive(Debug)]
pub struct Syncer {
    network: Arc<Network>,
    tip: Tip,
    peers: BTreeMap<PeerId, Peer>,
    work: Work,
    comparing: Option<(PeerId, u64)>,
    state: State,
    syncing: bool,
    next_ask: u64,
}

impl Syncer {
    /// A syncer of a node whose chain ends in `tip`.
    pub fn new(network: Arc<Network>, tip: Tip) -> Self {
        Self {
            network,
            tip,
            peers: BTreeMap::new(),
            work: Work::Idle,
            comparing: None,
            state: State::Alone,
            syncing: false,
            next_ask: 0,
        }
    }

    /// What it is doing.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether this node is behind its peers.
    pub fn is_syncing(&self) -> bool {
        self.syncing
    }

    /// Handles an event. `view` is what is stored.
    pub fn on(&mut self, now: Now, event: Event, view: &dyn ChainSource) -> Result<Vec<Effect>, ViewError> {
        let mono = now.mono;
        let mut effects = Vec::new();
        match event {
            Event::Status { peer, tip } => {
                let known = self.peers.entry(peer).or_insert(Peer {
                    tip,
                    asked_status_at: Some(mono),
                    failures: 0,
                    not_before: 0,
                });
                known.tip = tip;
                if self.comparing.is_some_and(|(who, _)| who == peer) {
                    self.comparing = None;
                }
            }
            Event::Gone { peer } => self.gone(peer, mono),
            Event::Behind { peer } => self.ask_status(peer, mono, &mut effects),
            Event::Headers { ask, headers } => self.headers(mono, ask, &headers, view, &mut effects)?,
            Event::Blocks { ask, blocks } => self.blocks(mono, ask, blocks, &mut effects),
            Event::Failed { ask, .. } => self.failed(mono, ask),
            Event::Taken { blocks } => self.taken(mono, blocks),
            Event::TipChanged(tip) => self.tip_changed(mono, tip),
            Event::Refused { from, id, .. } => self.refused(mono, from, &id),
            Event::Tick => self.tick(mono, &mut effects),
        }
        self.go_on(mono, view, &mut effects)?;
        self.refresh_state(mono, &mut effects);
        Ok(effects)
    }

    /// Starts what is due: headers from the best peer, or the next bodies.
    fn go_on(&mut self, mono: u64, view: &dyn ChainSource, effects: &mut Vec<Effect>) -> Result<(), ViewError> {
        if matches!(self.work, Work::Idle)
            && let Some(peer) = self.best_peer(mono)
        {
            self.comparing = None;
            let ask = self.new_ask();
            effects.push(Effect::AskHeaders { ask, peer, locator: locator(view)? });
            self.work = Work::Headers { ask, peer, run: None, after: None, until: mono + HEADERS_MS };
        }
        let Work::Blocks { run, download, .. } = &mut self.work else { return Ok(()) };
        while let Some(ready) = download.ready() {
            effects.push(Effect::Offer { blocks: ready.blocks, from: ready.from });
        }
        // Whoever has as much work as the run ends in has its blocks, or is found out when asked.
        let sources = self.peers.iter().filter(|(_, peer)| peer.tip.work >= run.work && peer.not_before <= mono);
        let sources: Vec<_> = sources.map(|(id, _)| *id).collect();
        let mut asked = true;
        while std::mem::take(&mut asked) {
            for peer in &sources {
                let ask = Ask(self.next_ask);
                if let Some(ids) = download.next(*peer, ask, mono) {
                    self.next_ask += 1;
                    effects.push(Effect::AskBlocks { ask, peer: *peer, ids });
                    asked = true;
                }
            }
        }
        Ok(())
    }

    /// The peer with the most work, if it is more than ours and the peer did not fail lately.
    fn best_peer(&self, mono: u64) -> Option<PeerId> {
        let able = self.peers.iter().filter(|(_, peer)| peer.tip.work > self.tip.work && peer.not_before <= mono);
        able.max_by_key(|(_, peer)| peer.tip.work).map(|(id, _)| *id)
    }

    fn headers(
        &mut self,
        mono: u64,
        ask: Ask,
        headers: &[Header],
        view: &dyn ChainSource,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ViewError> {
        let Work::Headers { ask: expected, peer, run, after, .. } = &mut self.work else { return Ok(()) };
        if *expected != ask {
            return Ok(());
        }
        let peer = *peer;
        let extended = match run.take() {
            Some(mut run) => run.extend(headers, &self.network).map(|()| Some(run)),
            // The same known headers again and again would hold this node in the sync for ever.
            None if after.is_some_and(|after| headers.first().is_some_and(|first| first.previous != after)) => {
                Err(HeadersError::Detached)
            }
            None => HeaderRun::start(headers, &self.network, view)?,
        };
        self.work = Work::Idle;
        let full = headers.len() >= HEADERS_PER_ANSWER;
        match extended {
            Err(error) => {
                effects.push(Effect::Misbehaved { peer, why: error.to_string() });
                self.blame(peer, mono);
            }
            Ok(Some(run)) if run.work > self.tip.work && (!full || run.ids.len() >= MAX_RUN) => {
                let download = Download::new(run.ids.clone());
                self.work = Work::Blocks { peer, run, more: full, download, began: mono, moved: mono };
            }
            Ok(run) if full && run.as_ref().is_none_or(|run| run.ids.len() < MAX_BRANCH) => {
                let after = headers.last().map(Header::id);
                let ask = self.new_ask();
                effects.push(Effect::AskHeaders { ask, peer, locator: after.into_iter().collect() });
                self.work = Work::Headers { ask, peer, run, after, until: mono + HEADERS_MS };
            }
            // It has nothing more than we do. If its tip has arrived here meanwhile, all is well; else it claimed more
            // than it delivers, or it moved to another branch: not believed for a while.
            Ok(_) => {
                let claimed = self.peers.get(&peer).map(|peer| peer.tip.id);
                let arrived = claimed.map(|id| view.header(&id)).transpose()?.flatten().is_some();
                if !arrived {
                    self.blame(peer, mono);
                }
                if let Some(peer) = self.peers.get_mut(&peer) {
                    peer.tip = self.tip;
                }
            }
        }
        Ok(())
    }

    fn blocks(&mut self, mono: u64, ask: Ask, blocks: Vec<ledger::Block>, effects: &mut Vec<Effect>) {
        let Work::Blocks { download, .. } = &mut self.work else { return };
        match download.arrive(ask, blocks) {
            Some(Arrival::Good(peer)) => {
                if let Some(peer) = self.peers.get_mut(&peer) {
                    peer.failures = 0;
                }
            }
            // A peer of another branch, with as much work: honest, but not to be asked for these.
            Some(Arrival::Nothing(peer)) => self.blame(peer, mono),
            Some(Arrival::Wrong(peer)) => {
                effects.push(Effect::Misbehaved { peer, why: "sent other blocks than it was asked for".into() });
                self.blame(peer, mono);
            }
            None => {}
        }
    }

    fn failed(&mut self, mono: u64, ask: Ask) {
        let peer = match &mut self.work {
            Work::Headers { ask: expected, peer, .. } if *expected == ask => {
                let peer = *peer;
                self.work = Work::Idle;
                Some(peer)
            }
            Work::Blocks { download, .. } => download.fail(ask),
            _ => None,
        };
        if let Some(peer) = peer {
            self.blame(peer, mono);
        }
    }

    fn gone(&mut self, gone: PeerId, mono: u64) {
        self.peers.remove(&gone);
        self.comparing = self.comparing.filter(|(peer, _)| *peer != gone);
        match &mut self.work {
            Work::Headers { peer, .. } if *peer == gone => self.work = Work::Idle,
            Work::Blocks { download, .. } => {
                for ask in download.of_peer(&gone) {
                    download.fail(ask);
                }
                self.give_up_without_sources(mono);
            }
            _ => {}
        }
    }

    /// A block of the sync is refused: the run leads nowhere. With one block go all that follow it, so more such news
    /// comes when the next run has begun; only what this run handed on counts.
    fn refused(&mut self, mono: u64, from: PeerId, id: &BlockId) {
        let Work::Blocks { peer, run, download, .. } = &self.work else { return };
        if !run.ids[..download.offered()].contains(id) {
            return;
        }
        let leader = *peer;
        self.work = Work::Idle;
        self.blame(leader, mono);
        if from != leader {
            self.blame(from, mono);
        }
    }

    fn taken(&mut self, mono: u64, blocks: usize) {
        if let Work::Blocks { download, moved, .. } = &mut self.work {
            download.take(blocks);
            *moved = mono;
        }
    }

    fn tip_changed(&mut self, mono: u64, tip: Tip) {
        self.tip = tip;
        let Work::Blocks { run, more, peer, .. } = &self.work else { return };
        if tip.id != run.last_id() && tip.work < run.work {
            return;
        }
        let (peer, more) = (*peer, *more);
        self.work = Work::Idle;
        // With more headers to come, its tip as we know it leads on; else it may have moved meanwhile: the tick asks.
        if !more {
            self.comparing = Some((peer, mono));
            if let Some(peer) = self.peers.get_mut(&peer) {
                peer.asked_status_at = None;
            }
        }
    }

    fn tick(&mut self, mono: u64, effects: &mut Vec<Effect>) {
        match &mut self.work {
            Work::Headers { peer, until, .. } if *until <= mono => {
                let peer = *peer;
                self.work = Work::Idle;
                self.blame(peer, mono);
            }
            Work::Blocks { download, moved, .. } => {
                let peers = &self.peers;
                let failures = |peer: &PeerId| peers.get(peer).map_or(0, |peer| peer.failures);
                let patience = |peer: &PeerId| (BLOCKS_MS << failures(peer).min(4)).min(MAX_PATIENCE_MS);
                let late: Vec<_> =
                    download.overdue(mono, patience).into_iter().filter_map(|ask| download.fail(ask)).collect();
                let stuck = moved.saturating_add(STUCK_MS) <= mono;
                for peer in late {
                    self.blame(peer, mono);
                }
                if stuck {
                    self.work = Work::Idle;
                }
                self.give_up_without_sources(mono);
            }
            _ => {}
        }
        self.comparing = self.comparing.filter(|(_, since)| since.saturating_add(HEADERS_MS) > mono);
        let due = |peer: &Peer| peer.asked_status_at.is_none_or(|at| at.saturating_add(STATUS_MS) <= mono);
        let due: Vec<_> = self.peers.iter().filter(|(_, peer)| due(peer)).map(|(id, _)| *id).collect();
        for peer in due {
            if let Some(known) = self.peers.get_mut(&peer) {
                known.asked_status_at = Some(mono);
            }
            effects.push(Effect::AskStatus { peer });
        }
    }

    /// A run whose blocks nobody has any more is dropped; another peer's headers may lead elsewhere.
    fn give_up_without_sources(&mut self, mono: u64) {
        let Work::Blocks { run, moved, .. } = &self.work else { return };
        let anybody = self.peers.values().any(|peer| peer.tip.work >= run.work);
        if !anybody && moved.saturating_add(BLOCKS_MS) <= mono {
            self.work = Work::Idle;
        }
    }

    fn ask_status(&mut self, peer: PeerId, mono: u64, effects: &mut Vec<Effect>) {
        let Some(known) = self.peers.get_mut(&peer) else { return };
        // A second question while one is open would tell nothing more.
        if known.asked_status_at.is_some_and(|at| at.saturating_add(500) > mono) {
            return;
        }
        known.asked_status_at = Some(mono);
        effects.push(Effect::AskStatus { peer });
        if matches!(self.work, Work::Idle) && self.comparing.is_none() {
            self.comparing = Some((peer, mono));
        }
    }

    /// Not asked for a while, longer with each failure in a row.
    fn blame(&mut self, peer: PeerId, mono: u64) {
        if let Some(peer) = self.peers.get_mut(&peer) {
            peer.not_before = mono + (PENALTY_MS << peer.failures.min(5));
            peer.failures = peer.failures.saturating_add(1);
        }
    }

    fn new_ask(&mut self) -> Ask {
        self.next_ask += 1;
        Ask(self.next_ask - 1)
    }

    fn refresh_state(&mut self, mono: u64, effects: &mut Vec<Effect>) {
        let target = |peer: &PeerId| self.peers.get(peer).map_or(self.tip.height, |peer| peer.tip.height);
        self.state = match &self.work {
            Work::Headers { peer, run, until, .. } => State::Headers {
                peer: *peer,
                got: run.as_ref().map_or(0, |run| run.ids.len()),
                target: target(peer),
                until: *until,
            },
            Work::Blocks { peer, run, download, began, .. } => {
                let done = download.taken();
                State::Blocks {
                    peer: *peer,
                    sources: download.peers().into_iter().collect(),
                    done,
                    total: download.total(),
                    height: self.tip.height,
                    target: target(peer).max(run.last_height()),
                    per_second: done as u64 * 1000 / mono.saturating_sub(*began).max(1),
                }
            }
            Work::Idle if self.peers.is_empty() => State::Alone,
            Work::Idle => match self.comparing {
                Some((peer, since)) => State::Comparing { peer, since },
                None => State::Following,
            },
        };
        // Comparing does not count: asking a peer for its tip must not stop the miner.
        let syncing = matches!(self.state, State::Headers { .. } | State::Blocks { .. });
        if syncing != self.syncing {
            self.syncing = syncing;
            effects.push(Effect::Syncing(syncing));
        }
    }
}

/// Ids from the tip downwards: ten single steps, then doubling ones, genesis last.
fn locator(view: &dyn ChainSource) -> Result<Vec<BlockId>, ViewError> {
    let (mut height, mut step) = (view.tip()?.height, 1);
    let mut ids = Vec::new();
    loop {
        ids.extend(view.main_id(height)?);
        if height == 0 {
            return Ok(ids);
        }
        if ids.len() >= 10 {
            step *= 2;
        }
        height = height.saturating_sub(step);
    }
}

//! The syncer: which blocks this node lacks, and whom to ask for them.
//!
//! `Alone → Comparing → Headers → Blocks → Following`, and back whenever a peer has more work. Headers come first, from
//! one peer, and their work is checked before anything is stored; bodies come from all peers that have them. Every
//! question has a deadline, and another peer is asked before it passes, so no answer that never comes can stop it. It
//! believes only what is stored: its tip is the store's, whatever news of it came or was lost.

mod answers;
mod arrived;
mod bodies;
mod download;
mod event;
mod headers;
mod held;
mod hunt;
mod pause;
mod peers;
mod questions;
mod rate;
mod record;
mod requests;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use ledger::{BlockId, ChainSource, Network, Tip, ViewError};

use self::bodies::Run;
use self::headers::HeaderRun;
use self::held::Held;
use self::hunt::Hunt;
use self::pause::Pause;
use self::peers::Peers;
use self::questions::Questions;
use self::rate::Rate;
use crate::bounded::BoundedSet;
use crate::{Now, PeerId};

pub use self::event::{Ask, Effect, Event};
pub use self::state::{Progress, State};

/// Headers in one answer at most; the wire's own limit is the same.
pub const HEADERS_PER_ANSWER: usize = 2_000;
/// How often peers are asked for their tip. A quiet peer's tip would grow old otherwise.
const STATUS_MS: u64 = 10_000;
/// An answer to the question for a tip is waited for this long.
const COMPARING_MS: u64 = 15_000;
/// Blocks that were refused for ever, 32 bytes each: each cost somebody a proof of work.
const MAX_INVALID: usize = 1_000;
/// A peer is lagging when it does not reach our tip for this long,
const LAG_MS: u64 = 300_000;
/// or for so many spacings, whichever is longer.
const LAG_SPACINGS: u64 = 30;

#[derive(Debug)]
enum Work {
    Idle,
    Headers(Box<Hunt>),
    Blocks(Box<Run>),
}

/// The syncer machine.
#[derive(Debug)]
pub struct Syncer {
    network: Arc<Network>,
    tip: Tip,
    peers: Peers,
    work: Work,
    /// Questions for headers, of this hunt and of those before.
    questions: Questions,
    /// Headers before their bodies are fetched: also those whose peer failed, or that came while others are fetched.
    held: Held,
    invalid: BoundedSet<BlockId>,
    comparing: Option<(PeerId, u64)>,
    pause: Pause,
    /// Blocks taken since this node fell behind.
    blocks: Rate,
    /// The disk is too full to keep a block.
    full: bool,
    state: State,
    next_ask: u64,
}

impl Syncer {
    /// A syncer of a node whose chain ends in `tip`.
    pub fn new(network: Arc<Network>, tip: Tip) -> Self {
        Self {
            pause: Pause::new(network.spec.spacing_ms),
            network,
            tip,
            peers: Peers::default(),
            work: Work::Idle,
            questions: Questions::default(),
            held: Held::default(),
            invalid: BoundedSet::new(MAX_INVALID),
            comparing: None,
            blocks: Rate::default(),
            full: false,
            state: State::Alone,
            next_ask: 0,
        }
    }

    /// What it is doing.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether this node is behind its peers, as [`Effect::Syncing`] told last.
    pub fn is_syncing(&self) -> bool {
        self.pause.is_on()
    }

    /// Whether any peer claims more work than this node has, also one that is not to be asked just now.
    pub fn is_behind(&self) -> bool {
        self.peers.anybody_ahead_of(self.tip.work)
    }

    /// How far the sync is.
    pub fn progress(&self, now: Now) -> Progress {
        let phase = <&str>::from(&self.state);
        let resting = Progress::resting(phase, self.tip.height);
        match (&self.work, &self.state) {
            (Work::Headers(hunt), State::Headers { asked, got, target, remaining_s }) => Progress {
                target: *target,
                done: *got as u64,
                total: target.saturating_sub(self.tip.height).max(*got as u64),
                per_second: hunt.rate.per_second(now.mono),
                remaining_s: *remaining_s,
                sources: asked.len(),
                ..resting
            },
            (Work::Blocks(_), State::Blocks { sources, target, per_second, remaining_s, .. }) => {
                let done = self.blocks.total();
                Progress {
                    target: *target,
                    done,
                    total: done + target.saturating_sub(self.tip.height),
                    per_second: *per_second,
                    remaining_s: *remaining_s,
                    sources: sources.len(),
                    ..resting
                }
            }
            _ => resting,
        }
    }

    /// Handles an event. `view` is what is stored.
    pub fn on(&mut self, now: Now, event: Event, view: &dyn ChainSource) -> Result<Vec<Effect>, ViewError> {
        let mono = now.mono;
        let mut effects = Vec::new();
        match event {
            Event::Status { peer, tip } => {
                self.peers.told(peer, tip, mono);
                self.comparing = self.comparing.filter(|(asked, _)| *asked != peer);
            }
            Event::Gone { peer } => self.gone(peer, mono),
            Event::Behind { peer } => self.ask_status(peer, mono, &mut effects),
            Event::Headers { ask, headers } => self.headers(now, ask, &headers, view, &mut effects)?,
            Event::Blocks { ask, blocks } => self.bodies(mono, ask, blocks, &mut effects),
            Event::Failed { ask } => self.failed(mono, ask),
            Event::Taken { blocks } => self.taken(mono, blocks),
            Event::Refused { id, error, .. } => self.refused(mono, id, &error),
            Event::NotTaken => self.not_taken(mono),
            Event::TipChanged => {}
            Event::DiskFull(full) => self.disk_full(full),
            Event::Tick => self.tick(mono, &mut effects),
        }
        let tip = view.tip()?;
        if tip.id != self.tip.id {
            self.tip_changed(mono, tip);
        }
        self.go_on(mono, view, &mut effects)?;
        self.refresh_state(mono);
        let good = |peer: &PeerId| self.peers.failures(peer, mono) == 0;
        let (working, believed) = match &self.work {
            Work::Idle => (false, false),
            Work::Headers(_) => (true, self.asked_for_headers().any(|peer| good(&peer))),
            Work::Blocks(run) => (true, good(&run.leader)),
        };
        effects.extend(self.pause.decide(working, believed, mono).map(Effect::Syncing));
        Ok(effects)
    }

    /// Starts what is due: headers of somebody with more work, or the next bodies.
    fn go_on(&mut self, mono: u64, view: &dyn ChainSource, effects: &mut Vec<Effect>) -> Result<(), ViewError> {
        if self.full {
            return Ok(());
        }
        if matches!(self.work, Work::Idle) {
            self.begin_headers(mono, view)?;
        }
        match self.work {
            Work::Idle => Ok(()),
            Work::Headers(_) => self.ask_headers(mono, view, effects),
            Work::Blocks(_) => {
                self.ask_bodies(mono, effects);
                Ok(())
            }
        }
    }

    /// What comes now could not be kept: nothing is asked for until it can.
    fn disk_full(&mut self, full: bool) {
        self.full = full;
        if full {
            self.work = Work::Idle;
        }
    }

    fn failed(&mut self, mono: u64, ask: Ask) {
        match self.questions.take(ask) {
            Some(question) => self.headers_failed(mono, &question),
            None => self.bodies_failed(mono, &[ask]),
        }
    }

    /// Who goes with questions open failed to answer them: coming back does not undo that.
    fn gone(&mut self, gone: PeerId, mono: u64) {
        self.comparing = self.comparing.filter(|(peer, _)| *peer != gone);
        let headers = self.questions.to(&gone).and_then(|ask| self.questions.take(ask));
        let bodies = match &mut self.work {
            Work::Blocks(run) => run.download.give_back(&gone),
            Work::Idle | Work::Headers(_) => false,
        };
        if headers.is_some() || bodies {
            self.peers.blame(gone, mono);
        }
        self.peers.gone(&gone);
    }

    fn tip_changed(&mut self, mono: u64, tip: Tip) {
        self.tip = tip;
        let Work::Blocks(run) = &mut self.work else { return };
        let reached = tip.id == run.last_id();
        if !reached && tip.work < run.work() {
            return;
        }
        if reached {
            // The news that they were taken may be on its way, or lost.
            let rest = run.download.take(usize::MAX);
            self.pause.blocks(rest, mono);
            self.blocks.add(rest as u64, mono);
        }
        let (peer, more) = (run.leader, run.more);
        self.work = Work::Idle;
        // With more headers to come, its tip as we know it leads on; else it may have moved meanwhile: the tick asks.
        if !more {
            self.comparing = Some((peer, mono));
            self.peers.status_is_due(&peer);
        }
    }

    fn tick(&mut self, mono: u64, effects: &mut Vec<Effect>) {
        for peer in self.peers.expire(mono) {
            self.gone(peer, mono);
        }
        self.headers_tick(mono);
        self.bodies_tick(mono);
        self.comparing = self.comparing.filter(|(_, since)| since.saturating_add(COMPARING_MS) > mono);
        effects.extend(self.peers.due_for_status(mono).into_iter().map(|peer| Effect::AskStatus { peer }));
        // While this node is behind itself, whoever lags is not worth a word.
        if matches!(self.work, Work::Idle) {
            let limit = LAG_MS.max(self.network.spec.spacing_ms.saturating_mul(LAG_SPACINGS));
            let lagging = self.peers.lagging(self.tip.work, limit, mono);
            effects.extend(lagging.into_iter().map(|peer| Effect::Lagging { peer }));
        }
    }

    fn ask_status(&mut self, peer: PeerId, mono: u64, effects: &mut Vec<Effect>) {
        if !self.peers.ask_status(&peer, mono) {
            return;
        }
        effects.push(Effect::AskStatus { peer });
        if matches!(self.work, Work::Idle) && self.comparing.is_none() && self.peers.tip(&peer).is_some() {
            self.comparing = Some((peer, mono));
        }
    }

    /// Whoever was asked for headers and claims more work than this node has.
    fn asked_for_headers(&self) -> impl Iterator<Item = PeerId> {
        let ahead = |peer: &PeerId| self.peers.tip(peer).is_some_and(|tip| tip.work > self.tip.work);
        self.questions.iter().map(|question| question.peer).filter(ahead)
    }

    fn new_ask(&mut self) -> Ask {
        self.next_ask += 1;
        Ask(self.next_ask - 1)
    }

    fn refresh_state(&mut self, mono: u64) {
        let target = |peer: &PeerId| self.peers.tip(peer).map_or(self.tip.height, |tip| tip.height);
        self.state = match &self.work {
            Work::Headers(hunt) => {
                let target = self.asked_for_headers().map(|peer| target(&peer)).max().unwrap_or(self.tip.height);
                let rest =
                    target.saturating_sub(self.held.front().map_or(0, HeaderRun::last_height).max(self.tip.height));
                State::Headers {
                    asked: self.asked_for_headers().collect(),
                    got: self.held.front().map_or(0, |run| run.ids.len()),
                    target,
                    remaining_s: hunt.rate.seconds_for(rest, mono),
                }
            }
            Work::Blocks(run) => {
                // A claim counts only where more headers are to come.
                let target = if run.more { target(&run.leader).max(run.last_height()) } else { run.last_height() };
                State::Blocks {
                    peer: run.leader,
                    sources: run.download.peers().into_iter().collect(),
                    done: run.download.taken(),
                    total: run.download.total(),
                    height: self.tip.height,
                    target,
                    per_second: self.blocks.per_second(mono),
                    remaining_s: self.blocks.seconds_for(target.saturating_sub(self.tip.height), mono),
                }
            }
            Work::Idle if self.peers.is_empty() => State::Alone,
            Work::Idle => match self.comparing {
                Some((peer, since)) => State::Comparing { peer, since },
                None => State::Following,
            },
        };
    }
}

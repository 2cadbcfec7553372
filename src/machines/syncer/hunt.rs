//! The way of headers: one peer is asked, and others when it keeps this node waiting; the first useful answer leads.
//!
//! Decides whom to ask for headers, when to give a peer up, and what is held meanwhile. Headers of a peer that fails are
//! kept for the next one, as long as anybody claims more work than this node has. What an answer is worth is decided in
//! `answers`.

use ledger::{BlockId, ChainSource, ViewError};

use super::held::Held;
use super::questions::Question;
use super::rate::Rate;
use super::{Ask, Effect, Syncer, Work};
use crate::PeerId;

/// A header question waits this long; twice and four times as long where a peer failed lately, for it may only be slow.
pub(super) const HEADERS_MS: u64 = 15_000;
/// One peer's headers may take this long altogether,
const LEAD_MS: u64 = 30_000;
/// and this much longer for each header that it delivered.
const LEAD_PER_HEADER_MS: u64 = 1;

/// Looking for headers of more work than ours.
#[derive(Debug)]
pub(super) struct Hunt {
    /// Questions since headers came last.
    pub round: Vec<Ask>,
    /// Who answered last, since when it leads, and how many headers it delivered.
    pub leader: Option<(PeerId, u64, usize)>,
    /// Headers a second.
    pub rate: Rate,
}

impl Syncer {
    /// Begins to look for headers if somebody that may be asked has more work.
    pub(super) fn begin_headers(&mut self, mono: u64, view: &dyn ChainSource) -> Result<(), ViewError> {
        if !self.peers.anybody_ahead_of(self.tip.work) {
            self.held = Held::default();
            self.blocks = Rate::default();
        }
        if !self.peers.ahead_of(self.tip.work, mono).is_empty() {
            self.comparing = None;
            self.held.forget_stored(view)?;
            self.work = Work::Headers(Box::new(Hunt { round: Vec::new(), leader: None, rate: Rate::start(mono) }));
        }
        Ok(())
    }

    /// Asks whom it is time to ask: the leader, or the best; and as many more as are asked already each time when none
    /// of them answers. So many silent peers cost a few seconds, and five peers of one tip one question.
    pub(super) fn ask_headers(
        &mut self,
        mono: u64,
        view: &dyn ChainSource,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ViewError> {
        let (able, leader) = (self.peers.ahead_of(self.tip.work, mono), self.leader(mono));
        let Work::Headers(hunt) = &mut self.work else { return Ok(()) };
        hunt.round.retain(|ask| self.questions.get(*ask).is_some());
        let in_time =
            |question: &Question| question.at.saturating_add(self.peers.header_patience(&question.peer, mono)) > mono;
        if hunt.round.iter().filter_map(|ask| self.questions.get(*ask)).any(in_time) {
            return Ok(());
        }
        let free = |peer: &PeerId| self.questions.to(peer).is_none();
        let mut next: Vec<_> = leader.into_iter().chain(able.iter().copied()).filter(free).collect();
        next.truncate(hunt.round.len().max(1));
        if next.is_empty() {
            // Whoever has a question from before may still answer it.
            if able.iter().all(free) {
                self.work = Work::Idle;
            }
            return Ok(());
        }
        let ends = self.held.ends();
        for peer in next {
            let ask = self.new_ask();
            let (Some(claimed), limit) = (self.peers.tip(&peer), self.peers.header_limit(&peer)) else { continue };
            let Work::Headers(hunt) = &mut self.work else { return Ok(()) };
            hunt.round.push(ask);
            self.questions.add(Question { ask, peer, at: mono, limit, ends: ends.clone(), claimed });
            // Who has the end of neither branch that is held starts where it left ours.
            let locator = ends.iter().copied().chain(locator(view)?).collect();
            effects.push(Effect::AskHeaders { ask, peer, locator, limit: u16::try_from(limit).unwrap_or(u16::MAX) });
        }
        Ok(())
    }

    /// Who leads, unless it failed.
    pub(super) fn leader(&self, mono: u64) -> Option<PeerId> {
        let Work::Headers(hunt) = &self.work else { return None };
        hunt.leader.map(|(peer, ..)| peer).filter(|peer| self.peers.is_ahead_of(self.tip.work, peer, mono))
    }

    /// A peer that delivers headers too slowly leads no longer; another one goes on where it came to.
    pub(super) fn lead_is_in_time(&mut self, mono: u64) {
        let Work::Headers(hunt) = &mut self.work else { return };
        let Some((leader, since, got)) = hunt.leader else { return };
        let allowed = LEAD_MS.saturating_add(LEAD_PER_HEADER_MS.saturating_mul(got as u64));
        if since.saturating_add(allowed) <= mono {
            self.give_up(leader, mono);
        }
    }

    /// A question for headers failed.
    pub(super) fn headers_failed(&mut self, mono: u64, question: &Question) {
        self.peers.gave_no_headers(&question.peer, question.limit);
        self.peers.blame(question.peer, mono);
    }

    pub(super) fn headers_tick(&mut self, mono: u64) {
        let deadline = |peer: &PeerId| HEADERS_MS << self.peers.failures(peer, mono).min(2);
        let late = |question: &&Question| question.at.saturating_add(deadline(&question.peer)) <= mono;
        for question in self.questions.iter().filter(late).cloned().collect::<Vec<_>>() {
            self.questions.take(question.ask);
            self.headers_failed(mono, &question);
        }
        self.lead_is_in_time(mono);
    }

    /// This peer leads nowhere.
    pub(super) fn give_up(&mut self, peer: PeerId, mono: u64) {
        self.peers.blame(peer, mono);
        if let Work::Headers(hunt) = &mut self.work {
            hunt.leader = hunt.leader.filter(|(leader, ..)| *leader != peer);
        }
    }
}

/// Ids from the tip downwards: ten single steps, then doubling ones, genesis last.
pub(super) fn locator(view: &dyn ChainSource) -> Result<Vec<BlockId>, ViewError> {
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

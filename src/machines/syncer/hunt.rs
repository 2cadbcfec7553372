//! The way of headers: one peer is asked, and another one when it keeps this node waiting; the first useful answer leads.
//!
//! Decides whom to ask for headers, when to give a peer up, and whether what came is a chain worth fetching. Headers of
//! a peer that fails are kept for the next one, as long as anybody claims more work than this node has.

use ledger::{BlockId, ChainSource, Header, Tip, ViewError};

use super::headers::{HeaderRun, Rules};
use super::rate::Rate;
use super::{Ask, Effect, HEADERS_PER_ANSWER, PATIENCE_MS, Syncer, Work};
use crate::peer::Offence;
use crate::{Now, PeerId};

/// Headers that are held before their bodies are fetched: 32 bytes each. Whoever shows less work than ours in so many
/// is given up, and with each failure it may show twice as many,
pub(super) const MAX_RUN: usize = 20_000;
/// up to this: a branch from far below our tip needs many headers to show more work.
const MAX_BRANCH: usize = 1_000_000;
/// A header question waits this long, 274 KB over a line that loses every twentieth packet; twice and four times as
/// long where a peer failed lately, for it may only be slow.
pub(super) const HEADERS_MS: u64 = 15_000;
/// One peer's headers may take this long altogether,
const LEAD_MS: u64 = 30_000;
/// and this much longer for each header that it delivered.
const LEAD_PER_HEADER_MS: u64 = 1;

/// A question for headers that is open.
#[derive(Debug, Clone, Copy)]
struct Question {
    ask: Ask,
    peer: PeerId,
    at: u64,
    /// What it claimed when it was asked: an honest chain never loses work.
    claimed: Tip,
}

/// An answer to it that breaks no rule.
struct Answer {
    peer: PeerId,
    claimed: Tip,
    /// There may be more.
    full: bool,
    /// Headers of the run before it.
    before: usize,
    /// All headers that are worth holding, with those of this answer; none if there are none.
    run: Option<HeaderRun>,
}

/// Looking for headers of more work than ours.
#[derive(Debug)]
pub(super) struct Hunt {
    open: Vec<Question>,
    run: Option<HeaderRun>,
    /// Who answered last, since when it leads, and how many headers it delivered.
    leader: Option<(PeerId, u64, usize)>,
    /// Headers a second.
    pub rate: Rate,
}

impl Hunt {
    pub fn asked(&self) -> impl Iterator<Item = &PeerId> {
        self.open.iter().map(|question| &question.peer)
    }

    pub fn question_to(&self, peer: &PeerId) -> Option<Ask> {
        self.open.iter().find(|question| question.peer == *peer).map(|question| question.ask)
    }

    /// Headers so far.
    pub fn got(&self) -> usize {
        self.run.as_ref().map_or(0, |run| run.ids.len())
    }

    /// Height of the last header.
    pub fn height(&self) -> u64 {
        self.run.as_ref().map_or(0, HeaderRun::last_height)
    }

    fn take(&mut self, ask: Ask) -> Option<Question> {
        let at = self.open.iter().position(|question| question.ask == ask)?;
        Some(self.open.remove(at))
    }
}

impl Syncer {
    /// Begins to look for headers if somebody that may be asked has more work.
    pub(super) fn begin_headers(&mut self, mono: u64) {
        if !self.peers.anybody_ahead_of(self.tip.work) {
            self.kept = None;
            self.blocks = Rate::default();
        }
        if !self.peers.ahead_of(self.tip.work, mono).is_empty() {
            self.comparing = None;
            let (run, rate) = (self.kept.take(), Rate::start(mono));
            self.work = Work::Headers(Box::new(Hunt { open: Vec::new(), run, leader: None, rate }));
        }
    }

    /// Asks whom it is time to ask: the leader, or the best; and as many more as are asked already each time when none
    /// of them answers. So a few silent peers cost a few seconds, and five peers of one tip one question.
    pub(super) fn ask_headers(
        &mut self,
        mono: u64,
        view: &dyn ChainSource,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ViewError> {
        let able = self.peers.ahead_of(self.tip.work, mono);
        let Work::Headers(hunt) = &mut self.work else { return Ok(()) };
        let patient = hunt.open.iter().any(|question| question.at.saturating_add(PATIENCE_MS) > mono);
        if patient {
            return Ok(());
        }
        let leader = hunt.leader.map(|(peer, ..)| peer).filter(|peer| able.contains(peer));
        let mut next: Vec<_> = leader.into_iter().chain(able).filter(|peer| !hunt.asked().any(|p| p == peer)).collect();
        next.truncate(hunt.open.len().max(1));
        if next.is_empty() {
            if hunt.open.is_empty() {
                self.kept = hunt.run.take();
                self.work = Work::Idle;
            }
            return Ok(());
        }
        let end = hunt.run.as_ref().map(HeaderRun::last_id);
        for peer in next {
            let ask = self.new_ask();
            let Some(claimed) = self.peers.tip(&peer) else { continue };
            let Work::Headers(hunt) = &mut self.work else { return Ok(()) };
            hunt.open.push(Question { ask, peer, at: mono, claimed });
            // Who does not have the end of the run, because it follows another branch, starts where it left ours.
            let locator = end.into_iter().chain(locator(view)?).collect();
            effects.push(Effect::AskHeaders { ask, peer, locator });
        }
        Ok(())
    }

    pub(super) fn headers(
        &mut self,
        now: Now,
        ask: Ask,
        headers: &[Header],
        view: &dyn ChainSource,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ViewError> {
        let mono = now.mono;
        let Work::Headers(hunt) = &mut self.work else { return Ok(()) };
        let Some(Question { peer, claimed, .. }) = hunt.take(ask) else { return Ok(()) };
        if headers.len() > HEADERS_PER_ANSWER {
            effects.push(Effect::Misbehaved {
                peer,
                offence: Offence::BreaksARule,
                why: "sent more headers than an answer may have".into(),
            });
            self.give_up(peer, mono);
            return Ok(());
        }
        let follows = hunt.run.as_ref().is_some_and(|run| run.is_followed_by(headers));
        let led = hunt.leader.is_some_and(|(leader, ..)| leader == peer);
        if led && !follows {
            // It moved to another branch; if it always does, it leads nowhere.
            self.give_up(peer, mono);
            return Ok(());
        }
        let before = if follows { hunt.got() } else { 0 };
        let rules = Rules { network: &self.network, unix: now.unix, invalid: &self.invalid, view };
        let mut run = if follows { hunt.run.take() } else { None };
        let checked = match &mut run {
            None if headers.is_empty() => Ok(()),
            None => match HeaderRun::start(headers, view)? {
                Ok(new) => run.insert(new).extend(headers, &rules)?,
                Err(error) => Err(error),
            },
            Some(run) => run.extend(headers, &rules)?,
        };
        if let Err(error) = checked {
            // What came before the error is as good as it was.
            hunt.run = hunt.run.take().or(run);
            effects.push(Effect::Misbehaved { peer, offence: Offence::BreaksARule, why: error.to_string() });
            self.give_up(peer, mono);
            return Ok(());
        }
        let full = headers.len() >= HEADERS_PER_ANSWER;
        self.judge(now, Answer { peer, claimed, full, before, run }, view.tip()?, effects);
        Ok(())
    }

    /// What to do with an answer that breaks no rule, while our chain ends in `ours`.
    fn judge(&mut self, now: Now, answer: Answer, ours: Tip, effects: &mut Vec<Effect>) {
        let (mono, Answer { peer, claimed, full, before, run }) = (now.mono, answer);
        let grown = run.as_ref().map_or(0, |run| run.ids.len()).saturating_sub(before);
        let early = run.as_ref().is_some_and(|run| run.early);
        if early {
            // Nobody's fault: it may be our clock. When it tells its tip again, the rest is looked at again.
            let end = run.as_ref().map_or(ours, |run| Tip {
                id: run.last_id(),
                height: run.last_height(),
                work: run.work,
                time: claimed.time,
            });
            self.peers.correct(&peer, end);
        } else if !full {
            let delivered = run.as_ref().map_or(ours.work, |run| run.work);
            if delivered < claimed.work {
                effects.push(Effect::Misbehaved {
                    peer,
                    offence: Offence::BreaksARule,
                    why: "claims more work than it delivers".into(),
                });
                self.peers.blame(peer, mono);
                self.peers.correct(&peer, ours);
            } else if delivered > ours.work && run.as_ref().is_none_or(|run| run.ids.is_empty()) {
                // All of it is stored, and yet it is not our chain: to ask again at once would lead here again.
                self.peers.blame(peer, mono);
            }
        }
        let more = full && !early;
        let limit = MAX_RUN.saturating_mul(1 << self.peers.failures(&peer, mono).min(6)).min(MAX_BRANCH);
        match run {
            Some(run) if run.work > ours.work && !run.ids.is_empty() && (!more || run.ids.len() >= MAX_RUN) => {
                self.pause.header(mono);
                self.outrun(peer, mono);
                self.begin_bodies(run, peer, more, mono);
            }
            Some(run) if more && run.seen < limit => {
                if grown > 0 {
                    self.pause.header(mono);
                }
                self.outrun(peer, mono);
                let Work::Headers(hunt) = &mut self.work else { return };
                hunt.rate.add(grown as u64, mono);
                let (since, got) = match hunt.leader {
                    Some((leader, since, got)) if leader == peer => (since, got),
                    _ => (mono, 0),
                };
                hunt.leader = Some((peer, since, got + grown));
                hunt.run = Some(run);
                self.lead_is_in_time(mono);
            }
            // So many headers, and less work than ours.
            Some(_) if more => self.give_up(peer, mono),
            // Nothing more than we have. Others may have, or continue what was there before.
            run => {
                let Work::Headers(hunt) = &mut self.work else { return };
                hunt.run = hunt.run.take().or(run.filter(|_| before > 0));
            }
        }
    }

    /// Whoever was asked long before the one that answered loses: it is not asked for a while.
    fn outrun(&mut self, winner: PeerId, mono: u64) {
        let Work::Headers(hunt) = &mut self.work else { return };
        for lost in std::mem::take(&mut hunt.open) {
            if lost.peer != winner && lost.at.saturating_add(PATIENCE_MS) <= mono {
                self.peers.blame(lost.peer, mono);
            }
        }
    }

    /// A peer that delivers headers too slowly leads no longer; another one goes on where it came to.
    fn lead_is_in_time(&mut self, mono: u64) {
        let Work::Headers(hunt) = &mut self.work else { return };
        let Some((leader, since, got)) = hunt.leader else { return };
        let allowed = LEAD_MS.saturating_add(LEAD_PER_HEADER_MS.saturating_mul(got as u64));
        if since.saturating_add(allowed) <= mono {
            hunt.leader = None;
            hunt.open.retain(|question| question.peer != leader);
            self.peers.blame(leader, mono);
        }
    }

    pub(super) fn headers_failed(&mut self, mono: u64, ask: Ask) {
        let Work::Headers(hunt) = &mut self.work else { return };
        let Some(question) = hunt.take(ask) else { return };
        self.peers.blame(question.peer, mono);
    }

    pub(super) fn headers_tick(&mut self, mono: u64) {
        let Work::Headers(hunt) = &self.work else { return };
        let deadline = |peer: &PeerId| HEADERS_MS << self.peers.failures(peer, mono).min(2);
        let late = hunt.open.iter().filter(|question| question.at.saturating_add(deadline(&question.peer)) <= mono);
        for ask in late.map(|question| question.ask).collect::<Vec<_>>() {
            self.headers_failed(mono, ask);
        }
        self.lead_is_in_time(mono);
    }

    /// This peer leads nowhere.
    fn give_up(&mut self, peer: PeerId, mono: u64) {
        self.peers.blame(peer, mono);
        let Work::Headers(hunt) = &mut self.work else { return };
        hunt.leader = hunt.leader.filter(|(leader, ..)| *leader != peer);
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

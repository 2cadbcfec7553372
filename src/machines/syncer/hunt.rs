//! The way of headers: one peer is asked, and others when it keeps this node waiting; the first useful answer leads.
//!
//! Decides whom to ask for headers, when to give a peer up, and whether what came is a chain worth fetching. Whatever
//! comes, also too late to lead, is looked at and used if it shows more work than what is held. Headers of a peer that
//! fails are kept for the next one, as long as anybody claims more work than this node has.

use ledger::{BlockId, ChainSource, Header, Tip, ViewError};

use super::headers::{HeaderRun, HeadersError, Rules};
use super::questions::Question;
use super::rate::Rate;
use super::{Ask, Effect, Syncer, Work};
use crate::peer::Offence;
use crate::{Now, PeerId};

/// Headers that are held before their bodies are fetched: 32 bytes each. Whoever shows less work than ours in so many
/// is given up, and with each failure it may show twice as many,
pub(super) const MAX_RUN: usize = 20_000;
/// up to this: a branch from far below our tip needs many headers to show more work.
const MAX_BRANCH: usize = 1_000_000;
/// A header question waits this long; twice and four times as long where a peer failed lately, for it may only be slow.
pub(super) const HEADERS_MS: u64 = 15_000;
/// One peer's headers may take this long altogether,
const LEAD_MS: u64 = 30_000;
/// and this much longer for each header that it delivered.
const LEAD_PER_HEADER_MS: u64 = 1;

/// Where the headers of an answer belong.
enum Place<'a> {
    /// At the end of this run: these of them.
    After(Box<HeaderRun>, &'a [Header]),
    /// There are none.
    Nothing,
    /// They continue what is held no longer, so nobody can tell what they are worth.
    Unknown,
    /// They follow nothing that they were asked for.
    Nowhere(HeadersError),
}

/// An answer that breaks no rule.
struct Answer {
    peer: PeerId,
    claimed: Tip,
    /// There may be more.
    full: bool,
    /// Headers that were held before it.
    before: usize,
    /// What it shows, with the run that it continues; none if it shows nothing.
    run: Option<HeaderRun>,
}

/// Looking for headers of more work than ours.
#[derive(Debug)]
pub(super) struct Hunt {
    /// Questions since headers came last.
    round: Vec<Ask>,
    run: Option<HeaderRun>,
    /// Who answered last, since when it leads, and how many headers it delivered.
    leader: Option<(PeerId, u64, usize)>,
    /// Headers a second.
    pub rate: Rate,
}

impl Hunt {
    /// Headers so far.
    pub fn got(&self) -> usize {
        self.run.as_ref().map_or(0, |run| run.ids.len())
    }

    /// Height of the last header.
    pub fn height(&self) -> u64 {
        self.run.as_ref().map_or(0, HeaderRun::last_height)
    }
}

impl Syncer {
    /// Begins to look for headers if somebody that may be asked has more work.
    pub(super) fn begin_headers(&mut self, mono: u64, view: &dyn ChainSource) -> Result<(), ViewError> {
        if !self.peers.anybody_ahead_of(self.tip.work) {
            self.kept = None;
            self.blocks = Rate::default();
        }
        if !self.peers.ahead_of(self.tip.work, mono).is_empty() {
            self.comparing = None;
            let mut run = self.kept.take();
            if let Some(kept) = &mut run {
                kept.forget_stored(view)?;
                if kept.ids.is_empty() || !kept.has_base(view)? {
                    run = None;
                }
            }
            self.work = Work::Headers(Box::new(Hunt { round: Vec::new(), run, leader: None, rate: Rate::start(mono) }));
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
                self.kept = hunt.run.take();
                self.work = Work::Idle;
            }
            return Ok(());
        }
        let after = hunt.run.as_ref().map(HeaderRun::last_id);
        for peer in next {
            let ask = self.new_ask();
            let (Some(claimed), limit) = (self.peers.tip(&peer), self.peers.header_limit(&peer)) else { continue };
            let Work::Headers(hunt) = &mut self.work else { return Ok(()) };
            hunt.round.push(ask);
            self.questions.add(Question { ask, peer, at: mono, limit, after, claimed });
            // Who does not have the end of the run, because it follows another branch, starts where it left ours.
            let locator = after.into_iter().chain(locator(view)?).collect();
            effects.push(Effect::AskHeaders { ask, peer, locator, limit: u16::try_from(limit).unwrap_or(u16::MAX) });
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
        let Some(question) = self.questions.take(ask) else { return Ok(()) };
        let Question { peer, limit, .. } = question;
        if headers.len() > limit {
            effects.push(Effect::Misbehaved {
                peer,
                offence: Offence::BreaksARule,
                why: "sent more headers than it was asked for".into(),
            });
            self.give_up(peer, mono);
            return Ok(());
        }
        let full = headers.len() == limit;
        if full {
            self.peers.gave_headers(&peer, limit, mono.saturating_sub(question.at));
        }
        let before = self.held().as_ref().map_or(0, |run| run.ids.len());
        let place = self.place(&question, headers, view)?;
        let rules = Rules { network: &self.network, unix: now.unix, invalid: &self.invalid, view };
        let mut run = None;
        let checked = match place {
            // Nothing new, and perhaps more to come.
            Place::After(_, rest) if rest.is_empty() && full => return Ok(()),
            Place::After(begun, rest) => run.insert(*begun).extend(rest, &rules)?,
            Place::Nothing => Ok(()),
            Place::Unknown => return Ok(()),
            Place::Nowhere(error) => Err(error),
        };
        if let Err(error) = checked {
            effects.push(Effect::Misbehaved { peer, offence: Offence::BreaksARule, why: error.to_string() });
            // What came before the error is as good as it was.
            run.into_iter().for_each(|run| self.hold(run));
            self.give_up(peer, mono);
            return Ok(());
        }
        self.judge(now, Answer { peer, claimed: question.claimed, full, before, run }, view.tip()?, effects);
        Ok(())
    }

    /// Where the headers of an answer belong: after what is held, after what is being fetched, or on our chain.
    fn place<'a>(
        &mut self,
        question: &Question,
        headers: &'a [Header],
        view: &dyn ChainSource,
    ) -> Result<Place<'a>, ViewError> {
        let after = |run: &HeaderRun| Some(Place::After(Box::new(run.clone()), run.rest_of(headers, question.after)?));
        let fetched = match &self.work {
            Work::Blocks(run) => after(&run.end),
            Work::Idle | Work::Headers(_) => None,
        };
        if let Some(place) = self.held().as_ref().and_then(after).or(fetched) {
            return Ok(place);
        }
        Ok(match headers.first() {
            None if question.after.is_some() => Place::Unknown,
            None => Place::Nothing,
            Some(first) => match HeaderRun::start(headers, view)? {
                Ok(run) => Place::After(Box::new(run), headers),
                Err(_) if question.after == Some(first.previous) => Place::Unknown,
                Err(error) => Place::Nowhere(error),
            },
        })
    }

    /// What to do with an answer that breaks no rule, while our chain ends in `ours`.
    fn judge(&mut self, now: Now, answer: Answer, ours: Tip, effects: &mut Vec<Effect>) {
        let (mono, Answer { peer, claimed, full, before, run }) = (now.mono, answer);
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
            } else if delivered > ours.work
                && run.as_ref().is_none_or(|run| run.ids.is_empty())
                && !matches!(self.work, Work::Blocks(_))
            {
                // All of it is stored, and yet it is not our chain: to ask again at once would lead here again.
                self.peers.blame(peer, mono);
            }
        }
        let more = full && !early;
        let limit = MAX_RUN.saturating_mul(1 << self.peers.failures(&peer, mono).min(6)).min(MAX_BRANCH);
        let Some(run) = run else { return };
        let whole = run.work > ours.work && !run.ids.is_empty() && (!more || run.ids.len() >= MAX_RUN);
        let beaten = self.held().as_ref().is_some_and(|held| held.work > run.work);
        let led = self.leader(mono).is_some_and(|leader| leader != peer);
        match &mut self.work {
            Work::Headers(_) | Work::Idle if whole => {
                self.pause.header(mono);
                // What is held and shows more comes after it.
                self.kept = self.held().take().filter(|held| held.work > run.work);
                self.begin_bodies(run, peer, more, mono);
            }
            // So many headers, and less work than ours.
            _ if more && run.seen >= limit => {
                *self.held() = None;
                self.give_up(peer, mono);
            }
            // Another branch, or a question of long ago: whoever leads has shown more.
            Work::Headers(_) if more && beaten && led => self.give_up(peer, mono),
            Work::Headers(hunt) if more => {
                let grown = run.ids.len().saturating_sub(before);
                if grown > 0 {
                    self.pause.header(mono);
                }
                hunt.rate.add(grown as u64, mono);
                let (since, got) = match hunt.leader {
                    Some((leader, since, got)) if leader == peer => (since, got),
                    _ => (mono, 0),
                };
                hunt.leader = Some((peer, since, got + grown));
                hunt.run = Some(run);
                hunt.round.clear();
                self.lead_is_in_time(mono);
            }
            // Others may continue it.
            _ => self.hold(run),
        }
    }

    /// Who leads, unless it failed.
    fn leader(&self, mono: u64) -> Option<PeerId> {
        let Work::Headers(hunt) = &self.work else { return None };
        hunt.leader.map(|(peer, ..)| peer).filter(|peer| self.peers.is_ahead_of(self.tip.work, peer, mono))
    }

    /// The headers that are held.
    fn held(&mut self) -> &mut Option<HeaderRun> {
        match &mut self.work {
            Work::Headers(hunt) => &mut hunt.run,
            Work::Idle | Work::Blocks(_) => &mut self.kept,
        }
    }

    /// Holds these headers for whoever continues them, if they show more work than what is held or being fetched.
    fn hold(&mut self, run: HeaderRun) {
        let least = match &self.work {
            Work::Headers(_) => ledger::Work::ZERO,
            Work::Idle => self.tip.work,
            Work::Blocks(current) => current.work,
        };
        let held = self.held();
        if run.work > least && held.as_ref().is_none_or(|held| held.work < run.work) {
            *held = Some(run);
        }
    }

    /// A peer that delivers headers too slowly leads no longer; another one goes on where it came to.
    fn lead_is_in_time(&mut self, mono: u64) {
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
        for question in self.questions.iter().filter(late).copied().collect::<Vec<_>>() {
            self.questions.take(question.ask);
            self.headers_failed(mono, &question);
        }
        self.lead_is_in_time(mono);
    }

    /// This peer leads nowhere.
    fn give_up(&mut self, peer: PeerId, mono: u64) {
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

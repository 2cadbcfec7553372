//! What an answer with headers is worth: where it belongs, whether it breaks a rule, and whether it makes its peer lead.
//!
//! Whatever comes, also too late to lead, is looked at and used if it shows more work than what is held. Never asks
//! anybody anything.

use ledger::{ChainSource, Header, Tip, ViewError};

use super::headers::{HeaderRun, HeadersError, Rules};
use super::questions::Question;
use super::{Ask, Effect, Syncer, Work};
use crate::peer::Offence;
use crate::{Now, PeerId};

/// Headers that are held before their bodies are fetched: 32 bytes each. Whoever shows less work than ours in so many
/// is given up, and with each failure it may show twice as many,
pub(super) const MAX_RUN: usize = 20_000;
/// up to this: a branch from far below our tip needs many headers to show more work.
const MAX_BRANCH: usize = 1_000_000;
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
    /// Headers of one branch that were held before it.
    before: usize,
    /// What it shows, with the run that it continues; none if it shows nothing.
    run: Option<HeaderRun>,
}

impl Syncer {
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
        let before = self.held.longest();
        let place = self.place(&question, headers, view)?;
        let rules = Rules { network: &self.network, unix: now.unix, invalid: &self.invalid, view };
        let mut run = None;
        let checked = match place {
            // Nothing new, and perhaps more to come.
            Place::After(known, []) if full => {
                self.held.add(*known);
                return Ok(());
            }
            Place::After(begun, rest) => run.insert(*begun).extend(rest, &rules)?,
            Place::Nothing => Ok(()),
            Place::Unknown => return Ok(()),
            Place::Nowhere(error) => Err(error),
        };
        if let Err(error) = checked {
            effects.push(Effect::Misbehaved { peer, offence: Offence::BreaksARule, why: error.to_string() });
            // What came before the error is as good as it was.
            run.into_iter().for_each(|run| self.held.add(run));
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
        let fetched = || match &self.work {
            Work::Blocks(run) => {
                let end = run.end();
                let rest = end.rest_of(headers, &question.ends)?;
                Some((end, rest))
            }
            Work::Idle | Work::Headers(_) => None,
        };
        if let Some((run, rest)) = self.held.take_continued(question, headers).or_else(fetched) {
            return Ok(Place::After(Box::new(run), rest));
        }
        Ok(match headers.first() {
            None if !question.ends.is_empty() => Place::Unknown,
            None => Place::Nothing,
            Some(first) => match HeaderRun::start(headers, view)? {
                Ok(run) => Place::After(Box::new(run), headers),
                Err(_) if question.ends.contains(&first.previous) => Place::Unknown,
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
        let beaten = self.held.work() > run.work;
        let led = self.leader(mono).is_some_and(|leader| leader != peer);
        let grown = run.ids.len().saturating_sub(before);
        match &mut self.work {
            Work::Headers(_) | Work::Idle if whole => {
                if grown > 0 {
                    self.pause.header(mono);
                }
                // What is held and shows more comes after it.
                self.held.only_above(run.work);
                self.begin_bodies(run, peer, more, mono);
            }
            // So many headers, and less work than ours.
            _ if more && run.seen >= limit => self.give_up(peer, mono),
            // Another branch, or a question of long ago: whoever leads has shown more.
            Work::Headers(_) if more && beaten && led => {
                self.held.add(run);
                self.give_up(peer, mono);
            }
            Work::Headers(hunt) if more => {
                if grown > 0 {
                    self.pause.header(mono);
                }
                hunt.rate.add(grown as u64, mono);
                let (since, got) = match hunt.leader {
                    Some((leader, since, got)) if leader == peer => (since, got),
                    _ => (mono, 0),
                };
                hunt.leader = Some((peer, since, got + grown));
                hunt.round.clear();
                self.held.lead(run);
                self.lead_is_in_time(mono);
            }
            // Others may continue it.
            _ => self.held.add(run),
        }
    }
}

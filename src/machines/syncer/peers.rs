//! What the syncer knows of all peers: what each claims, and its [`Record`].
//!
//! Decides whom to ask first. What a peer did is remembered by its id when it goes, so that coming back does not make it
//! as good as new. Never asks anybody anything.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

use ledger::{Tip, Work};

use super::STATUS_MS;
use super::download::{START_BYTES, Source};
use super::record::{Pace, Record, START_HEADERS};
use crate::PeerId;

/// Peers that are gone and had failed, 100 bytes each: more than a node meets in the time that a penalty lasts.
pub(super) const MAX_REMEMBERED: usize = 1_000;
/// A peer that did not tell its tip for so long is gone, though nobody said so: the mail was lost.
const SILENT_MS: u64 = 12 * STATUS_MS;
/// A peer whose speed is known is asked this many questions at a time, so that its line is never idle.
pub(super) const QUESTIONS: usize = 4;
/// One question to a fast peer is to bring what it delivers in this time.
const ANSWER_MS: u64 = 1_000;

#[derive(Debug, Clone)]
struct Peer {
    tip: Tip,
    told_at: u64,
    /// None: to be asked with the next tick.
    asked_status_at: Option<u64>,
    /// It was behind this work then, and has not reached it since.
    lag: Option<(u64, Work)>,
    record: Record,
}

impl Peer {
    /// It claims more work and may be asked now.
    fn is_ahead_of(&self, work: Work, mono: u64) -> bool {
        self.tip.work > work && self.record.may_be_asked(mono)
    }
}

/// The peers that passed the handshake, and those of before that failed.
#[derive(Debug, Default)]
pub(super) struct Peers {
    known: BTreeMap<PeerId, Peer>,
    remembered: BTreeMap<PeerId, Record>,
    /// Who is remembered, the oldest first.
    order: VecDeque<PeerId>,
}

impl Peers {
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    pub fn tip(&self, peer: &PeerId) -> Option<Tip> {
        self.known.get(peer).map(|peer| peer.tip)
    }

    /// A peer tells the end of its chain.
    pub fn told(&mut self, peer: PeerId, tip: Tip, mono: u64) {
        if let Some(known) = self.known.get_mut(&peer) {
            (known.tip, known.told_at) = (tip, mono);
            return;
        }
        let record = self.remembered.remove(&peer).unwrap_or_default();
        self.order.retain(|other| *other != peer);
        self.known.insert(peer, Peer { tip, told_at: mono, asked_status_at: Some(mono), lag: None, record });
    }

    /// What a peer claimed is not so, or not yet: until it tells its tip again, this is its tip.
    pub fn correct(&mut self, peer: &PeerId, tip: Tip) {
        if let Some(peer) = self.known.get_mut(peer) {
            peer.tip = tip;
        }
    }

    pub fn gone(&mut self, peer: &PeerId) {
        if let Some(gone) = self.known.remove(peer)
            && gone.record.has_failed()
        {
            self.remember(*peer, gone.record);
        }
    }

    /// Forgets peers that are gone although nobody said so.
    pub fn expire(&mut self, mono: u64) -> Vec<PeerId> {
        let silent = |peer: &Peer| peer.told_at.saturating_add(SILENT_MS) <= mono;
        let gone: Vec<_> = self.known.iter().filter(|(_, peer)| silent(peer)).map(|(id, _)| *id).collect();
        gone.iter().for_each(|peer| self.gone(peer));
        gone
    }

    /// It failed: not asked for a while, longer with each failure in a row. Counts also when it is gone.
    pub fn blame(&mut self, peer: PeerId, mono: u64) {
        if let Some(known) = self.known.get_mut(&peer) {
            return known.record.strike(mono);
        }
        let mut record = self.remembered.get(&peer).copied().unwrap_or_default();
        record.strike(mono);
        self.remember(peer, record);
    }

    /// It delivered bodies that were asked for at `asked_at`; `raced` tells that another one was asked for them too.
    pub fn delivered(&mut self, peer: PeerId, bytes: usize, asked_at: u64, raced: bool, mono: u64) {
        let fastest = self.known.values().map(|peer| peer.record.speed()).max().unwrap_or(0);
        let Some(known) = self.known.get_mut(&peer) else { return };
        known.record.delivered(bytes, asked_at, raced, fastest, mono);
    }

    /// What is to be expected of it.
    pub fn pace(&self, peer: &PeerId, mono: u64) -> Pace {
        self.known.get(peer).map_or(Pace::default(), |peer| peer.record.pace(mono))
    }

    /// Another one is asked for headers too when they do not come within this time.
    pub fn header_patience(&self, peer: &PeerId, mono: u64) -> u64 {
        self.known.get(peer).map_or(0, |peer| peer.record.header_patience(mono))
    }

    /// How many headers to ask of it.
    pub fn header_limit(&self, peer: &PeerId) -> usize {
        self.known.get(peer).map_or(START_HEADERS, |peer| peer.record.header_limit())
    }

    /// It gave all `limit` headers that it was asked for after so long, which tells what its line carries.
    pub fn gave_headers(&mut self, peer: &PeerId, limit: usize, ms: u64) {
        if let Some(peer) = self.known.get_mut(peer) {
            peer.record.gave_headers(limit, ms);
        }
    }

    /// It did not give the headers that it was asked for: perhaps they were too many for its line.
    pub fn gave_no_headers(&mut self, peer: &PeerId, limit: usize) {
        if let Some(peer) = self.known.get_mut(peer) {
            peer.record.gave_no_headers(limit);
        }
    }

    /// A question to it is given up after `base`, or longer where it has delivered before and fails now.
    pub fn deadline(&self, peer: &PeerId, base: u64, mono: u64) -> u64 {
        self.known.get(peer).map_or(0, |peer| peer.record.deadline(base, mono))
    }

    pub fn failures(&self, peer: &PeerId, mono: u64) -> u32 {
        self.known.get(peer).map_or(0, |peer| peer.record.failures(mono))
    }

    /// Whoever claims more work than `work` and may be asked now: the one that failed least first, then
    /// whoever is known to deliver, then the most work.
    pub fn ahead_of(&self, work: Work, mono: u64) -> Vec<PeerId> {
        let mut able: Vec<_> = self.known.iter().filter(|(_, peer)| peer.is_ahead_of(work, mono)).collect();
        able.sort_by_key(|(_, peer)| {
            (peer.record.failures(mono), !peer.record.pace(mono).is_proven(), Reverse(peer.tip.work))
        });
        able.into_iter().map(|(id, _)| *id).collect()
    }

    /// Whether this one does.
    pub fn is_ahead_of(&self, work: Work, peer: &PeerId, mono: u64) -> bool {
        self.known.get(peer).is_some_and(|peer| peer.is_ahead_of(work, mono))
    }

    /// Whether anybody claims more work than `work`, though it may not be asked just now.
    pub fn anybody_ahead_of(&self, work: Work) -> bool {
        self.known.values().any(|peer| peer.tip.work > work)
    }

    /// Who can be asked for bodies above a chain with `work`, and for how many: the fastest first.
    pub fn sources(&self, work: Work, mono: u64) -> Vec<Source> {
        let mut able: Vec<_> = self.known.iter().filter(|(_, peer)| peer.is_ahead_of(work, mono)).collect();
        able.sort_by_key(|(_, peer)| (Reverse(peer.record.pace(mono).speed()), peer.record.failures(mono)));
        let source = |(id, peer): (&PeerId, &Peer)| {
            let pace = peer.record.pace(mono);
            let (questions, bytes) = if pace.is_proven() {
                (QUESTIONS, usize::try_from(pace.speed() * ANSWER_MS / 1_000).unwrap_or(usize::MAX))
            } else {
                // One chance, with little at stake.
                (1, START_BYTES >> peer.record.failures(mono).min(16))
            };
            Source { peer: *id, height: peer.tip.height, questions, bytes, pace }
        };
        able.into_iter().map(source).collect()
    }

    /// Peers to be asked for their tip now.
    pub fn due_for_status(&mut self, mono: u64) -> Vec<PeerId> {
        let due = |peer: &Peer| peer.asked_status_at.is_none_or(|at| at.saturating_add(STATUS_MS) <= mono);
        let due = self.known.iter_mut().filter(|(_, peer)| due(peer));
        due.map(|(id, peer)| {
            peer.asked_status_at = Some(mono);
            *id
        })
        .collect()
    }

    /// Whether to ask this peer for its tip at once: a second question while one is open would tell nothing more. A
    /// peer that is not known is asked: the news of it was lost.
    pub fn ask_status(&mut self, peer: &PeerId, mono: u64) -> bool {
        let Some(known) = self.known.get_mut(peer) else { return true };
        let ask = known.asked_status_at.is_none_or(|at| at.saturating_add(500) <= mono);
        if ask {
            known.asked_status_at = Some(mono);
        }
        ask
    }

    /// With the next tick this peer is asked for its tip.
    pub fn status_is_due(&mut self, peer: &PeerId) {
        if let Some(peer) = self.known.get_mut(peer) {
            peer.asked_status_at = None;
        }
    }

    /// Peers that did not reach within `limit` what was the end of this node's chain; told once in that time.
    pub fn lagging(&mut self, ours: Work, limit: u64, mono: u64) -> Vec<PeerId> {
        let mut lagging = Vec::new();
        for (id, peer) in &mut self.known {
            peer.lag = match peer.lag {
                Some((since, mark)) if peer.tip.work < mark => {
                    if since.saturating_add(limit) <= mono {
                        lagging.push(*id);
                        Some((mono, mark))
                    } else {
                        Some((since, mark))
                    }
                }
                _ => (peer.tip.work < ours).then_some((mono, ours)),
            };
        }
        lagging
    }

    fn remember(&mut self, peer: PeerId, record: Record) {
        if self.remembered.insert(peer, record).is_none() {
            self.order.push_back(peer);
        }
        if self.order.len() > MAX_REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.remembered.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::FORGIVE_MS;
    use super::*;
    use crate::fixture::{Branch, network};

    fn peer(n: u32) -> PeerId {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&n.to_le_bytes());
        PeerId(id)
    }

    #[test]
    fn what_is_remembered_of_peers_that_are_gone_is_bounded() {
        let mut peers = Peers::default();
        for n in 0..3 * MAX_REMEMBERED as u32 {
            peers.blame(peer(n), 0);
            peers.blame(peer(n), 2_000);
        }
        assert_eq!((peers.remembered.len(), peers.order.len()), (MAX_REMEMBERED, MAX_REMEMBERED));
        let last = peer(3 * MAX_REMEMBERED as u32 - 1);
        let tip = Branch::grown(&network(), 5, 1).tip();
        peers.told(last, tip, 0);
        assert_eq!((peers.failures(&last, 2_000), peers.order.len()), (2, MAX_REMEMBERED - 1));
    }

    #[test]
    fn who_fails_is_left_alone_for_twice_as_long_each_time_and_old_failures_are_forgotten() {
        let mut peers = Peers::default();
        peers.told(peer(1), Branch::grown(&network(), 5, 1).tip(), 0);
        let mut mono = 0;
        for seconds in [2, 4, 8, 16, 32, 64, 64, 64] {
            peers.blame(peer(1), mono);
            // Of several questions that were open all fail.
            peers.blame(peer(1), mono);
            mono += seconds * 1_000;
            assert_eq!(peers.ahead_of(Work::ZERO, mono - 1), []);
            assert_eq!(peers.ahead_of(Work::ZERO, mono), [peer(1)]);
        }
        assert_eq!((peers.failures(&peer(1), mono), peers.failures(&peer(1), mono + FORGIVE_MS)), (8, 0));
    }

    #[test]
    fn a_peer_that_takes_long_for_little_is_left_alone_when_others_are_fast() {
        let mut peers = Peers::default();
        let tip = Branch::grown(&network(), 5, 1).tip();
        for n in 1..=3 {
            peers.told(peer(n), tip, 0);
        }
        peers.delivered(peer(1), 200, 0, false, 5_000);
        assert_eq!(peers.sources(Work::ZERO, 5_000).len(), 3, "nobody is known to be faster");
        peers.delivered(peer(2), 1_000_000, 4_000, false, 5_000);
        peers.delivered(peer(3), 200, 4_900, false, 5_000);
        assert_eq!(peers.sources(Work::ZERO, 5_000).len(), 3, "a short answer says little about a speed");
        peers.delivered(peer(1), 200, 5_000, false, 10_000);
        let order: Vec<_> = peers.sources(Work::ZERO, 10_000).iter().map(|source| source.peer).collect();
        assert_eq!(order, [peer(2), peer(3)]);
    }

    #[test]
    fn who_never_delivered_or_failed_or_is_far_slower_keeps_others_waiting_for_half_a_second_only() {
        let mut peers = Peers::default();
        let tip = Branch::grown(&network(), 5, 1).tip();
        for n in 1..=4 {
            peers.told(peer(n), tip, 0);
        }
        peers.delivered(peer(1), 100_000, 0, false, 1_000);
        peers.delivered(peer(2), 12_000, 0, false, 1_000);
        peers.delivered(peer(3), 13_000, 0, false, 1_000);
        let patience = |peers: &Peers, n, other| peers.pace(&peer(n), 1_000).patience(peers.pace(&peer(other), 1_000));
        let of_all = |peers: &Peers| [2, 3, 4].map(|n| patience(peers, n, 1));
        assert_eq!(of_all(&peers), [500, 2_000, 500]);
        assert_eq!(patience(&peers, 4, 4), 2_000, "of two strangers none is better");
        peers.blame(peer(3), 1_000);
        assert_eq!(of_all(&peers), [500, 500, 500]);
        assert_eq!([1, 3, 4].map(|n| peers.header_patience(&peer(n), 1_000)), [5_000, 500, 500]);
    }

    #[test]
    fn a_question_for_headers_is_as_long_as_its_line_carries_in_three_seconds() {
        let mut peers = Peers::default();
        peers.told(peer(1), Branch::grown(&network(), 5, 1).tip(), 0);
        let mut gave = |ms| {
            let limit = peers.header_limit(&peer(1));
            peers.gave_headers(&peer(1), limit, ms);
            peers.header_limit(&peer(1))
        };
        assert_eq!(
            [100, 100, 6_000, 3_000, 1_500, 60_000, 400_000].map(&mut gave),
            [2_000, 2_000, 1_000, 1_000, 2_000, 100, 16]
        );
        assert_eq!(gave(0), 160, "ten times as many at most");
        let lost = [(); 4].map(|()| {
            let limit = peers.header_limit(&peer(1));
            peers.gave_no_headers(&peer(1), limit);
            peers.header_limit(&peer(1))
        });
        assert_eq!(lost, [40, 16, 16, 16]);
    }

    #[test]
    fn whoever_answers_late_but_first_gets_twice_the_patience() {
        let mut peers = Peers::default();
        peers.told(peer(1), Branch::grown(&network(), 5, 1).tip(), 0);
        for patience in [2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 64_000] {
            let pace = peers.pace(&peer(1), 0);
            assert_eq!(pace.patience(pace), patience);
            peers.delivered(peer(1), 1_000_000, 0, true, 5_000);
        }
        peers.blame(peer(1), 0);
        let pace = peers.pace(&peer(1), 0);
        assert_eq!(pace.patience(pace), 2_000, "and none of it when it fails");
    }
}

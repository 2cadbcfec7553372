//! What the syncer knows of each peer: what it claims, how fast it delivers, and how often it failed.
//!
//! Decides whom to ask first and who is left alone for a while. What a peer did is remembered by its id when it goes,
//! so that coming back does not make it as good as new. Never asks anybody anything.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

use ledger::{Tip, Work};

use super::download::{START_BYTES, Source};
use super::{HEADERS_PER_ANSWER, STATUS_MS};
use crate::PeerId;

/// How long one peer may keep another one waiting that is about as fast,
pub(super) const PATIENCE_MS: u64 = 2_000;
/// and one that is so many times faster, or that nobody ever got anything of: the other is asked too, and the answer that
/// comes first counts.
pub(super) const SHORT_PATIENCE_MS: u64 = 500;
const FASTER: u64 = 8;
/// A peer that failed is not asked for this long, doubled with each failure, up to 64 s.
pub(super) const PENALTY_MS: u64 = 2_000;
/// Doublings of what grows with each failure: from 2 s to 64 s.
const MAX_DOUBLINGS: u32 = 5;
/// Failures of so long ago say nothing about a peer any more.
const FORGIVE_MS: u64 = 600_000;
/// Peers that are gone and had failed, 100 bytes each: more than a node meets in the time that a penalty lasts.
pub(super) const MAX_REMEMBERED: usize = 1_000;
/// A peer that did not tell its tip for so long is gone, though nobody said so: the mail was lost.
const SILENT_MS: u64 = 12 * STATUS_MS;
/// A peer whose speed is known is asked this many questions at a time, so that its line is never idle.
pub(super) const QUESTIONS: usize = 4;
/// One question to a fast peer is to bring what it delivers in this time.
const ANSWER_MS: u64 = 1_000;
/// Headers in the first question to a peer: 27 KB, which a line of 2 KB/s carries in time.
pub(super) const START_HEADERS: usize = 200;
/// One question for headers is to bring what its line carries in this time,
const HEADERS_ANSWER_MS: u64 = 3_000;
/// whoever gave some has so long for the next,
const HEADERS_PATIENCE_MS: u64 = 5_000;
/// and is never asked for fewer than so many: two packets.
const FEWEST_HEADERS: usize = 16;
/// One answer makes the next question so many times longer at most: it may have been luck.
const MAX_GROWTH: usize = 10;
/// Whoever took its time and was so many times slower than the fastest is not asked for a while.
const TOO_SLOW: u64 = 32;

/// What is known of a peer, whether it is connected or not.
#[derive(Debug, Clone, Copy, Default)]
struct Record {
    failures: u32,
    not_before: u64,
    /// Bytes of bodies a second, of late. 0: it never delivered any.
    speed: u64,
    delivered_at: u64,
    /// Doublings of the patience with it: it was late, but sooner than the one who was asked in its place.
    late: u32,
    /// Headers that its line carries in one answer. None: that is not known.
    headers: Option<usize>,
}

/// What is to be expected of a peer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pace {
    /// Bytes of bodies a second; 0 as long as it has not shown, or not since it failed, that it delivers any.
    speed: u64,
    late: u32,
}

impl Pace {
    /// Whether it has delivered, and not failed since.
    pub fn is_proven(&self) -> bool {
        self.speed > 0
    }

    /// How long it may keep `other` waiting before that one is asked too.
    pub fn patience(&self, other: Self) -> u64 {
        let short = other.speed > self.speed.saturating_mul(FASTER);
        (if short { SHORT_PATIENCE_MS } else { PATIENCE_MS }) << self.late.min(MAX_DOUBLINGS)
    }
}

impl Record {
    fn failures(&self, mono: u64) -> u32 {
        if self.not_before.saturating_add(FORGIVE_MS) <= mono { 0 } else { self.failures }
    }

    fn strike(&mut self, mono: u64) {
        self.failures = self.failures(mono);
        self.not_before = mono.saturating_add(PENALTY_MS << self.failures.min(MAX_DOUBLINGS));
        self.failures = self.failures.saturating_add(1);
        self.late = 0;
    }

    fn pace(&self, mono: u64) -> Pace {
        Pace { speed: if self.failures(mono) == 0 { self.speed } else { 0 }, late: self.late }
    }
}

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
        self.tip.work > work && self.record.not_before <= mono
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
            && gone.record.failures > 0
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

    /// It delivered bodies that were asked for at `asked_at`, which makes up for a failure; headers alone do not.
    /// `raced` tells that another one was asked for them too.
    pub fn delivered(&mut self, peer: PeerId, bytes: usize, asked_at: u64, raced: bool, mono: u64) {
        let fastest = self.known.values().map(|peer| peer.record.speed).max().unwrap_or(0);
        let Some(known) = self.known.get_mut(&peer) else { return };
        let record = &mut known.record;
        // With several questions open, this answer could not begin before the last one ended.
        let ms = mono.saturating_sub(asked_at.max(record.delivered_at)).max(1);
        let speed = (bytes as u64).saturating_mul(1_000) / ms;
        record.speed = if record.speed == 0 { speed } else { (record.speed + speed) / 2 }.max(1);
        record.delivered_at = mono;
        if ms >= PATIENCE_MS && speed < fastest / TOO_SLOW {
            record.strike(mono);
            return;
        }
        record.failures = record.failures.saturating_sub(1);
        if raced {
            // This node was impatient: its own line may be slow.
            record.late = (record.late + 1).min(MAX_DOUBLINGS);
        }
    }

    /// What is to be expected of it.
    pub fn pace(&self, peer: &PeerId, mono: u64) -> Pace {
        self.known.get(peer).map_or(Pace::default(), |peer| peer.record.pace(mono))
    }

    /// Another one is asked for headers too when they do not come within this time. Whoever is not known to deliver
    /// gets little: what it may cost does not grow with the length of the chain, nor much with the number of its kind.
    pub fn header_patience(&self, peer: &PeerId, mono: u64) -> u64 {
        let Some(peer) = self.known.get(peer) else { return 0 };
        let good = peer.record.failures(mono) == 0 && (peer.record.speed > 0 || peer.record.headers.is_some());
        if good { HEADERS_PATIENCE_MS } else { SHORT_PATIENCE_MS }
    }

    /// How many headers to ask of it.
    pub fn header_limit(&self, peer: &PeerId) -> usize {
        self.known.get(peer).and_then(|peer| peer.record.headers).unwrap_or(START_HEADERS)
    }

    /// It gave all `limit` headers that it was asked for after so long, which tells what its line carries.
    pub fn gave_headers(&mut self, peer: &PeerId, limit: usize, ms: u64) {
        let Some(peer) = self.known.get_mut(peer) else { return };
        let carried = limit as u64 * HEADERS_ANSWER_MS / ms.max(1);
        let most = HEADERS_PER_ANSWER.min(limit * MAX_GROWTH);
        peer.record.headers = Some(usize::try_from(carried).unwrap_or(most).clamp(FEWEST_HEADERS, most));
    }

    /// It did not give the headers that it was asked for: perhaps they were too many for its line.
    pub fn gave_no_headers(&mut self, peer: &PeerId, limit: usize) {
        if let Some(peer) = self.known.get_mut(peer) {
            peer.record.headers = Some((limit / 4).max(FEWEST_HEADERS));
        }
    }

    /// A question to it is given up after `base`, or longer where it has delivered before and fails now.
    pub fn deadline(&self, peer: &PeerId, base: u64, mono: u64) -> u64 {
        let Some(peer) = self.known.get(peer) else { return 0 };
        let doublings = if peer.record.speed > 0 { peer.record.failures(mono).min(2) } else { 0 };
        base << doublings
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
        able.sort_by_key(|(_, peer)| (Reverse(peer.record.pace(mono).speed), peer.record.failures(mono)));
        let source = |(id, peer): (&PeerId, &Peer)| {
            let pace = peer.record.pace(mono);
            let (questions, bytes) = if pace.is_proven() {
                (QUESTIONS, usize::try_from(pace.speed * ANSWER_MS / 1_000).unwrap_or(usize::MAX))
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
            peers.blame(peer(n), 0);
        }
        assert_eq!((peers.remembered.len(), peers.order.len()), (MAX_REMEMBERED, MAX_REMEMBERED));
        let last = peer(3 * MAX_REMEMBERED as u32 - 1);
        let tip = Branch::grown(&network(), 5, 1).tip();
        peers.told(last, tip, 0);
        assert_eq!((peers.failures(&last, 0), peers.order.len()), (2, MAX_REMEMBERED - 1));
    }

    #[test]
    fn old_failures_are_forgotten() {
        let mut peers = Peers::default();
        peers.told(peer(1), Branch::grown(&network(), 5, 1).tip(), 0);
        for _ in 0..9 {
            peers.blame(peer(1), 0);
        }
        assert_eq!(peers.ahead_of(Work::ZERO, 63_999), []);
        assert_eq!(peers.ahead_of(Work::ZERO, 64_000), [peer(1)]);
        assert_eq!((peers.failures(&peer(1), 64_000), peers.failures(&peer(1), 64_000 + FORGIVE_MS)), (9, 0));
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

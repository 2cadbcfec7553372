//! What the syncer knows of each peer: what it claims, how fast it delivers, and how often it failed.
//!
//! Decides whom to ask first and who is left alone for a while. What a peer did is remembered by its id when it goes,
//! so that coming back does not make it as good as new. Never asks anybody anything.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

use ledger::{Tip, Work};

use super::download::{START_BYTES, Source};
use super::{PATIENCE_MS, STATUS_MS};
use crate::PeerId;

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

    fn patience(&self) -> u64 {
        PATIENCE_MS << self.late.min(MAX_DOUBLINGS)
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

    /// Its blocks are asked of another one too when they do not come within this time.
    pub fn patience(&self, peer: &PeerId) -> u64 {
        self.known.get(peer).map_or(0, |peer| peer.record.patience())
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

    /// Whoever claims more work than `work` and may be asked now: the one that failed least first, then the most work.
    pub fn ahead_of(&self, work: Work, mono: u64) -> Vec<PeerId> {
        let able = |peer: &Peer| peer.tip.work > work && peer.record.not_before <= mono;
        let mut able: Vec<_> = self.known.iter().filter(|(_, peer)| able(peer)).collect();
        able.sort_by_key(|(_, peer)| (peer.record.failures(mono), Reverse(peer.tip.work)));
        able.into_iter().map(|(id, _)| *id).collect()
    }

    /// Whether anybody claims more work than `work`, though it may not be asked just now.
    pub fn anybody_ahead_of(&self, work: Work) -> bool {
        self.known.values().any(|peer| peer.tip.work > work)
    }

    /// Who can be asked for bodies above a chain with `work`, and for how many: the fastest first.
    pub fn sources(&self, work: Work, mono: u64) -> Vec<Source> {
        let able = |peer: &Peer| peer.tip.work > work && peer.record.not_before <= mono;
        let mut able: Vec<_> = self.known.iter().filter(|(_, peer)| able(peer)).collect();
        able.sort_by_key(|(_, peer)| Reverse(peer.record.speed));
        let source = |(id, peer): (&PeerId, &Peer)| {
            let (speed, failures) = (peer.record.speed, peer.record.failures(mono));
            let (questions, bytes) = match (speed, failures) {
                (0, _) => (1, START_BYTES >> failures.min(16)),
                (_, 0) => (QUESTIONS, usize::try_from(speed * ANSWER_MS / 1_000).unwrap_or(usize::MAX)),
                // One chance, with little at stake.
                _ => (1, START_BYTES >> failures.min(16)),
            };
            Source { peer: *id, height: peer.tip.height, questions, bytes }
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
    fn whoever_answers_late_but_first_gets_twice_the_patience() {
        let mut peers = Peers::default();
        peers.told(peer(1), Branch::grown(&network(), 5, 1).tip(), 0);
        for patience in [2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 64_000] {
            assert_eq!(peers.patience(&peer(1)), patience);
            peers.delivered(peer(1), 1_000_000, 0, true, 5_000);
        }
        peers.blame(peer(1), 0);
        assert_eq!(peers.patience(&peer(1)), 2_000, "and none of it when it fails");
    }
}

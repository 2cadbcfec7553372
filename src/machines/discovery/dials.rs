//! The dials of this node: which are under way and what for, how many more there may be, and which places are let alone
//! because nobody was there. Decides never whom to dial.

use std::collections::BTreeMap;

use super::jitter::Jitter;
use super::place::{Place, Range, bare};
use crate::PeerId;
use crate::bucket::Bucket;
use crate::timed::Timed;

/// Dials under way at once; what a network scan would need is more.
pub(super) const MAX_DIALS: usize = 8;
/// A dial that reports nothing is given up.
pub(super) const DIAL_MS: u64 = 30_000;
/// Dials at once after a quiet time, and each second after that. Whoever feeds us addresses gets no more of our time,
/// and whom they belong to no more of our dials.
const BUDGET: (u64, u64) = (16, 1);
/// Places that are let alone. Beyond it the one next to be tried again makes room.
const MAX_PLACES: usize = 2_000;
/// A place where nobody was is let alone for 10 s, 20 s … and at most this long.
const MAX_PLACE_MS: u64 = 60 * 60 * 1000;
/// The same while nobody at all can be reached, which says more about this node than about the place.
const MAX_LONELY_MS: u64 = 30_000;
/// How long a place is remembered beyond its wait at least, so that the next failure makes the wait longer.
const MEMORY_MS: u64 = 600_000;

/// Whom a dial is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    Peer(PeerId),
    Address(String),
}

impl Target {
    pub fn new(peer: Option<PeerId>, address: &str) -> Self {
        peer.map_or_else(|| Self::Address(bare(address).into()), Self::Peer)
    }
}

/// What a dial is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The configuration or the operator wants this peer: it is kept whatever else there is.
    Wanted,
    /// A free slot.
    Slot,
    /// To know whether somebody is there.
    Feeler,
}

#[derive(Debug)]
struct UnderWay {
    since: u64,
    purpose: Purpose,
    range: Option<Range>,
}

#[derive(Debug)]
pub(super) struct Dials {
    jitter: Jitter,
    budget: Bucket,
    under_way: BTreeMap<Target, UnderWay>,
    /// How often in a row nobody was at a place, and until when it is let alone.
    places: Timed<Place, (u32, u64)>,
}

impl Dials {
    pub fn new(jitter: Jitter) -> Self {
        let budget = Bucket::new(BUDGET.0, BUDGET.1, 0);
        Self { jitter, budget, under_way: BTreeMap::new(), places: Timed::new(MAX_PLACES) }
    }

    /// Dials under way.
    pub fn len(&self) -> usize {
        self.under_way.len()
    }

    pub fn count(&self, purpose: Purpose) -> usize {
        self.under_way.values().filter(|dial| dial.purpose == purpose).count()
    }

    pub fn to_range(&self, range: Range) -> usize {
        self.under_way.values().filter(|dial| dial.range == Some(range)).count()
    }

    pub fn is_under_way(&self, target: &Target) -> bool {
        self.under_way.contains_key(target)
    }

    /// Whether there may be one more dial; takes it from the budget.
    pub fn may_begin(&mut self, mono: u64) -> bool {
        self.budget.take(1, mono)
    }

    pub fn begin(&mut self, target: Target, purpose: Purpose, range: Option<Range>, mono: u64) {
        self.under_way.insert(target, UnderWay { since: mono, purpose, range });
    }

    /// A dial has ended. Gives what it was for.
    pub fn end(&mut self, target: &Target) -> Option<Purpose> {
        self.under_way.remove(target).map(|dial| dial.purpose)
    }

    /// Nobody was there, or nobody of use; `lonely` if nobody can be reached at all.
    pub fn nobody_at(&mut self, address: &str, lonely: bool, mono: u64) {
        let place = Place::of(address);
        let times = self.places.get(&place).map_or(0, |(_, (times, _))| *times);
        let longest = if lonely { MAX_LONELY_MS } else { MAX_PLACE_MS };
        self.let_alone(place, times, longest, mono);
    }

    /// Somebody of another network is there, and will be for long.
    pub fn strangers_at(&mut self, address: &str, mono: u64) {
        self.let_alone(Place::of(address), u32::MAX, MAX_PLACE_MS, mono);
    }

    fn let_alone(&mut self, place: Place, times: u32, longest: u64, mono: u64) {
        let length = self.jitter.wait(10_000, times, longest, &place);
        // Never sooner than it was to be: who is a stranger for an hour may also have failed a handshake.
        let known = self.places.get(&place).map_or(0, |(_, (_, until))| *until);
        let until = known.max(mono.saturating_add(length));
        self.places.insert(place, until.saturating_add(length + MEMORY_MS), (times.saturating_add(1), until));
    }

    /// Somebody of this network is there.
    pub fn somebody_at(&mut self, address: &str) {
        self.places.remove(&Place::of(address));
    }

    pub fn is_let_alone(&self, place: &Place, mono: u64) -> bool {
        self.places.get(place).is_some_and(|(_, (_, until))| *until > mono)
    }

    pub fn tick(&mut self, mono: u64) {
        self.under_way.retain(|_, dial| dial.since.saturating_add(DIAL_MS) > mono);
        self.places.expire(mono);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dials() -> Dials {
        Dials::new(Jitter::of(PeerId([1; 32])))
    }

    const VICTIM: &str = "/ip4/8.8.8.8/tcp/443";

    #[test]
    fn p09_a_place_where_nobody_was_is_let_alone_for_longer_each_time_whatever_the_port() {
        let (mut dials, mut now) = (dials(), 0);
        for wait in [10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600] {
            dials.nobody_at(VICTIM, false, now);
            let at = |after| (now + after * 1_000, Place::of("/ip4/8.8.8.8/tcp/22"));
            let (before, place) = at(wait * 3 / 4);
            assert!(dials.is_let_alone(&place, before - 1), "{wait} s");
            assert!(!dials.is_let_alone(&place, at(wait).0), "{wait} s");
            now += wait * 1_000;
            dials.tick(now);
        }
        dials.somebody_at(VICTIM);
        assert!(!dials.is_let_alone(&Place::of(VICTIM), 0));
    }

    #[test]
    fn p09_the_memory_of_places_is_bounded() {
        let mut dials = dials();
        for n in 0..10_000_u32 {
            dials.nobody_at(&format!("/ip4/{}/tcp/1", std::net::Ipv4Addr::from(0x0800_0000 + n)), false, n.into());
        }
        assert_eq!(dials.places.len(), MAX_PLACES);
    }

    #[test]
    fn p09_one_dial_a_second_after_a_burst() {
        let mut dials = dials();
        let begun = (0..600_000).step_by(100).filter(|now| dials.may_begin(*now)).count();
        assert_eq!(begun, 16 + 599);
    }
}

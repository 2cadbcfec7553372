//! Whom to dial next: fixed peers, then anchors, then who was reached before, then who came to us, then who was only
//! named, and last who failed. One dial a second on average, whatever others make us believe.

use std::cmp::Reverse;

use super::book::Due;
use super::candidates::Candidate;
use super::connections::MAX_OUTBOUND_PER_RANGE;
use super::dials::{MAX_DIALS, Purpose, Target};
use super::place::{Place, Range};
use super::seeds::name_of;
use super::{Discovery, Effect, Fixed};
use crate::PeerId;

/// Dials beyond the free slots: some will fail.
const SPARE_DIALS: usize = 2;
/// Every so many feelers one visits a known peer, so that the book stays fresh.
const KNOWN_FEELERS: u64 = 2;

/// How promising a peer is, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Anchor,
    Reached,
    CameToUs,
    Named,
    Failed,
}

/// Somebody who may be dialed.
struct Choice {
    class: Class,
    peer: PeerId,
    addresses: Vec<String>,
    range: Option<Range>,
    failures: u32,
    last_seen: u64,
    /// Decides between those who are equal otherwise.
    lot: u64,
}

impl Choice {
    /// The smallest is the best.
    fn order(&self) -> impl Ord + use<> {
        (self.class, self.failures, Reverse(self.last_seen), self.lot, self.peer)
    }
}

impl Discovery {
    pub(super) fn dial(&mut self, mono: u64, effects: &mut Vec<Effect>) {
        self.dial_fixed(mono, effects);
        self.fill_slots(mono, effects);
        if self.connections.outbound() >= self.wanted && self.search.feels(mono) {
            self.feel(mono, effects);
        }
    }

    /// What the operator orders is done at once. A seed is asked for, not dialed.
    pub(super) fn dial_wanted(&mut self, mono: u64, fixed: Fixed, effects: &mut Vec<Effect>) {
        if let Some(name) = name_of(&fixed.address) {
            effects.push(Effect::ResolveSeed { name: name.into() });
            return;
        }
        self.dials.begin(Target::new(fixed.peer, &fixed.address), Purpose::Wanted, None, mono);
        effects.push(Effect::Dial { peer: fixed.peer, addresses: vec![fixed.address] });
    }

    /// Fixed peers are kept connected whatever else there is.
    fn dial_fixed(&mut self, mono: u64, effects: &mut Vec<Effect>) {
        let due = self.fixed.due(mono, |peer| self.connections.has(peer) || self.bans.holds(peer));
        for fixed in due {
            if self.dials.is_under_way(&Target::new(fixed.peer, &fixed.address)) {
                continue;
            }
            if !self.dials.may_begin(mono) {
                return;
            }
            self.dial_wanted(mono, fixed, effects);
        }
    }

    fn fill_slots(&mut self, mono: u64, effects: &mut Vec<Effect>) {
        let free = self.free_slots(mono);
        // For the extra peer of a stale tip one dial at a time is enough.
        let spare = if self.connections.outbound() < self.wanted { SPARE_DIALS } else { 0 };
        let most = if free == 0 { 0 } else { MAX_DIALS.min(free + spare) };
        while self.dials.count(Purpose::Slot) + self.connections.arriving() < most {
            let Some(choice) = self.choices(mono).min_by_key(Choice::order) else { return };
            if !self.begin(mono, choice, Purpose::Slot, effects) {
                return;
            }
        }
    }

    /// Visits somebody to see whether it is there: mostly somebody who was only named.
    fn feel(&mut self, mono: u64, effects: &mut Vec<Effect>) {
        if self.connections.feelers() + self.dials.count(Purpose::Feeler) > 0 {
            return;
        }
        self.round += 1;
        let named = self.candidates_due(mono).min_by_key(Choice::order);
        let known = || {
            let due = self.book_due(mono);
            // Who was never reached first, then who was seen longest ago.
            due.min_by_key(|choice| (choice.class != Class::CameToUs, choice.last_seen, choice.peer))
        };
        let choice = if self.round.is_multiple_of(KNOWN_FEELERS) { known().or(named) } else { named.or_else(known) };
        if let Some(choice) = choice {
            self.begin(mono, choice, Purpose::Feeler, effects);
        }
    }

    fn begin(&mut self, mono: u64, choice: Choice, purpose: Purpose, effects: &mut Vec<Effect>) -> bool {
        if !self.dials.may_begin(mono) {
            return false;
        }
        self.round += 1;
        self.dials.begin(Target::Peer(choice.peer), purpose, choice.range, mono);
        effects.push(Effect::Dial { peer: Some(choice.peer), addresses: choice.addresses });
        true
    }

    /// Whether there is anybody to take the place of a peer that leaves.
    pub(super) fn knows_others(&self, mono: u64) -> bool {
        self.choices(mono).next().is_some()
    }

    /// Everybody who may be dialed for a slot.
    fn choices(&self, mono: u64) -> impl Iterator<Item = Choice> {
        let all = self.book_due(mono).chain(self.candidates_due(mono));
        all.filter(|choice| choice.range.is_none_or(|range| self.has_room(range)))
    }

    fn book_due(&self, mono: u64) -> impl Iterator<Item = Choice> {
        self.book.due(mono).filter_map(move |due| self.known(mono, &due))
    }

    fn candidates_due(&self, mono: u64) -> impl Iterator<Item = Choice> {
        self.candidates.iter().filter_map(move |(peer, candidate)| self.named(mono, *peer, candidate))
    }

    fn known(&self, mono: u64, due: &Due) -> Option<Choice> {
        let Due { peer, record, range } = due;
        if self.is_busy(peer) {
            return None;
        }
        // Where it was reached, it may be again; where it only says it is, others have to be protected from us.
        let proven = usize::from(record.reached > 0);
        let free = |address: &&String| !self.dials.is_let_alone(&Place::of(address), mono);
        let (first, told) = record.addresses.split_at(proven.min(record.addresses.len()));
        let addresses: Vec<_> = first.iter().chain(told.iter().filter(free)).cloned().collect();
        let class = match (record.failures, record.anchor, record.reached) {
            (0, true, _) => Class::Anchor,
            (0, false, 1..) => Class::Reached,
            (0, false, 0) => Class::CameToUs,
            (1.., _, _) => Class::Failed,
        };
        let (peer, range, failures, last_seen) = (*peer, *range, record.failures, record.last_seen);
        (!addresses.is_empty()).then_some(Choice { class, peer, addresses, range, failures, last_seen, lot: 0 })
    }

    fn named(&self, mono: u64, peer: PeerId, candidate: &Candidate) -> Option<Choice> {
        if self.is_busy(&peer) {
            return None;
        }
        let free = candidate.addresses.iter().filter(|(_, place)| !self.dials.is_let_alone(place, mono));
        let addresses: Vec<_> = free.map(|(address, _)| address.clone()).collect();
        let (class, range, lot) = (Class::Named, candidate.range, self.jitter.order(&(peer, self.round)));
        (!addresses.is_empty()).then_some(Choice { class, peer, addresses, range, failures: 0, last_seen: 0, lot })
    }

    fn is_busy(&self, peer: &PeerId) -> bool {
        self.connections.has(peer) || self.bans.holds(peer) || self.dials.is_under_way(&Target::Peer(*peer))
    }

    fn has_room(&self, range: Range) -> bool {
        self.connections.to_range(range, None) + self.dials.to_range(range) < MAX_OUTBOUND_PER_RANGE
    }
}

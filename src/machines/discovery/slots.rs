//! Who holds a slot: an outbound peer gets one when it passed the handshake and one is free, and otherwise passes by.
//! Inbound peers make room for one another; whoever comes to a full node may stay for a visit and ask whom else there is.
//! A stale tip earns one outbound peer more, one that lags loses its own.

use std::collections::BTreeSet;

use super::book::SHORT_MS;
use super::connections::{Connection, PROTECTED_OUTBOUND, Slot};
use super::dials::Purpose;
use super::{Discovery, Effect, Present, Target, eviction};
use crate::peer::Goodbye;
use crate::{Now, PeerId};

/// Inbound slots for visits: this share of all, and two at least. A full node would be a closed door otherwise, and who
/// knows nobody else could never get in.
const VISITS_SHARE: usize = 6;
const MIN_VISITS: usize = 2;
/// How long an outbound peer without a slot stays: time to say which chain it is on, which may be a better one, and for
/// a question of the rendezvous.
const PASSING_MS: u64 = 30_000;
/// A goodbye that led to nothing is said again.
const GOODBYE_MS: u64 = 10_000;
/// One outbound peer is replaced for lagging in this time.
const REPLACE_MS: u64 = 60_000;
/// A peer that was replaced is let alone for so long.
const REPLACED_MS: u64 = 600_000;

impl Discovery {
    pub(super) fn connected(&mut self, mono: u64, peer: PeerId, mut new: Connection, effects: &mut Vec<Effect>) {
        let mut purpose = self.dials.end(&Target::Peer(peer));
        self.candidates.remove(&peer);
        if let Some(address) = &new.dialed {
            purpose = self.dials.end(&Target::new(None, address)).or(purpose);
            self.fixed.answered(address, peer);
        }
        new.kept = purpose == Some(Purpose::Wanted) || self.fixed.has(&peer);
        new.feeler = purpose == Some(Purpose::Feeler) && new.dialed.is_some();
        match self.connections.get_mut(&peer) {
            Some(known) => known.goes_on_as(new, mono.saturating_add(PASSING_MS)),
            None => self.connections.insert(peer, new),
        }
        self.make_room(mono, effects);
    }

    /// What is connected now, as the shell knows it. News may have been lost.
    pub(super) fn present(&mut self, now: Now, present: Vec<Present>, effects: &mut Vec<Effect>) {
        let here: BTreeSet<_> = present.iter().map(|one| one.peer).collect();
        for peer in self.connections.peers().filter(|peer| !here.contains(peer)).collect::<Vec<_>>() {
            self.gone(now, peer, effects);
        }
        for Present { peer, dialed, from } in present {
            self.connected(now.mono, peer, Connection::new(dialed, from, now.mono), effects);
        }
    }

    /// While inbound peers hold more than the slots in which they may stay, the least worth leaves. Nobody leaves in the
    /// middle of a visit, unless the last slot is taken: then the longest visit ends.
    fn make_room(&mut self, mono: u64, effects: &mut Vec<Effect>) {
        let stay = self.max_inbound.saturating_sub(MIN_VISITS.max(self.max_inbound / VISITS_SHARE));
        while self.connections.inbound() > stay {
            let inbound = self.connections.inbound_peers(mono);
            let full = self.connections.inbound() >= self.max_inbound;
            let longest = if full { eviction::longest_visitor(&inbound) } else { None };
            let Some(worst) = eviction::worst(inbound, self.max_inbound).or(longest) else { return };
            self.leave(mono, &worst, Goodbye::MakesRoom, effects);
        }
    }

    pub(super) fn ready(&mut self, now: Now, peer: PeerId, dialed: Option<String>, effects: &mut Vec<Effect>) {
        if !self.connections.has(&peer) {
            // The mail that it connected was lost.
            self.connections.insert(peer, Connection::new(dialed.clone(), None, now.mono));
        }
        let free = self.free_slots(now.mono) > 0 && !self.connections.is_crowded(&peer);
        let Some(connection) = self.connections.get_mut(&peer).filter(|connection| !connection.ready) else { return };
        connection.ready = true;
        if connection.slot == Slot::Outbound {
            if connection.kept || free {
                connection.feeler = false;
            } else {
                connection.slot = Slot::Passing { until: now.mono.saturating_add(PASSING_MS) };
            }
        }
        let anchor = connection.slot == Slot::Outbound;
        if let Some(address) = &dialed {
            self.dials.somebody_at(address);
        }
        self.remember(now, peer, dialed, anchor, effects);
        if self.connections.outbound() < self.wanted {
            effects.push(Effect::AskAddresses { peer });
        }
    }

    pub(super) fn gone(&mut self, now: Now, peer: PeerId, effects: &mut Vec<Effect>) {
        let Some(connection) = self.connections.remove(&peer) else { return };
        let lasted = now.mono.saturating_sub(connection.since);
        self.fixed.left(&peer, lasted, connection.ready, now.mono);
        if connection.ready {
            let changed = self.book.left(&peer, lasted, now.mono);
            effects.extend(changed.map(|record| Effect::Save { peer, record }));
        } else if let Some(address) = &connection.dialed {
            // It let us in and never passed the handshake: an attempt that failed, or it would be tried again and again.
            let lonely = self.connections.ready().next().is_none();
            self.dials.nobody_at(address, lonely, now.mono);
            self.attempt_failed(now, &peer, effects);
        }
        match connection.slot {
            Slot::Leaving { why: Goodbye::Lagging, .. } => {
                self.book.pause(&peer, now.mono.saturating_add(REPLACED_MS));
            }
            // A visit to somebody full brings nothing new: where slots are scarce, all would search without end.
            Slot::Outbound if connection.ready && lasted >= SHORT_MS => self.search.again(now.mono),
            _ => {}
        }
        if connection.ready && self.connections.ready().next().is_none() {
            self.search.again(now.mono);
            self.seeds.lonely(now.mono);
        }
    }

    /// Slots for outbound peers that nobody holds. A stale tip makes one more.
    pub(super) fn free_slots(&self, mono: u64) -> usize {
        let extra = usize::from(self.is_stale(mono));
        (self.wanted + extra).saturating_sub(self.connections.outbound())
    }

    /// Whether somebody may know a better chain than those that this node is connected with.
    pub(super) fn is_stale(&self, mono: u64) -> bool {
        mono.saturating_sub(self.tip_at) >= self.stale_after_ms
    }

    /// The tip moved: who was taken in because it did not, or who did least for it, leaves.
    pub(super) fn tip_changed(&mut self, mono: u64, effects: &mut Vec<Effect>) {
        self.tip_at = mono;
        let surplus = self.connections.outbound().saturating_sub(self.wanted);
        for peer in self.connections.outbound_by_worth().into_iter().rev().take(surplus) {
            self.leave(mono, &peer, Goodbye::Enough, effects);
        }
    }

    /// An outbound peer stays behind: another takes its slot, if this node has enough that do not and knows others.
    pub(super) fn lagging(&mut self, mono: u64, peer: PeerId, effects: &mut Vec<Effect>) {
        let lately = self.replaced_at.is_some_and(|at| at.saturating_add(REPLACE_MS) > mono);
        let replaceable =
            self.connections.outbound_by_worth().into_iter().skip(PROTECTED_OUTBOUND).any(|one| one == peer);
        if replaceable && !lately && self.knows_others(mono) {
            self.replaced_at = Some(mono);
            self.leave(mono, &peer, Goodbye::Lagging, effects);
        }
    }

    /// Ends what has passed by, fills what has become free, and says goodbye again where that was not heard.
    pub(super) fn tidy_slots(&mut self, mono: u64, effects: &mut Vec<Effect>) {
        let mut passing = Vec::new();
        for (peer, connection) in self.connections.iter_mut() {
            match &mut connection.slot {
                Slot::Passing { until } => passing.push((*peer, *until)),
                Slot::Leaving { why, told_at } if told_at.saturating_add(GOODBYE_MS) <= mono => {
                    *told_at = mono;
                    effects.push(Effect::Disconnect { peer: *peer, why: why.clone() });
                }
                Slot::Leaving { .. } | Slot::Inbound | Slot::Outbound => {}
            }
        }
        for (peer, until) in passing {
            if self.free_slots(mono) > 0 && !self.connections.is_crowded(&peer) {
                self.take_slot(&peer);
            } else if until <= mono {
                self.pass_by(mono, &peer, effects);
            }
        }
        self.make_room(mono, effects);
    }

    /// Who told of a new block while passing by takes the slot of somebody who never did: that is how two halves of a
    /// network become one again.
    fn pass_by(&mut self, mono: u64, peer: &PeerId, effects: &mut Vec<Effect>) {
        let useless = self.connections.was_useful(peer).then(|| self.connections.outbound_by_worth().pop()).flatten();
        match useless.filter(|other| !self.connections.was_useful(other)) {
            Some(other) if !self.connections.is_crowded(peer) => {
                self.leave(mono, &other, Goodbye::Enough, effects);
                self.take_slot(peer);
            }
            _ => self.leave(mono, peer, Goodbye::Enough, effects),
        }
    }

    fn take_slot(&mut self, peer: &PeerId) {
        if let Some(connection) = self.connections.get_mut(peer) {
            connection.slot = Slot::Outbound;
            connection.feeler = false;
        }
    }

    fn leave(&mut self, mono: u64, peer: &PeerId, why: Goodbye, effects: &mut Vec<Effect>) {
        if let Some(connection) = self.connections.get_mut(peer) {
            connection.slot = Slot::Leaving { why: why.clone(), told_at: mono };
            effects.push(Effect::Disconnect { peer: *peer, why });
        }
    }
}

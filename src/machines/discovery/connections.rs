//! The connected peers: who came, who was dialed and for what, and what each has shown of its worth.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;

use super::eviction::Inbound;
use super::place::{Range, ip};
use crate::PeerId;
use crate::peer::Goodbye;

/// Outbound peers of one range, so that nobody with one range is all that we know of the network.
pub(super) const MAX_OUTBOUND_PER_RANGE: usize = 2;
/// Outbound peers that are never left for lagging: if all lag, it may be us who is wrong.
pub(super) const PROTECTED_OUTBOUND: usize = 4;
/// A visit is over when the visitor was told whom else there is, or after as long as an answer may take.
const VISIT_MS: u64 = 10_000;

/// What a connection is to this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Slot {
    /// The peer came to us.
    Inbound,
    /// One of the peers that we chose.
    Outbound,
    /// Outbound beyond the slots: a feeler, or what the rendezvous needed. Let go at this time.
    Passing { until: u64 },
    /// It was told goodbye, at this time.
    Leaving { why: Goodbye, told_at: u64 },
}

#[derive(Debug)]
pub(super) struct Connection {
    pub slot: Slot,
    /// Whether it passed the handshake.
    pub ready: bool,
    /// Wanted by the configuration or the operator: never told to leave from here.
    pub kept: bool,
    /// Whether it was dialed by a feeler.
    pub feeler: bool,
    pub since: u64,
    /// Where it was dialed.
    pub dialed: Option<String>,
    pub ip: Option<IpAddr>,
    /// Where it says it listens.
    pub listening: Vec<String>,
    /// Whether it was told whom else there is.
    pub served: bool,
    ping: Option<u64>,
    useful_at: Option<u64>,
}

impl Connection {
    pub fn new(dialed: Option<String>, from: Option<IpAddr>, since: u64) -> Self {
        let from = dialed.as_deref().and_then(ip).or(from.map(|ip| ip.to_canonical()));
        Self {
            slot: if dialed.is_some() { Slot::Outbound } else { Slot::Inbound },
            ready: false,
            kept: false,
            feeler: false,
            since,
            dialed,
            ip: from,
            listening: Vec::new(),
            served: false,
            ping: None,
            useful_at: None,
        }
    }

    /// The peer is connected on another connection now. Who came to us holds none of our slots, and whom we dialed one
    /// only if it gets one by `until`.
    pub fn goes_on_as(&mut self, other: Self, until: u64) {
        if other.dialed.is_some() != self.dialed.is_some() && !matches!(self.slot, Slot::Leaving { .. }) {
            self.feeler = false;
            self.slot = if other.dialed.is_some() && self.ready { Slot::Passing { until } } else { other.slot };
        }
        (self.dialed, self.ip) = (other.dialed, other.ip);
    }

    fn range(&self) -> Option<Range> {
        self.ip.and_then(Range::of_ip)
    }

    /// Whether it counts as one of the network's nodes that this node is connected with.
    fn counts(&self) -> bool {
        self.ready && !matches!(self.slot, Slot::Leaving { .. })
    }
}

#[derive(Debug, Default)]
pub(super) struct Connections(BTreeMap<PeerId, Connection>);

impl Connections {
    pub fn has(&self, peer: &PeerId) -> bool {
        self.0.contains_key(peer)
    }

    pub fn get(&self, peer: &PeerId) -> Option<&Connection> {
        self.0.get(peer)
    }

    pub fn get_mut(&mut self, peer: &PeerId) -> Option<&mut Connection> {
        self.0.get_mut(peer)
    }

    pub fn insert(&mut self, peer: PeerId, connection: Connection) {
        self.0.insert(peer, connection);
    }

    pub fn remove(&mut self, peer: &PeerId) -> Option<Connection> {
        self.0.remove(peer)
    }

    pub fn peers(&self) -> impl Iterator<Item = PeerId> {
        self.0.keys().copied()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&PeerId, &mut Connection)> {
        self.0.iter_mut()
    }

    /// Peers that passed the handshake, whoever dialed.
    pub fn ready(&self) -> impl Iterator<Item = &PeerId> {
        self.0.iter().filter(|(_, one)| one.counts()).map(|(peer, _)| peer)
    }

    /// Outbound peers that passed the handshake and hold a slot.
    pub fn outbound(&self) -> usize {
        self.0.values().filter(|one| one.ready && one.slot == Slot::Outbound).count()
    }

    /// Outbound peers whose handshake is to come.
    pub fn arriving(&self) -> usize {
        self.0.values().filter(|one| !one.ready && !one.feeler && one.slot == Slot::Outbound).count()
    }

    pub fn inbound(&self) -> usize {
        self.0.values().filter(|one| one.slot == Slot::Inbound).count()
    }

    /// Feelers whose end is to come.
    pub fn feelers(&self) -> usize {
        self.0.values().filter(|one| one.feeler).count()
    }

    /// Outbound connections into a range, other than `except`.
    pub fn to_range(&self, range: Range, except: Option<&PeerId>) -> usize {
        let counts = |(peer, one): &(&PeerId, &Connection)| {
            one.slot == Slot::Outbound && !one.feeler && one.range() == Some(range) && Some(*peer) != except
        };
        self.0.iter().filter(counts).count()
    }

    /// Whether an outbound peer would be one too many of its range.
    pub fn is_crowded(&self, peer: &PeerId) -> bool {
        let range = self.0.get(peer).and_then(Connection::range);
        range.is_some_and(|range| self.to_range(range, Some(peer)) >= MAX_OUTBOUND_PER_RANGE)
    }

    pub fn pinged(&mut self, peer: &PeerId, rtt_ms: u64) {
        if let Some(one) = self.0.get_mut(peer) {
            // The best of all, which cannot be made better than the distance.
            one.ping = Some(one.ping.map_or(rtt_ms, |best| best.min(rtt_ms)));
        }
    }

    pub fn useful(&mut self, peer: &PeerId, mono: u64) {
        if let Some(one) = self.0.get_mut(peer) {
            one.useful_at = Some(mono);
        }
    }

    /// Whether it ever told of a new block.
    pub fn was_useful(&self, peer: &PeerId) -> bool {
        self.0.get(peer).is_some_and(|one| one.useful_at.is_some())
    }

    /// Inbound peers that may have to make room for others.
    pub fn inbound_peers(&self, mono: u64) -> Vec<Inbound> {
        let as_inbound = |(peer, one): (&PeerId, &Connection)| Inbound {
            peer: *peer,
            range: one.range(),
            since: one.since,
            visits: !one.served && one.since.saturating_add(VISIT_MS) > mono,
            ping: one.ping,
            useful_at: one.useful_at,
        };
        self.0.iter().filter(|(_, one)| one.slot == Slot::Inbound && !one.kept).map(as_inbound).collect()
    }

    /// Outbound peers that may be told to leave, the best first: who told of new blocks lately, then who is here longest.
    pub fn outbound_by_worth(&self) -> Vec<PeerId> {
        let may_leave = |one: &Connection| one.ready && !one.kept && one.slot == Slot::Outbound;
        let mut all: Vec<_> = self.0.iter().filter(|(_, one)| may_leave(one)).collect();
        all.sort_by_key(|(peer, one)| (Reverse(one.useful_at), one.since, **peer));
        all.into_iter().map(|(peer, _)| *peer).collect()
    }
}

//! The connections of each peer: one is enough, two are normal for a moment, and what a peer has shown of itself.

use std::collections::HashMap;
use std::net::IpAddr;

use libp2p::core::ConnectedPoint;
use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};
use tokio::time::{Duration, Instant};

use crate::address;
use crate::admission::Range;
use crate::limits::{TWIN_GRACE, TWIN_PATIENCE};

/// All connected peers.
#[derive(Default)]
pub(crate) struct Peers {
    peers: HashMap<PeerId, Peer>,
}

struct Peer {
    connections: Vec<Connection>,
    shown: Shown,
    closing: Option<String>,
}

struct Connection {
    id: ConnectionId,
    since: Instant,
    remote: Multiaddr,
    outbound: bool,
}

/// What a peer has shown of itself.
enum Shown {
    Nothing { since: Instant },
    SameNetwork,
}

/// What an opened connection is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    First,
    Another,
}

/// What a closed connection was.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// Another one than the first, which is still there; or not known at all.
    Spare,
    /// The first; the peer goes on over this one.
    First { address: Multiaddr, outbound: bool },
    /// The only one; with why this node disconnected the peer, if it did.
    Last(Option<String>),
}

impl Peers {
    pub(crate) fn opened(&mut self, now: Instant, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint) -> Opened {
        let entry = self.peers.entry(peer).or_insert_with(|| Peer {
            connections: Vec::new(),
            shown: Shown::Nothing { since: now },
            closing: None,
        });
        let remote = endpoint.get_remote_address().clone();
        entry.connections.push(Connection { id, since: now, remote, outbound: endpoint.is_dialer() });
        if entry.connections.len() == 1 { Opened::First } else { Opened::Another }
    }

    /// Forgets a connection.
    pub(crate) fn closed(&mut self, peer: &PeerId, id: ConnectionId) -> Closed {
        let Some(entry) = self.peers.get_mut(peer) else { return Closed::Spare };
        let was_first = entry.connections.first().is_some_and(|first| first.id == id);
        entry.connections.retain(|connection| connection.id != id);
        match entry.connections.first() {
            Some(next) if was_first => Closed::First { address: next.remote.clone(), outbound: next.outbound },
            Some(_) => Closed::Spare,
            None => Closed::Last(self.peers.remove(peer).and_then(|gone| gone.closing)),
        }
    }

    /// Remembers why this node is about to disconnect a peer.
    pub(crate) fn closing(&mut self, peer: &PeerId, cause: &str) {
        if let Some(entry) = self.peers.get_mut(peer) {
            entry.closing.get_or_insert_with(|| cause.into());
        }
    }

    pub(crate) fn is_connected(&self, peer: &PeerId) -> bool {
        self.peers.contains_key(peer)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    pub(crate) fn ids(&self) -> Vec<PeerId> {
        self.peers.keys().copied().collect()
    }

    pub(crate) fn showed_the_same_network(&mut self, peer: &PeerId) {
        if let Some(entry) = self.peers.get_mut(peer) {
            entry.shown = Shown::SameNetwork;
        }
    }

    /// The range of addresses from which a connection comes, if this node dialled it.
    pub(crate) fn dialled_range(&self, peer: &PeerId, id: ConnectionId) -> Option<Range> {
        let connection = self.peers.get(peer)?.connections.iter().find(|connection| connection.id == id)?;
        connection.outbound.then(|| Range::of(&connection.remote))?
    }

    /// The range of addresses from which a peer is connected.
    pub(crate) fn range(&self, peer: &PeerId) -> Option<Range> {
        Range::of(&self.peers.get(peer)?.connections.first()?.remote)
    }

    /// Those that are connected from an IP address.
    pub(crate) fn at(&self, ip: IpAddr) -> Vec<PeerId> {
        let from_there =
            |one: &Connection| address::ip(&one.remote).is_some_and(|at| address::owner(at) == address::owner(ip));
        self.peers.iter().filter(|(_, peer)| peer.connections.iter().any(from_there)).map(|(id, _)| *id).collect()
    }

    /// Peers that had time to show that they are of this network and did not.
    pub(crate) fn strangers(&self, now: Instant, deadline: Duration) -> Vec<PeerId> {
        let is_over = |peer: &Peer| matches!(peer.shown, Shown::Nothing { since } if since + deadline <= now);
        self.peers.iter().filter(|(_, peer)| is_over(peer)).map(|(id, _)| *id).collect()
    }

    /// Connections beyond the oldest of each peer, after a moment. The side with the smaller id decides, so two nodes
    /// never close one another's choice; if it does not, it is not honest or cannot be heard, and the other side does.
    pub(crate) fn twins(&self, now: Instant, local: &PeerId) -> Vec<ConnectionId> {
        let grace = |peer: &PeerId| if local.to_bytes() < peer.to_bytes() { TWIN_GRACE } else { TWIN_PATIENCE };
        let several = self.peers.iter().filter(|(_, peer)| peer.connections.len() > 1);
        let spare = several.flat_map(|(id, peer)| peer.connections[1..].iter().map(move |one| (grace(id), one)));
        spare.filter(|(grace, one)| one.since + *grace <= now).map(|(_, one)| one.id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inbound() -> ConnectedPoint {
        let local_addr: Multiaddr = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
        ConnectedPoint::Listener { send_back_addr: local_addr.clone(), local_addr }
    }

    fn two_ids() -> (PeerId, PeerId) {
        let (a, b) = (PeerId::random(), PeerId::random());
        if a.to_bytes() < b.to_bytes() { (a, b) } else { (b, a) }
    }

    #[test]
    fn w13_of_two_connections_one_side_closes_the_younger_after_a_moment_and_the_other_if_it_does_not() {
        let (small, large) = two_ids();
        let (start, old, young) = (Instant::now(), ConnectionId::new_unchecked(1), ConnectionId::new_unchecked(2));
        for (local, remote, expected) in [(small, large, vec![young]), (large, small, vec![])] {
            let mut peers = Peers::default();
            assert_eq!(peers.opened(start, remote, old, &inbound()), Opened::First);
            assert_eq!(peers.opened(start, remote, young, &inbound()), Opened::Another);
            assert_eq!(peers.twins(start, &local), vec![]);
            assert_eq!(peers.twins(start + TWIN_GRACE, &local), expected);
            assert_eq!(peers.twins(start + TWIN_PATIENCE, &local), vec![young], "the other side does not");
            assert_eq!(peers.closed(&remote, young), Closed::Spare, "the peer is still connected");
            assert_eq!(peers.twins(start + TWIN_PATIENCE, &local), vec![]);
            peers.closing(&remote, "why");
            assert_eq!(peers.closed(&remote, old), Closed::Last(Some("why".into())));
            assert!(peers.is_empty());
        }
    }

    #[test]
    fn p01_when_the_first_of_two_connections_closes_the_peer_counts_as_what_the_second_is() {
        let (start, peer) = (Instant::now(), PeerId::random());
        let address: Multiaddr = "/ip4/8.8.8.8/tcp/4100".parse().unwrap();
        let dialled = ConnectedPoint::Dialer {
            address: address.clone(),
            role_override: libp2p::core::Endpoint::Dialer,
            port_use: libp2p::core::transport::PortUse::Reuse,
        };
        let mut peers = Peers::default();
        peers.opened(start, peer, ConnectionId::new_unchecked(1), &inbound());
        peers.opened(start, peer, ConnectionId::new_unchecked(2), &dialled);
        let moved = Closed::First { address, outbound: true };
        assert_eq!(peers.closed(&peer, ConnectionId::new_unchecked(1)), moved);
        assert_eq!(peers.closed(&peer, ConnectionId::new_unchecked(2)), Closed::Last(None));
        assert_eq!(peers.closed(&peer, ConnectionId::new_unchecked(2)), Closed::Spare);
    }

    #[test]
    fn p03_who_says_nothing_is_a_stranger_when_the_time_is_over() {
        let (start, limit) = (Instant::now(), Duration::from_secs(10));
        let (silent, known) = (PeerId::random(), PeerId::random());
        let mut peers = Peers::default();
        peers.opened(start, silent, ConnectionId::new_unchecked(1), &inbound());
        peers.opened(start, known, ConnectionId::new_unchecked(2), &inbound());
        peers.showed_the_same_network(&known);
        assert!(peers.strangers(start + limit / 2, limit).is_empty());
        assert_eq!(peers.strangers(start + limit, limit), vec![silent]);
    }
}

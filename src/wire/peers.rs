//! The connections of each peer: one is enough, two are normal for a moment, and what a peer has shown of itself.

use std::collections::HashMap;
use std::net::IpAddr;

use libp2p::core::ConnectedPoint;
use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};
use tokio::time::{Duration, Instant};

use crate::address;
use crate::limits::TWIN_GRACE;
use crate::ranges::Range;

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

    /// Forgets a connection. If it was the last one, tells why the peer was disconnected, where this node knows.
    pub(crate) fn closed(&mut self, peer: &PeerId, id: ConnectionId) -> Option<Option<String>> {
        let entry = self.peers.get_mut(peer)?;
        entry.connections.retain(|connection| connection.id != id);
        if !entry.connections.is_empty() {
            return None;
        }
        self.peers.remove(peer).map(|gone| gone.closing)
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

    /// Connections beyond the oldest of each peer, after a moment. Only the side with the smaller id decides, so two
    /// nodes never close one another's choice.
    pub(crate) fn twins(&self, now: Instant, local: &PeerId) -> Vec<ConnectionId> {
        let decides = |peer: &PeerId| local.to_bytes() < peer.to_bytes();
        let mine = self.peers.iter().filter(|(id, peer)| peer.connections.len() > 1 && decides(id));
        mine.flat_map(|(_, peer)| &peer.connections[1..])
            .filter(|connection| connection.since + TWIN_GRACE <= now)
            .map(|connection| connection.id)
            .collect()
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
    fn w13_of_two_connections_one_side_alone_closes_the_younger_after_a_moment() {
        let (small, large) = two_ids();
        let (start, old, young) = (Instant::now(), ConnectionId::new_unchecked(1), ConnectionId::new_unchecked(2));
        for (local, remote, expected) in [(small, large, vec![young]), (large, small, vec![])] {
            let mut peers = Peers::default();
            assert_eq!(peers.opened(start, remote, old, &inbound()), Opened::First);
            assert_eq!(peers.opened(start, remote, young, &inbound()), Opened::Another);
            assert_eq!(peers.twins(start, &local), vec![]);
            assert_eq!(peers.twins(start + TWIN_GRACE, &local), expected);
            assert_eq!(peers.closed(&remote, young), None, "the peer is still connected");
            assert_eq!(peers.twins(start + TWIN_GRACE, &local), vec![]);
            peers.closing(&remote, "why");
            assert_eq!(peers.closed(&remote, old), Some(Some("why".into())));
            assert!(peers.is_empty());
        }
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

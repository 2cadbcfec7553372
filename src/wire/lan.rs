//! Nodes on the same LAN, by multicast (mDNS). What is heard there is a hint like any other.
//!
//! Anybody on the LAN can claim anything, and the library keeps all of it. So what is beyond the caps is made to expire
//! at once, and what it would tell the swarm behind our back, unproved addresses of peers, goes no further.

use std::collections::HashMap;
use std::io;
use std::task::{Context, Poll};

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId, mdns};

use crate::address;
use crate::limits::{LAN_QUERY, LAN_TTL, MAX_ADDRESSES_PER_PEER, MAX_LOCAL_PEERS};

/// Who was found, and where.
pub(crate) type Found = Vec<(PeerId, Vec<Multiaddr>)>;

/// Multicast with bounds.
pub(crate) struct Behaviour {
    mdns: mdns::tokio::Behaviour,
    heard: Heard,
}

impl Behaviour {
    pub(crate) fn new(local: PeerId) -> io::Result<Self> {
        let config = mdns::Config { ttl: LAN_TTL, query_interval: LAN_QUERY, enable_ipv6: false };
        Ok(Self { mdns: mdns::tokio::Behaviour::new(config, local)?, heard: Heard::default() })
    }

    #[expect(deprecated, reason = "there is no other way to make the library forget a peer")]
    fn expire(&mut self, peer: &PeerId) {
        self.mdns.expire_node(peer);
    }
}

/// The claims that are kept.
#[derive(Default)]
struct Heard {
    peers: HashMap<PeerId, Vec<Multiaddr>>,
}

impl Heard {
    /// Sorts what was heard into what is worth telling and peers that claim too much or nothing usable.
    fn take(&mut self, claims: Vec<(PeerId, Multiaddr)>) -> (Found, Vec<PeerId>) {
        let (mut found, mut beyond) = (HashMap::<_, Vec<_>>::new(), Vec::new());
        for (peer, claim) in claims {
            let known = self.peers.get(&peer).map_or(0, Vec::len);
            let room = if known == 0 { self.peers.len() < MAX_LOCAL_PEERS } else { known < MAX_ADDRESSES_PER_PEER };
            match address::usable_of(&peer, [&claim], true).pop() {
                Some(address) if room && address::peer_key(&peer).is_some() => {
                    self.peers.entry(peer).or_default().push(claim);
                    found.entry(peer).or_default().push(address);
                }
                _ => beyond.push(peer),
            }
        }
        (found.into_iter().collect(), beyond)
    }

    fn forget(&mut self, claims: &[(PeerId, Multiaddr)]) {
        for (peer, claim) in claims {
            if let Some(known) = self.peers.get_mut(peer) {
                known.retain(|one| one != claim);
            }
        }
        self.peers.retain(|_, known| !known.is_empty());
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = <mdns::tokio::Behaviour as NetworkBehaviour>::ConnectionHandler;
    type ToSwarm = Found;

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.mdns.handle_established_inbound_connection(id, peer, local, remote)
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        remote: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.mdns.handle_established_outbound_connection(id, peer, remote, role, port)
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        self.mdns.on_swarm_event(event);
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {}
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        while let Poll::Ready(event) = self.mdns.poll(cx) {
            match event {
                ToSwarm::GenerateEvent(mdns::Event::Discovered(claims)) => {
                    let (found, beyond) = self.heard.take(claims);
                    for peer in &beyond {
                        self.expire(peer);
                    }
                    if !found.is_empty() {
                        return Poll::Ready(ToSwarm::GenerateEvent(found));
                    }
                }
                ToSwarm::GenerateEvent(mdns::Event::Expired(claims)) => self.heard.forget(&claims),
                _ => {}
            }
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node() -> PeerId {
        crate::Keypair::generate_ed25519().public().to_peer_id()
    }

    fn claim(peer: PeerId, port: usize) -> (PeerId, Multiaddr) {
        (peer, format!("/ip4/192.168.1.7/tcp/{port}/p2p/{peer}").parse().unwrap())
    }

    #[test]
    fn of_a_thousand_peers_and_of_a_peer_with_a_hundred_addresses_only_so_many_are_kept() {
        let mut heard = Heard::default();
        let (talkative, first) = (node(), node());
        let (found, beyond) = heard.take((1..=100).map(|port| claim(talkative, port)).collect());
        assert_eq!((found[0].1.len(), beyond.len()), (MAX_ADDRESSES_PER_PEER, 100 - MAX_ADDRESSES_PER_PEER));
        heard.take(vec![claim(first, 1)]);
        let (found, beyond) = heard.take((0..1_000).map(|_| claim(PeerId::random(), 1)).collect());
        assert_eq!((found.len(), beyond.len()), (0, 1_000), "none of these is an ed25519 peer");
        let (found, _) = heard.take((0..100).map(|_| claim(node(), 1)).collect());
        assert_eq!(found.len(), MAX_LOCAL_PEERS - 2);
        heard.forget(&[claim(first, 1)]);
        assert_eq!(heard.take(vec![claim(node(), 1)]).0.len(), 1, "who is gone makes room");
    }

    #[test]
    fn what_is_heard_is_told_without_the_id_and_names_are_not() {
        let (mut heard, peer) = (Heard::default(), node());
        let (found, beyond) = heard.take(vec![claim(peer, 9), (peer, "/dns4/a.local/tcp/1".parse().unwrap())]);
        assert_eq!(found, vec![(peer, vec!["/ip4/192.168.1.7/tcp/9".parse().unwrap()])]);
        assert_eq!(beyond, vec![peer]);
    }
}

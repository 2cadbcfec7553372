//! At most so many inbound connections from one range of addresses (/24, /64), refused before the handshake: one
//! operator with many addresses cannot take all inbound slots.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::task::{Context, Poll};

use libp2p::core::transport::PortUse;
use libp2p::core::{ConnectedPoint, Endpoint};
use libp2p::swarm::behaviour::{ConnectionClosed, ConnectionEstablished};
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
    dummy,
};
use libp2p::{Multiaddr, PeerId};
use thiserror::Error;

use crate::address;

/// Counts inbound connections by range.
pub(crate) struct Behaviour {
    limit: u32,
    open: HashMap<ConnectionId, Range>,
    counts: HashMap<Range, u32>,
}

/// The first 3 bytes of an IPv4 address, the first 8 of an IPv6 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Range {
    V4([u8; 3]),
    V6([u8; 8]),
}

#[derive(Debug, Error)]
#[error("{0} connections from this range of addresses already")]
struct TooMany(u32);

impl Range {
    pub(crate) fn of(address: &Multiaddr) -> Option<Self> {
        Some(match address::ip(address)? {
            IpAddr::V4(ip) => {
                let [a, b, c, _] = ip.octets();
                Self::V4([a, b, c])
            }
            IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
                Some(ip) => {
                    let [a, b, c, _] = ip.octets();
                    Self::V4([a, b, c])
                }
                None => {
                    let mut first = [0; 8];
                    first.copy_from_slice(&ip.octets()[..8]);
                    Self::V6(first)
                }
            },
        })
    }
}

impl Behaviour {
    pub(crate) fn new(limit: u32) -> Self {
        Self { limit, open: HashMap::new(), counts: HashMap::new() }
    }

    fn allows(&self, remote: &Multiaddr) -> Result<(), ConnectionDenied> {
        let count = Range::of(remote).and_then(|range| self.counts.get(&range)).copied().unwrap_or(0);
        if count >= self.limit { Err(ConnectionDenied::new(TooMany(count))) } else { Ok(()) }
    }

    fn opened(&mut self, id: ConnectionId, remote: &Multiaddr) {
        if let Some(range) = Range::of(remote) {
            self.open.insert(id, range);
            *self.counts.entry(range).or_default() += 1;
        }
    }

    fn closed(&mut self, id: ConnectionId) {
        let Some(range) = self.open.remove(&id) else { return };
        if let Some(count) = self.counts.get_mut(&range) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&range);
            }
        }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.allows(remote)
    }

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.allows(remote).map(|()| dummy::ConnectionHandler)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match event {
            FromSwarm::ConnectionEstablished(ConnectionEstablished {
                connection_id,
                endpoint: ConnectedPoint::Listener { send_back_addr, .. },
                ..
            }) => self.opened(connection_id, send_back_addr),
            FromSwarm::ConnectionClosed(ConnectionClosed { connection_id, .. }) => self.closed(connection_id),
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p05_the_fifth_connection_from_one_range_is_refused_until_one_closes() {
        let mut ranges = Behaviour::new(4);
        let at = |last: u8| -> Multiaddr { format!("/ip4/8.8.8.{last}/tcp/1000").parse().unwrap() };
        for i in 0..4 {
            assert!(ranges.allows(&at(i as u8)).is_ok());
            ranges.opened(ConnectionId::new_unchecked(i), &at(i as u8));
        }
        assert!(ranges.allows(&at(200)).is_err());
        assert!(ranges.allows(&"/ip4/8.8.9.1/tcp/1".parse().unwrap()).is_ok(), "another range is free");
        ranges.closed(ConnectionId::new_unchecked(2));
        assert!(ranges.allows(&at(200)).is_ok());
        for i in 0..4 {
            ranges.closed(ConnectionId::new_unchecked(i));
        }
        assert!(ranges.counts.is_empty() && ranges.open.is_empty(), "nothing is kept of closed connections");
    }

    #[test]
    fn p05_one_ipv6_subnet_is_one_range() {
        let range = |text: &str| Range::of(&text.parse().unwrap()).unwrap();
        assert_eq!(range("/ip6/2600:1:2:3::1/tcp/1"), range("/ip6/2600:1:2:3:ffff::2/tcp/9"));
        assert_ne!(range("/ip6/2600:1:2:3::1/tcp/1"), range("/ip6/2600:1:2:4::1/tcp/1"));
        assert_eq!(range("/ip6/::ffff:8.8.8.8/tcp/1"), range("/ip4/8.8.8.9/tcp/1"));
    }
}

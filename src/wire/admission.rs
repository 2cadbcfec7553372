//! Whom the swarm lets in and dials, by IP address alone, before anything is spent on a handshake: nobody at a refused
//! address (of IPv6 the /64), and at most so many inbound connections from one range (/24, /64), so that one operator
//! with many addresses cannot take all inbound slots.
//!
//! Who is connected from a refused address already is disconnected by the network task, which knows the connections.

use std::collections::{HashMap, HashSet};
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
use crate::limits::MAX_BLOCKED;

/// Who is refused, and how many are here from each range.
pub(crate) struct Behaviour {
    refused: HashSet<IpAddr>,
    max_per_range: u32,
    inbound: HashMap<ConnectionId, Range>,
    counts: HashMap<Range, u32>,
}

/// The first 3 bytes of an IPv4 address, the first 8 of an IPv6 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Range {
    V4([u8; 3]),
    V6([u8; 8]),
}

#[derive(Debug, Error)]
enum Denied {
    #[error("the address {0} is refused")]
    Refused(IpAddr),
    #[error("{0} connections from this range of addresses already")]
    Crowded(u32),
}

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
    /// Lets in so many from one range.
    pub(crate) fn new(max_per_range: u32) -> Self {
        Self { refused: HashSet::new(), max_per_range, inbound: HashMap::new(), counts: HashMap::new() }
    }

    /// Refuses an address from now on, unless [`MAX_BLOCKED`] are refused already.
    pub(crate) fn refuse(&mut self, ip: IpAddr) {
        if self.refused.len() < MAX_BLOCKED {
            self.refused.insert(address::owner(ip));
        }
    }

    /// Lets it in again.
    pub(crate) fn accept(&mut self, ip: IpAddr) {
        self.refused.remove(&address::owner(ip));
    }

    /// Whether an address is refused. One that is a name is not.
    pub(crate) fn refuses(&self, address: &Multiaddr) -> bool {
        address::ip(address).is_some_and(|ip| self.refused.contains(&address::owner(ip)))
    }

    fn may_dial(&self, address: &Multiaddr) -> Result<(), ConnectionDenied> {
        match address::ip(address) {
            Some(ip) if self.refuses(address) => Err(ConnectionDenied::new(Denied::Refused(ip))),
            _ => Ok(()),
        }
    }

    fn may_enter(&self, remote: &Multiaddr) -> Result<(), ConnectionDenied> {
        self.may_dial(remote)?;
        let count = Range::of(remote).and_then(|range| self.counts.get(&range)).copied().unwrap_or(0);
        if count >= self.max_per_range { Err(ConnectionDenied::new(Denied::Crowded(count))) } else { Ok(()) }
    }

    fn entered(&mut self, id: ConnectionId, remote: &Multiaddr) {
        if let Some(range) = Range::of(remote) {
            self.inbound.insert(id, range);
            *self.counts.entry(range).or_default() += 1;
        }
    }

    fn closed(&mut self, id: ConnectionId) {
        let Some(range) = self.inbound.remove(&id) else { return };
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
        self.may_enter(remote)
    }

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.may_enter(remote).map(|()| dummy::ConnectionHandler)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: Option<PeerId>,
        addresses: &[Multiaddr],
        _: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        match addresses.first() {
            Some(first) if addresses.iter().all(|one| self.refuses(one)) => self.may_dial(first).map(|()| Vec::new()),
            _ => Ok(Vec::new()),
        }
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        remote: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        // A name may lead to a refused address.
        self.may_dial(remote).map(|()| dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match event {
            FromSwarm::ConnectionEstablished(ConnectionEstablished {
                connection_id,
                endpoint: ConnectedPoint::Listener { send_back_addr, .. },
                ..
            }) => self.entered(connection_id, send_back_addr),
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

    fn at(ip: &str) -> Multiaddr {
        format!("/{}/{ip}/tcp/1", if ip.contains(':') { "ip6" } else { "ip4" }).parse().unwrap()
    }

    #[test]
    fn p05_a_refused_address_is_refused_however_it_is_written_and_the_list_is_bounded() {
        let mut refused = Behaviour::new(u32::MAX);
        refused.refuse("8.8.8.8".parse().unwrap());
        assert!(refused.may_enter(&at("8.8.8.8")).is_err() && refused.may_enter(&at("::ffff:8.8.8.8")).is_err());
        assert!(refused.may_enter(&at("8.8.8.9")).is_ok());
        refused.accept("::ffff:8.8.8.8".parse().unwrap());
        assert!(refused.may_enter(&at("8.8.8.8")).is_ok());
        refused.refuse("2600:1:2:3::9".parse().unwrap());
        assert!(refused.may_enter(&at("2600:1:2:3:4:5:6:7")).is_err(), "the whole /64");
        assert!(refused.may_enter(&at("2600:1:2:4::9")).is_ok());
        refused.accept("2600:1:2:3::".parse().unwrap());
        for n in 0..2 * MAX_BLOCKED as u32 {
            refused.refuse(IpAddr::V4(n.into()));
        }
        assert_eq!(refused.refused.len(), MAX_BLOCKED);
    }

    #[test]
    fn p05_the_fifth_connection_from_one_range_is_refused_until_one_closes() {
        let mut ranges = Behaviour::new(4);
        let at = |last: u8| -> Multiaddr { format!("/ip4/8.8.8.{last}/tcp/1000").parse().unwrap() };
        for i in 0..4 {
            assert!(ranges.may_enter(&at(i as u8)).is_ok());
            ranges.entered(ConnectionId::new_unchecked(i), &at(i as u8));
        }
        assert!(ranges.may_enter(&at(200)).is_err());
        assert!(ranges.may_enter(&"/ip4/8.8.9.1/tcp/1".parse().unwrap()).is_ok(), "another range is free");
        ranges.closed(ConnectionId::new_unchecked(2));
        assert!(ranges.may_enter(&at(200)).is_ok());
        for i in 0..4 {
            ranges.closed(ConnectionId::new_unchecked(i));
        }
        assert!(ranges.counts.is_empty() && ranges.inbound.is_empty(), "nothing is kept of closed connections");
    }

    #[test]
    fn p05_one_ipv6_subnet_is_one_range() {
        let range = |text: &str| Range::of(&text.parse().unwrap()).unwrap();
        assert_eq!(range("/ip6/2600:1:2:3::1/tcp/1"), range("/ip6/2600:1:2:3:ffff::2/tcp/9"));
        assert_ne!(range("/ip6/2600:1:2:3::1/tcp/1"), range("/ip6/2600:1:2:4::1/tcp/1"));
        assert_eq!(range("/ip6/::ffff:8.8.8.8/tcp/1"), range("/ip4/8.8.8.9/tcp/1"));
    }
}

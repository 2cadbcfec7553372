//! IP addresses (of IPv6 the /64) that are refused, whoever is there: nobody is let in from them and nobody is dialled at them.
//!
//! Who is connected from there already is disconnected by the network task, which knows the connections.

use std::collections::HashSet;
use std::convert::Infallible;
use std::net::IpAddr;
use std::task::{Context, Poll};

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
    dummy,
};
use libp2p::{Multiaddr, PeerId};
use thiserror::Error;

use crate::address;
use crate::limits::MAX_BLOCKED;

/// The refused addresses.
#[derive(Default)]
pub(crate) struct Behaviour {
    addresses: HashSet<IpAddr>,
}

#[derive(Debug, Error)]
#[error("the address {0} is refused")]
struct Refused(IpAddr);

impl Behaviour {
    /// Refuses an address from now on, unless [`MAX_BLOCKED`] are refused already.
    pub(crate) fn refuse(&mut self, ip: IpAddr) {
        if self.addresses.len() < MAX_BLOCKED {
            self.addresses.insert(address::owner(ip));
        }
    }

    /// Lets it in again.
    pub(crate) fn accept(&mut self, ip: IpAddr) {
        self.addresses.remove(&address::owner(ip));
    }

    /// Whether an address is refused. One that is a name is not.
    pub(crate) fn refuses(&self, address: &Multiaddr) -> bool {
        address::ip(address).is_some_and(|ip| self.addresses.contains(&address::owner(ip)))
    }

    fn allows(&self, address: &Multiaddr) -> Result<(), ConnectionDenied> {
        match address::ip(address) {
            Some(ip) if self.refuses(address) => Err(ConnectionDenied::new(Refused(ip))),
            _ => Ok(()),
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

    fn handle_pending_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: Option<PeerId>,
        addresses: &[Multiaddr],
        _: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        match addresses.first() {
            Some(first) if addresses.iter().all(|one| self.refuses(one)) => self.allows(first).map(|()| Vec::new()),
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
        self.allows(remote).map(|()| dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, _: FromSwarm) {}

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
        let mut refused = Behaviour::default();
        refused.refuse("8.8.8.8".parse().unwrap());
        assert!(refused.allows(&at("8.8.8.8")).is_err() && refused.allows(&at("::ffff:8.8.8.8")).is_err());
        assert!(refused.allows(&at("8.8.8.9")).is_ok());
        refused.accept("::ffff:8.8.8.8".parse().unwrap());
        assert!(refused.allows(&at("8.8.8.8")).is_ok());
        refused.refuse("2600:1:2:3::9".parse().unwrap());
        assert!(refused.allows(&at("2600:1:2:3:4:5:6:7")).is_err(), "the whole /64");
        assert!(refused.allows(&at("2600:1:2:4::9")).is_ok());
        refused.accept("2600:1:2:3::".parse().unwrap());
        for n in 0..2 * MAX_BLOCKED as u32 {
            refused.refuse(IpAddr::V4(n.into()));
        }
        assert_eq!(refused.addresses.len(), MAX_BLOCKED);
    }
}

//! How a peer is connected: over which address, and who dialed.

use std::net::IpAddr;

use wire::{Multiaddr, Protocol};

/// How a peer is connected.
#[derive(Debug, Clone)]
pub struct Link {
    /// Its address.
    pub address: Multiaddr,
    /// Whether this node dialed.
    pub outbound: bool,
}

impl Link {
    /// The address without the peer id, if this node dialed it.
    pub fn dialed(&self) -> Option<String> {
        self.outbound.then(|| dialed_address(&self.address))
    }

    /// Where a peer that dialed comes from.
    pub fn from(&self) -> Option<IpAddr> {
        if self.outbound { None } else { wire::address::ip(&self.address) }
    }
}

/// A multiaddress without the peer id at its end.
pub fn dialed_address(address: &Multiaddr) -> String {
    address.iter().filter(|part| !matches!(part, Protocol::P2p(_))).collect::<Multiaddr>().to_string()
}

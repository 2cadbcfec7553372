//! Where an address points: its IP, the range that counts against one operator with many addresses, and the place
//! that a dial knocks at. Reads the text of multiaddresses; resolves nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Length of one address as text; the wire's limit is the same.
const MAX_ADDRESS_BYTES: usize = 256;

/// One operator's addresses, as far as they can be told apart: the first two bytes of an IPv4 address, the first four
/// of an IPv6 address. What a provider gives out together mostly lies in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Range {
    V4([u8; 2]),
    V6([u8; 4]),
}

/// What a dial knocks at: a public address whatever the port, since who is attacked by our dials is the host; on a
/// private network, where one address has many nodes, the address with its port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Place {
    Host(IpAddr),
    Port(String),
}

impl Range {
    /// None for private addresses and for names, of which nobody can collect many.
    pub fn of(address: &str) -> Option<Self> {
        Self::of_ip(ip(address)?)
    }

    pub fn of_ip(ip: IpAddr) -> Option<Self> {
        match public(ip)? {
            IpAddr::V4(ip) => {
                let [a, b, ..] = ip.octets();
                Some(Self::V4([a, b]))
            }
            IpAddr::V6(ip) => {
                let [a, b, c, d, ..] = ip.octets();
                Some(Self::V6([a, b, c, d]))
            }
        }
    }
}

impl Place {
    pub fn of(address: &str) -> Self {
        match ip(address).and_then(public) {
            Some(ip) => Self::Host(ip),
            None => Self::Port(bare(address).into()),
        }
    }
}

/// A multiaddress without the peer id at its end.
pub(super) fn bare(address: &str) -> &str {
    address.split("/p2p/").next().unwrap_or(address)
}

/// Whether a text can be an address at all. What it is exactly, the wire knows.
pub(super) fn is_address(text: &str) -> bool {
    text.len() <= MAX_ADDRESS_BYTES && text.starts_with('/') && !text.contains(char::is_whitespace)
}

/// The IP that an address begins with; an IPv4 address that is written as IPv6 is one.
pub(super) fn ip(address: &str) -> Option<IpAddr> {
    let mut parts = address.strip_prefix('/')?.split('/');
    let ip: IpAddr = match (parts.next()?, parts.next()?) {
        ("ip4", ip) => ip.parse::<Ipv4Addr>().ok()?.into(),
        ("ip6", ip) => ip.parse::<Ipv6Addr>().ok()?.into(),
        _ => return None,
    };
    Some(ip.to_canonical())
}

/// What is refused when somebody misbehaves: a public IPv4 address, or the /64 of a public IPv6 address, of which
/// everybody has a whole one.
pub(super) fn refusable(ip: IpAddr) -> Option<IpAddr> {
    Some(match public(ip)? {
        IpAddr::V4(ip) => ip.into(),
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    })
}

/// The address, if it is reachable from everywhere.
fn public(ip: IpAddr) -> Option<IpAddr> {
    let private = match ip {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            let shared = a == 100 && (64..128).contains(&b);
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified() || shared
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local() || ip.is_unicast_link_local(),
    };
    (!private).then_some(ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_a_16_of_ipv4_and_a_32_of_ipv6_and_private_addresses_have_none() {
        assert_eq!(Range::of("/ip4/8.8.1.2/tcp/1"), Range::of("/ip4/8.8.200.9/tcp/2"));
        assert_ne!(Range::of("/ip4/8.8.1.2/tcp/1"), Range::of("/ip4/8.9.1.2/tcp/1"));
        assert_eq!(Range::of("/ip6/2600:1:a::1/tcp/1"), Range::of("/ip6/2600:1:b::2/tcp/1"));
        assert_ne!(Range::of("/ip6/2600:1::1/tcp/1"), Range::of("/ip6/2600:2::1/tcp/1"));
        assert_eq!(Range::of("/ip6/::ffff:8.8.1.2/tcp/1"), Range::of("/ip4/8.8.1.2/tcp/1"));
        let private =
            ["/ip4/10.0.0.1/tcp/1", "/ip4/127.0.0.1/tcp/1", "/ip4/192.168.1.1/tcp/1", "/ip4/100.64.0.1/tcp/1"];
        for none in
            private.into_iter().chain(["/ip6/::1/tcp/1", "/ip6/fd00::1/tcp/1", "/dns4/a.example/tcp/1", "x", ""])
        {
            assert_eq!(Range::of(none), None, "{none}");
        }
    }

    #[test]
    fn a_public_host_is_one_place_whatever_the_port_and_a_private_one_is_many() {
        assert_eq!(Place::of("/ip4/8.8.8.8/tcp/1"), Place::of("/ip4/8.8.8.8/tcp/2/p2p/12D3"));
        assert_ne!(Place::of("/ip4/127.0.0.1/tcp/1"), Place::of("/ip4/127.0.0.1/tcp/2"));
        assert_eq!(Place::of("/ip4/127.0.0.1/tcp/1/p2p/12D3"), Place::of("/ip4/127.0.0.1/tcp/1"));
    }

    #[test]
    fn of_ipv6_the_64_is_refused_and_of_private_addresses_nothing() {
        let refused = |text: &str| refusable(text.parse().unwrap()).map(|ip| ip.to_string());
        assert_eq!(refused("2600:1:2:3:4:5:6:7").as_deref(), Some("2600:1:2:3::"));
        assert_eq!(refused("8.8.8.8").as_deref(), Some("8.8.8.8"));
        assert_eq!(refused("10.1.2.3"), None);
    }
}

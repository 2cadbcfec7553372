//! Which addresses of strangers may be dialled or passed on, and how a peer's id and its key are the same thing.
//!
//! Addresses of the operator (`--peer`, `--listen`) are not filtered here: who runs a node knows what is reachable.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libp2p::identity::PublicKey;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};

use crate::limits::MAX_ADDRESSES_PER_PEER;

/// Whether an address that a stranger told may be used: an IP address and a TCP port, reachable from everywhere unless
/// `private_ok`. Names are refused, as a stranger could point them anywhere later.
pub fn is_usable(address: &Multiaddr, private_ok: bool) -> bool {
    let mut parts = address.iter();
    let ip = match parts.next() {
        Some(Protocol::Ip4(ip)) => IpAddr::V4(ip),
        Some(Protocol::Ip6(ip)) => IpAddr::V6(ip),
        _ => return false,
    };
    let port = matches!(parts.next(), Some(Protocol::Tcp(port)) if port != 0);
    let end = matches!((parts.next(), parts.next()), (None, None) | (Some(Protocol::P2p(_)), None));
    let ip_ok = if private_ok { is_somewhere(&ip) } else { is_global(&ip) };
    port && end && ip_ok
}

/// The usable ones of the addresses that were told for `peer`, without the peer's id and without repetition, at most
/// [`MAX_ADDRESSES_PER_PEER`].
pub fn usable_of<'a>(
    peer: &PeerId,
    addresses: impl IntoIterator<Item = &'a Multiaddr>,
    private_ok: bool,
) -> Vec<Multiaddr> {
    let mut kept = Vec::new();
    for address in addresses {
        let Some(address) = without_peer(peer, address) else { continue };
        if is_usable(&address, private_ok) && !kept.contains(&address) {
            kept.push(address);
        }
        if kept.len() == MAX_ADDRESSES_PER_PEER {
            break;
        }
    }
    kept
}

/// The address without the peer's id at its end; nothing if it names another peer.
pub fn without_peer(peer: &PeerId, address: &Multiaddr) -> Option<Multiaddr> {
    let mut address = address.clone();
    match address.iter().last() {
        Some(Protocol::P2p(named)) if named != *peer => None,
        Some(Protocol::P2p(_)) => {
            address.pop();
            Some(address)
        }
        _ => Some(address),
    }
}

/// The peer that an address names at its end.
pub fn named_peer(address: &Multiaddr) -> Option<PeerId> {
    match address.iter().last() {
        Some(Protocol::P2p(peer)) => Some(peer),
        _ => None,
    }
}

/// The IP address that an address starts with.
pub fn ip(address: &Multiaddr) -> Option<IpAddr> {
    match address.iter().next() {
        Some(Protocol::Ip4(ip)) => Some(ip.into()),
        Some(Protocol::Ip6(ip)) => Some(ip.into()),
        _ => None,
    }
}

/// Whom an address belongs to where somebody is refused: an IPv4 address however it is written; of IPv6 the /64, of
/// which everybody has a whole one.
pub(crate) fn owner(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.into(),
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

/// The 32 bytes of the ed25519 key that a peer's id contains; nothing for ids of other kinds, which are refused.
pub fn peer_key(peer: &PeerId) -> Option<[u8; 32]> {
    let hash = peer.as_ref();
    let key = (hash.code() == 0).then(|| PublicKey::try_decode_protobuf(hash.digest()).ok())??;
    key.try_into_ed25519().ok().map(|key| key.to_bytes())
}

fn is_somewhere(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !ip.is_unspecified() && !ip.is_multicast() && !ip.is_broadcast(),
        IpAddr::V6(ip) => !ip.is_unspecified() && !ip.is_multicast(),
    }
}

fn is_global(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_global_v4(ip),
        IpAddr::V6(ip) => ip.to_ipv4_mapped().map_or_else(|| is_global_v6(ip), |ip| is_global_v4(&ip)),
    }
}

fn is_global_v4(ip: &Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let benchmark = a == 198 && (b == 18 || b == 19);
    let assigned = a == 192 && b == 0 && c == 0;
    let reserved = a == 0 || a >= 240;
    let local = ip.is_loopback() || ip.is_private() || ip.is_link_local();
    !(local || shared || benchmark || assigned || reserved || ip.is_multicast() || ip.is_documentation())
}

fn is_global_v6(ip: &Ipv6Addr) -> bool {
    let [first, second, ..] = ip.segments();
    // Only 2000::/3 is given out; within it, 2001:db8::/32 is for documents.
    first & 0xe000 == 0x2000 && !(first == 0x2001 && second == 0x0db8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    #[test]
    fn p08_only_global_tcp_addresses_of_strangers_are_usable() {
        for good in ["/ip4/8.8.8.8/tcp/4100", "/ip6/2600::1/tcp/1"] {
            assert!(is_usable(&addr(good), false), "{good}");
        }
        let private = [
            "/ip4/127.0.0.1/tcp/1",
            "/ip4/10.1.2.3/tcp/1",
            "/ip4/172.16.0.1/tcp/1",
            "/ip4/192.168.1.1/tcp/1",
            "/ip4/169.254.1.1/tcp/1",
            "/ip4/100.64.0.1/tcp/1",
            "/ip4/192.0.2.1/tcp/1",
            "/ip4/198.18.0.1/tcp/1",
            "/ip6/::1/tcp/1",
            "/ip6/fe80::1/tcp/1",
            "/ip6/fd00::1/tcp/1",
            "/ip6/2001:db8::1/tcp/1",
            "/ip6/::ffff:10.0.0.1/tcp/1",
        ];
        for one in private {
            assert!(!is_usable(&addr(one), false), "{one}");
            assert!(is_usable(&addr(one), true), "{one} on a private network");
        }
        let never = [
            "/ip4/0.0.0.0/tcp/1",
            "/ip4/224.0.0.1/tcp/1",
            "/ip4/8.8.8.8/tcp/0",
            "/ip4/8.8.8.8",
            "/ip4/8.8.8.8/udp/1",
            "/dns4/node.local/tcp/1",
            "/dnsaddr/example.org",
            "/ip4/8.8.8.8/tcp/1/ws",
        ];
        for one in never {
            assert!(!is_usable(&addr(one), true) && !is_usable(&addr(one), false), "{one}");
        }
    }

    #[test]
    fn p08_of_100_addresses_ten_are_kept_and_none_that_names_another_peer() {
        let (peer, other) = (PeerId::random(), PeerId::random());
        let told: Vec<Multiaddr> = (1..=100).map(|port| addr(&format!("/ip4/8.8.8.8/tcp/{port}"))).collect();
        assert_eq!(usable_of(&peer, &told, false).len(), MAX_ADDRESSES_PER_PEER);
        let foreign = addr(&format!("/ip4/8.8.8.8/tcp/1/p2p/{other}"));
        let own = addr(&format!("/ip4/8.8.8.8/tcp/1/p2p/{peer}"));
        assert_eq!(usable_of(&peer, [&foreign, &own, &own], false), vec![addr("/ip4/8.8.8.8/tcp/1")]);
        assert_eq!(named_peer(&own), Some(peer));
    }

    #[test]
    fn a_peer_id_is_its_key() {
        let peer = crate::Keypair::generate_ed25519().public().to_peer_id();
        let key = peer_key(&peer).unwrap();
        assert_eq!(peer.to_bytes()[6..], key);
        assert_eq!(peer_key(&PeerId::random()), None, "an id that is only a hash contains no key");
    }
}

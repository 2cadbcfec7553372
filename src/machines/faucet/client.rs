//! Who claims, as the limits count it: an IPv4 address whole, an IPv6 address by its /64, and the wider ranges around.

use std::fmt;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

/// Wider ranges of IPv4 and how many claims of each are paid in an interval: an office, a provider's town.
const WIDER_V4: [(u8, usize); 2] = [(24, 4), (16, 64)];
/// Wider ranges of IPv6: a household with several people, a site, a provider.
const WIDER_V6: [(u8, usize); 3] = [(56, 4), (48, 16), (32, 128)];

/// Where a claim came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Client(IpNet);

impl From<IpAddr> for Client {
    fn from(address: IpAddr) -> Self {
        let range = match address.to_canonical() {
            IpAddr::V4(v4) => Ipv4Net::from(v4).into(),
            IpAddr::V6(v6) => IpNet::V6(cut_v6(v6.into(), 64)),
        };
        Self(range)
    }
}

impl Client {
    /// The range that is one client.
    pub fn range(self) -> IpNet {
        self.0
    }

    /// The wider ranges around it with the claims that each is paid in an interval. None around an address that only
    /// the operator's own network can have: everybody there is in one range, and nobody comes from outside.
    pub fn wider(self) -> Vec<(IpNet, usize)> {
        if !self.is_public() {
            return Vec::new();
        }
        let around = |(length, quota): &(u8, usize)| (self.cut(*length), *quota);
        match self.0 {
            IpNet::V4(_) => WIDER_V4.iter().map(around).collect(),
            IpNet::V6(_) => WIDER_V6.iter().map(around).collect(),
        }
    }

    /// The range whose addresses one party can have by the hundred: IPv4 /24, IPv6 /48; outside the public internet
    /// the client alone. Who claims there often does more work for less.
    pub fn neighbourhood(self) -> IpNet {
        match self.0 {
            _ if !self.is_public() => self.0,
            IpNet::V4(_) => self.cut(24),
            IpNet::V6(_) => self.cut(48),
        }
    }

    fn cut(self, length: u8) -> IpNet {
        IpNet::new(self.0.network(), length).map_or(self.0, |range| range.trunc())
    }

    fn is_public(self) -> bool {
        match self.0 {
            IpNet::V4(range) => {
                let address = range.addr();
                !(address.is_private() || address.is_loopback() || address.is_link_local())
            }
            IpNet::V6(range) => {
                let address = range.addr();
                let local = address.is_unique_local() || address.is_unicast_link_local();
                // The /64 of the loopback address begins with zeros alone.
                !(local || address.segments()[..4] == [0; 4])
            }
        }
    }
}

fn cut_v6(range: Ipv6Net, length: u8) -> Ipv6Net {
    Ipv6Net::new(range.addr(), length).map_or(range, |range| range.trunc())
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(text: &str) -> Client {
        text.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn addresses_of_one_client_are_one_and_ranges_lie_around_it() {
        assert_eq!(client("::ffff:192.0.2.1"), client("192.0.2.1"), "the same address, written as IPv6");
        assert_eq!(client("2001:db8:1:2::1"), client("2001:db8:1:2:ffff::9"));
        assert_eq!(client("192.0.2.7").to_string(), "192.0.2.7/32");
        assert_eq!(client("192.0.2.7").neighbourhood().to_string(), "192.0.2.0/24");
        assert_eq!(client("2001:db8:1:2::1").neighbourhood().to_string(), "2001:db8:1::/48");
        let wider: Vec<_> = client("2001:db8:1:2ff::1").wider().iter().map(|(range, _)| range.to_string()).collect();
        assert_eq!(wider, ["2001:db8:1:200::/56", "2001:db8:1::/48", "2001:db8::/32"]);
    }

    #[test]
    fn an_own_network_has_no_wider_ranges() {
        for own in ["127.0.0.9", "10.1.2.3", "192.168.1.1", "172.16.0.1", "::1", "fd00::1", "fe80::1"] {
            assert_eq!(client(own).wider(), [], "{own}");
            assert_eq!(client(own).neighbourhood(), client(own).range(), "{own}");
        }
        assert_eq!(client("172.32.0.1").wider().len(), 2);
    }
}

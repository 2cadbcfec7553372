//! Who may claim again, and when: accounts and address ranges, on the monotonic clock.
//!
//! A clock that steps neither frees anybody early nor locks anybody for longer than one interval (rule C6).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use ledger::Address;
use serde::{Deserialize, Serialize};

/// Claims of one IPv6 /56 in an interval: a household has one /56 and several people.
const PER_56: usize = 4;
/// Claims of one IPv6 /48 in an interval: a site.
const PER_48: usize = 16;

/// Where a claim came from, as the limits count it: an IPv4 address whole, an IPv6 address by its /64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Client {
    /// An IPv4 address.
    V4([u8; 4]),
    /// The first 64 bits of an IPv6 address.
    V6([u8; 8]),
}

impl From<IpAddr> for Client {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::V4(v4.octets()),
            IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
                Some(v4) => Self::V4(v4.octets()),
                None => Self::V6(network(&v6)),
            },
        }
    }
}

fn network(address: &Ipv6Addr) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&address.octets()[..8]);
    bytes
}

/// A range that is counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Range {
    Client(Client),
    V6Slash56([u8; 7]),
    V6Slash48([u8; 6]),
}

/// The limits of rule C1 and C2. Holds at most one entry for each claim that is kept, and those are capped.
#[derive(Debug, Default)]
pub struct Limits {
    accounts: HashMap<Address, u64>,
    ranges: HashMap<Range, Vec<u64>>,
}

impl Limits {
    /// Milliseconds until `to` may be paid again; none if now.
    pub fn account_wait(&self, to: &Address, mono: u64) -> Option<u64> {
        self.accounts.get(to)?.checked_sub(mono).filter(|wait| *wait > 0)
    }

    /// Milliseconds until this client may claim again; none if now.
    pub fn client_wait(&self, client: Client, mono: u64) -> Option<u64> {
        ranges(client)
            .filter_map(|(range, cap)| {
                let mut until: Vec<_> =
                    self.ranges.get(&range)?.iter().copied().filter(|until| *until > mono).collect();
                until.sort_unstable();
                // With `cap` claims open, the one that ends soonest makes room.
                (until.len() >= cap).then(|| until[until.len() - cap] - mono)
            })
            .max()
    }

    /// Counts a claim until `until`.
    pub fn count(&mut self, client: Client, to: Address, until: u64) {
        let latest = self.accounts.entry(to).or_insert(until);
        *latest = until.max(*latest);
        for (range, _) in ranges(client) {
            self.ranges.entry(range).or_default().push(until);
        }
    }

    /// Takes back a claim that was counted until `until` and came to nothing.
    pub fn uncount(&mut self, client: Client, to: &Address, until: u64) {
        if self.accounts.get(to) == Some(&until) {
            self.accounts.remove(to);
        }
        for (range, _) in ranges(client) {
            if let Some(open) = self.ranges.get_mut(&range)
                && let Some(i) = open.iter().position(|other| *other == until)
            {
                open.swap_remove(i);
            }
        }
        self.ranges.retain(|_, open| !open.is_empty());
    }

    /// Forgets what has passed.
    pub fn sweep(&mut self, mono: u64) {
        self.accounts.retain(|_, until| *until > mono);
        self.ranges.retain(|_, open| {
            open.retain(|until| *until > mono);
            !open.is_empty()
        });
    }
}

fn ranges(client: Client) -> impl Iterator<Item = (Range, usize)> {
    let mut ranges = vec![(Range::Client(client), 1)];
    if let Client::V6([a, b, c, d, e, f, g, _]) = client {
        ranges.push((Range::V6Slash56([a, b, c, d, e, f, g]), PER_56));
        ranges.push((Range::V6Slash48([a, b, c, d, e, f]), PER_48));
    }
    ranges.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(text: &str) -> Client {
        text.parse::<IpAddr>().unwrap().into()
    }

    fn account(i: u8) -> Address {
        Address([i; 20])
    }

    #[test]
    fn an_ipv4_address_and_an_account_claim_once_in_an_interval() {
        let mut limits = Limits::default();
        limits.count(client("192.0.2.1"), account(1), 100);
        assert_eq!(limits.client_wait(client("192.0.2.1"), 40), Some(60));
        assert_eq!(limits.client_wait(client("::ffff:192.0.2.1"), 40), Some(60), "the same address, written as IPv6");
        assert_eq!(limits.account_wait(&account(1), 99), Some(1));
        assert_eq!(limits.client_wait(client("192.0.2.2"), 40), None);
        assert_eq!(limits.account_wait(&account(1), 100), None);
    }

    #[test]
    fn f05_all_addresses_of_a_64_are_one_client_and_wider_ranges_have_quotas() {
        let mut limits = Limits::default();
        limits.count(client("2001:db8:0:1::1"), account(0), 100);
        assert!(limits.client_wait(client("2001:db8:0:1:ffff::9"), 0).is_some(), "the same /64");
        for i in 2..5 {
            let other = client(&format!("2001:db8:0:{i}::1"));
            assert_eq!(limits.client_wait(other, 0), None, "/64 number {i} of the /56");
            limits.count(other, account(i), 100 + u64::from(i));
        }
        assert_eq!(limits.client_wait(client("2001:db8:0:5::1"), 0), Some(100), "the /56 has had its four");
        assert_eq!(limits.client_wait(client("2001:db8:0:100::1"), 0), None, "another /56 of the same /48");
    }

    #[test]
    fn a_claim_that_came_to_nothing_leaves_no_trace() {
        let mut limits = Limits::default();
        limits.count(client("2001:db8::1"), account(1), 100);
        limits.uncount(client("2001:db8::1"), &account(1), 100);
        assert_eq!(limits.client_wait(client("2001:db8::1"), 0), None);
        assert!(limits.accounts.is_empty() && limits.ranges.is_empty());
    }

    #[test]
    fn f14_what_has_passed_is_swept() {
        let mut limits = Limits::default();
        for i in 0..200 {
            limits.count(client(&format!("192.0.2.{i}")), account(i), 100);
        }
        limits.sweep(100);
        assert!(limits.accounts.is_empty() && limits.ranges.is_empty());
    }
}

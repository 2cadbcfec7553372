//! Who may claim again, and when: accounts and address ranges, on the monotonic clock.
//!
//! A clock that steps neither frees anybody early nor locks anybody for longer than one interval (rule C6). Holds a few
//! entries for each claim that is kept, and those are capped.

use std::collections::HashMap;

use ipnet::IpNet;
use ledger::Address;

use super::client::Client;

/// How long somebody waits, in milliseconds, and for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// The client or the account itself was paid.
    Own(u64),
    /// A range around the client has had its share.
    Range(u64, IpNet),
}

/// The limits of rules C1 and C2.
#[derive(Debug, Default)]
pub struct Limits {
    accounts: HashMap<Address, u64>,
    /// Until when each claim of a range counts.
    ranges: HashMap<IpNet, Vec<u64>>,
}

impl Limits {
    /// Milliseconds until `to` may be paid again; none if now.
    pub fn account_wait(&self, to: &Address, mono: u64) -> Option<u64> {
        self.accounts.get(to)?.checked_sub(mono).filter(|wait| *wait > 0)
    }

    /// How long this client must wait; none if not at all.
    pub fn client_wait(&self, client: Client, mono: u64) -> Option<Wait> {
        if let Some(ms) = self.range_wait(&client.range(), 1, mono) {
            return Some(Wait::Own(ms));
        }
        let waits = client.wider().into_iter().filter_map(|(range, quota)| {
            let ms = self.range_wait(&range, quota, mono)?;
            Some((ms, range))
        });
        waits.max_by_key(|(ms, _)| *ms).map(|(ms, range)| Wait::Range(ms, range))
    }

    /// Claims of a range that count now.
    pub fn open(&self, range: &IpNet, mono: u64) -> usize {
        self.ranges.get(range).map_or(0, |open| open.iter().filter(|until| **until > mono).count())
    }

    /// With `quota` claims open, the one that ends soonest makes room.
    fn range_wait(&self, range: &IpNet, quota: usize, mono: u64) -> Option<u64> {
        let mut until: Vec<_> = self.ranges.get(range)?.iter().copied().filter(|until| *until > mono).collect();
        until.sort_unstable();
        (until.len() >= quota).then(|| until[until.len() - quota] - mono)
    }

    /// Counts a claim until `until`.
    pub fn count(&mut self, client: Client, to: Address, until: u64) {
        let latest = self.accounts.entry(to).or_insert(until);
        *latest = until.max(*latest);
        for range in counted(client) {
            self.ranges.entry(range).or_default().push(until);
        }
    }

    /// Takes back a claim that was counted until `until` and came to nothing.
    pub fn uncount(&mut self, client: Client, to: &Address, until: u64) {
        if self.accounts.get(to) == Some(&until) {
            self.accounts.remove(to);
        }
        for range in counted(client) {
            let Some(open) = self.ranges.get_mut(&range) else { continue };
            if let Some(i) = open.iter().position(|other| *other == until) {
                open.swap_remove(i);
            }
            if open.is_empty() {
                self.ranges.remove(&range);
            }
        }
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

fn counted(client: Client) -> impl Iterator<Item = IpNet> {
    let own = client.range();
    let near = client.neighbourhood();
    let wider: Vec<_> = client.wider().into_iter().map(|(range, _)| range).collect();
    // The neighbourhood is one of the wider ranges, or the client itself.
    debug_assert!(near == own || wider.contains(&near));
    std::iter::once(own).chain(wider)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

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
        assert_eq!(limits.client_wait(client("192.0.2.1"), 40), Some(Wait::Own(60)));
        assert_eq!(limits.account_wait(&account(1), 99), Some(1));
        assert_eq!(limits.client_wait(client("192.0.2.2"), 40), None);
        assert_eq!(limits.account_wait(&account(1), 100), None);
    }

    #[test]
    fn f05_all_addresses_of_a_64_are_one_client_and_wider_ranges_have_quotas() {
        let mut limits = Limits::default();
        limits.count(client("2001:db8:0:1::1"), account(0), 100);
        for address in 0..256 {
            let same = client(&format!("2001:db8:0:1::{address:x}"));
            assert!(limits.client_wait(same, 0).is_some(), "address {address} of the same /64");
        }
        // 256 /64s of one /56, then all of its /48: four and sixteen are paid.
        let mut paid = 1;
        for subnet in 2..256 {
            let other = client(&format!("2001:db8:0:{subnet:x}::1"));
            if limits.client_wait(other, 0).is_none() {
                limits.count(other, account(0), 100 + subnet);
                paid += 1;
            }
        }
        assert_eq!(paid, 4);
        let range = "2001:db8::/56".parse().unwrap();
        assert_eq!(limits.client_wait(client("2001:db8:0:ff::1"), 0), Some(Wait::Range(100, range)));
        for subnet in 0x100..0x4000 {
            let other = client(&format!("2001:db8:0:{subnet:x}::1"));
            if limits.client_wait(other, 0).is_none() {
                limits.count(other, account(0), 200);
                paid += 1;
            }
        }
        assert_eq!(paid, 16);
        assert_eq!(limits.client_wait(client("2001:db8:1::1"), 0), None, "another /48 of the same /32");
    }

    #[test]
    fn f05_an_ipv4_24_has_four_claims_and_a_16_sixty_four() {
        let mut limits = Limits::default();
        let mut paid = 0;
        for (third, fourth) in (0..=255).flat_map(|third| (0..=9).map(move |fourth| (third, fourth))) {
            let client = client(&format!("198.51.{third}.{fourth}"));
            if limits.client_wait(client, 0).is_none() {
                limits.count(client, account(0), 100);
                paid += 1;
            }
            assert!(third > 0 || paid <= 4);
        }
        assert_eq!(paid, 64);
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

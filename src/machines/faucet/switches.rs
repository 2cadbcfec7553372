//! What the operator decides while the node runs: pause, amount, lists. Kept, so that it holds after a restart.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use ipnet::IpNet;
use ledger::{Address, Amount};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::client::Client;

/// Entries of each list: what one operator can look after.
pub const MAX_ENTRIES: usize = 1_000;

/// An account or an address range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Entry {
    /// An account.
    Account(Address),
    /// An address range.
    Range(IpNet),
}

impl FromStr for Entry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let range = |text: &str| {
            let net: Option<IpNet> = text.parse().ok();
            net.or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from))
        };
        if let Ok(account) = text.parse() {
            return Ok(Self::Account(account));
        }
        let range = range(text).ok_or_else(|| {
            format!("'{text}' is neither an account (0x and 40 hex digits) nor an address range (such as 192.0.2.0/24)")
        })?;
        Ok(Self::Range(range.trunc()))
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(account) => account.fmt(f),
            Self::Range(range) => range.fmt(f),
        }
    }
}

/// What the operator says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Pay nobody until told otherwise.
    Pause,
    /// Pay again.
    Resume,
    /// What a claim gets in calm times; none means what the configuration says.
    Amount(Option<Amount>),
    /// No limits but time and budget for it; an account on this list is never a collector.
    Allow(Entry),
    /// Nothing for it.
    Deny(Entry),
    /// On neither list any more.
    Forget(Entry),
    /// What the faucet found out about it was a mistake, or is past.
    Pardon(Entry),
}

/// Why an order is not followed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OrderError {
    /// A list is full.
    #[error("a list has {MAX_ENTRIES} entries at most: take some off first with forget")]
    Full,
    /// Nothing is known of it.
    #[error("{0} is neither flagged nor refused: there is nothing to pardon")]
    NothingToPardon(Entry),
    /// It is on no list.
    #[error("{0} is on no list")]
    NotListed(Entry),
    /// Nothing at all would be paid.
    #[error("the amount must be more than 0: pause the faucet instead")]
    NoAmount,
    /// It could not be kept; it holds until the node stops.
    #[error("this holds until the node stops, but could not be kept: {0}")]
    NotKept(String),
}

/// What holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Switches {
    /// Nobody is paid.
    pub paused: bool,
    /// In place of the configured amount.
    pub amount: Option<Amount>,
    /// No limits but time and budget.
    pub allowed: BTreeSet<Entry>,
    /// Nothing.
    pub denied: BTreeSet<Entry>,
}

impl Switches {
    /// Follows an order; a pardon is not for these.
    pub fn follow(&mut self, order: Order) -> Result<(), OrderError> {
        match order {
            Order::Pause => self.paused = true,
            Order::Resume => self.paused = false,
            Order::Amount(Some(Amount::ZERO)) => return Err(OrderError::NoAmount),
            Order::Amount(amount) => self.amount = amount,
            Order::Allow(entry) => {
                put(&mut self.allowed, entry)?;
                self.denied.remove(&entry);
            }
            Order::Deny(entry) => {
                put(&mut self.denied, entry)?;
                self.allowed.remove(&entry);
            }
            Order::Forget(entry) => {
                let (allowed, denied) = (self.allowed.remove(&entry), self.denied.remove(&entry));
                if !(allowed || denied) {
                    return Err(OrderError::NotListed(entry));
                }
            }
            Order::Pardon(_) => {}
        }
        Ok(())
    }

    /// Whether a claim of `to` by `client` is allowed whatever was found out about either.
    pub fn allows(&self, to: &Address, client: Client) -> bool {
        holds(&self.allowed, to, client)
    }

    /// Whether nothing is paid for it.
    pub fn denies(&self, to: &Address, client: Client) -> bool {
        holds(&self.denied, to, client)
    }

    /// Whether an account is beyond suspicion.
    pub fn trusts(&self, account: &Address) -> bool {
        self.allowed.contains(&Entry::Account(*account))
    }
}

fn put(list: &mut BTreeSet<Entry>, entry: Entry) -> Result<(), OrderError> {
    if list.len() >= MAX_ENTRIES && !list.contains(&entry) {
        return Err(OrderError::Full);
    }
    list.insert(entry);
    Ok(())
}

fn holds(list: &BTreeSet<Entry>, to: &Address, client: Client) -> bool {
    let range = client.range();
    list.contains(&Entry::Account(*to))
        || list.iter().any(|entry| matches!(entry, Entry::Range(listed) if listed.contains(&range)))
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn entries_are_read_as_they_are_written() {
        let account = "0xf4bcd665c2595fb3253ade200bb80d7e5ddd9ca2";
        for text in [account, "192.0.2.0/24", "2001:db8::/48"] {
            assert_eq!(text.parse::<Entry>().unwrap().to_string(), text);
        }
        assert_eq!("192.0.2.9/24".parse::<Entry>().unwrap().to_string(), "192.0.2.0/24");
        assert_eq!("192.0.2.9".parse::<Entry>().unwrap().to_string(), "192.0.2.9/32");
        assert!("alice".parse::<Entry>().unwrap_err().contains("192.0.2.0/24"));
    }

    #[test]
    fn a_listed_range_holds_for_every_client_in_it_and_the_last_word_counts() {
        let client = Client::from("192.0.2.7".parse::<IpAddr>().unwrap());
        let (to, range) = (Address([1; 20]), "192.0.2.0/24".parse().unwrap());
        let mut switches = Switches::default();
        switches.follow(Order::Deny(range)).unwrap();
        assert!(switches.denies(&to, client) && !switches.allows(&to, client));
        switches.follow(Order::Allow(range)).unwrap();
        assert!(!switches.denies(&to, client) && switches.allows(&to, client));
        switches.follow(Order::Forget(range)).unwrap();
        assert_eq!(switches, Switches::default());
        assert_eq!(switches.follow(Order::Forget(range)), Err(OrderError::NotListed(range)));
    }

    #[test]
    fn a_list_has_a_thousand_entries_at_most() {
        let mut switches = Switches::default();
        let entry = |i: usize| {
            Entry::Account(Address([(i >> 8) as u8, i as u8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]))
        };
        for i in 0..MAX_ENTRIES {
            switches.follow(Order::Deny(entry(i))).unwrap();
        }
        assert_eq!(switches.follow(Order::Deny(entry(MAX_ENTRIES))), Err(OrderError::Full));
        assert!(switches.follow(Order::Deny(entry(0))).is_ok(), "it is listed already");
    }
}

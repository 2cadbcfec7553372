//! The farm: accounts and addresses, and what it does with them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ledger::{Address, SecretKey};

use crate::chain::key;

/// What a farm does. All but the first do every work that is asked for, at once: its computing power is without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// No farm at all, to compare.
    Absent,
    /// Never works: claims when nothing is asked for it. Keeps what it gets.
    NoWork,
    /// Works and keeps what it gets: each looks like a person.
    Keeps,
    /// Works and forwards everything to one collector.
    OneCollector,
    /// Works and forwards everything over three steps, in ever larger streams, to one collector.
    Layers,
    /// Works, a fresh account for each claim, everything to one collector.
    FreshAccounts,
    /// Works and forwards to a collector for each seven accounts, and leaves it there.
    SmallCollectors,
}

impl Strategy {
    pub const ALL: [Self; 7] = [
        Self::Absent,
        Self::NoWork,
        Self::Keeps,
        Self::OneCollector,
        Self::Layers,
        Self::FreshAccounts,
        Self::SmallCollectors,
    ];

    pub fn works(self) -> bool {
        !matches!(self, Self::Absent | Self::NoWork)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Absent => "no farm",
            Self::NoWork => "no work, keeps",
            Self::Keeps => "work, keeps",
            Self::OneCollector => "work, one collector",
            Self::Layers => "work, three layers",
            Self::FreshAccounts => "work, fresh accounts",
            Self::SmallCollectors => "work, collector for 7",
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One address of the farm with the account that it claims for.
pub struct Bot {
    pub client: IpAddr,
    pub key: SecretKey,
    pub address: Address,
    number: u64,
    accounts: u64,
}

impl Bot {
    /// Address `number` of a farm with so many prefixes: half of them IPv4 /24, half IPv6 /48 with a /56 for each bot.
    pub fn new(number: u64, prefixes: u64) -> Self {
        let (prefix, host) = (number % prefixes, number / prefixes);
        let [.., high, low] = prefix.to_be_bytes();
        let client = if prefix % 2 == 0 {
            Ipv4Addr::new(45, high, low, host as u8).into()
        } else {
            Ipv6Addr::new(0x2a00 + u16::from(high), u16::from(low), 1, (host as u16) << 8, 0, 0, 0, 1).into()
        };
        let key = key(2, number);
        Self { client, address: key.address(), key, number, accounts: 0 }
    }

    /// The next claim is for another account.
    pub fn take_fresh_account(&mut self) {
        self.accounts += 1;
        self.key = key(3, self.accounts << 32 | self.number);
        self.address = self.key.address();
    }

    /// Where its coins go, if anywhere.
    pub fn receiver(&self, strategy: Strategy) -> Option<Address> {
        match strategy {
            Strategy::Absent | Strategy::NoWork | Strategy::Keeps => None,
            Strategy::OneCollector | Strategy::FreshAccounts => Some(key(4, 0).address()),
            Strategy::Layers => Some(layer(1, self.number).address()),
            Strategy::SmallCollectors => Some(key(4, self.number / 7).address()),
        }
    }
}

/// The account of a layer through which the coins of bot `number` go: five bots share one of the first, five of these one
/// of the second, and all of these the third.
pub fn layer(step: u8, number: u64) -> SecretKey {
    match step {
        1 => key(5, number / 5),
        2 => key(6, number / 25),
        _ => key(7, 0),
    }
}

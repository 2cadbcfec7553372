//! What the faucet keeps, piece by piece. The owner of the database stores each under its key and understands neither.

use ipnet::IpNet;
use ledger::{Address, Amount, Height};
use serde::{Deserialize, Serialize};

use super::claims::Claim;
use super::collectors::{Flag, Refused};
use super::switches::Switches;
use super::trace::Trace;

/// The name of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Key {
    /// A claim, by its number.
    Claim(u64),
    /// An account on the way of the faucet's coins.
    Trace(Address),
    /// A collector.
    Flag(Address),
    /// A refused range.
    Refused(IpNet),
    /// What the operator decided.
    Switches,
    /// Sums over all time.
    Totals,
    /// How far the chain was looked at.
    Watched,
}

/// Sums over all time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Claims that were reserved.
    pub claims: u64,
    /// What they got.
    pub paid: Amount,
    /// The most that the faucet's account had.
    pub most_funds: Amount,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    /// See [`Key::Claim`].
    Claim(u64, Claim),
    /// See [`Key::Trace`].
    Trace(Address, Trace),
    /// See [`Key::Flag`].
    Flag(Address, Flag),
    /// See [`Key::Refused`].
    Refused(IpNet, Refused),
    /// See [`Key::Switches`].
    Switches(Switches),
    /// See [`Key::Totals`].
    Totals(Totals),
    /// See [`Key::Watched`].
    Watched(Height),
}

impl Record {
    /// Its name.
    pub fn key(&self) -> Key {
        match self {
            Self::Claim(number, _) => Key::Claim(*number),
            Self::Trace(account, _) => Key::Trace(*account),
            Self::Flag(account, _) => Key::Flag(*account),
            Self::Refused(range, _) => Key::Refused(*range),
            Self::Switches(_) => Key::Switches,
            Self::Totals(_) => Key::Totals,
            Self::Watched(_) => Key::Watched,
        }
    }
}

/// What is to be kept or no longer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "a few at once, on their way to the disk")]
pub enum Change {
    /// Keep it, in place of what is there.
    Put(Record),
    /// Forget it, there or not.
    Delete(Key),
}

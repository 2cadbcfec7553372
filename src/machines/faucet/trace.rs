//! One account on the way of the faucet's coins: what it got, from whom, and where it sent them on.

use std::collections::BTreeSet;

use ledger::Address;
use serde::{Deserialize, Serialize};

use super::client::Client;

/// Sources that are remembered of an account: more than [`super::collectors::MANY`], beyond it they say nothing new.
pub const MAX_SOURCES: usize = 32;
/// Receivers that are remembered of an account. Each must have got a quarter of its coins to count, so four are all.
const MAX_RECEIVERS: usize = 4;

/// An account that the faucet paid, or to which such an account sent a good part of its coins.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Trace {
    /// Drops that the faucet ever paid to it.
    pub paid: u64,
    /// Claims that were.
    pub claims: u32,
    /// Where the last of them came from.
    pub client: Option<Client>,
    /// Drops that came from accounts on the way of the faucet's coins.
    pub passed: u64,
    /// Payments that came from others.
    pub others: u32,
    /// Accounts paid by the faucet whose coins arrived here.
    pub sources: BTreeSet<Address>,
    /// Steps from the nearest of these.
    pub depth: u8,
    /// Drops that it sent on.
    pub sent: u64,
    /// To whom most of them went.
    pub receivers: Vec<(Address, u64)>,
    /// Block time of the last change.
    pub seen: u64,
    /// The collector to which its coins went.
    pub collector: Option<Address>,
    /// The operator said that it is no collector.
    pub pardoned: bool,
}

impl Trace {
    /// Drops that came from the faucet, straight or not.
    fn came(&self) -> u64 {
        self.paid.saturating_add(self.passed)
    }

    /// Counts what it sends.
    pub fn send(&mut self, to: Address, drops: u64) {
        self.sent = self.sent.saturating_add(drops);
        match self.receivers.iter_mut().find(|(receiver, _)| *receiver == to) {
            Some((_, sum)) => *sum = sum.saturating_add(drops),
            None => self.receivers.push((to, drops)),
        }
        self.receivers.sort_by_key(|(_, sum)| std::cmp::Reverse(*sum));
        self.receivers.truncate(MAX_RECEIVERS);
    }

    /// Whether it kept less than a quarter of the faucet's coins: who buys something keeps more.
    pub fn is_emptied(&self) -> bool {
        self.came() > 0 && u128::from(self.sent) * 4 >= u128::from(self.came()) * 3
    }

    /// Those who got at least a quarter of the faucet's coins from it, with how many drops.
    pub fn main_receivers(&self) -> impl Iterator<Item = (Address, u64)> + '_ {
        let came = u128::from(self.came());
        self.receivers.iter().copied().filter(move |(_, sum)| u128::from(*sum) * 4 >= came)
    }
}

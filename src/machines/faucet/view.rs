//! What the faucet shows: to everybody how it stands, to its operator all of it.

use std::collections::BTreeMap;

use ipnet::IpNet;
use ledger::{Address, Amount};

use super::budget::Level;
use super::collectors::{Flag, Refused};
use super::price::Price;
use super::record::Totals;
use super::refusal::ClaimError;
use super::switches::Switches;

/// Entries of each list that an operator is shown at most, the newest.
pub const MAX_SHOWN: usize = 1_000;

/// How the faucet stands for a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Whence it pays.
    pub account: Address,
    /// What it is doing, in one word.
    pub state: &'static str,
    /// What a claim of this client gets and costs now; none if the budget is empty.
    pub price: Option<Price>,
    /// What a claim gets in calm times.
    pub full_amount: Amount,
    /// Milliseconds between two claims.
    pub interval_ms: u64,
    /// An account with this much gets nothing.
    pub balance_limit: Amount,
    /// What an account may ever get.
    pub account_limit: Amount,
    /// The budget.
    pub level: Level,
    /// Drops an hour by which blocks fill the budget at the intended spacing.
    pub refill_per_hour: u64,
    /// The budget's share of what mining creates.
    pub share_percent: u8,
    /// Payouts that are in no block.
    pub waiting: usize,
    /// Open claims.
    pub claims: usize,
    /// What a claim of this client would meet apart from work; none if it would be paid.
    pub you: Option<ClaimError>,
}

/// All that its operator may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// As it stands for a new client.
    pub view: View,
    /// What the operator decided.
    pub switches: Switches,
    /// Sums over all time.
    pub totals: Totals,
    /// What its account has.
    pub funds: Amount,
    /// Whether that is a fifth or less of the most that it had.
    pub low: bool,
    /// Refusals since the start, by reason.
    pub refusals: BTreeMap<&'static str, u64>,
    /// Collectors, the newest first.
    pub flags: Vec<(Address, Flag)>,
    /// Refused ranges, those that are refused for longest first.
    pub refused: Vec<(IpNet, Refused)>,
    /// All refused ranges.
    pub refused_count: usize,
    /// Accounts on the way of the faucet's coins that are remembered.
    pub traces: usize,
}

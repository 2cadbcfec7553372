//! The faucet: how it stands, work for it, a claim, and what its operator sees.

use std::collections::BTreeMap;

use ledger::{Address, TxId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Drops, Number, schema};

/// How the faucet stands for whoever asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FaucetStatus {
    /// Whether this node has one.
    pub on: bool,
    /// What it is doing.
    pub state: FaucetState,
    /// Whence it pays.
    #[schema(value_type = schema::Address)]
    pub account: Address,
    /// What a claim of this client gets now, in drops; 0 while the budget is empty.
    pub amount: Drops,
    /// What a claim gets in calm times, in drops.
    pub full_amount: Drops,
    /// Seconds between two claims of one account or client.
    pub interval_s: u64,
    /// An account with this many drops gets nothing.
    pub balance_limit: Drops,
    /// What an account may ever get, in drops.
    pub account_limit: Drops,
    /// What may be paid.
    pub budget: FaucetBudget,
    /// Bits of work that a claim of this client needs now; 0 for none.
    pub work_bits: u8,
    /// Payouts that are in no block yet.
    pub waiting: usize,
    /// Claims of the last hour or so.
    pub claims: usize,
    /// What a claim of this client, and for the account if one was named, would meet now apart from work; null if it
    /// would be paid.
    #[schema(required)]
    pub you: Option<FaucetRefusal>,
}

/// What a faucet is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FaucetState {
    /// This node has none.
    Off,
    /// It waits until the node has caught up with the network.
    Closed,
    /// Its operator told it to pay nobody.
    Paused,
    /// It pays.
    Open,
}

/// What a faucet may pay: a share of what mining created in the last hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FaucetBudget {
    /// Drops that may be paid now.
    pub left: Drops,
    /// Drops that could be paid had nothing been paid in the last hour.
    pub capacity: Drops,
    /// Drops that come with an hour of blocks at the intended spacing.
    pub refill_per_hour: Drops,
    /// The share of what mining creates, in percent.
    pub share_percent: u8,
}

/// Why a claim would be refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FaucetRefusal {
    /// A stable word.
    pub reason: String,
    /// Seconds after which it may be paid, if waiting helps.
    #[schema(required)]
    pub retry_after_s: Option<u64>,
    /// For people.
    pub detail: String,
}

/// Work for a claim: find a number such that SHA-256 of `challenge.number` begins with `bits` zero bits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FaucetChallenge {
    /// What to work on, for this account and client alone.
    pub challenge: String,
    /// Leading zero bits that are needed; 0 for no work.
    pub bits: u8,
    /// When it ends, in unix milliseconds.
    pub expires: u64,
    /// Seconds until then.
    pub expires_in_s: u64,
    /// The hash function.
    #[schema(example = "sha256")]
    pub algorithm: String,
}

/// A claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FaucetClaim {
    /// Whom to pay.
    #[schema(value_type = schema::Address)]
    pub address: Address,
    /// The challenge, if work is needed or the claim shall be known again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(nullable = false)]
    pub challenge: Option<String>,
    /// The number that was found.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(nullable = false)]
    pub solution: Option<Number>,
}

/// A claim that is paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FaucetPayout {
    /// The claim's number.
    pub claim: Number,
    /// The transaction that pays it. It can be looked up at once.
    #[schema(value_type = schema::Id)]
    pub transaction: TxId,
    /// What it pays, in drops.
    pub amount: Drops,
    /// What its miner gets, in drops.
    pub fee: Drops,
}

/// All of a faucet, for its operator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaucetReport {
    /// As it stands for a new client.
    pub status: FaucetStatus,
    /// What its account has, in drops.
    pub funds: Drops,
    /// The most that it had, in drops.
    pub most_funds: Drops,
    /// Whether that is too little.
    pub low: bool,
    /// Claims over all time.
    pub claims: u64,
    /// What they got, in drops.
    pub paid: Drops,
    /// Refusals since the start, by reason.
    pub refusals: BTreeMap<String, u64>,
    /// Accounts and address ranges that meet no limits but time and budget.
    pub allowed: Vec<String>,
    /// Accounts and address ranges that get nothing.
    pub denied: Vec<String>,
    /// The amount that the operator set, in drops; null for the configured one.
    pub amount: Option<Drops>,
    /// Collectors that were found, the newest first.
    pub collectors: Vec<FaucetCollector>,
    /// Address ranges that are refused for their sake.
    pub refused_ranges: Vec<FaucetRange>,
    /// How many ranges are refused, also those beyond the list.
    pub refused_range_count: usize,
    /// Accounts on the way of the faucet's coins that are remembered.
    pub traced_accounts: usize,
}

/// An account to which several accounts forwarded the faucet's coins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaucetCollector {
    /// The account.
    pub account: Address,
    /// Why it is taken for one: `few_ranges` or `many_accounts`.
    pub why: String,
    /// Emptied accounts whose coins arrived there.
    pub accounts: u32,
    /// Address ranges from which these were fed.
    pub ranges: u32,
    /// Payments to it by others.
    pub others: u32,
    /// Block time at which it was found.
    pub found: u64,
}

/// A refused range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaucetRange {
    /// The range.
    pub range: String,
    /// The collector.
    pub collector: Address,
    /// Block time until which.
    pub until: u64,
}

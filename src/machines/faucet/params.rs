//! How a faucet pays, as its operator set it.

use ledger::{Amount, SecretKey};

/// How a faucet pays.
#[derive(Debug, Clone)]
pub struct Params {
    /// Whether there is one.
    pub on: bool,
    /// The key that pays.
    pub key: SecretKey,
    /// Authenticates challenges: random, and another one after each start.
    pub challenge_key: [u8; 32],
    /// What may change while it runs.
    pub terms: Terms,
    /// An account with this much gets nothing (rule C2).
    pub balance_limit: Amount,
    /// How much of what mining creates may be paid, in percent (rule C3).
    pub share_percent: u8,
}

/// The part of it that may change while it runs: what is open stays as it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// What a claim gets in calm times.
    pub amount: Amount,
    /// What an account may ever get (rule C4).
    pub account_limit: Amount,
    /// Time between two claims (rules C1, C2).
    pub interval_ms: u64,
}

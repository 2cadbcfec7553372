//! The claims that are open: reserved, on their way, or paid so recently that their limits hold.
//!
//! Answers in constant or logarithmic time what every claim asks: the next free nonce, what is owed, whether this very
//! claim was made before.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ledger::{Address, Height, Transfer, TxId};
use serde::{Deserialize, Serialize};

use super::challenge::Code;
use super::client::Client;

/// How far a claim is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// The payout is on its way to a block.
    Reserved,
    /// It is in a block at this height.
    Confirmed(Height),
    /// Another transaction of the paying key used its nonce at about this height. It is signed anew when that is settled.
    Overtaken(Height),
}

/// A claim as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Unix milliseconds.
    pub at: u64,
    /// The block time at which it took from the budget.
    pub block_time: u64,
    /// Where it came from.
    pub client: Client,
    /// The challenge that it was made with: it counts once.
    pub code: Option<Code>,
    /// The signed payout.
    pub payout: Transfer,
    /// How far it is.
    pub phase: Phase,
}

/// What a claim waits for before its payout can be sent again and whoever claimed is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It is being written for the first time.
    Keeping {
        /// When it is written once more if nothing is heard.
        again_at: u64,
    },
    /// It is owed, and being written with a new signature.
    KeepingAgain {
        /// When it is written once more if nothing is heard.
        again_at: u64,
    },
    /// It is kept.
    Kept {
        /// When its payout is handed to the chain again.
        resend_at: u64,
        /// When whoever waits for the chain's word is told without it.
        tell_at: u64,
    },
}

/// A claim and what is known of it while the node runs.
#[derive(Debug)]
pub struct Open {
    /// What is kept.
    pub row: Claim,
    /// The payout's id.
    pub id: TxId,
    /// Until when its limits hold, on the monotonic clock.
    pub until: u64,
    /// Who waits for an answer.
    pub tickets: Vec<u64>,
    /// What it waits for.
    pub stage: Stage,
}

impl Open {
    /// Drops that the payout takes from the faucet's account.
    pub fn cost(&self) -> u128 {
        u128::from(self.row.payout.amount.as_drops()) + u128::from(self.row.payout.fee.as_drops())
    }

    fn is_owed(&self) -> bool {
        !matches!(self.row.phase, Phase::Confirmed(_))
    }
}

/// All open claims.
#[derive(Debug, Default)]
pub struct Claims {
    all: BTreeMap<u64, Open>,
    by_payout: HashMap<TxId, u64>,
    by_code: HashMap<Code, u64>,
    /// The newest claim of each account.
    by_account: HashMap<Address, u64>,
    /// Nonces of payouts that may still be mined and are not yet.
    nonces: BTreeSet<u64>,
    waiting: usize,
    owed: u128,
}

impl Claims {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Payouts that are in no block.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Drops that these will take.
    pub fn owed(&self) -> u128 {
        self.owed
    }

    /// The nonce after all that are reserved; 0 if none is.
    pub fn next_nonce(&self) -> u64 {
        self.nonces.last().map_or(0, |nonce| nonce + 1)
    }

    /// A claim.
    pub fn get(&self, number: u64) -> Option<&Open> {
        self.all.get(&number)
    }

    /// All, by number.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &Open)> {
        self.all.iter().map(|(number, open)| (*number, open))
    }

    /// The claim that a payout pays.
    pub fn of_payout(&self, payout: &TxId) -> Option<u64> {
        self.by_payout.get(payout).copied()
    }

    /// The claim that was made with a challenge.
    pub fn of_code(&self, code: &Code) -> Option<u64> {
        self.by_code.get(code).copied()
    }

    /// The newest claim of an account.
    pub fn of_account(&self, account: &Address) -> Option<u64> {
        self.by_account.get(account).copied()
    }

    /// Takes a claim in.
    pub fn insert(&mut self, number: u64, open: Open) {
        self.by_payout.insert(open.id, number);
        if let Some(code) = open.row.code {
            self.by_code.insert(code, number);
        }
        self.by_account.insert(open.row.payout.to, number);
        self.count(&open);
        self.all.insert(number, open);
    }

    /// Lets a claim go.
    pub fn remove(&mut self, number: u64) -> Option<Open> {
        let open = self.all.remove(&number)?;
        self.uncount(&open);
        self.by_payout.remove(&open.id);
        if let Some(code) = open.row.code {
            self.by_code.remove(&code);
        }
        if self.by_account.get(&open.row.payout.to) == Some(&number) {
            self.by_account.remove(&open.row.payout.to);
        }
        Some(open)
    }

    /// Changes a claim; its account, client and challenge stay what they are.
    pub fn change<T>(&mut self, number: u64, change: impl FnOnce(&mut Open) -> T) -> Option<T> {
        let mut open = self.all.remove(&number)?;
        self.uncount(&open);
        self.by_payout.remove(&open.id);
        let result = change(&mut open);
        self.by_payout.insert(open.id, number);
        self.count(&open);
        self.all.insert(number, open);
        Some(result)
    }

    fn count(&mut self, open: &Open) {
        if open.row.phase == Phase::Reserved {
            self.nonces.insert(open.row.payout.nonce);
        }
        if open.is_owed() {
            self.waiting += 1;
            self.owed += open.cost();
        }
    }

    fn uncount(&mut self, open: &Open) {
        if open.row.phase == Phase::Reserved {
            self.nonces.remove(&open.row.payout.nonce);
        }
        if open.is_owed() {
            self.waiting -= 1;
            self.owed -= open.cost();
        }
    }
}

//! What the faucet hears and what it wants done.

use std::net::IpAddr;
use std::sync::Arc;

use ledger::{Account, Address, Amount, CheckedTransaction, Height, Transaction, TxId};

use super::challenge::Work;
use super::params::Terms;
use super::record::Change;
use super::refusal::ClaimError;
use super::switches::{Order, OrderError};
use super::watched::Seen;
use crate::chain::TipChanged;

/// A claim, with what the chain says of it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Whom to pay.
    pub to: Address,
    /// Where the claim came from.
    pub client: IpAddr,
    /// The account to pay, as it is at the tip.
    pub account: Option<Account>,
    /// The faucet's account, as it is at the tip.
    pub own: Option<Account>,
    /// The nonce after what already waits of the faucet's account in the pool.
    pub next_nonce: Option<u64>,
}

/// How a claim was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// Through the compatible interface: it has no place for work, and a second claim is a second claim.
    Compatible,
    /// Through the native interface: the same claim again has the same answer.
    Native(Option<Work>),
}

/// A payout that is kept.
#[derive(Debug, Clone)]
pub struct Paid {
    /// The number of the claim.
    pub claim: u64,
    /// What pays it.
    pub payout: Arc<CheckedTransaction>,
}

/// What the faucet hears.
#[derive(Debug, strum::IntoStaticStr)]
pub enum Event {
    /// Somebody claims.
    Claim {
        /// What.
        asked: Asked,
        /// How.
        form: Form,
        /// Where the answer goes.
        ticket: u64,
    },
    /// A claim is kept.
    Kept {
        /// Its number.
        claim: u64,
    },
    /// A claim could not be kept.
    NotKept {
        /// Its number.
        claim: u64,
        /// Why.
        why: String,
    },
    /// The rest of what changed is kept, or why not.
    Written(Result<(), String>),
    /// The chain answered to a payout: it has it, or will be given it again.
    Submitted {
        /// The payout.
        payout: TxId,
    },
    /// The chain says that the payout's nonce was used by another transaction.
    NonceUsed {
        /// The payout.
        payout: TxId,
    },
    /// The chain has a new end.
    TipChanged(TipChanged),
    /// What [`super::Faucet::missing`] asked for, read from the chain.
    Blocks {
        /// Heights and times of the chain's newest blocks, the lowest first.
        times: Vec<(Height, u64)>,
        /// Blocks that are buried, the lowest first.
        buried: Vec<Seen>,
    },
    /// Whether this node is behind its peers.
    Syncing(bool),
    /// The configuration was read again.
    Terms(Terms),
    /// The operator decides.
    Order {
        /// What.
        order: Order,
        /// Where the answer goes.
        ticket: u64,
    },
    /// Time passes.
    Tick {
        /// The nonce that the faucet's account needs next, as far as the pool knows.
        next_nonce: Option<u64>,
        /// The faucet's account, as it is at the tip.
        own: Option<Account>,
    },
}

/// What the faucet wants done.
#[derive(Debug)]
pub enum Effect {
    /// Keep a claim with its limits, in one durable write, and come back with [`Event::Kept`].
    Keep {
        /// Its number.
        claim: u64,
        /// What to keep.
        changes: Vec<Change>,
    },
    /// Keep this and come back with [`Event::Written`].
    Write(Vec<Change>),
    /// Hand a payout to the chain.
    Submit(Transaction),
    /// The answer to a claim.
    Answer {
        /// Whom it is for.
        ticket: u64,
        /// The payout, or why not.
        answer: Result<Paid, ClaimError>,
    },
    /// The answer to an order: it is kept, or why not.
    Done {
        /// Whom it is for.
        ticket: u64,
        /// Why not.
        answer: Result<(), OrderError>,
    },
    /// Tell the operator that the funds are low, or no longer.
    Funds {
        /// What the faucet's account has.
        funds: Amount,
        /// The most that it had.
        most: Amount,
        /// Whether that is too little.
        low: bool,
    },
}

//! Accounts and what happened to them.

use ledger::{Address, BlockId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Drops, Number, Transaction, schema};

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Account {
    /// Its address.
    #[schema(value_type = schema::Address)]
    pub address: Address,
    /// Whether it was ever paid.
    pub exists: bool,
    /// What it has.
    pub balance: Drops,
    /// The next nonce by the chain alone.
    pub nonce: Number,
    /// Transactions that it sent.
    pub sequence: u64,
    /// The nonce that its next transaction needs, behind those that wait.
    pub next_nonce: Number,
    /// Its transactions that wait.
    pub waiting: usize,
}

/// A page of what happened to an account, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AccountHistory {
    /// What happened.
    pub transactions: Vec<HistoryItem>,
    /// `before` of the next page; null after the last one.
    #[schema(required)]
    pub next: Option<String>,
}

/// Something that happened to an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HistoryItem {
    /// Which way the coins went.
    pub direction: Direction,
    /// What moved, without a fee.
    pub amount: Drops,
    /// The height of the block.
    pub height: u64,
    /// The block.
    #[schema(value_type = schema::Id)]
    pub block: BlockId,
    /// The time in its header.
    pub time: u64,
    /// The transaction; null where a block paid its miner.
    #[schema(required)]
    pub transaction: Option<Transaction>,
}

/// Which way coins went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To the account.
    In,
    /// From the account.
    Out,
    /// A block's reward and fees.
    Mined,
}

impl Direction {
    /// As it travels.
    pub fn text(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
            Self::Mined => "mined",
        }
    }
}

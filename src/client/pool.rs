//! What waits, why, and what fees it takes.

use ledger::{Address, TxId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Drops, Number, State, schema};

/// What waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PoolList {
    /// How many wait.
    pub transactions: usize,
    /// Their size.
    pub bytes: usize,
    /// The most bytes that may wait.
    pub capacity_bytes: usize,
    /// The first ones, in the order in which they would be mined.
    pub list: Vec<PoolEntry>,
}

/// A transaction that waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PoolEntry {
    /// Its id.
    #[schema(value_type = schema::Id)]
    pub id: TxId,
    /// Who pays.
    #[schema(value_type = schema::Address)]
    pub from: Address,
    /// Who is paid.
    #[schema(value_type = schema::Address)]
    pub to: Address,
    /// What is moved.
    pub amount: Drops,
    /// What the miner gets.
    pub fee: Drops,
    /// The sender's nonce.
    pub nonce: Number,
    /// Size as the rules count it.
    pub size: usize,
    /// Drops for each byte.
    pub fee_per_byte: f64,
    /// When this node took it in.
    pub received: u64,
    /// The block that would take it, counted from the next one as 1; null if it cannot be mined yet.
    #[schema(required)]
    pub block: Option<u32>,
}

/// What a transaction waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitingReason {
    /// The next block: it has a place there.
    NextBlock,
    /// Those before it in its account's own order, which have no place in the next block.
    Queue,
    /// Those that pay more for each byte.
    Fee,
    /// A transaction of its account that is not here: nonces are missing before it.
    NonceGap,
}

/// Why a transaction waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Waiting {
    /// Whether it waits at all.
    pub state: State,
    /// What it waits for; null if it is confirmed.
    #[schema(required)]
    pub reason: Option<WaitingReason>,
    /// That in words.
    pub detail: String,
    /// The nonce that its account needs next, behind those that wait without a gap.
    pub next_nonce: Number,
    /// Nonces that are missing before it: the first twenty.
    pub missing_nonces: Vec<Number>,
    /// Its place among those that can be mined, from 1.
    #[schema(required)]
    pub position: Option<u32>,
    /// Bytes that would be mined before it.
    #[schema(required)]
    pub ahead_bytes: Option<u64>,
    /// The block that would take it, counted from the next one as 1.
    #[schema(required)]
    pub expected_blocks: Option<u32>,
    /// What its account has.
    pub balance: Drops,
    /// What this transaction takes of that: amount and fee.
    pub needed: Drops,
}

/// What a transfer must pay to be mined soon, by what waits now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fees {
    /// The least that gets into the pool.
    pub minimum: Fee,
    /// The next block.
    pub next_block: Fee,
    /// One of the next three.
    pub three_blocks: Fee,
    /// One of the next ten.
    pub ten_blocks: Fee,
}

/// A fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fee {
    /// Drops for each 1 000 bytes.
    pub per_1000_bytes: Drops,
    /// Drops for a transfer without data.
    pub transfer: Drops,
}

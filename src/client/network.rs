//! The network: its rules in numbers, and how many coins there are.

use ledger::{BlockId, CompactTarget, PublicKey};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Drops, Number, schema};

/// The network's rules in numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NetworkInfo {
    /// Its name.
    pub name: String,
    /// The chain: the id of its genesis block.
    #[schema(value_type = schema::Id)]
    pub chain: BlockId,
    /// The time of genesis.
    pub genesis_time: u64,
    /// The intended time between blocks, in milliseconds.
    pub interval_ms: u64,
    /// The time in which the difficulty follows a change of the hash rate.
    pub response_ms: u64,
    /// What each block pays its miner beside the fees. It never changes, so there is no largest supply.
    pub reward: Drops,
    /// Drops of one Barrel.
    pub drops_per_barrel: Number,
    /// Where nonces of accounts start.
    pub nonce_base: Number,
    /// The least fee of a transfer.
    pub minimum_fee: Drops,
    /// The target of the first block.
    #[schema(value_type = schema::Target)]
    pub first_target: CompactTarget,
    /// No target is above this one.
    #[schema(value_type = schema::Target)]
    pub easiest_target: CompactTarget,
    /// How far a block's time may be ahead of a node's clock, in milliseconds.
    pub future_limit_ms: u64,
    /// Sizes.
    pub limits: Limits,
    /// If not empty, only these keys may mine.
    #[schema(value_type = Vec<schema::PublicKey>)]
    pub miners: Vec<PublicKey>,
    /// Peers that a node wants before it mines.
    pub peers_to_mine: usize,
    /// Blocks are made only on request.
    pub mint_only: bool,
}

/// Sizes that the rules allow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Limits {
    /// Bytes of a block.
    pub block_bytes: u32,
    /// Transactions of a block.
    pub block_transactions: u32,
    /// Bytes of compatible transfers in a block; 0 takes none.
    pub barreleye_bytes: u32,
    /// Bytes of data that a transfer may carry.
    pub data_bytes: usize,
    /// Bytes of a transfer without data.
    pub transfer_bytes: usize,
}

/// How many coins there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Supply {
    /// The height for which this holds.
    pub height: u64,
    /// All coins: the opening balances and one reward for each block.
    pub issued: Drops,
    /// The opening balances.
    pub opening: Drops,
    /// What each block adds.
    pub reward: Drops,
    /// The most that there will ever be; null, since each block adds the same for ever.
    #[schema(required)]
    pub maximum: Option<Drops>,
}

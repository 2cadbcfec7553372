//! What a stream of events tells: each type is the data of the event of the same name.

use ledger::{Address, BlockId, TxId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Drops, PoolSize, TipInfo, schema};

/// `block`: a block joined the chain. The event's id is the block's id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BlockEvent {
    /// Its id.
    #[schema(value_type = schema::Id)]
    pub id: BlockId,
    /// Its height.
    pub height: u64,
    /// The time in its header.
    pub time: u64,
    /// Who made it.
    #[schema(value_type = schema::Address)]
    pub miner: Address,
    /// Number of transactions.
    pub transactions: u32,
    /// Size as the rules count it.
    pub bytes: usize,
    /// Hashes that such a block takes on average.
    pub difficulty: f64,
    /// Fees for the miner.
    pub fees: Drops,
}

/// `transaction`: a transaction came into the pool, into a block, or left without one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LifeEvent {
    /// Its id.
    #[schema(value_type = schema::Id)]
    pub id: TxId,
    /// Where it is now.
    pub state: LifeState,
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
    /// The block; null unless it is confirmed.
    #[schema(required, value_type = Option<schema::Id>)]
    pub block: Option<BlockId>,
    /// The height of the block; null unless it is confirmed.
    #[schema(required)]
    pub height: Option<u64>,
}

/// Where a transaction is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LifeState {
    /// It waits: it is new, or its block left the chain.
    Pool,
    /// It is in a block.
    Confirmed,
    /// It left the pool without a block: replaced, expired, or its account cannot pay any more.
    Dropped,
}

/// `reorganisation`: the chain moved to a branch with more work. The blocks that joined follow as `block` events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReorganisationEvent {
    /// Blocks that left.
    pub depth: u64,
    /// The height of the last block that both branches share.
    pub fork_height: u64,
    /// The tip that was left.
    #[schema(value_type = schema::Id)]
    pub from: BlockId,
    /// The new tip.
    #[schema(value_type = schema::Id)]
    pub to: BlockId,
    /// Transactions that were in a block and wait again: the first thousand.
    #[schema(value_type = Vec<schema::Id>)]
    pub returned: Vec<TxId>,
}

/// `status`: sent at the start and every few seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StatusEvent {
    /// The end of the chain.
    pub tip: TipInfo,
    /// What waits.
    pub pool: PoolSize,
    /// Connected peers.
    pub peers: usize,
    /// Whether this node follows the network.
    pub syncing: bool,
}

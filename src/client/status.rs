//! How the node is.

use ledger::{BlockId, Work};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Number, schema};

/// How the node is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// The running version.
    pub version: String,
    /// The network's name.
    pub network: String,
    /// The chain: the id of its genesis block.
    #[schema(value_type = schema::Id)]
    pub chain: BlockId,
    /// Where nonces of accounts start.
    pub nonce_base: Number,
    /// The end of the chain.
    pub tip: TipInfo,
    /// Transactions of the chain.
    pub transactions: u64,
    /// What waits.
    pub pool: PoolSize,
    /// Connected peers that passed the handshake.
    pub peers: usize,
    /// Where others can reach this node, as multiaddresses.
    pub external: Vec<String>,
    /// How far a sync is.
    pub sync: SyncState,
    /// Whether every vital part answers.
    pub live: bool,
    /// Whether the node can be relied on.
    pub ready: bool,
    /// Why not, if not.
    pub reasons: Vec<String>,
}

/// The end of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TipInfo {
    /// Its last block.
    #[schema(value_type = schema::Id)]
    pub id: BlockId,
    /// The height of that block.
    pub height: u64,
    /// The time in its header.
    pub time: u64,
    /// Work from genesis on.
    #[schema(value_type = schema::Work)]
    pub work: Work,
}

/// How much waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PoolSize {
    /// Transactions.
    pub transactions: usize,
    /// Their size.
    pub bytes: usize,
}

/// How far a sync is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SyncState {
    /// What the node does: `Alone`, `Comparing`, `Headers`, `Blocks` or `Following`.
    pub phase: String,
    /// Height of this node's tip.
    pub height: u64,
    /// Height that it is to reach; its own when it follows.
    pub target: u64,
    /// Headers or blocks of this sync that are here.
    pub done: u64,
    /// Headers or blocks that this sync is to fetch; 0 without one.
    pub total: u64,
    /// Headers or blocks a second, of late.
    pub per_second: u64,
    /// Seconds that it takes, if it goes on like this; null while nothing moves.
    #[schema(required)]
    pub remaining_s: Option<u64>,
    /// Peers that are asked now.
    pub sources: usize,
}

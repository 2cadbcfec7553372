//! Blocks and headers.

use ledger::{Address, BlockId, CompactTarget, Digest, PublicKey, Signature, TxId, Work};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Drops, Number, schema};

/// A page of blocks, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Blocks {
    /// The blocks.
    pub blocks: Vec<BlockSummary>,
    /// `before` of the next page; null after the last one.
    #[schema(required)]
    pub next: Option<u64>,
}

/// A block in short.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BlockSummary {
    /// Its id.
    #[schema(value_type = schema::Id)]
    pub id: BlockId,
    /// Its height.
    pub height: u64,
    /// The time in its header.
    pub time: u64,
    /// Who made it; zeros for genesis.
    #[schema(value_type = schema::Address)]
    pub miner: Address,
    /// Number of transactions.
    pub transactions: u32,
    /// Size as the rules count it.
    pub bytes: usize,
    /// Work from genesis up to and with it.
    #[schema(value_type = schema::Work)]
    pub work: Work,
    /// The target that its id meets.
    #[schema(value_type = schema::Target)]
    pub target: CompactTarget,
    /// Hashes that such a block takes on average.
    pub difficulty: f64,
    /// New coins for the miner.
    pub reward: Drops,
    /// Fees for the miner.
    pub fees: Drops,
    /// The block before it; for genesis the digest of the network's numbers.
    #[schema(value_type = schema::Id)]
    pub parent: BlockId,
}

/// A block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Block {
    /// The block in short.
    #[serde(flatten)]
    pub summary: BlockSummary,
    /// Whether it is part of the chain; a block of a branch that lost is not.
    pub in_chain: bool,
    /// Blocks of the chain from this one on, this one included; 0 if it is not part of the chain.
    pub confirmations: u64,
    /// Version of the rules.
    pub version: u32,
    /// The root over its transactions.
    #[schema(value_type = schema::Id)]
    pub root: Digest,
    /// The number that its miner found.
    pub nonce: Number,
    /// The miner's key; zeros for genesis.
    #[schema(value_type = schema::PublicKey)]
    pub miner_key: PublicKey,
    /// The miner's signature over the id.
    #[schema(value_type = schema::Signature)]
    pub signature: Signature,
    /// The bytes whose double SHA-256 is the id.
    #[schema(value_type = schema::Hex)]
    pub header: String,
    /// Ids of its transactions, in their order.
    #[schema(value_type = Vec<schema::Id>)]
    pub transaction_ids: Vec<TxId>,
}

/// A run of headers, lowest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Headers {
    /// The headers.
    pub headers: Vec<HeaderView>,
    /// `from` of the next run; null at the tip.
    #[schema(required)]
    pub next: Option<u64>,
}

/// A header of the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HeaderView {
    /// Its id.
    #[schema(value_type = schema::Id)]
    pub id: BlockId,
    /// Its height.
    pub height: u64,
    /// The bytes whose double SHA-256 is the id.
    #[schema(value_type = schema::Hex)]
    pub header: String,
    /// The miner's signature over the id.
    #[schema(value_type = schema::Signature)]
    pub signature: Signature,
}

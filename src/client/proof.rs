//! That a transaction is in a block, checked without the other transactions.

use ledger::{BlockId, Digest, TxId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::schema;

/// That a transaction is in a block.
///
/// Check it: hash the leaf together with each step of the branch, `SHA-256(node tag ‖ left ‖ right)`, then
/// `SHA-256(root tag ‖ number of transactions, 4 bytes little-endian ‖ top)`; that is `root`, which stands in `header`,
/// whose double SHA-256 is `block`. The tags are in docs/rules.md (B3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Proof {
    /// The transaction.
    #[schema(value_type = schema::Id)]
    pub transaction: TxId,
    /// The block.
    #[schema(value_type = schema::Id)]
    pub block: BlockId,
    /// Its height.
    pub height: u64,
    /// The place of the transaction in the block, from 0.
    pub index: u32,
    /// All transactions of the block.
    pub transactions: u32,
    /// The leaf: a digest of every byte of the transaction.
    #[schema(value_type = schema::Id)]
    pub leaf: Digest,
    /// Every byte of the transaction, from which the leaf is made.
    #[schema(value_type = schema::Hex)]
    pub encoded: String,
    /// What the leaf is hashed with, from the leaves up.
    pub branch: Vec<Step>,
    /// The root.
    #[schema(value_type = schema::Id)]
    pub root: Digest,
    /// The bytes whose double SHA-256 is the block's id.
    #[schema(value_type = schema::Hex)]
    pub header: String,
}

/// One step up the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// Where the other digest stands.
    pub side: Side,
    /// The other digest.
    #[schema(value_type = schema::Id)]
    pub digest: Digest,
}

/// A side of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Before.
    Left,
    /// Behind.
    Right,
}

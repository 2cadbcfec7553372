//! Transactions, whether they wait or are in a block.

use ledger::{Address, BlockId, PublicKey, Signature, TxId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Drops, Number, WaitingReason, schema};

/// A page of the chain's transactions, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Transactions {
    /// The transactions.
    pub transactions: Vec<Transaction>,
    /// `before` of the next page; null after the last one.
    #[schema(required)]
    pub next: Option<u64>,
    /// All transactions of the chain.
    pub total: u64,
}

/// A page of a block's transactions, in their order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BlockTransactions {
    /// The transactions.
    pub transactions: Vec<Transaction>,
    /// `from` of the next page; null after the last one.
    #[schema(required)]
    pub next: Option<u32>,
    /// All transactions of the block.
    pub total: u32,
}

/// A transaction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Transaction {
    /// Its id. It does not cover the signature.
    #[schema(value_type = schema::Id)]
    pub id: TxId,
    /// Of which kind it is.
    pub kind: TransactionKind,
    /// Where it is.
    pub state: State,
    /// Who pays.
    #[schema(value_type = schema::Address)]
    pub from: Address,
    /// Who is paid.
    #[schema(value_type = schema::Address)]
    pub to: Address,
    /// What is moved.
    pub amount: Drops,
    /// What the miner gets on top.
    pub fee: Drops,
    /// The sender's nonce.
    pub nonce: Number,
    /// Attached data.
    #[schema(value_type = schema::Hex)]
    pub data: String,
    /// Size as the rules count it.
    pub size: usize,
    /// The key that signed.
    #[schema(value_type = schema::PublicKey)]
    pub signer: PublicKey,
    /// The signature.
    #[schema(value_type = schema::Signature)]
    pub signature: Signature,
    /// Its block; null while it waits.
    #[schema(required)]
    pub block: Option<InBlock>,
    /// Blocks of the chain from its own on; 0 while it waits.
    pub confirmations: u64,
    /// When this node took it into its pool; null if it does not wait there.
    #[schema(required)]
    pub received: Option<u64>,
    /// Its place in the pool; null if it does not wait there, and in lists.
    #[schema(required)]
    pub pool: Option<InPool>,
}

/// Of which kind a transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransactionKind {
    /// A native transfer.
    Transfer,
    /// A transfer of a wallet of the original chain.
    Barreleye,
}

/// Where a transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It waits.
    Pool,
    /// It is in a block of the chain.
    Confirmed,
}

/// Where in the chain a transaction is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InBlock {
    /// The block.
    #[schema(value_type = schema::Id)]
    pub id: BlockId,
    /// Its height.
    pub height: u64,
    /// The place of the transaction in it, from 0.
    pub index: u32,
    /// The time in its header.
    pub time: u64,
}

/// Where in the pool a transaction is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InPool {
    /// Its place among those that can be mined, from 1; null if it cannot be mined yet.
    #[schema(required)]
    pub position: Option<u32>,
    /// All that wait.
    pub of: usize,
    /// What it waits for.
    pub reason: WaitingReason,
}

//! What the rules need to see of what is kept. The store implements this; so does a simulation.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::apply::Undo;
use crate::{Account, Address, Block, BlockId, Header, Height, Signature, Work};

/// What is kept could not be read. Nothing may be decided without it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("what is stored cannot be read: {0}")]
pub struct ViewError(pub String);

/// The end of the chain that this node follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tip {
    /// Its last block.
    pub id: BlockId,
    /// The height of that block.
    pub height: Height,
    /// Cumulative work from genesis.
    pub work: Work,
    /// The time in that block's header, unix milliseconds.
    pub time: u64,
}

/// A header as it is kept, of any branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredHeader {
    /// The header.
    pub header: Header,
    /// The miner's signature over its id.
    pub signature: Signature,
    /// Work of this block and all before it.
    pub work: Work,
    /// Number of transactions in its body.
    pub transactions: u32,
}

/// Accounts by address.
pub trait AccountSource {
    /// The account, if it ever received coins.
    fn account(&self, address: &Address) -> Result<Option<Account>, ViewError>;
}

/// The chain as kept: every read sees the same moment.
pub trait ChainSource: AccountSource {
    /// The end of the chain.
    fn tip(&self) -> Result<Tip, ViewError>;
    /// A header of any branch.
    fn header(&self, id: &BlockId) -> Result<Option<StoredHeader>, ViewError>;
    /// The block at `height` of the chain that ends at the tip.
    fn main_id(&self, height: Height) -> Result<Option<BlockId>, ViewError>;
    /// A whole block of any branch.
    fn block(&self, id: &BlockId) -> Result<Option<Block>, ViewError>;
    /// What undoes a block of the chain that ends at the tip.
    fn undo(&self, id: &BlockId) -> Result<Option<Undo>, ViewError>;
}

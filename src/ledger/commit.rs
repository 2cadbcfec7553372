//! One change of what is kept: all of it or nothing.

use std::sync::Arc;

use crate::apply::{Changes, Undo};
use crate::{BlockId, CheckedBlock, Tip, Work};

/// A block to keep, on whatever branch.
#[derive(Debug, Clone)]
pub struct NewBlock {
    /// The block.
    pub block: Arc<CheckedBlock>,
    /// Work of this block and all before it.
    pub work: Work,
}

/// A block that becomes part of the chain.
#[derive(Debug, Clone)]
pub struct Connect {
    /// The block; it is kept already or is in [`Commit::keep`].
    pub block: Arc<CheckedBlock>,
    /// What undoes it.
    pub undo: Undo,
}

/// Blocks to keep, and how the chain moves. The steps happen in the order of the fields.
#[derive(Debug, Clone)]
pub struct Commit {
    /// Blocks that were not kept before.
    pub keep: Vec<NewBlock>,
    /// Blocks that leave the chain, the tip first.
    pub disconnect: Vec<BlockId>,
    /// Blocks that join the chain, the lowest first.
    pub connect: Vec<Connect>,
    /// Accounts after all of that.
    pub accounts: Changes,
    /// The end of the chain after all of that.
    pub tip: Tip,
}

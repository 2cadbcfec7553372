//! A block, and the proof that it was checked.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Amount, BlockError, BlockId, CheckedTransaction, HEADER_BYTES, Header, Network, Signature, Transaction};

/// A block as it travels and is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// The header, whose hash is the block's id.
    pub header: Header,
    /// The miner's signature over the id (rule B5).
    pub signature: Signature,
    /// The transactions in the order in which they are applied.
    pub transactions: Vec<Transaction>,
}

impl Block {
    /// Size in bytes as rule B4 counts it.
    pub fn size(&self) -> usize {
        HEADER_BYTES + 64 + self.transactions.iter().map(Transaction::size).sum::<usize>()
    }
}

/// A block that is valid by itself (rules B1, B3, B4, B5 and those of its transactions). Whether it fits its parent
/// and the accounts is not checked.
#[derive(Clone, PartialEq, Eq)]
pub struct CheckedBlock {
    pub(crate) header: Header,
    pub(crate) signature: Signature,
    pub(crate) id: BlockId,
    pub(crate) transactions: Vec<Arc<CheckedTransaction>>,
}

impl CheckedBlock {
    /// A block that was checked before it was kept: signatures and work are not checked again.
    pub fn kept(block: Block, network: &Network) -> Result<Self, BlockError> {
        let checked = |(index, tx): (usize, Transaction)| {
            tx.kept(network).map(Arc::new).map_err(|error| BlockError::Transaction { index, error })
        };
        let id = block.header.id();
        let transactions = block.transactions.into_iter().enumerate().map(checked).collect::<Result<_, _>>()?;
        Ok(Self { header: block.header, signature: block.signature, id, transactions })
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The miner's signature.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The id.
    pub fn id(&self) -> BlockId {
        self.id
    }

    /// The transactions.
    pub fn transactions(&self) -> &[Arc<CheckedTransaction>] {
        &self.transactions
    }

    /// Size in bytes as rule B4 counts it.
    pub fn size(&self) -> usize {
        HEADER_BYTES + 64 + self.transactions.iter().map(|tx| tx.size()).sum::<usize>()
    }

    /// The sum of all fees, if it fits.
    pub fn fees(&self) -> Option<Amount> {
        self.transactions.iter().try_fold(Amount::ZERO, |sum, tx| sum.checked_add(tx.fee()))
    }

    /// The block as it travels.
    pub fn to_block(&self) -> Block {
        Block {
            header: self.header.clone(),
            signature: self.signature,
            transactions: self.transactions.iter().map(|tx| tx.transaction().clone()).collect(),
        }
    }
}

impl fmt::Debug for CheckedBlock {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "block {} {}", self.header.height, self.id)
    }
}

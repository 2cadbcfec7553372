//! A block as bytes: postcard of [`Block`], whole, so that serving a peer is a plain read.

use ledger::{Block, CheckedBlock, Header, Signature, Transaction};
use serde::Serialize;

use crate::sealed::{SEAL, seal};
use crate::tables::Position;
use crate::{StoreError, sealed};

/// Serialises as [`Block`] does, without a copy of the transactions.
#[derive(Serialize)]
struct Borrowed<'a> {
    header: &'a Header,
    signature: &'a Signature,
    transactions: Vec<&'a Transaction>,
}

/// The row of a block.
pub(crate) fn encode(at: Position, block: &CheckedBlock) -> Result<Vec<u8>, StoreError> {
    let transactions = block.transactions().iter().map(|tx| tx.transaction()).collect();
    let borrowed = Borrowed { header: block.header(), signature: block.signature(), transactions };
    // No transaction is larger in postcard than this many bytes more than the rules count.
    let capacity = block.size() + 16 * block.transactions().len() + 64;
    let mut row = Vec::with_capacity(SEAL + capacity);
    row.extend([0; SEAL]);
    let mut row = postcard::to_extend(&borrowed, row)
        .map_err(|error| StoreError::misfit(format!("block {} cannot be encoded: {error}", block.id())))?;
    seal(&at.key(), &mut row);
    Ok(row)
}

/// The block in a row, as bytes.
pub(crate) fn opened(at: Position, row: &[u8]) -> Result<&[u8], StoreError> {
    sealed::opened(&at.key(), row, format_args!("a block at height {}", at.height))
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Block, StoreError> {
    postcard::from_bytes(bytes).map_err(unreadable)
}

/// One transaction of a body; those after it are not decoded.
pub(crate) fn transaction(bytes: &[u8], index: u32) -> Result<Option<Transaction>, StoreError> {
    let ((_, _, count), mut rest): ((Header, Signature, u32), _) =
        postcard::take_from_bytes(bytes).map_err(unreadable)?;
    for at in 0..count.min(index.saturating_add(1)) {
        let (tx, behind) = postcard::take_from_bytes(rest).map_err(unreadable)?;
        if at == index {
            return Ok(Some(tx));
        }
        rest = behind;
    }
    Ok(None)
}

fn unreadable(error: postcard::Error) -> StoreError {
    StoreError::damaged(format!("a block cannot be read back: {error}"))
}

//! The last blocks of a chain once more: what is kept of them must still be what the rules made of them.
//!
//! Goes back by what is kept to undo them, and forward again by the rules; a row that was changed on the way to the
//! disk or on it makes a difference. Signatures of transactions are not checked again: the root covers them.

use thiserror::Error;

use crate::apply::Overlay;
use crate::{AccountSource, BlockId, ChainSource, CheckedBlock, Height, Network, ViewError, check, merkle};

/// Why what is kept of the last blocks is not what it must be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RecheckError {
    /// It cannot be read.
    #[error("{0}")]
    View(#[from] ViewError),
    /// It is not what it was.
    #[error("block {height} of the chain: {what}")]
    Damaged {
        /// The height of the block.
        height: Height,
        /// What is wrong with it.
        what: String,
    },
}

/// Takes the last `count` blocks back and applies them again, and gives how many there were.
pub fn recheck(view: &dyn ChainSource, network: &Network, count: u64) -> Result<u64, RecheckError> {
    let tip = view.tip()?;
    let first = tip.height.saturating_sub(count.saturating_sub(1)).max(1);
    let (mut overlay, mut blocks, mut id) = (Overlay::new(view), Vec::new(), tip.id);
    for height in (first..=tip.height).rev() {
        let damaged = |what: String| RecheckError::Damaged { height, what };
        let missing = |what: &str| damaged(format!("{what} is missing"));
        if view.main_id(height)? != Some(id) {
            return Err(damaged(format!("it is not {id}, on which the next one builds")));
        }
        let stored = view.header(&id)?.ok_or_else(|| missing("its header"))?;
        let block = view.block(&id)?.ok_or_else(|| missing("its body"))?;
        if check::header_alone(&block.header, network).map_err(|error| damaged(error.to_string()))? != id
            || stored.header != block.header
            || block.header.height != height
        {
            return Err(damaged("its header is another one".into()));
        }
        let leaves: Vec<_> = block.transactions.iter().map(|tx| tx.leaf()).collect();
        if merkle::root(&leaves) != block.header.root {
            return Err(damaged("its transactions are others".into()));
        }
        let undo = view.undo(&id)?.ok_or_else(|| missing("what undoes it"))?;
        overlay.revert(&undo);
        let block = CheckedBlock::kept(block, network).map_err(|error| damaged(error.to_string()))?;
        id = block.header().previous;
        blocks.push((block, undo));
    }
    let checked = blocks.len() as u64;
    for (block, undo) in blocks.into_iter().rev() {
        let damaged = |what: String| RecheckError::Damaged { height: block.header().height, what };
        let again = overlay.apply(&block, network).map_err(|error| damaged(error.to_string()))?;
        if again != undo {
            return Err(damaged("what undoes it does not lead back to the accounts before it".into()));
        }
    }
    same_accounts(overlay, view, tip.id, tip.height)?;
    Ok(checked)
}

fn same_accounts(overlay: Overlay, view: &dyn ChainSource, tip: BlockId, height: Height) -> Result<(), RecheckError> {
    for address in overlay.touched() {
        if overlay.account(address)? != view.account(address)? {
            let what = format!("account {address} is not what the blocks up to {tip} make of it");
            return Err(RecheckError::Damaged { height, what });
        }
    }
    Ok(())
}

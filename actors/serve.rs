//! What peers are answered from the store.
//!
//! A question for what is not here has an empty answer, for its asker may follow another branch. Decides never whether
//! a question is answered at all.

use ledger::{BlockId, ChainSource, ViewError};
use store::{Reader, Snapshot};
use wire::limits::{BLOCKS_FILL_BYTES, MAX_HEADERS};
use wire::{RawBlock, Response};

/// An answer, and what it says of its asker.
pub(crate) struct Served {
    pub response: Response,
    /// For blocks: how far the lowest one is below the tip.
    pub below_tip: Option<u64>,
}

impl Served {
    /// An answer that says nothing of its asker.
    pub fn plain(response: Response) -> Self {
        Self { response, below_tip: None }
    }
}

/// As many headers as were asked for after the first block of `locator` that is on the chain, or after genesis.
pub(crate) fn headers(reader: &Reader, locator: &[BlockId], limit: usize) -> Result<Served, ViewError> {
    Ok(Served::plain(Response::Headers(reader.snapshot()?.headers_after(locator, limit.min(MAX_HEADERS))?)))
}

/// As many blocks as fit, in the order in which they were asked for, up to the first that is not here.
pub(crate) fn blocks(reader: &Reader, ids: &[BlockId]) -> Result<Served, ViewError> {
    let snapshot = reader.snapshot()?;
    let mut blocks = Vec::new();
    let mut bytes = 0;
    for id in ids {
        let Some(block) = snapshot.raw_block(id)? else { break };
        bytes += block.len();
        if bytes > BLOCKS_FILL_BYTES && !blocks.is_empty() {
            break;
        }
        blocks.push(RawBlock(block));
    }
    // Blocks are asked for from the lowest on.
    let below_tip = match ids.first() {
        Some(first) if !blocks.is_empty() => below_tip(&snapshot, first)?,
        _ => None,
    };
    Ok(Served { response: Response::Blocks(blocks), below_tip })
}

/// All of the transactions that a block has at these places, or none: an answer has no names.
pub(crate) fn transactions(reader: &Reader, block: &BlockId, indexes: &[u16]) -> Result<Served, ViewError> {
    let raw = reader.snapshot()?.raw_block(block)?;
    let damaged = |error: wire::CodecError| ViewError(format!("block {block} is damaged: {error}"));
    let block = raw.map(|bytes| RawBlock(bytes).decode()).transpose().map_err(damaged)?;
    let at = |index: &u16| block.as_ref()?.transactions.get(usize::from(*index)).cloned();
    Ok(Served::plain(Response::Transactions(indexes.iter().map(at).collect::<Option<_>>().unwrap_or_default())))
}

fn below_tip(snapshot: &Snapshot, id: &BlockId) -> Result<Option<u64>, ViewError> {
    let tip = snapshot.tip()?.height;
    Ok(snapshot.header(id)?.map(|stored| tip.saturating_sub(stored.header.height)))
}

//! What happened to an account: every transaction that moved its coins and every block that paid it, newest first.
//!
//! The table knows only the first bytes of an address and a place in the chain; what happened there is read from the
//! block, so a place that belongs to another address with the same first bytes is passed over.

use ledger::{Address, Amount, Block, BlockId, Height, Transaction};

use crate::moment::Moment;
use crate::tables::{ERA_LOOKUP, HISTORY, MINED, Position, era, era_key, era_looked_up};
use crate::{Snapshot, StoreError, body};

/// Where a page of an account's history ends; the next one goes on below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// The height of the block.
    pub height: Height,
    /// The place of the transaction in the block; `u32::MAX` for what the miner is paid.
    pub index: u32,
}

/// Something that happened to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Where in the chain.
    pub at: Cursor,
    /// The block.
    pub block: BlockId,
    /// The time in the block's header, unix milliseconds.
    pub time: u64,
    /// What happened.
    pub movement: Movement,
}

/// How an account's coins moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Movement {
    /// The account paid.
    Sent(Transaction),
    /// The account was paid.
    Received(Transaction),
    /// The account mined a block.
    Mined {
        /// Reward and fees.
        amount: Amount,
    },
}

/// A block whose entries are being read.
struct Page {
    id: BlockId,
    block: Block,
}

impl Snapshot {
    /// What happened to an account, newest first, at most `limit` entries from below `before` on.
    pub fn history(
        &self,
        address: &Address,
        before: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        let table = self.table(HISTORY)?;
        let Cursor { height, index } = before.unwrap_or(Cursor { height: u64::MAX, index: u32::MAX });
        let mut entries = Vec::new();
        let mut open: Option<Page> = None;
        for era in (0..=era(self.transaction_count()?)).rev() {
            let first = era_key(era, &address.0, Position::new(0, 0));
            let end = era_key(era, &address.0, Position::new(height, index));
            for row in table.range_owned::<&[u8; ERA_LOOKUP]>(&first..&end)?.rev() {
                if entries.len() >= limit {
                    return Ok(entries);
                }
                let Position { height, index } = era_looked_up(row?.0.value());
                let page = match open.take() {
                    Some(page) if page.block.header.height == height => page,
                    _ => self.page(height)?,
                };
                if let Some(movement) = self.movement(address, index, &page)? {
                    let at = Cursor { height, index };
                    entries.push(HistoryEntry { at, block: page.id, time: page.block.header.time, movement });
                }
                open = Some(page);
            }
        }
        Ok(entries)
    }

    fn page(&self, height: Height) -> Result<Page, StoreError> {
        let at = Position::new(height, self.must_main_row(height)?.index);
        let block = self.body_at(at, body::decode)?;
        Ok(Page { id: block.header.id(), block })
    }

    fn movement(&self, address: &Address, index: u32, page: &Page) -> Result<Option<Movement>, StoreError> {
        let Page { id, block } = page;
        let damaged = || StoreError::damaged(format!("the history of {address} names what block {id} does not have"));
        if index == MINED {
            let is_miner = block.header.miner.address().map_err(|_| damaged())? == *address;
            let mut fees = block.transactions.iter().map(Transaction::fee);
            let amount = fees.try_fold(self.network.spec.reward, |sum, fee| sum.checked_add(fee));
            return Ok(is_miner.then_some(Movement::Mined { amount: amount.ok_or_else(damaged)? }));
        }
        let tx = block.transactions.get(index as usize).ok_or_else(damaged)?;
        if tx.to() == *address {
            return Ok(Some(Movement::Received(tx.clone())));
        }
        let sender = match tx {
            Transaction::Transfer(tx) => tx.from.address().map_err(|_| damaged())?,
            Transaction::Barreleye(tx) => tx.from,
        };
        Ok((sender == *address).then(|| Movement::Sent(tx.clone())))
    }
}

//! Transactions of the chain: by id, by number, and in pages.
//!
//! Numbers count all transactions of the chain from 0. Each block's row knows how many there are up to it, so a number
//! is found by binary search over the heights: no list of transactions has to be kept or rewritten in a reorganisation.

use ledger::{Block, BlockId, Height, Transaction, TxId};

use crate::moment::Moment;
use crate::tables::{ERA_LOOKUP, Position, TX_IDS, era, era_key, era_looked_up, row_id, stored_header};
use crate::{Snapshot, StoreError, body};

/// A transaction and where it is in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The transaction.
    pub transaction: Transaction,
    /// The height of its block.
    pub height: Height,
    /// Its place in that block, from 0.
    pub index: u32,
    /// Its place among all transactions of the chain, from 0.
    pub number: u64,
    /// Its block.
    pub block: BlockId,
    /// The time in the block's header, unix milliseconds.
    pub time: u64,
}

/// What every transaction of one block shares.
struct Home {
    at: Position,
    id: BlockId,
    time: u64,
    /// Transactions of the chain before this block.
    before: u64,
}

impl Home {
    fn located(&self, index: u32, transaction: Transaction) -> Located {
        let number = self.before + u64::from(index);
        Located { transaction, height: self.at.height, index, number, block: self.id, time: self.time }
    }
}

impl Snapshot {
    /// A transaction of the chain by its id.
    pub fn transaction(&self, id: &TxId) -> Result<Option<Located>, StoreError> {
        let table = self.table(TX_IDS)?;
        for era in (0..=era(self.transaction_count()?)).rev() {
            let first = era_key(era, &id.0, Position::new(0, 0));
            let last = era_key(era, &id.0, Position::new(u64::MAX, u32::MAX));
            for entry in table.range_owned::<&[u8; ERA_LOOKUP]>(&first..=&last)? {
                let at = era_looked_up(entry?.0.value());
                let home = self.home(at.height)?;
                let tx = self.transaction_in(&home, at.index)?;
                if tx.id(&self.network.chain) == *id {
                    return Ok(Some(home.located(at.index, tx)));
                }
            }
        }
        Ok(None)
    }

    /// The transaction with this number; none if the chain has fewer.
    pub fn transaction_by_number(&self, number: u64) -> Result<Option<Located>, StoreError> {
        if number >= self.transaction_count()? {
            return Ok(None);
        }
        let home = self.home(self.height_of(number)?)?;
        let index = index_in(&home, number)?;
        let tx = self.transaction_in(&home, index)?;
        Ok(Some(home.located(index, tx)))
    }

    /// How many transactions the chain has.
    pub fn transaction_count(&self) -> Result<u64, StoreError> {
        Ok(self.end()?.1.count)
    }

    /// A page of the chain's transactions, newest first, from below the number `before` on.
    pub fn transactions_below(&self, before: u64, limit: usize) -> Result<Vec<Located>, StoreError> {
        let mut left = self.transaction_count()?.min(before);
        let mut page = Vec::new();
        while left > 0 && page.len() < limit {
            let home = self.home(self.height_of(left - 1)?)?;
            let last = index_in(&home, left - 1)?;
            let block: Block = self.body_at(home.at, body::decode)?;
            let wanted = limit - page.len();
            let of_block = (0..).zip(block.transactions).take(last as usize + 1).map(|(i, tx)| home.located(i, tx));
            let mut of_block: Vec<_> = of_block.collect();
            let from = of_block.len().saturating_sub(wanted);
            page.extend(of_block.drain(from..).rev());
            left = home.before;
        }
        Ok(page)
    }

    /// The height of the block that has the transaction with this number, which the chain has.
    fn height_of(&self, number: u64) -> Result<Height, StoreError> {
        let (mut low, mut high) = (0, self.end()?.0);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.count_at(middle)? > number { high = middle } else { low = middle + 1 }
        }
        Ok(low)
    }

    /// Transactions of the chain up to and with this height.
    fn count_at(&self, height: Height) -> Result<u64, StoreError> {
        Ok(self.must_main_row(height)?.count)
    }

    fn home(&self, height: Height) -> Result<Home, StoreError> {
        let at = Position::new(height, self.must_main_row(height)?.index);
        let before = height.checked_sub(1).map(|below| self.count_at(below)).transpose()?.unwrap_or(0);
        self.header_row(at, |row| Ok(Home { at, id: row_id(row), time: stored_header(at, row)?.header.time, before }))
    }

    fn transaction_in(&self, home: &Home, index: u32) -> Result<Transaction, StoreError> {
        let found = self.body_at(home.at, |bytes| body::transaction(bytes, index))?;
        found.ok_or_else(|| StoreError::damaged(format!("block {} has no transaction {index}", home.id)))
    }
}

fn index_in(home: &Home, number: u64) -> Result<u32, StoreError> {
    let index = number.checked_sub(home.before).and_then(|index| u32::try_from(index).ok());
    index.ok_or_else(|| StoreError::damaged(format!("transaction {number} is not in block {}", home.id)))
}

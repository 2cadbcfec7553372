//! What the rules need to see, read from tables that somebody else opens: those of a snapshot, or those of the writer
//! with what it has not committed yet.
//!
//! Each read opens the tables that it needs and closes them again: a writer can have a table open only once.

use ledger::apply::Undo;
use ledger::{Account, Address, Block, BlockId, Height, StoredHeader, Tip};
use redb::{Key, ReadableTable, TableDefinition, Value};

use crate::tables::{
    self, ACCOUNTS, BLOCK_IDS, BODIES, HEADER, HEADERS, MAIN, MainRow, Position, UNDO, missing_header, stored_header,
};
use crate::{StoreError, body, sealed};

/// One moment of what is kept.
pub(crate) trait Moment {
    /// A table as it is at this moment.
    fn open<K: Key + 'static, V: Value + 'static>(
        &self,
        definition: TableDefinition<K, V>,
    ) -> Result<impl ReadableTable<K, V>, StoreError>;

    /// The height of the tip and its row.
    fn end(&self) -> Result<(Height, MainRow), StoreError> {
        let main = self.open(MAIN)?;
        let (height, row) = main.last()?.ok_or_else(|| StoreError::damaged("there is no chain"))?;
        let height = u64::from_be_bytes(*height.value());
        Ok((height, MainRow::decode(height, row.value())?))
    }

    fn main_row(&self, height: Height) -> Result<Option<MainRow>, StoreError> {
        let main = self.open(MAIN)?;
        main.get(&height.to_be_bytes())?.map(|row| MainRow::decode(height, row.value())).transpose()
    }

    /// The row of the chain at a height that it has.
    fn must_main_row(&self, height: Height) -> Result<MainRow, StoreError> {
        self.main_row(height)?.ok_or_else(|| StoreError::damaged(format!("the chain has no block {height}")))
    }

    fn header_row<T>(
        &self,
        at: Position,
        read: impl FnOnce(&[u8; HEADER]) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let headers = self.open(HEADERS)?;
        let row = headers.get(&at.key())?.ok_or_else(|| missing_header(at))?;
        read(row.value())
    }

    fn body_at<T>(&self, at: Position, read: impl FnOnce(&[u8]) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let bodies = self.open(BODIES)?;
        let body = bodies.get(&at.key())?;
        let body = body.ok_or_else(|| StoreError::damaged(format!("no body {} at height {}", at.index, at.height)))?;
        read(body::opened(at, body.value())?)
    }

    fn position(&self, id: &BlockId) -> Result<Option<Position>, StoreError> {
        tables::block_position(&self.open(BLOCK_IDS)?, &self.open(HEADERS)?, id)
    }

    fn read_account(&self, address: &Address) -> Result<Option<Account>, StoreError> {
        let accounts = self.open(ACCOUNTS)?;
        accounts.get(&address.0)?.map(|row| tables::account(address, row.value())).transpose()
    }

    fn read_tip(&self) -> Result<Tip, StoreError> {
        let (height, row) = self.end()?;
        let at = Position::new(height, row.index);
        self.header_row(at, |row| {
            let stored = stored_header(at, row)?;
            Ok(Tip { id: tables::row_id(row), height, work: stored.work, time: stored.header.time })
        })
    }

    fn read_header(&self, id: &BlockId) -> Result<Option<StoredHeader>, StoreError> {
        match self.position(id)? {
            Some(at) => self.header_row(at, |row| stored_header(at, row)).map(Some),
            None => Ok(None),
        }
    }

    fn read_main_id(&self, height: Height) -> Result<Option<BlockId>, StoreError> {
        match self.main_row(height)? {
            Some(row) => self.header_row(Position::new(height, row.index), |row| Ok(tables::row_id(row))).map(Some),
            None => Ok(None),
        }
    }

    fn read_block(&self, id: &BlockId) -> Result<Option<Block>, StoreError> {
        match self.position(id)? {
            Some(at) => self.body_at(at, body::decode).map(Some),
            None => Ok(None),
        }
    }

    fn read_undo(&self, id: &BlockId) -> Result<Option<Undo>, StoreError> {
        let Some(at) = self.position(id)? else { return Ok(None) };
        let undo = self.open(UNDO)?;
        let Some(row) = undo.get(&at.key())? else { return Ok(None) };
        let undo = sealed::opened(&at.key(), row.value(), format_args!("the undo of block {id}"))?;
        postcard::from_bytes(undo)
            .map(Some)
            .map_err(|error| StoreError::damaged(format!("the undo of block {id}: {error}")))
    }
}

/// What the rules see of a [`Moment`].
macro_rules! chain_source {
    ($moment:ty) => {
        impl ledger::AccountSource for $moment {
            fn account(&self, address: &ledger::Address) -> Result<Option<ledger::Account>, ledger::ViewError> {
                Ok($crate::guarded(|| self.read_account(address))?)
            }
        }

        impl ledger::ChainSource for $moment {
            fn tip(&self) -> Result<ledger::Tip, ledger::ViewError> {
                Ok($crate::guarded(|| self.read_tip())?)
            }

            fn header(&self, id: &ledger::BlockId) -> Result<Option<ledger::StoredHeader>, ledger::ViewError> {
                Ok($crate::guarded(|| self.read_header(id))?)
            }

            fn main_id(&self, height: ledger::Height) -> Result<Option<ledger::BlockId>, ledger::ViewError> {
                Ok($crate::guarded(|| self.read_main_id(height))?)
            }

            fn block(&self, id: &ledger::BlockId) -> Result<Option<ledger::Block>, ledger::ViewError> {
                Ok($crate::guarded(|| self.read_block(id))?)
            }

            fn undo(&self, id: &ledger::BlockId) -> Result<Option<ledger::apply::Undo>, ledger::ViewError> {
                Ok($crate::guarded(|| self.read_undo(id))?)
            }
        }
    };
}

pub(crate) use chain_source;

//! One moment of what is kept: every read of a [`Snapshot`] sees the same commits.

use std::sync::Arc;

use ledger::{Account, Address, BlockId, Header, Height, Network, StoredHeader, TxId};
use redb::{
    Database, Key, OwnedAccessGuard, OwnedRange, ReadOnlyTable, ReadTransaction, ReadableTable, StorageError,
    TableDefinition, Value,
};

use crate::moment::{Moment, chain_source};
use crate::tables::{
    self, ACCOUNT, ACCOUNTS, HEADERS, MAIN, MAIN_ROW, MainRow, Position, missing_header, stored_header,
};
use crate::{StoreError, body};

/// One moment of what is kept.
pub struct Snapshot {
    tx: ReadTransaction,
    pub(crate) network: Arc<Network>,
    /// Keeps the file open; what is read may not be in memory.
    _db: Arc<Database>,
}

/// All accounts in the order of their addresses.
pub struct Accounts(OwnedRange<&'static [u8; 20], &'static [u8; ACCOUNT]>);

impl Iterator for Accounts {
    type Item = Result<(Address, Account), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.0.next()?.map_err(StoreError::from);
        Some(row.and_then(|(key, row)| {
            let address = Address(*key.value());
            Ok((address, tables::account(&address, row.value())?))
        }))
    }
}

impl Snapshot {
    pub(crate) fn new(tx: ReadTransaction, network: Arc<Network>, db: Arc<Database>) -> Self {
        Self { tx, network, _db: db }
    }

    pub(crate) fn table<K: Key + 'static, V: Value + 'static>(
        &self,
        definition: TableDefinition<K, V>,
    ) -> Result<ReadOnlyTable<K, V>, StoreError> {
        Ok(self.tx.open_table(definition)?)
    }

    /// A block as bytes: postcard of [`Block`], as peers are served.
    pub fn raw_block(&self, id: &BlockId) -> Result<Option<Vec<u8>>, StoreError> {
        match self.position(id)? {
            Some(at) => self.body_at(at, |bytes| Ok(bytes.to_vec())).map(Some),
            None => Ok(None),
        }
    }

    /// The ids of a block's transactions in their order; none for an unknown block.
    pub fn transaction_ids(&self, id: &BlockId) -> Result<Vec<TxId>, StoreError> {
        let Some(at) = self.position(id)? else { return Ok(Vec::new()) };
        let block = self.body_at(at, body::decode)?;
        Ok(block.transactions.iter().map(|tx| tx.id(&self.network.chain)).collect())
    }

    /// The header at `height` of the chain.
    pub fn header_at(&self, height: Height) -> Result<Option<StoredHeader>, StoreError> {
        match self.main_row(height)? {
            Some(row) => {
                let at = Position::new(height, row.index);
                self.header_row(at, |row| stored_header(at, row)).map(Some)
            }
            None => Ok(None),
        }
    }

    /// Whether a block is part of the chain.
    pub fn is_on_chain(&self, id: &BlockId) -> Result<bool, StoreError> {
        Ok(self.height_on_chain(id)?.is_some())
    }

    /// A page of the chain's headers with their ids, highest first, from below `before` on.
    pub fn headers_below(&self, before: Height, limit: usize) -> Result<Vec<(BlockId, StoredHeader)>, StoreError> {
        let rows = self.table(MAIN)?.range_owned::<&[u8; 8]>(..&before.to_be_bytes())?;
        self.headers_of(rows.rev().take(limit))
    }

    /// A page of the chain's headers with their ids, lowest first, from `first` on.
    pub fn headers_from(&self, first: Height, limit: usize) -> Result<Vec<(BlockId, StoredHeader)>, StoreError> {
        let rows = self.table(MAIN)?.range_owned::<&[u8; 8]>(&first.to_be_bytes()..)?;
        self.headers_of(rows.take(limit))
    }

    /// Headers of the chain after the first block of `locator` that is part of it, or after genesis.
    pub fn headers_after(&self, locator: &[BlockId], limit: usize) -> Result<Vec<Header>, StoreError> {
        let mut from = 0;
        for id in locator {
            if let Some(height) = self.height_on_chain(id)? {
                from = height;
                break;
            }
        }
        let headers = self.headers_from(from.saturating_add(1), limit)?;
        Ok(headers.into_iter().map(|(_, stored)| stored.header).collect())
    }

    /// All accounts; what a replay of the chain must give.
    pub fn accounts(&self) -> Result<Accounts, StoreError> {
        Ok(Accounts(self.table(ACCOUNTS)?.range_owned::<&[u8; 20]>(..)?))
    }

    fn height_on_chain(&self, id: &BlockId) -> Result<Option<Height>, StoreError> {
        let Some(at) = self.position(id)? else { return Ok(None) };
        let main = self.main_row(at.height)?;
        Ok(main.filter(|main| main.index == at.index).map(|_| at.height))
    }

    fn headers_of(&self, rows: impl Iterator<Item = MainEntry>) -> Result<Vec<(BlockId, StoredHeader)>, StoreError> {
        let headers = self.table(HEADERS)?;
        let header = |entry: MainEntry| {
            let (height, row) = entry?;
            let height = u64::from_be_bytes(*height.value());
            let at = Position::new(height, MainRow::decode(height, row.value())?.index);
            let row = headers.get(&at.key())?.ok_or_else(|| missing_header(at))?;
            Ok((tables::row_id(row.value()), stored_header(at, row.value())?))
        };
        rows.map(header).collect()
    }
}

type MainEntry = Result<(OwnedAccessGuard<&'static [u8; 8]>, OwnedAccessGuard<&'static [u8; MAIN_ROW]>), StorageError>;

impl Moment for Snapshot {
    fn open<K: Key + 'static, V: Value + 'static>(
        &self,
        definition: TableDefinition<K, V>,
    ) -> Result<impl ReadableTable<K, V>, StoreError> {
        self.table(definition)
    }
}

chain_source!(Snapshot);

//! The way to read for everybody but the writer.

use std::io;
use std::path::Path;
use std::sync::Arc;

use ledger::{Address, Network};
use redb::{Database, ReadableDatabase, ReadableTableMetadata};
use serde::Serialize;

use crate::sealed::AccountsDigest;
use crate::tables::{self, ACCOUNTS, BLOCK_IDS, BODIES, FAUCET, HEADERS, HISTORY, MAIN, META, PEERS, TX_IDS, UNDO};
use crate::{Snapshot, StoreError, guarded, rows};

/// Reads what is kept; waits for nobody, and nobody waits for it. Cheap to clone.
#[derive(Clone)]
pub struct Reader {
    db: Arc<Database>,
    network: Arc<Network>,
    /// Where the file is; none on another kind of storage.
    dir: Option<Arc<Path>>,
}

/// What a table takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TableUsage {
    /// The table.
    pub name: &'static str,
    /// Its rows.
    pub rows: u64,
    /// Bytes of their keys and values.
    pub content_bytes: u64,
    /// The same with what the tree above them takes, and with what its pages leave free.
    pub bytes: u64,
}

/// How much a table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableSize {
    /// The table.
    pub name: &'static str,
    /// Its rows.
    pub rows: u64,
}

impl Reader {
    pub(crate) fn new(db: Arc<Database>, network: Arc<Network>, dir: Option<Arc<Path>>) -> Self {
        Self { db, network, dir }
    }

    /// Bytes that are free on the disk for whoever runs this process.
    pub fn free_bytes(&self) -> Result<u64, StoreError> {
        let Some(dir) = &self.dir else { return Ok(u64::MAX) };
        let disk = rustix::fs::statvfs(&**dir).map_err(io::Error::from)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// The network whose chain is kept.
    pub fn network(&self) -> &Arc<Network> {
        &self.network
    }

    /// What is kept at this moment. Drop it soon: as long as it lives, no page that it sees is used again and the file
    /// grows with every commit.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        Ok(Snapshot::new(self.db.begin_read()?, self.network.clone(), self.db.clone()))
    }

    /// Reads all accounts, and compares with what commits made of them: a disk that lost or changed one is found out.
    /// Some 2 µs for each.
    pub fn check_accounts(&self) -> Result<u64, StoreError> {
        guarded(|| self.check_each_account())
    }

    fn check_each_account(&self) -> Result<u64, StoreError> {
        let snapshot = self.snapshot()?;
        let accounts = snapshot.table(ACCOUNTS)?;
        let (mut digest, mut count) = (AccountsDigest::default(), 0);
        for entry in accounts.range::<&[u8; 20]>(..)? {
            let (address, row) = entry?;
            // Found by walking; it must be found by its address too.
            let found = accounts.get(address.value())?;
            tables::account(&Address(*address.value()), row.value())?;
            if found.is_none_or(|found| found.value() != row.value()) {
                let address = Address(*address.value());
                return Err(StoreError::damaged(format!("account {address} cannot be looked up")));
            }
            digest.toggle(address.value(), row.value());
            count += 1;
        }
        match digest == rows::digest(&snapshot.table(META)?)? {
            true => Ok(count),
            false => Err(StoreError::damaged("the accounts are not those that the blocks led to")),
        }
    }

    /// What every table that grows takes on the disk. Walks through all of it: for people, not for every minute.
    pub fn usage(&self) -> Result<Vec<TableUsage>, StoreError> {
        let snapshot = self.snapshot()?;
        macro_rules! usage {
            ($($name:literal $table:ident)*) => {
                vec![$({
                    let table = snapshot.table($table)?;
                    let (rows, stats) = (table.len()?, table.stats()?);
                    let content_bytes = stats.stored_bytes();
                    let bytes = content_bytes + stats.metadata_bytes() + stats.fragmented_bytes();
                    TableUsage { name: $name, rows, content_bytes, bytes }
                }),*]
            };
        }
        Ok(usage![
            "headers" HEADERS "bodies" BODIES "block_ids" BLOCK_IDS "main" MAIN "undo" UNDO "tx_ids" TX_IDS
            "history" HISTORY "accounts" ACCOUNTS "peers" PEERS "faucet" FAUCET
        ])
    }

    /// The size of every table that grows.
    pub fn tables(&self) -> Result<Vec<TableSize>, StoreError> {
        let snapshot = self.snapshot()?;
        macro_rules! sizes {
            ($($name:literal $table:ident)*) => {
                vec![$(TableSize { name: $name, rows: snapshot.table($table)?.len()? }),*]
            };
        }
        Ok(sizes![
            "headers" HEADERS "bodies" BODIES "block_ids" BLOCK_IDS "main" MAIN "undo" UNDO "tx_ids" TX_IDS
            "history" HISTORY "accounts" ACCOUNTS "peers" PEERS "faucet" FAUCET
        ])
    }
}

//! The way to read for everybody but the writer.

use std::sync::Arc;

use ledger::Network;
use redb::{Database, ReadableDatabase, ReadableTableMetadata};

use crate::tables::{ACCOUNTS, BLOCK_IDS, BODIES, FAUCET, HEADERS, HISTORY, MAIN, PEERS, TX_IDS, UNDO};
use crate::{Snapshot, StoreError};

/// Reads what is kept; waits for nobody, and nobody waits for it. Cheap to clone.
#[derive(Clone)]
pub struct Reader {
    db: Arc<Database>,
    network: Arc<Network>,
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
    pub(crate) fn new(db: Arc<Database>, network: Arc<Network>) -> Self {
        Self { db, network }
    }

    /// What is kept at this moment. Drop it soon: as long as it lives, no page that it sees is used again and the file
    /// grows with every commit.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        Ok(Snapshot::new(self.db.begin_read()?, self.network.clone()))
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

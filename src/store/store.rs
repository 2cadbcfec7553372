//! The writer. There is one; each of its calls is one transaction that is durable when the call returns.

use std::path::Path;
use std::sync::Arc;

use ledger::{Commit, Network};
use redb::{Database, Durability, WriteTransaction};

use crate::{Reader, StoreError, Write, commit, open, records};

/// What redb may keep in memory. Its own default of 1 GiB would be most of a small machine, and reads are as fast with
/// this, because the system has the file in its page cache.
pub const DEFAULT_CACHE_BYTES: usize = 64 << 20;

/// The only writer of a data directory.
///
/// After an error the transaction is undone and nothing of it can be read. An error of the disk is final: the database
/// takes no more writes until it is opened again.
pub struct Store {
    db: Arc<Database>,
    network: Arc<Network>,
}

impl Store {
    /// Opens `dir`, or creates it with the genesis block of `network`. `progress` hears 0.0 to 1.0 while the file is
    /// repaired, which no crash of this program makes necessary.
    pub fn open(
        dir: &Path,
        network: Arc<Network>,
        cache_bytes: usize,
        progress: impl FnMut(f64) + 'static,
    ) -> Result<Self, StoreError> {
        let db = open::open(dir, &network, cache_bytes, progress)?;
        Ok(Self { db: Arc::new(db), network })
    }

    /// The way to read. The file stays open as long as any reader lives.
    pub fn reader(&self) -> Reader {
        Reader::new(self.db.clone(), self.network.clone())
    }

    /// Keeps a commit: all of it or nothing, durable on return.
    pub fn commit(&mut self, commit: &Commit) -> Result<(), StoreError> {
        let tx = begin(&self.db)?;
        commit::write(&tx, &self.network, commit)?;
        Ok(tx.commit()?)
    }

    /// Keeps records of peers and claims: all of them or none, durable on return.
    pub fn write(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        if writes.is_empty() {
            return Ok(());
        }
        let tx = begin(&self.db)?;
        records::write(&tx, writes)?;
        Ok(tx.commit()?)
    }
}

/// A transaction that is durable once committed, and after which the file opens at once even if the process is killed.
pub(crate) fn begin(db: &Database) -> Result<WriteTransaction, StoreError> {
    let mut tx = db.begin_write()?;
    tx.set_durability(Durability::Immediate)?;
    tx.set_quick_repair(true);
    Ok(tx)
}

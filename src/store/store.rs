//! The writer. There is one; each commit and each write of records is one transaction that is durable when the call
//! returns.
//!
//! A change that is too large to be held in memory comes in parts: all but the last are staged in a transaction that
//! the commit of the last one ends. Until then readers see what was before, the writer alone sees what it staged, and
//! whatever ends the process undoes it. redb writes what does not fit into its cache to the file on the way, so what
//! is staged costs memory only for the numbers of its pages: some 50 bytes for each 4 KiB.

use std::path::Path;
use std::sync::Arc;

use ledger::{Commit, Network};
use redb::{Database, Durability, StorageBackend, WriteTransaction};

use crate::{Reader, Staged, StoreError, Write, commit, guarded, open, records};

/// What redb may keep in memory. Its own default of 1 GiB would be most of a small machine, and reads are as fast with
/// this, because the system has the file in its page cache.
pub const DEFAULT_CACHE_BYTES: usize = 64 << 20;

/// The only writer of a data directory.
///
/// After an error the transaction is undone and nothing of it can be read. An error of the disk is final: the database
/// takes no more writes until it is opened again.
pub struct Store {
    /// Before the database: it ends first.
    staged: Option<WriteTransaction>,
    db: Arc<Database>,
    network: Arc<Network>,
    /// Where the file is; none on another kind of storage.
    dir: Option<Arc<Path>>,
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
        let db = guarded(|| open::open(dir, &network, cache_bytes, progress))?;
        Ok(Self { staged: None, db: Arc::new(db), network, dir: Some(dir.into()) })
    }

    /// The same on another kind of storage than a file, such as a disk of a test that fails when it is told to.
    pub fn open_on(
        storage: impl StorageBackend,
        network: Arc<Network>,
        cache_bytes: usize,
    ) -> Result<Self, StoreError> {
        let db = guarded(|| open::open_on(storage, &network, cache_bytes))?;
        Ok(Self { staged: None, db: Arc::new(db), network, dir: None })
    }

    /// Bytes that are free on the disk for whoever runs this process.
    pub fn free_bytes(&self) -> Result<u64, StoreError> {
        self.reader().free_bytes()
    }

    /// The way to read. The file stays open as long as any reader or snapshot lives.
    pub fn reader(&self) -> Reader {
        Reader::new(self.db.clone(), self.network.clone(), self.dir.clone())
    }

    /// Keeps a commit and all that was staged before it: all of it or nothing, durable on return.
    pub fn commit(&mut self, commit: &Commit) -> Result<(), StoreError> {
        let tx = self.transaction()?;
        commit::write(&tx, &self.network, commit)?;
        Ok(tx.commit()?)
    }

    /// Takes the next part of a change, to be kept with the next [`Self::commit`]. After an error nothing is staged.
    pub fn stage(&mut self, part: &Commit) -> Result<(), StoreError> {
        let tx = self.transaction()?;
        commit::write(&tx, &self.network, part)?;
        self.staged = Some(tx);
        Ok(())
    }

    /// Forgets what was staged.
    pub fn abandon(&mut self) -> Result<(), StoreError> {
        match self.staged.take() {
            Some(tx) => Ok(tx.abort()?),
            None => Ok(()),
        }
    }

    /// What is kept with all that was staged, if anything was.
    pub fn staged(&self) -> Option<Staged<'_>> {
        self.staged.as_ref().map(Staged::new)
    }

    /// Gives pages that nothing needs any more back to the disk. Nobody may read meanwhile.
    pub fn compact(mut self) -> Result<(), StoreError> {
        self.abandon()?;
        let in_use = || StoreError::misfit("somebody still reads");
        let mut db = Arc::try_unwrap(self.db).map_err(|_| in_use())?;
        db.compact()?;
        Ok(())
    }

    fn transaction(&mut self) -> Result<WriteTransaction, StoreError> {
        self.staged.take().map_or_else(|| begin(&self.db), Ok)
    }

    /// Keeps records of peers and of the faucet: all of them or none, durable on return. Not while something is staged, which
    /// would keep them waiting or take them along when it is abandoned.
    pub fn write(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        if writes.is_empty() {
            return Ok(());
        }
        if self.staged.is_some() {
            return Err(StoreError::misfit("records cannot be written before a staged change is kept or abandoned"));
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

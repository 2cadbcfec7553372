//! Why the store cannot do what is asked, and what to do about it.

use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use ledger::{ChainId, ViewError};
use redb::CompactionError;
use thiserror::Error;

/// Why something cannot be read or kept. None of these goes away by asking again.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another process has the directory.
    #[error("another process has {} open: stop it first, or use another data directory", path.display())]
    InUse {
        /// The database file.
        path: PathBuf,
    },
    /// The directory belongs to another network.
    #[error(
        "the data directory holds the chain {found}, but this network's chain is {expected}: \
         name the network that it is of, name another directory, or move its chain.redb away"
    )]
    WrongChain {
        /// The chain in the directory.
        found: ChainId,
        /// The chain of the network.
        expected: ChainId,
    },
    /// A newer version of this program wrote it.
    #[error(
        "the data directory has format {found}, this version knows formats up to {known}: \
         install a newer version or use an empty directory"
    )]
    NewerSchema {
        /// The format in the directory.
        found: u32,
        /// The newest format that this program knows.
        known: u32,
    },
    /// What is stored contradicts itself or cannot be read back.
    #[error(
        "what is stored is damaged: {what}. Keep a copy of the data directory if you want it examined, \
         then start with an empty one: the chain comes back from the network"
    )]
    Damaged {
        /// What was found.
        what: String,
    },
    /// A commit that does not continue what is stored. Nothing of it was written.
    #[error(
        "a change does not fit what is stored: {what}. Nothing was written. \
         This is a fault of the program: start it again and report this line"
    )]
    Misfit {
        /// What does not fit.
        what: String,
    },
    /// There is no room on the disk.
    #[error(
        "the disk with the data directory is full: {0}. What was acknowledged is kept. Make free space, then start again"
    )]
    Full(io::Error),
    /// The disk or the file system refuses.
    #[error(
        "the data directory cannot be read or written: {0}. \
         Check free space, permissions and the disk, then start again"
    )]
    Io(io::Error),
    /// The database refuses after an earlier failure, or for a reason of its own.
    #[error("the database stopped working: {0}. Start the node again; what was acknowledged is kept")]
    Stopped(String),
}

impl StoreError {
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }

    pub(crate) fn misfit(what: impl Into<String>) -> Self {
        Self::Misfit { what: what.into() }
    }
}

/// Reads what may be damaged. The database gives up on some damage by a panic; here that is an error like any other.
pub fn guarded<T>(read: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    // Nothing that a panic left half done is used after it.
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        Err(StoreError::damaged(format!("the database gave up: {}", text.unwrap_or("without a word"))))
    })
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // A limit on the size of files or of a user's share is a full disk to whoever meets it.
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Self::Full(error),
            _ => Self::Io(error),
        }
    }
}

impl From<StoreError> for ViewError {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}

impl From<CompactionError> for StoreError {
    fn from(error: CompactionError) -> Self {
        match error {
            CompactionError::Storage(error) => error.into(),
            other => Self::misfit(other.to_string()),
        }
    }
}

impl From<redb::Error> for StoreError {
    fn from(error: redb::Error) -> Self {
        use redb::Error as E;
        match error {
            E::Io(error) if error.kind() == ErrorKind::InvalidData => Self::damaged(error.to_string()),
            E::Io(error) => error.into(),
            E::Corrupted(_)
            | E::UpgradeRequired(_)
            | E::TableDoesNotExist(_)
            | E::TableTypeMismatch { .. }
            | E::TypeDefinitionChanged { .. }
            | E::TableIsMultimap(_)
            | E::TableIsNotMultimap(_)
            | E::UnorderedKey => Self::damaged(error.to_string()),
            other => Self::Stopped(other.to_string()),
        }
    }
}

macro_rules! from_redb {
    ($($error:ident)*) => {$(
        impl From<redb::$error> for StoreError {
            fn from(error: redb::$error) -> Self {
                redb::Error::from(error).into()
            }
        }
    )*};
}

from_redb!(StorageError TableError DatabaseError TransactionError CommitError CursorError SetDurabilityError);

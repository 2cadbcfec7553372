//! What is kept: the chain, the accounts, the peers and the faucet's records, in one redb file.
//!
//! The only crate that knows redb. A [`Store`] is the one writer: a [`ledger::Commit`] is one durable transaction, all
//! of it or nothing, also after a crash. Everybody else holds a [`Reader`] and takes a [`Snapshot`], which waits for
//! nobody. Nothing is checked here: whoever commits has applied the rules of `ledger`.
//!
//! | file | noun |
//! |---|---|
//! | `tables` | the tables, their keys and rows: the format on disk |
//! | `sealed` | checksums of rows, and of all accounts |
//! | `body` | a block as bytes |
//! | `open`, `upgrade` | opening, creating, refusing what is not ours; older formats |
//! | `store` | the writer |
//! | `commit`, `rows` | a commit into rows, rows into tables |
//! | `walk` | the chain in parts, for whoever reads all of it |
//! | `archive` | a chain as one file without a database |
//! | `records` | opaque records of peers and claims |
//! | `reader`, `snapshot` | reading one moment |
//! | `moment`, `staged` | what the rules see, also of what the writer has not committed yet |
//! | `listing`, `history` | transactions by id, number and page; what happened to an account |

mod archive;
mod body;
mod commit;
mod error;
mod history;
mod listing;
mod moment;
mod open;
mod reader;
mod records;
mod rows;
mod sealed;
mod snapshot;
mod staged;
mod store;
mod tables;
mod upgrade;
mod walk;

pub use archive::{ArchiveError, ArchiveReader, ArchiveWriter, Entry};
pub use error::{StoreError, guarded};
pub use history::{Cursor, HistoryEntry, Movement};
pub use listing::Located;
pub use open::{FILE, SCHEMA};
pub use reader::{Reader, TableSize, TableUsage};
pub use records::Write;
pub use snapshot::{Accounts, Snapshot};
pub use staged::Staged;
pub use store::{DEFAULT_CACHE_BYTES, Store};
pub use walk::{Part, Walk};

//! Opening a data directory: creates what is not there, and refuses what is not ours.

use std::cell::RefCell;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::path::Path;

use ledger::{Network, Work};
use redb::{Builder, Database, DatabaseError, ReadableDatabase, StorageBackend, TableError, WriteTransaction};

use crate::sealed::{AccountsDigest, SEAL, seal};
use crate::tables::{
    self, ACCOUNTS, ACCOUNTS_KEY, BLOCK_IDS, BODIES, FAUCET, HEADERS, HISTORY, MAIN, META, MainRow, PEERS, Position,
    TX_IDS, UNDO,
};
use crate::{StoreError, store, upgrade};

/// Name of the database inside the data directory.
pub const FILE: &str = "chain.redb";
/// Version of the format on disk. Raised by any change of a table, a key or a row.
pub const SCHEMA: u32 = 3;

pub(crate) const SCHEMA_KEY: &str = "schema";
const CHAIN_KEY: &str = "chain";
/// Bytes at the start of a redb file that are zero until all of it is written.
const MAGIC_BYTES: usize = 9;

/// The database in `dir`, which holds at least the genesis block of `network`.
pub(crate) fn open(
    dir: &Path,
    network: &Network,
    cache_bytes: usize,
    progress: impl FnMut(f64) + 'static,
) -> Result<Database, StoreError> {
    fs::create_dir_all(dir)?;
    let path = dir.join(FILE);
    discard_unborn(&path)?;
    let progress = RefCell::new(progress);
    let db = Builder::new()
        .set_cache_size(cache_bytes)
        .set_repair_callback(move |repair| (progress.borrow_mut())(repair.progress()))
        .create(&path)
        .map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => StoreError::InUse { path: path.clone() },
            other => other.into(),
        })?;
    if hold_chain(&db, network)? {
        // The name of a new file is durable only with its directory.
        File::open(dir)?.sync_all()?;
    }
    Ok(db)
}

/// The same on another kind of storage than a file.
pub(crate) fn open_on(
    storage: impl StorageBackend,
    network: &Network,
    cache_bytes: usize,
) -> Result<Database, StoreError> {
    let db = Builder::new().set_cache_size(cache_bytes).create_with_backend(storage)?;
    hold_chain(&db, network)?;
    Ok(db)
}

/// Makes sure that the database holds the chain of `network` in today's format. Whether it held nothing before.
fn hold_chain(db: &Database, network: &Network) -> Result<bool, StoreError> {
    let found = found(db, network)?;
    let tx = match found {
        Found::Current => return Ok(false),
        Found::Nothing | Found::Older(_) => store::begin(db)?,
    };
    match found {
        Found::Older(format) => upgrade::from(format, &tx)?,
        _ => write_genesis(&tx, network)?,
    }
    tx.commit()?;
    Ok(matches!(found, Found::Nothing))
}

/// Empties a file whose creation was cut short: redb would refuse it for ever although it never held anything.
fn discard_unborn(path: &Path) -> Result<(), StoreError> {
    let mut file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(StoreError::InUse { path: path.into() }),
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    let mut magic = [0xff; MAGIC_BYTES];
    match file.read_exact(&mut magic) {
        Ok(()) if magic == [0; MAGIC_BYTES] => Ok(file.set_len(0)?),
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(file.set_len(0)?),
        Err(error) => Err(error.into()),
    }
}

/// What a database holds.
enum Found {
    /// No chain.
    Nothing,
    /// The chain of the network in this format.
    Current,
    /// The same in an older one.
    Older(u32),
}

/// What the database holds; a chain must be that of `network` in a format that this version knows.
fn found(db: &Database, network: &Network) -> Result<Found, StoreError> {
    let meta = match db.begin_read()?.open_table(META) {
        Ok(meta) => meta,
        Err(TableError::TableDoesNotExist(_)) => return Ok(Found::Nothing),
        Err(error) => return Err(error.into()),
    };
    let schema = meta.get_owned(SCHEMA_KEY)?.and_then(|row| row.value().try_into().ok()).map(u32::from_be_bytes);
    let format = match schema.ok_or_else(|| StoreError::damaged("the format is not readable"))? {
        SCHEMA => Found::Current,
        older @ 1..SCHEMA => Found::Older(older),
        newer if newer > SCHEMA => return Err(StoreError::NewerSchema { found: newer, known: SCHEMA }),
        unknown => return Err(StoreError::damaged(format!("there never was a format {unknown}"))),
    };
    let chain = meta.get_owned(CHAIN_KEY)?.and_then(|row| row.value().try_into().ok()).map(ledger::BlockId);
    match chain.ok_or_else(|| StoreError::damaged("the chain's identity is not readable"))? {
        found if found == network.chain => Ok(format),
        found => Err(StoreError::WrongChain { found, expected: network.chain }),
    }
}

/// The first rows. Every table exists from here on, so that reading never finds one missing.
fn write_genesis(tx: &WriteTransaction, network: &Network) -> Result<(), StoreError> {
    let (at, block) = (Position::new(0, 0), network.genesis_block());
    let mut meta = tx.open_table(META)?;
    meta.insert(SCHEMA_KEY, SCHEMA.to_be_bytes().as_slice())?;
    meta.insert(CHAIN_KEY, network.chain.0.as_slice())?;
    let header = tables::header_row_of(at, &block.header, &network.chain, &block.signature, Work::ZERO, 0);
    tx.open_table(HEADERS)?.insert(&at.key(), &header)?;
    let mut body = postcard::to_extend(&block, vec![0; SEAL])
        .map_err(|error| StoreError::misfit(format!("the genesis block cannot be encoded: {error}")))?;
    seal(&at.key(), &mut body);
    tx.open_table(BODIES)?.insert(&at.key(), body.as_slice())?;
    tx.open_table(BLOCK_IDS)?.insert(&tables::lookup_key(&network.chain.0, at), ())?;
    tx.open_table(MAIN)?.insert(&0u64.to_be_bytes(), &MainRow { index: 0, count: 0 }.encode(0))?;
    let mut accounts = tx.open_table(ACCOUNTS)?;
    let mut digest = AccountsDigest::default();
    for (address, account) in network.genesis_accounts() {
        let row = tables::account_row(&address, &account);
        accounts.insert(&address.0, &row)?;
        digest.toggle(&address.0, &row);
    }
    meta.insert(ACCOUNTS_KEY, digest.0.as_slice())?;
    tx.open_table(UNDO)?;
    tx.open_table(TX_IDS)?;
    tx.open_table(HISTORY)?;
    tx.open_table(PEERS)?;
    tx.open_table(FAUCET)?;
    Ok(())
}

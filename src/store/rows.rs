//! Rows on their way into the tables: collected first, then written table by table in the order of their keys, which
//! is several times faster than in the order in which they come.

use std::ops::Bound;

use redb::{ReadableTable, Table, Value, WriteTransaction};

use crate::StoreError;
use crate::sealed::AccountsDigest;
use crate::tables::{
    ACCOUNT, ACCOUNTS, ACCOUNTS_KEY, BLOCK_IDS, BODIES, ERA_LOOKUP, HEADER, HEADERS, HISTORY, LOOKUP, MAIN, MAIN_ROW,
    META, POSITION, TX_IDS, UNDO,
};

type Key<const N: usize> = &'static [u8; N];

/// Every table that a commit changes, each opened once.
pub(crate) struct Tables<'t> {
    pub headers: Table<'t, Key<POSITION>, &'static [u8; HEADER]>,
    pub bodies: Table<'t, Key<POSITION>, &'static [u8]>,
    pub block_ids: Table<'t, Key<LOOKUP>, ()>,
    pub main: Table<'t, Key<8>, &'static [u8; MAIN_ROW]>,
    undo: Table<'t, Key<POSITION>, &'static [u8]>,
    tx_ids: Table<'t, Key<ERA_LOOKUP>, ()>,
    history: Table<'t, Key<ERA_LOOKUP>, ()>,
    meta: Table<'t, &'static str, &'static [u8]>,
    accounts: Table<'t, Key<20>, &'static [u8; ACCOUNT]>,
}

impl<'t> Tables<'t> {
    pub fn open(tx: &'t WriteTransaction) -> Result<Self, StoreError> {
        Ok(Self {
            headers: tx.open_table(HEADERS)?,
            bodies: tx.open_table(BODIES)?,
            block_ids: tx.open_table(BLOCK_IDS)?,
            main: tx.open_table(MAIN)?,
            undo: tx.open_table(UNDO)?,
            tx_ids: tx.open_table(TX_IDS)?,
            history: tx.open_table(HISTORY)?,
            meta: tx.open_table(META)?,
            accounts: tx.open_table(ACCOUNTS)?,
        })
    }
}

/// What changes in one table: removals first, then additions.
pub(crate) struct Change<const N: usize, V> {
    pub remove: Vec<[u8; N]>,
    pub add: Vec<([u8; N], V)>,
}

impl<const N: usize, V> Default for Change<N, V> {
    fn default() -> Self {
        Self { remove: Vec::new(), add: Vec::new() }
    }
}

/// All changes of a commit.
#[derive(Default)]
pub(crate) struct Rows {
    pub headers: Change<POSITION, [u8; HEADER]>,
    pub bodies: Change<POSITION, Vec<u8>>,
    pub block_ids: Change<LOOKUP, ()>,
    pub main: Change<8, [u8; MAIN_ROW]>,
    pub undo: Change<POSITION, Vec<u8>>,
    pub tx_ids: Change<ERA_LOOKUP, ()>,
    pub history: Change<ERA_LOOKUP, ()>,
    pub accounts: Change<20, [u8; ACCOUNT]>,
}

impl Rows {
    pub fn write(self, tables: &mut Tables) -> Result<(), StoreError> {
        put(&mut tables.headers, self.headers, same)?;
        put(&mut tables.bodies, self.bodies, Vec::as_slice)?;
        put(&mut tables.block_ids, self.block_ids, nothing)?;
        put(&mut tables.main, self.main, same)?;
        put(&mut tables.undo, self.undo, Vec::as_slice)?;
        put(&mut tables.tx_ids, self.tx_ids, nothing)?;
        put(&mut tables.history, self.history, nothing)?;
        put_accounts(tables, self.accounts)
    }
}

/// Accounts, and the digest of all of them.
fn put_accounts(tables: &mut Tables, change: Change<20, [u8; ACCOUNT]>) -> Result<(), StoreError> {
    let Tables { meta, accounts, .. } = tables;
    let mut digest = digest(meta)?;
    let Change { remove, mut add } = change;
    add.sort_unstable_by_key(|(address, _)| *address);
    for address in &remove {
        // An account that came and went within one commit was never stored.
        if let Some(old) = accounts.remove(address)? {
            digest.toggle(address, old.value());
        }
    }
    for (address, row) in &add {
        if let Some(old) = accounts.insert(address, row)? {
            digest.toggle(address, old.value());
        }
        digest.toggle(address, row);
    }
    meta.insert(ACCOUNTS_KEY, digest.0.as_slice())?;
    Ok(())
}

/// The digest that is kept of all accounts.
pub(crate) fn digest(meta: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<AccountsDigest, StoreError> {
    let row = meta.get(ACCOUNTS_KEY)?.and_then(|row| row.value().try_into().ok());
    row.map(AccountsDigest).ok_or_else(|| StoreError::damaged("the digest of the accounts is not readable"))
}

fn put<const N: usize, T, V>(
    table: &mut Table<Key<N>, V>,
    change: Change<N, T>,
    value: impl for<'a> Fn(&'a T) -> V::SelfType<'a>,
) -> Result<(), StoreError>
where
    V: Value + 'static,
{
    let Change { mut remove, mut add } = change;
    // Two accounts whose addresses begin alike share the row of a transaction between them.
    remove.sort_unstable();
    remove.dedup();
    for key in &remove {
        if table.remove(key)?.is_none() {
            return Err(StoreError::damaged(format!("a row of {} is missing", redb::TableHandle::name(table))));
        }
    }
    add.sort_unstable_by_key(|(key, _)| *key);
    add.dedup_by(|(a, _), (b, _)| a == b);
    // What sorts behind all that is there is appended, three times as fast as it would be inserted.
    let inside = match table.last()? {
        Some((last, _)) => add.partition_point(|(key, _)| key <= last.value()),
        None => 0,
    };
    for (key, row) in &add[..inside] {
        table.insert(key, value(row))?;
    }
    if inside == add.len() {
        return Ok(());
    }
    let mut end = table.upper_bound_mut(Bound::<&[u8; N]>::Unbounded)?;
    for (key, row) in &add[inside..] {
        end.insert_before(key, value(row))?;
    }
    Ok(end.close()?)
}

fn same<const N: usize>(row: &[u8; N]) -> &[u8; N] {
    row
}

fn nothing(_: &()) {}

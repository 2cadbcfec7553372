//! Rows on their way into the tables: collected first, then written table by table in the order of their keys, which
//! is several times faster than in the order in which they come.

use std::ops::Bound;

use redb::{ReadableTable, Table, Value, WriteTransaction};

use crate::StoreError;
use crate::tables::{
    ACCOUNTS, BLOCK_IDS, BODIES, ERA_LOOKUP, HEADER, HEADERS, HISTORY, LOOKUP, MAIN, POSITION, TX_IDS, UNDO,
};

type Key<const N: usize> = &'static [u8; N];

/// Every table that a commit changes, each opened once.
pub(crate) struct Tables<'t> {
    pub headers: Table<'t, Key<POSITION>, &'static [u8; HEADER]>,
    pub bodies: Table<'t, Key<POSITION>, &'static [u8]>,
    pub block_ids: Table<'t, Key<LOOKUP>, ()>,
    pub main: Table<'t, Key<8>, &'static [u8; 12]>,
    undo: Table<'t, Key<POSITION>, &'static [u8]>,
    tx_ids: Table<'t, Key<ERA_LOOKUP>, ()>,
    history: Table<'t, Key<ERA_LOOKUP>, ()>,
    accounts: Table<'t, Key<20>, &'static [u8; 16]>,
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
    pub main: Change<8, [u8; 12]>,
    pub undo: Change<POSITION, Vec<u8>>,
    pub tx_ids: Change<ERA_LOOKUP, ()>,
    pub history: Change<ERA_LOOKUP, ()>,
    pub accounts: Change<20, [u8; 16]>,
}

impl Rows {
    pub fn write(self, tables: &mut Tables) -> Result<(), StoreError> {
        put(&mut tables.headers, self.headers, Missing::IsDamage, same)?;
        put(&mut tables.bodies, self.bodies, Missing::IsDamage, Vec::as_slice)?;
        put(&mut tables.block_ids, self.block_ids, Missing::IsDamage, nothing)?;
        put(&mut tables.main, self.main, Missing::IsDamage, same)?;
        put(&mut tables.undo, self.undo, Missing::IsDamage, Vec::as_slice)?;
        put(&mut tables.tx_ids, self.tx_ids, Missing::IsDamage, nothing)?;
        put(&mut tables.history, self.history, Missing::IsDamage, nothing)?;
        // An account that came and went within one commit was never stored.
        put(&mut tables.accounts, self.accounts, Missing::IsFine, same)
    }
}

/// What it means that a row to be removed is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    IsDamage,
    IsFine,
}

fn put<const N: usize, T, V>(
    table: &mut Table<Key<N>, V>,
    change: Change<N, T>,
    missing: Missing,
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
        if table.remove(key)?.is_none() && missing == Missing::IsDamage {
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

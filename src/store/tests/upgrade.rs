//! A data directory of an older format is brought to today's, whole or not at all, and says the same as before.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod common;

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;

use common::disk::{Disk, Fail};
use common::{Tree, dump, network, open};
use redb::{Builder, Database, ReadableTable, TableDefinition, WriteTransaction};
use store::{DEFAULT_CACHE_BYTES, FILE, Store};

/// Bytes before the content of a row of format 3.
const SEAL: usize = 4;

/// Rows as they were without a seal.
macro_rules! unseal {
    ($tx:ident, $name:literal, $key:ty, $new:ty => $old:ty) => {
        let sealed = TableDefinition::<$key, $new>::new(concat!($name, " sealed"));
        $tx.rename_table(TableDefinition::<$key, $new>::new($name), sealed).unwrap();
        let (rows, mut table) =
            ($tx.open_table(sealed).unwrap(), $tx.open_table(TableDefinition::<$key, $old>::new($name)).unwrap());
        for entry in rows.iter().unwrap() {
            let (key, row) = entry.unwrap();
            table.insert(key.value(), <$old>::try_from(&row.value()[SEAL..]).unwrap()).unwrap();
        }
        drop((rows, table));
        $tx.delete_table(sealed).unwrap();
    };
}

/// Takes a database of format 3 back to an older one, the way it was written then.
fn take_back(tx: &WriteTransaction, format: u32) {
    unseal!(tx, "headers", &[u8; 12], &[u8; 257] => &[u8; 253]);
    unseal!(tx, "main", &[u8; 8], &[u8; 16] => &[u8; 12]);
    unseal!(tx, "accounts", &[u8; 20], &[u8; 20] => &[u8; 16]);
    unseal!(tx, "bodies", &[u8; 12], &[u8] => &[u8]);
    unseal!(tx, "undo", &[u8; 12], &[u8] => &[u8]);
    let mut meta = tx.open_table(TableDefinition::<&str, &[u8]>::new("meta")).unwrap();
    meta.remove("accounts").unwrap();
    meta.insert("schema", format.to_be_bytes().as_slice()).unwrap();
    if format == 1 {
        tx.delete_table(TableDefinition::<&[u8], &[u8]>::new("faucet")).unwrap();
        let mut claims = tx.open_table(TableDefinition::<&[u8; 8], &[u8]>::new("claims")).unwrap();
        claims.insert(&[1; 8], b"a claim".as_slice()).unwrap();
    }
}

/// Three blocks, and one beside them.
fn story() -> (Tree, usize, BTreeSet<usize>) {
    let mut tree = Tree::new(&network("upgrade"));
    let payments: Vec<_> = (0..8).map(|i| (1 + i % 4, 5 + i % 3, 100 + u64::from(i))).collect();
    let first = tree.mine(0, 5, &payments);
    let beside = tree.mine(0, 6, &payments[..2]);
    let second = tree.mine(first, 5, &payments);
    let third = tree.mine(second, 7, &payments);
    (tree, third, BTreeSet::from([0, first, beside, second, third]))
}

fn keep(store: &mut Store, tree: &Tree, tip: usize, kept: &BTreeSet<usize>) {
    let blocks: Vec<_> = kept.iter().copied().filter(|node| *node != 0).collect();
    store.commit(&tree.commit(&blocks, 0, tip)).unwrap();
}

#[test]
fn o12_a_data_directory_of_each_older_format_is_upgraded_and_says_the_same() {
    for format in [1, 2] {
        let dir = tempfile::tempdir().unwrap();
        let (tree, tip, kept) = story();
        let mut store = open(dir.path(), &tree.network);
        keep(&mut store, &tree, tip, &kept);
        drop(store);
        let today = dump(dir.path());
        age(dir.path(), format);
        let store = open(dir.path(), &tree.network);
        tree.must_match(&store.reader().snapshot().unwrap(), tip, &kept);
        assert_eq!(store.reader().check_accounts().unwrap(), tree.nodes[tip].accounts.0.len() as u64);
        drop(store);
        assert_eq!(dump(dir.path()), today, "format {format}: every row is as if it had been written today");
    }
}

fn age(dir: &Path, format: u32) {
    let db = Database::open(dir.join(FILE)).unwrap();
    let tx = db.begin_write().unwrap();
    take_back(&tx, format);
    tx.commit().unwrap();
}

#[test]
fn o12_an_upgrade_that_is_cut_off_anywhere_begins_again() {
    let (tree, tip, kept) = story();
    let disk = Disk::default();
    let on = |disk: &Disk| Store::open_on(disk.clone(), tree.network.clone(), DEFAULT_CACHE_BYTES);
    let mut store = on(&disk).unwrap();
    keep(&mut store, &tree, tip, &kept);
    drop(store);
    let db = Builder::new().create_with_backend(disk.clone()).unwrap();
    let tx = db.begin_write().unwrap();
    take_back(&tx, 2);
    tx.commit().unwrap();
    drop(db);
    let mut cuts = 0;
    for number in 0.. {
        let cut = disk.after_crash();
        cut.fail_at(number, Fail::ForGood(ErrorKind::Other));
        let upgraded = on(&cut).map(drop);
        if cut.operations() <= number {
            upgraded.unwrap();
            break;
        }
        cuts += 1;
        for left in [cut.after_crash(), cut.after_power_cut()] {
            let store = on(&left).unwrap();
            tree.must_match(&store.reader().snapshot().unwrap(), tip, &kept);
            store.reader().check_accounts().unwrap();
        }
    }
    assert!(cuts > 5, "an upgrade writes");
}

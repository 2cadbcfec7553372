//! What is not ours to open is refused with a text that says what to do; what was cut short is begun again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod common;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use common::{Tree, network, open};
use ledger::{ChainSource, Network};
use redb::{Database, TableDefinition};
use store::{DEFAULT_CACHE_BYTES, FILE, SCHEMA, Store, StoreError};

fn refused(dir: &Path, network: &Arc<Network>) -> StoreError {
    match Store::open(dir, network.clone(), DEFAULT_CACHE_BYTES, |_| {}) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

#[test]
fn s09_a_directory_in_use_is_refused_until_its_last_reader_is_gone() {
    let (dir, network) = (tempfile::tempdir().unwrap(), network("in-use"));
    let store = open(dir.path(), &network);
    let reader = store.reader();
    for _ in 0..2 {
        let error = refused(dir.path(), &network);
        assert!(matches!(&error, StoreError::InUse { path } if *path == dir.path().join(FILE)), "{error:?}");
        assert!(error.to_string().ends_with("stop it first, or use another data directory"), "{error}");
    }
    drop(store);
    assert!(matches!(refused(dir.path(), &network), StoreError::InUse { .. }), "the reader still has it");
    drop(reader);
    open(dir.path(), &network);
}

#[test]
fn the_directory_of_another_network_is_refused_and_left_alone() {
    let (dir, ours, theirs) = (tempfile::tempdir().unwrap(), network("ours"), network("theirs"));
    drop(open(dir.path(), &theirs));
    let before = common::dump(dir.path());
    let error = refused(dir.path(), &ours);
    let expected = (theirs.chain, ours.chain);
    assert!(matches!(error, StoreError::WrongChain { found, expected: e } if (found, e) == expected), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&theirs.chain.to_hex()) && text.contains("name the network that it is of"), "{text}");
    assert_eq!(common::dump(dir.path()), before);
}

#[test]
fn s10_a_newer_format_is_refused_with_both_numbers() {
    let (dir, network) = (tempfile::tempdir().unwrap(), network("newer"));
    drop(open(dir.path(), &network));
    let db = Database::open(dir.path().join(FILE)).unwrap();
    let tx = db.begin_write().unwrap();
    let meta = TableDefinition::<&str, &[u8]>::new("meta");
    tx.open_table(meta).unwrap().insert("schema", (SCHEMA + 1).to_be_bytes().as_slice()).unwrap();
    tx.commit().unwrap();
    drop(db);
    let error = refused(dir.path(), &network);
    let known = SCHEMA;
    assert!(matches!(error, StoreError::NewerSchema { found, known: k } if (found, k) == (known + 1, known)));
    let text = error.to_string();
    assert!(text.contains(&format!("format {}, this version knows formats up to {known}", known + 1)), "{text}");
    assert!(text.contains("install a newer version"), "{text}");
}

#[test]
fn s08_a_file_that_is_no_database_is_refused_and_left_alone() {
    let (dir, network) = (tempfile::tempdir().unwrap(), network("no-database"));
    let path = dir.path().join(FILE);
    fs::write(&path, "somebody's notes, which are not ours to delete").unwrap();
    let error = refused(dir.path(), &network);
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert!(error.to_string().contains("start with an empty one"), "{error}");
    assert!(fs::read_to_string(&path).unwrap().starts_with("somebody's notes"));
}

#[test]
fn s08_a_creation_that_was_cut_short_is_begun_again() {
    let network = network("unborn");
    let tree = Tree::new(&network);
    for length in [0, 5, 4096, 1 << 20] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), vec![0; length]).unwrap();
        let snapshot = open(dir.path(), &network).reader().snapshot().unwrap();
        assert_eq!(snapshot.tip().unwrap(), tree.tip(0), "{length} bytes");
    }
    let dir = tempfile::tempdir().unwrap();
    drop(Database::create(dir.path().join(FILE)).unwrap());
    let snapshot = open(dir.path(), &network).reader().snapshot().unwrap();
    assert_eq!(snapshot.tip().unwrap(), tree.tip(0), "a database without tables");
}

#[test]
fn s08_a_directory_in_the_place_of_the_file_and_a_file_in_the_place_of_the_directory_are_named() {
    let network = network("disk");
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = refused(&file.path().join("below-a-file"), &network);
    assert!(matches!(error, StoreError::Io(_)), "{error:?}");
    assert!(error.to_string().contains("Check free space, permissions and the disk"), "{error}");
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join(FILE)).unwrap();
    let error = refused(dir.path(), &network);
    assert!(matches!(error, StoreError::Io(_)), "{error:?}");
}

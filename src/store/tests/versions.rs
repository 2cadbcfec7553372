//! A node that goes back by one version finds data of a newer one, and the newer one finds it again as it was.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod common;

use std::path::Path;

use common::{network, open};
use redb::{Database, TableDefinition};
use store::{DEFAULT_CACHE_BYTES, FILE, SCHEMA, Store, StoreError};

fn set_schema(dir: &Path, schema: u32) {
    let db = Database::open(dir.join(FILE)).unwrap();
    let tx = db.begin_write().unwrap();
    let meta = TableDefinition::<&str, &[u8]>::new("meta");
    tx.open_table(meta).unwrap().insert("schema", schema.to_be_bytes().as_slice()).unwrap();
    tx.commit().unwrap();
}

#[test]
fn o12_data_of_a_newer_version_is_refused_by_name_and_kept_as_it_is() {
    let (dir, network) = (tempfile::tempdir().unwrap(), network("versions"));
    drop(open(dir.path(), &network));
    let before = common::dump(dir.path());
    set_schema(dir.path(), SCHEMA + 1);
    for _ in 0..2 {
        let refused = Store::open(dir.path(), network.clone(), DEFAULT_CACHE_BYTES, |_| {}).err().unwrap();
        assert!(matches!(refused, StoreError::NewerSchema { .. }), "{refused:?}");
        assert!(refused.to_string().contains("install a newer version"), "{refused}");
    }
    set_schema(dir.path(), SCHEMA);
    open(dir.path(), &network);
    assert_eq!(common::dump(dir.path()), before);
}

//! What is kept comes back as it was, and a commit that does not fit changes nothing.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod common;

use std::collections::BTreeSet;

use common::{Tree, address, dump, network, open};
use ledger::ChainSource;
use store::{Movement, StoreError, TableSize, Write};

/// Three blocks with transfers of both kinds, between strangers and the miner.
fn three_blocks(tree: &mut Tree) -> [usize; 3] {
    let a = tree.mine(0, 5, &[(1, 2, 100), (2, 3, 101), (1, 6, 3)]);
    let b = tree.mine(a, 5, &[]);
    let c = tree.mine(b, 1, &[(6, 1, 50_000_000), (3, 2, 6), (5, 1, 1_000_000), (2, 5, 5)]);
    [a, b, c]
}

#[test]
fn a_new_store_holds_genesis_and_the_opening_balances() {
    let (dir, network) = (tempfile::tempdir().unwrap(), network("new"));
    let tree = Tree::new(&network);
    let store = open(&dir.path().join("is/made"), &network);
    let snapshot = store.reader().snapshot().unwrap();
    tree.must_match(&snapshot, 0, &BTreeSet::from([0]));
    assert_eq!(snapshot.tip().unwrap(), network.genesis_tip());
}

#[test]
fn what_was_committed_is_read_back_also_after_opening_again() {
    let (dir, network) = (tempfile::tempdir().unwrap(), network("back"));
    let mut tree = Tree::new(&network);
    let [a, b, c] = three_blocks(&mut tree);
    let mut store = open(dir.path(), &network);
    store.commit(&tree.commit(&[a], 0, a)).unwrap();
    store.commit(&tree.commit(&[b, c], a, c)).unwrap();
    let kept = BTreeSet::from([0, a, b, c]);
    tree.must_match(&store.reader().snapshot().unwrap(), c, &kept);
    drop(store);
    tree.must_match(&open(dir.path(), &network).reader().snapshot().unwrap(), c, &kept);
}

#[test]
fn one_commit_of_many_blocks_leaves_the_same_rows_as_many_commits_of_one() {
    let network = network("batch");
    let mut tree = Tree::new(&network);
    let blocks = three_blocks(&mut tree);
    let (at_once, one_by_one) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    open(at_once.path(), &network).commit(&tree.commit(&blocks, 0, blocks[2])).unwrap();
    let mut store = open(one_by_one.path(), &network);
    for (from, to) in [(0, blocks[0]), (blocks[0], blocks[1]), (blocks[1], blocks[2])] {
        store.commit(&tree.commit(&[to], from, to)).unwrap();
    }
    drop(store);
    assert_eq!(dump(at_once.path()), dump(one_by_one.path()));
}

#[test]
fn a_snapshot_does_not_see_what_is_committed_after_it() {
    let (dir, network) = (tempfile::tempdir().unwrap(), network("moment"));
    let mut tree = Tree::new(&network);
    let [a, b, _] = three_blocks(&mut tree);
    let mut store = open(dir.path(), &network);
    store.commit(&tree.commit(&[a], 0, a)).unwrap();
    let reader = store.reader();
    let before = reader.snapshot().unwrap();
    store.commit(&tree.commit(&[b], a, b)).unwrap();
    tree.must_match(&before, a, &BTreeSet::from([0, a]));
    tree.must_match(&reader.snapshot().unwrap(), b, &BTreeSet::from([0, a, b]));
}

#[test]
fn a_block_beside_the_chain_is_kept_and_changes_nothing_else() {
    let (dir, network) = (tempfile::tempdir().unwrap(), network("beside"));
    let mut tree = Tree::new(&network);
    let [a, b, c] = three_blocks(&mut tree);
    let side = tree.mine(a, 7, &[(1, 8, 10)]);
    let mut store = open(dir.path(), &network);
    store.commit(&tree.commit(&[a, b, c], 0, c)).unwrap();
    store.commit(&tree.commit(&[side], c, c)).unwrap();
    tree.must_match(&store.reader().snapshot().unwrap(), c, &BTreeSet::from([0, a, b, c, side]));
}

#[test]
fn a_commit_that_does_not_continue_the_chain_is_refused_and_changes_nothing() {
    let (dir, network) = (tempfile::tempdir().unwrap(), network("misfit"));
    let mut tree = Tree::new(&network);
    let [a, b, c] = three_blocks(&mut tree);
    let side = tree.mine(a, 7, &[(1, 8, 10)]);
    let mut store = open(dir.path(), &network);
    store.commit(&tree.commit(&[a, b], 0, b)).unwrap();
    let wrong_tip = ledger::Commit { tip: tree.tip(b), ..tree.commit(&[c], b, c) };
    let only_side = ledger::Commit { disconnect: vec![tree.id(side)], ..tree.commit(&[], b, b) };
    let wrong = [
        (tree.commit(&[side], a, side), "does not follow the tip"),
        (tree.commit(&[], b, c), "is not kept"),
        (tree.commit(&[c, c], b, c), "kept twice"),
        (only_side, "cannot leave the chain"),
        (wrong_tip, "says that the tip is"),
    ];
    for (commit, why) in wrong {
        match store.commit(&commit) {
            Err(StoreError::Misfit { what }) => assert!(what.contains(why), "{what}"),
            other => panic!("{why}: {other:?}"),
        }
        tree.must_match(&store.reader().snapshot().unwrap(), b, &BTreeSet::from([0, a, b]));
    }
    store.commit(&tree.commit(&[c], b, c)).unwrap();
}

#[test]
fn accounts_whose_addresses_begin_alike_share_no_history() {
    let (dir, network) = (tempfile::tempdir().unwrap(), network("alike"));
    let mut tree = Tree::new(&network);
    let block = tree.mine(0, 5, &[(1, 2, 100)]);
    let mut store = open(dir.path(), &network);
    store.commit(&tree.commit(&[block], 0, block)).unwrap();
    let mut twin = address(2);
    twin.0[19] ^= 1;
    let snapshot = store.reader().snapshot().unwrap();
    assert_eq!(snapshot.history(&twin, None, 10).unwrap(), []);
    let own = snapshot.history(&address(2), None, 10).unwrap();
    assert!(matches!(own[..], [store::HistoryEntry { movement: Movement::Received(_), .. }]), "{own:?}");
}

#[test]
fn records_of_peers_and_the_faucet_are_put_replaced_and_forgotten() {
    let (dir, network) = (tempfile::tempdir().unwrap(), network("records"));
    let mut store = open(dir.path(), &network);
    let peer = |id: u8, text: &str| Write::PutPeer { id: [id; 32], value: text.into() };
    let claim = |id: u64, text: &str| Write::PutFaucet { key: id.to_be_bytes().to_vec(), value: text.into() };
    store.write(&[peer(2, "two"), peer(1, "one"), claim(300, "c"), claim(7, "b"), peer(3, "")]).unwrap();
    store.write(&[]).unwrap();
    store
        .write(&[
            peer(1, "uno"),
            Write::DeletePeer { id: [2; 32] },
            Write::DeleteFaucet { key: 7u64.to_be_bytes().to_vec() },
            claim(8, "d"),
        ])
        .unwrap();
    store
        .write(&[Write::DeletePeer { id: [9; 32] }, Write::DeleteFaucet { key: 9u64.to_be_bytes().to_vec() }])
        .unwrap();
    drop(store);
    let snapshot = open(dir.path(), &network).reader().snapshot().unwrap();
    assert_eq!(snapshot.peers().unwrap(), [([1; 32], b"uno".to_vec()), ([3; 32], Vec::new())]);
    let named = |id: u64| id.to_be_bytes().to_vec();
    assert_eq!(snapshot.faucet().unwrap(), [(named(8), b"d".to_vec()), (named(300), b"c".to_vec())]);
}

#[test]
fn the_sizes_of_the_tables_are_their_rows() {
    let (dir, network) = (tempfile::tempdir().unwrap(), network("sizes"));
    let mut tree = Tree::new(&network);
    let blocks = three_blocks(&mut tree);
    let mut store = open(dir.path(), &network);
    store.commit(&tree.commit(&blocks, 0, blocks[2])).unwrap();
    let sizes = store.reader().tables().unwrap();
    drop(store);
    let rows = dump(dir.path());
    assert_eq!(sizes.len(), rows.len() - 1, "all but the one that does not grow");
    for TableSize { name, rows: size } in sizes {
        assert_eq!(size, rows[name].len() as u64, "{name}");
    }
}

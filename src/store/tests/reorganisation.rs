//! Moving between branches: exactly the state of the new branch remains, row by row.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod common;

use std::collections::BTreeSet;

use common::{Tree, dump, network, open};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

#[test]
fn a_reorganisation_leaves_exactly_the_rows_of_a_fresh_replay() {
    let network = network("reorg");
    let mut tree = Tree::new(&network);
    let a1 = tree.mine(0, 5, &[(1, 2, 100), (1, 6, 101)]);
    let a2 = tree.mine(a1, 6, &[(6, 7, 50), (2, 1, 3)]);
    let a3 = tree.mine(a2, 6, &[(2, 7, 4)]);
    let b2 = tree.mine(a1, 7, &[(1, 8, 55), (3, 2, 9), (3, 2, 10)]);
    let b3 = tree.mine(b2, 7, &[]);
    let b4 = tree.mine(b3, 8, &[(8, 1, 11)]);
    let kept = [a1, a2, a3, b2, b3, b4];

    let moved = tempfile::tempdir().unwrap();
    let mut store = open(moved.path(), &network);
    store.commit(&tree.commit(&[a1, a2, a3], 0, a3)).unwrap();
    store.commit(&tree.commit(&[b2, b3], a3, a3)).unwrap();
    store.commit(&tree.commit(&[b4], a3, b4)).unwrap();
    tree.must_match(&store.reader().snapshot().unwrap(), b4, &kept.into_iter().chain([0]).collect());
    drop(store);

    let fresh = tempfile::tempdir().unwrap();
    let mut store = open(fresh.path(), &network);
    for block in kept {
        store.commit(&tree.commit(&[block], 0, 0)).unwrap();
    }
    store.commit(&tree.commit(&[], 0, b4)).unwrap();
    drop(store);
    assert_eq!(dump(moved.path()), dump(fresh.path()));
}

#[test]
fn going_to_another_branch_and_back_leaves_no_trace() {
    let network = network("back");
    let mut tree = Tree::new(&network);
    let a = tree.mine(0, 5, &[(1, 2, 100), (1, 9, 101)]);
    let b = tree.mine(0, 6, &[(1, 10, 100)]);
    let dir = tempfile::tempdir().unwrap();
    open(dir.path(), &network).commit(&tree.commit(&[a, b], 0, a)).unwrap();
    let before = dump(dir.path());
    let mut store = open(dir.path(), &network);
    store.commit(&tree.commit(&[], a, b)).unwrap();
    store.commit(&tree.commit(&[], b, 0)).unwrap();
    store.commit(&tree.commit(&[], 0, a)).unwrap();
    // A block may leave and join again within one commit.
    let left_and_joined = ledger::Commit {
        disconnect: vec![tree.id(a)],
        connect: tree.commit(&[], 0, a).connect,
        ..tree.commit(&[], a, a)
    };
    store.commit(&left_and_joined).unwrap();
    drop(store);
    assert_eq!(dump(dir.path()), before);
}

/// Grows a tree at random places, moves to whatever has the most work, sometimes opens again, and compares all answers
/// after each step.
fn walk(seed: u64, steps: usize) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (dir, network) = (tempfile::tempdir().unwrap(), network("walk"));
    let mut tree = Tree::new(&network);
    let mut store = Some(open(dir.path(), &network));
    let (mut tip, mut kept) = (0, BTreeSet::from([0]));
    for _ in 0..steps {
        let mut new = Vec::new();
        for _ in 0..rng.random_range(1..4) {
            let parent = match rng.random_range(0..4) {
                0 => rng.random_range(tree.nodes.len().saturating_sub(8)..tree.nodes.len()),
                _ => *new.last().unwrap_or(&tip),
            };
            let payments: Vec<_> = (0..rng.random_range(0..6))
                .map(|_| (rng.random_range(1..=8), rng.random_range(1..=8), rng.random_range(1..400_000_000)))
                .collect();
            new.push(tree.mine(parent, rng.random_range(1..=8), &payments));
        }
        let heaviest =
            new.iter().copied().fold(tip, |a, b| if tree.nodes[b].work > tree.nodes[a].work { b } else { a });
        let open_store = store.get_or_insert_with(|| open(dir.path(), &network));
        open_store.commit(&tree.commit(&new, tip, heaviest)).unwrap();
        kept.extend(new);
        tip = heaviest;
        if rng.random_ratio(1, 5) {
            tip = rng.random_range(0..tree.nodes.len());
            open_store.commit(&tree.commit(&[], heaviest, tip)).unwrap();
        }
        tree.must_match(&open_store.reader().snapshot().unwrap(), tip, &kept);
        if rng.random_ratio(1, 6) {
            store = None;
        }
    }
}

#[test]
fn a_random_walk_of_reorganisations_agrees_with_a_model_in_memory() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random);
    eprintln!("SEED={seed}");
    walk(seed, 40);
}

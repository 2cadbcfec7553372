//! Moving between branches: exactly the state of the new branch remains, row by row.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;

use common::{Accounts, Tree, address, dump, key, network, open};
use ledger::apply::{Changes, apply};
use ledger::{
    AccountSource, Amount, Block, ChainSource, CheckedBlock, Commit, Connect, Header, NewBlock, Signature, Tip,
    Transaction, Transfer, TxId,
};
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
fn b16_a_change_that_comes_in_parts_is_seen_by_the_writer_alone_until_all_of_it_is_durable() {
    let network = network("parts");
    let mut tree = Tree::new(&network);
    let a1 = tree.mine(0, 5, &[(1, 2, 100), (1, 6, 101)]);
    let a2 = tree.mine(a1, 6, &[(6, 7, 50)]);
    let b1 = tree.mine(0, 7, &[(1, 8, 55), (3, 2, 9)]);
    let b2 = tree.mine(b1, 7, &[(8, 1, 11)]);
    let b3 = tree.mine(b2, 8, &[(2, 1, 12)]);
    let kept = BTreeSet::from([0, a1, a2, b1, b2]);
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path(), &network);
    store.commit(&tree.commit(&[a1, a2, b1, b2], 0, a2)).unwrap();
    drop(store);
    let before = dump(dir.path());

    let mut store = open(dir.path(), &network);
    let parts = [tree.commit(&[b3], a2, 0), tree.commit(&[], 0, b1), tree.commit(&[], b1, b2)];
    for (part, end) in parts.iter().zip([0, b1, b2]) {
        store.stage(part).unwrap();
        let staged = store.staged().unwrap();
        assert_eq!(staged.tip().unwrap(), tree.tip(end));
        assert_eq!(staged.main_id(tree.tip(end).height).unwrap(), Some(tree.id(end)));
        assert_eq!(staged.main_id(tree.tip(end).height + 1).unwrap(), None);
        for (who, account) in &tree.nodes[end].accounts.0 {
            assert_eq!(staged.account(who).unwrap(), Some(*account));
        }
        assert_eq!(staged.block(&tree.id(b3)).unwrap(), Some(tree.block(b3)), "it is kept with the first part");
        let undo = (end != 0).then(|| tree.nodes[end].undo.clone());
        assert_eq!(staged.undo(&tree.id(end)).unwrap(), undo);
        tree.must_match(&store.reader().snapshot().unwrap(), a2, &kept);
    }
    let refused = store.write(&[store::Write::PutFaucet { key: vec![1], value: vec![1] }]).unwrap_err();
    assert!(refused.to_string().contains("staged"), "{refused}");
    store.abandon().unwrap();
    assert!(store.staged().is_none());
    drop(store);
    assert_eq!(dump(dir.path()), before, "abandoned: no trace");

    let mut store = open(dir.path(), &network);
    parts.iter().for_each(|part| store.stage(part).unwrap());
    drop(store);
    assert_eq!(dump(dir.path()), before, "cut short: no trace");

    let mut store = open(dir.path(), &network);
    parts.iter().for_each(|part| store.stage(part).unwrap());
    store.commit(&tree.commit(&[], b2, b3)).unwrap();
    let kept = kept.into_iter().chain([b3]).collect();
    tree.must_match(&store.reader().snapshot().unwrap(), b3, &kept);
    drop(store);
    let fresh = tempfile::tempdir().unwrap();
    let mut store = open(fresh.path(), &network);
    store.commit(&tree.commit(&[a1, a2, b1, b2, b3], 0, b3)).unwrap();
    drop(store);
    assert_eq!(dump(dir.path()), dump(fresh.path()), "kept: as if it had come at once");
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

/// A block of `count` transfers whose signatures nobody checks here.
fn large_block(tree: &Tree, parent: &CheckedBlock, accounts: &Accounts, count: u64) -> Arc<CheckedBlock> {
    let next = |n| accounts.0[&address(n)].nonce;
    let (mut first, mut second) = (next(1), next(2));
    let (keys, to) = ([key(1).public(), key(2).public()], address(9));
    let transactions = (0..count).map(|i| {
        let (from, nonce) = if i % 2 == 0 { (keys[0], &mut first) } else { (keys[1], &mut second) };
        *nonce += 1;
        let (amount, fee) = (Amount::drops(1 + i), Amount::ZERO);
        let signature = Signature::ZERO;
        Transaction::Transfer(Transfer { from, to, amount, fee, nonce: *nonce - 1, data: vec![], signature })
    });
    let (height, previous) = (parent.header().height + 1, parent.id());
    let header = Header { height, previous, miner: key(5).public(), ..parent.header().clone() };
    let block = Block { header, signature: Signature::ZERO, transactions: transactions.collect() };
    Arc::new(CheckedBlock::kept(block, &tree.network).unwrap())
}

/// Eras have 65 536 transactions; the blocks here end shortly before and after the end of the first one.
#[test]
fn transactions_and_histories_are_found_across_eras_and_leave_them_exactly() {
    const COUNTS: [u64; 10] = [8_000, 8_000, 8_000, 8_000, 8_000, 8_000, 8_000, 8_000, 3_000, 0];
    let network = network("eras");
    let mut tree = Tree::new(&network);
    let start = tree.mine(0, 5, &[]);
    let first = tree.nodes[start].block.clone().unwrap();
    let mut accounts = tree.nodes[start].accounts.clone();
    let (mut parent, mut work) = (first, tree.nodes[start].work);
    let mut commits = vec![tree.commit(&[start], 0, start)];
    for count in COUNTS {
        let block = large_block(&tree, &parent, &accounts, count);
        let (changes, undo) = apply(&accounts, &block, &network).unwrap();
        accounts.0.extend(changes.iter().map(|(address, account)| (*address, account.unwrap())));
        work = work.checked_add(block.header().target.work().unwrap()).unwrap();
        let tip = Tip { id: block.id(), height: block.header().height, work, time: block.header().time };
        let keep = vec![NewBlock { block: block.clone(), work }];
        let connect = vec![Connect { block: block.clone(), undo }];
        commits.push(Commit { keep, disconnect: vec![], connect, accounts: changes, tip });
        parent = block;
    }

    let (dir, short) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut store = open(dir.path(), &network);
    commits.iter().for_each(|commit| store.commit(commit).unwrap());
    let snapshot = store.reader().snapshot().unwrap();
    let total: u64 = COUNTS.iter().sum();
    assert_eq!(snapshot.transaction_count().unwrap(), total);
    for number in [0, 65_534, 65_535, 65_536, 65_537, total - 1] {
        let located = snapshot.transaction_by_number(number).unwrap().unwrap();
        assert_eq!(located.number, number);
        assert_eq!(snapshot.transaction(&located.transaction.id(&network.chain)).unwrap(), Some(located));
    }
    assert_eq!(snapshot.transaction(&TxId([7; 32])).unwrap(), None);
    let received = snapshot.history(&address(9), None, usize::MAX).unwrap();
    assert_eq!(received.len() as u64, total);
    assert!(received.is_sorted_by(|a, b| a.at > b.at), "newest first");
    let below = received[3_000].at;
    assert_eq!(snapshot.history(&address(9), Some(below), 900).unwrap(), received[3_001..3_901]);
    assert_eq!(snapshot.history(&address(5), None, usize::MAX).unwrap().len(), COUNTS.len() + 1, "one for each block");
    drop(snapshot);

    // The last blocks leave again, across the end of the era: the same rows as if they had only been kept.
    let leaving = 3;
    let stay = commits.len() - leaving;
    let left: Vec<_> = commits[stay..].iter().rev().flat_map(|commit| &commit.connect).collect();
    let accounts = left.iter().flat_map(|connect| ledger::apply::revert(&connect.undo)).collect();
    let disconnect = left.iter().map(|connect| connect.block.id()).collect();
    let tip = commits[stay - 1].tip;
    store.commit(&Commit { keep: vec![], disconnect, connect: vec![], accounts, tip }).unwrap();
    drop(store);
    let mut store = open(short.path(), &network);
    commits[..stay].iter().for_each(|commit| store.commit(commit).unwrap());
    for commit in &commits[stay..] {
        let only_kept = Commit { connect: vec![], accounts: Changes::new(), tip, ..commit.clone() };
        store.commit(&only_kept).unwrap();
    }
    drop(store);
    assert_eq!(dump(dir.path()), dump(short.path()));
}

//! A disk that fails, lies or is damaged: a commit is there whole or not at all, what was acknowledged stays, and what
//! cannot be read is named.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod common;

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use common::disk::{Disk, Fail};
use common::{Tree, address, network};
use ledger::{AccountSource, ChainSource, Commit, Network};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use store::{DEFAULT_CACHE_BYTES, Snapshot, Store, StoreError, Walk, Write};

/// A chain of a few blocks with transactions, and a commit that leaves the last of them for another branch.
struct Story {
    network: Arc<Network>,
    tree: Tree,
    /// Each commit with the tip and the kept blocks after it.
    steps: Vec<(Commit, usize, BTreeSet<usize>)>,
}

impl Story {
    fn new() -> Self {
        let network = network("faults");
        let mut tree = Tree::new(&network);
        let payments: Vec<_> = (0..12).map(|i| (1 + i % 4, 5 + i % 3, 100 + u64::from(i))).collect();
        let (mut steps, mut tip, mut kept) = (Vec::new(), 0, BTreeSet::from([0]));
        for _ in 0..4 {
            let next = tree.mine(tip, 5, &payments);
            kept.insert(next);
            steps.push((tree.commit(&[next], tip, next), next, kept.clone()));
            tip = next;
        }
        // Two blocks leave, three join.
        let fork = tree.path(tip)[2];
        let first = tree.mine(fork, 6, &payments[..5]);
        let second = tree.mine(first, 6, &payments[5..]);
        let third = tree.mine(second, 7, &payments);
        kept.extend([first, second, third]);
        steps.push((tree.commit(&[first, second, third], tip, third), third, kept));
        Self { network, tree, steps }
    }

    /// The commit to be disturbed: the reorganisation.
    fn last(&self) -> &(Commit, usize, BTreeSet<usize>) {
        self.steps.last().unwrap()
    }

    /// A disk with all commits but the last.
    fn disk(&self) -> Disk {
        let disk = Disk::default();
        let mut store = self.open(&disk).unwrap();
        self.steps[..self.steps.len() - 1].iter().for_each(|(commit, ..)| store.commit(commit).unwrap());
        drop(store);
        disk
    }

    fn open(&self, disk: &Disk) -> Result<Store, StoreError> {
        Store::open_on(disk.clone(), self.network.clone(), DEFAULT_CACHE_BYTES)
    }

    /// How many commits are there, each of them whole.
    fn whole_commits(&self, disk: &Disk) -> usize {
        let store = self.open(disk).unwrap();
        let snapshot = store.reader().snapshot().unwrap();
        let tip = snapshot.tip().unwrap();
        let Some(at) = self.steps.iter().position(|(_, node, _)| self.tree.tip(*node) == tip) else {
            self.tree.must_match(&snapshot, 0, &BTreeSet::from([0]));
            return 0;
        };
        let (_, node, kept) = &self.steps[at];
        self.tree.must_match(&snapshot, *node, kept);
        at + 1
    }
}

fn seed() -> (u64, ChaCha8Rng) {
    let seed: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random);
    eprintln!("SEED={seed}");
    (seed, ChaCha8Rng::seed_from_u64(seed))
}

/// The number of changes that the last commit asks of a disk.
fn operations(story: &Story) -> u64 {
    let disk = story.disk();
    let mut store = story.open(&disk).unwrap();
    let before = disk.operations();
    store.commit(&story.last().0).unwrap();
    disk.operations() - before
}

#[test]
fn s02_whichever_operation_of_a_commit_fails_the_state_is_the_old_or_the_new_one() {
    let story = Story::new();
    let (old, new) = (story.steps.len() - 1, story.steps.len());
    let (_, mut rng) = seed();
    let all = operations(&story);
    let (mut olds, mut news) = (0, 0);
    for number in 0..all {
        for how in [Fail::Once(ErrorKind::Other), Fail::ForGood(ErrorKind::StorageFull)] {
            let disk = story.disk();
            let mut store = story.open(&disk).unwrap();
            disk.fail_at(number, how);
            let error = store.commit(&story.last().0).expect_err("an operation failed");
            assert!(matches!(error, StoreError::Io(_) | StoreError::Full(_)), "operation {number}, {how:?}: {error:?}");
            // Whoever still reads sees the old state, which is the last that was acknowledged.
            let snapshot = store.reader().snapshot();
            if let Ok(tip) = snapshot.map_err(Into::into).and_then(|snapshot| snapshot.tip()) {
                assert_eq!(tip, story.tree.tip(story.steps[old - 1].1), "operation {number}, {how:?}");
            }
            drop(store);
            disk.heal();
            for left in [disk.after_crash(), disk.after_power_cut(), disk.after_torn_power_cut(&mut rng)] {
                match story.whole_commits(&left) {
                    done if done == old => olds += 1,
                    done if done == new => news += 1,
                    done => panic!("operation {number}, {how:?}: {done} commits are there"),
                }
            }
        }
    }
    println!("{all} operations, each failed in two ways: {olds} times the old state, {news} times the new one");
    assert!(all > 10 && olds > 0, "the commit did ask the disk for something");
}

#[test]
fn s04_a_power_cut_at_any_moment_takes_no_acknowledged_commit() {
    let story = Story::new();
    let (_, mut rng) = seed();
    let all = {
        let disk = Disk::default();
        let mut store = story.open(&disk).unwrap();
        let created = disk.operations();
        story.steps.iter().for_each(|(commit, ..)| store.commit(commit).unwrap());
        // The last of them comes when all is acknowledged.
        created..=disk.operations()
    };
    let mut lost = 0;
    for number in all.clone() {
        let disk = Disk::default();
        let mut store = story.open(&disk).unwrap();
        disk.fail_at(number - disk.operations(), Fail::ForGood(ErrorKind::Other));
        let acknowledged = story.steps.iter().take_while(|(commit, ..)| store.commit(commit).is_ok()).count();
        for left in [disk.after_power_cut(), disk.after_torn_power_cut(&mut rng), disk.after_torn_power_cut(&mut rng)] {
            let done = story.whole_commits(&left);
            assert!(
                (acknowledged..=acknowledged + 1).contains(&done),
                "power cut at operation {number}: {acknowledged} commits were acknowledged, {done} are there"
            );
            lost += usize::from(done == acknowledged);
        }
        drop(store);
    }
    let moments = all.count();
    println!("{moments} moments: {lost} times the commit under way was lost, never an acknowledged one");
    assert!(moments > 10 * story.steps.len(), "commits do ask the disk for something");
}

#[test]
fn s03_a_crash_while_a_crash_is_recovered_from_is_recovered_from() {
    let story = Story::new();
    let (_, mut rng) = seed();
    let (old, new) = (story.steps.len() - 1, story.steps.len());
    let mut interrupted = 0;
    for _ in 0..4 {
        // Cut off in the middle of the commit, with any of what was written.
        let disk = story.disk();
        let mut store = story.open(&disk).unwrap();
        disk.fail_at(rng.random_range(1..operations(&story)), Fail::ForGood(ErrorKind::Other));
        store.commit(&story.last().0).expect_err("an operation failed");
        let torn = disk.after_torn_power_cut(&mut rng);
        drop(store);
        for number in 0.. {
            let disk = torn.after_crash();
            disk.fail_at(number, Fail::ForGood(ErrorKind::Other));
            // Opening writes only while it recovers; the lock file and the close are part of it.
            let opened = story.open(&disk).map(drop);
            if disk.operations() <= number {
                opened.unwrap();
                break;
            }
            interrupted += 1;
            disk.heal();
            for left in [disk.after_crash(), disk.after_torn_power_cut(&mut rng)] {
                let done = story.whole_commits(&left);
                assert!(done == old || done == new, "recovery cut at operation {number}: {done} commits are there");
            }
        }
    }
    println!("{interrupted} recoveries cut off");
    assert!(interrupted > 0, "opening after a crash does write");
}

#[test]
fn s05_a_full_disk_is_named_costs_nothing_and_works_again_with_room() {
    let story = Story::new();
    let disk = story.disk();
    // So much that each step of the next ones needs new room.
    let mut store = story.open(&disk).unwrap();
    disk.fill(Some(0));
    let error = store.commit(&story.last().0).unwrap_err();
    assert!(matches!(error, StoreError::Full(_)), "{error:?}");
    assert!(error.to_string().contains("free space"), "{error}");
    let again = store.commit(&story.last().0).unwrap_err();
    assert!(matches!(again, StoreError::Stopped(_)), "a failed store takes nothing more: {again:?}");
    drop(store);
    disk.fill(None);
    assert_eq!(story.whole_commits(&disk), story.steps.len() - 1);
    let mut store = story.open(&disk).unwrap();
    store.commit(&story.last().0).unwrap();
    drop(store);
    assert_eq!(story.whole_commits(&disk), story.steps.len());
}

#[test]
fn s06_a_sync_that_failed_is_never_tried_again() {
    let story = Story::new();
    let all = operations(&story);
    let mut failed_syncs = 0;
    for number in 0..all {
        let disk = story.disk();
        let mut store = story.open(&disk).unwrap();
        let syncs = disk.syncs();
        disk.fail_at(number, Fail::Once(ErrorKind::Other));
        assert!(matches!(store.commit(&story.last().0), Err(StoreError::Io(_))));
        let (at, until) = (disk.operations(), disk.syncs());
        failed_syncs += until - syncs;
        // The page cache may have dropped what was to be synced: a later sync that works would prove nothing.
        for _ in 0..3 {
            assert!(matches!(store.commit(&story.last().0), Err(StoreError::Stopped(_))));
            let write = Write::DeletePeer { id: [1; 32] };
            assert!(matches!(store.write(&[write]), Err(StoreError::Stopped(_))));
        }
        assert_eq!((disk.operations(), disk.syncs()), (at, until), "operation {number}");
        drop(store);
        assert_eq!(disk.syncs(), until, "not when it is closed either; operation {number}");
    }
    assert!(failed_syncs > 0, "a commit syncs");
}

/// How a damaged store was met.
enum Met {
    /// Something said that it is damaged.
    Named(String),
    /// Every answer was right.
    Right,
    /// All accounts, headers, bodies and undos were right; a lookup did not find what is there.
    Incomplete,
}

/// Opens a damaged disk and asks everything. Fails on an account, a header, a body or an undo that is silently wrong.
fn meet(story: &Story, disk: &Disk) -> Met {
    // It is not closed: where its own list of free pages is damaged the database panics twice at that, which ends a
    // process. Nothing that is kept is touched by it.
    let store = match story.open(disk) {
        Ok(store) => ManuallyDrop::new(store),
        Err(why) => return Met::Named(why.to_string()),
    };
    let (_, node, kept) = &story.steps[story.steps.len() - 2];
    let snapshot = match asked(story, &store, *node) {
        Ok(snapshot) => snapshot,
        Err(why) => return Met::Named(why),
    };
    let all = AssertUnwindSafe(|| story.tree.must_match(&snapshot, *node, kept));
    if catch_unwind(all).is_ok() { Met::Right } else { Met::Incomplete }
}

/// Everything that must be right or named.
fn asked(story: &Story, store: &Store, node: usize) -> Result<Snapshot, String> {
    let reader = store.reader();
    reader.check_accounts().map_err(|error| error.to_string())?;
    let snapshot = reader.snapshot().map_err(|error| error.to_string())?;
    for (address, account) in &story.tree.nodes[node].accounts.0 {
        let kept = snapshot.account(address).map_err(|error| error.to_string())?;
        assert_eq!(kept, Some(*account), "a silently wrong account");
    }
    for at in story.tree.path(node) {
        let (height, id) = (story.tree.tip(at).height, story.tree.id(at));
        let header = snapshot.header_at(height).map_err(|error| error.to_string())?;
        let header = header.ok_or("the chain is shorter than it was")?;
        assert_eq!(header.header, story.tree.nodes[at].header, "a silently wrong header");
        let Some(block) = snapshot.block(&id).map_err(|error| error.to_string())? else { continue };
        assert_eq!(block, story.tree.block(at), "a silently wrong block");
        if let Some(undo) = snapshot.undo(&id).map_err(|error| error.to_string())? {
            assert_eq!(undo, story.tree.nodes[at].undo, "a silently wrong undo");
        }
    }
    Ok(snapshot)
}

#[test]
fn s07_two_hundred_damaged_bytes_anywhere_are_named_or_harmless_and_no_account_is_silently_wrong() {
    let story = Story::new();
    let (_, mut rng) = seed();
    let whole = story.disk();
    let size = whole.size() as usize;
    let mut places = vec![0, 150, size / 2, size - 200];
    // The header of every page, and somewhere in it.
    for page in (0..size).step_by(4096) {
        places.extend([page, page + rng.random_range(0..3896)]);
    }
    let (mut named, mut right, mut incomplete, mut panics) = (0, 0, 0, 0);
    for at in places {
        let disk = whole.after_crash();
        let with: [u8; 200] = std::array::from_fn(|_| rng.random());
        disk.damage(at, &with);
        match catch_unwind(AssertUnwindSafe(|| meet(&story, &disk))) {
            Ok(Met::Named(why)) => {
                assert!(!why.is_empty());
                named += 1;
            }
            Ok(Met::Right) => right += 1,
            Ok(Met::Incomplete) => incomplete += 1,
            Err(panic) => {
                let why = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                assert!(!why.contains("silently wrong"), "200 bytes at {at}: {why}");
                // The database gave up in its own words; the process ends and says so.
                panics += 1;
            }
        }
    }
    println!("{named} named, {panics} ended by the database, {right} harmless, {incomplete} lookups incomplete");
    assert!(named >= 10, "damage is found");
    assert!(panics + incomplete <= named, "{panics} panics, {incomplete} incomplete");
}

#[test]
fn s07_an_account_a_body_or_an_undo_that_the_disk_changed_is_named_where_it_is_read() {
    let story = Story::new();
    let (_, node, _) = &story.steps[story.steps.len() - 2];
    let whole = story.disk();
    let bytes = whole.bytes();
    let account = story.tree.nodes[*node].accounts.0[&address(6)];
    let needle = [account.balance.as_drops().to_be_bytes(), account.nonce.to_be_bytes()].concat();
    let places: Vec<_> = (0..bytes.len() - 16).filter(|at| bytes[*at..at + 16] == needle).collect();
    assert!(!places.is_empty(), "the account is in the file");
    let disk = whole.after_crash();
    for at in places {
        disk.damage(at, &(account.balance.as_drops() + 1).to_be_bytes());
    }
    let store = story.open(&disk).unwrap();
    let error = store.reader().check_accounts().unwrap_err();
    assert!(error.to_string().contains(&format!("account {} is not what was written", address(6))), "{error}");
    let snapshot = store.reader().snapshot().unwrap();
    let error = snapshot.account(&address(6)).unwrap_err();
    assert!(error.to_string().contains("is not what was written"), "{error}");
    assert!(snapshot.account(&address(1)).is_ok(), "the others can be read");
}

#[test]
fn s08_a_file_that_is_cut_off_at_any_length_is_refused_with_a_reason_or_begun_anew() {
    let story = Story::new();
    let whole = story.disk();
    let size = whole.size() as usize;
    for length in [1, 8, 9, 100, 320, 4095, 4096, 4097, 10_000, size / 2, size - 4096, size - 1] {
        let disk = whole.after_crash();
        disk.truncate(length);
        match catch_unwind(AssertUnwindSafe(|| meet(&story, &disk))) {
            Ok(Met::Named(why)) => {
                assert!(why.contains("damaged") || why.contains("cannot be read"), "{length}: {why}")
            }
            Ok(Met::Right) => {}
            Ok(Met::Incomplete) => panic!("{length} of {size} bytes: a lookup is silently incomplete"),
            Err(panic) => {
                let why = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                assert!(!why.contains("silently wrong"), "{length} of {size} bytes: {why}");
            }
        }
    }
}

#[test]
fn s17_blocks_and_accounts_are_one_transaction_and_what_was_only_staged_is_gone_after_a_crash() {
    let story = Story::new();
    let disk = story.disk();
    let mut store = story.open(&disk).unwrap();
    let (commit, ..) = story.last();
    let back = Commit { connect: vec![], accounts: Default::default(), tip: story.tree.tip(2), ..commit.clone() };
    let rest = Commit { keep: vec![], disconnect: vec![], ..commit.clone() };
    store.stage(&back).unwrap();
    let crashed = disk.after_crash();
    let (old, new) = (story.steps.len() - 1, story.steps.len());
    assert_eq!(story.whole_commits(&crashed), old, "what is staged is not there");
    let before = disk.operations();
    store.commit(&rest).unwrap();
    let all = disk.operations() - before;
    assert_eq!(story.whole_commits(&disk.after_power_cut()), new, "what is committed is");
    // A crash at any moment of the commit: never a block without its accounts.
    for number in 0..all {
        let disk = story.disk();
        let mut store = story.open(&disk).unwrap();
        store.stage(&back).unwrap();
        disk.fail_at(number, Fail::ForGood(ErrorKind::Other));
        store.commit(&rest).unwrap_err();
        let done = story.whole_commits(&disk.after_crash());
        assert!(done == old || done == new, "operation {number} of {all}: {done} commits are there");
    }
}

#[test]
fn s12_whoever_reads_the_whole_chain_for_ten_thousand_commits_does_not_make_the_file_grow() {
    let story = Story::new();
    // Gives up when the file is larger than it may be: the larger it is, the longer each commit takes.
    let grown = |read: bool, most: u64| {
        let disk = story.disk();
        let mut store = story.open(&disk).unwrap();
        let (mut walk, mut parts) = (Walk::new(store.reader()).unwrap(), Vec::new());
        for number in 0..10_000u32 {
            let value = number.to_be_bytes().repeat(64);
            store.write(&[Write::PutPeer { id: [number as u8; 32], value }]).unwrap();
            if read && number % 1_000 == 0 {
                // Held as long as a slow reader takes.
                parts.push(walk.next_part().unwrap());
            }
            if disk.size() > most {
                break;
            }
        }
        disk.size()
    };
    let alone = grown(false, u64::MAX);
    let most = alone + (1 << 20);
    let beside = grown(true, most);
    println!("{alone} bytes without a reader, {beside} with one");
    assert!(beside <= most, "{alone} bytes without a reader, {beside} with one");
}

#[test]
fn s13_a_file_of_a_killed_process_opens_without_a_repair_whatever_its_size() {
    let story = Story::new();
    let disk = story.disk();
    let mut store = story.open(&disk).unwrap();
    for number in 0..16 {
        store.write(&[Write::PutPeer { id: [number; 32], value: vec![number; 1 << 20] }]).unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    let crashed = disk.after_crash().bytes();
    assert!(crashed.len() > 16 << 20);
    std::fs::write(dir.path().join(store::FILE), crashed).unwrap();
    // A repair reads all of the file: seconds for each gigabyte. This fails if there is one.
    let opened = common::open(dir.path(), &story.network);
    assert_eq!(opened.reader().snapshot().unwrap().peers().unwrap().len(), 16);
}

#[test]
fn s14_reads_go_on_while_a_commit_waits_for_the_disk() {
    let story = Story::new();
    let disk = story.disk();
    let mut store = story.open(&disk).unwrap();
    let (reader, before) = (store.reader(), disk.syncs());
    let (_, node, kept) = &story.steps[story.steps.len() - 2];
    disk.hold_syncs(true);
    std::thread::scope(|scope| {
        let commit = scope.spawn(|| store.commit(&story.last().0));
        disk.wait_for_sync(before);
        // The commit is in its sync; whoever reads sees the moment before, all of it.
        let (done, wait) = mpsc::channel();
        let (reader, tree) = (&reader, &story.tree);
        let read = scope.spawn(move || {
            tree.must_match(&reader.snapshot().unwrap(), *node, kept);
            done.send(()).unwrap();
        });
        let meanwhile = wait.recv_timeout(Duration::from_secs(30));
        let waits = !commit.is_finished();
        disk.hold_syncs(false);
        commit.join().unwrap().unwrap();
        read.join().unwrap();
        assert!(meanwhile.is_ok() && waits, "read while the commit waits: {meanwhile:?}, which it does: {waits}");
    });
    assert_eq!(reader.snapshot().unwrap().tip().unwrap(), story.tree.tip(story.last().1));
}

#[test]
fn s16_a_damaged_undo_is_named_and_nothing_is_taken_back_by_it() {
    let story = Story::new();
    let whole = story.disk();
    let (_, node, _) = &story.steps[story.steps.len() - 2];
    let undo = postcard::to_stdvec(&story.tree.nodes[*node].undo).unwrap();
    let bytes = whole.bytes();
    let places: Vec<_> = (0..bytes.len() - undo.len()).filter(|at| bytes[*at..at + undo.len()] == undo).collect();
    assert!(!places.is_empty(), "the undo is in the file");
    let disk = whole.after_crash();
    for at in places {
        // A balance of somebody, one drop less or more.
        disk.damage(at + undo.len() - 2, &[undo[undo.len() - 2] ^ 1]);
    }
    let store = story.open(&disk).unwrap();
    let snapshot = store.reader().snapshot().unwrap();
    let error = snapshot.undo(&story.tree.id(*node)).unwrap_err().to_string();
    assert!(error.contains(&format!("the undo of block {} is not what was written", story.tree.id(*node))), "{error}");
    let error = ledger::recheck::recheck(&snapshot, &story.network, 6).unwrap_err().to_string();
    assert!(error.contains("is not what was written"), "the next start says so too: {error}");
}

//! A process that is killed between any two instructions: what was acknowledged is there, nothing is there by half,
//! and the file opens without a repair.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod common;

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Tree, dump, network, open};
use ledger::apply::Changes;
use ledger::{Commit, Tip};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Tells the child where to write.
const DIR: &str = "BARRELEYE_STORE_CRASH_DIR";
const NAME: &str = "s01_a_process_killed_while_it_commits_leaves_whole_commits_only";
const COMMITS: usize = 60;
const ROUNDS: usize = 6;
const LONG_ROUNDS: usize = 200;

/// The same commits in every process: growth, blocks beside the chain, and reorganisations.
fn commits() -> Vec<Commit> {
    let network = network("crash");
    let mut tree = Tree::new(&network);
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut commits = Vec::new();
    let mut tip = 0;
    while commits.len() < COMMITS {
        let parent = if rng.random_ratio(1, 4) { tree.nodes[tip].parent } else { tip };
        let payments: Vec<_> = (0..8).map(|i| (1 + i % 4, 5 + i % 3, 100 + u64::from(i))).collect();
        let first = tree.mine(parent, 5, &payments);
        let second = tree.mine(first, 6, &payments);
        commits.push(tree.commit(&[first, second], tip, second));
        tip = second;
    }
    commits
}

/// The first part of a reorganisation: the chain is back where the branches part.
fn leaving(commit: &Commit) -> Option<Commit> {
    let [first, ..] = &commit.connect[..] else { return None };
    let (id, height) = (first.block.header().previous, first.block.header().height - 1);
    let tip = Tip { id, height, ..commit.tip };
    (!commit.disconnect.is_empty()).then(|| Commit { connect: vec![], accounts: Changes::new(), tip, ..commit.clone() })
}

/// Commits until it is killed, and says so after each.
fn child(dir: &Path) {
    let mut store = open(dir, &network("crash"));
    let mut out = std::io::stderr();
    for commit in commits() {
        // A reorganisation comes in parts: what leaves is staged, and kept with what joins.
        if let Some(staged) = leaving(&commit) {
            store.stage(&staged).unwrap();
            store.commit(&Commit { keep: vec![], disconnect: vec![], ..commit.clone() }).unwrap();
        } else {
            store.commit(&commit).unwrap();
        }
        writeln!(out, "kept {}", commit.tip.id).unwrap();
    }
    // Nothing comes: this waits for the kill, and ends if the parent is gone.
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

#[test]
fn s01_a_process_killed_while_it_commits_leaves_whole_commits_only() {
    match std::env::var_os(DIR) {
        Some(dir) => child(Path::new(&dir)),
        None => kill(ROUNDS),
    }
}

#[test]
#[ignore = "takes minutes: ./tests/run --long"]
fn s01_a_process_killed_200_times_while_it_commits_leaves_whole_commits_only() {
    kill(LONG_ROUNDS);
}

fn kill(rounds: usize) {
    let commits = commits();
    let seed: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random);
    eprintln!("SEED={seed}");
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let network = network("crash");
    for _ in 0..rounds {
        let dir = tempfile::tempdir().unwrap();
        let kill_after = rng.random_range(1..COMMITS - 5);
        let acknowledged = kill_child_after(dir.path(), kill_after);

        // Opening must need no repair; `open` fails otherwise.
        let store = open(dir.path(), &network);
        let tip = ledger::ChainSource::tip(&store.reader().snapshot().unwrap()).unwrap();
        drop(store);
        let done = commits.iter().position(|commit| commit.tip == tip).map_or(0, |at| at + 1);
        assert!(done >= acknowledged, "{acknowledged} commits were acknowledged, {done} are there");

        let replayed = tempfile::tempdir().unwrap();
        let mut store = open(replayed.path(), &network);
        commits[..done].iter().for_each(|commit| store.commit(commit).unwrap());
        drop(store);
        assert_eq!(dump(dir.path()), dump(replayed.path()), "after {done} commits");
    }
}

/// Starts a process that commits into `dir`, kills it when it has acknowledged `kill_after` commits, and gives how many
/// it had acknowledged when it died.
fn kill_child_after(dir: &Path, kill_after: usize) -> usize {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([NAME, "--exact", "--nocapture"])
        .env(DIR, dir)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let stdin = child.stdin.take();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut acknowledged = 0;
    for line in lines {
        let line = line.unwrap();
        assert!(!line.contains("panicked"), "the child failed: {line}");
        acknowledged += usize::from(line.starts_with("kept "));
        if acknowledged == kill_after {
            // SIGKILL; lines that are still in the pipe are counted, they were written before it died.
            child.kill().unwrap();
        }
    }
    drop(stdin);
    let status = child.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "the child was killed: {status}");
    acknowledged
}

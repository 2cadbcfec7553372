//! A disk that fills up or takes no more bytes: nothing that was acknowledged is lost, and the node says what it lacks.

use std::process::{Command, Stdio};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::harness::process::logged;
use crate::harness::wait::holds;
use crate::harness::{Net, Node, height, mines};

/// Set where the test runs in a mount namespace of its own.
const INSIDE: &str = "BARRELEYE_TEST_MOUNTS";

/// Runs the test with this name again where it may mount what it likes and nobody sees it. True: this is that run.
fn with_mounts_of_its_own(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let program = std::env::current_exe().unwrap();
    let privileged = rustix::process::geteuid().is_root();
    let user: &[&str] = if privileged { &[] } else { &["--map-root-user"] };
    let unshare = |words: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(user).args(["--mount", "--propagation", "private"]).args(words);
        command
    };
    if !unshare(&["true"]).stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
        println!("note: no mount namespaces here; skipped");
        return false;
    }
    let status = unshare(&[program.to_str().unwrap(), test, "--exact", "--nocapture"]).env(INSIDE, "1").status();
    assert!(status.unwrap().success(), "{test} failed where it has a disk of its own");
    false
}

/// A disk of so many megabytes in the place of the node's directory; or another size of it.
fn disk(node: &Node, megabytes: u64, remount: bool) {
    let size = format!("{}size={megabytes}m", if remount { "remount," } else { "" });
    std::fs::create_dir_all(node.dir()).unwrap();
    let status = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(node.dir()).status();
    assert!(status.unwrap().success(), "a disk of {megabytes} MB");
}

fn megabytes_used(node: &Node) -> u64 {
    let disk = rustix::fs::statvfs(node.dir()).unwrap();
    ((disk.f_blocks - disk.f_bfree) * disk.f_frsize).div_ceil(1 << 20)
}

/// The node says that it cannot be relied on, and why.
fn unready(why: &'static str) -> impl Fn(&Node) -> Result<(), String> {
    move |node| {
        let health = node.admin().get("/healthz");
        let text = health.body.to_string();
        holds(health.status == 503 && text.contains(why), || format!("{} {text}", health.status))
    }
}

#[test]
fn s05_a_disk_that_fills_up_stops_mining_and_writing_and_nothing_else_until_there_is_room_again() {
    if !with_mounts_of_its_own(
        "disk::s05_a_disk_that_fills_up_stops_mining_and_writing_and_nothing_else_until_there_is_room_again",
    ) {
        return;
    }
    let net = Net::fast(0);
    let node = net.node("node");
    disk(&node, 256, false);
    node.mining().start().until(mines).until(height(3));
    let pay = |number, nonce| {
        let to = net.wallet(number + 1).address();
        net.wallet(number).pay(&net.network, to, 1_000_000, nonce)
    };
    node.api().transfer(&pay(1, 0)).ok();

    disk(&node, megabytes_used(&node) + 40, true);
    node.until(unready("MB are free on the disk"));
    node.until(|node| holds(node.state("chain")?.get("Full").is_some(), || "it takes blocks".into()));
    node.until(|node| {
        let state = node.state("miner")?.to_string();
        holds(state.contains("Paused") && state.contains("DiskFull"), || state)
    });
    let there = node.tip().unwrap();
    let refused = node.api().transfer(&pay(2, 0));
    assert_eq!(refused.status, 503, "{}", refused.body);
    assert!(refused.body.to_string().contains("the disk of this node is full"), "{}", refused.body);
    // Whatever is only read goes on, and nothing new comes.
    node.api().get("/v1/blocks").ok();
    assert_eq!(node.tip().unwrap(), there);
    logged(&node.log(), "nothing is mined").unwrap();

    disk(&node, 256, true);
    node.until(mines).until(height(there.height + 2));
    node.api().transfer(&pay(2, 0)).ok();
    node.until(|node| holds(node.admin().get("/healthz").status == 200, || "not ready".into()));
    node.stop();
    assert!(net.verify(&node).contains("all as they must be"));
}

/// No byte of a file of this process beyond so many can be written; none means any.
fn limit_files(node: &Node, bytes: Option<u64>) {
    let id = Pid::from_raw(i32::try_from(node.process_id()).unwrap());
    prlimit(id, Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
}

#[test]
fn s06_a_commit_that_the_disk_refuses_ends_the_node_with_74_and_the_reason_and_loses_nothing() {
    let net = Net::fast(0);
    let node = net.node("node");
    // A write beyond the limit is an error to this node and no signal.
    node.through(&["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"]).mining();
    node.start().until(height(3));
    let shown = node.tip().unwrap();
    limit_files(&node, Some(64 << 10));
    let (status, _) = node.take_process().end(30);
    assert_eq!(status.code(), Some(74));
    logged(&node.log(), "is full").unwrap();
    logged(&node.log(), "stopped by a failure").unwrap();

    node.start();
    assert_eq!(node.block_at(shown.height), Ok(shown.id));
    node.until(mines).until(height(shown.height + 2)).stop();
    assert!(net.verify(&node).contains("all as they must be"));
}

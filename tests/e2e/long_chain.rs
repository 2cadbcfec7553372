//! A long chain: what a node needs for it does not grow with it, and how long its numbers take neither.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::chain_maker::{self, Made};
use crate::harness::process::run_ok;
use crate::harness::{Net, Node};

/// What a start took.
#[derive(Debug)]
struct Start {
    took: Duration,
    memory_mb: u64,
}

/// What a chain of some length takes.
#[derive(Debug)]
struct Taken {
    after_a_stop: Start,
    after_a_kill: Start,
    bytes_a_block: u64,
    /// The page for Prometheus, which is asked for again and again.
    metrics: Duration,
    /// What walks through all of the database, for comparison.
    tables: Duration,
}

/// Makes a chain of so many blocks in the directory of a node, and starts it after a clean stop and after a kill.
fn taken(net: &Net, blocks: u64) -> Taken {
    let node = net.node(&format!("long-{blocks}"));
    let Made { network_file, .. } = chain_maker::make(&node.dir(), blocks, 0).unwrap();
    fs::copy(network_file, net.file()).unwrap();
    let start = |height| {
        let began = Instant::now();
        node.start();
        let took = began.elapsed();
        assert_eq!(node.tip().unwrap().height, height);
        Start { took, memory_mb: memory_mb(&node) }
    };
    start(blocks);
    let timed = |what: &dyn Fn()| {
        let began = Instant::now();
        what();
        began.elapsed()
    };
    let scrapes = (0..10).map(|_| timed(&|| drop(node.admin().get("/metrics").ok())));
    let metrics = scrapes.min().unwrap();
    let tables = timed(&|| drop(node.admin().get("/admin/chain/tables").ok()));
    node.stop();
    let after_a_stop = start(blocks);
    // Killed after a commit of its own.
    node.mint(1).crash();
    let after_a_kill = start(blocks + 1);
    node.stop();
    let (network, data) = (net.file(), node.dir());
    let place = ["--network", network.to_str().unwrap(), "--data-dir", data.to_str().unwrap()];
    let usage = run_ok(net.dir(), &[&["chain", "tables", "--json"][..], &place[..]].concat());
    let usage: Value = serde_json::from_str(&usage).unwrap();
    // The file itself grows by doubling.
    let bytes: u64 = usage["tables"].as_array().unwrap().iter().map(|table| table["bytes"].as_u64().unwrap()).sum();
    Taken { after_a_stop, after_a_kill, bytes_a_block: bytes / blocks, metrics, tables }
}

fn memory_mb(node: &Node) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", node.process_id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
}

#[test]
#[ignore = "takes a minute: ./tests/run --long"]
fn s19_a_chain_five_times_as_long_takes_no_longer_to_open_and_no_more_memory() {
    let net = Net::on_request();
    let (short, long) = (taken(&net, 20_000), taken(&net, 100_000));
    println!("20 000 blocks: {short:?}\n100 000 blocks: {long:?}");
    let slack = Duration::from_millis(200);
    assert!(long.after_a_stop.took < short.after_a_stop.took * 2 + slack);
    assert!(long.after_a_kill.took < long.after_a_stop.took * 2 + slack);
    for start in [&long.after_a_stop, &long.after_a_kill] {
        assert!(start.memory_mb <= 100 && start.memory_mb <= short.after_a_stop.memory_mb + 16);
    }
    assert!(long.metrics < short.metrics * 2 + Duration::from_millis(20) && long.metrics < long.tables);
    assert!(long.bytes_a_block <= short.bytes_a_block * 11 / 10);
}

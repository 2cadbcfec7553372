//! A long chain: what a node needs for it does not grow with it.

use std::fs;
use std::time::{Duration, Instant};

use crate::chain_maker::{self, Made};
use crate::harness::{Net, Node};

/// What a start took.
#[derive(Debug)]
struct Start {
    took: Duration,
    memory_mb: u64,
    bytes_a_block: u64,
}

/// Makes a chain of so many blocks in the directory of a node of its own network, and starts it three times.
fn start(net: &Net, blocks: u64) -> Start {
    let node = net.node(&format!("long-{blocks}"));
    let Made { network_file, .. } = chain_maker::make(&node.dir(), blocks, 0).unwrap();
    fs::copy(network_file, net.file()).unwrap();
    let bytes_a_block = fs::metadata(node.dir().join("chain.redb")).unwrap().len() / blocks;
    let one = || {
        let began = Instant::now();
        node.start();
        let took = began.elapsed();
        assert_eq!(node.tip().unwrap().height, blocks);
        let memory_mb = memory_mb(&node);
        node.crash();
        Start { took, memory_mb, bytes_a_block }
    };
    let mut starts = [one(), one(), one()];
    starts.sort_by_key(|start| start.took);
    let [_, middle, _] = starts;
    middle
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
    let (short, long) = (start(&net, 20_000), start(&net, 100_000));
    println!("20 000 blocks: {short:?}; 100 000 blocks: {long:?}");
    assert!(long.took < short.took * 2 + Duration::from_millis(200));
    assert!(long.memory_mb <= short.memory_mb + 16);
    assert!(long.memory_mb <= 100);
    assert!(long.bytes_a_block <= short.bytes_a_block * 11 / 10);
}

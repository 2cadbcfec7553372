//! Six hours of a network's life in minutes: as many blocks as it makes in that time, people who pay and look, and peers
//! that come and go all the while. What a node holds at the end is what it held after the first hours.

use std::fs;

use crate::harness::wait::holds;
use crate::harness::{Net, Node, height, peers};

/// Blocks of an hour, one each 10 seconds.
const HOUR: u64 = 360;
/// Blocks between two restarts of a peer: a peer of this network lives for a minute or two.
const LIFE: u64 = 10;

/// What a process holds.
#[derive(Debug, Clone, Copy)]
struct Held {
    memory_kb: u64,
    descriptors: usize,
    threads: usize,
    /// Bytes of its database, which its cache may hold too.
    file_kb: u64,
}

impl Held {
    fn by(node: &Node) -> Self {
        let process = format!("/proc/{}", node.process_id());
        let status = fs::read_to_string(format!("{process}/status")).unwrap();
        let memory = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        let count = |of: &str| fs::read_dir(format!("{process}/{of}")).unwrap().count();
        Self {
            memory_kb: memory.split_whitespace().next().unwrap().parse().unwrap(),
            descriptors: count("fd"),
            threads: count("task"),
            file_kb: fs::metadata(node.dir().join("chain.redb")).unwrap().len() / 1024,
        }
    }
}

#[test]
#[ignore = "takes minutes: ./tests/run --long"]
fn z03_six_hours_of_blocks_with_peers_that_come_and_go_leave_memory_and_descriptors_flat() {
    let net = Net::on_request();
    let steady = net.node("steady");
    steady.start();
    let others = ["first", "second"].map(|name| net.node(name));
    for other in &others {
        other.knows(&steady).start();
    }
    steady.until(peers(2));
    let (mut hours, mut paid) = (Vec::new(), [0; 19]);
    for block in 1..=6 * HOUR {
        // Somebody pays, somebody looks.
        let number = block % 19;
        let (to, sequence) = (net.wallet(number + 1).address(), &mut paid[number as usize]);
        steady.api().transfer(&net.wallet(number).pay(&net.network, to, 1_000_000 + block, *sequence)).ok();
        *sequence += 1;
        for path in ["/v1/status", "/v1/blocks", "/v1/peers", &format!("/v1/accounts/{to}/transactions")] {
            steady.api().get(path).ok();
        }
        steady.mint(1);
        if block % LIFE == 0 {
            // One of the peers dies or leaves, and comes back.
            let other = &others[(block / LIFE % 2) as usize];
            if block / LIFE % 4 < 2 {
                other.crash()
            } else {
                other.stop()
            };
            other.restart();
        }
        if block % HOUR == 0 {
            for other in &others {
                other.until(height(block));
            }
            steady.until(peers(2)).until(|node| {
                let waiting = node.actor("chain")?["figures"]["pool"].take();
                holds(waiting == 0, || format!("{waiting} transactions wait"))
            });
            hours.push(Held::by(&steady));
        }
    }
    for (hour, held) in (1..).zip(&hours) {
        println!("after hour {hour}: {held:?}");
    }
    let (early, late) = (hours[1], hours[5]);
    assert!(late.descriptors <= early.descriptors + 2, "descriptors: {early:?}, {late:?}");
    assert!(late.threads <= early.threads + 1, "threads: {early:?}, {late:?}");
    // Four hours: a megabyte each, beside what the cache took of the file that grew.
    let cached = late.file_kb.saturating_sub(early.file_kb);
    assert!(late.memory_kb <= early.memory_kb + cached + 4 * 1024, "memory: {early:?}, {late:?}");
    for other in &others {
        assert_eq!(other.tip().unwrap(), steady.tip().unwrap());
    }
    steady.stop();
}

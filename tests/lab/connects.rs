//! Connections that come and go leave nothing behind.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use wire::{Command, Keypair, Multiaddr, NetConfig, NetEvent};

use crate::harness::wait::holds;
use crate::harness::{Net, Node, eventually};

/// Connections of each of the three kinds.
const TIMES: usize = 3_334;
/// The same before anything is measured: tables of strangers and the allocator's pages are filled first.
const WARM_UP: usize = 1_200;
/// What a process may have more after all of it, in KiB: allocators keep some.
const GROWTH_KIB: u64 = 1_024;
/// What both sides of a libp2p connection say first.
const MULTISTREAM: &[u8] = b"\x13/multistream/1.0.0\n";
/// What a dialler says then.
const NOISE: &[u8] = b"\x07/noise\n";
/// A stranger waits so long for whatever it waits for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Descriptors and resident KiB of a process.
fn usage(node: &Node) -> (usize, u64) {
    let process = node.process_id();
    let descriptors = fs::read_dir(format!("/proc/{process}/fd")).expect("it runs").count();
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
    (descriptors, line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("it is a number"))
}

fn connect(node: &Node) -> TcpStream {
    let port = node.address().rsplit('/').next().unwrap().parse().unwrap();
    let stream = TcpStream::connect_timeout(&(node.ip(), port).into(), PATIENCE).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Agrees to encrypt, then says something else.
fn half_a_handshake(node: &Node) {
    let mut stream = connect(node);
    // It may close at any time: that is its right.
    drop(stream.write_all(&[MULTISTREAM, NOISE].concat()));
    drop(stream.read(&mut [0; 64]));
    drop(stream.write_all(&[0xab; 100]));
}

/// Becomes a connected peer under a new key, and leaves at once.
fn whole_handshake(net: &Net, node: &Node) {
    let mut config = NetConfig::new(Keypair::generate_ed25519(), net.network.chain);
    config.private_addresses_ok = true;
    let (task, handle) = wire::net(config).expect("the configuration is good");
    let address: Multiaddr = node.address().parse().expect("it is an address");
    handle.try_send(Command::Dial { peer: None, addresses: vec![address] }).expect("it has nothing to do");
    let mut met = false;
    let leave = |event| {
        met |= matches!(event, NetEvent::Connected { .. });
        if matches!(event, NetEvent::Connected { .. } | NetEvent::DialFailed { .. }) {
            handle.try_send(Command::Stop).expect("stop is taken always");
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let run = async { tokio::time::timeout(PATIENCE, task.run(leave)).await };
    runtime.block_on(run).expect("it is answered in time").expect("it listens nowhere");
    assert!(met, "it lets a stranger in");
}

/// So many of each kind, one after the other.
fn come_and_go(net: &Net, node: &Node, times: usize) {
    for _ in 0..times {
        drop(connect(node));
        half_a_handshake(node);
        whole_handshake(net, node);
    }
}

#[test]
fn p04_ten_thousand_connections_that_come_and_go_leave_memory_and_descriptors_as_they_were() {
    let net = Net::fast(0);
    let node = net.node("alice");
    node.start();
    // A node that answers may still be opening what it needs; after it has met somebody it has all.
    come_and_go(&net, &node, 1);
    let (fresh, _) = usage(&node);
    come_and_go(&net, &node, WARM_UP);
    let alone = || {
        let status = node.status()?;
        let (descriptors, _) = usage(&node);
        holds(status["peers"] == 0 && descriptors <= fresh, || format!("{descriptors} of {fresh}: {status}"))
    };
    eventually("the warm-up is over", 60, alone);
    let (_, warm) = usage(&node);
    let began = Instant::now();
    come_and_go(&net, &node, TIMES);
    let took = began.elapsed();
    eventually("descriptors as before", 60, alone);
    let (_, after) = usage(&node);
    println!("{} connections in {took:.1?}: {fresh} descriptors, {warm} KiB before, {after} KiB after", 3 * TIMES);
    assert!(after <= warm + GROWTH_KIB, "{warm} KiB before, {after} KiB after");
}

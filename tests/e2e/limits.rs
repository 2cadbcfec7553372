//! A node that gets less from its machine than it likes: memory, descriptors, a core.

use std::collections::VecDeque;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::ExitStatusExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::harness::from::connect_from;
use crate::harness::place::Place;
use crate::harness::wait::{Over, holds};
use crate::harness::{Net, Node, Schedule, eventually, height, mines, peers};

#[test]
fn o06_a_node_that_gets_no_more_memory_ends_and_the_next_start_is_whole() {
    let net = Net::on_request();
    let node = net.node("node");
    node.start().mint(20).until(height(20));
    let id = i32::try_from(node.process_id()).ok().and_then(Pid::from_raw);
    // From now on every request for more is refused, as where the limit of a machine is reached.
    let none = Rlimit { current: Some(1), maximum: Some(1) };
    prlimit(id, Resource::Data, none).unwrap();
    let (api, admin) = (node.api(), node.admin());
    let mut process = node.take_process();
    let status = eventually("it ends", 60, || {
        // Work for all its threads.
        api.get("/v1/blocks?limit=100");
        admin.post("/admin/mint", &serde_json::json!({ "blocks": 20 }));
        process.ended().ok_or_else(|| "it runs".to_owned())
    });
    assert!(!status.success(), "{status}");
    assert!(status.signal().is_some() || status.code() != Some(0), "systemd starts it again: {status}");
    node.start().until(height(20));
    net.verify(&node);
}

#[test]
fn o07_with_256_descriptors_strangers_are_refused_and_peers_and_clients_are_served() {
    let net = Net::fast(0);
    let place = Place { through: vec!["prlimit".into(), "--nofile=256:256".into()], ..Place::own() };
    let node = net.node_at("node", &place);
    let friend = net.node("friend");
    node.mining().start();
    friend.knows(&node).start();
    node.until(peers(1));
    let port = node.address().rsplit('/').next().unwrap().parse::<u16>().unwrap();
    let gate = SocketAddr::from((node.ip(), port));
    let desk: SocketAddr = node.api().url().trim_start_matches("http://").parse().unwrap();
    let before = node.process_id();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let crowd = scope.spawn(|| crowd(&node, gate, desk, &over));
        let guard = Over(&over);
        let tip = eventually("it answers in the crowd", 60, || node.tip());
        node.until(height(tip.height + 4));
        friend.until(height(tip.height + 4));
        let newcomer = net.node("newcomer");
        newcomer.knows(&node).start().until(peers(1));
        net.agree(&[node.clone(), friend.clone(), newcomer], 60);
        drop(guard);
        let (came, most) = crowd.join().unwrap();
        println!("{came} connections came, {most} descriptors at most");
        assert!(came > 400 && most < 200, "{came} connections came, {most} descriptors at most");
    });
    assert_eq!(node.process_id(), before, "it is the same process");
}

/// Connections to both ports, which say nothing, from two hundred at once to four hundred in turn: whoever is shown out
/// comes back. Gives how many came, and how many descriptors the node ever had.
fn crowd(node: &Node, gate: SocketAddr, desk: SocketAddr, over: &AtomicBool) -> (usize, usize) {
    let client = Ipv4Addr::new(127, 0, 0, 2);
    let _strangers: Vec<_> = (0..200).map(|_| connect_from(client, &gate)).collect();
    let (mut here, mut came, mut most) = (VecDeque::new(), 0, 0);
    let rounds = Schedule::start();
    for round in 1.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        here.extend((0..20).filter_map(|_| connect_from(client, &desk).ok()));
        came += 20;
        here.drain(..here.len().saturating_sub(400));
        let open = fs::read_dir(format!("/proc/{}/fd", node.process_id())).map_or(0, Iterator::count);
        most = most.max(open);
        rounds.at(Duration::from_millis(100) * round);
    }
    (came, most)
}

#[test]
#[ignore = "measures a machine: ./tests/run --long"]
fn o08_a_miner_that_takes_the_whole_core_delays_neither_answers_nor_peers() {
    let net = Net::fast(0).on_one_core();
    let (node, friend) = (net.node("node"), net.node("friend"));
    node.mining().with(&["--hash-duty", "100"]).start();
    friend.knows(&node).start();
    node.until(peers(1)).until(mines);
    let mut took: Vec<Duration> = (0..500)
        .map(|_| {
            let began = Instant::now();
            node.api().get("/v1/status").ok();
            began.elapsed()
        })
        .collect();
    took.sort();
    assert!(took[494] <= Duration::from_millis(100), "99 of 100 within {:?}", took[494]);
    let ping = |node: &Node| node.admin().get("/admin/peers").ok()["peers"][0]["ping_ms"].as_u64();
    for node in [&node, &friend] {
        node.until(|node| holds(ping(node).is_some(), || "no ping yet".into()));
    }
    // Each side pings every five seconds.
    let looks = Schedule::start();
    for look in 1..=30 {
        looks.at(Duration::from_millis(500) * look);
        for node in [&node, &friend] {
            let ms = ping(node);
            assert!(ms.is_some_and(|ms| ms <= 2_000), "a ping of {} took {ms:?} ms", node.name());
        }
    }
}

//! A node that gets less from its machine than it likes: memory, descriptors, a core.

use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::harness::place::Place;
use crate::harness::wait::holds;
use crate::harness::{Net, eventually, height, mines, peers};

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
    let (_, port) = node.address().rsplit_once('/').map(|(rest, port)| (rest.to_owned(), port.to_owned())).unwrap();
    let gate = (node.ip(), port.parse::<u16>().unwrap());
    let desk = node.api().url().trim_start_matches("http://").to_owned();
    let mut crowd: Vec<TcpStream> = Vec::new();
    for _ in 0..200 {
        crowd.extend(TcpStream::connect(gate));
        crowd.extend(TcpStream::connect(&desk));
    }
    assert!(crowd.len() > 256, "{}", crowd.len());
    let before = node.process_id();
    drop(crowd.split_off(200));
    let tip = eventually("it answers in the crowd", 60, || node.tip());
    node.until(height(tip.height + 2));
    friend.until(height(tip.height + 2));
    drop(crowd);
    let newcomer = net.node("newcomer");
    newcomer.knows(&node).start().until(peers(1));
    assert_eq!(node.process_id(), before, "it is the same process");
    net.agree(&[node, friend, newcomer], 60);
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
    node.until(|node| {
        let peers = node.admin().get("/admin/peers").granted()?;
        let ping = peers.pointer("/peers/0/state/Ready/ping_ms").or_else(|| peers.pointer("/peers/0/ping_ms"));
        let ms = ping.and_then(serde_json::Value::as_u64);
        holds(ms.is_none_or(|ms| ms <= 2_000), || format!("a ping took {ms:?} ms"))
    });
}

//! Nodes find one another: the third knows only the first, and whoever starts when.

use std::time::{Duration, Instant};

use store::Store;

use crate::harness::process::logged;
use crate::harness::{Net, Schedule, height, long, peers};

/// Nodes by the order in which they start: 0 is the one that the others know.
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [2, 1, 0], [1, 0, 2], [2, 0, 1], [1, 2, 0], [0, 2, 1]];

/// After the last start; most need less than five.
const DEADLINE_S: u64 = 60;

fn attempts(normally: usize) -> usize {
    if long() { 20 } else { normally }
}

fn forms(apart: Duration, one_core: bool, attempts: usize) {
    let mut times = Vec::new();
    for attempt in 0..attempts {
        let order = ORDERS[attempt % ORDERS.len()];
        println!("attempt {attempt}: order {order:?}, {apart:?} apart");
        let net = if one_core { Net::fast(1).on_one_core() } else { Net::fast(1) };
        let nodes = ["first", "second", "third"].map(|name| net.node(name));
        for node in &nodes {
            node.mining();
        }
        nodes[1].knows(&nodes[0]);
        nodes[2].knows(&nodes[0]);
        let schedule = Schedule::start();
        for (i, node) in order.iter().enumerate() {
            schedule.at(apart * i as u32);
            nodes[*node].spawn();
        }
        let began = Instant::now();
        for node in &nodes {
            node.answers();
        }
        net.forms(&nodes, DEADLINE_S);
        times.push(began.elapsed());
    }
    times.sort();
    println!("{attempts} of {attempts} after the last start: {times:.1?}");
}

#[test]
fn three_nodes_that_start_at_once_in_any_order_are_one_network() {
    forms(Duration::ZERO, false, attempts(4));
}

#[test]
fn three_nodes_on_one_core_that_start_at_once_are_one_network() {
    forms(Duration::ZERO, true, attempts(2));
}

#[test]
fn three_nodes_that_start_3_s_apart_in_any_order_are_one_network() {
    forms(Duration::from_secs(3), false, attempts(2));
}

#[test]
#[ignore = "takes minutes: ./tests/run --long"]
fn three_nodes_that_start_8_s_apart_in_any_order_are_one_network() {
    forms(Duration::from_secs(8), false, attempts(1));
}

#[test]
#[ignore = "takes minutes: ./tests/run --long"]
fn three_nodes_that_start_20_s_apart_in_any_order_are_one_network() {
    forms(Duration::from_secs(20), false, attempts(1));
}

#[test]
#[ignore = "takes minutes: ./tests/run --long"]
fn three_nodes_on_one_core_that_start_3_s_apart_are_one_network() {
    forms(Duration::from_secs(3), true, attempts(1));
}

#[test]
#[ignore = "takes minutes: ./tests/run --long"]
fn three_nodes_on_one_core_that_start_8_s_apart_are_one_network() {
    forms(Duration::from_secs(8), true, attempts(1));
}

#[test]
#[ignore = "takes minutes: ./tests/run --long"]
fn three_nodes_on_one_core_that_start_20_s_apart_are_one_network() {
    forms(Duration::from_secs(20), true, attempts(1));
}

#[test]
fn a_node_of_another_network_is_told_from_ours_at_once_and_both_go_on() {
    let (ours, theirs) = (Net::fast(0), Net::with(|spec| spec.hints.peers_to_mine = 0));
    let (alice, bob, mallory) = (ours.node("alice"), ours.node("bob"), theirs.node("mallory"));
    alice.mining().start();
    mallory.mining().knows(&alice).start();
    mallory.until(|node| logged(&node.log(), "it is of another network: compare the network files of both nodes"));
    bob.knows(&mallory).knows(&alice).start();
    bob.until(|node| logged(&node.log(), "it is of another network"));
    bob.until(peers(1));
    mallory.until(height(2));
    ours.agree(&[alice.clone(), bob.clone()], 30);
    for (net, node, known) in [(&ours, &alice, 1), (&ours, &bob, 1), (&theirs, &mallory, 0)] {
        node.stop();
        let store = Store::open(&node.dir(), net.network.clone(), 8 << 20, |_| {}).unwrap();
        let kept = store.reader().snapshot().unwrap().peers().unwrap();
        assert_eq!(kept.len(), known, "{} keeps only its own", node.name());
    }
}

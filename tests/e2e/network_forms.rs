//! Nodes find one another: whoever starts when, whoever is away meanwhile, and whoever never comes back.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use store::Store;

use crate::harness::process::logged;
use crate::harness::wait::holds;
use crate::harness::{Net, Node, Schedule, eventually, height, long, peers};

/// Orders in which two and three nodes start: 0 is the one that the others know.
const ORDERS_OF_2: [&[usize]; 2] = [&[0, 1], &[1, 0]];
const ORDERS_OF_3: [&[usize]; 6] = [&[0, 1, 2], &[2, 1, 0], &[1, 0, 2], &[2, 0, 1], &[1, 2, 0], &[0, 2, 1]];

/// All are connected so soon after the last start; most need less than five.
const CONNECTED_S: u64 = 30;
/// A node that was away is found so soon after it is back.
const FOUND_S: u64 = 60;

/// Starts nodes in this order and waits until they are one network; gives how long it took from the last start until
/// each was connected to all others.
fn forms(order: &[usize], apart: Duration, one_core: bool, duty: &str) -> Duration {
    let net = if one_core { Net::fast(1).on_one_core() } else { Net::fast(1) };
    let nodes: Vec<_> = ["first", "second", "third"][..order.len()].iter().map(|name| net.node(name)).collect();
    for node in &nodes {
        node.mining().with(&["--hash-duty", duty]);
    }
    for node in &nodes[1..] {
        node.knows(&nodes[0]);
    }
    let schedule = Schedule::start();
    for (i, node) in order.iter().enumerate() {
        schedule.at(apart * i as u32);
        nodes[*node].spawn();
    }
    let began = Instant::now();
    for node in &nodes {
        node.answers();
    }
    let left = CONNECTED_S.saturating_sub(began.elapsed().as_secs());
    connected(&nodes, left);
    let took = began.elapsed();
    println!("order {order:?}, {apart:?} apart: connected {took:.1?} after the last start");
    net.forms(&nodes, 60);
    took
}

/// Waits until each is connected to all others.
#[track_caller]
fn connected(nodes: &[Node], deadline_s: u64) {
    eventually("all are connected", deadline_s, || {
        nodes
            .iter()
            .try_for_each(|node| peers(nodes.len() - 1)(node).map_err(|error| format!("{}: {error}", node.name())))
    });
}

/// Every order, one after the other.
fn in_turn(orders: &[&[usize]], apart: Duration, one_core: bool) {
    for _ in 0..if long() { 20 / orders.len() } else { 1 } {
        for order in orders {
            forms(order, apart, one_core, "5");
        }
    }
}

/// Every order at the same time, for they are all waiting most of it.
fn side_by_side(orders: &[&[usize]], apart: Duration) {
    thread::scope(|scope| {
        for order in orders {
            scope.spawn(move || forms(order, apart, false, "1"));
        }
    });
}

#[test]
fn p16_two_nodes_that_start_at_once_in_any_order_are_connected_within_30_s() {
    in_turn(&ORDERS_OF_2, Duration::ZERO, false);
}

#[test]
fn p16_two_nodes_that_start_3_s_apart_in_any_order_are_connected_within_30_s() {
    side_by_side(&ORDERS_OF_2, Duration::from_secs(3));
}

#[test]
fn p16_three_nodes_that_start_at_once_in_any_order_are_connected_within_30_s() {
    in_turn(&ORDERS_OF_3, Duration::ZERO, false);
}

#[test]
fn p16_three_nodes_on_one_core_that_start_at_once_are_connected_within_30_s() {
    in_turn(if long() { &ORDERS_OF_3 } else { &ORDERS_OF_3[..2] }, Duration::ZERO, true);
}

#[test]
fn p16_three_nodes_that_start_3_s_apart_in_any_order_are_connected_within_30_s() {
    side_by_side(&ORDERS_OF_3, Duration::from_secs(3));
}

#[test]
#[ignore = "takes minutes: ./tests/run --long"]
fn p16_two_and_three_nodes_that_start_8_20_and_60_s_apart_in_any_order_are_connected_within_30_s() {
    for apart in [8, 20, 60] {
        side_by_side(&ORDERS_OF_2, Duration::from_secs(apart));
        side_by_side(&ORDERS_OF_3, Duration::from_secs(apart));
    }
}

#[test]
#[ignore = "takes minutes: ./tests/run --long"]
fn p16_three_nodes_on_one_core_that_start_3_8_and_20_s_apart_are_connected_within_30_s() {
    for (apart, order) in [3, 8, 20, 3, 8, 20].into_iter().zip(ORDERS_OF_3) {
        forms(order, Duration::from_secs(apart), true, "5");
    }
}

#[test]
fn p17_a_bootstrap_node_that_is_away_when_the_others_start_is_found_within_a_minute_of_its_return() {
    let away = Duration::from_secs(if long() { 600 } else { 15 });
    let net = Net::fast(1);
    let nodes = ["bootstrap", "alice", "bob"].map(|name| net.node(name));
    let schedule = Schedule::start();
    for node in &nodes[1..] {
        node.mining().knows(&nodes[0]).start();
    }
    schedule.at(away);
    nodes[0].mining().start();
    let began = Instant::now();
    connected(&nodes, FOUND_S);
    println!("away for {away:?}: all are connected {:.1?} after its return", began.elapsed());
    net.forms(&nodes, 60);
}

#[test]
fn p17_a_bootstrap_node_that_goes_and_comes_back_is_found_within_a_minute_of_its_return() {
    let away = Duration::from_secs(if long() { 600 } else { 10 });
    let net = Net::fast(1);
    let nodes = ["bootstrap", "alice", "bob"].map(|name| net.node(name));
    for node in &nodes {
        node.mining();
    }
    for node in &nodes[1..] {
        node.knows(&nodes[0]);
    }
    for node in &nodes {
        node.start();
    }
    net.forms(&nodes, 60);
    // It forgets everything: the others have to find it.
    nodes[0].crash();
    fs::remove_dir_all(nodes[0].dir()).unwrap();
    Schedule::start().at(away);
    nodes[0].start();
    let began = Instant::now();
    connected(&nodes, FOUND_S);
    println!("away for {away:?}: all are connected {:.1?} after its return", began.elapsed());
    net.forms(&nodes, 60);
}

/// What a node is called by others.
fn id(node: &Node) -> String {
    let address = fs::read_to_string(node.dir().join("address")).unwrap();
    address.trim().rsplit('/').next().unwrap().to_owned()
}

#[test]
fn p19_without_its_bootstrap_node_a_network_stays_one_also_after_each_restarted_and_takes_newcomers_in() {
    let net = Net::fast(1);
    let bootstrap = net.node("bootstrap");
    let rest = ["alice", "bob", "carol"].map(|name| net.node(name));
    bootstrap.mining().start();
    for node in &rest {
        node.mining().knows(&bootstrap).start();
    }
    let all: Vec<_> = [bootstrap.clone()].into_iter().chain(rest.clone()).collect();
    net.forms(&all, 60);
    let ids = rest.each_ref().map(id);
    bootstrap.crash();
    net.forms(&rest, 60);

    // One after the other, with what they were told at first: nobody is there any more.
    for (i, node) in rest.iter().enumerate() {
        node.stop().start();
        net.forms(&rest, 60);
        assert_eq!(id(node), ids[i], "{} is who it was", node.name());
    }
    // All at once, and told of nobody.
    for node in &rest {
        node.crash();
    }
    for node in &rest {
        node.restart();
    }
    net.forms(&rest, 60);
    assert_eq!(rest.each_ref().map(id), ids);

    // Whoever is named to a newcomer, it finds all of them.
    for (name, host) in ["dave", "erin", "frank"].into_iter().zip(&rest) {
        let newcomer = net.node(name);
        newcomer.mining().knows(host).start();
        let mut now: Vec<_> = rest.to_vec();
        now.push(newcomer.clone());
        net.forms(&now, 60);
        newcomer.stop();
    }
}

#[test]
fn p18_a_node_that_lost_all_its_peers_dials_less_than_once_a_second_and_takes_hardly_any_time_of_a_core() {
    // Long enough for the first tries, which come close together, to count no more than the later ones.
    let window = Duration::from_secs(if long() { 120 } else { 40 });
    let net = Net::fast(1);
    let (left, others) = (net.node("left"), ["alice", "bob", "carol"].map(|name| net.node(name)));
    for node in &others {
        node.start();
        left.knows(node);
    }
    left.env("BARRELEYE_LOG", "info,actors::router=debug").start().until(peers(3));
    for node in &others {
        node.crash();
    }
    left.until(|node| {
        let ready = node.status()?["peers"].take();
        holds(ready == 0, || format!("{ready} peers"))
    });
    let dials = || fs::read_to_string(left.log()).unwrap().matches("a dial failed").count();
    let (dials_before, cpu_before, schedule) = (dials(), left.cpu(), Schedule::start());
    schedule.at(window);
    let (dials, cpu) = (dials() - dials_before, left.cpu() - cpu_before);
    println!("in {window:?} without a peer: {dials} dials, {cpu:.2?} of a core");
    assert!(dials > 0, "it still tries");
    assert!(dials as u64 <= window.as_secs(), "{dials} dials in {window:?}");
    assert!(cpu < window / 50, "{cpu:?} of a core in {window:?}");
    others[0].start();
    left.until(peers(1));
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

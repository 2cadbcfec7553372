//! kill -9: a node comes back by itself, and what it ever showed is still there.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use machines::discovery::Record;
use rand::RngExt;
use rustix::process::Signal;
use store::Store;

use crate::harness::wait::{Over, holds};
use crate::harness::{Net, Node, Schedule, eventually, height, peers};

/// Memory for looking into a database.
const CACHE: usize = 8 << 20;

/// Three mining nodes of which the second and third were told of the first only.
fn three(net: &Net) -> [Node; 3] {
    let nodes = ["first", "second", "third"].map(|name| net.node(name));
    nodes[1].knows(&nodes[0]);
    nodes[2].knows(&nodes[0]);
    for node in &nodes {
        node.mining().start();
    }
    net.forms(&nodes, 60);
    nodes
}

/// Every wallet pays the next one through this node; gives the ids.
fn trade(net: &Net, node: &Node, round: u64) -> Vec<String> {
    let pay = |number: u64| {
        let to = net.wallet((number + 1) % 10).address();
        let transfer = net.wallet(number).pay(&net.network, to, 1 + number * 1_000_000, round);
        node.api().transfer(&transfer).ok()["id"].as_str().unwrap().to_owned()
    };
    (0..10).map(pay).collect()
}

/// All these transactions are mined, and every balance is the same everywhere.
fn balances_agree(net: &Net, nodes: &[Node], mined: &[String]) {
    for node in nodes {
        for id in mined {
            node.until(|node| node.confirmed(id).map(drop));
        }
    }
    for number in 0..10 {
        let address = net.wallet(number).address();
        let all: Vec<_> = nodes.iter().map(|node| node.balance(&address)).collect();
        assert!(all.iter().all(|balance| *balance == all[0]), "wallet {number}: {all:?}");
    }
}

#[test]
fn each_node_killed_in_turn_comes_back_without_bootstrap_and_all_agree() {
    let net = Net::fast(1);
    let nodes = three(&net);
    let mut mined = Vec::new();
    for (turn, victim) in nodes.iter().enumerate() {
        let witness = &nodes[(turn + 1) % 3];
        mined.extend(trade(&net, witness, turn as u64));
        victim.crash();
        let there = witness.tip().unwrap().height;
        witness.until(height(there + 3));
        victim.restart().until(peers(2));
        net.forms(&nodes, 60);
        balances_agree(&net, &nodes, &mined);
    }
    for node in &nodes {
        assert!(net.verify(node).contains("all as they must be"));
    }
}

#[test]
fn all_nodes_killed_at_once_find_one_another_from_their_peer_databases_and_mine_on() {
    let net = Net::fast(1);
    let nodes = three(&net);
    let mined = trade(&net, &nodes[0], 0);
    balances_agree(&net, &nodes, &mined);
    for node in &nodes {
        node.crash();
    }
    for node in &nodes {
        node.restart();
    }
    net.forms(&nodes, 60);
    balances_agree(&net, &nodes, &mined);
}

#[test]
fn a_peer_that_is_gone_for_good_leaves_the_database() {
    let net = Net::fast(1);
    let (stays, goes) = (net.node("stays"), net.node("goes"));
    stays.env("BARRELEYE_FORGET_PEERS_S", "1").start();
    goes.knows(&stays).start();
    stays.until(peers(1)).until(known(1));
    goes.crash();
    // Three attempts, after 2 and 4 s.
    stays.until(known(0));
    stays.stop();
    let store = Store::open(&stays.dir(), net.network.clone(), CACHE, |_| {}).unwrap();
    assert_eq!(store.reader().snapshot().unwrap().peers().unwrap(), []);
}

#[test]
fn a_peer_that_is_away_for_a_while_stays_in_the_database() {
    let net = Net::fast(1);
    let (stays, goes) = (net.node("stays"), net.node("goes"));
    stays.mining().start();
    goes.mining().knows(&stays).start();
    net.forms(&[stays.clone(), goes.clone()], 60);
    goes.crash();
    stays.until(|node| {
        let ready = node.status()?["peers"].as_u64();
        holds(ready == Some(0), || format!("{ready:?} peers"))
    });
    stays.stop();
    let store = Store::open(&stays.dir(), net.network.clone(), CACHE, |_| {}).unwrap();
    let kept = store.reader().snapshot().unwrap().peers().unwrap();
    let kept: Vec<Record> = kept.iter().map(|(_, row)| postcard::from_bytes(row).unwrap()).collect();
    assert!(matches!(&kept[..], [one] if one.addresses.iter().any(|at| at.starts_with(&goes.address()))), "{kept:?}");
}

#[test]
#[ignore = "takes a minute: ./tests/run --long"]
fn a_node_that_froze_for_a_minute_is_dropped_and_catches_up_when_it_wakes() {
    let net = Net::fast(1);
    let nodes = three(&net);
    nodes[2].signal(Signal::STOP);
    for node in &nodes[..2] {
        node.until_within(90, |node| {
            let ready = node.status()?["peers"].take();
            holds(ready == 1, || format!("{ready} peers"))
        });
    }
    let apart = nodes[0].tip().unwrap().height;
    nodes[0].until(height(apart + 5));
    nodes[2].signal(Signal::CONT);
    net.forms(&nodes, 90);
}

/// So many peers are in its book.
fn known(wanted: u64) -> impl Fn(&Node) -> Result<(), String> {
    move |node| {
        let figures = node.actor("discovery")?["figures"].take();
        holds(figures["known"] == wanted, || format!("{figures}, wanted {wanted}"))
    }
}

#[test]
fn a_sole_miner_killed_ten_times_loses_no_block_that_it_ever_showed() {
    // Five blocks a second: each kill falls into the work on one.
    let net = Net::with(|spec| {
        spec.spacing_ms = 200;
        spec.response_ms = 6_000;
        spec.hints.peers_to_mine = 0;
    });
    let node = net.node("sole");
    node.mining();
    let mut shown: BTreeMap<u64, String> = BTreeMap::new();
    for kill in 0..10 {
        node.start();
        for (height, id) in &shown {
            assert_eq!(node.block_at(*height).as_ref(), Ok(id), "block {height} was shown before kill {kill}");
        }
        let (api, over) = (node.api(), AtomicBool::new(false));
        let more = std::thread::scope(|scope| {
            let watcher = scope.spawn(|| {
                let (mut seen, schedule) = (BTreeMap::new(), Schedule::start());
                // Often for blocks of 200 ms, and it leaves a single core to those who hash.
                for turn in 0.. {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    schedule.at(Duration::from_millis(5) * turn);
                    let Ok(answer) = api.get("/last-block").granted() else { continue };
                    let block = &answer["data"]["block"];
                    seen.insert(block["height"].as_u64().unwrap(), block["hash"].as_str().unwrap().to_owned());
                }
                seen
            });
            let guard = Over(&over);
            node.until(height(shown.len() as u64 + 3));
            // At any moment of a block's way.
            Schedule::start().at(Duration::from_millis(net.pick(200) * (kill + 1) % 200));
            node.crash();
            drop(guard);
            watcher.join().unwrap()
        });
        assert!(!more.is_empty());
        shown.extend(more);
    }
    node.start();
    let highest = *shown.keys().next_back().unwrap();
    assert!(node.tip().unwrap().height >= highest);
    for (height, id) in &shown {
        assert_eq!(node.block_at(*height).as_ref(), Ok(id), "block {height} was shown");
    }
    println!("{} blocks shown, up to height {highest}, none lost", shown.len());
    eventually("it mines on", 30, || height(highest + 2)(&node));
}

/// Kills a node under load so many times at a random moment; after each, what is kept is what follows from the blocks,
/// and nothing that it showed is gone.
fn killed_under_load(kills: usize) {
    let net = Net::with(|spec| {
        spec.spacing_ms = 200;
        spec.response_ms = 6_000;
        spec.hints.peers_to_mine = 0;
    });
    let node = net.node("node");
    node.mining();
    let mut rng = net.random();
    let (mut shown, mut granted) = (0, 0);
    for kill in 1..=kills {
        node.start();
        assert!(node.tip().unwrap().height >= shown, "kill {kill}: it showed block {shown}");
        // What waited when it was killed is gone: everybody goes on from what is on the chain.
        let mut next: Vec<u64> = (0..10).map(|number| next_payment(&net, &node, number)).collect();
        let (api, over) = (node.api(), AtomicBool::new(false));
        let pause = Duration::from_millis(rng.random_range(0..1_200));
        let (highest, paid) = std::thread::scope(|scope| {
            let load = scope.spawn(|| {
                let (mut highest, mut paid) = (0, 0);
                while !over.load(Ordering::Relaxed) {
                    for (number, next) in (0..).zip(&mut next) {
                        let to = net.wallet((number + 1) % 10).address();
                        let transfer = net.wallet(number).pay(&net.network, to, 1 + number * 1_000, *next);
                        let taken = u64::from((200..300).contains(&api.transfer(&transfer).status));
                        (*next, paid) = (*next + taken, paid + taken);
                    }
                    let Ok(status) = api.get("/v1/status").granted() else { continue };
                    highest = status["tip"]["height"].as_u64().unwrap_or(0).max(highest);
                }
                (highest, paid)
            });
            let guard = Over(&over);
            Schedule::start().at(pause);
            node.crash();
            drop(guard);
            load.join().unwrap()
        });
        (shown, granted) = (highest.max(shown), granted + paid);
        assert!(net.verify(&node).contains("all as they must be"), "kill {kill}");
    }
    let before = shown;
    node.start().until(height(before + 2));
    println!("{kills} kills up to block {before}, {granted} transfers taken: every state was that of its blocks");
    assert!(granted as usize > kills, "there was a load");
}

/// How many payments of a wallet are on the chain.
fn next_payment(net: &Net, node: &Node, number: u64) -> u64 {
    let account = node.api().get(&format!("/v1/accounts/{}", net.wallet(number).address())).ok();
    let nonce: u64 = account["nonce"].as_str().and_then(|nonce| nonce.parse().ok()).expect("a nonce is a number");
    nonce - net.network.nonce_base
}

#[test]
fn s01_a_node_killed_under_load_has_the_state_of_its_blocks() {
    killed_under_load(5);
}

#[test]
#[ignore = "takes minutes: ./tests/run --long"]
fn s01_a_node_killed_200_times_under_load_has_the_state_of_its_blocks_each_time() {
    killed_under_load(200);
}

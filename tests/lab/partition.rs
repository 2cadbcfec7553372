//! Lines that are cut while everybody trades and mines, and healed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::harness::wait::{Over, holds};
use crate::harness::{Net, Node, Schedule, eventually, height, long};
use crate::lab::Lab;
use crate::switch::Line;
use crate::trade::{arrived, trade};

/// All have one chain so long after the lines are healed.
const HEALED_S: u64 = 60;
/// What mines and trades on bad lines may need to settle.
const SETTLED_S: u64 = 180;

/// Nodes mine also alone, a block every so often in all.
fn net(spacing_ms: u64) -> Net {
    Net::with(|spec| {
        spec.hints.peers_to_mine = 0;
        spec.spacing_ms = spacing_ms;
    })
}

fn start(lab: &mut Lab, names: &[&str]) -> Vec<Node> {
    let nodes: Vec<_> = names.iter().map(|name| lab.node(name)).collect();
    for node in &nodes {
        node.mining().knows(&nodes[0]).start();
    }
    lab.net.forms(&nodes, SETTLED_S);
    nodes
}

/// Cuts `these` off from `those` for so long while every node trades, heals the lines, and gives how long it took until
/// there was one chain. Then everything that was paid anywhere must be in it, and every chain must be whole.
fn cut(lab: &Lab, these: &[Node], those: &[Node], apart: Duration) -> Duration {
    let all: Vec<_> = these.iter().chain(those).cloned().collect();
    let over = AtomicBool::new(false);
    let began = Instant::now();
    let (took, paid) = std::thread::scope(|scope| {
        let _over = Over(&over);
        let pay = |(wallet, node)| {
            let over = &over;
            scope.spawn(move || trade(&lab.net, node, wallet, over))
        };
        let traders: Vec<_> = (0..).zip(&all).map(pay).collect();
        let (schedule, before) = (Schedule::start(), all[0].tip().unwrap().height);
        println!("cut");
        lab.line(these, those, Some(Line::Cut));
        schedule.at(apart);
        // Both sides went on: two chains. One of five that is alone hashes a fifth, and has luck or not.
        for node in &all {
            node.until_within(SETTLED_S, height(before + 2));
        }
        let lower = these[0].tip().unwrap().height.min(those[0].tip().unwrap().height);
        assert_ne!(these[0].block_at(lower), those[0].block_at(lower), "they are apart");
        println!("healed after {:.1?}", began.elapsed());
        lab.line(these, those, None);
        let healed = Instant::now();
        one_chain(&all, HEALED_S);
        let took = healed.elapsed();
        over.store(true, Ordering::Relaxed);
        let paid: Vec<_> = traders.into_iter().map(|trader| trader.join().expect("it traded")).collect();
        (took, paid)
    });
    println!("{apart:?} apart, one chain {took:.1?} after that; {} payments", paid.iter().map(Vec::len).sum::<usize>());
    for node in &all {
        for (wallet, ids) in (0..).zip(&paid) {
            node.until_within(SETTLED_S, |node| arrived(&lab.net, node, wallet, ids));
        }
    }
    for node in &all {
        node.until_within(SETTLED_S, |node| {
            let peers = node.status()?["peers"].as_u64().unwrap_or_default();
            holds(peers == all.len() as u64 - 1, || format!("{} has {peers} peers", node.name()))
        });
    }
    lab.report(began);
    for node in &all {
        assert!(lab.net.verify(node).contains("all as they must be"));
    }
    took
}

/// Waits until no block of the time apart is on one node's chain and not on another's: all have the same block above it.
/// That two nodes find a block at the same moment goes on for ever, so their tips need not be the same.
fn one_chain(nodes: &[Node], deadline_s: u64) {
    let height = nodes.iter().map(|node| node.tip().unwrap().height).max().unwrap();
    eventually("one chain", deadline_s, || {
        let ids: Vec<_> = nodes.iter().map(|node| node.block_at(height + 1)).collect::<Result<_, _>>()?;
        holds(ids.iter().all(|id| *id == ids[0]), || format!("at height {}: {ids:?}", height + 1))
    });
}

#[test]
fn one_of_five_nodes_on_bad_lines_that_is_cut_off_comes_back_to_one_chain_with_all_it_was_told() {
    // A lost packet costs a block on these lines a second or two.
    let Some(mut lab) = Lab::open(net(4_000)) else { return };
    lab.switch.all(Line::bad(200, 5));
    let nodes = start(&mut lab, &["alice", "bob", "carol", "dave", "erin"]);
    let (these, those) = nodes.split_at(4);
    cut(&lab, those, these, Duration::from_secs(if long() { 300 } else { 25 }));
}

#[test]
fn p25_a_network_cut_in_two_is_one_chain_within_60_s_of_healing() {
    let Some(mut lab) = Lab::open(net(2_000)) else { return };
    let nodes = start(&mut lab, &["alice", "bob", "carol", "dave"]);
    let (these, those) = nodes.split_at(2);
    cut(&lab, these, those, Duration::from_secs(if long() { 600 } else { 12 }));
}

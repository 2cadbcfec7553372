//! A newcomer with an empty directory catches up with a long chain while everybody else goes on.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::harness::forge::TRADERS;
use crate::harness::net::WEALTH;
use crate::harness::wait::{Over, holds};
use crate::harness::{Net, Node, Schedule, eventually, forge, height, long};

const BLOCKS: u64 = 2_000;

/// The fast network, begun [`BLOCKS`] ago.
fn old_network() -> Net {
    Net::with(|spec| {
        spec.genesis_time_ms -= (BLOCKS + 4) * spec.spacing_ms;
        // 2¹⁵ hashes each, so that the past is made in seconds.
        spec.first_target = ledger::CompactTarget(0x1f01_ffff);
        spec.easiest_target = ledger::CompactTarget(0x1f01_ffff);
        spec.hints.peers_to_mine = 1;
    })
}

/// Posts a transfer every tenth of a second until told to stop; gives how many.
fn trade(net: &Net, node: &Node, from: u64, over: &AtomicBool) -> u64 {
    let (wallet, to, schedule) = (net.wallet(from), net.wallet(from + 1).address(), Schedule::start());
    let mut sequence = 0;
    while !over.load(Ordering::Relaxed) {
        node.api().transfer(&wallet.pay(&net.network, to, 1_000, sequence)).ok();
        sequence += 1;
        schedule.at(Duration::from_millis(100 * sequence));
    }
    sequence
}

#[test]
fn a_new_node_joins_2000_blocks_while_the_others_mine_and_trade() {
    for attempt in 0..if long() { 20 } else { 1 } {
        joins(attempt);
    }
}

fn joins(attempt: u64) {
    let net = old_network();
    let (alice, bob, carol) = (net.node("alice"), net.node("bob"), net.node("carol"));
    for node in [&alice, &bob, &carol] {
        node.with(&["--hash-duty", "1"]);
    }
    forge::history(&net, &alice, BLOCKS);
    forge::copy(&alice, &bob);
    alice.mining().start();
    bob.mining().knows(&alice).start();
    net.forms(&[alice.clone(), bob.clone()], 60);
    carol.mining().knows(&alice);

    let (over, traded) = (AtomicBool::new(false), AtomicU64::new(0));
    let (mut states, mut syncer) = (Vec::new(), Vec::new());
    let began = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| traded.store(trade(&net, &alice, 0, &over), Ordering::Relaxed));
        carol.start();
        let started_at = alice.tip().unwrap().height;
        let _over = Over(&over);
        eventually("carol has caught up", 120, || {
            let actors = carol.admin().get("/admin/actors").granted()?;
            let state = |name| actors["actors"].as_array().unwrap().iter().find(|actor| actor["name"] == name).unwrap();
            let miner = &state("miner")["state"];
            note(&mut states, miner);
            note(&mut syncer, &state("syncer")["state"]);
            height(started_at)(&carol)?;
            holds(miner.get("Mining").is_some(), || format!("the miner is {miner}"))
        });
        println!("attempt {attempt}: caught up in {:.1?}; miner {states:?}, syncer {syncer:?}", began.elapsed());
        // The others went on meanwhile, and she is one of them now.
        alice.until(height(started_at + 2));
    });
    let paused = |text: &String| text.contains("Paused") && text.contains("Syncing");
    let during = states.iter().position(paused);
    let after = states.iter().rposition(|text| text.starts_with("Mining"));
    assert!(during.is_some() && during < after, "the miner was {states:?}");
    assert!(syncer.iter().any(|text| ["Headers", "Blocks"].contains(&text.as_str())), "the syncer was {syncer:?}");

    let all = [alice, bob, carol];
    net.forms(&all, 60);
    let traded = traded.load(Ordering::Relaxed);
    let spent = traded * 1_000;
    let wealth = WEALTH * 100_000_000;
    for node in &all {
        for trader in TRADERS {
            let left = WEALTH * 100_000_000 - BLOCKS;
            assert_eq!(node.balance(&net.wallet(trader).address()), left, "{}", node.name());
        }
        node.until(|node| {
            let left = node.balance(&net.wallet(0).address());
            holds(left == wealth - spent, || format!("{left} left after {traded} transfers"))
        });
    }
    let hers = all[2].miner();
    all[0].until(|node| holds(node.balance(&hers) > 0, || "the others have no block of carol's".into()));
}

#[test]
fn a_newcomer_killed_again_and_again_during_its_sync_goes_on_where_it_was() {
    let net = old_network();
    let (alice, carol) = (net.node("alice"), net.node("carol"));
    forge::history(&net, &alice, BLOCKS);
    alice.start();
    carol.knows(&alice).start();
    let mut reached = vec![];
    for kill in 0..4 {
        carol.until(height(1 + kill * BLOCKS / 6));
        reached.push(carol.tip().unwrap().height);
        carol.crash().restart();
        assert!(carol.tip().unwrap().height >= reached[reached.len() - 1], "{reached:?}");
    }
    carol.until(height(BLOCKS));
    println!("killed at {reached:?}");
    assert!(reached[0] < BLOCKS, "the sync was over before the first kill");
    for node in [&alice, &carol] {
        assert!(
            net.verify(node).contains(&format!("{BLOCKS} blocks, {} transactions", BLOCKS * TRADERS.count() as u64))
        );
    }
}

/// Remembers a state that differs from the one before: its name, with the reasons of a pause.
fn note(states: &mut Vec<String>, state: &serde_json::Value) {
    let name = match state {
        serde_json::Value::String(name) => name.clone(),
        serde_json::Value::Object(map) => {
            let (name, data) = map.iter().next().unwrap();
            data.get("reasons").map_or_else(|| name.clone(), |reasons| format!("{name}{reasons}"))
        }
        other => other.to_string(),
    };
    if states.last() != Some(&name) {
        states.push(name);
    }
}

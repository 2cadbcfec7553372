//! A newcomer with an empty directory catches up with a long chain while everybody else goes on.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::harness::forge::TRADERS;
use crate::harness::net::WEALTH;
use crate::harness::wait::{Over, holds};
use crate::harness::{Net, Node, Schedule, eventually, forge, height, long, mines};

const BLOCKS: u64 = 2_000;

/// The fast network, begun so many blocks ago.
fn old_network(blocks: u64) -> Net {
    Net::with(|spec| {
        spec.genesis_time_ms -= (blocks + 4) * spec.spacing_ms;
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
        let transfer = wallet.pay(&net.network, to, 1_000, sequence);
        // A node that is busy says so; twice the same is one payment.
        eventually("a transfer is taken", 60, || node.api().transfer(&transfer).granted());
        sequence += 1;
        schedule.at(Duration::from_millis(100 * sequence));
    }
    sequence
}

#[test]
fn a_new_node_joins_2000_blocks_while_the_others_mine_and_trade() {
    for attempt in 0..if long() { 5 } else { 1 } {
        joins(attempt);
    }
}

fn joins(attempt: u64) {
    let net = old_network(BLOCKS);
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
    let net = old_network(BLOCKS);
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

/// Blocks that newcomers on one core fetch.
const SHORT: u64 = 1_500;

#[test]
fn newcomers_on_one_core_join_while_every_peer_mines_trades_and_serves_two_other_syncs() {
    let rounds = if long() { 34 } else { 1 };
    let net = old_network(SHORT).on_one_core();
    let hosts = ["alice", "bob"].map(|name| net.node(name));
    forge::history(&net, &hosts[0], SHORT);
    forge::copy(&hosts[0], &hosts[1]);
    hosts[1].knows(&hosts[0]);
    for host in &hosts {
        host.mining().with(&["--hash-duty", "1"]).start();
    }
    net.forms(&hosts, 60);

    let (over, mut times) = (AtomicBool::new(false), Vec::new());
    std::thread::scope(|scope| {
        let _over = Over(&over);
        scope.spawn(|| trade(&net, &hosts[0], 0, &over));
        scope.spawn(|| trade(&net, &hosts[1], 2, &over));
        for round in 0..rounds {
            let newcomers = [0, 1, 2].map(|n| net.node(&format!("newcomer-{round}-{n}")));
            let there = hosts[0].tip().unwrap().height;
            let began = Instant::now();
            for newcomer in &newcomers {
                newcomer.mining().with(&["--hash-duty", "1"]).knows(&hosts[0]).knows(&hosts[1]).spawn();
            }
            let mut joined = [None; 3];
            for newcomer in &newcomers {
                newcomer.answers();
            }
            eventually("all three have caught up and mine", 180, || {
                let mut waits = Ok(());
                for (newcomer, joined) in newcomers.iter().zip(&mut joined).filter(|(_, joined)| joined.is_none()) {
                    match height(there)(newcomer).and_then(|()| mines(newcomer)) {
                        Ok(()) => *joined = Some(began.elapsed()),
                        Err(error) => waits = Err(format!("{}: {error}", newcomer.name())),
                    }
                }
                waits
            });
            times.extend(joined.into_iter().flatten());
            hosts[0].until(height(there + 2));
            for newcomer in &newcomers {
                newcomer.crash();
                std::fs::remove_dir_all(newcomer.dir()).unwrap();
            }
        }
    });
    times.sort();
    let (half, last) = (times[times.len() / 2], times[times.len() - 1]);
    println!("{} of {} syncs finished, half within {half:.1?}, all within {last:.1?}", times.len(), rounds * 3);
    net.agree(&hosts, 60);
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

//! Nothing that others say or do not say keeps a node from mining for long.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use wire::Request;
use wire::limits::MAX_BLOCK_IDS;

use crate::harness::hostile::{Behaviour, Hostile, Tale};
use crate::harness::wait::{Over, holds};
use crate::harness::{Net, Node, Schedule, eventually, forge, mines, peers};

const DAY_MS: u64 = 24 * 3600 * 1000;
const BLOCKS: u64 = 400;

/// A network whose last block is a day old.
fn day_old_network(peers_to_mine: usize) -> Net {
    Net::with(|spec| {
        spec.genesis_time_ms -= DAY_MS + BLOCKS * spec.spacing_ms;
        // 2¹⁵ hashes each, so that the past is made in seconds.
        spec.first_target = ledger::CompactTarget(0x1f01_ffff);
        spec.easiest_target = ledger::CompactTarget(0x1f01_ffff);
        spec.hints.peers_to_mine = peers_to_mine;
    })
}

/// Starts three nodes with such chains, and waits until they mine again.
fn all_restart(blocks: [u64; 3]) {
    let net = day_old_network(1);
    let nodes = ["alice", "bob", "carol"].map(|name| net.node(name));
    let tallest = *blocks.iter().max().unwrap();
    for (node, blocks) in nodes.iter().zip(blocks) {
        forge::history(&net, node, blocks);
        node.mining();
    }
    nodes[1].knows(&nodes[0]);
    nodes[2].knows(&nodes[0]);
    let began = Instant::now();
    for node in &nodes {
        node.spawn();
    }
    for node in &nodes {
        node.answers();
    }
    eventually("all mine, and new blocks come", 30, || {
        for node in &nodes {
            mines(node).map_err(|error| format!("{}: {error}", node.name()))?;
            let tip = node.tip()?;
            holds(tip.height > tallest, || format!("{}: height {}", node.name(), tip.height))?;
        }
        Ok(())
    });
    println!("all mine, on a new block, {:.1?} after the start", began.elapsed());
    net.forms(&nodes, 60);
}

#[test]
fn l07_all_nodes_that_restart_at_once_with_a_day_old_tip_mine_again_within_30_s() {
    all_restart([BLOCKS, BLOCKS, BLOCKS]);
}

#[test]
fn h21_nodes_that_restart_with_old_tips_of_different_heights_sync_and_mine_again_within_30_s() {
    all_restart([BLOCKS - 300, BLOCKS, BLOCKS - 5]);
}

/// How long the attack lasts.
const ATTACK: Duration = Duration::from_secs(600);
/// Two buckets of 90 s each at most at the beginning, each refilled with 2.5 % of the time; and what polling adds.
fn allowed(during: Duration) -> Duration {
    Duration::from_secs(180) + during / 20 + Duration::from_secs(2)
}

#[test]
#[ignore = "takes ten minutes: ./tests/run --long"]
fn l03_peers_that_claim_and_fetch_for_ten_minutes_pause_a_miner_for_no_longer_than_its_budget() {
    let net = day_old_network(0);
    let node = net.node("victim");
    let tale = Tale::of(forge::history(&net, &node, BLOCKS));
    node.mining().start().until(mines);
    let over = AtomicBool::new(false);
    let (mut pauses, answers) = (BTreeMap::new(), AtomicU64::new(0));
    thread::scope(|scope| {
        let _over = Over(&over);
        for _ in 0..3 {
            scope.spawn(|| claims(&net, &node, &tale, &over));
            scope.spawn(|| fetches(&net, &node, &tale, &over, &answers));
        }
        node.until(peers(2));
        let (schedule, began) = (Schedule::start(), Instant::now());
        let (mut last, mut reasons) = (began, None);
        for look in 1.. {
            schedule.at(Duration::from_millis(50 * look));
            let now = Instant::now();
            if let Some(reasons) = reasons {
                *pauses.entry(reasons).or_insert(Duration::ZERO) += now - last;
            }
            last = now;
            reasons = node.state("miner").unwrap().pointer("/Paused/reasons").map(kinds);
            if look % 1_200 == 0 {
                println!("after {:.0?}: paused for {pauses:.1?}", began.elapsed());
            }
            if began.elapsed() >= ATTACK {
                break;
            }
        }
    });
    let paused: Duration = pauses.values().sum();
    println!("{ATTACK:?}: paused for {paused:.1?}, {pauses:.1?}, {} answers fetched", answers.into_inner());
    assert!(paused <= allowed(ATTACK), "{paused:?} of {:?}", allowed(ATTACK));
    for reason in ["Syncing", "Serving"] {
        assert!(
            pauses.keys().any(|reasons| reasons.contains(reason)),
            "no attack made it pause for {reason}: {pauses:?}"
        );
    }
    node.until(mines);
}

/// The names of the reasons of a pause.
fn kinds(reasons: &Value) -> String {
    let name = |reason: &Value| match reason {
        Value::Object(map) => map.keys().next().cloned().unwrap_or_default(),
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    let names: BTreeSet<_> = reasons.as_array().into_iter().flatten().map(name).collect();
    names.into_iter().collect::<Vec<_>>().join(" and ")
}

/// Claims longer and longer chains and shows nothing, as a new peer whenever the node has had enough of it.
fn claims(net: &Net, node: &Node, tale: &Arc<Tale>, over: &AtomicBool) {
    for behaviour in [Behaviour::ClaimsAndStalls, Behaviour::ClaimsMore].into_iter().cycle() {
        if over.load(Ordering::Relaxed) {
            return;
        }
        let peer = Hostile::meets(net, node, tale, behaviour);
        while_it_is_there(node, &peer, over, || {});
    }
}

/// Fetches the oldest blocks over and over.
fn fetches(net: &Net, node: &Node, tale: &Arc<Tale>, over: &AtomicBool, answers: &AtomicU64) {
    let ids = tale.ids(MAX_BLOCK_IDS);
    while !over.load(Ordering::Relaxed) {
        let peer = Hostile::meets(net, node, tale, Behaviour::Honest);
        while_it_is_there(node, &peer, over, || {
            if peer.peer().ask(&Request::Blocks { ids: ids.clone() }).is_ok() {
                answers.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
}

/// Does something again and again until the peer is disconnected or all is over.
fn while_it_is_there(node: &Node, peer: &Hostile, over: &AtomicBool, mut act: impl FnMut()) {
    let (schedule, mut turn, mut seen) = (Schedule::start(), 0, false);
    while !over.load(Ordering::Relaxed) {
        act();
        turn += 1;
        schedule.at(Duration::from_millis(200 * turn));
        let there =
            node.admin().get("/admin/peers").granted().is_ok_and(|peers| peers.to_string().contains(&peer.id()));
        // One that never got in is refused for other reasons: tried again after a while.
        if (seen && !there) || (!seen && turn > 50) {
            return;
        }
        seen |= there;
    }
}

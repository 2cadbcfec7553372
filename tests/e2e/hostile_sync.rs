//! A newcomer among peers that behave badly: it gets the chain from the good ones, nearly as fast as from them alone.

use std::collections::HashSet;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::harness::hostile::{Behaviour, Hostile, Tale};
use crate::harness::process::logged;
use crate::harness::wait::holds;
use crate::harness::{Net, Node, forge, height, long, mines};

/// Nine bad peers for one good one.
const NINE: [Behaviour; 9] = [
    Behaviour::ClaimsMore,
    Behaviour::Silent,
    Behaviour::OtherBodies,
    Behaviour::Slow(Duration::from_secs(2)),
    Behaviour::Garbage,
    Behaviour::Silent,
    Behaviour::ClaimsMore,
    Behaviour::Slow(Duration::from_secs(20)),
    Behaviour::OtherBodies,
];

/// Payments of each trader in a block, so that a sync takes long enough to be compared.
const PAYMENTS: u64 = 10;

/// A network that has so many blocks when the test begins.
fn old_network(blocks: u64) -> Net {
    Net::with(|spec| {
        spec.genesis_time_ms -= (blocks + 4) * spec.spacing_ms;
        // 2¹² hashes each, so that the past is made in seconds and most of a sync is checking signatures.
        spec.first_target = ledger::CompactTarget(0x1f0f_ffff);
        spec.easiest_target = ledger::CompactTarget(0x1f0f_ffff);
        spec.hints.peers_to_mine = 1;
    })
}

/// Starts a newcomer, lets it meet the bad ones, then the good one; gives how long it took from there to the tip.
fn joins(net: &Net, name: &str, honest: &Node, tale: &Arc<Tale>, bad: &[Behaviour]) -> (Duration, Node, Vec<Hostile>) {
    let newcomer = net.node(name);
    newcomer.start();
    let bad: Vec<_> = bad.iter().map(|behaviour| Hostile::meets(net, &newcomer, tale, *behaviour)).collect();
    // Some may be gone again for what they did.
    newcomer.until(|node| {
        let met = bad.iter().filter(|peer| logged(&node.log(), &format!("peer is ready peer={}", peer.id())).is_ok());
        let met = met.count();
        holds(met == bad.len(), || format!("{met} bad peers were met"))
    });
    let began = Instant::now();
    newcomer.admin().post("/admin/peers/dial", &serde_json::json!({ "address": honest.address() })).ok();
    newcomer.until_within(180, height(tale.tip().height));
    (began.elapsed(), newcomer, bad)
}

/// A long chain of a good node that runs, and the tale of it.
fn honest(net: &Net, blocks: u64, payments: u64) -> (Node, Arc<Tale>) {
    let honest = net.node("honest");
    let tale = Tale::of(forge::busy_history(net, &honest, blocks, payments));
    honest.start();
    (honest, tale)
}

/// Silent peers cost a second or two whatever the length of the chain, so the chain is not a short one.
#[test]
#[ignore = "takes minutes: ./tests/run --long"]
fn one_good_peer_and_nine_bad_ones_cost_at_most_twice_the_time_of_the_good_one_alone() {
    let (blocks, turns) = (2_000, 3);
    let net = old_network(blocks);
    let (honest, tale) = honest(&net, blocks, PAYMENTS);
    let (mut alone, mut among) = (Vec::new(), Vec::new());
    for turn in 0..turns {
        let (took, newcomer, _) = joins(&net, &format!("alone-{turn}"), &honest, &tale, &[]);
        newcomer.crash();
        alone.push(took);
        let (took, newcomer, _bad) = joins(&net, &format!("among-{turn}"), &honest, &tale, &NINE);
        newcomer.crash();
        among.push(took);
    }
    alone.sort();
    among.sort();
    let median = |times: &[Duration]| times[times.len() / 2].as_secs_f64();
    let ratio = median(&among) / median(&alone);
    println!("{blocks} blocks: alone {alone:.1?}, among nine bad ones {among:.1?}: {ratio:.2} times");
    assert!(ratio <= 2.0, "{ratio:.2} times");
}

#[test]
fn whoever_lied_in_a_sync_is_disconnected_and_refused_with_a_reason() {
    let net = old_network(300);
    let (honest, tale) = honest(&net, 300, PAYMENTS);
    let (_, newcomer, bad) = joins(&net, "newcomer", &honest, &tale, &NINE);
    let liars: Vec<_> = bad.iter().filter(|peer| peer.lied()).collect();
    let kinds: HashSet<_> = liars.iter().map(|peer| peer.behaviour).collect();
    println!("{} of nine lied: {kinds:?}", liars.len());
    assert_eq!(kinds.len(), 3, "each kind of liar was asked");
    for peer in liars {
        scored_out(&newcomer, peer);
    }
}

/// Waits until the node has disconnected a peer for what it did, and does not let it back in.
#[track_caller]
fn scored_out(node: &Node, peer: &Hostile) {
    node.until(|node| {
        let line = format!("disconnecting a peer peer={} why=it misbehaved", peer.id());
        logged(&node.log(), &line).map_err(|error| format!("{:?}: {error}", peer.behaviour))?;
        let peers = node.admin().get("/admin/peers").granted()?;
        holds(!peers.to_string().contains(&peer.id()), || format!("{:?} is still there", peer.behaviour))?;
        let figures = node.actor("discovery")?["figures"].take();
        holds(figures["banned"].as_u64() > Some(0), || figures.to_string())
    });
}

#[test]
fn h09_a_peer_that_claims_more_than_it_delivers_is_disconnected_and_the_miner_goes_on() {
    let net = old_network(30);
    let miner = net.node("miner");
    let tale = Tale::of(forge::history(&net, &miner, 30));
    miner.mining().with(&["--hash-duty", "1"]).start();
    let (honest, liar) = (
        Hostile::meets(&net, &miner, &tale, Behaviour::Honest),
        Hostile::meets(&net, &miner, &tale, Behaviour::ClaimsMore),
    );
    scored_out(&miner, &liar);
    miner.until(mines).until(height(32));
    let peers = miner.admin().get("/admin/peers").ok();
    assert!(peers.to_string().contains(&honest.id()), "the good one is still there: {peers}");
}

#[test]
fn h10_peers_that_give_headers_and_no_bodies_are_left_for_one_that_gives_both() {
    let net = old_network(300);
    let (honest, tale) = honest(&net, 300, 1);
    let (took, newcomer, withheld) = joins(&net, "newcomer", &honest, &tale, &[Behaviour::Withholds; 4]);
    println!("with all bodies from one of five: {took:.1?}");
    // Each is asked less and less often.
    let asked: Vec<_> = withheld.iter().map(|peer| peer.heard().1).collect();
    let rate = took.as_secs() + 10;
    assert!(asked.iter().all(|asked| *asked <= rate), "{asked:?} questions in {took:?}");
    newcomer.until(height(tale.tip().height));
}

#[test]
fn h17_from_twenty_peers_that_leave_after_each_answer_a_sync_finishes() {
    // What all of them give before they leave for the first time is not enough; after a minute any sync begins anew.
    let (blocks, deadline) = if long() { (10_000, 600) } else { (1_000, 50) };
    let net = old_network(blocks);
    let source = net.node("source");
    let tale = Tale::of(forge::history(&net, &source, blocks));
    let newcomer = net.node("newcomer");
    newcomer.start();
    let began = Instant::now();
    let _leaving: Vec<_> =
        (0..20).map(|_| Hostile::meets(&net, &newcomer, &tale, Behaviour::LeavesAfterEachBatch)).collect();
    newcomer.until_within(deadline, height(blocks));
    println!("{blocks} blocks from twenty peers that leave: {:.1?}", began.elapsed());
}

#[test]
fn peers_that_greet_and_leave_at_once_again_and_again_are_none_when_they_are_gone() {
    let net = old_network(30);
    let source = net.node("source");
    let tale = Tale::of(forge::history(&net, &source, 30));
    let node = net.node("node");
    node.start();
    let greet = || Hostile::meets(&net, &node, &tale, Behaviour::LeavesAfterGreeting);
    let leaving: Vec<_> = (0..20).map(|_| greet()).collect();
    let ready = || fs::read_to_string(node.log()).unwrap().matches("peer is ready").count();
    node.until(|_| holds(ready() >= 200, || format!("{} greetings", ready())));
    drop(leaving);
    node.until(|node| {
        let (peers, syncer) = (node.status()?["peers"].take(), node.state("syncer")?);
        holds(peers == 0 && syncer == "Alone", || format!("{peers} peers, the syncer is {syncer}"))
    });
    assert!(node.state("discovery").unwrap().get("Lonely").is_some());
}

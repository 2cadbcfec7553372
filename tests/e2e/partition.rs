//! Two halves of a network mine apart, then meet.

use serde_json::json;

use crate::harness::node::Tip;
use crate::harness::wait::holds;
use crate::harness::{Net, Node, eventually, height, peers};

/// Blocks that the heavier half is ahead by; at equal difficulty more blocks are more work.
const AHEAD: u64 = 8;

fn pair(net: &Net, one: &str, other: &str) -> [Node; 2] {
    let nodes = [one, other].map(|name| net.node(name));
    nodes[1].knows(&nodes[0]);
    for node in &nodes {
        node.mining().start();
    }
    net.forms(&nodes, 60);
    nodes
}

fn miners(nodes: &[Node], order: &str) {
    for node in nodes {
        node.admin().post(&format!("/admin/miner/{order}"), &json!({})).ok();
    }
}

/// Stops mining on both: on one, then on the other once that has put a block on what both had. Stopped at once they could
/// keep two tips of equal work for ever.
fn stop_mining(net: &Net, [one, other]: &[Node; 2]) -> Tip {
    miners(std::slice::from_ref(one), "pause");
    let stopped = one.tip().unwrap();
    one.until(height(stopped.height + 1));
    miners(std::slice::from_ref(other), "pause");
    net.agree(&[one.clone(), other.clone()], 30)
}

fn work(node: &Node) -> String {
    let work = node.status().unwrap()["tip"]["work"].to_string();
    format!("{work:0>80}")
}

#[test]
fn two_halves_that_meet_take_the_heavier_branch_and_mine_what_only_the_other_had() {
    let net = Net::fast(1);
    let light = pair(&net, "alice", "bob");
    let heavy = pair(&net, "carol", "dave");

    // On either side: payments that only this side knows. Wallet 2 spends the same coins on both sides.
    let (to, other) = (net.stranger(0).address(), net.stranger(1).address());
    let post = |node: &Node, wallet: u64, to, sequence| {
        let transfer = net.wallet(wallet).pay(&net.network, to, 1_000, sequence);
        node.api().transfer(&transfer).ok()["id"].as_str().unwrap().to_owned()
    };
    let on_light: Vec<_> = (0..10).map(|sequence| post(&light[0], 0, to, sequence)).collect();
    let on_heavy: Vec<_> = (0..10).map(|sequence| post(&heavy[0], 1, to, sequence)).collect();
    let (loses, wins) = (post(&light[0], 2, to, 0), post(&heavy[0], 2, other, 0));
    for id in on_light.iter().chain([&loses]) {
        light[1].until(|node| node.confirmed(id).map(drop));
    }
    for id in on_heavy.iter().chain([&wins]) {
        heavy[1].until(|node| node.confirmed(id).map(drop));
    }
    let light_tip = stop_mining(&net, &light);
    heavy[0].until(height(light_tip.height + AHEAD));
    let heavy_tip = stop_mining(&net, &heavy);
    assert!(work(&light[0]) < work(&heavy[0]), "the heavier half has more work");
    assert_ne!(light[0].block_at(light_tip.height), heavy[0].block_at(light_tip.height), "they are two branches");

    // They meet.
    light[0].admin().post("/admin/peers/dial", &json!({ "address": heavy[0].address() })).ok();
    let all: Vec<_> = light.iter().chain(&heavy).cloned().collect();
    for node in &all {
        node.until(peers(3));
        eventually("the heavier branch wins", 60, || {
            let tip = node.tip()?;
            holds(tip == heavy_tip, || format!("{}: {tip:?}, wanted {heavy_tip:?}", node.name()))
        });
    }
    // What only the lighter half had waits again, except what the heavier branch spent otherwise.
    for id in &on_light {
        light[0].until(|node| {
            let tx = node.api().get(&format!("/v1/transactions/{id}")).granted()?;
            holds(tx["confirmations"] == 0, || tx.to_string())
        });
    }
    assert_eq!(light[0].api().get(&format!("/v1/transactions/{loses}")).status, 404, "its coins are spent");

    miners(&all, "resume");
    for node in &all {
        for id in on_light.iter().chain(&on_heavy).chain([&wins]) {
            node.until(|node| node.confirmed(id).map(drop));
        }
        assert_eq!((node.balance(&to), node.balance(&other)), (20_000, 1_000), "{}", node.name());
        assert_eq!(node.api().get(&format!("/v1/transactions/{loses}")).status, 404);
    }
    net.forms(&all, 60);
    for node in &all {
        assert!(net.verify(node).contains("all as they must be"));
    }
}

#[test]
fn a_node_that_others_banned_goes_on_alone_and_comes_back_when_pardoned() {
    let net = Net::fast(0);
    let [alice, bob] = pair(&net, "alice", "bob");
    let id = std::fs::read_to_string(bob.dir().join("address")).unwrap();
    let id = id.trim().rsplit('/').next().unwrap().to_owned();
    alice.admin().post("/admin/peers/ban", &json!({ "peer": id })).ok();
    for node in [&alice, &bob] {
        node.until(|node| {
            let status = node.status()?;
            holds(status["peers"] == 0, || format!("{} peers", status["peers"]))
        });
    }
    let apart = alice.tip().unwrap().height;
    for node in [&alice, &bob] {
        node.until(height(apart + 3));
    }
    assert_ne!(alice.block_at(apart + 3), bob.block_at(apart + 3), "they mine apart");
    alice.admin().post("/admin/peers/unban", &json!({ "peer": id })).ok();
    alice.admin().post("/admin/peers/dial", &json!({ "address": bob.address() })).ok();
    net.forms(&[alice.clone(), bob.clone()], 60);
}

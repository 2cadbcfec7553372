//! A node that serves a newcomer a long sync lets its own mining wait, and says so.

use crate::harness::wait::holds;
use crate::harness::{Net, Node, forge, height, mines};

const BLOCKS: u64 = 3_000;

/// Whether mining waits because a peer is served.
fn waits(node: &Node) -> Result<(), String> {
    let state = node.state("miner")?;
    let reasons = state["Paused"]["reasons"].as_array().cloned().unwrap_or_default();
    holds(reasons.iter().any(|reason| reason["Serving"]["until"].is_u64()), || state.to_string())
}

#[test]
fn l01_a_node_that_serves_a_long_sync_pauses_by_a_lease_and_mines_again_when_the_newcomer_is_killed() {
    let net = Net::with(|spec| {
        spec.genesis_time_ms -= (BLOCKS + 4) * spec.spacing_ms;
        spec.first_target = ledger::CompactTarget(0x1f0f_ffff);
        spec.easiest_target = ledger::CompactTarget(0x1f0f_ffff);
        spec.hints.peers_to_mine = 0;
    });
    let (old, new) = (net.node("old"), net.node("new"));
    forge::history(&net, &old, BLOCKS);
    old.with(&["--hash-duty", "1"]).mining().start().until(mines);
    new.knows(&old).start();
    old.until(waits);
    new.crash();
    old.until_within(30, mines);
    new.restart().until(height(BLOCKS));
    old.until_within(30, mines);
}

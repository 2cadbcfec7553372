//! A peer behind a line that swallows everything: no packet comes back, not even a refusal.

use std::slice::from_ref;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use crate::harness::wait::{Over, holds};
use crate::harness::{Net, Node, eventually, peers};
use crate::lab::Lab;
use crate::switch::Line;
use crate::trade::trade;

/// Wallets that trade, half of them at each side.
const TRADERS: u64 = 4;

fn has_peers(node: &Node, wanted: u64) -> Result<(), String> {
    let status = node.status()?;
    holds(status["peers"] == wanted, || format!("{} has {} peers", node.name(), status["peers"]))
}

#[test]
fn p26_a_peer_in_a_black_hole_is_dropped_within_60_s_and_met_again_after_it() {
    let Some(mut lab) = Lab::open(Net::fast(0)) else { return };
    let nodes = ["alice", "bob", "carol"].map(|name| lab.node(name));
    for node in &nodes {
        lab.small_buffers(node);
        node.knows(&nodes[0]).start();
    }
    for node in &nodes {
        node.until(peers(2));
    }
    let [alice, bob, carol] = &nodes;
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // There is always something to be sent: a connection that cannot send cannot be closed in the polite way.
        let _over = Over(&over);
        for wallet in 0..TRADERS {
            let (lab, over, node) = (&lab, &over, [alice, bob][wallet as usize % 2]);
            scope.spawn(move || trade(&lab.net, node, wallet, over));
        }
        lab.line(from_ref(alice), from_ref(bob), Some(Line::Cut));
        let began = Instant::now();
        for node in [alice, bob] {
            eventually("the peer is dropped", 60, || has_peers(node, 1));
            println!("{} dropped it after {:.1?}", node.name(), began.elapsed());
        }
        has_peers(carol, 2).expect("carol has both");
        lab.line(from_ref(alice), from_ref(bob), None);
        let healed = Instant::now();
        for node in [alice, bob] {
            node.until_within(120, peers(2));
        }
        println!("they met again after {:.1?}", healed.elapsed());
    });
    lab.net.agree(&nodes, 60);
}

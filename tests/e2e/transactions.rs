//! Many transactions at once: each is mined, and everybody has the same chain.
//!
//! That 200 messages back to back from one peer arrive while another sends garbage is promised by
//! `of_200_requests_back_to_back_none_is_lost_while_another_peer_sends_garbage` of the `wire` crate.

use std::sync::atomic::{AtomicUsize, Ordering};

use ledger::Transfer;
use rand::seq::SliceRandom;

use crate::harness::wait::holds;
use crate::harness::{Net, eventually};

/// Connections at once.
const CLIENTS: usize = 16;

#[test]
fn of_500_transactions_posted_at_once_to_one_node_none_is_lost_and_all_nodes_have_one_chain() {
    let net = Net::fast(1);
    let nodes = ["first", "second", "third"].map(|name| net.node(name));
    nodes[1].knows(&nodes[0]);
    nodes[2].knows(&nodes[0]);
    for node in &nodes {
        node.mining().start();
    }
    net.forms(&nodes, 60);

    // Half of one account, the others of ten, in any order.
    let to = net.stranger(0).address();
    let of_one = (0..250).map(|sequence| net.wallet(0).pay(&net.network, to, 1, sequence));
    let of_ten = (0..250).map(|i| net.wallet(1 + i % 10).pay(&net.network, to, 1, i / 10));
    let mut transfers: Vec<Transfer> = of_one.chain(of_ten).collect();
    transfers.shuffle(&mut net.random());
    let (api, next) = (nodes[0].api(), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while let Some(transfer) = transfers.get(next.fetch_add(1, Ordering::Relaxed)) {
                    api.transfer(transfer).ok();
                }
            });
        }
    });

    for node in &nodes {
        node.until(|node| {
            let status = node.status()?;
            let (mined, waiting) = (&status["transactions"], &status["pool"]["transactions"]);
            holds(*mined == 500, || format!("{}: {mined} mined, {waiting} wait", node.name()))
        });
        for transfer in &transfers {
            let id = transfer.id(&net.network.chain).to_string();
            eventually(&id, 60, || node.confirmed(&id));
        }
        assert_eq!(node.balance(&to), 500);
    }
    net.agree(&nodes, 30);
}

#[test]
fn a_transaction_posted_to_any_node_is_mined_by_whoever_mines() {
    let net = Net::fast(1);
    let (miner, other) = (net.node("miner"), net.node("other"));
    miner.mining().start();
    other.knows(&miner).start();
    net.forms(&[miner.clone(), other.clone()], 60);
    let transfer = net.wallet(0).pay(&net.network, net.stranger(0).address(), 7, 0);
    let id = other.api().transfer(&transfer).ok()["id"].as_str().unwrap().to_owned();
    for node in [&miner, &other] {
        node.until(|node| node.confirmed(&id).map(drop));
    }
}

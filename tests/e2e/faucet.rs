//! The faucet pays everybody once, whatever is asked at the same time and whatever happens to the node.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicU64, Ordering};

use ledger::Address;
use serde_json::Value;

use crate::harness::api::Answer;
use crate::harness::wait::holds;
use crate::harness::{Net, Node, eventually};

const PAYOUT: u64 = 500_000_000;

/// A node with a faucet that has coins; its clients come through a proxy, so each claim may have an address of its own.
fn faucet(net: &Net) -> Node {
    let node = net.node("faucet");
    let key = net.dir().join("faucet.key");
    fs::write(&key, hex::encode(net.wallet(19).key.to_bytes())).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    node.with(&["--faucet", "on", "--faucet-key", key.to_str().unwrap()]);
    node.env("BARRELEYE_TRUSTED_PROXIES", "127.0.0.0/8");
    node.start();
    node
}

fn fresh(net: &Net, number: u64) -> Address {
    net.stranger(number).address()
}

fn payout(answer: Answer) -> String {
    answer.ok()["data"]["transaction"]["hash"].as_str().unwrap().to_owned()
}

/// Mines a payout as soon as it waits: it is answered when it is kept, and handed to the pool after that.
#[track_caller]
fn mined(node: &Node, ids: &[String]) {
    for id in ids {
        node.until(|node| node.api().get(&format!("/v1/transactions/{id}")).granted().map(drop));
    }
    node.mint(1);
    for id in ids {
        node.until(|node| node.confirmed(id).map(drop));
    }
}

#[track_caller]
fn refused(answer: &Answer, reason: &str) {
    assert_eq!((answer.status, answer.reason()), (400, reason), "{answer:?}");
    assert_eq!(answer.body["data"], Value::Null);
}

#[test]
fn a_claim_is_paid_and_the_next_is_too_early_also_after_a_crash() {
    let net = Net::on_request();
    let node = faucet(&net);
    let to = fresh(&net, 0);
    let id = payout(node.api().claim(&to, Some("192.0.2.1")));
    mined(&node, &[id]);
    assert_eq!(node.balance(&to), PAYOUT);

    let again = |client| node.api().claim(&to, Some(client));
    refused(&again("192.0.2.1"), "faucet time limit");
    refused(&again("192.0.2.2"), "faucet time limit");
    refused(&node.api().claim(&fresh(&net, 1), Some("192.0.2.1")), "faucet time limit");
    node.crash().restart();
    refused(&again("192.0.2.1"), "faucet time limit");
    refused(&again("192.0.2.3"), "faucet time limit");
    node.stop().restart();
    refused(&again("192.0.2.4"), "faucet time limit");
    node.mint(3);
    assert_eq!(node.balance(&to), PAYOUT, "it was paid once");
}

#[test]
fn a_claim_that_was_answered_before_a_crash_is_paid_after_it() {
    let net = Net::on_request();
    let node = faucet(&net);
    let to = fresh(&net, 0);
    let id = payout(node.api().claim(&to, Some("192.0.2.1")));
    node.crash().restart();
    // The claim is kept; the payout is handed to the pool again.
    mined(&node, &[id]);
    assert_eq!(node.balance(&to), PAYOUT);
}

#[test]
fn an_account_with_ten_barrel_gets_nothing() {
    let net = Net::on_request();
    let node = faucet(&net);
    let rich = net.wallet(0).address();
    let before = node.balance(&rich);
    let reason = "The account already has sufficient balance of 10 Barrel or more.";
    refused(&node.api().claim(&rich, Some("192.0.2.1")), reason);
    node.mint(1);
    assert_eq!(node.balance(&rich), before);
}

#[test]
fn of_100_claims_at_once_for_one_address_one_is_paid() {
    let net = Net::on_request();
    let node = faucet(&net);
    let to = fresh(&net, 0);
    let api = node.api();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let claim = |i: usize| {
            let api = api.clone();
            scope.spawn(move || api.claim(&to, Some(&format!("192.0.2.{i}"))))
        };
        let claims: Vec<_> = (1..=100).map(claim).collect();
        claims.into_iter().map(|claim| claim.join().unwrap()).collect()
    });
    let (paid, others): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!((paid.len(), others.len()), (1, 99));
    for answer in &others {
        refused(answer, "faucet time limit");
    }
    let paid: Vec<_> = paid.into_iter().map(payout).collect();
    mined(&node, &paid);
    node.mint(3);
    assert_eq!(node.balance(&to), PAYOUT);
}

#[test]
fn all_addresses_that_claim_within_one_block_interval_are_paid() {
    let net = Net::on_request();
    let node = faucet(&net);
    let all: Vec<_> = (0..5).map(|number| fresh(&net, number)).collect();
    let claim = |(i, to): (usize, &Address)| payout(node.api().claim(to, Some(&format!("192.0.2.{}", i + 1))));
    let ids: Vec<_> = all.iter().enumerate().map(claim).collect();
    let different: BTreeSet<_> = ids.iter().collect();
    assert_eq!(different.len(), 5, "each has a payout of its own");
    mined(&node, &ids);
    assert!(all.iter().all(|to| node.balance(to) == PAYOUT));
}

#[test]
fn claims_around_a_crash_are_paid_exactly_once_if_they_were_answered_and_at_most_once_if_not() {
    const ROUNDS: u64 = 5;
    const CLAIMS: u64 = 40;
    let net = Net::on_request();
    let node = faucet(&net);
    let (mut answered, mut silent) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let (api, done) = (node.api(), AtomicU64::new(0));
        std::thread::scope(|scope| {
            let claim = |i: u64| {
                let (api, done, to) = (&api, &done, fresh(&net, round * CLAIMS + i));
                scope.spawn(move || {
                    let answer = api.claim(&to, Some(&format!("192.0.{round}.{i}")));
                    done.fetch_add(1, Ordering::Relaxed);
                    (to, answer)
                })
            };
            let claims: Vec<_> = (0..CLAIMS).map(claim).collect();
            eventually("some are answered", 30, || {
                let done = done.load(Ordering::Relaxed);
                holds(done >= 5 * round, || format!("{done} answers"))
            });
            node.crash();
            for claim in claims {
                let (to, answer) = claim.join().unwrap();
                match answer.status {
                    0 => silent.push(to),
                    _ => answered.push((to, payout(answer))),
                }
            }
        });
        node.restart();
    }
    println!("{} claims were answered, {} not", answered.len(), silent.len());
    assert!(!answered.is_empty() && !silent.is_empty());
    for (to, id) in &answered {
        eventually(id, 60, || {
            node.mint(1);
            node.confirmed(id)
        });
        assert_eq!(node.balance(to), PAYOUT);
    }
    node.mint(5);
    for to in &silent {
        assert!([0, PAYOUT].contains(&node.balance(to)), "{to} was paid twice");
    }
    assert!(net.verify(&node).contains("all as they must be"));
}

//! The faucet pays everybody once, whatever is asked at the same time and whatever happens to the node.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicU64, Ordering};

use ledger::{Address, Amount};
use serde_json::{Value, json};

use crate::harness::api::Answer;
use crate::harness::process::run_ok;
use crate::harness::wait::holds;
use crate::harness::{Net, Node, eventually};

pub const PAYOUT: u64 = 500_000_000;

/// A network whose blocks create much, with a rich faucet: a hundred blocks make a budget that these tests do not feel.
pub fn network() -> Net {
    Net::on_request_with(|spec| {
        spec.reward = Amount::barrels(100).unwrap();
        for balance in &mut spec.balances {
            balance.amount = Amount::barrels(2_000).unwrap();
        }
    })
}

/// A node with a faucet that has coins and a budget; its clients come through a proxy, so each claim may have an address
/// of its own: one of a private network, where wider ranges do not count.
pub fn faucet(net: &Net) -> Node {
    let node = without_proxy(net);
    node.env("BARRELEYE_TRUSTED_PROXIES", "127.0.0.0/8");
    started(node)
}

/// The same without a proxy in front of it; not started.
fn without_proxy(net: &Net) -> Node {
    let node = net.node("faucet");
    let key = net.dir().join("faucet.key");
    fs::write(&key, hex::encode(net.wallet(19).key.to_bytes())).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    node.with(&["--faucet", "on", "--faucet-key", key.to_str().unwrap()]);
    node
}

fn started(node: Node) -> Node {
    node.start();
    node.mint(100);
    node
}

pub fn fresh(net: &Net, number: u64) -> Address {
    net.stranger(number).address()
}

fn payout(answer: Answer) -> String {
    answer.ok()["data"]["transaction"]["hash"].as_str().unwrap().to_owned()
}

/// Mines payouts. Each can be looked up as soon as its claim is answered.
#[track_caller]
fn mined(node: &Node, ids: &[String]) {
    for id in ids {
        node.api().get(&format!("/v1/transactions/{id}")).ok();
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
fn f03_a_claim_is_paid_and_the_next_is_too_early_also_after_a_crash() {
    let net = network();
    let node = faucet(&net);
    let to = fresh(&net, 0);
    let id = payout(node.api().claim(&to, Some("10.0.2.1")));
    mined(&node, &[id]);
    assert_eq!(node.balance(&to), PAYOUT);

    let again = |client| node.api().claim(&to, Some(client));
    refused(&again("10.0.2.1"), "faucet time limit");
    refused(&again("10.0.2.2"), "faucet time limit");
    refused(&node.api().claim(&fresh(&net, 1), Some("10.0.2.1")), "faucet time limit");
    node.crash().restart();
    refused(&again("10.0.2.1"), "faucet time limit");
    refused(&again("10.0.2.3"), "faucet time limit");
    node.stop().restart();
    refused(&again("10.0.2.4"), "faucet time limit");
    node.mint(3);
    assert_eq!(node.balance(&to), PAYOUT, "it was paid once");
}

#[test]
fn f04_a_claim_that_was_answered_before_a_crash_is_paid_after_it() {
    let net = network();
    let node = faucet(&net);
    let to = fresh(&net, 0);
    let id = payout(node.api().claim(&to, Some("10.0.2.1")));
    node.crash().restart();
    // The claim is kept; the payout is handed to the pool again.
    node.until(|node| node.api().get(&format!("/v1/transactions/{id}")).granted().map(drop));
    mined(&node, &[id]);
    assert_eq!(node.balance(&to), PAYOUT);
}

#[test]
fn f02_of_100_claims_at_once_by_one_client_for_different_addresses_one_is_paid() {
    let net = network();
    let node = faucet(&net);
    let api = node.api();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let claim = |i: u64| {
            let (api, to) = (api.clone(), fresh(&net, i));
            scope.spawn(move || api.claim(&to, Some("10.0.2.1")))
        };
        let claims: Vec<_> = (0..100).map(claim).collect();
        claims.into_iter().map(|claim| claim.join().unwrap()).collect()
    });
    let (paid, others): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!((paid.len(), others.len()), (1, 99));
    others.iter().for_each(|answer| refused(answer, "faucet time limit"));
    mined(&node, &paid.into_iter().map(payout).collect::<Vec<_>>());
    let received: u64 = (0..100).map(|i| node.balance(&fresh(&net, i))).sum();
    assert_eq!(received, PAYOUT);
}

#[test]
fn f06_forged_headers_about_the_client_have_no_effect() {
    let net = network();
    let node = started(without_proxy(&net));
    payout(node.api().claim(&fresh(&net, 0), Some("10.0.2.1")));
    for n in 2..20 {
        let answer = node.api().claim(&fresh(&net, n), Some(&format!("10.0.2.{n}")));
        refused(&answer, "faucet time limit");
    }
}

#[test]
fn what_the_operator_decides_holds_over_a_crash() {
    let net = network();
    let node = faucet(&net);
    let order = |path: &str, body: Value| node.admin().post(&format!("/admin/faucet/{path}"), &body).ok();
    order("deny", json!({ "entry": "10.0.9.0/24" }));
    order("pause", json!({}));
    node.crash().restart();
    let answer = node.api().claim(&fresh(&net, 0), Some("10.0.2.1"));
    assert_eq!((answer.status, answer.reason()), (503, "the faucet is paused by its operator, try again later"));
    node.admin().post("/admin/faucet/resume", &json!({})).ok();
    payout(node.api().claim(&fresh(&net, 0), Some("10.0.2.1")));
    let denied = node.api().claim(&fresh(&net, 1), Some("10.0.9.7"));
    assert_eq!(denied.status, 403, "{denied:?}");
    let report = node.admin().get("/admin/faucet").ok();
    let directory = node.dir();
    let command = |words: &[&str]| {
        run_ok(net.dir(), &[&["faucet"], words, &["--data-dir", directory.to_str().unwrap()]].concat())
    };
    let shown = command(&["status"]);
    for text in ["open", "denied 1", "10.0.9.0/24", "1 claims"] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    command(&["amount", "2.5"]);
    command(&["forget", "10.0.9.0/24"]);
    let report_by_command: Value = serde_json::from_str(&command(&["status", "--json"])).unwrap();
    assert_eq!((&report_by_command["denied"], &report_by_command["amount"]), (&json!([]), &json!("250000000")));
    assert_eq!((&report["claims"], &report["refusals"]["denied"]), (&json!(1), &json!(1)), "{report}");
}

#[test]
fn an_account_with_ten_barrel_gets_nothing() {
    let net = network();
    let node = faucet(&net);
    let rich = net.wallet(0).address();
    let before = node.balance(&rich);
    let reason = "The account already has sufficient balance of 10 Barrel or more.";
    refused(&node.api().claim(&rich, Some("10.0.2.1")), reason);
    node.mint(1);
    assert_eq!(node.balance(&rich), before);
}

#[test]
fn f01_of_100_claims_at_once_for_one_address_one_is_paid() {
    let net = network();
    let node = faucet(&net);
    let to = fresh(&net, 0);
    let api = node.api();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let claim = |i: usize| {
            let api = api.clone();
            scope.spawn(move || api.claim(&to, Some(&format!("10.0.2.{i}"))))
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
    let net = network();
    let node = faucet(&net);
    let all: Vec<_> = (0..5).map(|number| fresh(&net, number)).collect();
    let claim = |(i, to): (usize, &Address)| payout(node.api().claim(to, Some(&format!("10.0.2.{}", i + 1))));
    let ids: Vec<_> = all.iter().enumerate().map(claim).collect();
    let different: BTreeSet<_> = ids.iter().collect();
    assert_eq!(different.len(), 5, "each has a payout of its own");
    mined(&node, &ids);
    assert!(all.iter().all(|to| node.balance(to) == PAYOUT));
}

#[test]
fn f04_claims_around_a_crash_are_paid_exactly_once_if_they_were_answered_and_at_most_once_if_not() {
    const ROUNDS: u64 = 5;
    const CLAIMS: u64 = 40;
    let net = network();
    let node = faucet(&net);
    let (mut answered, mut silent) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let (api, done) = (node.api(), AtomicU64::new(0));
        std::thread::scope(|scope| {
            let claim = |i: u64| {
                let (api, done, to) = (&api, &done, fresh(&net, round * CLAIMS + i));
                scope.spawn(move || {
                    let answer = api.claim(&to, Some(&format!("10.0.{round}.{i}")));
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

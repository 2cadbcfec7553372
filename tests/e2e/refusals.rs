//! What must not be is refused with a reason, and nothing changes.

use std::time::Duration;

use ledger::pow::Search;
use ledger::{Amount, Header, Signature, Transfer, merkle};
use serde_json::{Value, json};
use wire::{BlockAnnounce, Gossip};

use client::transfer::{TransferJson, to_hex};

use crate::harness::api::Answer;
use crate::harness::process::logged;
use crate::harness::wait::holds;
use crate::harness::{Net, Node, Schedule, Stranger, Wallet, eventually, forge, height, peers};

/// Everything that a refused request could have changed.
fn picture(net: &Net, node: &Node) -> Value {
    let account = |number| node.api().get(&format!("/v1/accounts/{}", net.wallet(number).address())).ok();
    let status = node.status().unwrap();
    json!([status["tip"], status["transactions"], status["pool"], account(0), account(1), account(2)])
}

/// A node that makes no block by itself, and its picture.
fn quiet(net: &Net) -> (Node, Value) {
    let node = net.node("node");
    node.start().mint(2);
    let before = picture(net, &node);
    (node, before)
}

#[track_caller]
fn refused(answer: &Answer, status: u16, reason: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(answer.reason().contains(reason), "'{reason}' is not in {answer:?}");
}

/// What a wallet posts, with one field changed.
fn changed(body: &impl serde::Serialize, field: &str, value: &str) -> Value {
    let mut body = serde_json::to_value(body).unwrap();
    assert!(body.get(field).is_some());
    body[field] = json!(value);
    body
}

#[test]
fn a_transfer_from_an_account_that_the_key_does_not_own_is_refused() {
    let net = Net::on_request();
    let (node, before) = quiet(&net);
    let (victim, thief) = (net.wallet(0), net.wallet(1));
    let body = thief.pay_from(victim.address(), thief.address(), 5, net.network.nonce_base);
    refused(&node.api().post("/txs", &body), 400, "does not own");
    // A native transfer names no account but the key; another key makes the signature wrong.
    let transfer = thief.pay(&net.network, net.wallet(2).address(), 5, 0);
    let stolen = Transfer { from: victim.key.public(), ..transfer };
    refused(&node.api().transfer(&stolen), 422, "the signature is not valid for the key");
    node.mint(1);
    assert_eq!(node.balance(&victim.address()), 100_000_000_000);
    assert_eq!(before[3], picture(&net, &node)[3], "the victim's account");
}

#[test]
fn a_wrong_signature_is_refused() {
    let net = Net::on_request();
    let (node, before) = quiet(&net);
    let (from, to) = (net.wallet(0), net.wallet(1).address());
    let good = from.pay(&net.network, to, 5, 0);
    let mut bytes = good.signature.0;
    bytes[40] ^= 1;
    let bent = Transfer { signature: Signature(bytes), ..good.clone() };
    refused(&node.api().transfer(&bent), 422, "the signature is not valid for the key");
    let more = Transfer { amount: Amount::drops(6), ..good.clone() };
    refused(&node.api().transfer(&more), 422, "the signature is not valid for the key");
    let elsewhere = Transfer::sign(
        &from.key,
        &ledger::BlockId([9; 32]),
        to,
        Amount::drops(5),
        Amount::ZERO,
        net.network.nonce_base,
        vec![],
    );
    refused(&node.api().transfer(&elsewhere), 422, "the signature is not valid for the key");
    let body = from.pay_from(from.address(), to, 5, net.network.nonce_base);
    refused(&node.api().post("/txs", &changed(&body, "value", "6")), 400, "the signature is not valid for the key");
    assert_eq!(before, picture(&net, &node));
    node.api().transfer(&good).ok();
    node.api().post("/txs", &from.pay_from(from.address(), to, 5, net.network.nonce_base + 1)).ok();
}

#[test]
fn amounts_that_are_none_or_too_many_are_refused() {
    let net = Net::on_request();
    let (node, before) = quiet(&net);
    let (from, to) = (net.wallet(0), net.wallet(1).address());
    let api = node.api();

    let body = from.pay_from(from.address(), to, 1, net.network.nonce_base);
    refused(&api.post("/txs", &changed(&body, "value", "-1")), 400, "invalid value");
    refused(&api.post("/txs", &changed(&body, "value", "18446744073709551617")), 400, "invalid value");
    refused(&api.post("/txs", &changed(&body, "value", "18446744073709551615")), 400, "insufficient balance");

    let form = TransferJson::from(&from.pay(&net.network, to, 1, 0));
    for bad in ["-1", "+1", "1.5", "", "18446744073709551616"] {
        let answer = api.post("/v1/transactions", &changed(&form, "amount", bad));
        refused(&answer, 400, &format!("amount: '{bad}' is not a whole number"));
    }
    let nonce = net.network.nonce_base;
    let pay = |amount, fee| {
        let (amount, fee) = (Amount::drops(amount), Amount::drops(fee));
        api.transfer(&Transfer::sign(&from.key, &net.network.chain, to, amount, fee, nonce, vec![]))
    };
    refused(&pay(0, 0), 422, "the amount must be more than 0");
    refused(&pay(100_000_000_001, 0), 422, "insufficient balance");
    refused(&pay(u64::MAX, 1), 422, "the amount is more than can exist");
    refused(&pay(1, u64::MAX), 422, "the amount is more than can exist");
    assert_eq!(before, picture(&net, &node));
}

#[test]
fn bytes_behind_a_transfer_are_refused() {
    let net = Net::on_request();
    let (node, before) = quiet(&net);
    let hex = to_hex(&net.wallet(0).pay(&net.network, net.wallet(1).address(), 5, 0));
    let post = |hex: String| node.api().post("/v1/transactions", &json!({ "hex": hex }));
    let reason = "the bytes are not those of one native transfer";
    refused(&post(format!("{hex}00")), 400, reason);
    refused(&post(hex[..hex.len() - 2].into()), 400, reason);
    refused(&post(format!("01{}", &hex[2..])), 400, reason);
    assert_eq!(before, picture(&net, &node));
    post(hex).ok();
}

#[test]
fn a_nonce_that_was_used_or_leaves_a_wide_gap_is_refused() {
    let net = Net::on_request();
    let (node, _) = quiet(&net);
    let (from, to) = (net.wallet(0), net.wallet(1).address());
    node.api().transfer(&from.pay(&net.network, to, 5, 0)).ok();
    node.mint(1);
    let before = picture(&net, &node);
    refused(&node.api().transfer(&from.pay(&net.network, to, 6, 0)), 422, "was used already");
    refused(&node.api().transfer(&from.pay(&net.network, to, 6, 1 + 1_001)), 422, "is too far ahead");
    assert_eq!(before, picture(&net, &node));
    // Twice the same is one success, not two payments.
    node.api().transfer(&from.pay(&net.network, to, 5, 0)).ok();
    assert_eq!(before, picture(&net, &node));
}

#[test]
fn a_block_that_nobody_made_is_not_there() {
    let net = Net::on_request();
    let (node, _) = quiet(&net);
    let forged = "ab".repeat(32);
    let answer = node.api().get(&format!("/blocks/{forged}"));
    refused(&answer, 404, "not found block");
    let stranger = Wallet::new(net.seed, 999).address();
    refused(&node.api().get(&format!("/accounts/{stranger}")), 404, "not found account");
}

/// A header that follows genesis; another one for each `turn`.
fn candidate(net: &Net, miner: &Wallet, turn: u64) -> Header {
    let network = &net.network;
    Header {
        version: 1,
        height: 1,
        previous: network.chain,
        root: merkle::root(&[]),
        time: network.genesis.time + 1 + turn,
        target: network.spec.first_target,
        miner: miner.key.public(),
        nonce: 0,
    }
}

fn with_work(header: Header) -> Header {
    let nonce = Search::new(&header).unwrap().run(0, u64::MAX).unwrap();
    Header { nonce, ..header }
}

/// A stranger announces such blocks until the node has had enough of it, for that reason, and takes none of them.
fn announced_in_vain(reason: &str, forge: impl Fn(&Net, &Wallet, u64) -> BlockAnnounce) {
    let net = Net::fast(9);
    let node = net.node("node");
    node.start();
    let before = picture(&net, &node);
    let (stranger, miner) = (Stranger::meets(&net, &node), net.stranger(0));
    node.until(peers(1));
    let (schedule, mut turn) = (Schedule::start(), 0);
    eventually("the node has had enough", 30, || {
        stranger.says(Gossip::Block(forge(&net, &miner, turn)));
        turn += 1;
        schedule.at(Duration::from_millis(100 * turn));
        logged(&node.log(), &format!("disconnecting a peer peer={} why=it misbehaved: announced block", stranger.id()))
    });
    logged(&node.log(), reason).unwrap();
    node.until(|node| {
        let peers = node.status()?["peers"].take();
        holds(peers == 0, || format!("{peers} peers"))
    });
    assert_eq!(before, picture(&net, &node));
    assert!(node.state("discovery").unwrap().get("Lonely").is_some());
}

#[test]
fn a_block_whose_id_does_not_show_its_work_is_refused() {
    announced_in_vain("the block id does not meet the target in the header", |net, miner, turn| {
        let mut header = candidate(net, miner, turn);
        while header.target.is_met_by(&header.id()) {
            header.nonce += 1;
        }
        let signature = forge::sign(miner, header.clone()).signature;
        BlockAnnounce { header, signature, transactions: vec![] }
    });
}

#[test]
fn a_block_with_less_work_than_the_difficulty_asks_for_is_refused() {
    announced_in_vain("the difficulty rule says", |net, miner, turn| {
        let header = with_work(Header { target: net.network.spec.easiest_target, ..candidate(net, miner, turn) });
        let signature = forge::sign(miner, header.clone()).signature;
        BlockAnnounce { header, signature, transactions: vec![] }
    });
}

#[test]
fn a_block_that_its_miner_did_not_sign_is_refused() {
    announced_in_vain("is not signed by its miner", |net, miner, turn| {
        let header = with_work(candidate(net, miner, turn));
        let signature = forge::sign(&net.stranger(1), header.clone()).signature;
        BlockAnnounce { header, signature, transactions: vec![] }
    });
}

#[test]
fn a_good_block_of_a_stranger_is_taken() {
    let net = Net::fast(9);
    let node = net.node("node");
    node.start();
    let (stranger, miner) = (Stranger::meets(&net, &node), net.stranger(0));
    node.until(peers(1));
    let mut turn = 0;
    eventually("a block", 30, || {
        let header = with_work(candidate(&net, &miner, turn));
        let signature = forge::sign(&miner, header.clone()).signature;
        stranger.says(Gossip::Block(BlockAnnounce { header, signature, transactions: vec![] }));
        turn += 1;
        height(1)(&node)
    });
    assert!(node.balance(&miner.address()) > 0);
}

//! Every recorded exchange with the original, asked of ours. Each one is answered the same to the byte, has the same
//! form where the content is the chain's, or differs as `docs/compatibility.md` says.

use ledger::Transaction;
use serde::Deserialize;

use super::fake_node::{FakeNode, address};
use super::ordered_json::{Ordered, same_form};
use super::{ask, get};
use machines::faucet::ClaimError;

const RECORDED: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/barreleye-rest.json"));

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Exchange {
    name: String,
    method: String,
    path: String,
    content_type: Option<String>,
    request_body: Option<String>,
    status: Option<u16>,
    response_content_type: Option<String>,
    response_body: String,
}

/// What ours does with a recorded request.
enum Ours {
    /// The same bytes.
    Same,
    /// The same bytes for another path, since the recorded account has coins here.
    SameAt(String),
    /// The same beginning of the message; the rest is the words of another JSON parser.
    SameBeginning,
    /// The same form; the path is ours where the recorded one names a hash of another chain.
    SameForm(Option<String>),
    /// Deliberately something else: this status, and this in the body.
    Differs(u16, &'static str),
    /// The state cannot be reached: ours has its genesis from the start.
    NeverEmpty,
}

const NOT_VALID: &str = "the signature is not valid for the key";

fn ours(name: &str, block: &str, transaction: &str) -> Ours {
    let in_block = || Ours::SameForm(Some(format!("/blocks/{block}")));
    let in_transaction = || Ours::SameForm(Some(format!("/txs/{transaction}")));
    match name {
        "last-block-empty-chain" | "blocks-empty-chain" | "block-0-empty-chain" => Ours::NeverEmpty,

        "account-unknown-empty-chain" => Ours::SameAt(format!("/accounts/{}", "ab".repeat(20))),

        "faucet-bad-json" | "faucet-wrong-type" | "tx-bad-json" | "tx-json-array" => Ours::SameBeginning,

        "block-by-hash" => in_block(),
        "block-with-tx-by-height" => Ours::SameForm(Some("/blocks/1".into())),
        "tx-by-hash" | "tx-value-negative-by-hash" | "tx-signer-not-owner-of-from-by-hash" | "tx-value-0-by-hash" => {
            in_transaction()
        }
        // The original took transfers without data.
        "tx-by-hash-0x-forms" => in_transaction(),
        "last-block-genesis"
        | "account-genesis"
        | "account-sender-after-tx"
        | "account-receiver-after-tx"
        | "last-block-after-bad-signatures"
        | "tx-0"
        | "tx-1"
        | "txs-page1-size3"
        | "txs-page2-size3"
        | "txs-past-the-end"
        | "txs-size-0"
        | "txs-size-negative"
        | "blocks-page1-size3"
        | "blocks-size-1000"
        | "blocks-past-the-end"
        | "blocks-size-0"
        | "blocks-two-pages"
        | "block-0"
        | "block-00"
        | "account-0x"
        | "account-0X"
        | "get-with-origin"
        | "account-with-balance-peer-view"
        | "faucet-spoofed-ip" => Ours::SameForm(None),

        // Where the original crashed.
        "tx-short-from" | "tx-missing-from" | "tx-short-to" => Ours::Differs(400, "invalid address length"),
        "tx-unknown-from-account" => Ours::Differs(404, "not found account"),
        "tx-short-hash" => Ours::Differs(400, "invalid hash abcd"),
        "block-long-hash" => Ours::Differs(400, "invalid hash abab"),
        "block-20-digits" => Ours::Differs(400, "invalid hash 99999999999999999999"),
        "txs-no-size" | "blocks-no-size" => Ours::Differs(400, "invalid size"),
        "txs-no-page" | "blocks-no-query" => Ours::Differs(400, "invalid page"),
        "account-short" | "account-long" => Ours::Differs(400, "invalid address"),
        // Where it failed.
        "txs-page-0" => Ours::Differs(200, "\"transactions\":[{"),
        "blocks-page-negative" => Ours::Differs(200, "\"blocks\":[{"),
        // Where it promised what it did not keep, or let anybody spend. The transfers are signed for nonces of another
        // chain, which no account of this one will ever need.
        "tx-ok-decimal-value" => Ours::Differs(400, "nonce 0 was used already"),
        "tx-second-from-same-account" => Ours::Differs(400, "nonce 0 was used already"),
        "tx-wrong-signature" | "tx-r-zero" => Ours::Differs(400, NOT_VALID),
        "tx-point-off-curve" | "tx-signerx-huge" => Ours::Differs(400, "the public key is not a point of the curve"),
        "tx-value-over-2^64" => Ours::Differs(400, "invalid value"),
        "tx-signer-not-owner-of-from" => Ours::Differs(400, "the signing key does not own"),
        "tx-ok-value-0-utf8-data" => Ours::Differs(400, "data must be exactly one byte"),
        // Others.
        "root" => Ours::Differs(200, "<!doctype html>"),
        "faucet-limit-before-body" => Ours::Differs(400, "invalid payload code=400"),
        _ => Ours::Same,
    }
}

#[actix_web::test]
async fn every_recorded_exchange_is_answered_as_recorded_or_differs_as_documented() {
    let exchanges: Vec<Exchange> = serde_json::from_str(RECORDED).unwrap();
    assert_eq!(exchanges.len(), 115);
    let (fresh, used) = (FakeNode::new(), FakeNode::new());
    let pay = |ahead| Transaction::Barreleye(used.barreleye(1, address(7), 2, ahead));
    let transaction = pay(0).id(&used.network().chain).to_hex();
    let block = used.mine((0..8).map(pay).collect()).to_hex();
    for _ in 2..10 {
        used.mine(vec![pay(0)]);
    }
    let mut failures = Vec::new();
    for exchange in &exchanges {
        let before_transactions = exchange.name.contains("empty-chain") || exchange.name.contains("genesis");
        let node = if before_transactions { &fresh } else { &used };
        match exchange.name.as_str() {
            "faucet-second-time-same-ip" => node.refuse_claims(ClaimError::TimeLimit { retry_after_s: 3_600 }),
            "faucet-ge-10" => node.refuse_claims(ClaimError::SufficientBalance),
            _ => {}
        }
        // The order of the file: nothing after these two reaches the faucet but the one that is paid.
        let paying = FakeNode::new();
        let node = if exchange.name == "faucet-spoofed-ip" { &paying } else { node };
        if let Err(why) = compare(node, exchange, ours(&exchange.name, &block, &transaction)).await {
            failures.push(format!("{}: {why}", exchange.name));
        }
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), exchanges.len(), failures.join("\n"));
}

async fn compare(node: &FakeNode, exchange: &Exchange, ours: Ours) -> Result<(), String> {
    let path = match &ours {
        Ours::SameForm(Some(path)) | Ours::SameAt(path) => path,
        _ => &exchange.path,
    };
    let body = exchange.request_body.as_deref().unwrap_or_default();
    let reply = ask(node, &exchange.method, path, exchange.content_type.as_deref(), body).await;
    let wrong = |why: &str| Err(format!("{why}: {} {}", reply.status, reply.body));
    match ours {
        Ours::NeverEmpty => return Ok(()),
        Ours::Differs(status, part) => {
            return if (reply.status, reply.body.contains(part)) == (status, true) { Ok(()) } else { wrong("other") };
        }
        _ => {}
    }
    if Some(reply.status) != exchange.status {
        return wrong("status");
    }
    if reply.content_type != exchange.response_content_type.as_deref().unwrap_or_default() {
        return wrong("content type");
    }
    match ours {
        Ours::Same | Ours::SameAt(_) if reply.body == exchange.response_body => Ok(()),
        Ours::SameBeginning => {
            let recorded: serde_json::Value = serde_json::from_str(&exchange.response_body).unwrap();
            let beginning = |text: &str| text.split(':').next().map(String::from);
            let recorded = recorded["error"]["message"].as_str().unwrap().to_owned();
            if beginning(&reply.message()) == beginning(&recorded) { Ok(()) } else { wrong("message") }
        }
        Ours::SameForm(_) => {
            let (ours, theirs): (Ordered, Ordered) =
                (serde_json::from_str(&reply.body).unwrap(), serde_json::from_str(&exchange.response_body).unwrap());
            if !reply.body.ends_with('\n') {
                return wrong("no line end");
            }
            same_form(&ours, &theirs, "")
        }
        _ => wrong("body"),
    }
}

#[actix_web::test]
async fn lists_are_newest_first_and_page_by_page() {
    let node = FakeNode::new();
    for _ in 0..7 {
        node.mine(vec![]);
    }
    let heights = |reply: super::Reply| {
        let blocks = reply.json()["data"]["blocks"].as_array().unwrap().clone();
        blocks.iter().map(|block| block["height"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(heights(get(&node, "/blocks?page=1&size=3").await), [7, 6, 5]);
    assert_eq!(heights(get(&node, "/blocks?page=3&size=3").await), [1, 0]);
    assert_eq!(heights(get(&node, "/blocks?page=4&size=3").await), [] as [u64; 0]);
    assert_eq!(heights(get(&node, "/blocks?page=0&size=3").await), [7, 6, 5]);
    let total = get(&node, "/blocks?page=9223372036854775807&size=1000").await.json()["data"]["totalCount"].clone();
    assert_eq!(total, 8);
}

#[actix_web::test]
async fn the_genesis_block_shows_zeros_where_it_has_no_parent_and_no_miner() {
    let node = FakeNode::new();
    let block = get(&node, "/blocks/0").await.json()["data"]["block"].clone();
    for (field, digits) in [("dataHash", 64), ("prevBlockHash", 64), ("signer", 40)] {
        assert_eq!(block[field], "0".repeat(digits), "{field}");
    }
    assert_eq!(block["signature"]["r"], "0");
    assert_eq!(block["hash"], node.network().chain.to_hex());
}

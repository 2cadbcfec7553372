//! Every recorded exchange with the original, asked of ours. Each one is answered the same to the byte, has the same
//! form where the content is the chain's, or differs as the last table of `docs/compatibility.md` says. What that table
//! lists must differ; what it does not list must not.

use std::collections::BTreeMap;

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
    /// The same form; the path is ours where the recorded one names a hash of another chain.
    SameForm(Option<String>),
}

/// What the page says of an exchange that is answered otherwise.
#[derive(Debug)]
struct Listed {
    status: u16,
    part: String,
}

/// The rows of the last table: name, original, status and text, reason.
fn listed() -> BTreeMap<String, Listed> {
    let page = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/compatibility.md"));
    let (_, table) = page.split_once("## Recorded exchanges that are answered otherwise").unwrap();
    let mut rows = BTreeMap::new();
    for line in table.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, name, _, here, why, _] = cells[..] else { panic!("not four cells: {line}") };
        let (status, part) = here.split_once(' ').unwrap_or_else(|| panic!("no status and text: {line}"));
        assert!(why.len() > 5, "no reason: {line}");
        let here = Listed { status: status.parse().unwrap(), part: part.trim_matches('`').into() };
        assert!(rows.insert(name.trim_matches('`').to_owned(), here).is_none(), "listed twice: {line}");
    }
    rows
}

fn ours(name: &str, block: &str, transaction: &str) -> Ours {
    let in_block = || Ours::SameForm(Some(format!("/blocks/{block}")));
    let in_transaction = || Ours::SameForm(Some(format!("/txs/{transaction}")));
    match name {
        "account-unknown-empty-chain" => Ours::SameAt(format!("/accounts/{}", "ab".repeat(20))),

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
    let mut listed = listed();
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
        let compared = match listed.remove(&exchange.name) {
            Some(listed) => must_differ(node, exchange, &listed).await,
            None => compare(node, exchange, ours(&exchange.name, &block, &transaction)).await,
        };
        if let Err(why) = compared {
            failures.push(format!("{}: {why}", exchange.name));
        }
    }
    failures.extend(listed.into_keys().map(|name| format!("{name} is listed, but was never recorded")));
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), exchanges.len(), failures.join("\n"));
}

/// The exchange is answered as the page says, and that is not what was recorded.
async fn must_differ(node: &FakeNode, exchange: &Exchange, listed: &Listed) -> Result<(), String> {
    let body = exchange.request_body.as_deref().unwrap_or_default();
    let reply = ask(node, &exchange.method, &exchange.path, exchange.content_type.as_deref(), body).await;
    if (Some(reply.status), &reply.body) == (exchange.status, &exchange.response_body) {
        return Err("is listed as a difference, and is none any more".into());
    }
    match (reply.status, reply.body.contains(&listed.part)) == (listed.status, true) {
        true => Ok(()),
        false => Err(format!("the page says {listed:?}, it is {} {}", reply.status, reply.body)),
    }
}

async fn compare(node: &FakeNode, exchange: &Exchange, ours: Ours) -> Result<(), String> {
    let path = match &ours {
        Ours::SameForm(Some(path)) | Ours::SameAt(path) => path,
        _ => &exchange.path,
    };
    let body = exchange.request_body.as_deref().unwrap_or_default();
    let reply = ask(node, &exchange.method, path, exchange.content_type.as_deref(), body).await;
    let wrong = |why: &str| Err(format!("{why}: {} {}", reply.status, reply.body));
    if Some(reply.status) != exchange.status {
        return wrong("status");
    }
    if reply.content_type != exchange.response_content_type.as_deref().unwrap_or_default() {
        return wrong("content type");
    }
    match ours {
        Ours::Same | Ours::SameAt(_) if reply.body == exchange.response_body => Ok(()),
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

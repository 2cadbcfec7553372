//! Questions of a stranger to a real node: odd ones get a plain answer, those beyond a limit cost the connection.

use ledger::BlockId;
use wire::limits::{MAX_BLOCK_IDS, MAX_HEADERS, MAX_LOCATOR_IDS};
use wire::{Request, Response};

use crate::harness::hostile::{Behaviour, Hostile, Tale};
use crate::harness::process::logged;
use crate::harness::raw::frame;
use crate::harness::{Net, Node, eventually, forge, height, peers};

const BLOCKS: u64 = 30;

/// A node with a chain, and a stranger who passed its handshake and knows the chain.
fn meeting() -> (Net, Node, Hostile, Vec<BlockId>) {
    let net = Net::with(|spec| {
        spec.genesis_time_ms -= (BLOCKS + 4) * spec.spacing_ms;
        spec.first_target = ledger::CompactTarget(0x1f0f_ffff);
        spec.easiest_target = ledger::CompactTarget(0x1f0f_ffff);
    });
    let node = net.node("node");
    let history = forge::history(&net, &node, BLOCKS);
    let ids = history.blocks.iter().map(|block| block.header.id()).collect();
    node.start().until(height(BLOCKS));
    let stranger = Hostile::meets(&net, &node, &Tale::of(history), Behaviour::Honest);
    node.until(peers(1));
    (net, node, stranger, ids)
}

/// Ids that nobody has.
fn unknown(count: usize) -> Vec<BlockId> {
    (0..count).map(|_| BlockId(rand::random())).collect()
}

fn headers(stranger: &Hostile, locator: Vec<BlockId>) -> Vec<u64> {
    match stranger.peer().ask(&Request::Headers { locator, limit: MAX_HEADERS as u16 }) {
        Ok(Response::Headers(headers)) => headers.iter().map(|header| header.height).collect(),
        other => panic!("{other:?}"),
    }
}

fn blocks(stranger: &Hostile, ids: Vec<BlockId>) -> usize {
    match stranger.peer().ask(&Request::Blocks { ids }) {
        Ok(Response::Blocks(blocks)) => blocks.len(),
        other => panic!("{other:?}"),
    }
}

/// The stranger is still welcome, and has no points.
fn unharmed(node: &Node, stranger: &Hostile) {
    let peers = node.admin().get("/admin/peers").ok();
    let peers = peers["peers"].as_array().unwrap();
    let it = peers.iter().find(|peer| peer["id"] == stranger.id()).expect("it is connected");
    assert_eq!(it["points"], 0, "{it}");
}

#[test]
fn w15_ten_questions_for_what_nobody_has_get_empty_answers_and_the_connection_stays() {
    let (_net, node, stranger, _) = meeting();
    for _ in 0..10 {
        assert_eq!(blocks(&stranger, unknown(MAX_BLOCK_IDS)), 0);
    }
    unharmed(&node, &stranger);
}

#[test]
fn w16_questions_for_nothing_or_in_reverse_get_what_is_there_and_one_beyond_the_limit_costs_the_connection() {
    let (_net, node, stranger, ids) = meeting();
    assert_eq!(blocks(&stranger, Vec::new()), 0);
    let reversed: Vec<_> = ids.iter().rev().copied().collect();
    assert_eq!(blocks(&stranger, reversed), ids.len());
    let (mut known, mut more) = (ids[..3].to_vec(), unknown(1));
    known.append(&mut more);
    known.push(ids[4]);
    assert_eq!(blocks(&stranger, known), 3, "up to the first that is not there");
    assert_eq!(blocks(&stranger, vec![ids[0]; MAX_BLOCK_IDS]), MAX_BLOCK_IDS);
    unharmed(&node, &stranger);
    costs_the_connection(&node, &stranger, &Request::Blocks { ids: unknown(MAX_BLOCK_IDS + 1) });
}

#[test]
fn h16_a_locator_of_unknown_or_unordered_ids_is_answered_and_one_beyond_the_limit_costs_the_connection() {
    let (_net, node, stranger, ids) = meeting();
    let all: Vec<_> = (1..=BLOCKS).collect();
    assert_eq!(headers(&stranger, Vec::new()), all, "from genesis");
    assert_eq!(headers(&stranger, unknown(MAX_LOCATOR_IDS)), all, "from genesis");
    assert_eq!(headers(&stranger, vec![ids[4], ids[9], ids[2]]), all[5..], "after the first that is known");
    let (mut late, known) = (unknown(MAX_LOCATOR_IDS - 1), ids[19]);
    late.push(known);
    assert_eq!(headers(&stranger, late), all[20..]);
    assert_eq!(headers(&stranger, vec![*ids.last().unwrap()]), [0; 0]);
    unharmed(&node, &stranger);
    costs_the_connection(&node, &stranger, &Request::Headers { locator: unknown(MAX_LOCATOR_IDS + 1), limit: 1 });
}

#[test]
fn p29_a_liar_that_leaves_after_each_offence_and_comes_back_is_banned_all_the_same() {
    let (_net, node, stranger, _) = meeting();
    let bad = frame(&Request::Headers { locator: unknown(MAX_LOCATOR_IDS + 1), limit: 1 });
    eventually("the node has had enough", 60, || {
        drop(stranger.peer().ask_bytes(bad.clone()));
        stranger.peer().leave();
        logged(&node.log(), &format!("disconnecting a peer peer={} why=it misbehaved", stranger.id()))
    });
}

/// Asks again until the node has had enough of it.
fn costs_the_connection(node: &Node, stranger: &Hostile, request: &Request) {
    let answer = stranger.peer().ask_bytes(frame(request)).unwrap_or_default();
    assert!(answer.is_empty(), "{} bytes of an answer", answer.len());
    eventually("the node has had enough", 30, || {
        drop(stranger.peer().ask_bytes(frame(request)));
        logged(&node.log(), &format!("disconnecting a peer peer={} why=it misbehaved", stranger.id()))
    });
}

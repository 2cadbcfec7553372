//! Requests and answers between two nodes.

use std::time::Duration;

use ledger::BlockId;
use tokio::time::Instant;

use super::harness::{Node, config, pair, pair_of};
use crate::limits::*;
use crate::{Command, Deadlines, NetConfig, NetEvent, RawBlock, Request, RequestError, Responder, Response};

async fn next_request(node: &mut Node) -> (Request, Responder) {
    node.until(|event| match event {
        NetEvent::Request { request, responder, .. } => Some((request, responder)),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn a_request_is_answered_with_the_ticket_of_its_asker() {
    let (mut a, mut b) = pair().await;
    let question = Request::BlockTransactions { block: BlockId([1; 32]), indexes: vec![0, 7] };
    a.ask(b.id, 42, question.clone());
    let (request, responder) = next_request(&mut b).await;
    assert_eq!(request, question);
    assert!(responder.is_open());
    b.tell(Command::Respond { responder, response: Response::Transactions(vec![]) });
    assert_eq!(a.until_response().await, (42, Ok(Response::Transactions(vec![]))));
}

#[tokio::test]
async fn two_hundred_requests_at_once_are_all_answered_and_never_mixed() {
    let (mut a, mut b) = pair().await;
    for ticket in 0..200 {
        a.ask(b.id, ticket, Request::Blocks { ids: vec![BlockId([ticket as u8; 32])] });
    }
    let mut answers = vec![None; 200];
    let mut open = 200;
    while open > 0 {
        tokio::select! {
            (request, responder) = next_request(&mut b) => {
                let Request::Blocks { ids } = request else { panic!() };
                b.tell(Command::Respond { responder, response: Response::Refused(format!("{}", ids[0].0[0])) });
            }
            (ticket, result) = a.until_response() => {
                answers[ticket as usize] = Some(result.unwrap());
                open -= 1;
            }
        }
    }
    for (ticket, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer, Some(Response::Refused(ticket.to_string())));
    }
}

#[tokio::test]
async fn w17_the_same_question_twice_at_once_is_answered_twice_and_each_answer_has_its_own_stream() {
    let (mut a, mut b) = pair().await;
    for _ in 0..2 {
        a.ask(b.id, 7, Request::Addresses);
    }
    let (_, first) = next_request(&mut b).await;
    let (_, second) = next_request(&mut b).await;
    assert_ne!(first.id, second.id);
    let told = |text: &str| Response::Addresses(vec![text.into()]);
    b.tell(Command::Respond { responder: second, response: told("second") });
    assert_eq!(a.until_response().await, (7, Ok(told("second"))));
    b.tell(Command::Respond { responder: first, response: told("first") });
    assert_eq!(a.until_response().await, (7, Ok(told("first"))));
}

#[tokio::test]
async fn a_dropped_responder_ends_the_request_at_once() {
    let (mut a, mut b) = pair().await;
    a.ask(b.id, 1, Request::Addresses);
    let (_, responder) = next_request(&mut b).await;
    let start = Instant::now();
    drop(responder);
    assert_eq!(a.until_response().await, (1, Err(RequestError::NoAnswer)));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn w20_a_silent_peer_times_out_and_a_late_answer_is_ignored() {
    let deadlines =
        Deadlines { request: Duration::from_millis(100), blocks: Duration::from_millis(600), ..Deadlines::default() };
    let (mut a, mut b) = pair_of(NetConfig { deadlines, ..config() }, config()).await;
    a.ask(b.id, 1, Request::Blocks { ids: vec![] });
    a.ask(b.id, 2, Request::Addresses);
    let start = Instant::now();
    let (first, blocks_responder) = next_request(&mut b).await;
    let (_, responder) = next_request(&mut b).await;
    let (blocks_responder, responder) = if matches!(first, Request::Blocks { .. }) {
        (blocks_responder, responder)
    } else {
        (responder, blocks_responder)
    };
    assert_eq!(a.until_response().await, (2, Err(RequestError::Timeout)));
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    b.tell(Command::Respond { responder, response: Response::Addresses(vec![]) });
    assert_eq!(a.until_response().await, (1, Err(RequestError::Timeout)));
    drop(blocks_responder);
    a.ask(b.id, 3, Request::Addresses);
    let (_, responder) = next_request(&mut b).await;
    b.tell(Command::Respond { responder, response: Response::Addresses(vec![]) });
    assert_eq!(a.until_response().await, (3, Ok(Response::Addresses(vec![]))), "nothing of the late answers came");
}

#[tokio::test]
async fn requests_beyond_the_queue_of_a_peer_are_refused_and_the_others_are_asked() {
    let (mut a, b) = pair().await;
    let total = MAX_REQUESTS_IN_FLIGHT + MAX_REQUESTS_WAITING + 1;
    for ticket in 0..total as u64 {
        a.ask(b.id, ticket, Request::Addresses);
    }
    assert_eq!(a.until_response().await, (total as u64 - 1, Err(RequestError::TooMany)));
}

#[tokio::test]
async fn a_request_beyond_the_limits_and_one_to_a_stranger_are_not_sent() {
    let (mut a, b) = pair().await;
    a.ask(b.id, 1, Request::Blocks { ids: vec![BlockId([0; 32]); MAX_BLOCK_IDS + 1] });
    let (ticket, result) = a.until_response().await;
    assert_eq!(ticket, 1);
    let text = result.unwrap_err().to_string();
    assert_eq!(text, "the request was not sent: 257 blocks asked for where at most 256 are allowed");
    a.ask(libp2p::PeerId::random(), 2, Request::Addresses);
    assert_eq!(a.until_response().await, (2, Err(RequestError::NotConnected)));
}

#[tokio::test]
async fn an_own_answer_beyond_the_limits_is_not_sent() {
    let (mut a, mut b) = pair().await;
    a.ask(b.id, 1, Request::Addresses);
    let (_, responder) = next_request(&mut b).await;
    let response = Response::Addresses(vec![String::new(); MAX_ADDRESSES + 1]);
    b.tell(Command::Respond { responder, response });
    assert_eq!(a.until_response().await, (1, Err(RequestError::NoAnswer)));
}

#[tokio::test]
async fn w14_both_sides_send_four_megabytes_at_once_and_both_arrive() {
    let (mut a, mut b) = pair().await;
    let ids = vec![BlockId([1; 32]); 3];
    a.ask(b.id, 1, Request::Blocks { ids: ids.clone() });
    b.ask(a.id, 1, Request::Blocks { ids });
    let full = || Response::Blocks(vec![RawBlock(vec![7; 2_000_000]), RawBlock(vec![8; 2_000_000])]);
    let (_, responder) = next_request(&mut a).await;
    a.tell(Command::Respond { responder, response: full() });
    let (_, responder) = next_request(&mut b).await;
    b.tell(Command::Respond { responder, response: full() });
    assert!(a.until_response().await == (1, Ok(full())));
    assert!(b.until_response().await == (1, Ok(full())));
}

#[tokio::test]
async fn requests_to_a_peer_that_leaves_fail_at_once() {
    let (mut a, mut b) = pair().await;
    for ticket in 0..40 {
        a.ask(b.id, ticket, Request::Addresses);
    }
    let _held = next_request(&mut b).await;
    b.tell(Command::Disconnect(a.id));
    let mut failed = Vec::new();
    while failed.len() < 40 {
        let (ticket, result) = a.until_response().await;
        assert!(matches!(result, Err(RequestError::Closed | RequestError::NoAnswer)), "{result:?}");
        failed.push(ticket);
    }
    failed.sort_unstable();
    assert_eq!(failed, (0..40).collect::<Vec<_>>());
}

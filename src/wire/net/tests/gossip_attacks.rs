//! Strangers who write gossip by hand.

use std::time::Duration;

use futures::StreamExt;
use libp2p::{PeerId, Swarm};
use tokio::time::Instant;

use super::harness::{CHAIN, Node, config, pair};
use super::inside::Inside;
use super::raw;
use super::strangers::{Stranger, during, stranger, unconnected};
use crate::limits::*;
use crate::names::Names;
use crate::{CodecError, Command, NetEvent, Request};

fn topic() -> String {
    Names::new(&CHAIN).transactions.hash().into_string()
}

/// Writes frames of gossip to a node.
fn write(swarm: &mut Swarm<Stranger>, node: PeerId, frames: &[Vec<u8>]) {
    swarm.behaviour_mut().gossip.send_request(&node, frames.concat());
}

/// A node that the test turns, and a stranger that is connected to it.
async fn attacked() -> (Inside, PeerId, Swarm<Stranger>) {
    let mut node = Inside::start(config()).await;
    let mut swarm = unconnected();
    let id = *swarm.local_peer_id();
    swarm.dial(node.full_address()).unwrap();
    together(&mut node, &mut swarm, |node| {
        node.driver.swarm.behaviour().gossip.all_peers().any(|(peer, _)| *peer == id)
    })
    .await;
    (node, id, swarm)
}

/// Turns both until the node is as it should be.
async fn together(node: &mut Inside, swarm: &mut Swarm<Stranger>, mut done: impl FnMut(&mut Inside) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !done(node) {
        tokio::select! {
            () = node.turn() => {}
            _ = swarm.next() => {}
        }
        assert!(Instant::now() < deadline, "the node never was as it should be");
    }
}

/// How many malformed messages the node has told so far; what came before them on the same stream was handled.
fn malformed(node: &mut Inside) -> usize {
    std::iter::from_fn(|| node.events.try_recv().ok())
        .filter(|event| {
            matches!(event, NetEvent::Malformed { what: CodecError::Malformed(_) | CodecError::Trailing(_), .. })
        })
        .count()
}

fn topics_of(node: &Inside, peer: PeerId) -> usize {
    let gossip = &node.driver.swarm.behaviour().gossip;
    gossip.all_peers().find(|(id, _)| **id == peer).map_or(0, |(_, topics)| topics.len())
}

#[tokio::test]
async fn p10_a_prune_for_ever_harms_nobody() {
    let (good, mut node) = pair().await;
    let (bad, mut swarm) = stranger(&mut node).await;
    let topic = topic();
    let prunes = [u64::MAX, u64::MAX / 2, u64::MAX / 1_000, u64::from(u32::MAX) + 1]
        .map(|backoff| raw::rpc(&[raw::control(&[raw::graft(&topic), raw::prune(&topic, backoff)])]));
    let after = raw::rpc(&[raw::publish(&topic, &[0xff; 8])]);
    write(&mut swarm, node.id, &[raw::rpc(&[raw::subscribe(&topic)]), prunes.concat(), after]);
    let told = node.until(|event| match event {
        NetEvent::Malformed { peer, .. } => Some(peer),
        _ => None,
    });
    assert_eq!(during(&mut swarm, told).await, bad, "all of it was handled");
    good.ask(node.id, 1, Request::Addresses);
    node.until(|event| matches!(event, NetEvent::Request { .. }).then_some(())).await;
}

#[tokio::test]
async fn p11_grafts_and_prunes_of_ten_thousand_unknown_topics_leave_nothing_behind() {
    let (mut node, bad, mut swarm) = attacked().await;
    let frames: Vec<Vec<u8>> = (0..10_000)
        .collect::<Vec<u32>>()
        .chunks(200)
        .map(|numbers| {
            let name = |n: &u32| format!("/unknown/{n}");
            let both = numbers.iter().flat_map(|n| [raw::graft(&name(n)), raw::prune(&name(n), 60)]);
            let frame = raw::rpc(&[raw::control(&both.collect::<Vec<_>>())]);
            assert!(frame.len() < GOSSIP_CONTROL_BYTES);
            frame
        })
        .collect();
    let after = raw::rpc(&[raw::publish(&topic(), &[0xff; 8])]);
    write(&mut swarm, node.id, &[frames.concat(), after]);
    together(&mut node, &mut swarm, |node| malformed(node) == 1).await;
    let gossip = &node.driver.swarm.behaviour().gossip;
    assert_eq!(gossip.topics().count(), 2);
    assert_eq!(topics_of(&node, bad), 0);
}

#[tokio::test]
async fn p12_of_a_hundred_and_one_subscriptions_none_counts_and_of_a_few_the_known_ones_do() {
    let (mut node, bad, mut swarm) = attacked().await;
    let mut many: Vec<Vec<u8>> = (0..100).map(|n| raw::subscribe(&format!("/unknown/{n}"))).collect();
    many.push(raw::subscribe(&topic()));
    let frames = [raw::rpc(&many), raw::rpc(&[raw::publish(&topic(), &[0xff; 8])])];
    write(&mut swarm, node.id, &frames);
    together(&mut node, &mut swarm, |node| malformed(node) == 1).await;
    assert_eq!(topics_of(&node, bad), 0);
    let few = raw::rpc(&[raw::subscribe("/unknown"), raw::subscribe(&topic())]);
    write(&mut swarm, node.id, &[few]);
    together(&mut node, &mut swarm, |node| topics_of(node, bad) == 1).await;
}

#[tokio::test]
async fn p13_who_announces_messages_and_never_delivers_them_loses_its_score_until_nothing_of_it_is_read() {
    let (mut node, bad, mut swarm) = attacked().await;
    write(&mut swarm, node.id, &[raw::rpc(&[raw::subscribe(&topic())])]);
    together(&mut node, &mut swarm, |node| topics_of(node, bad) == 1).await;
    let score = |node: &Inside| node.driver.swarm.behaviour().gossip.peer_score(&bad).unwrap();
    assert_eq!(score(&node), 0.0);
    // 10⁵ ids that nobody has, a part of them in each second.
    let mut ids = 0_u32..100_000;
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    let deadline = Instant::now() + Duration::from_secs(30);
    while score(&node) > -150.0 {
        tokio::select! {
            () = node.turn() => {}
            _ = swarm.next() => {}
            _ = seconds.tick() => {
                let frames: Vec<Vec<u8>> = (0..50).map_while(|_| {
                    let some: Vec<[u8; 32]> = ids.by_ref().take(400).map(id).collect();
                    (!some.is_empty()).then(|| raw::rpc(&[raw::control(&[raw::ihave(&topic(), &some)])]))
                }).collect();
                if !frames.is_empty() {
                    write(&mut swarm, node.id, &frames);
                }
            }
        }
        assert!(Instant::now() < deadline, "the score is still {}", score(&node));
    }
    let invalid = raw::rpc(&[raw::publish(&topic(), &[0xff; 8])]);
    malformed(&mut node);
    write(&mut swarm, node.id, &[invalid]);
    let later = Instant::now() + Duration::from_millis(500);
    together(&mut node, &mut swarm, |_| Instant::now() > later).await;
    assert_eq!(malformed(&mut node), 0, "nothing of it is read any more");
}

fn id(n: u32) -> [u8; 32] {
    let mut id = [0; 32];
    id[..4].copy_from_slice(&n.to_le_bytes());
    id
}

#[tokio::test]
async fn w02_of_eighty_undecodable_gossip_messages_a_few_are_told_and_the_rest_is_not_even_read() {
    let (mut node, _, mut swarm) = attacked().await;
    let garbage =
        |n: u8| raw::rpc(&[raw::publish(&topic(), &[&[n], &[0xff; MAX_GOSSIP_TRANSACTIONS_BYTES - 1][..]].concat())]);
    let frames: Vec<Vec<u8>> = (0..80).map(garbage).collect();
    write(&mut swarm, node.id, &frames);
    let mut told = 0;
    together(&mut node, &mut swarm, |node| {
        told += malformed(node);
        told >= 3
    })
    .await;
    let later = Instant::now() + Duration::from_secs(2);
    together(&mut node, &mut swarm, |node| {
        told += malformed(node);
        Instant::now() > later
    })
    .await;
    assert!(told < 10, "{told} of 80 were read");
}

#[tokio::test]
async fn a_peer_that_subscribes_and_is_silent_keeps_its_score() {
    let (mut a, b) = (Inside::start(config()).await, Node::start().await);
    b.tell(Command::Dial { peer: Some(a.id), addresses: vec![a.address.clone()] });
    a.until(|driver| {
        driver.swarm.behaviour().gossip.all_peers().any(|(peer, topics)| *peer == b.id && topics.len() == 2)
    })
    .await;
    let later = Instant::now() + Duration::from_secs(2);
    a.until(|_| Instant::now() > later).await;
    assert_eq!(a.driver.swarm.behaviour().gossip.peer_score(&b.id), Some(0.0));
}

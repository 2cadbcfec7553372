//! Announcements in a line of three nodes: a – b – c.

use ledger::{Address, Amount, BlockId, CompactTarget, Digest, Header, PublicKey, Signature, Transaction, Transfer};

use super::harness::Node;
use crate::limits::MAX_BLOCK_TRANSACTIONS;
use crate::{BlockAnnounce, Command, Gossip, GossipId, NetEvent, Verdict};

fn transactions(nonce: u64, count: usize) -> Gossip {
    let transfer = Transfer {
        from: PublicKey([2; 33]),
        to: Address([3; 20]),
        amount: Amount::drops(1),
        fee: Amount::drops(1),
        nonce,
        data: vec![],
        signature: Signature([5; 64]),
    };
    Gossip::Transactions(vec![Transaction::Transfer(transfer); count])
}

fn block(nonce: u64) -> Gossip {
    let header = Header {
        version: 1,
        height: 1,
        previous: BlockId([1; 32]),
        root: Digest([2; 32]),
        time: 3,
        target: CompactTarget(4),
        miner: PublicKey([5; 33]),
        nonce,
    };
    let transactions = vec![[9; 8]; MAX_BLOCK_TRANSACTIONS];
    Gossip::Block(BlockAnnounce { header, signature: Signature([6; 64]), transactions })
}

async fn line() -> (Node, Node, Node) {
    let (mut a, mut b, mut c) = (Node::start().await, Node::start().await, Node::start().await);
    a.dial(&b);
    c.dial(&b);
    let mut missing = vec![a.id, c.id];
    b.until(|event| {
        missing.retain(|id| !matches!(event, NetEvent::Identified { peer, .. } if peer == *id));
        missing.is_empty().then_some(())
    })
    .await;
    a.until_identified(b.id).await;
    c.until_identified(b.id).await;
    (a, b, c)
}

async fn next_gossip(node: &mut Node) -> (libp2p::PeerId, GossipId, Gossip) {
    node.until(|event| match event {
        NetEvent::Gossip { peer, id, gossip } => Some((peer, id, gossip)),
        _ => None,
    })
    .await
}

/// Publishes until somebody hears it: who connected just now has not said yet what it listens to.
async fn tell(from: &Node, to: &mut Node, gossip: impl Fn(u64) -> Gossip) -> (libp2p::PeerId, GossipId, Gossip) {
    for attempt in 0.. {
        from.tell(Command::Publish(gossip(attempt)));
        let heard = next_gossip(to);
        if let Ok(heard) = tokio::time::timeout(std::time::Duration::from_millis(200), heard).await {
            return heard;
        }
        assert!(attempt < 50, "nothing was heard");
    }
    unreachable!()
}

#[tokio::test]
async fn p15_what_is_accepted_travels_on_and_what_is_rejected_does_not() {
    let (a, mut b, mut c) = line().await;
    let (peer, id, _) = tell(&a, &mut b, |n| transactions(1_000 + n, 1)).await;
    assert_eq!(peer, a.id);
    b.tell(Command::Verdict { id, verdict: Verdict::Reject });
    let (_, id, _) = tell(&a, &mut b, |n| transactions(2_000 + n, 1)).await;
    b.tell(Command::Verdict { id, verdict: Verdict::Ignore });
    // The next ones are accepted until one arrives: whatever c hears first shows what traveled.
    let mut accepted = Vec::new();
    for attempt in 0..50 {
        let (_, id, gossip) = tell(&a, &mut b, |n| transactions(3_000 + 100 * attempt + n, 1)).await;
        accepted.push(gossip);
        b.tell(Command::Verdict { id, verdict: Verdict::Accept });
        let heard = tokio::time::timeout(std::time::Duration::from_millis(300), next_gossip(&mut c)).await;
        if let Ok((peer, _, gossip)) = heard {
            assert_eq!(peer, b.id, "c learns who passed it on");
            assert!(accepted.contains(&gossip), "rejected and ignored messages do not travel");
            return;
        }
    }
    panic!("nothing that was accepted arrived");
}

#[tokio::test]
async fn the_largest_announcement_and_the_largest_batch_arrive() {
    let (a, mut b, _c) = line().await;
    let (_, _, heard) = tell(&a, &mut b, block).await;
    assert!(matches!(heard, Gossip::Block(announce) if announce.transactions.len() == MAX_BLOCK_TRANSACTIONS));
    let (_, _, heard) = tell(&a, &mut b, |n| transactions(n, 2_000)).await;
    assert!(matches!(heard, Gossip::Transactions(batch) if batch.len() == 2_000));
}

#[tokio::test]
async fn w23_a_batch_beyond_the_limit_is_refused_where_it_is_made() {
    let mut a = Node::start().await;
    a.tell(Command::Publish(transactions(1, 1)));
    a.tell(Command::Publish(transactions(1, 2_200)));
    let NetEvent::PublishFailed(reason) = a.next().await else { panic!("nobody listening is no failure") };
    assert!(reason.contains("at most 262144 are allowed"), "{reason}");
}

#[tokio::test]
async fn w24_the_same_content_is_delivered_once_whoever_sends_it() {
    let (a, mut b, c) = line().await;
    let (_, id, heard) = tell(&a, &mut b, |n| transactions(n, 1)).await;
    b.tell(Command::Verdict { id, verdict: Verdict::Ignore });
    a.tell(Command::Publish(heard.clone()));
    c.tell(Command::Publish(heard.clone()));
    let (_, _, next) = tell(&c, &mut b, |n| transactions(5_000 + n, 1)).await;
    assert_ne!(next, heard);
}

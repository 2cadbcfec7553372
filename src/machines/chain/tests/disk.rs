//! A disk with little room.

use super::*;
use crate::chain::disk::{ENOUGH_BYTES, RESERVE_BYTES};

fn fill(node: &mut Node, free_bytes: u64) -> Vec<Effect> {
    node.on(Event::Disk { free_bytes })
}

#[test]
fn s05_with_little_room_nothing_new_is_taken_and_with_room_again_everything_is() {
    let mut node = Node::new();
    let mut branch = Branch::new(&node.network);
    let (first, second) = (branch.extend(1, vec![]), branch.extend(1, vec![]));
    node.take(std::slice::from_ref(&first));
    let payment = pay(&node.network, 1, 2, 5_000, 500, 0);

    assert!(fill(&mut node, RESERVE_BYTES).is_empty(), "it is enough");
    let told = fill(&mut node, RESERVE_BYTES - 1);
    assert!(matches!(told[..], [Effect::DiskFull(true)]), "{told:?}");
    assert!(matches!(node.chain.state(), State::Full { free_bytes, .. } if *free_bytes == RESERVE_BYTES - 1));
    assert!(fill(&mut node, ENOUGH_BYTES - 1).is_empty(), "not yet enough again, and told once");

    let before = node.chain.tip();
    assert!(node.take(std::slice::from_ref(&second)).is_empty());
    assert!(node.mine(&second).is_empty());
    assert!(node.on(Event::TemplateWanted { miner: key(1).public() }).is_empty(), "there is nothing to mine");
    assert!(matches!(node.announce(&second)[..], [Effect::Verdict { verdict: Verdict::Ignore, .. }]));
    assert!(matches!(node.gossip(vec![payment.clone()])[..], [Effect::Verdict { verdict: Verdict::Ignore, .. }]));
    assert_eq!(node.submit(payment.clone()), Err(Refused::Full));
    let minted = node.blocks(std::slice::from_ref(&second), Source::Client(9));
    assert!(matches!(minted[..], [Effect::Answer { ticket: 9, answer: Err(Refused::Full) }]), "{minted:?}");
    assert_eq!((node.chain.tip(), node.chain.pool().len()), (before, 0));

    let told = fill(&mut node, ENOUGH_BYTES);
    assert!(matches!(told[..], [Effect::DiskFull(false)]), "{told:?}");
    node.take(&[second]);
    assert_eq!(node.chain.tip().height, 2);
    node.submit(payment).unwrap();
}

#[test]
fn s05_what_is_checked_when_the_disk_fills_is_still_kept() {
    let mut node = Node::new();
    let block = Branch::new(&node.network).extend(1, vec![]);
    let offered = Event::Blocks { blocks: vec![block.clone()], source: Source::Peer(peer(1)) };
    let checking = node.chain.on(node.now, offered, &node.store);
    assert!(matches!(checking[..], [Effect::CheckBlocks { .. }]));
    fill(&mut node, 0);
    let checked = check::block_alone(block, &node.network, |_| None).unwrap();
    node.on(Event::BlocksChecked { results: vec![Ok(Arc::new(checked))], source: Source::Peer(peer(1)) });
    assert_eq!(node.chain.tip().height, 1);
}

//! Blocks that cannot be connected yet: without a parent, or from the future.

use super::*;

#[test]
fn an_orphan_waits_for_its_parent_and_the_sender_is_asked_for_its_chain() {
    let mut node = Node::new();
    let branch = Branch::grown(&node.network, 5, 3);
    let effects = node.take(&branch.blocks[1..]);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Behind { peer: p } if *p == peer(1))));
    assert!(blamed(&effects).is_empty());
    assert_eq!(node.chain.figures().orphans, 2);
    node.take(&branch.blocks[..1]);
    assert_eq!(node.chain.tip(), branch.tip());
    assert_eq!(node.chain.figures().orphans, 0);
}

#[test]
fn an_orphan_whose_parent_does_not_come_is_forgotten() {
    let mut node = Node::new();
    let branch = Branch::grown(&node.network, 5, 2);
    node.take(&branch.blocks[1..]);
    node.now = at(ORPHAN_MS - 1);
    node.on(Event::Tick);
    assert_eq!(node.chain.figures().orphans, 1);
    node.now = at(ORPHAN_MS);
    node.on(Event::Tick);
    assert_eq!(node.chain.figures().orphans, 0);
}

#[test]
fn b2_a_block_from_the_future_is_connected_when_its_time_comes_and_nobody_is_blamed() {
    let mut node = Node::new();
    let limit = node.network.future_limit_ms();
    let mut branch = Branch::new(&node.network);
    let block = branch.extend_at(5, Vec::new(), at(0).unix + limit + 100);
    let effects = node.take(&[block]);
    assert!(effects.is_empty(), "{effects:?}");
    node.now = at(99);
    node.on(Event::Tick);
    assert_eq!(node.chain.tip().height, 0);
    node.now = at(100);
    let effects = node.on(Event::Tick);
    assert_eq!(node.chain.tip(), branch.tip());
    assert!(tip_changed(&effects).is_some() && blamed(&effects).is_empty());
}

#[test]
fn b2_at_the_limit_a_block_is_not_from_the_future() {
    let mut node = Node::new();
    let mut branch = Branch::new(&node.network);
    let block = branch.extend_at(5, Vec::new(), at(0).unix + node.network.future_limit_ms());
    node.take(&[block]);
    assert_eq!(node.chain.tip(), branch.tip());
}

#[test]
fn b2_an_announced_block_from_the_future_is_not_passed_on_but_kept() {
    let mut node = Node::new();
    let mut branch = Branch::new(&node.network);
    let block = branch.extend_at(5, Vec::new(), at(0).unix + node.network.future_limit_ms() + 1);
    let effects = node.announce(&block);
    assert_eq!(verdict(&effects), Some(Verdict::Ignore));
    assert!(blamed(&effects).is_empty());
    node.now = at(1);
    node.on(Event::Tick);
    assert_eq!(node.chain.tip(), branch.tip());
}

#[test]
fn b2_a_sync_does_not_wait_for_a_block_from_the_future() {
    let mut node = Node::new();
    let mut branch = Branch::new(&node.network);
    let block = branch.extend_at(5, Vec::new(), at(0).unix + node.network.future_limit_ms() + 1);
    let effects = node.blocks(&[block], Source::Sync(peer(1)));
    assert!(
        matches!(&effects[..], [Effect::SyncRefused { error: BlockError::FromTheFuture { .. }, .. }]),
        "told, not blamed: {effects:?}"
    );
}

#[test]
fn blocks_from_the_future_are_capped_and_the_latest_makes_room() {
    let mut node = Node::new();
    let limit = node.network.future_limit_ms();
    for i in 0..=MAX_EARLY as u64 {
        let mut branch = Branch::new(&node.network);
        let block = branch.extend_at(5, Vec::new(), at(0).unix + limit + 100 + i);
        node.take(&[block]);
    }
    node.now = at(10_000);
    node.on(Event::Tick);
    let main = node.chain.tip().id;
    assert_eq!(node.chain.tip().height, 1);
    assert!(node.store.header(&main).unwrap().is_some());
    let kept = |time: u64| {
        let mut branch = Branch::new(&node.network);
        let block = branch.extend_at(5, Vec::new(), time);
        node.store.header(&block.header.id()).unwrap().is_some()
    };
    let base = at(0).unix + limit + 100;
    assert!(kept(base) && kept(base + MAX_EARLY as u64 - 1) && !kept(base + MAX_EARLY as u64));
}

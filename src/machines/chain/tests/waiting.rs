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
    assert!(matches!(effects[..], [Effect::Ahead { ms: 100, .. }]), "{effects:?}");
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

#[test]
fn o10_a_clock_that_is_five_minutes_behind_is_told_of_and_not_put_right_by_peers() {
    let mut node = Node::new();
    let mut branch = Branch::new(&node.network);
    let behind = 300_000;
    // What the others mine now, by their clocks, from many peers.
    let blocks: Vec<_> = (0..20).map(|i| branch.extend_at(5, Vec::new(), at(0).unix + behind + i)).collect();
    let mut told = 0;
    for n in 1..=20 {
        let effects = node.blocks(&blocks[..1], Source::Peer(peer(n)));
        assert!(blamed(&effects).is_empty(), "whose clock is wrong cannot be known");
        told += effects.iter().filter(|effect| matches!(effect, Effect::Ahead { .. })).count();
        assert_eq!(node.chain.tip().height, 0, "twenty peers do not change the time");
    }
    assert!(told >= 1);
    // The machine's own clock is put right, and the block counts.
    node.now = at(behind);
    node.on(Event::Tick);
    assert_eq!(node.chain.tip().id, blocks[0].header.id());
}

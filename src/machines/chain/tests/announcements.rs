//! Announcements: what is checked before one is passed on, and where the body comes from.

use super::*;

#[test]
fn a_forged_announcement_is_rejected_with_a_reason() {
    let node = Node::new();
    let good = Branch::grown(&node.network, 5, 1).blocks.remove(0);
    let change = |change: fn(&mut Header)| {
        let mut header = good.header.clone();
        change(&mut header);
        seal(header, Vec::new(), 5)
    };
    let mut unworked = good.clone();
    while unworked.header.target.is_met_by(&unworked.header.id()) {
        unworked.header.nonce += 1;
    }
    let cases = [
        (unworked, "does not meet the target"),
        (change(|header| header.height = 7), "height 7"),
        (change(|header| header.time = 0), "is not after the parent's time"),
        (change(|header| header.target = ledger::CompactTarget(0x2000_ffff)), "the difficulty rule says"),
        (Block { signature: Signature::ZERO, ..good.clone() }, "not signed by its miner"),
    ];
    for (block, reason) in cases {
        let mut node = Node::new();
        let announcement = Announcement { header: block.header, signature: block.signature, short_ids: Vec::new() };
        let effects = node.announce_as(announcement);
        assert_eq!(verdict(&effects), Some(Verdict::Reject), "{reason}");
        let why = blamed(&effects);
        assert!(why.len() == 1 && why[0].contains(reason), "{reason}: {why:?}");
        assert_eq!(node.chain.tip().height, 0);
    }
}

#[test]
fn an_announced_block_is_rebuilt_from_the_pool_and_connected() {
    let mut node = Node::new();
    let tx = pay(&node.network, 1, 2, 5, 5, 0);
    node.submit(tx.clone()).unwrap();
    let mut branch = Branch::new(&node.network);
    let block = branch.extend(5, vec![tx.clone()]);
    let effects = node.announce(&block);
    assert_eq!(verdict(&effects), Some(Verdict::Accept));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Fetch { .. })));
    assert_eq!(node.chain.tip(), branch.tip());
    assert!(!node.waits(&tx));
    assert_eq!(verdict(&node.announce(&block)), Some(Verdict::Ignore), "known by now");
}

#[test]
fn a_body_that_the_pool_does_not_have_is_fetched_from_who_announced_it() {
    let mut node = Node::new();
    let mut branch = Branch::new(&node.network);
    let block = branch.extend(5, vec![pay(&node.network, 1, 2, 5, 5, 0)]);
    let effects = node.announce(&block);
    assert_eq!(verdict(&effects), Some(Verdict::Accept));
    let wanted = block.header.id();
    let fetch = |e: &Effect| match e {
        Effect::Fetch { from, id, ask } if *from == peer(1) && *id == wanted => Some(*ask),
        _ => None,
    };
    let ask = effects.iter().find_map(fetch).unwrap();
    node.on(Event::Fetched { ask, from: peer(1), block });
    assert_eq!(node.chain.tip(), branch.tip());
}

#[test]
fn only_the_block_that_was_asked_for_is_taken_from_an_answer() {
    let mut node = Node::new();
    let mut branch = Branch::new(&node.network);
    let wanted = branch.extend(5, vec![pay(&node.network, 1, 2, 5, 5, 0)]);
    let other = Branch::grown(&node.network, 6, 1).blocks.remove(0);
    let fetched = |effects: &[Effect]| {
        let ask = |effect: &Effect| if let Effect::Fetch { ask, .. } = effect { Some(*ask) } else { None };
        effects.iter().find_map(ask).unwrap()
    };
    let first = fetched(&node.announce(&wanted));
    let effects = node.on(Event::Fetched { ask: first, from: peer(1), block: other.clone() });
    assert!(blamed(&effects)[0].contains("when asked for block"), "{effects:?}");
    let effects = node.on(Event::Fetched { ask: Ask(77), from: peer(1), block: other });
    assert!(effects.is_empty(), "nobody asked: {effects:?}");
    assert_eq!(node.chain.tip().height, 0);
    // Late, after its question was given up, but still wanted.
    let other_peer = Announcement { short_ids: vec![[7; 8]], ..announcement(&checked_block(&node.network, &wanted)) };
    let announced = Event::Announced { announcement: other_peer, from: peer(2), ticket: ticket() };
    let second = fetched(&node.on(announced));
    node.now = at(20_000);
    node.on(Event::Tick);
    node.on(Event::Fetched { ask: second, from: peer(2), block: wanted });
    assert_eq!(node.chain.tip(), branch.tip());
}

#[test]
fn who_tells_of_a_block_first_is_useful_and_nobody_else() {
    let mut node = Node::new();
    let branch = Branch::grown(&node.network, 5, 2);
    let useful = |effects: &[Effect]| {
        effects.iter().filter(|effect| matches!(effect, Effect::Useful { peer: who } if *who == peer(1))).count()
    };
    assert_eq!(useful(&node.announce(&branch.blocks[0])), 1);
    assert_eq!(useful(&node.announce(&branch.blocks[0])), 0, "it is known");
    assert_eq!(useful(&node.announce(&Branch::grown(&node.network, 6, 3).blocks[2])), 0, "without a parent");
}

#[test]
fn an_announcement_on_an_unknown_parent_says_that_this_node_is_behind() {
    let mut node = Node::new();
    let branch = Branch::grown(&node.network, 5, 2);
    let effects = node.announce(&branch.blocks[1]);
    assert_eq!(verdict(&effects), Some(Verdict::Ignore));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Behind { .. })) && blamed(&effects).is_empty());
}

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
    assert!(effects.iter().any(|e| matches!(e, Effect::Fetch { from, id, .. } if *from == peer(1) && *id == wanted)));
}

#[test]
fn an_announcement_on_an_unknown_parent_says_that_this_node_is_behind() {
    let mut node = Node::new();
    let branch = Branch::grown(&node.network, 5, 2);
    let effects = node.announce(&branch.blocks[1]);
    assert_eq!(verdict(&effects), Some(Verdict::Ignore));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Behind { .. })) && blamed(&effects).is_empty());
}

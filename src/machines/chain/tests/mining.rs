//! Templates and the blocks that this node finds.

use super::*;

#[test]
fn a_found_block_is_kept_before_it_is_announced() {
    let mut node = Node::new();
    let branch = Branch::grown(&node.network, 5, 1);
    let event = Event::Mined(mined(&node.network, &branch.blocks[0]));
    let effects = node.chain.on(at(0), event, &node.store);
    let place = |wanted: fn(&Effect) -> bool| effects.iter().position(wanted).unwrap();
    let commit = place(|effect| matches!(effect, Effect::Commit(_)));
    assert!(commit < place(|effect| matches!(effect, Effect::AnnounceBlock(_))));
    assert!(commit < place(|effect| matches!(effect, Effect::TipChanged(_))));
}

#[test]
fn l09_an_own_block_on_what_is_no_longer_the_tip_is_neither_kept_nor_announced() {
    let mut node = Node::new();
    let (theirs, ours) = (Branch::grown(&node.network, 5, 2), Branch::grown(&node.network, 6, 1));
    let synced: Vec<_> = theirs.blocks.to_vec();
    node.blocks(&synced, Source::Sync(peer(1)));
    let effects = node.mine(&ours.blocks[0]);
    assert!(effects.is_empty(), "{effects:?}");
    assert!(node.store.header(&ours.blocks[0].header.id()).unwrap().is_none(), "no orphan of our own");
    let mut next = theirs.clone();
    let found = next.extend(6, Vec::new());
    let effects = node.mine(&found);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::AnnounceBlock(_))), "{effects:?}");
}

#[test]
fn b29_a_refused_own_block_raises_an_alarm_and_is_never_announced() {
    let mut node = Node::new();
    let mut branch = Branch::new(&node.network);
    let block = branch.extend(5, vec![pay(&node.network, 9, 1, 5, 5, 0)]);
    let effects = node.mine(&block);
    assert!(matches!(&effects[..], [Effect::OwnBlockRefused { .. }]), "{effects:?}");
    assert_eq!(node.chain.tip().height, 0);
}

#[test]
fn a_template_holds_the_transactions_of_the_pool_and_makes_a_valid_block() {
    let mut node = Node::new();
    let txs: Vec<_> = (0..3).map(|i| pay(&node.network, 1, 2, 5, 5, i)).collect();
    for tx in &txs {
        node.submit(tx.clone()).unwrap();
    }
    let effects = node.on(Event::TemplateWanted { miner: key(5).public() });
    let [Effect::Template(template)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(template.header.time, at(0).unix);
    let inside: Vec<_> = template.transactions.iter().map(|tx| tx.transaction().clone()).collect();
    assert_eq!(inside, txs, "in the order of their nonces");
    let block = seal(template.header.clone(), inside, 5);
    node.mine(&block);
    assert_eq!((node.chain.tip().height, node.chain.pool().len()), (1, 0));
    assert_eq!(node.balance(5), Amount::drops(barrels(10).as_drops() + 15));
}

#[test]
fn a_template_is_later_than_its_parent_even_if_the_clock_is_not() {
    let mut node = Node::new();
    let mut branch = Branch::new(&node.network);
    let ahead = branch.extend_at(5, Vec::new(), at(0).unix + 1_000);
    node.take(&[ahead]);
    let effects = node.on(Event::TemplateWanted { miner: key(5).public() });
    assert!(matches!(&effects[..], [Effect::Template(t)] if t.header.time == at(0).unix + 1_001), "{effects:?}");
}

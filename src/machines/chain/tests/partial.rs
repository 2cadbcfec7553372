//! Announced blocks that are put together: from the pool, from answers, from whole blocks, and what happens when
//! neither comes.

use ledger::CheckedBlock;

use super::super::partial::{MAX_ANNOUNCERS, MAX_MISSING, MAX_PARTIALS};
use super::*;

/// A node with `known` of the transactions of a block of `total` in its pool, and the block.
fn prepared(total: u64, known: impl Fn(u64) -> bool) -> (Node, Block) {
    let mut node = Node::new();
    let txs: Vec<_> = (0..total).map(|i| pay(&node.network, 1, 2, 5, 5, i)).collect();
    for tx in (0..).zip(&txs).filter(|(i, _)| known(*i)).map(|(_, tx)| tx) {
        node.submit(tx.clone()).unwrap();
    }
    // They are passed on, which is of no interest here.
    node.on(Event::Tick);
    let block = Branch::new(&node.network).extend(5, txs);
    (node, block)
}

fn in_short(node: &Node, block: &Block) -> Announcement {
    announcement(&CheckedBlock::kept(block.clone(), &node.network).unwrap())
}

/// Peer `from` announces; every announcement is a message of its own.
fn announced(node: &mut Node, announcement: &Announcement, from: u8) -> Vec<Effect> {
    let ticket = GossipTicket { message: [from; 32], source: peer(from) };
    node.on(Event::Announced { announcement: announcement.clone(), from: peer(from), ticket })
}

fn questions(effects: &[Effect]) -> Vec<(Ask, PeerId, Option<Vec<u16>>)> {
    let question = |effect: &Effect| match effect {
        Effect::FetchMissing { ask, from, indexes, .. } => Some((*ask, *from, Some(indexes.clone()))),
        Effect::Fetch { ask, from, .. } => Some((*ask, *from, None)),
        _ => None,
    };
    effects.iter().filter_map(question).collect()
}

fn answered(node: &mut Node, ask: Ask, transactions: Option<Vec<Transaction>>) -> Vec<Effect> {
    node.on(Event::Missing { ask, transactions })
}

fn tick(node: &mut Node, mono: u64) -> Vec<Effect> {
    node.now = at(mono);
    node.on(Event::Tick)
}

#[test]
fn t11_a_block_of_what_waits_in_the_pool_is_connected_at_once_and_nothing_of_it_is_checked_again() {
    let (mut node, block) = prepared(5, |_| true);
    let announcement = in_short(&node, &block);
    let event = |announcement| Event::Announced { announcement, from: peer(1), ticket: ticket() };
    let effects = node.chain.on(node.now, event(announcement), &node.store);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::CheckBlocks { .. })), "{effects:?}");
    assert_eq!((verdict(&effects), tip_changed(&effects).unwrap().tip.id), (Some(Verdict::Accept), block.header.id()));
    let kept = |effect: &Effect| match effect {
        Effect::Commit(commit) => Some(commit.keep[0].block.to_block()),
        _ => None,
    };
    assert_eq!(effects.iter().find_map(kept), Some(block));
    // What is wrong with the block itself is found all the same: here the accounts do not allow it.
    let (mut node, backwards) = invalid();
    let announcement = in_short(&node, &backwards);
    let effects = node.on(event(announcement));
    assert!(tip_changed(&effects).is_none() && node.chain.tip().height == 0);
}

/// A node with two transactions of one account in its pool, and a block that has them in the wrong order.
fn invalid() -> (Node, Block) {
    let (node, _) = prepared(2, |_| true);
    let backwards = (0..2).rev().map(|i| pay(&node.network, 1, 2, 5, 5, i)).collect();
    let block = Branch::new(&node.network).extend(5, backwards);
    (node, block)
}

#[test]
fn p15_who_announces_an_invalid_block_is_not_blamed_for_its_body_and_who_sends_it_is() {
    // All of it is here: nobody sent a body.
    let (mut node, block) = invalid();
    let announcement = in_short(&node, &block);
    let effects = announced(&mut node, &announcement, 1);
    assert_eq!((verdict(&effects), blamed(&effects)), (Some(Verdict::Accept), vec![]), "its header is good");
    assert_eq!(node.chain.tip().height, 0);
    // From now on this node knows better, but others pass on what they have not looked into.
    let effects = announced(&mut node, &announcement, 2);
    assert_eq!((verdict(&effects), blamed(&effects)), (Some(Verdict::Ignore), vec![]));
    // None of it is here, and the announcer sends it: it has looked at it.
    let mut node = Node::new();
    let [(ask, from, None)] = questions(&announced(&mut node, &announcement, 1))[..] else { panic!("asked for") };
    let effects = node.on(Event::Fetched { ask, from, block });
    assert!(blamed(&effects)[0].contains("nonce"), "{effects:?}");
}

#[test]
fn what_the_pool_lacks_is_asked_for_by_its_places_and_completes_the_block() {
    let (mut node, block) = prepared(5, |i| i != 1 && i != 3);
    let asked = questions(&{
        let announcement = in_short(&node, &block);
        announced(&mut node, &announcement, 1)
    });
    let [(ask, from, Some(places))] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!((*from, &places[..]), (peer(1), &[1, 3][..]));
    let missing = vec![block.transactions[1].clone(), block.transactions[3].clone()];
    let effects = answered(&mut node, *ask, Some(missing));
    assert_eq!(tip_changed(&effects).unwrap().tip.id, block.header.id());
    assert!(blamed(&effects).is_empty());
    assert_eq!(node.chain.figures().partial, 0);
}

#[test]
fn with_more_than_half_missing_the_whole_block_is_asked_for_at_once() {
    for (total, known, whole) in [(4, 2, false), (4, 1, true), (1, 0, true), (3, 2, false)] {
        let (mut node, block) = prepared(total, |i| i < known);
        let announcement = in_short(&node, &block);
        let asked = questions(&announced(&mut node, &announcement, 1));
        assert_eq!((asked.len(), asked[0].2.is_none()), (1, whole), "{known} of {total}");
    }
}

#[test]
fn t07_what_is_missing_of_two_thousand_transactions_is_asked_in_one_bounded_question() {
    for (known, whole) in [(1_000, false), (999, true)] {
        let (mut node, block) = prepared(2_000, |i| i < known);
        let announcement = in_short(&node, &block);
        let asked = questions(&announced(&mut node, &announcement, 1));
        match &asked[..] {
            [(ask, _, Some(places))] if !whole => {
                assert_eq!(places.len(), MAX_MISSING);
                let missing = block.transactions[1_000..].to_vec();
                assert_eq!(tip_changed(&answered(&mut node, *ask, Some(missing))).unwrap().tip.height, 1);
            }
            [(_, _, None)] if whole => {}
            _ => panic!("{asked:?}"),
        }
    }
}

#[test]
fn who_passed_an_announcement_on_may_not_have_the_block_yet_and_is_asked_again() {
    let (mut node, block) = prepared(2, |i| i == 0);
    let announcement = in_short(&node, &block);
    let asked = questions(&announced(&mut node, &announcement, 1));
    assert!(answered(&mut node, asked[0].0, None).is_empty(), "nothing at once");
    assert!(tick(&mut node, 99).is_empty());
    let again = questions(&tick(&mut node, 100));
    let [(ask, from, Some(_))] = &again[..] else { panic!("{again:?}") };
    assert_eq!(*from, peer(1));
    assert!(tip_changed(&answered(&mut node, *ask, Some(vec![block.transactions[1].clone()]))).is_some());
}

#[test]
fn everybody_who_announced_it_is_asked_in_turn_then_for_the_whole_block_and_then_the_syncer_is_told() {
    let (mut node, block) = prepared(2, |i| i == 0);
    let announcement = in_short(&node, &block);
    let mut asked = questions(&announced(&mut node, &announcement, 1));
    for other in 2..=3 {
        let effects = announced(&mut node, &announcement, other);
        assert!(questions(&effects).is_empty() && verdict(&effects) == Some(Verdict::Ignore));
    }
    let mut behind = 0;
    // Nobody ever answers.
    for mono in (0..120_000).step_by(100) {
        let effects = tick(&mut node, mono);
        behind += effects.iter().filter(|effect| matches!(effect, Effect::Behind { .. })).count();
        asked.extend(questions(&effects));
    }
    let by_place = asked.iter().take_while(|(_, _, places)| places.is_some()).count();
    assert_eq!((by_place, asked.len() - by_place, behind), (4, 4, 1));
    let whom: Vec<_> = asked.iter().map(|(_, from, _)| *from).collect();
    assert!((1..=3).all(|n| whom.contains(&peer(n))), "{whom:?}");
    assert_eq!(node.chain.figures().partial, 0, "everything ends");
    assert!(answered(&mut node, asked[0].0, Some(vec![block.transactions[1].clone()])).is_empty(), "too late");
}

#[test]
fn a_forged_announcement_costs_a_whole_block_and_nobody_is_blamed() {
    let (mut node, block) = prepared(4, |i| i < 3);
    let mut forged = in_short(&node, &block);
    // Passed on by an honest peer, who cannot know: it names a transaction that is not in the block.
    forged.short_ids.swap(0, 1);
    let asked = questions(&announced(&mut node, &forged, 1));
    let effects = answered(&mut node, asked[0].0, Some(vec![block.transactions[3].clone()]));
    let whole = questions(&effects);
    assert!(matches!(&whole[..], [(_, from, None)] if *from == peer(1)), "{effects:?}");
    assert!(blamed(&effects).is_empty());
    assert!(tip_changed(&node.take(&[block])).is_some());
    assert_eq!(node.chain.figures().partial, 0);
}

#[test]
fn short_ids_that_agree_by_chance_cost_a_whole_block_and_nobody_is_blamed() {
    let (mut node, block) = prepared(2, |_| true);
    let mut forged = in_short(&node, &block);
    forged.short_ids.swap(0, 1);
    let effects = announced(&mut node, &forged, 1);
    assert!(matches!(&questions(&effects)[..], [(_, _, None)]) && blamed(&effects).is_empty(), "{effects:?}");
}

#[test]
fn another_number_of_transactions_than_asked_for_is_the_senders_fault() {
    let (mut node, block) = prepared(4, |i| i < 2);
    let announcement = in_short(&node, &block);
    let asked = questions(&announced(&mut node, &announcement, 1));
    announced(&mut node, &announcement, 2);
    let effects = answered(&mut node, asked[0].0, Some(vec![block.transactions[2].clone()]));
    assert_eq!(blamed(&effects).len(), 1);
    let next = questions(&tick(&mut node, 100));
    assert!(matches!(&next[..], [(_, from, Some(_))] if *from == peer(2)), "{next:?}");
}

#[test]
fn blocks_that_are_put_together_and_those_who_announce_one_are_capped() {
    let mut node = Node::new();
    let mut behind = 0;
    for i in 0..=MAX_PARTIALS as u64 {
        let block = Branch::new(&node.network).extend(5, vec![pay(&node.network, 1, 2, 5 + i, 5, 0)]);
        let announcement = in_short(&node, &block);
        for from in 1..=MAX_ANNOUNCERS as u8 + 5 {
            let effects = announced(&mut node, &announcement, from);
            behind += effects.iter().filter(|effect| matches!(effect, Effect::Behind { .. })).count();
        }
        assert!(node.chain.figures().partial <= MAX_PARTIALS);
    }
    assert_eq!(behind, MAX_ANNOUNCERS + 5, "each that announces the last one is a sync's business");
    let announcers = node.chain.partials.announcers();
    assert_eq!(announcers, MAX_PARTIALS * MAX_ANNOUNCERS);
}

#[test]
fn a_block_that_came_another_way_is_not_asked_for_any_more() {
    let (mut node, block) = prepared(2, |i| i == 0);
    let announcement = in_short(&node, &block);
    announced(&mut node, &announcement, 1);
    node.blocks(std::slice::from_ref(&block), Source::Sync(peer(3)));
    assert_eq!(node.chain.figures().partial, 0);
    assert!((0..30_000).step_by(100).all(|mono| questions(&tick(&mut node, mono)).is_empty()));
}

#[test]
fn an_announcement_of_more_than_a_block_can_hold_is_rejected() {
    let node = Node::new();
    let limit = node.network.spec.max_block_transactions as usize;
    for (count, expected) in [(limit, Verdict::Accept), (limit + 1, Verdict::Reject)] {
        let (mut node, block) = prepared(1, |_| false);
        let announcement = Announcement { short_ids: vec![[7; 8]; count], ..in_short(&node, &block) };
        assert_eq!(verdict(&announced(&mut node, &announcement, 1)), Some(expected));
    }
}

#[test]
fn b22_a_changed_copy_does_not_stop_the_true_block_from_being_fetched() {
    let (mut node, block) = prepared(1, |_| false);
    let announcement = in_short(&node, &block);
    announced(&mut node, &announcement, 1);
    announced(&mut node, &announcement, 2);
    let mutated = Block { transactions: Vec::new(), ..block.clone() };
    let effects = node.take(std::slice::from_ref(&mutated));
    assert!(blamed(&effects)[0].contains("changed on its way"));
    let next = questions(&tick(&mut node, 200));
    assert!(matches!(&next[..], [(_, from, None)] if *from == peer(2)), "the other is asked: {next:?}");
    // Another changed copy is at the verifier when the true block comes: it is not thrown away.
    let offer = |blocks: Vec<Block>, from| Event::Blocks { blocks, source: Source::Peer(peer(from)) };
    let first = node.chain.on(node.now, offer(vec![mutated], 3), &node.store);
    assert!(matches!(&first[..], [Effect::CheckBlocks { .. }]));
    assert!(node.chain.on(node.now, offer(vec![block.clone()], 2), &node.store).is_empty());
    let results = vec![Err((block.header.id(), BlockError::Mutated))];
    let effects = node.on(Event::BlocksChecked { results, source: Source::Peer(peer(3)) });
    assert_eq!(tip_changed(&effects).unwrap().tip.id, block.header.id());
    assert_eq!(node.chain.figures().partial, 0);
}

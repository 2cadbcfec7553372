//! Too much of something, or the same thing again and again: what it costs, and whom it does not touch.

use ledger::{CheckedBlock, CompactTarget};

use super::super::relay;
use super::super::waiting::{MAX_ORPHAN_BYTES, MAX_ORPHANS, Orphans};
use super::*;
use crate::fixture::pay_with;

/// A block with work at this height, whose parent nobody knows.
fn orphan(network: &Network, number: u32, height: u64) -> Block {
    let mut previous = [0xee; 32];
    previous[..4].copy_from_slice(&number.to_le_bytes());
    let header = Header {
        height,
        previous: BlockId(previous),
        root: ledger::merkle::root(&[]),
        time: network.genesis.time + 20,
        target: CompactTarget(network.genesis.target.0),
        miner: key(5).public(),
        ..network.genesis.clone()
    };
    seal(header, Vec::new(), 5)
}

fn verified(effects: &[Effect]) -> usize {
    let count = |effect: &Effect| match effect {
        Effect::CheckBlocks { blocks, .. } => blocks.len(),
        Effect::CheckTransactions { transactions, .. } => transactions.len(),
        _ => 0,
    };
    effects.iter().map(count).sum()
}

#[test]
fn b19_ten_thousand_blocks_without_a_parent_leave_sixty_four() {
    let mut node = Node::new();
    for number in 0..10_000 {
        let block = orphan(&node.network, number, 2);
        let effects = node.take(&[block]);
        assert!(blamed(&effects).is_empty());
        assert!(node.chain.figures().orphans <= MAX_ORPHANS);
    }
    assert_eq!(node.chain.figures().orphans, MAX_ORPHANS);
    node.now = at(ORPHAN_MS);
    node.on(Event::Tick);
    assert_eq!(node.chain.figures().orphans, 0);
}

#[test]
fn b19_orphans_have_a_cap_in_bytes() {
    let network = network();
    let txs: Vec<_> = (0..1_000).map(|i| pay_with(&network, 1, 2, 5, 5, i, 1_024)).collect();
    let mut orphans = Orphans::default();
    let mut one = 0;
    for number in 0..20 {
        let block = Block { transactions: txs.clone(), ..orphan(&network, number, 2) };
        let block = Arc::new(CheckedBlock::kept(block, &network).unwrap());
        one = block.size();
        orphans.add(block, peer(1), Source::Peer(peer(1)), 0);
        assert!(orphans.len() * one <= MAX_ORPHAN_BYTES);
    }
    assert_eq!(orphans.len(), MAX_ORPHAN_BYTES / one);
}

#[test]
fn t09_a_flood_of_orphans_by_a_hundred_peers_leaves_those_of_others_untouched() {
    let mut node = Node::new();
    let branch = Branch::grown(&node.network, 5, 2);
    node.take(&branch.blocks[1..]);
    // From many at once, and from one.
    for number in 0..1_000 {
        let block = orphan(&node.network, number, 2);
        node.blocks(&[block], Source::Peer(peer(2 + (number % 100) as u8)));
    }
    for number in 1_000..1_200 {
        node.blocks(&[orphan(&node.network, number, 2)], Source::Peer(peer(2)));
    }
    assert_eq!(node.chain.figures().orphans, MAX_ORPHANS);
    node.take(&branch.blocks[..1]);
    assert_eq!(node.chain.tip(), branch.tip(), "the honest orphan was still there");
}

#[test]
fn b20_a_block_far_from_the_tip_that_nobody_asked_for_is_ignored() {
    let mut node = Node::new();
    for (height, kept) in [(FAR, 1), (FAR + 1, 1)] {
        let block = orphan(&node.network, height as u32, height);
        let event = Event::Blocks { blocks: vec![block], source: Source::Peer(peer(1)) };
        let far = height > FAR;
        let effects = node.on(event);
        assert_eq!(node.chain.figures().orphans, kept);
        assert!(blamed(&effects).is_empty() && effects.is_empty() == far, "{height}: {effects:?}");
    }
    // As far below: a cheap branch from the beginning is not kept, passed on or fetched.
    let long = Branch::grown(&node.network, 5, FAR as usize + 2);
    node.blocks(&long.blocks, Source::Sync(peer(1)));
    let old = Branch::grown(&node.network, 6, 1);
    assert!(node.take(&old.blocks).is_empty());
    assert!(node.store.header(&old.tip().id).unwrap().is_none());
    let effects = node.announce(&old.blocks[0]);
    assert_eq!(verdict(&effects), Some(Verdict::Ignore));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Fetch { .. })), "{effects:?}");
    // A sync looked at its work before.
    node.blocks(&old.blocks, Source::Sync(peer(1)));
    assert!(node.store.header(&old.tip().id).unwrap().is_some());
}

#[test]
fn b21_the_same_invalid_block_from_a_hundred_peers_is_verified_once() {
    let node = Node::new();
    let mut branch = Branch::new(&node.network);
    let unpayable = branch.extend(5, vec![pay(&node.network, 9, 1, 5, 5, 0)]);
    let Transaction::Transfer(mut forged) = pay(&node.network, 1, 2, 5, 5, 0) else { panic!() };
    forged.signature = Signature::ZERO;
    let unsigned = Branch::new(&node.network).extend(5, vec![Transaction::Transfer(forged)]);
    for block in [unpayable, unsigned] {
        let mut node = Node::new();
        let offer = |n| Event::Blocks { blocks: vec![block.clone()], source: Source::Peer(peer(n)) };
        // Half of them send it while it is being checked, the others later.
        let mut count: usize = (1..=50).map(|n| verified(&node.chain.on(at(0), offer(n), &node.store))).sum();
        let result = check::block_alone(block.clone(), &node.network, |_| None).map(Arc::new);
        let results = vec![result.map_err(|error| (block.header.id(), error))];
        let source = Source::Peer(peer(1));
        let mut why = blamed(&node.chain.on(at(0), Event::BlocksChecked { results, source }, &node.store));
        for n in 51..=100 {
            let effects = node.chain.on(at(0), offer(n), &node.store);
            count += verified(&effects);
            why.extend(blamed(&effects));
        }
        assert_eq!(count, 1);
        assert_eq!(why.len(), 1 + MAX_COPIES + 50, "who sent it is blamed");
        assert_eq!(node.on(Event::Tick).len(), 0);
    }
}

#[test]
fn beyond_what_the_verifier_takes_blocks_are_counted_and_the_client_is_told() {
    let mut node = Node::new();
    let blocks: Vec<_> = (0..MAX_CHECKING as u32 + 1).map(|number| orphan(&node.network, number, 2)).collect();
    let offer = |blocks: &[Block], source| Event::Blocks { blocks: blocks.to_vec(), source };
    let effects = node.chain.on(at(0), offer(&blocks[..MAX_CHECKING], Source::Sync(peer(1))), &node.store);
    assert_eq!((verified(&effects), node.chain.figures().dropped), (MAX_CHECKING, 0));
    let effects = node.chain.on(at(0), offer(&blocks[MAX_CHECKING..], Source::Client(7)), &node.store);
    assert_eq!(node.chain.figures().dropped, 1);
    assert!(matches!(&effects[..], [Effect::Answer { answer: Err(Refused::Busy), .. }]), "{effects:?}");
    let own = Branch::grown(&node.network, 5, 1).blocks.remove(0);
    assert!(tip_changed(&node.mine(&own)).is_some(), "an own block is never dropped");
}

#[test]
fn t02_transactions_of_empty_accounts_cost_no_signature_check() {
    let mut node = Node::new();
    let poor: Vec<_> = (0..100).map(|i| pay(&node.network, 9, 2, 5, 5, i)).collect();
    let event = Event::Gossiped { transactions: poor, from: peer(1), ticket: ticket() };
    let effects = node.chain.on(at(0), event, &node.store);
    assert_eq!((verified(&effects), verdict(&effects)), (0, Some(Verdict::Ignore)));
    let poor = node.submit(pay(&node.network, 9, 2, 5, 5, 0));
    assert!(matches!(poor, Err(Refused::Pool(PoolError::Invalid(TxError::InsufficientBalance { .. })))));
}

#[test]
fn t03_each_way_to_be_refused_has_its_own_error() {
    let mut node = Node::new();
    let mut branch = Branch::new(&node.network);
    branch.extend(5, vec![pay(&node.network, 1, 2, 5, 5, 0)]);
    node.take(&branch.blocks);
    let all = barrels(1000).as_drops();
    let data = ledger::MAX_DATA_BYTES;
    let cases = [
        (pay(&node.network, 1, 3, 5, 5, 0), "was used already"),
        (pay(&node.network, 2, 3, all, 5_000, 0), "insufficient balance"),
        (pay(&node.network, 3, 4, u64::MAX, 5, 0), "more than can exist"),
        (pay_with(&node.network, 3, 4, 5, 5, 0, data + 1), "bytes of data, the limit is"),
        (pay(&node.network, 3, 4, 0, 5, 0), "must be more than 0"),
        (pay(&node.network, 3, 4, 5, 5, crate::pool::MAX_GAP + 1), "too far ahead"),
    ];
    for (tx, reason) in cases {
        let refused = node.submit(tx).unwrap_err().to_string();
        assert!(refused.contains(reason), "{reason}: {refused}");
    }
    assert!(node.submit(pay_with(&node.network, 3, 4, 5, 5, 0, data)).is_ok());
}

#[test]
fn t11_a_transaction_that_all_peers_pass_on_is_checked_once() {
    let mut node = Node::new();
    let tx = pay(&node.network, 1, 2, 5, 5, 0);
    let mut count = 0;
    for n in 1..=100 {
        // With another one beside it, so that the messages differ.
        let beside = pay(&node.network, 2, 3, 5, 5, u64::from(n) - 1);
        let event = Event::Gossiped { transactions: vec![tx.clone(), beside], from: peer(n), ticket: ticket() };
        for effect in node.chain.on(at(0), event, &node.store) {
            let Effect::CheckTransactions { transactions, origin } = effect else { continue };
            count += transactions.iter().filter(|other| **other == tx).count();
            let results = transactions.into_iter().map(|tx| tx.check(&node.network, |_| None).map(Arc::new)).collect();
            node.on(Event::TransactionsChecked { results, origin });
        }
    }
    assert_eq!(count, 1);
    assert_eq!(node.chain.pool().len(), 101);
}

#[test]
fn t13_a_burst_of_clients_is_passed_on_at_a_bounded_rate_and_all_of_it_in_the_end() {
    let mut node = Node::new();
    let mut handed_in = 0;
    for n in 1..=4 {
        for i in 0..750 {
            let tx = pay_with(&node.network, n, 5, 5, 5, i, 1_024);
            handed_in += u64::try_from(tx.size()).unwrap();
            node.submit(tx).unwrap();
        }
    }
    let (burst, rate) = relay::BYTES;
    assert!(handed_in > burst + 2 * rate);
    let mut passed_on = 0;
    for mono in (0..5_000).step_by(100) {
        node.now = at(mono);
        for effect in node.on(Event::Tick) {
            let Effect::Relay(txs) = effect else { panic!("{effect:?}") };
            passed_on += txs.iter().map(|tx| tx.size() as u64).sum::<u64>();
        }
        // The bucket counts from the start of the clock.
        assert!(passed_on <= burst + rate * mono / 1_000, "{passed_on} bytes after {mono} ms");
    }
    assert_eq!(passed_on, handed_in);
}

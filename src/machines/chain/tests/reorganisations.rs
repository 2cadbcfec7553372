//! Moving between branches: how deep, how often, and what the accounts and the pool are after it.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

/// Blocks of `miner`, in each of which person `from` pays `to`.
fn trading(network: &Arc<Network>, miner: u8, from: u8, to: u8, blocks: u64) -> Branch {
    let mut branch = Branch::new(network);
    for i in 0..blocks {
        branch.extend(miner, (0..2).map(|j| pay(network, from, to, 100, 10, 2 * i + j)).collect());
    }
    branch
}

#[test]
fn b14_at_equal_work_the_first_seen_stays_also_over_a_restart() {
    let mut node = Node::new();
    let (first, second) = (Branch::grown(&node.network, 5, 2), Branch::grown(&node.network, 6, 2));
    node.take(&first.blocks);
    assert!(tip_changed(&node.take(&second.blocks)).is_none());
    assert_eq!(node.chain.tip(), first.tip());
    assert!(node.store.header(&second.tip().id).unwrap().is_some(), "the other branch is kept");
    node.chain = Chain::new(node.network.clone(), node.store.tip().unwrap());
    assert!(tip_changed(&node.take(&second.blocks)).is_none());
    assert_eq!(node.chain.tip(), first.tip());
}

#[test]
fn f1_one_block_more_moves_the_chain_and_the_money() {
    let mut node = Node::new();
    let (first, mut second) = (Branch::grown(&node.network, 5, 2), Branch::grown(&node.network, 6, 2));
    node.take(&first.blocks);
    node.take(&second.blocks);
    let last = second.extend(6, Vec::new());
    let effects = node.take(&[last]);
    let changed = tip_changed(&effects).unwrap();
    assert_eq!(changed.tip, second.tip());
    assert_eq!((changed.left, changed.joined), (2, 3));
    assert_eq!((node.balance(5), node.balance(6)), (Amount::ZERO, barrels(30)));
    assert_eq!(node.chain.figures().deepest_reorganisation, 2);
}

#[test]
fn b18_transactions_of_the_losing_branch_return_to_the_pool_and_those_of_both_do_not() {
    let mut node = Node::new();
    let [both, lost, double] = [(1, 2), (2, 3), (3, 4)].map(|(from, to)| pay(&node.network, from, to, 100, 10, 0));
    let double_spent = pay(&node.network, 3, 1, 999, 10, 0);
    let mut first = Branch::new(&node.network);
    first.extend(5, vec![both.clone(), lost.clone(), double.clone()]);
    let mut second = Branch::new(&node.network);
    second.extend(6, vec![double_spent, both.clone()]);
    second.extend(6, Vec::new());
    node.take(&first.blocks);
    assert_eq!(node.chain.pool().len(), 0);
    node.take(&second.blocks);
    assert_eq!(node.chain.tip(), second.tip());
    assert!(node.waits(&lost), "it can still be mined");
    assert!(!node.waits(&both), "the new branch has it");
    assert!(!node.waits(&double), "its nonce is used in the new branch");
    node.now = at(60_000);
    let relayed = node.on(Event::Tick);
    assert!(matches!(&relayed[..], [Effect::Relay(txs)] if txs.len() == 1), "and it is passed on again: {relayed:?}");
}

#[test]
fn f2_what_returns_stands_before_what_was_queued_on_top_of_it() {
    let mut node = Node::new();
    // Person 1 receives 500 in the first branch only, spends 900 there, and queues 600 on top of it.
    let drops = |n| barrels(n).as_drops();
    let gift = pay(&node.network, 2, 1, drops(500), 0, 0);
    let mined = pay(&node.network, 1, 3, drops(900), 0, 0);
    let queued = pay(&node.network, 1, 3, drops(600), 0, 1);
    let mut first = Branch::new(&node.network);
    first.extend(5, vec![gift, mined.clone()]);
    node.take(&first.blocks);
    assert_eq!(node.submit(queued.clone()), Ok(Accepted::Transaction(queued.id(&node.network.chain))));
    let second = Branch::grown(&node.network, 6, 2);
    node.take(&second.blocks);
    assert!(node.waits(&mined), "it was mined once and is possible");
    assert!(!node.waits(&queued), "the balance does not cover both");
}

#[test]
fn b15_an_invalid_block_in_a_longer_branch_leads_back_and_its_id_is_remembered() {
    let mut node = Node::new();
    let good = Branch::grown(&node.network, 5, 2);
    node.take(&good.blocks);
    let before = node.store.accounts().clone();
    // Person 9 has nothing.
    let mut bad = Branch::grown(&node.network, 6, 1);
    let invalid = bad.extend(6, vec![pay(&node.network, 9, 1, 5, 5, 0)]);
    bad.grow(6, 1);
    let effects = node.take(&bad.blocks);
    assert!(tip_changed(&effects).is_none());
    assert_eq!(node.chain.tip(), good.tip());
    assert_eq!(node.store.accounts(), &before);
    let why = blamed(&effects);
    assert!(why.len() == 1 && why[0].contains("insufficient balance"), "{why:?}");
    let again =
        node.chain.on(at(0), Event::Blocks { blocks: vec![invalid], source: Source::Peer(peer(2)) }, &node.store);
    assert!(!again.iter().any(|effect| matches!(effect, Effect::CheckBlocks { .. })), "it is verified once");
    bad.grow(6, 1);
    let child = node.take(&bad.blocks[3..]);
    assert!(tip_changed(&child).is_none());
    assert_eq!(node.chain.tip(), good.tip());
}

#[test]
fn f2_what_builds_on_an_invalid_block_is_refused_without_another_reorganisation() {
    let mut node = Node::new();
    node.take(&Branch::grown(&node.network, 5, 3).blocks);
    // Kept beside the chain, where nobody looks into them, until the fourth has more work.
    let mut bad = Branch::new(&node.network);
    let invalid = bad.extend(6, vec![pay(&node.network, 9, 1, 5, 5, 0)]).header.id();
    bad.grow(6, 2);
    node.take(&bad.blocks);
    let mut other = bad.clone();
    bad.grow(6, 1);
    assert!(blamed(&node.take(&bad.blocks[3..]))[0].starts_with(&format!("sent block {invalid}")));
    other.grow(7, 1);
    let effects = node.take(&other.blocks[3..]);
    assert!(blamed(&effects)[0].contains("builds on the invalid block"), "{effects:?}");
}

#[test]
fn f2_the_valid_part_of_a_branch_is_followed_if_it_has_more_work() {
    let mut node = Node::new();
    let good = Branch::grown(&node.network, 5, 2);
    node.take(&good.blocks);
    let mut bad = Branch::grown(&node.network, 6, 3);
    let valid = bad.tip();
    bad.extend(6, vec![pay(&node.network, 9, 1, 5, 5, 0)]);
    // The blocks come in an order in which only the last makes the branch known.
    let mut blocks = bad.blocks.clone();
    let first = blocks.remove(0);
    node.take(&blocks);
    assert_eq!(node.chain.tip(), good.tip());
    let effects = node.take(&[first]);
    assert_eq!(node.chain.tip(), valid);
    assert_eq!(tip_changed(&effects).unwrap().tip, valid);
    assert_eq!(blamed(&effects).len(), 1);
    assert_eq!(node.balance(6), barrels(30));
}

#[test]
fn b16_a_reorganisation_of_any_depth_ends_where_a_fresh_replay_ends() {
    for depth in [1, 6, 100, 1_088] {
        let mut node = Node::new();
        let old = trading(&node.network, 5, 1, 2, depth);
        let new = trading(&node.network, 6, 3, 4, depth + 1);
        for batch in old.blocks.chunks(100).chain(new.blocks.chunks(100)) {
            node.blocks(batch, Source::Sync(peer(1)));
        }
        assert_eq!(node.chain.tip(), new.tip());
        assert_eq!(node.store.accounts(), new.store().accounts(), "depth {depth}");
        assert_eq!(node.chain.figures().deepest_reorganisation, depth);
        let returned =
            old.blocks.iter().flat_map(|block| &block.transactions).filter(|tx| node.waits(tx)).count() as u64;
        assert_eq!(
            returned,
            (2 * depth).min(crate::pool::MAX_PER_ACCOUNT as u64),
            "what the pool holds of one account waits again"
        );
    }
}

#[test]
fn b17_a_hundred_times_there_and_back_changes_nothing_but_the_tip() {
    let mut node = Node::new();
    let mut branches = [trading(&node.network, 5, 1, 2, 2), trading(&node.network, 6, 3, 4, 2)];
    node.take(&branches[0].blocks);
    node.take(&branches[1].blocks);
    for round in 0..100 {
        let branch = &mut branches[1 - round % 2];
        let blocks = if round == 0 { 1 } else { 2 };
        branch.grow(7, blocks);
        let new = branch.blocks[branch.blocks.len() - blocks..].to_vec();
        node.take(&new);
        assert_eq!(node.chain.tip(), branch.tip(), "round {round}");
        let Figures { pool, orphans, partial, reorganisations, .. } = node.chain.figures();
        assert_eq!((pool, orphans, partial, reorganisations), (4, 0, 0, round as u64 + 1), "nothing piles up");
    }
    assert_eq!(node.store.accounts(), branches[0].store().accounts());
}

/// Two branches that spend much of the same coins. Person 4 is rich on the first, and spends nearly all it has on the
/// second alone.
fn rivals(network: &Arc<Network>, random: &mut impl FnMut(u64) -> u64) -> ([Branch; 2], [u64; 4]) {
    let balance = barrels(1000).as_drops();
    let mut queued_from = [0; 4];
    let branches = [5, 6].map(|miner| {
        let mut branch = Branch::new(network);
        let mut ahead = [0; 4];
        let mut pay_next = |from: u64, to: u64, drops| {
            ahead[from as usize] += 1;
            pay(network, 1 + from as u8, 1 + to as u8, drops, 5, ahead[from as usize] - 1)
        };
        if miner == 6 {
            let nearly_all = pay_next(3, 0, balance / 10 * 9);
            branch.extend(miner, vec![nearly_all]);
        }
        for _ in 0..2 {
            let payments = (0..3).map(|_| {
                let from = random(3);
                pay_next(from, (from + 1 + random(2)) % 3, 1 + random(balance / 4))
            });
            let payments = payments.collect();
            branch.extend(miner, payments);
        }
        if miner == 5 {
            queued_from = ahead;
        }
        branch
    });
    (branches, queued_from)
}

#[test]
fn t10_after_a_reorganisation_every_waiting_transaction_is_valid_on_the_new_tip() {
    let mut reorganised = 0;
    for seed in 0..20 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut node = Node::new();
        let mut random = |below: u64| rng.random_range(0..below);
        let ([first, second], queued_from) = rivals(&node.network, &mut random);
        node.take(&first.blocks);
        for from in 0..4_u8 {
            for next in 0..3 {
                let amount = barrels(200).as_drops() + random(barrels(120).as_drops());
                // Some of them cannot be paid even now; all of person 4 can.
                let tx =
                    pay(&node.network, 1 + from, 1 + (from + 1) % 4, amount, 5, queued_from[usize::from(from)] + next);
                let taken = node.submit(tx);
                assert!(taken.is_ok() || from != 3, "seed {seed}: {taken:?}");
            }
        }
        node.take(&second.blocks);
        reorganised += node.chain.figures().reorganisations;
        let mut queued = std::collections::BTreeMap::new();
        for tx in node.chain.pool().transactions() {
            let account = node.store.accounts()[&tx.sender()];
            assert!(tx.nonce() >= account.nonce, "seed {seed}: the nonce is used");
            *queued.entry(tx.sender()).or_insert(0) += tx.amount().as_drops() + tx.fee().as_drops();
        }
        for (sender, cost) in queued {
            assert!(
                cost <= node.store.accounts()[&sender].balance.as_drops(),
                "seed {seed}: the account cannot pay it all"
            );
        }
        let effects = node.on(Event::TemplateWanted { miner: key(7).public() });
        let [Effect::Template(template)] = &effects[..] else { panic!("seed {seed}: {effects:?}") };
        let inside: Vec<_> = template.transactions.iter().map(|tx| tx.transaction().clone()).collect();
        let count = inside.len();
        let effects = node.mine(&seal(template.header.clone(), inside, 7));
        assert!(tip_changed(&effects).is_some(), "seed {seed}: {count} transactions of the pool make no valid block");
    }
    // A branch with a block that cannot be paid is not followed; most can.
    assert!(reorganised >= 15, "{reorganised}");
}

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
            (2 * depth).min(crate::pool::MAX_GAP + 1),
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

#[test]
fn t10_after_a_reorganisation_every_waiting_transaction_is_valid_on_the_new_tip() {
    let mut reorganised = 0;
    for seed in 0..20 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut node = Node::new();
        let mut random = |below: u64| rng.random_range(0..below);
        let balance = barrels(1000).as_drops();
        // Two branches that spend much of the same coins, and a queue on top of the first one.
        let mut branches = Vec::new();
        for miner in [5, 6] {
            let mut branch = Branch::new(&node.network);
            let mut ahead = [0; 4];
            for _ in 0..2 + branches.len() {
                let payments = (0..3).map(|_| {
                    let from = random(4);
                    ahead[from as usize] += 1;
                    let to = 1 + (from + 1 + random(3)) % 4;
                    pay(&node.network, 1 + from as u8, to as u8, 1 + random(balance / 4), 5, ahead[from as usize] - 1)
                });
                let payments = payments.collect();
                branch.extend(miner, payments);
            }
            branches.push((branch, ahead));
        }
        let [(first, ahead), (second, _)] = &branches[..] else { panic!() };
        node.take(&first.blocks);
        for from in 0..4_u8 {
            for next in 0..3 {
                let amount = 1 + random(balance / 3);
                // Some of them cannot be paid even now.
                let _ = node.submit(pay(
                    &node.network,
                    1 + from,
                    1 + (from + 1) % 4,
                    amount,
                    5,
                    ahead[usize::from(from)] + next,
                ));
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
        let effects = node.blocks(&[seal(template.header.clone(), inside, 7)], Source::Miner);
        assert!(tip_changed(&effects).is_some(), "seed {seed}: {count} transactions of the pool make no valid block");
    }
    // A branch with a block that cannot be paid is not followed; most can.
    assert!(reorganised >= 15, "{reorganised}");
}

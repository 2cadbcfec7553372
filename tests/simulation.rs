//! Whole nodes, without a network and without waiting: chains agree whatever is lost, delayed, doubled, parted or
//! killed on the way.
//!
//! Everything random comes from one seed, and a failure names it: `BARRELEYE_SEED=n` runs that one again,
//! `BARRELEYE_SEEDS=n` runs the first n instead of a few.

#![allow(clippy::unwrap_used, clippy::panic, reason = "only tests")]

mod sim;

use sim::world::{Figures, World};

const MINUTE: u64 = 60_000;
const DEFAULT_SEEDS: u64 = 20;

fn seeds() -> Vec<u64> {
    let number = |name| std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")));
    match (number("BARRELEYE_SEED"), number("BARRELEYE_SEEDS")) {
        (Some(seed), _) => vec![seed],
        (None, count) => (0..count.unwrap_or(DEFAULT_SEEDS)).collect(),
    }
}

/// Ten minutes in which things go wrong, then quiet.
fn a_bad_day(seed: u64) -> Result<Figures, String> {
    let mut world = World::new(seed, 5);
    world.chaos(10 * MINUTE)?;
    world.quiet()?;
    world.check()
}

#[test]
fn five_nodes_agree_after_loss_delay_partitions_and_crashes() {
    let seeds = seeds();
    let mut all = Figures::default();
    for seed in &seeds {
        match a_bad_day(*seed) {
            Ok(figures) => {
                all.height += figures.height;
                all.transactions += figures.transactions;
                all.crashes += figures.crashes;
                all.partitions += figures.partitions;
                all.reorganisations += figures.reorganisations;
                all.deepest = all.deepest.max(figures.deepest);
                all.lost += figures.lost;
                all.events += figures.events;
            }
            Err(why) => panic!("seed {seed}: {why}\nagain with: BARRELEYE_SEED={seed} cargo test --test simulation"),
        }
    }
    println!("{} seeds: {all:?}", seeds.len());
    if seeds.len() >= 10 {
        let enough = all.crashes > 20 && all.partitions > 20 && all.reorganisations > 20 && all.deepest > 1;
        assert!(
            enough && all.transactions > 1_000 && all.lost > 1_000,
            "too little went wrong to show anything: {all:?}"
        );
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..3 {
        assert_eq!(a_bad_day(seed), a_bad_day(seed), "seed {seed}");
    }
}

#[test]
fn two_halves_that_mined_apart_follow_the_heavier_branch_when_they_meet() {
    for seed in seeds() {
        let result = (|| {
            let mut world = World::new(seed, 4);
            world.links.unreliable = false;
            world.run(MINUTE)?;
            world.links.part_at(2);
            world.part_connections();
            world.run(3 * MINUTE)?;
            world.mine(&[0, 1]);
            world.run(3 * MINUTE)?;
            world.mine(&[]);
            world.run(MINUTE / 2)?;
            let apart: Vec<_> = (0..4).map(|node| world.tip(node)).collect();
            if apart[0].id == apart[2].id {
                return Err("they did not mine apart".to_string());
            }
            let most = apart.iter().map(|tip| tip.work).max();
            world.heal();
            world.run(2 * MINUTE)?;
            for node in 0..4 {
                let tip = world.tip(node);
                if Some(tip.work) != most || !apart.contains(&tip) {
                    return Err(format!("node {node} is at {tip:?}, apart they were at {apart:?}"));
                }
            }
            world.quiet()?;
            world.check()
        })();
        if let Err(why) = result {
            panic!("seed {seed}: {why}");
        }
    }
}

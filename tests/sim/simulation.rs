//! A network of nodes on virtual time, without waiting: chains agree whatever is lost, delayed, doubled, parted or killed
//! on the way. It is whole except for what carries the bytes: the machines are the real ones, blocks are solved and signed.
//!
//! Everything random comes from one seed, and a failure names the command that runs it again. `BARRELEYE_SEEDS=n` runs
//! the first n seeds instead of a few, `BARRELEYE_SEEDS=n..m` those from n on and below m.

#![allow(clippy::unwrap_used, clippy::panic, reason = "only tests")]

mod chance;
mod check;
mod churn;
mod effects;
mod links;
mod message;
mod node;
mod parted;
mod plan;
mod queue;
mod rendezvous;
mod seeds;
mod stale;
mod talk;
mod verifier;
mod world;

use plan::{MINUTE, Plan};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use seeds::for_seeds;
use world::{Figures, World};

/// A network by chance in which things go wrong for a while, then quiet.
fn a_bad_day(seed: u64) -> Result<Figures, String> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let plan = Plan::drawn(&mut rng);
    let told = format!("{plan:?}");
    let mut world = World::new(plan, rng);
    let mut day = || {
        world.chaos()?;
        world.quiet()?;
        world.check()
    };
    day().map_err(|why| format!("{why}\n  in {told}"))
}

#[test]
fn z01_every_network_ends_with_one_tip_and_equal_state_after_loss_delay_partitions_and_crashes() {
    #[expect(clippy::redundant_closure, reason = "its name is that of the test")]
    let runs = for_seeds(20, u64::MAX, |seed| a_bad_day(seed));
    let sum = |figure: fn(&Figures) -> u64| runs.iter().map(figure).sum::<u64>();
    println!(
        "{} networks, {} nodes, {} blocks, {} transactions, {} crashes, {} partitions, {} reorganisations, {} events",
        runs.len(),
        sum(|run| run.nodes as u64),
        sum(|run| run.height),
        sum(|run| run.transactions),
        sum(|run| run.crashes),
        sum(|run| run.partitions),
        sum(|run| run.reorganisations),
        sum(|run| run.events),
    );
    if runs.len() >= 10 {
        let runs_count = runs.len() as u64;
        let often = |figure: fn(&Figures) -> u64, each: u64| sum(figure) >= each * runs_count;
        let enough = often(|run| run.crashes, 2)
            && often(|run| run.partitions, 1)
            && often(|run| run.reorganisations, 5)
            && often(|run| run.transactions, 50)
            && often(|run| run.lost, 100);
        assert!(enough, "too little went wrong to show anything: {runs:?}");
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
    for_seeds(20, 100, |seed| {
        let mut world = World::seeded(seed, Plan { wanted: 3, ..Plan::calm(4) });
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
        world.links.heal();
        world.run(2 * MINUTE)?;
        for node in 0..4 {
            let tip = world.tip(node);
            if Some(tip.work) != most || !apart.contains(&tip) {
                return Err(format!("node {node} is at {tip:?}, apart they were at {apart:?}"));
            }
        }
        world.quiet()?;
        world.check()
    });
}

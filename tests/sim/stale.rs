//! How many blocks go stale: found, valid, and left behind because another one was heard of first.

use super::plan::{MINUTE, Plan};
use super::seeds::for_seeds;
use super::world::World;

/// What a long calm time with many blocks showed.
#[derive(Debug)]
struct Stale {
    /// Found, and not on the chain in the end.
    share: f64,
    /// Mean time until a node mines on a block of another, in spacings.
    delay: f64,
}

impl Stale {
    /// Lets nodes mine until so many blocks are on the chain.
    fn measured(seed: u64, plan: Plan, blocks: u64) -> Result<Self, String> {
        let mut world = World::seeded(seed, plan);
        // Until everybody has found peers, and the difficulty has found the hash rate.
        world.run(5 * MINUTE)?;
        let (before, height) = (world.figures, world.tip(0).height);
        let begin = world.time;
        world.run(blocks * world.plan.spacing_ms)?;
        let (found, chain) = (world.figures.found - before.found, world.tip(0).height - height);
        let delay_ms = (world.figures.heard_ms - before.heard_ms) as f64 / (world.figures.heard - before.heard) as f64;
        let spacing = (world.time - begin) as f64 / chain as f64;
        let stale = Self { share: 1.0 - chain as f64 / found as f64, delay: delay_ms / world.plan.spacing_ms as f64 };
        println!(
            "seed {seed}: {stale:?} of {found} blocks, a block each {spacing:.0} ms, {} events",
            world.figures.events
        );
        Ok(stale)
    }

    /// 1 − e^(−d/T): that somebody finds another block before hearing of the first.
    fn expected(&self) -> f64 {
        1.0 - (-self.delay).exp()
    }

    fn is_within(&self, points: f64) -> Result<(), String> {
        let difference = 100.0 * (self.share - self.expected());
        let say = || format!("{self:?} is {difference:+.1} points off {:.1} %", 100.0 * self.expected());
        if difference.abs() <= points { Ok(()) } else { Err(say()) }
    }
}

/// Two miners, each of which alone would find a block in ten seconds, a second apart.
#[test]
fn b28_two_miners_a_second_apart_lose_one_block_in_ten() {
    for_seeds(1, 4, |seed| {
        let apart = Plan { spacing_ms: 5_000, distances_ms: (995, 995), check_ms: 1.0, ..Plan::calm(2) };
        let stale = Stale::measured(seed, Plan { wanted: 1, tick_ms: 1_000, ..apart }, 4_000)?;
        let share = 100.0 * stale.share;
        if (share - 9.5).abs() > 2.0 {
            return Err(format!("{share:.1} % went stale: {stale:?}"));
        }
        Ok(())
    });
}

/// A network like one of the real world: each node has found eight others, which are 20 to 300 ms away. Blocks come fast,
/// so that enough go stale to be counted.
fn realistic(nodes: usize) -> Plan {
    Plan {
        spacing_ms: 2_000,
        distances_ms: (20, 300),
        check_ms: 50.0,
        tick_ms: 2_000,
        start_ms: 30_000,
        bootstrap: 3,
        ..Plan::calm(nodes)
    }
}

#[test]
fn sixty_nodes_lose_as_many_blocks_as_the_way_of_a_block_foretells() {
    for_seeds(1, 4, |seed| Stale::measured(seed, realistic(60), 1_500)?.is_within(3.0));
}

#[test]
#[ignore = "takes minutes: ./tests/run --long"]
fn three_hundred_nodes_lose_as_many_blocks_as_the_way_of_a_block_foretells() {
    for_seeds(1, 1, |seed| Stale::measured(seed, realistic(300), 3_000)?.is_within(2.0));
}

//! Networks that are cut into parts, and links that are as bad as they get.

use super::links::Weather;
use super::plan::{HOUR, MINUTE, Plan};
use super::seeds::for_seeds;
use super::world::World;

/// Cuts a network that has run for a while, for an hour. Gives how long after it healed all had one chain.
fn cut_for_an_hour(world: &mut World) -> Result<u64, String> {
    let cut_at = world.one_chain().ok_or("it was not one chain before")?;
    world.links.part_at(world.nodes.len() / 2);
    world.part_connections();
    world.chaos = true;
    world.run(HOUR)?;
    world.chaos = false;
    if world.one_chain().is_some_and(|height| height > cut_at + 10) {
        return Err("the parts did not mine apart".into());
    }
    world.links.heal();
    let together = |world: &World| world.one_chain().is_some_and(|height| height > cut_at + 10);
    world.run_until(MINUTE, "one chain", together)
}

#[test]
fn p25_a_network_cut_in_two_for_an_hour_has_one_chain_within_a_minute() {
    for_seeds(2, 50, |seed| {
        let mut world = World::seeded(seed, Plan { wanted: 4, ..Plan::calm(16) });
        world.run(10 * MINUTE)?;
        cut_for_an_hour(&mut world)?;
        world.settle()?;
        world.check()
    });
}

#[test]
fn p25_so_does_one_whose_parts_know_no_node_in_common() {
    for_seeds(2, 50, |seed| {
        let mut world = World::seeded(seed, Plan { wanted: 4, ..Plan::calm(30) });
        world.run(10 * MINUTE)?;
        world.stop(0);
        world.run(10 * MINUTE)?;
        cut_for_an_hour(&mut world)?;
        world.settle()?;
        world.check()
    });
}

#[test]
fn p27_a_third_lost_half_replayed_and_a_second_late_there_is_progress_on_one_chain() {
    for_seeds(4, 50, |seed| {
        let weather = Weather { loss: 0.3, replay: 0.5, delay_ms: 1_000 };
        let mut world = World::seeded(seed, Plan { wanted: 4, ..Plan::calm(12) });
        world.run(MINUTE)?;
        (world.links.weather, world.chaos) = (weather, true);
        world.run(30 * MINUTE)?;
        // 180 blocks when nothing is lost.
        let height = world.one_chain().ok_or("it is not one chain")?;
        if height < 120 {
            return Err(format!("only {height} blocks in half an hour"));
        }
        world.quiet()?;
        world.check()
    });
}

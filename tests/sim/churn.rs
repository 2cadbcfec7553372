//! Nodes that come and go: who stays in the network, and whether it goes on.

use super::plan::{HOUR, MINUTE, Plan, SECOND};
use super::seeds::for_seeds;
use super::world::World;

const DAY: u64 = 24 * HOUR;

/// Nobody is there any more, for so long.
fn everybody_is_away_for(world: &mut World, ms: u64) -> Result<(), String> {
    for node in 0..world.nodes.len() {
        world.stop(node);
    }
    world.run(ms)
}

/// How long until all who run hash.
fn until_all_mine(world: &mut World, ms: u64) -> Result<u64, String> {
    let mines = |world: &World| world.running().all(|node| node.live.as_ref().is_some_and(|live| live.job.is_some()));
    world.run_until(ms, "all nodes mine", mines)
}

/// How long until there is one network again.
fn until_one_network(world: &mut World, ms: u64) -> Result<u64, String> {
    world
        .run_until(ms, "one network", |world| world.islands().len() == 1)
        .map_err(|why| format!("{why}: there are {:?}", world.islands()))
}

#[test]
fn l07_all_nodes_restart_at_once_with_a_day_old_tip_and_mine_within_thirty_seconds() {
    for_seeds(4, 50, |seed| {
        let mut world = World::seeded(seed, Plan { wanted: 4, ..Plan::calm(20) });
        world.run(10 * MINUTE)?;
        everybody_is_away_for(&mut world, DAY)?;
        (0..20).for_each(|node| world.start(node));
        until_all_mine(&mut world, 30 * SECOND)?;
        let height = world.tip(0).height;
        world.run_until(5 * MINUTE, "a new block", |world| world.tip(0).height > height)?;
        world.settle()?;
        world.check()
    });
}

#[test]
fn h21_a_network_whose_nodes_stopped_at_different_heights_long_ago_mines_on_by_itself() {
    for_seeds(4, 50, |seed| {
        let mut world = World::seeded(seed, Plan { wanted: 4, ..Plan::calm(20) });
        world.run(10 * MINUTE)?;
        for node in 0..20 {
            world.stop(node);
            world.run(MINUTE)?;
        }
        everybody_is_away_for(&mut world, DAY)?;
        let highest = (0..20).map(|node| world.tip(node).height).max();
        (0..20).for_each(|node| world.start(node));
        let caught_up = |world: &World| (0..20).all(|node| Some(world.tip(node).height) >= highest);
        world.run_until(30 * SECOND, "all nodes are as high as the highest was", caught_up)?;
        until_all_mine(&mut world, 10 * SECOND)?;
        world.settle()?;
        world.check()
    });
}

#[test]
fn p30_newcomers_find_a_network_although_the_only_node_that_they_know_is_full() {
    for_seeds(4, 50, |seed| {
        let mut world = World::seeded(seed, Plan { wanted: 4, max_inbound: 8, ..Plan::calm(40) });
        world.run(10 * SECOND)?;
        let newcomers = 30..40;
        newcomers.clone().for_each(|node| world.stop(node));
        world.run(5 * MINUTE)?;
        for node in newcomers {
            world.nodes[node].book.clear();
            world.start(node);
        }
        until_one_network(&mut world, MINUTE)?;
        world.run(3 * MINUTE)?;
        world.settle()?;
        world.check()
    });
}

#[test]
fn fifty_nodes_stay_one_network_when_the_only_node_that_all_knew_is_gone_for_ever() {
    for_seeds(2, 20, |seed| {
        let mut world = World::seeded(seed, Plan::calm(50));
        world.run(5 * MINUTE)?;
        until_one_network(&mut world, 0)?;
        world.stop(0);
        world.run(5 * MINUTE)?;
        until_one_network(&mut world, 0)?;
        for node in 1..50 {
            world.stop(node);
            world.run(5 * SECOND)?;
            world.start(node);
            until_one_network(&mut world, MINUTE).map_err(|why| format!("node {node} restarted: {why}"))?;
        }
        everybody_is_away_for(&mut world, MINUTE)?;
        (1..50).for_each(|node| world.start(node));
        until_one_network(&mut world, 30 * SECOND).map_err(|why| format!("all restarted: {why}"))?;
        world.run(3 * MINUTE)?;
        world.settle()?;
        world.check()
    });
}

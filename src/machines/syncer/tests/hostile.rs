//! Whole syncs on virtual time, from peers that do their worst.

use std::rc::Rc;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::super::*;
use super::world::{Kind, Served, Weather, World};
use crate::fixture::{Branch, network};

const MINUTE: u64 = 60_000;

fn served(blocks: usize) -> Rc<Served> {
    Served::new(Branch::grown(&network(), 5, blocks))
}

/// The time that a sync of `blocks` blocks takes from these peers, each over a line of `speed` bytes a millisecond.
fn time_of_sync(served: &Rc<Served>, blocks: usize, speed: u64, kinds: &[Kind]) -> World {
    let mut world = World::new(served, 0, 1);
    for kind in kinds {
        world.add(*kind, served, blocks, 50, speed);
    }
    let tip = served.tip(blocks);
    let done = world.run(60 * MINUTE, |_| {}, |world| world.store.tip().unwrap() == tip);
    assert!(done, "after an hour it is {:?}", world.syncer.state());
    world
}

const HOSTILE: [Kind; 9] = [
    Kind::Silent,
    Kind::Fraud,
    Kind::Drip(3_000),
    Kind::Late(9_000),
    Kind::Wrong,
    Kind::Mutate,
    Kind::Garbage,
    Kind::Withhold,
    Kind::Boast,
];

/// How many times longer a sync takes among bad peers than from the honest one alone, in percent.
fn cost(served: &Rc<Served>, blocks: usize, speed: u64, bad: &[Kind], at: usize) -> u64 {
    let alone = time_of_sync(served, blocks, speed, &[Kind::Honest]).time;
    let mut kinds = bad.to_vec();
    kinds.insert(at, Kind::Honest);
    let among = time_of_sync(served, blocks, speed, &kinds).time;
    println!("{} bad peers, {speed} kB/s, the honest one is number {at}: {among} ms, alone {alone} ms", bad.len());
    among * 100 / alone
}

#[test]
fn one_honest_and_nine_hostile_peers_cost_at_most_half_as_much_again_as_the_honest_one_alone() {
    let blocks = 4_000;
    let served = served(blocks);
    let mut bad = HOSTILE.to_vec();
    // One that serves what it has would be a help: its claim alone is not.
    bad[8] = Kind::Silent;
    for seed in 1..=4 {
        // Who is asked first follows from the order in which they came.
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for left in (1..bad.len()).rev() {
            bad.swap(left, rng.next_u64() as usize % (left + 1));
        }
        println!("seed {seed}: {bad:?}");
        for (speed, at) in [(60, 9), (60, 0), (200, rng.next_u64() as usize % 10)] {
            let percent = cost(&served, blocks, speed, &bad, at);
            assert!(percent <= 150, "seed {seed}: {percent} % of the time");
        }
    }
}

#[test]
fn what_strangers_cost_hardly_grows_with_their_number() {
    let blocks = 4_000;
    let served = served(blocks);
    for kind in [Kind::Silent, Kind::Withhold, Kind::Late(9_000), Kind::Fraud, Kind::Drip(3_000)] {
        let percent = cost(&served, blocks, 60, &[kind; 100], 100);
        assert!(percent <= 150, "a hundred of {kind:?}: {percent} % of the time");
    }
}

#[test]
fn on_lines_of_a_second_nobody_is_blamed_and_little_is_asked_twice() {
    let blocks = 4_000;
    let served = served(blocks);
    let mut world = World::new(&served, 0, 1);
    for _ in 0..8 {
        world.add(Kind::Honest, &served, blocks, 500, 30);
    }
    let tip = served.tip(blocks);
    let mut blamed = 0;
    let each = |world: &mut World| {
        blamed += world.peers.iter().filter(|peer| world.syncer.peers.failures(&peer.id, world.time) > 0).count();
    };
    assert!(world.run(10 * MINUTE, each, |world| world.store.tip().unwrap() == tip));
    let asked: usize = world.asked.values().sum();
    println!("{} ms, {asked} bodies asked of {blocks}, {} questions for headers", world.time, world.header_questions);
    assert_eq!(blamed, 0);
    assert!(asked <= blocks * 3 / 2, "{asked} bodies asked");
    assert!(world.header_questions < 60);
}

#[test]
fn the_liars_are_scored_out_and_the_others_are_not() {
    let served = served(2_000);
    let mut kinds = HOSTILE.to_vec();
    kinds.extend([Kind::Honest, Kind::Pruned(1_500), Kind::Flee(500)]);
    let mut world = time_of_sync(&served, 2_000, 20, &kinds);
    world.run(world.time + 30 * MINUTE, |_| {}, |_| false);
    for peer in &world.peers {
        let lies = matches!(peer.kind, Kind::Fraud | Kind::Garbage | Kind::Boast);
        assert!(!lies || peer.banned, "{:?} {:?}", peer.kind, world.misbehaved.get(&peer.id));
        assert!(world.misbehaved.contains_key(&peer.id) || !matches!(peer.kind, Kind::Wrong | Kind::Mutate));
    }
}

#[test]
fn h17_twenty_peers_that_go_after_each_batch_are_enough() {
    let served = served(10_000);
    let world = time_of_sync(&served, 10_000, 100, &[Kind::Flee(3_000); 20]);
    assert!(world.time < 10 * MINUTE, "{} ms", world.time);
}

#[test]
fn h18_a_tip_that_moves_on_is_reached_and_not_chased_for_ever() {
    let served = served(3_000);
    let mut world = World::new(&served, 0, 2);
    for _ in 0..3 {
        world.add(Kind::Honest, &served, 2_000, 100, 40);
    }
    // A block every ten seconds; three lines of 40 kB/s carry far more than twenty times as many.
    let grow = |world: &mut World| {
        if world.time.is_multiple_of(10_000) {
            world.peers.iter_mut().for_each(|peer| peer.height += 1);
            world.gossip(0);
        }
    };
    assert!(world.run(3 * MINUTE, grow, |world| world.follows(&world.peers[0].served.tip(world.peers[0].height))));
    // From then on gossip brings what is new, and no sync is needed.
    let (paused, questions) = (world.paused, world.header_questions);
    world.run(world.time + 10 * MINUTE, grow, |_| false);
    assert!(world.header_questions <= questions + 1 && world.paused <= paused + 1_000);
}

#[test]
fn h12_five_peers_that_tell_the_same_tip_cost_one_question() {
    let served = served(100);
    let world = time_of_sync(&served, 100, 100, &[Kind::Honest; 5]);
    assert_eq!((world.most_headers_open, world.header_questions), (1, 1));
}

#[test]
fn h20_a_peer_without_old_blocks_is_skipped_and_not_accused() {
    let served = served(600);
    let kinds = [Kind::Pruned(500), Kind::Honest];
    let world = time_of_sync(&served, 600, 100, &kinds);
    let asked = |peer: usize| world.asked.get(&world.peers[peer].id).copied().unwrap_or(0);
    assert!(world.misbehaved.is_empty());
    assert!(asked(0) <= 200 && asked(1) >= 500, "asked {} of the one, {} of the other", asked(0), asked(1));
}

#[test]
fn h19_a_node_that_only_others_connect_to_syncs_the_same() {
    // The syncer does not know who connected to whom: nothing in its events tells.
    let served = served(300);
    let mut world = World::new(&served, 0, 3);
    world.run(MINUTE, |_| {}, |_| false);
    assert_eq!(world.syncer.state(), &State::Alone);
    for _ in 0..2 {
        world.add(Kind::Honest, &served, 300, 50, 50);
    }
    assert!(world.run(2 * MINUTE, |_| {}, |world| world.follows(&served.tip(300))));
}

#[test]
fn l07_when_all_restart_with_an_old_tip_nobody_is_behind() {
    let served = served(50);
    let mut world = World::new(&served, 50, 4);
    for _ in 0..5 {
        world.add(Kind::Honest, &served, 50, 200, 50);
    }
    let mut behind = 0;
    world.run(30_000, |world| behind += u64::from(world.syncer.is_syncing()), |_| false);
    assert!(world.follows(&served.tip(50)));
    assert_eq!(behind, 0, "equal tips are no reason to wait, however old they are");
}

#[test]
fn h21_an_old_chain_everywhere_and_one_liar_do_not_hold_the_network_up() {
    let served = served(50);
    for liar in [Kind::Fraud, Kind::Silent, Kind::Late(9_900), Kind::Garbage] {
        let mut world = World::new(&served, 50, 5);
        for kind in [Kind::Honest, Kind::Honest, liar] {
            world.add(kind, &served, 50, 100, 50);
        }
        world.run(30_000, |_| {}, |_| false);
        assert!(world.paused <= 12_000, "{liar:?}: paused for {} ms of the first 30 s", world.paused);
    }
}

#[test]
fn l08_a_claim_without_headers_pauses_for_ten_seconds_at_most() {
    let served = served(10);
    let mut world = World::new(&served, 10, 6);
    world.add(Kind::Silent, &served, 10, 50, 50);
    let mut longest = 0;
    let mut now = 0;
    let each = |world: &mut World| {
        now = if world.syncer.is_syncing() { now + 100 } else { 0 };
        longest = longest.max(now);
    };
    world.run(10 * MINUTE, each, |_| false);
    assert!((1_000..=10_100).contains(&longest), "{longest} ms");
}

/// What a peer does, with what it serves and how far that goes.
type Peer<'a> = (Kind, &'a Rc<Served>, usize);

/// The time of an hour in which a node at the tip does not mine because of what others do.
fn paused_in_an_hour(mut each: impl FnMut(&mut World), served: &Rc<Served>, peers: &[Peer]) -> u64 {
    let mut world = World::new(served, 300, 7);
    world.add(Kind::Honest, served, 300, 50, 100);
    for (kind, served, height) in peers {
        world.add(*kind, served, *height, 50, 1_000);
    }
    world.run(60 * MINUTE, &mut each, |_| false);
    assert_eq!(world.store.tip().unwrap(), served.tip(300), "nothing was delivered");
    world.paused
}

#[test]
fn l03_no_peer_holds_a_node_paused_for_more_than_a_twentieth_of_an_hour() {
    let ours = served(300);
    // Real work, but less than ours, in more headers than one answer.
    let mut light = Branch::new(&network());
    light.grow(6, 250);
    let light = Served::new(light);
    // One more real header than ours, whose body nobody gets.
    let mut ahead = Branch::grown(&network(), 5, 300);
    ahead.grow(7, 1);
    let ahead = Served::new(ahead);
    let twentieth = 180_000;
    let nothing = |_: &mut World| {};
    let lone = |kind, served, height| [(kind, served, height)];
    let strategies: Vec<(&str, Vec<Peer>)> = vec![
        ("claims and says no more", lone(Kind::Silent, &ours, 300).to_vec()),
        ("headers just in time", lone(Kind::Late(9_800), &ours, 300).to_vec()),
        ("one real header, late, and no body", lone(Kind::Late(9_800), &ahead, 301).to_vec()),
        ("one real header and no body", lone(Kind::Withhold, &ahead, 301).to_vec()),
        ("headers of less work, late", lone(Kind::Late(9_800), &light, 250).to_vec()),
        (
            "all of them",
            vec![
                (Kind::Silent, &ours, 300),
                (Kind::Late(9_800), &ahead, 301),
                (Kind::Withhold, &ahead, 301),
                (Kind::Late(9_800), &light, 250),
                (Kind::Fraud, &ours, 300),
            ],
        ),
    ];
    for (name, peers) in strategies {
        let paused = paused_in_an_hour(nothing, &ours, &peers);
        println!("{name}: {paused} ms");
        assert!(paused <= twentieth, "{name}: {paused} ms");
    }
    // As many ids as it likes: each new one claims, waits, and is gone. Headers that are told again hold up nothing.
    for (kind, least) in [(Kind::Silent, 90_000), (Kind::Withhold, 40_000), (Kind::Late(9_800), 90_000)] {
        let mut newest = None;
        let again = |world: &mut World| {
            if world.time.is_multiple_of(9_900) {
                if let Some(peer) = newest {
                    world.disconnect(peer);
                }
                newest = Some(world.add(kind, &ahead, 301, 50, 1_000));
            }
        };
        let paused = paused_in_an_hour(again, &ours, &[]);
        println!("new ids, {kind:?}: {paused} ms");
        assert!((least..=twentieth).contains(&paused), "{kind:?}: {paused} ms");
    }
}

#[test]
fn an_honest_long_sync_pauses_all_the_time() {
    let served = served(5_000);
    let world = time_of_sync(&served, 5_000, 40, &[Kind::Honest; 2]);
    assert!(world.time > 20_000, "{} ms", world.time);
    assert!(world.paused + 1_500 >= world.time, "paused for {} of {} ms", world.paused, world.time);
}

#[test]
fn whatever_goes_wrong_the_sync_ends_with_the_best_honest_chain() {
    let first: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let count: u64 = std::env::var("SEEDS").ok().and_then(|count| count.parse().ok()).unwrap_or(15);
    let ours = {
        let mut branch = Branch::grown(&network(), 5, 100);
        branch.grow(6, 60);
        branch
    };
    let theirs = {
        let mut branch = Branch::new(&network());
        branch.headers.extend_from_slice(&ours.headers[1..=100]);
        branch.blocks.extend_from_slice(&ours.blocks[..100]);
        branch.grow(7, 700);
        branch
    };
    let (ours, theirs) = (Served::new(ours), Served::new(theirs));
    for seed in first..first + count {
        println!("seed {seed}: SEED={seed} SEEDS=1");
        let mut world = World::new(&ours, 0, seed);
        world.trace = count == 1;
        // It starts somewhere on the branch that loses.
        let start = world.draw(161) as usize;
        world = World::new(&ours, start, seed);
        world.trace = count == 1;
        let mut height = 500 + world.draw(100) as usize;
        for _ in 0..1 + world.draw(3) {
            let (delay, speed) = (10 + world.draw(300), 1 + world.draw(100));
            world.add(Kind::Honest, &theirs, height, delay, speed);
        }
        let honest = world.peers.len();
        for _ in 0..world.draw(8) {
            let kinds = [&HOSTILE[..], &[Kind::Flee(1_000), Kind::Pruned(300)]].concat();
            let kind = kinds[world.draw(kinds.len() as u64) as usize];
            let (branch, most) = if world.draw(2) == 0 { (&theirs, height) } else { (&ours, 160) };
            let (delay, speed) = (10 + world.draw(300), 1 + world.draw(100));
            world.add(kind, branch, most, delay, speed);
        }
        let percent = [0, 1, 5, 20];
        let mut draw = || percent[world.draw(4) as usize];
        let weather = Weather {
            lost_answers: draw(),
            lost_mail: draw(),
            lost_offers: draw(),
            disconnects: draw(),
            restarts: draw(),
        };
        world.weather = weather;
        let mut grow = |world: &mut World| {
            if world.time.is_multiple_of(10_000) && world.draw(2) == 0 && height < 799 {
                height += 1;
                world.peers[..honest].iter_mut().for_each(|peer| peer.height = height);
                let from = world.draw(honest as u64) as usize;
                world.gossip(from);
            }
        };
        world.run(3 * MINUTE, &mut grow, |_| false);
        world.weather = Weather::default();
        (0..honest).for_each(|peer| world.connect(peer));
        let end = world.time + 10 * MINUTE;
        let done = world.run(end, |_| {}, |world| world.store.tip().unwrap() == theirs.tip(world.peers[0].height));
        assert!(done, "seed {seed}, {weather:?}: after ten quiet minutes it is {:?}", world.syncer.state());
        // The liars are found out one after another. Who claims more and says nothing is asked again and again, which
        // pauses nothing.
        let tip = theirs.tip(world.peers[0].height);
        let calm = |world: &World| world.store.tip().unwrap() == tip && !world.syncer.is_syncing();
        assert!(world.run(end + 60 * MINUTE, |_| {}, calm), "seed {seed}: it is {:?}", world.syncer.state());
    }
}

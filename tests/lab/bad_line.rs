//! A newcomer whose line is bad gets the chain all the same.

use std::fs;
use std::slice::from_ref;
use std::time::{Duration, Instant};

use ledger::Block;

use crate::harness::forge::TRADERS;
use crate::harness::{Net, Node, Schedule, forge, height, long};
use crate::lab::Lab;
use crate::switch::Line;

/// A line is away so long: questions under way fail, connections do not.
const CUT: Duration = Duration::from_secs(8);
/// A line is so bad for so long that connections fail on it.
const BAD: Duration = Duration::from_secs(480);

/// A network that began `blocks` ago.
fn old_network(blocks: u64) -> Net {
    Net::with(|spec| {
        spec.genesis_time_ms -= (blocks + 4) * spec.spacing_ms;
        spec.first_target = ledger::CompactTarget(0x1f01_ffff);
        spec.easiest_target = ledger::CompactTarget(0x1f01_ffff);
    })
}

/// Two nodes with so many blocks and a newcomer that knows the first, not started; all trade in each block.
fn newcomer(lab: &mut Lab, blocks: u64) -> [Node; 3] {
    let nodes = ["alice", "bob", "carol"].map(|name| lab.node(name));
    let [alice, bob, carol] = &nodes;
    forge::history(&lab.net, alice, blocks);
    forge::copy(alice, bob);
    alice.start();
    bob.knows(alice).start();
    carol.knows(alice);
    nodes
}

fn syncs(lab: &Lab, [alice, bob, carol]: &[Node; 3], blocks: u64, line: Line, deadline_s: u64) {
    lab.line(from_ref(carol), &[alice.clone(), bob.clone()], Some(line));
    let began = Instant::now();
    carol.start().until_within(deadline_s, height(blocks));
    println!("{blocks} blocks over {line:?} in {:.1?}", began.elapsed());
    lab.report(began);
    assert!(lab.net.verify(carol).contains(&whole(blocks)));
}

/// What a look at a data directory says of all these blocks.
fn whole(blocks: u64) -> String {
    format!("{blocks} blocks, {} transactions", blocks * TRADERS.count() as u64)
}

#[test]
fn a_newcomer_on_a_line_that_loses_packets_gets_the_chain() {
    let blocks = if long() { 500 } else { 150 };
    let Some(mut lab) = Lab::open(old_network(blocks)) else { return };
    let nodes = newcomer(&mut lab, blocks);
    syncs(&lab, &nodes, blocks, Line::bad(100, 2), 180);
}

#[test]
fn a_newcomer_on_a_slow_line_gets_the_chain() {
    let blocks = if long() { 500 } else { 250 };
    let Some(mut lab) = Lab::open(old_network(blocks)) else { return };
    let nodes = newcomer(&mut lab, blocks);
    // 0.4 MB take 12 s on it.
    let line = Line::Up { delay: Duration::from_millis(30), loss: 0, twice: 0, rate: Some(32_000) };
    syncs(&lab, &nodes, blocks, line, 200);
}

#[test]
fn a_newcomer_whose_line_goes_and_comes_gets_the_chain() {
    let (blocks, cuts) = (1_000, if long() { 3 } else { 2 });
    let Some(mut lab) = Lab::open(old_network(blocks)) else { return };
    let nodes = newcomer(&mut lab, blocks);
    let [alice, bob, carol] = &nodes;
    let (hers, rest) = (from_ref(carol), [alice.clone(), bob.clone()]);
    // Slow enough to be cut while blocks are under way.
    let line = Line::Up { delay: Duration::from_millis(30), loss: 0, twice: 0, rate: Some(150_000) };
    lab.line(hers, &rest, Some(line));
    carol.start();
    let began = Instant::now();
    for cut in 0..cuts {
        carol.until_within(120, height(1 + cut * 250));
        lab.line(hers, &rest, Some(Line::Cut));
        Schedule::start().at(CUT);
        lab.line(hers, &rest, Some(line));
    }
    carol.until_within(120, height(blocks));
    println!("{blocks} blocks over a line that was cut {cuts} times for {CUT:?} in {:.1?}", began.elapsed());
}

/// Nobody was told to leave because of what it did, or refused.
fn nobody_is_blamed(nodes: &[Node]) {
    for node in nodes {
        let log = fs::read_to_string(node.log()).unwrap();
        for blame in ["it misbehaved", "refusing a peer", "refusing an IP address"] {
            assert!(!log.contains(blame), "{}: {blame}", node.name());
        }
    }
}

#[test]
#[ignore = "takes minutes: ./tests/run --long"]
fn p27_behind_1_s_of_delay_and_30_percent_loss_there_is_progress_nobody_is_blamed_and_a_better_line_is_used_at_once() {
    let blocks = 60;
    let Some(mut lab) = Lab::open(old_network(blocks)) else { return };
    let [alice, bob] = ["alice", "bob"].map(|name| lab.node(name));
    let bytes: usize = forge::history(&lab.net, &alice, blocks).blocks.iter().map(Block::size).sum();
    forge::copy(&alice, &bob);
    // Whether one of them has luck with its connections says little.
    let far: Vec<_> = (0..6).map(|number| lab.node(&format!("far{number}"))).collect();
    let all: Vec<_> = [&alice, &bob].into_iter().chain(&far).cloned().collect();
    lab.switch.all(Line::Up { delay: Duration::from_millis(500), loss: 30, twice: 50, rate: None });
    lab.line(from_ref(&alice), from_ref(&bob), Some(Line::GOOD));
    alice.start();
    bob.knows(&alice).start();
    let began = Instant::now();
    for node in &far {
        node.knows(&alice).knows(&bob).start();
    }
    let plain = lab.plain_tcp(&alice, &far[0], BAD);
    let got: Vec<_> = far.iter().map(|node| node.tip().unwrap().height).collect();
    let share = got.iter().sum::<u64>() * (bytes as u64 / blocks) * 100 / (plain * BAD.as_secs() * far.len() as u64);
    println!(
        "after {:.0?}: {got:?} blocks, {share} % of what plain TCP carries: {plain} bytes a second",
        began.elapsed()
    );
    lab.report(began);
    // How much it is differs from run to run, from nothing for some to all for others.
    assert!(got.iter().any(|height| *height > 0), "nobody got anything");
    lab.switch.all(Line::bad(100, 2));
    let better = Instant::now();
    for node in &far {
        node.until_within(60, height(blocks));
    }
    println!("on better lines all have all of them after {:.1?}", better.elapsed());
    nobody_is_blamed(&all);
    for node in &all {
        assert!(lab.net.verify(node).contains(&whole(blocks)));
    }
}

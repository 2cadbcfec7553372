//! A bot farm against the faucet, on virtual time: the real faucet machine, a chain of real transfers under real rules,
//! bots that follow a strategy, and people with browsers. Prints what each got.
//!
//! The whole farm: `cargo test --test farm -- --ignored --nocapture`. A smaller one is part of every test run.

#![allow(clippy::unwrap_used, clippy::panic, reason = "only tests")]

mod bots;
mod chain;
mod people;
mod report;
mod world;

use bots::Strategy;
use report::Outcome;
use world::{Size, World};

/// In every hour at most the budget is paid; people get theirs; and nobody of them is taken for a bot.
fn check(outcome: &Outcome, seed: u64) {
    let why = format!("seed {seed}\n{}\n{outcome}", Outcome::HEADING);
    assert!(outcome.worst_hour <= 1.0, "more than the budget was paid: {why}");
    assert!(outcome.tries >= 100 && outcome.in_time * 100 >= outcome.tries * 95, "people were not paid in time: {why}");
    assert_eq!(outcome.people_flagged, 0, "people were taken for bots: {why}");
}

fn run(size: Size) {
    let seed = std::env::var("BARRELEYE_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(2_026);
    println!("seed {seed}; {size}");
    println!("{}", Outcome::HEADING);
    let outcomes: Vec<_> = Strategy::ALL.iter().map(|strategy| World::new(size, *strategy, seed).run()).collect();
    for outcome in &outcomes {
        println!("{outcome}");
    }
    for outcome in &outcomes {
        check(outcome, seed);
    }
    let by = |strategy| outcomes.iter().find(|outcome| outcome.strategy == strategy).unwrap();
    // A farm that brings its coins together is found: each of its ranges gets something until three of its addresses
    // are known, and then nothing.
    let kept = by(Strategy::Keeps);
    for gathering in [Strategy::OneCollector, Strategy::Layers, Strategy::FreshAccounts] {
        let gathered = by(gathering);
        assert!(gathered.collectors > 0, "seed {seed}: {gathered}");
        assert!(gathered.bots_late * 3 < kept.bots_late, "seed {seed}:\n{gathered}\n{kept}");
    }
}

#[test]
fn a_small_bot_farm_takes_at_most_the_budget_and_people_are_paid_within_two_minutes() {
    run(Size { bots: 1_000, prefixes: 50, people: 50, hours: 4 });
}

#[test]
#[ignore = "takes a minute: ./tests/run --long"]
fn ten_thousand_bots_of_500_prefixes_take_at_most_the_budget_and_people_are_paid_within_two_minutes() {
    run(Size { bots: 10_000, prefixes: 500, people: 50, hours: 6 });
}

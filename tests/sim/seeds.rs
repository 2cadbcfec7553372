//! Runs something for many seeds, on all cores, and says how to run a seed that fails again.

use std::any::type_name;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The seeds that are asked for by `BARRELEYE_SEED=n` or `BARRELEYE_SEEDS`: `n` for the first n, `n..m` for those from n
/// on and below m.
fn wanted() -> Option<Range<u64>> {
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("{text} is not the number of a seed"));
    if let Ok(seed) = std::env::var("BARRELEYE_SEED") {
        return Some(number(&seed)..number(&seed) + 1);
    }
    let seeds = std::env::var("BARRELEYE_SEEDS").ok()?;
    Some(seeds.split_once("..").map_or_else(|| 0..number(&seeds), |(from, to)| number(from)..number(to)))
}

/// Runs the first `few` seeds, or those that are wanted, of which `many` at most.
/// Gives what each run gave; a test whose closure this is fails with the seeds that failed.
pub fn for_seeds<T: Send, F>(few: u64, many: u64, run: F) -> Vec<T>
where
    F: Fn(u64) -> Result<T, String> + Sync,
{
    let many = usize::try_from(many).unwrap_or(usize::MAX);
    let seeds: Vec<_> = wanted().unwrap_or(0..few).take(many).collect();
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from).min(seeds.len()) {
            scope.spawn(|| {
                while let Some(&seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = catch_unwind(AssertUnwindSafe(|| run(seed)));
                    let result = result.unwrap_or_else(|_| Err("it panicked, see above".into()));
                    if let Err(why) = &result {
                        eprintln!("seed {seed}: {why}");
                    }
                    results.lock().unwrap().push((seed, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort_by_key(|(seed, _)| *seed);
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for (seed, result) in results {
        match result {
            Ok(value) => good.push(value),
            Err(why) => bad.push(format!("seed {seed}: {why}\n  {}", again(type_name::<F>(), seed))),
        }
    }
    assert!(bad.is_empty(), "{} of {} seeds failed\n{}", bad.len(), seeds.len(), bad.join("\n"));
    good
}

/// The command that runs the test of this closure again with this seed.
fn again(closure: &str, seed: u64) -> String {
    let test = closure.split_once("::").map_or(closure, |(_, test)| test).trim_end_matches("::{{closure}}");
    format!("again with: BARRELEYE_SEED={seed} cargo test -p barreleye-simulation {test} -- --exact --include-ignored")
}

#[test]
fn a_seed_that_fails_is_named_with_the_command_that_runs_it_again() {
    let outcome = catch_unwind(|| {
        for_seeds(3, 3, |seed| if wanted().is_none() && seed == 1 { Err("why".into()) } else { Ok(()) })
    });
    if wanted().is_some() {
        return;
    }
    let said = *outcome.unwrap_err().downcast::<String>().unwrap();
    assert!(said.starts_with("1 of 3 seeds failed\nseed 1: why\n"), "{said}");
    let command = "BARRELEYE_SEED=1 cargo test -p barreleye-simulation \
                   seeds::a_seed_that_fails_is_named_with_the_command_that_runs_it_again -- --exact";
    assert!(said.contains(command), "{said}");
}

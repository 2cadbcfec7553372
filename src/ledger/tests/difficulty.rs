//! Rule D: golden values of the integer rule, and a simulation of miners under it (cases B26 and B27).
//!
//! Only the time to find a block is drawn at random, from a generator with a fixed seed; the rule under test is the
//! integer rule of the ledger. A failure names its seed.

#![allow(clippy::unwrap_used, reason = "only tests")]

use ledger::{CompactTarget, NetworkSpec, difficulty};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const MINUTE: u64 = 60_000;
const SEEDS: std::ops::Range<u64> = 0..200;

fn main_spec() -> NetworkSpec {
    NetworkSpec::built_in("main").unwrap()
}

/// Miners with a hash rate, and the target that rule D gives them.
struct Miners {
    spec: NetworkSpec,
    target: CompactTarget,
    hashes_per_ms: f64,
    rng: ChaCha8Rng,
}

impl Miners {
    /// The network `main` at the hash rate for which its first target means one block in each spacing.
    fn settled(seed: u64) -> Self {
        Self::settled_on("main", seed)
    }

    /// The same on another network.
    fn settled_on(name: &str, seed: u64) -> Self {
        let spec = NetworkSpec::built_in(name).unwrap();
        let target = spec.first_target;
        let hashes_per_ms = target.work().unwrap().to_f64() / spec.spacing_ms as f64;
        let mut miners = Self { spec, target, hashes_per_ms, rng: ChaCha8Rng::seed_from_u64(seed) };
        for _ in 0..500 {
            miners.next_block(0);
        }
        miners
    }

    /// The time that the target asks for on average, in milliseconds.
    fn expected_ms(&self) -> f64 {
        self.target.work().unwrap().to_f64() / self.hashes_per_ms
    }

    /// Finds a block after `silence_ms` without any miner; gives the time since the last block.
    fn next_block(&mut self, silence_ms: u64) -> u64 {
        let luck = -(1.0 - self.rng.random::<f64>()).ln();
        let solve_ms = silence_ms + ((luck * self.expected_ms()) as u64).max(1);
        self.target = difficulty::adjust(&self.spec, self.target, solve_ms);
        solve_ms
    }
}

#[test]
fn b27_after_a_day_of_silence_the_next_ten_minutes_bring_at_most_80_blocks() {
    let mut sum = 0;
    for seed in SEEDS {
        let mut miners = Miners::settled(seed);
        miners.next_block(24 * 60 * MINUTE);
        let (mut blocks, mut time) = (0, 0);
        loop {
            time += miners.next_block(0);
            if time > 10 * MINUTE {
                break;
            }
            blocks += 1;
        }
        assert!(blocks <= 110, "seed {seed}: {blocks} blocks in ten minutes is beyond luck");
        sum += blocks;
    }
    let mean = sum as f64 / SEEDS.count() as f64;
    assert!((60.0..=80.0).contains(&mean), "{mean} blocks on average");
}

#[test]
fn b27_with_a_tenth_of_the_hash_rate_blocks_come_every_two_spacings_within_an_hour() {
    let mut sum = 0;
    for seed in SEEDS {
        let mut miners = Miners::settled(seed);
        miners.hashes_per_ms /= 10.0;
        assert!(miners.expected_ms() > 7.0 * miners.spec.spacing_ms as f64, "seed {seed}: nothing to recover from");
        let mut time = 0;
        while miners.expected_ms() > 2.0 * miners.spec.spacing_ms as f64 {
            time += miners.next_block(0);
        }
        assert!(time <= 60 * MINUTE, "seed {seed}: {} min", time / MINUTE);
        sum += time;
    }
    let mean = sum as f64 / SEEDS.count() as f64 / MINUTE as f64;
    assert!((20.0..=40.0).contains(&mean), "{mean} min on average");
}

#[test]
fn b27_ten_times_the_hash_rate_is_followed_within_an_hour_too() {
    for seed in SEEDS {
        let mut miners = Miners::settled(seed);
        miners.hashes_per_ms *= 10.0;
        let mut time = 0;
        while miners.expected_ms() < 0.8 * miners.spec.spacing_ms as f64 {
            time += miners.next_block(0);
        }
        assert!(time <= 60 * MINUTE, "seed {seed}: {} min", time / MINUTE);
    }
}

/// Half a percent: 10.00 ± 0.05 s on `main`. Without the term T²/2H of the rule it would be 10.083 s.
#[test]
fn b27_the_mean_interval_is_the_spacing_to_half_a_percent() {
    for (name, seed) in (0..8).flat_map(|seed| [("main", seed), ("dev", seed)]) {
        let mut miners = Miners::settled_on(name, seed);
        let (spacing, blocks) = (miners.spec.spacing_ms as f64, 200_000);
        let total: u64 = (0..blocks).map(|_| miners.next_block(0)).sum();
        let mean = total as f64 / f64::from(blocks);
        assert!((mean - spacing).abs() <= 0.005 * spacing, "{name}, seed {seed}: {mean} ms, expected {spacing} ms");
    }
}

/// Target, time of the last block in milliseconds, next target: on the network `main`, computed apart from this code.
const GOLDEN: &[(u32, u64, u32)] = &[
    // Where the target stays: at 9 917 ms, the spacing less 10 000² / 1 200 000 = 83.33 ms, rounded down to 83. One
    // step below it costs a unit; what one above it gains is often rounded off.
    (0x1e00_ffff, 9_916, 0x1e00_fffe),
    (0x1e00_ffff, 9_917, 0x1e00_ffff),
    (0x1e00_ffff, 9_918, 0x1e00_ffff),
    (0x0312_d687, 9_916, 0x0312_d684),
    (0x0312_d687, 9_917, 0x0312_d687),
    (0x0312_d687, 9_918, 0x0312_d689),
    // At the spacing.
    (0x1e00_ffff, 9_999, 0x1e01_0007),
    (0x1e00_ffff, 10_000, 0x1e01_0008),
    (0x0312_d687, 9_999, 0x0312_d72f),
    (0x0312_d687, 10_001, 0x0312_d733),
    (0x1d00_d794, 59_999, 0x1d00_e992),
    // The clamp: 12 spacings count, more does not.
    (0x1e00_ffff, 119_999, 0x1e01_2ef6),
    (0x1d00_d794, 120_000, 0x1d00_ff21),
    (0x1d00_d794, 120_001, 0x1d00_ff21),
    (0x1d00_d794, u64::MAX, 0x1d00_ff21),
    (0x0312_d687, 119_999, 0x0316_4b51),
    (0x0312_d687, 120_000, 0x0316_4b53),
    (0x0312_d687, 120_001, 0x0316_4b53),
    // The fastest block.
    (0x1e00_ffff, 0, 0x1e00_fbc3),
    (0x1e0f_ffff, 1, 0x1e0f_bc4d),
    (0x0312_d687, 1, 0x0312_86d3),
    // The easiest target is never left upwards, and reached exactly.
    (0x1e0f_ffff, 9_918, 0x1e0f_ffff),
    (0x1e0f_ffff, u64::MAX, 0x1e0f_ffff),
    (0x1e0e_eeee, 9_918, 0x1e0e_eeef),
    (0x1e0e_eeee, 59_999, 0x1e0f_ffff),
    (0x1e0f_ffff, 9_916, 0x1e0f_fffd),
    // Across a change of the exponent, in both directions.
    (0x1e00_8000, 9_916, 0x1d7f_fff2),
    (0x1e00_8000, 0, 0x1d7d_e266),
    (0x017f_0000, 59_999, 0x0200_8900),
    (0x0200_8000, 9_916, 0x017f_0000),
    // The hardest target is 1 and not 0.
    (0x0101_0000, 0, 0x0101_0000),
    (0x0101_0000, u64::MAX, 0x0101_0000),
    (0x013c_0000, 0, 0x013b_0000),
    (0x013c_0000, 119_916, 0x0146_0000),
    (0x013c_0000, 119_917, 0x0147_0000),
];

#[test]
fn b26_the_rule_gives_the_golden_values_bit_by_bit() {
    let spec = main_spec();
    for &(target, solve_ms, next) in GOLDEN {
        let got = difficulty::adjust(&spec, CompactTarget(target), solve_ms);
        assert_eq!(got, CompactTarget(next), "{target:08x} after {solve_ms} ms");
    }
}

/// The target after 1, 10, 100 … 100 000 blocks whose times come from a linear congruential generator.
fn long_run(network: &str) -> Vec<u32> {
    let spec = NetworkSpec::built_in(network).unwrap();
    let (mut x, mut target, mut seen) = (1u64, spec.first_target, Vec::new());
    for block in 1..=100_000u32 {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        target = difficulty::adjust(&spec, target, 1 + (x >> 33) % (2 * spec.spacing_ms));
        if block == 10u32.pow(block.ilog10()) {
            seen.push(target.0);
        }
    }
    seen
}

#[test]
fn b26_a_hundred_thousand_blocks_end_on_the_golden_target() {
    assert_eq!(long_run("main"), [0x1e01_0211, 0x1e01_015f, 0x1e00_f561, 0x1e00_bbd0, 0x1e03_0383, 0x1e07_0dcb]);
    assert_eq!(long_run("dev"), [0x1e1f_e25e, 0x1e1f_5852, 0x1e23_9840, 0x1e24_9129, 0x1e3f_180e, 0x1e68_6aba]);
}

#[test]
fn b26_on_regtest_the_target_never_leaves_the_easiest() {
    let spec = NetworkSpec::built_in("regtest").unwrap();
    for solve_ms in (1..=100).chain([u64::MAX]) {
        assert_eq!(difficulty::adjust(&spec, spec.easiest_target, solve_ms), spec.easiest_target, "{solve_ms} ms");
    }
}

#[test]
fn b26_a_response_of_one_spacing_still_follows_the_last_block() {
    // Nothing but half of the spacing, T²/2H, and the time of the last block is left of the rule.
    let spec = NetworkSpec { spacing_ms: 1_001, response_ms: 1_001, ..main_spec() };
    for (solve_ms, next) in [(0, 0x1d7f_dec3), (1, 0x1e00_8020), (501, 0x1e00_ffff), (u64::MAX, 0x1e0c_7fd2)] {
        let got = difficulty::adjust(&spec, CompactTarget(0x1e00_ffff), solve_ms);
        assert_eq!(got, CompactTarget(next), "after {solve_ms} ms");
    }
}

#[test]
fn b26_the_largest_numbers_that_a_network_may_have_do_not_overflow() {
    let easiest = CompactTarget(0x2100_ffff);
    let spec = NetworkSpec {
        first_target: easiest,
        easiest_target: easiest,
        spacing_ms: u64::MAX,
        response_ms: u64::MAX,
        ..main_spec()
    };
    assert_eq!(difficulty::adjust(&spec, easiest, u64::MAX), easiest);
    assert_eq!(difficulty::adjust(&spec, easiest, 1 << 63), easiest);
    assert_eq!(difficulty::adjust(&spec, easiest, 1 << 62), CompactTarget(0x2100_bfff));
    assert_eq!(difficulty::adjust(&spec, easiest, 0), CompactTarget(0x207f_ff7f));
}

#[test]
fn b26_the_clamp_is_above_the_future_limit_of_every_network_that_mines_by_itself() {
    for name in ["main", "test", "dev"] {
        let network = ledger::Network::built_in(name).unwrap();
        assert!(difficulty::CLAMP_SPACINGS * network.spec.spacing_ms > network.future_limit_ms(), "{name}");
    }
}

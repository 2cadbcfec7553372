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
    /// The network `main` at the hash rate for which `target` means one block in each spacing.
    fn settled(seed: u64) -> Self {
        let spec = main_spec();
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

/// Case B27 asks for 10.00 ± 0.05 s. The rule as it is written cannot give that: the target follows the luck of the
/// last blocks, and the mean of 1 / target is above 1 / mean. For exponential times that is T · (1 + T / 2H), 10.083 s,
/// and a little more for the bits that a compact target drops.
#[test]
fn b27_the_mean_interval_is_the_spacing_and_its_share_of_the_response_time() {
    for seed in 0..8 {
        let mut miners = Miners::settled(seed);
        let (spacing, response) = (miners.spec.spacing_ms as f64, miners.spec.response_ms as f64);
        let blocks = 500_000;
        let total: u64 = (0..blocks).map(|_| miners.next_block(0)).sum();
        let mean = total as f64 / f64::from(blocks);
        let expected = spacing * (1.0 + spacing / (2.0 * response));
        assert!((mean - expected).abs() < 0.02 * 1000.0, "seed {seed}: {mean} ms, expected {expected} ms");
    }
}

/// Target, time of the last block in milliseconds, next target: on the network `main`, computed apart from this code.
const GOLDEN: &[(u32, u64, u32)] = &[
    // Around the spacing: rounded down, so one step below it costs a unit and one above it gains nothing.
    (0x1e00_ffff, 9_999, 0x1e00_fffe),
    (0x1e00_ffff, 10_000, 0x1e00_ffff),
    (0x1e00_ffff, 10_001, 0x1e00_ffff),
    (0x1d00_d794, 59_999, 0x1d00_e98a),
    (0x0312_d687, 9_999, 0x0312_d684),
    (0x0312_d687, 10_001, 0x0312_d689),
    // The clamp: 12 spacings count, more does not.
    (0x1e00_ffff, 119_999, 0x1e01_2eed),
    (0x1d00_d794, 120_000, 0x1d00_ff19),
    (0x1d00_d794, 120_001, 0x1d00_ff19),
    (0x1d00_d794, u64::MAX, 0x1d00_ff19),
    (0x0312_d687, 119_999, 0x0316_4aa6),
    (0x0312_d687, 120_000, 0x0316_4aa8),
    (0x0312_d687, 120_001, 0x0316_4aa8),
    // The fastest block.
    (0x1e00_ffff, 0, 0x1e00_fbba),
    (0x1e0f_ffff, 1, 0x1e0f_bbbc),
    (0x0312_d687, 1, 0x0312_8628),
    // The easiest target is never left upwards, and reached exactly.
    (0x1e0f_ffff, 10_001, 0x1e0f_ffff),
    (0x1e0f_ffff, u64::MAX, 0x1e0f_ffff),
    (0x1e0e_eeee, 10_001, 0x1e0e_eeef),
    (0x1e0e_eeee, 59_999, 0x1e0f_ffff),
    (0x1e0f_ffff, 9_999, 0x1e0f_fffd),
    // Across a change of the exponent, in both directions.
    (0x1e00_8000, 9_999, 0x1d7f_fff2),
    (0x1e00_8000, 0, 0x1d7d_dddd),
    (0x017f_0000, 59_999, 0x0200_8900),
    (0x0200_8000, 9_999, 0x017f_0000),
    // The hardest target is 1 and not 0.
    (0x0101_0000, 0, 0x0101_0000),
    (0x0101_0000, u64::MAX, 0x0101_0000),
    (0x013c_0000, 0, 0x013b_0000),
    (0x013c_0000, 119_999, 0x0146_0000),
    (0x013c_0000, 120_000, 0x0147_0000),
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
    assert_eq!(long_run("main"), [0x1e01_0208, 0x1e01_0104, 0x1e00_f202, 0x1e00_a37d, 0x1e00_ba5a, 0x1d22_fb5c]);
    assert_eq!(long_run("dev"), [0x1e1f_e146, 0x1e1f_4d99, 0x1e23_1fa4, 0x1e20_006e, 0x1e10_a048, 0x1e21_21e1]);
}

#[test]
fn b26_on_regtest_the_target_never_leaves_the_easiest() {
    let spec = NetworkSpec::built_in("regtest").unwrap();
    for solve_ms in [1, 2, 12, 13, u64::MAX] {
        assert_eq!(difficulty::adjust(&spec, spec.easiest_target, solve_ms), spec.easiest_target, "{solve_ms} ms");
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
    assert_eq!(difficulty::adjust(&spec, easiest, 1 << 63), CompactTarget(0x207f_ff80));
}

#[test]
fn b26_the_clamp_is_above_the_future_limit_of_every_network_that_mines_by_itself() {
    for name in ["main", "test", "dev"] {
        let network = ledger::Network::built_in(name).unwrap();
        assert!(difficulty::CLAMP_SPACINGS * network.spec.spacing_ms > network.future_limit_ms(), "{name}");
    }
}

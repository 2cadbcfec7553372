//! What a simulated network is like, given or drawn from a seed.

use std::sync::Arc;

use ledger::{Amount, CompactTarget, Network, NetworkSpec, OpeningBalance, SecretKey};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::links::Weather;

/// When the world begins, unix milliseconds.
pub const START: u64 = 1_800_000_000_000;
pub const SECOND: u64 = 1_000;
pub const MINUTE: u64 = 60 * SECOND;
pub const HOUR: u64 = 60 * MINUTE;
/// People with coins.
pub const PEOPLE: u8 = 8;
/// Hashes that the first target takes on average. The easiest takes 2, so a quarter of the miners still keep the pace.
pub const HASHES: u64 = 8;

/// What a network is like.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub nodes: usize,
    /// Outbound peers that each wants.
    pub wanted: usize,
    /// Inbound peers that each takes.
    pub max_inbound: usize,
    /// Nodes that are in everybody's configuration: the first ones.
    pub bootstrap: usize,
    /// Nodes start within this time,
    pub start_ms: u64,
    /// but this share of them up to ten minutes later.
    pub late: f64,
    /// T.
    pub spacing_ms: u64,
    pub tick_ms: u64,
    /// Clocks are wrong by up to so much, either way.
    pub clock_error_ms: i64,
    /// The shortest and the longest link.
    pub distances_ms: (u64, u64),
    /// Mean time that a node takes to check a block.
    pub check_ms: f64,
    /// Each so-many-th piece of mail to discovery is lost while things go wrong; 0 for none.
    pub loses_each: u64,
    /// Weather while things go wrong.
    pub weather: Weather,
    /// Crashes in an hour, of each node.
    pub crashes: f64,
    /// Partitions in an hour.
    pub partitions: f64,
    /// The longest partition.
    pub partition_ms: u64,
}

impl Plan {
    /// A small network where nothing goes wrong by itself.
    pub fn calm(nodes: usize) -> Self {
        Self {
            nodes,
            wanted: 8,
            max_inbound: 24,
            bootstrap: 1,
            start_ms: 5 * SECOND,
            late: 0.0,
            spacing_ms: 10 * SECOND,
            tick_ms: 500,
            clock_error_ms: 500,
            distances_ms: (2, 200),
            check_ms: 5.0,
            loses_each: 0,
            weather: Weather::FAIR,
            crashes: 0.0,
            partitions: 0.0,
            partition_ms: 0,
        }
    }

    /// A network of 5 to 50 nodes with all that may go wrong. Small ones are more frequent: they are as good at
    /// finding faults, and cheaper.
    pub fn drawn(rng: &mut ChaCha8Rng) -> Self {
        let nodes = 5 + (46.0 * rng.random::<f64>().powi(2)) as usize;
        Self {
            // Where everybody is connected to everybody else, some faults do not show.
            wanted: rng.random_range(2..=8).min(nodes - 1),
            // The first nodes cannot take all the others.
            max_inbound: rng.random_range(8..=24),
            bootstrap: rng.random_range(1..=2),
            late: rng.random_range(0.0..0.3),
            loses_each: 20,
            // Up to 34 s apart, where a block is from the future at 30.
            clock_error_ms: rng.random_range(0..=17_000),
            weather: Weather {
                loss: rng.random_range(0.0..0.3),
                replay: rng.random_range(0.0..0.5),
                delay_ms: rng.random_range(0..1_000),
            },
            crashes: rng.random_range(0.0..15.0),
            partitions: rng.random_range(0.0..30.0),
            // Few are long: an hour of virtual time costs as much as six other seeds.
            partition_ms: if rng.random_bool(0.05) { HOUR } else { 3 * MINUTE },
            ..Self::calm(nodes)
        }
    }

    /// The network's numbers.
    pub fn network(&self) -> Arc<Network> {
        let opening = |n| OpeningBalance { address: person(n).address(), amount: Amount::barrels(1_000).unwrap() };
        let spec = NetworkSpec {
            name: "simulation".into(),
            genesis_time_ms: START - self.spacing_ms,
            first_target: CompactTarget(0x201f_ffff),
            easiest_target: CompactTarget(0x207f_ffff),
            spacing_ms: self.spacing_ms,
            response_ms: 60 * self.spacing_ms,
            balances: (1..=PEOPLE).map(opening).collect(),
            ..NetworkSpec::built_in("regtest").unwrap()
        };
        Arc::new(Network::new(spec).unwrap())
    }
}

/// The key of somebody with coins.
pub fn person(n: u8) -> SecretKey {
    SecretKey::from_bytes([n; 32]).unwrap()
}

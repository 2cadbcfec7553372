//! People with a browser: each comes now and then, does the work that is asked for, and uses what it gets.

use std::net::{IpAddr, Ipv4Addr};

use ledger::{Address, SecretKey};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use crate::chain::key;

/// Hashes a second of a browser's worker, from an old phone to a good desktop, in plain JavaScript.
const HASHES_PER_S: [f64; 2] = [50_000.0, 400_000.0];
/// Milliseconds for each request over a slow line.
const LATENCY_MS: u64 = 300;
/// One in so many lives in an address range that the farm uses too, and there the farm is nearly always first.
const NEIGHBOUR: u64 = 50;

pub struct Person {
    pub client: IpAddr,
    pub key: SecretKey,
    pub address: Address,
    hashes_per_s: f64,
    /// What it does with its coins.
    pub habit: Habit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// Keeps them.
    Keeps,
    /// Buys something for half of them, at the shop where all buy.
    Buys,
    /// Gives all of them to a friend.
    GivesAll,
}

impl Person {
    pub fn new(number: u64, rng: &mut ChaCha8Rng) -> Self {
        let client = match number % NEIGHBOUR {
            // Prefix 0 of the farm, which has not so many addresses.
            7 => Ipv4Addr::new(45, 0, 0, 200 + number as u8 % 50),
            _ => Ipv4Addr::new(81, number as u8, rng.random(), rng.random()),
        };
        let habit = match number % 3 {
            0 => Habit::Keeps,
            1 => Habit::Buys,
            _ => Habit::GivesAll,
        };
        let key = key(8, number);
        let hashes_per_s = rng.random_range(HASHES_PER_S[0]..HASHES_PER_S[1]);
        Self { client: client.into(), address: key.address(), key, hashes_per_s, habit }
    }

    pub fn shop() -> Address {
        key(9, 0).address()
    }

    pub fn friend(number: u64) -> Address {
        key(10, number).address()
    }

    /// Milliseconds from asking for a challenge to claiming with its solution: tries are many and independent.
    pub fn works_ms(&self, bits: u8, rng: &mut impl Rng) -> u64 {
        let hashes = match bits {
            0 => 0.0,
            bits => -(1.0 - rng.random::<f64>()).ln() * f64::from(bits).exp2(),
        };
        2 * LATENCY_MS + (hashes / self.hashes_per_s * 1_000.0) as u64
    }
}

//! Where nodes announce themselves and look for others: what Kademlia comes to, without its routing.
//!
//! A record lives with those who are closest to the key, so it dies with them, and nobody sees over a partition.

use std::collections::BTreeMap;

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Nodes that keep a record.
const HOLDERS: usize = 20;
/// Of these so many are asked.
const ASKED: usize = 3;
/// Records that one node keeps, and gives in one answer.
const MAX_PROVIDERS: usize = 64;
/// How long a record is kept.
const TTL_MS: u64 = 20 * 60_000;

/// Who holds which records.
pub struct Rendezvous {
    /// All nodes, the closest to the key first.
    closest: Vec<usize>,
    /// Nodes that announced themselves at each node, and until when that is believed.
    held: Vec<BTreeMap<usize, u64>>,
}

impl Rendezvous {
    pub fn new(nodes: usize, rng: &mut ChaCha8Rng) -> Self {
        let mut closest: Vec<_> = (0..nodes).collect();
        closest.shuffle(rng);
        Self { closest, held: vec![BTreeMap::new(); nodes] }
    }

    /// A node stopped: what it held is gone.
    pub fn stopped(&mut self, node: usize) {
        self.held[node].clear();
    }

    /// `who` announces itself to the closest of those it `reaches`.
    pub fn announce(&mut self, who: usize, time: u64, reaches: impl Fn(usize) -> bool) {
        for holder in self.closest.iter().copied().filter(|node| reaches(*node)).take(HOLDERS) {
            let held = &mut self.held[holder];
            held.retain(|_, until| *until > time);
            if held.len() < MAX_PROVIDERS || held.contains_key(&who) {
                held.insert(who, time + TTL_MS);
            }
        }
    }

    /// Who is announced at some of the closest of those that somebody `reaches`.
    pub fn lookup(&self, time: u64, rng: &mut ChaCha8Rng, reaches: impl Fn(usize) -> bool) -> Vec<usize> {
        let holders: Vec<_> = self.closest.iter().copied().filter(|node| reaches(*node)).take(HOLDERS).collect();
        if holders.is_empty() {
            return Vec::new();
        }
        let asked = (0..ASKED).map(|_| holders[rng.random_range(0..holders.len())]);
        let found = asked.flat_map(|holder| self.held[holder].iter().filter(|(_, until)| **until > time));
        let mut found: Vec<_> = found.map(|(node, _)| *node).collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

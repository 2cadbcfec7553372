//! What lies between the nodes: delay, loss, duplication, partitions.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// All links of a network.
pub struct Links {
    /// Mean delay in milliseconds from one node to another.
    delays: Vec<Vec<f64>>,
    /// Nodes of different groups do not reach one another.
    groups: Vec<usize>,
    /// Whether messages are lost and doubled.
    pub unreliable: bool,
}

/// A gossip message is lost this often, and doubled as often.
const GOSSIP_LOSS: f64 = 0.1;
/// A question or an answer is lost this often.
const QUESTION_LOSS: f64 = 0.03;

impl Links {
    pub fn new(nodes: usize, rng: &mut ChaCha8Rng) -> Self {
        let mut delay = || 2.0 + 200.0 * rng.random::<f64>().powi(3);
        let delays = (0..nodes).map(|_| (0..nodes).map(|_| delay()).collect()).collect();
        Self { delays, groups: vec![0; nodes], unreliable: true }
    }

    pub fn reaches(&self, from: usize, to: usize) -> bool {
        self.groups[from] == self.groups[to]
    }

    pub fn is_whole(&self) -> bool {
        self.groups.iter().all(|group| *group == self.groups[0])
    }

    /// Two groups from now on, by chance.
    pub fn part(&mut self, rng: &mut ChaCha8Rng) {
        for group in &mut self.groups {
            *group = rng.random_range(0..2);
        }
    }

    /// Two groups from now on: the first `first` nodes and the others.
    pub fn part_at(&mut self, first: usize) {
        for (node, group) in self.groups.iter_mut().enumerate() {
            *group = usize::from(node >= first);
        }
    }

    /// One network again.
    pub fn heal(&mut self) {
        self.groups.fill(0);
    }

    /// After how many milliseconds a message arrives: never, once or twice.
    pub fn fate(&self, from: usize, to: usize, gossip: bool, rng: &mut ChaCha8Rng) -> Vec<u64> {
        let loss = if gossip { GOSSIP_LOSS } else { QUESTION_LOSS };
        if !self.reaches(from, to) || (self.unreliable && rng.random_bool(loss)) {
            return Vec::new();
        }
        let mean = self.delays[from][to];
        let mut delay = || 1 + exponential(mean, rng);
        let mut arrivals = vec![delay()];
        if gossip && self.unreliable && delay() % 10 == 0 {
            arrivals.push(delay());
        }
        arrivals
    }
}

/// A waiting time with this mean.
pub fn exponential(mean: f64, rng: &mut ChaCha8Rng) -> u64 {
    (-(1.0 - rng.random::<f64>()).ln() * mean) as u64
}

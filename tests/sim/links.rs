//! What lies between the nodes: distance, loss, duplication, disorder, partitions.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// How badly links behave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weather {
    /// Share of messages that are lost, each way.
    pub loss: f64,
    /// Share of gossip messages that come twice. Questions and answers have a stream of their own, which cannot.
    pub replay: f64,
    /// A message takes up to so much longer than the distance, so that later ones overtake it.
    pub delay_ms: u64,
}

impl Weather {
    /// Nothing is lost, doubled or late.
    pub const FAIR: Self = Self { loss: 0.0, replay: 0.0, delay_ms: 0 };
}

/// All links of a network.
pub struct Links {
    /// Milliseconds from one node to another, the same both ways.
    distances: Vec<Vec<u64>>,
    /// Nodes of different groups do not reach one another.
    groups: Vec<usize>,
    pub weather: Weather,
}

impl Links {
    /// Links whose length is drawn: most are short, few are long.
    pub fn new(nodes: usize, (shortest, longest): (u64, u64), rng: &mut ChaCha8Rng) -> Self {
        let mut distances = vec![vec![0; nodes]; nodes];
        let pairs = (0..nodes).flat_map(|one| (0..one).map(move |other| (one, other)));
        for (one, other) in pairs {
            let ms = shortest + ((longest - shortest) as f64 * rng.random::<f64>().powi(2)) as u64;
            (distances[one][other], distances[other][one]) = (ms, ms);
        }
        Self { distances, groups: vec![0; nodes], weather: Weather::FAIR }
    }

    pub fn reaches(&self, from: usize, to: usize) -> bool {
        self.groups[from] == self.groups[to]
    }

    /// Milliseconds there and back in good weather.
    pub fn round_trip(&self, one: usize, other: usize) -> u64 {
        2 * self.distances[one][other]
    }

    pub fn is_whole(&self) -> bool {
        self.groups.iter().all(|group| *group == self.groups[0])
    }

    /// So many groups from now on, by chance.
    pub fn part(&mut self, groups: usize, rng: &mut ChaCha8Rng) {
        for group in &mut self.groups {
            *group = rng.random_range(0..groups);
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

    /// After how many milliseconds a message arrives, if it does.
    pub fn arrival(&self, from: usize, to: usize, rng: &mut ChaCha8Rng) -> Option<u64> {
        if !self.reaches(from, to) || (self.weather.loss > 0.0 && rng.random_bool(self.weather.loss)) {
            return None;
        }
        Some(1 + self.distances[from][to] + rng.random_range(0..=self.weather.delay_ms))
    }

    /// Whether a message comes a second time.
    pub fn replays(&self, rng: &mut ChaCha8Rng) -> bool {
        self.weather.replay > 0.0 && rng.random_bool(self.weather.replay)
    }
}

/// A waiting time with this mean.
pub fn exponential(mean: f64, rng: &mut ChaCha8Rng) -> u64 {
    (-(1.0 - rng.random::<f64>()).ln() * mean) as u64
}

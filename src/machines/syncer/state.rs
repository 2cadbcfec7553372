//! What the syncer shows of itself: its state for the operator, its progress for people.

use std::fmt;

use serde::Serialize;

use crate::PeerId;

/// What the syncer is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, strum::IntoStaticStr)]
pub enum State {
    /// No peer passed the handshake.
    Alone,
    /// Asked a peer for its tip, to learn whether it has more work.
    Comparing {
        /// The peer.
        peer: PeerId,
        /// When, on the monotonic clock.
        since: u64,
    },
    /// Fetching headers.
    Headers {
        /// Whoever was asked; more than one when the first keeps this node waiting.
        asked: Vec<PeerId>,
        /// Headers so far.
        got: usize,
        /// Height of the peer's tip, as it claims.
        target: u64,
        /// Seconds until all headers are here, if it goes on like this.
        remaining_s: Option<u64>,
    },
    /// Fetching bodies.
    Blocks {
        /// Whose headers they follow.
        peer: PeerId,
        /// Peers that are asked now.
        sources: Vec<PeerId>,
        /// Blocks of this run that the chain has taken.
        done: usize,
        /// Blocks in this run.
        total: usize,
        /// Height of this node's tip.
        height: u64,
        /// Height of the peer's tip.
        target: u64,
        /// Blocks a second in the last half minute.
        per_second: u64,
        /// Seconds until the target is reached, if it goes on like this.
        remaining_s: Option<u64>,
    },
    /// No peer has more work.
    Following,
}

/// How far a sync is, over all its runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// The name of the syncer's state.
    pub phase: &'static str,
    /// Height of this node's tip.
    pub height: u64,
    /// Height that it is to reach; its own when it follows.
    pub target: u64,
    /// Headers or blocks of this sync that are here.
    pub done: u64,
    /// Headers or blocks that this sync is to fetch.
    pub total: u64,
    /// Headers or blocks a second, of late.
    pub per_second: u64,
    /// Seconds that it takes, if it goes on like this; none while nothing moves.
    pub remaining_s: Option<u64>,
    /// Peers that are asked now.
    pub sources: usize,
}

impl Progress {
    /// A node at this height that fetches nothing.
    pub fn resting(phase: &'static str, height: u64) -> Self {
        Self { phase, height, target: height, done: 0, total: 0, per_second: 0, remaining_s: None, sources: 0 }
    }

    /// Whether something is being fetched.
    pub fn is_fetching(&self) -> bool {
        self.total > 0
    }
}

impl fmt::Display for Progress {
    /// For example: `synced 12 000 of 50 000 blocks, 850 a second, 45 s left`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let what = if self.phase == "Headers" { "headers" } else { "blocks" };
        let (done, total, rate) = (grouped(self.done), grouped(self.total), grouped(self.per_second));
        write!(f, "synced {done} of {total} {what}, {rate} a second")?;
        match self.remaining_s {
            Some(seconds) => write!(f, ", {} s left", grouped(seconds)),
            None => write!(f, ", nothing moves"),
        }
    }
}

/// A number in groups of three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let group = |(i, digit): (usize, char)| {
        let space = i > 0 && (digits.len() - i).is_multiple_of(3);
        space.then_some(' ').into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_how_far_it_is_and_how_long_it_takes() {
        let mut progress = Progress {
            done: 12_000,
            total: 1_050_000,
            per_second: 850,
            remaining_s: Some(1_221),
            ..Progress::resting("Blocks", 12_000)
        };
        assert_eq!(progress.to_string(), "synced 12 000 of 1 050 000 blocks, 850 a second, 1 221 s left");
        (progress.phase, progress.remaining_s) = ("Headers", None);
        assert_eq!(progress.to_string(), "synced 12 000 of 1 050 000 headers, 850 a second, nothing moves");
    }
}

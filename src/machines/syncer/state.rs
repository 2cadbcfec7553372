//! What the syncer shows of itself: its state for the operator, its progress for people.

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

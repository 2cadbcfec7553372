//! What the miner is doing, and why it does not mine, as it is shown.

use std::collections::BTreeSet;

use ledger::Height;
use serde::Serialize;

use super::Lease;
use crate::PeerId;

/// Why a miner does not mine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, strum::IntoStaticStr, strum::VariantNames)]
pub enum Reason {
    /// This node is behind its peers.
    Syncing,
    /// Fewer peers than the network wants.
    NoPeers,
    /// The operator said so.
    Operator,
    /// The tip is further ahead of this node's clock than a block may be: the clock was put back, or never set. No peer
    /// can cause that, for such a block is not taken from anybody.
    ClockWrong,
    /// What it finds could not be kept.
    DiskFull,
    /// A peer is served a long sync.
    Serving {
        /// Which.
        peer: PeerId,
        /// When its lease ends without renewal, on the monotonic clock.
        until: u64,
    },
}

impl Reason {
    /// What they are called where they are shown.
    pub const NAMES: &[&str] = <Self as strum::VariantNames>::VARIANTS;
}

/// What the miner is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, strum::IntoStaticStr)]
pub enum State {
    /// This node does not mine.
    Off,
    /// It would, but must not now.
    Paused {
        /// Why, at least one.
        reasons: BTreeSet<Reason>,
        /// Since when, on the monotonic clock.
        since: u64,
    },
    /// Waits for the chain to say what to mine.
    Asking {
        /// Since when, on the monotonic clock.
        since: u64,
    },
    /// Hashes.
    Mining {
        /// Height of the block.
        height: Height,
        /// Transactions in the block.
        transactions: usize,
        /// Since when, on the monotonic clock.
        since: u64,
        /// Hashes a second, of late.
        hash_rate: u64,
        /// Whether peers are served a long sync meanwhile: the budget for pausing is used up.
        despite_leases: bool,
    },
}

/// Figures beside the state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Blocks found since the start.
    pub found: u64,
    /// Leases of peers that are served a long sync.
    pub leases: Vec<Lease>,
    /// For how long they may still hold mining paused.
    pub lease_budget_ms: u64,
}

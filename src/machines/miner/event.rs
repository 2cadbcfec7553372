//! What the miner hears and what it wants done.

use ledger::pow::Search;
use ledger::{PublicKey, Tip};

use super::{Lease, LeaseNews};
use crate::chain::{Mined, Template};

/// Names a job of the hashing thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobId(pub u64);

/// What the miner hears.
#[derive(Debug, strum::IntoStaticStr)]
pub enum Event {
    /// Whether this node is behind its peers.
    Syncing(bool),
    /// Whether the disk is too full to keep a block.
    DiskFull(bool),
    /// How many peers passed the handshake.
    Peers(usize),
    /// The operator pauses or resumes.
    Operator {
        /// Whether to pause.
        pause: bool,
    },
    /// A peer is served a long sync, or no longer.
    Lease {
        /// Which lease.
        lease: Lease,
        /// What becomes of it.
        news: LeaseNews,
    },
    /// What the chain offers to mine.
    Template(Template),
    /// The chain has a new end.
    TipChanged(Tip),
    /// The hashing thread found a nonce.
    Found {
        /// For which job.
        job: JobId,
        /// The nonce.
        nonce: u64,
    },
    /// The hashing thread tried this many nonces.
    Hashed {
        /// How many.
        hashes: u64,
        /// In how many milliseconds.
        ms: u64,
    },
    /// Time passes.
    Tick,
}

/// What the miner wants done.
#[derive(Debug)]
pub enum Effect {
    /// Ask the chain what to mine.
    AskTemplate {
        /// The key that will sign.
        miner: PublicKey,
    },
    /// Hash this instead of anything else.
    Hash {
        /// The job.
        job: JobId,
        /// What to search.
        search: Search,
    },
    /// Do not hash.
    Stop,
    /// Hand a found block to the chain.
    Offer(Mined),
}

//! The miner: whether this node looks for blocks, and for which one.
//!
//! `Off | Paused{reasons} | Mining`. A pause has reasons; it ends when the last one is gone. Decides never how to hash:
//! that is a thread of its own, told by [`Effect::Hash`] and [`Effect::Stop`].

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use ledger::pow::Search;
use ledger::{Block, CheckedTransaction, Header, Height, PublicKey, SecretKey, TargetError, Tip, Transaction};
use serde::Serialize;

use crate::Now;
use crate::chain::Template;

/// How often a job takes in new transactions and a newer time.
const REFRESH_MS: u64 = 1_000;
/// A template that does not come is asked for again after this long.
const TEMPLATE_MS: u64 = 5_000;

/// Why a miner does not mine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Reason {
    /// This node is behind its peers.
    Syncing,
    /// Fewer peers than the network wants.
    NoPeers,
    /// The operator said so.
    Operator,
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
    },
}

/// Names a job of the hashing thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobId(pub u64);

/// What the miner hears.
#[derive(Debug, strum::IntoStaticStr)]
pub enum Event {
    /// Whether this node is behind its peers.
    Syncing(bool),
    /// How many peers passed the handshake.
    Peers(usize),
    /// The operator pauses or resumes.
    Operator {
        /// Whether to pause.
        pause: bool,
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
    Offer(Block),
}

/// What a miner needs to know for good.
#[derive(Debug, Clone)]
pub struct Params {
    /// Whether this node mines at all.
    pub on: bool,
    /// The key that signs blocks and is paid.
    pub key: SecretKey,
    /// Peers that the network wants before a node mines.
    pub peers_to_mine: usize,
}

struct Job {
    id: JobId,
    header: Header,
    transactions: Vec<Arc<CheckedTransaction>>,
    since: u64,
}

/// The miner machine.
pub struct Miner {
    params: Params,
    public: PublicKey,
    state: State,
    reasons: BTreeSet<Reason>,
    job: Option<Job>,
    /// The job that the last refresh replaced: a nonce that was found for it meanwhile is as good.
    before: Option<Job>,
    next_job: u64,
    hash_rate: u64,
    refresh_at: u64,
    found: u64,
}

impl Miner {
    /// A miner that waits for its first tick.
    pub fn new(params: Params) -> Self {
        let mut reasons = BTreeSet::new();
        if params.peers_to_mine > 0 {
            reasons.insert(Reason::NoPeers);
        }
        let state = if !params.on {
            State::Off
        } else if reasons.is_empty() {
            State::Asking { since: 0 }
        } else {
            State::Paused { reasons: reasons.clone(), since: 0 }
        };
        Self {
            public: params.key.public(),
            params,
            state,
            reasons,
            job: None,
            before: None,
            next_job: 0,
            hash_rate: 0,
            refresh_at: 0,
            found: 0,
        }
    }

    /// What it is doing.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Blocks found since the start.
    pub fn found(&self) -> u64 {
        self.found
    }

    /// Handles an event.
    pub fn on(&mut self, now: Now, event: Event) -> Vec<Effect> {
        if self.state == State::Off {
            return Vec::new();
        }
        let mut effects = Vec::new();
        match event {
            Event::Syncing(syncing) => self.reason(Reason::Syncing, syncing, now, &mut effects),
            Event::Peers(ready) => {
                self.reason(Reason::NoPeers, ready < self.params.peers_to_mine, now, &mut effects);
            }
            Event::Operator { pause } => self.reason(Reason::Operator, pause, now, &mut effects),
            Event::TipChanged(_) => self.tip_changed(now, &mut effects),
            Event::Template(template) => self.template(now, template, &mut effects),
            Event::Found { job, nonce } => self.found_nonce(now, job, nonce, &mut effects),
            Event::Hashed { hashes, ms } => {
                self.hash_rate = hashes.saturating_mul(1000) / ms.max(1);
                self.show_job();
            }
            Event::Tick => self.tick(now, &mut effects),
        }
        effects
    }

    fn reason(&mut self, reason: Reason, holds: bool, now: Now, effects: &mut Vec<Effect>) {
        let changed = if holds { self.reasons.insert(reason) } else { self.reasons.remove(&reason) };
        if !changed {
            return;
        }
        if self.reasons.is_empty() {
            self.ask(now, effects);
            return;
        }
        self.before = None;
        if self.job.take().is_some() {
            effects.push(Effect::Stop);
        }
        let since = match &self.state {
            State::Paused { since, .. } => *since,
            _ => now.mono,
        };
        self.state = State::Paused { reasons: self.reasons.clone(), since };
    }

    /// The old job leads nowhere: its thread stops at once, not when the new template comes.
    fn tip_changed(&mut self, now: Now, effects: &mut Vec<Effect>) {
        self.before = None;
        if self.job.take().is_some() {
            effects.push(Effect::Stop);
        }
        if self.reasons.is_empty() {
            self.ask(now, effects);
        }
    }

    fn ask(&mut self, now: Now, effects: &mut Vec<Effect>) {
        self.refresh_at = now.mono + TEMPLATE_MS;
        if self.job.is_none() {
            self.state = State::Asking { since: now.mono };
        }
        effects.push(Effect::AskTemplate { miner: self.public });
    }

    fn template(&mut self, now: Now, template: Template, effects: &mut Vec<Effect>) {
        if !self.reasons.is_empty() {
            return;
        }
        let Template { header, transactions } = template;
        self.refresh_at = now.mono + REFRESH_MS;
        let search = match Search::new(&header) {
            Ok(search) => search,
            // The chain computed this target from valid ones.
            Err(TargetError::Negative | TargetError::Overflow | TargetError::Zero) => return,
        };
        let job = JobId(self.next_job);
        self.next_job += 1;
        self.before = self.job.take_if(|job| job.header.previous == header.previous);
        self.job = Some(Job { id: job, header, transactions, since: now.mono });
        self.show_job();
        effects.push(Effect::Hash { job, search });
    }

    fn show_job(&mut self) {
        if let Some(job) = &self.job {
            self.state = State::Mining {
                height: job.header.height,
                transactions: job.transactions.len(),
                since: job.since,
                hash_rate: self.hash_rate,
            };
        }
    }

    fn found_nonce(&mut self, now: Now, job: JobId, nonce: u64, effects: &mut Vec<Effect>) {
        let current = |known: &mut Job| known.id == job;
        let Some(found) = self.job.take_if(current).or_else(|| self.before.take_if(current)) else { return };
        (self.job, self.before) = (None, None);
        self.found += 1;
        let header = Header { nonce, ..found.header };
        let signature = self.params.key.sign(&header.id().signing_digest());
        let transactions: Vec<Transaction> = found.transactions.iter().map(|tx| tx.transaction().clone()).collect();
        effects.push(Effect::Offer(Block { header, signature, transactions }));
        // The chain answers with a new tip; if it does not, the tick asks.
        self.state = State::Asking { since: now.mono };
        self.refresh_at = now.mono + TEMPLATE_MS;
    }

    fn tick(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if self.reasons.is_empty() && self.refresh_at <= now.mono {
            self.ask(now, effects);
        }
    }
}

//! The miner: whether this node looks for blocks, and for which one.
//!
//! `Off | Paused{reasons} | Asking | Mining`. A pause has reasons; it ends when the last one is gone. A peer that is
//! served a long sync is a reason while its lease lasts, and only within a budget that all peers share. Decides never
//! how to hash: that is a thread of its own, told by [`Effect::Hash`] and [`Effect::Stop`].

mod budget;
mod event;
mod leases;
mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use ledger::pow::Search;
use ledger::{CheckedTransaction, Header, PublicKey, SecretKey, TargetError, Tip};

use self::budget::Budget;
use self::leases::Leases;
use crate::Now;
use crate::chain::{Mined, Template};

pub use self::event::{Effect, Event, JobId};
pub use self::leases::{LEASE_MS, Lease, LeaseNews};
pub use self::state::{Figures, Reason, State};

/// How often a job takes in new transactions and a newer time.
const REFRESH_MS: u64 = 1_000;
/// A template that does not come is asked for again after this long.
const TEMPLATE_MS: u64 = 5_000;

/// What a miner needs to know for good.
#[derive(Debug, Clone)]
pub struct Params {
    /// Whether this node mines at all.
    pub on: bool,
    /// The key that signs blocks and is paid.
    pub key: SecretKey,
    /// Peers that the network wants before a node mines.
    pub peers_to_mine: usize,
    /// How far ahead of this node's clock a block may be (rule B2).
    pub future_limit_ms: u64,
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
    /// Why it must not mine, leases apart.
    own_reasons: BTreeSet<Reason>,
    leases: Leases,
    budget: Budget,
    tip: Tip,
    job: Option<Job>,
    /// The job that the last refresh replaced: a nonce that was found for it meanwhile is as good.
    before: Option<Job>,
    next_job: u64,
    hash_rate: u64,
    refresh_at: u64,
    found: u64,
}

impl Miner {
    /// A miner that waits for its first tick. The chain ends in `tip`.
    pub fn new(params: Params, tip: Tip) -> Self {
        let no_peers = (params.peers_to_mine > 0).then_some(Reason::NoPeers);
        let own_reasons: BTreeSet<_> = no_peers.into_iter().collect();
        let state = if !params.on {
            State::Off
        } else if own_reasons.is_empty() {
            State::Asking { since: 0 }
        } else {
            State::Paused { reasons: own_reasons.clone(), since: 0 }
        };
        Self {
            public: params.key.public(),
            params,
            state,
            own_reasons,
            leases: Leases::default(),
            budget: Budget::new(0),
            tip,
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

    /// Figures for people.
    pub fn figures(&self) -> Figures {
        Figures {
            found: self.found,
            leases: self.leases.held().map(|(lease, _)| lease).collect(),
            lease_budget_ms: self.budget.left_ms(),
        }
    }

    /// Handles an event.
    pub fn on(&mut self, now: Now, event: Event) -> Vec<Effect> {
        if self.state == State::Off {
            return Vec::new();
        }
        self.budget.pass(now.mono, self.is_paused() && self.own_reasons.is_empty());
        self.leases.expire(now.mono);
        let mut effects = Vec::new();
        match event {
            Event::Syncing(syncing) => self.set(Reason::Syncing, syncing),
            Event::Peers(ready) => self.set(Reason::NoPeers, ready < self.params.peers_to_mine),
            Event::DiskFull(full) => self.set(Reason::DiskFull, full),
            Event::Operator { pause } => self.set(Reason::Operator, pause),
            Event::Lease { lease, news } => self.leases.hear(now.mono, lease, news),
            Event::TipChanged(tip) => self.tip_changed(now, tip, &mut effects),
            Event::Template(template) => self.template(now, template, &mut effects),
            Event::Found { job, nonce } => self.found_nonce(now, job, nonce, &mut effects),
            Event::Hashed { hashes, ms } => self.hash_rate = hashes.saturating_mul(1000) / ms.max(1),
            Event::Tick => self.tick(now, &mut effects),
        }
        self.set(Reason::ClockWrong, self.tip.time > now.unix.saturating_add(self.params.future_limit_ms));
        self.weigh(now, &mut effects);
        effects
    }

    fn set(&mut self, reason: Reason, holds: bool) {
        if holds {
            self.own_reasons.insert(reason);
        } else {
            self.own_reasons.remove(&reason);
        }
    }

    fn is_paused(&self) -> bool {
        matches!(self.state, State::Paused { .. })
    }

    /// Everything that speaks against mining now.
    fn reasons(&self) -> BTreeSet<Reason> {
        let mut reasons = self.own_reasons.clone();
        if self.budget.allows() || !reasons.is_empty() {
            reasons.extend(self.leases.held().map(|(Lease { peer, .. }, until)| Reason::Serving { peer, until }));
        }
        reasons
    }

    /// Stops when the first reason comes, asks for work when the last one is gone.
    fn weigh(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let reasons = self.reasons();
        match &self.state {
            State::Paused { .. } if reasons.is_empty() => self.ask(now, effects),
            State::Paused { since, .. } => self.state = State::Paused { reasons, since: *since },
            _ if reasons.is_empty() => self.show_job(),
            _ => {
                self.drop_jobs(effects);
                self.state = State::Paused { reasons, since: now.mono };
            }
        }
    }

    /// What was found for a job from now on is of no use: its thread stops at once.
    fn drop_jobs(&mut self, effects: &mut Vec<Effect>) {
        self.before = None;
        if self.job.take().is_some() {
            effects.push(Effect::Stop);
        }
    }

    /// The old job leads nowhere; it does not go on until the new template comes.
    fn tip_changed(&mut self, now: Now, tip: Tip, effects: &mut Vec<Effect>) {
        self.tip = tip;
        self.drop_jobs(effects);
        if !self.is_paused() {
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
        if self.is_paused() {
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
        effects.push(Effect::Hash { job, search });
    }

    fn show_job(&mut self) {
        if let Some(job) = &self.job {
            self.state = State::Mining {
                height: job.header.height,
                transactions: job.transactions.len(),
                since: job.since,
                hash_rate: self.hash_rate,
                despite_leases: !self.leases.is_empty(),
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
        effects.push(Effect::Offer(Mined { header, signature, transactions: found.transactions }));
        // The chain answers with a new tip; if it does not, the tick asks.
        self.state = State::Asking { since: now.mono };
        self.refresh_at = now.mono + TEMPLATE_MS;
    }

    fn tick(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if !self.is_paused() && self.refresh_at <= now.mono {
            self.ask(now, effects);
        }
    }
}

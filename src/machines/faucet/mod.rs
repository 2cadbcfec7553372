//! The faucet: who is paid, and that everybody is paid exactly once.
//!
//! A claim is reserved with one durable write that holds its limits and the signed payout, before anybody is told
//! (rule C5). From then on the same bytes are handed to the chain until they are confirmed, also over restarts and
//! reorganisations. Decides never whether the payout is valid; that is the chain's.

mod limits;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use ledger::{
    Account, Address, Amount, CheckedTransaction, Height, Network, SecretKey, Tip, Transaction, Transfer, TxId,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use self::limits::Client;
use self::limits::Limits;
use crate::Now;
use crate::chain::TipChanged;

/// Blocks on top of a payout after which it is settled.
pub const SETTLED_DEPTH: Height = 12;
/// Claims that are kept: an hour of more than two a second. Beyond it the faucet says that it is busy.
pub const MAX_CLAIMS: usize = 10_000;
/// A payout that waits is handed to the chain again this often.
const RESEND_MS: u64 = 10_000;
/// What a payout pays its miner, so that a full pool does not keep it.
const FEE: Amount = Amount::drops(10_000);

/// How a faucet pays.
#[derive(Debug, Clone)]
pub struct Params {
    /// Whether there is one.
    pub on: bool,
    /// The key that pays.
    pub key: SecretKey,
    /// What a claim gets.
    pub amount: Amount,
    /// An account with this much gets nothing (rule C2).
    pub balance_limit: Amount,
    /// Time between two claims (rules C1, C2).
    pub interval_ms: u64,
}

/// How far a claim is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// The payout is on its way to a block.
    Reserved,
    /// It is in a block at this height.
    Confirmed(Height),
    /// Another transaction of the paying key used its nonce at about this height. It is signed anew when that is settled.
    Overtaken(Height),
}

/// A claim as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Unix milliseconds.
    pub at: u64,
    /// Where it came from.
    pub client: Client,
    /// The signed payout.
    pub payout: Transfer,
    /// How far it is.
    pub phase: Phase,
}

/// Why a claim is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ClaimError {
    /// This node has no faucet.
    #[error("this node has no faucet")]
    Off,
    /// C1, C2: too early.
    #[error("faucet time limit")]
    TimeLimit {
        /// Seconds until the next claim.
        retry_after_s: u64,
    },
    /// C2: rich enough.
    #[error("The account already has sufficient balance of 10 Barrel or more.")]
    SufficientBalance,
    /// The faucet's own account has too little.
    #[error("the faucet has no coins at the moment, try again later")]
    NoFunds,
    /// This node is behind the network.
    #[error("the node is catching up with the network, try again in a minute")]
    Syncing,
    /// C6: as many claims as are kept.
    #[error("the faucet is busy, try again later")]
    Busy,
    /// F11: nobody can use coins there.
    #[error("the faucet does not pay to this address")]
    BadAddress,
    /// The claim could not be kept.
    #[error("the faucet cannot keep the claim: {0}")]
    NotKept(String),
}

/// What the faucet is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, strum::IntoStaticStr)]
pub enum State {
    /// This node has no faucet.
    Off,
    /// Claims wait until this node has caught up.
    Closed,
    /// It pays.
    Open {
        /// Whence it pays.
        account: Address,
        /// Payouts that are not in a block.
        waiting: usize,
        /// Claims that are kept.
        claims: usize,
        /// Claims paid since the start.
        paid: u64,
        /// Claims refused since the start.
        refused: u64,
    },
}

/// What the faucet hears.
#[derive(Debug, strum::IntoStaticStr)]
pub enum Event {
    /// Somebody claims.
    Claim {
        /// Whom to pay.
        to: Address,
        /// Where the claim came from.
        client: IpAddr,
        /// Where the answer goes.
        ticket: u64,
        /// The account to pay, as it is at the tip.
        account: Option<Account>,
        /// The faucet's account, as it is at the tip.
        own: Option<Account>,
        /// The nonce after what already waits of the faucet's account in the pool.
        next_nonce: Option<u64>,
    },
    /// A claim is kept.
    Kept {
        /// Its number.
        claim: u64,
    },
    /// A claim could not be kept.
    NotKept {
        /// Its number.
        claim: u64,
        /// Why.
        why: String,
    },
    /// The chain has a new end.
    TipChanged(TipChanged),
    /// The chain says that the payout's nonce was used by another transaction.
    NonceUsed {
        /// The payout.
        payout: TxId,
    },
    /// Whether this node is behind its peers.
    Syncing(bool),
    /// Time passes.
    Tick {
        /// The nonce that the faucet's account needs next, as far as the pool knows.
        next_nonce: Option<u64>,
    },
}

/// What the faucet wants done.
#[derive(Debug)]
pub enum Effect {
    /// Keep this, durably, and come back with [`Event::Kept`].
    Keep {
        /// Its number.
        claim: u64,
        /// What to keep.
        row: Claim,
    },
    /// Keep this; nobody waits for it.
    Update {
        /// Its number.
        claim: u64,
        /// What to keep.
        row: Claim,
    },
    /// Forget a claim that is settled and whose limits have passed.
    Forget {
        /// Its number.
        claim: u64,
    },
    /// Hand a payout to the chain.
    Submit(Transaction),
    /// The answer to a claim.
    Answer {
        /// Whom it is for.
        ticket: u64,
        /// The payout, or why not.
        answer: Result<Arc<CheckedTransaction>, ClaimError>,
    },
}

struct Open {
    row: Claim,
    id: TxId,
    /// Until when its limits hold, on the monotonic clock.
    until: u64,
    /// Who waits for it to be kept.
    ticket: Option<u64>,
    resend_at: u64,
}

/// The faucet machine.
pub struct Faucet {
    network: Arc<Network>,
    params: Params,
    account: Address,
    claims: BTreeMap<u64, Open>,
    by_payout: BTreeMap<TxId, u64>,
    limits: Limits,
    next_claim: u64,
    tip: Tip,
    syncing: bool,
    paid: u64,
    refused: u64,
    state: State,
}

impl Faucet {
    /// A faucet that goes on with the claims that were kept. `phase` in each is what the chain says now.
    pub fn new(network: Arc<Network>, params: Params, kept: Vec<(u64, Claim)>, tip: Tip, now: Now) -> Self {
        let account = params.key.address();
        let mut faucet = Self {
            network,
            account,
            claims: BTreeMap::new(),
            by_payout: BTreeMap::new(),
            limits: Limits::default(),
            next_claim: kept.iter().map(|(id, _)| id + 1).max().unwrap_or(0),
            tip,
            syncing: false,
            paid: 0,
            refused: 0,
            state: State::Off,
            params,
        };
        for (number, row) in kept {
            // A claim from the future was made before the clock stepped back: it counts from now.
            let passed = now.unix.saturating_sub(row.at).min(faucet.params.interval_ms);
            let until = now.mono + faucet.params.interval_ms - passed;
            faucet.limits.count(row.client, row.payout.to, until);
            faucet.insert(number, row, until, None, 0);
        }
        faucet.refresh_state();
        faucet
    }

    /// What it is doing.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whence it pays.
    pub fn account(&self) -> Address {
        self.account
    }

    /// Handles an event.
    pub fn on(&mut self, now: Now, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Claim { to, client, ticket, account, own, next_nonce } => {
                match self.claim(now, to, client.into(), ticket, account, own, next_nonce) {
                    Ok(effect) => effects.push(effect),
                    Err(error) => {
                        self.refused += 1;
                        effects.push(Effect::Answer { ticket, answer: Err(error) });
                    }
                }
            }
            Event::Kept { claim } => self.kept(now, claim, &mut effects),
            Event::NotKept { claim, why } => self.not_kept(claim, why, &mut effects),
            Event::TipChanged(changed) => self.tip_changed(&changed, &mut effects),
            Event::NonceUsed { payout } => self.nonce_used(payout, &mut effects),
            Event::Syncing(syncing) => self.syncing = syncing,
            Event::Tick { next_nonce } => self.tick(now, next_nonce, &mut effects),
        }
        self.refresh_state();
        effects
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of one event")]
    fn claim(
        &mut self,
        now: Now,
        to: Address,
        client: Client,
        ticket: u64,
        account: Option<Account>,
        own: Option<Account>,
        next_nonce: Option<u64>,
    ) -> Result<Effect, ClaimError> {
        if !self.params.on {
            return Err(ClaimError::Off);
        }
        if self.syncing {
            return Err(ClaimError::Syncing);
        }
        if to == Address::ZERO {
            return Err(ClaimError::BadAddress);
        }
        if self.claims.len() >= MAX_CLAIMS {
            return Err(ClaimError::Busy);
        }
        let waits = [self.limits.client_wait(client, now.mono), self.limits.account_wait(&to, now.mono)];
        if let Some(wait) = waits.into_iter().flatten().max() {
            return Err(ClaimError::TimeLimit { retry_after_s: wait.div_ceil(1000) });
        }
        if account.is_some_and(|account| account.balance >= self.params.balance_limit) {
            return Err(ClaimError::SufficientBalance);
        }
        if to == self.account {
            return Err(ClaimError::BadAddress);
        }
        let own = own.unwrap_or(Account { balance: Amount::ZERO, nonce: self.network.nonce_base });
        self.can_pay(&own)?;
        let nonce = self.next_nonce(own.nonce, next_nonce);
        let payout = self.payout(to, nonce);
        let row = Claim { at: now.unix, client, payout, phase: Phase::Reserved };
        let (number, until) = (self.next_claim, now.mono + self.params.interval_ms);
        self.next_claim += 1;
        self.limits.count(client, to, until);
        self.insert(number, row.clone(), until, Some(ticket), u64::MAX);
        Ok(Effect::Keep { claim: number, row })
    }

    /// The account covers everything that is reserved and one payout more.
    fn can_pay(&self, own: &Account) -> Result<(), ClaimError> {
        let each = u128::from(self.params.amount.as_drops()) + u128::from(FEE.as_drops());
        let reserved = self.waiting() as u128 * each;
        if reserved + each > u128::from(own.balance.as_drops()) { Err(ClaimError::NoFunds) } else { Ok(()) }
    }

    /// The nonce after everything that this account has on the chain, in the pool and reserved.
    fn next_nonce(&self, own: u64, pool: Option<u64>) -> u64 {
        let reserved = self.claims.values().filter(|open| open.row.phase == Phase::Reserved);
        let after_reserved = reserved.map(|open| open.row.payout.nonce + 1).max().unwrap_or(0);
        own.max(pool.unwrap_or(0)).max(after_reserved)
    }

    fn payout(&self, to: Address, nonce: u64) -> Transfer {
        let chain = &self.network.chain;
        Transfer::sign(&self.params.key, chain, to, self.params.amount, FEE, nonce, Vec::new())
    }

    fn insert(&mut self, number: u64, row: Claim, until: u64, ticket: Option<u64>, resend_at: u64) {
        let id = row.payout.id(&self.network.chain);
        self.by_payout.insert(id, number);
        self.claims.insert(number, Open { row, id, until, ticket, resend_at });
    }

    fn kept(&mut self, now: Now, claim: u64, effects: &mut Vec<Effect>) {
        let Some(open) = self.claims.get_mut(&claim) else { return };
        open.resend_at = now.mono + RESEND_MS;
        let transaction = Transaction::Transfer(open.row.payout.clone());
        effects.push(Effect::Submit(transaction.clone()));
        let Some(ticket) = open.ticket.take() else { return };
        self.paid += 1;
        // Signed here a moment ago: the signature is known to be good.
        match transaction.kept(&self.network) {
            Ok(checked) => effects.push(Effect::Answer { ticket, answer: Ok(Arc::new(checked)) }),
            Err(error) => {
                effects.push(Effect::Answer { ticket, answer: Err(ClaimError::NotKept(error.to_string())) });
            }
        }
    }

    fn not_kept(&mut self, claim: u64, why: String, effects: &mut Vec<Effect>) {
        let Some(open) = self.claims.get_mut(&claim) else { return };
        let Some(ticket) = open.ticket else {
            // An old claim that was signed anew: it is owed all the same. The next tick signs it again.
            open.row.phase = Phase::Overtaken(0);
            return;
        };
        let Some(open) = self.claims.remove(&claim) else { return };
        self.by_payout.remove(&open.id);
        self.limits.uncount(open.row.client, &open.row.payout.to, open.until);
        effects.push(Effect::Answer { ticket, answer: Err(ClaimError::NotKept(why)) });
    }

    fn tip_changed(&mut self, changed: &TipChanged, effects: &mut Vec<Effect>) {
        self.tip = changed.tip;
        for payout in &changed.watched_left {
            self.set_phase(*payout, Phase::Reserved, effects);
        }
        for (payout, height) in &changed.watched_joined {
            self.set_phase(*payout, Phase::Confirmed(*height), effects);
        }
    }

    fn set_phase(&mut self, payout: TxId, phase: Phase, effects: &mut Vec<Effect>) {
        let Some(number) = self.by_payout.get(&payout) else { return };
        let Some(open) = self.claims.get_mut(number) else { return };
        if open.row.phase != phase {
            open.row.phase = phase;
            open.resend_at = 0;
            effects.push(Effect::Update { claim: *number, row: open.row.clone() });
        }
    }

    fn nonce_used(&mut self, payout: TxId, effects: &mut Vec<Effect>) {
        let Some(open) = self.by_payout.get(&payout).and_then(|number| self.claims.get(number)) else { return };
        if open.row.phase == Phase::Reserved && open.ticket.is_none() {
            self.set_phase(payout, Phase::Overtaken(self.tip.height), effects);
        }
    }

    fn tick(&mut self, now: Now, next_nonce: Option<u64>, effects: &mut Vec<Effect>) {
        self.limits.sweep(now.mono);
        let depth = |height: Height| self.tip.height.saturating_sub(height);
        let settled = |open: &Open| matches!(open.row.phase, Phase::Confirmed(at) if depth(at) >= SETTLED_DEPTH);
        let done: Vec<_> =
            self.claims.iter().filter(|(_, open)| settled(open) && open.until <= now.mono).map(|(n, _)| *n).collect();
        for number in done {
            if let Some(open) = self.claims.remove(&number) {
                self.by_payout.remove(&open.id);
            }
            effects.push(Effect::Forget { claim: number });
        }
        let overtaken = |open: &Open| matches!(open.row.phase, Phase::Overtaken(at) if depth(at) >= SETTLED_DEPTH);
        let overtaken: Vec<_> = self.claims.iter().filter(|(_, open)| overtaken(open)).map(|(n, _)| *n).collect();
        for number in overtaken {
            self.sign_again(number, next_nonce, effects);
        }
        if self.syncing {
            return;
        }
        for open in self.claims.values_mut() {
            if open.row.phase == Phase::Reserved && open.resend_at <= now.mono {
                open.resend_at = now.mono + RESEND_MS;
                effects.push(Effect::Submit(Transaction::Transfer(open.row.payout.clone())));
            }
        }
    }

    /// The nonce is gone for good, so the old payout can never be mined: a new one pays the claim.
    fn sign_again(&mut self, number: u64, next_nonce: Option<u64>, effects: &mut Vec<Effect>) {
        let Some(next) = next_nonce else { return };
        let nonce = self.next_nonce(next, None);
        let Some(open) = self.claims.get(&number) else { return };
        let payout = self.payout(open.row.payout.to, nonce);
        let id = payout.id(&self.network.chain);
        let Some(open) = self.claims.get_mut(&number) else { return };
        self.by_payout.remove(&open.id);
        self.by_payout.insert(id, number);
        (open.id, open.row.payout, open.row.phase, open.resend_at) = (id, payout, Phase::Reserved, u64::MAX);
        effects.push(Effect::Keep { claim: number, row: open.row.clone() });
    }

    fn waiting(&self) -> usize {
        self.claims.values().filter(|open| !matches!(open.row.phase, Phase::Confirmed(_))).count()
    }

    fn refresh_state(&mut self) {
        self.state = if !self.params.on {
            State::Off
        } else if self.syncing {
            State::Closed
        } else {
            State::Open {
                account: self.account,
                waiting: self.waiting(),
                claims: self.claims.len(),
                paid: self.paid,
                refused: self.refused,
            }
        };
    }
}

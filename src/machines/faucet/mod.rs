//! The faucet: who is paid, how much, and that everybody is paid exactly once.
//!
//! A claim passes the gates (on, in step with the network, funds), the budget, the rules for accounts, those for address
//! ranges, and the work; then it is reserved with one durable write that holds its limits and the signed payout, before
//! anybody is told (rule C5). From then on the same bytes are handed to the chain until they are confirmed, also over
//! restarts and reorganisations. Decides never whether the payout is valid; that is the chain's.

mod budget;
mod challenge;
mod claims;
mod client;
mod collectors;
mod event;
mod limits;
mod params;
mod price;
mod record;
mod refusal;
mod rules;
mod settle;
mod switches;
#[cfg(test)]
mod tests;
mod trace;
mod view;
mod watched;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ledger::{Address, Amount, Height, Network, Tip, Transaction, Transfer};
use serde::Serialize;

pub use self::budget::{Level, WINDOW_MS};
pub use self::challenge::{Challenge, LIFE_S as CHALLENGE_LIFE_S, Work, solve, zero_bits};
pub use self::claims::{Claim, Phase};
pub use self::client::Client;
pub use self::collectors::{FEW, Flag, MANY, MAX_DEPTH, MAX_TRACES, Move, Refused, Why};
pub use self::event::{Asked, Effect, Event, Form, Paid};
pub use self::params::{Params, Terms};
pub use self::price::{MAX_BITS, Price};
pub use self::record::{Change, Key, Record, Totals};
pub use self::refusal::ClaimError;
pub use self::settle::Missing;
pub use self::switches::{Entry, Order, OrderError, Switches};
pub use self::trace::Trace;
pub use self::view::{Report, View};
pub use self::watched::Seen;

use self::budget::Budget;
use self::challenge::{Challenges, Code};
use self::claims::{Claims, Open, Stage};
use self::collectors::Collectors;
use self::limits::Limits;
use crate::Now;

/// Blocks on top of a payout after which it is settled.
pub const SETTLED_DEPTH: Height = 12;
/// Claims that are kept: an hour of more than two a second. Beyond it the faucet says that it is busy.
pub const MAX_CLAIMS: usize = 10_000;
/// A payout that waits is handed to the chain again this often.
const RESEND_MS: u64 = 10_000;
/// A write of which nothing is heard for so long is done again: its word may have met a full mailbox.
const WRITE_MS: u64 = 60_000;
/// Whoever claims waits so long at most for the chain to have the payout.
const TELL_MS: u64 = 3_000;
/// Requests that may wait for one claim: a client that asks again and again.
const MAX_TICKETS: usize = 64;
/// What a payout pays its miner, so that a full pool does not keep it.
const FEE: Amount = Amount::drops(10_000);

/// What the faucet is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, strum::IntoStaticStr)]
pub enum State {
    /// This node has no faucet.
    Off,
    /// Claims wait until this node has caught up.
    Closed,
    /// Its operator told it to pay nobody.
    Paused,
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

/// A write that was ordered and is not confirmed.
struct Writing {
    keys: BTreeSet<Key>,
    /// Who waits for it.
    orders: Vec<u64>,
    /// When it counts as lost.
    lost_at: u64,
}

/// The faucet machine.
pub struct Faucet {
    network: Arc<Network>,
    params: Params,
    account: Address,
    challenges: Challenges,
    claims: Claims,
    next_claim: u64,
    limits: Limits,
    budget: Budget,
    collectors: Collectors,
    /// The highest block whose payments were looked at.
    watched_height: Height,
    switches: Switches,
    totals: Totals,
    /// What changed and is not being written.
    dirty: BTreeSet<Key>,
    writing: Option<Writing>,
    /// When writing is tried again after it failed.
    write_after: u64,
    /// Who waits for what is dirty.
    orders: Vec<u64>,
    tip: Tip,
    syncing: bool,
    funds: Amount,
    low: bool,
    paid: u64,
    refusals: BTreeMap<&'static str, u64>,
    state: State,
}

impl Faucet {
    /// A faucet that goes on with what was kept; the phase in each claim is what the chain says now. It has seen no
    /// block yet: see [`Self::missing`].
    pub fn new(network: Arc<Network>, params: Params, kept: Vec<Record>, tip: Tip, now: Now) -> Self {
        let account = params.key.address();
        let mut faucet = Self {
            challenges: Challenges::new(params.challenge_key, network.chain),
            budget: Budget::new(params.share_percent, tip.time, now.mono),
            collectors: Collectors::new(account),
            account,
            claims: Claims::default(),
            next_claim: 0,
            limits: Limits::default(),
            watched_height: tip.height.saturating_sub(watched::DEPTH),
            switches: Switches::default(),
            totals: Totals::default(),
            dirty: BTreeSet::new(),
            writing: None,
            write_after: 0,
            orders: Vec::new(),
            tip,
            syncing: false,
            funds: Amount::ZERO,
            low: false,
            paid: 0,
            refusals: BTreeMap::new(),
            state: State::Off,
            network,
            params,
        };
        for record in kept {
            faucet.restore(record, now);
        }
        faucet.refresh_state();
        faucet
    }

    fn restore(&mut self, record: Record, now: Now) {
        match record {
            Record::Claim(number, row) => {
                // A claim from the future was made before the clock stepped back: it counts from now.
                let passed = now.unix.saturating_sub(row.at).min(self.params.terms.interval_ms);
                let until = now.mono + self.params.terms.interval_ms - passed;
                self.limits.count(row.client, row.payout.to, until);
                self.budget.paid(row.block_time, row.payout.amount.as_drops());
                self.next_claim = self.next_claim.max(number + 1);
                let id = row.payout.id(&self.network.chain);
                let stage = Stage::Kept { resend_at: 0, tell_at: 0 };
                self.claims.insert(number, Open { row, id, until, tickets: Vec::new(), stage });
            }
            Record::Trace(account, trace) => self.collectors.restore_trace(account, trace),
            Record::Flag(account, flag) => self.collectors.restore_flag(account, flag),
            Record::Refused(range, refused) => self.collectors.restore_refused(range, refused),
            Record::Switches(switches) => self.switches = switches,
            Record::Totals(totals) => {
                self.totals = totals;
                // Numbers of claims are never used again, also when the last of them is forgotten.
                self.next_claim = self.next_claim.max(totals.claims);
            }
            Record::Watched(height) => self.watched_height = height,
        }
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
            Event::Claim { asked, form, ticket } => {
                if let Err(error) = self.claim(now, &asked, &form, ticket, &mut effects) {
                    *self.refusals.entry(error.reason()).or_default() += 1;
                    effects.push(Effect::Answer { ticket, answer: Err(error) });
                }
            }
            Event::Kept { claim } => self.kept(now, claim, &mut effects),
            Event::NotKept { claim, why } => self.not_kept(claim, &why, &mut effects),
            Event::Written(result) => self.written(now, result, &mut effects),
            Event::Submitted { payout } => self.submitted(payout, &mut effects),
            Event::NonceUsed { payout } => self.nonce_used(payout, &mut effects),
            Event::TipChanged(changed) => self.tip_changed(now, &changed),
            Event::Blocks { times, buried } => self.blocks(now, times, &buried),
            Event::Syncing(syncing) => self.syncing = syncing,
            Event::Terms(terms) => self.params.terms = terms,
            Event::Order { order, ticket } => self.order(order, ticket, &mut effects),
            Event::Tick { next_nonce, own } => {
                self.watch_funds(own.map_or(Amount::ZERO, |own| own.balance), &mut effects);
                self.tick(now, next_nonce, &mut effects);
            }
        }
        self.write_changes(now, &mut effects);
        self.refresh_state();
        effects
    }

    fn claim(
        &mut self,
        now: Now,
        asked: &Asked,
        form: &Form,
        ticket: u64,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ClaimError> {
        if !self.params.on {
            return Err(ClaimError::Off);
        }
        if let Form::Native(work) = form
            && let Some(number) = self.same_claim(now, asked, work.as_ref())
        {
            return self.join(number, ticket, effects);
        }
        let price = self.terms(now, asked)?;
        let code = self.worked(now, asked, form, price.bits)?;
        self.reserve(now, asked, Amount::drops(price.amount), code, ticket, effects);
        Ok(())
    }

    /// The claim that this one repeats: made with the same challenge, or without any by the same client for the same
    /// account within the interval.
    fn same_claim(&self, now: Now, asked: &Asked, work: Option<&Work>) -> Option<u64> {
        let number = match work {
            Some(work) => self.claims.of_code(&challenge::code_in(&work.challenge)?)?,
            None => self.claims.of_account(&asked.to)?,
        };
        let open = self.claims.get(number)?;
        let same = open.row.payout.to == asked.to && open.row.client == Client::from(asked.client);
        (same && (work.is_some() || open.until > now.mono)).then_some(number)
    }

    /// Whoever repeats a claim hears what whoever made it hears.
    fn join(&mut self, number: u64, ticket: u64, effects: &mut Vec<Effect>) -> Result<(), ClaimError> {
        let open = self.claims.get(number).ok_or(ClaimError::Busy)?;
        if matches!(open.stage, Stage::Kept { .. }) && open.tickets.is_empty() {
            effects.push(Effect::Answer { ticket, answer: self.answer(number, open) });
            return Ok(());
        }
        if open.tickets.len() >= MAX_TICKETS {
            return Err(ClaimError::Busy);
        }
        self.claims.change(number, |open| open.tickets.push(ticket));
        Ok(())
    }

    /// The challenge that was solved, if one was; an error if more work is needed.
    fn worked(&self, now: Now, asked: &Asked, form: &Form, bits: u8) -> Result<Option<Code>, ClaimError> {
        match form {
            Form::Native(Some(work)) => {
                let checked = self.challenges.check(work, &asked.to, asked.client.into(), bits, now.mono);
                checked.map(Some).map_err(|fault| match fault {
                    challenge::Fault::Challenge => ClaimError::Challenge,
                    challenge::Fault::TooLittle => ClaimError::Work { bits },
                })
            }
            Form::Native(None) | Form::Compatible if bits == 0 => Ok(None),
            Form::Native(None) | Form::Compatible => Err(ClaimError::Work { bits }),
        }
    }

    fn reserve(
        &mut self,
        now: Now,
        asked: &Asked,
        amount: Amount,
        code: Option<Code>,
        ticket: u64,
        effects: &mut Vec<Effect>,
    ) {
        let (to, client) = (asked.to, Client::from(asked.client));
        let own = asked.own.map_or(self.network.nonce_base, |own| own.nonce);
        let payout = self.payout(to, amount, self.next_nonce(own, asked.next_nonce));
        let block_time = self.budget.time(now.mono);
        let row = Claim { at: now.unix, block_time, client, code, payout, phase: Phase::Reserved };
        let (number, until) = (self.next_claim, now.mono + self.params.terms.interval_ms);
        self.next_claim += 1;
        self.limits.count(client, to, until);
        self.budget.paid(block_time, amount.as_drops());
        self.collectors.paid(to, client, amount.as_drops(), block_time);
        self.totals.claims = self.totals.claims.max(number) + 1;
        self.totals.paid = self.totals.paid.checked_add(amount).unwrap_or(self.totals.paid);
        let id = row.payout.id(&self.network.chain);
        self.claims.insert(
            number,
            Open { row, id, until, tickets: vec![ticket], stage: Stage::Keeping { again_at: now.mono + RESEND_MS } },
        );
        // How far the chain was looked at goes along: what this account paid before is never counted after a restart.
        let keys = [Key::Claim(number), Key::Trace(to), Key::Totals, Key::Watched];
        effects.push(Effect::Keep { claim: number, changes: keys.iter().map(|key| self.change_of(*key)).collect() });
        self.dirty.extend(self.collectors.take_changed());
        self.dirty.retain(|key| !keys.contains(key));
    }

    /// The nonce after everything that this account has on the chain, in the pool and reserved.
    fn next_nonce(&self, own: u64, pool: Option<u64>) -> u64 {
        own.max(pool.unwrap_or(0)).max(self.claims.next_nonce())
    }

    fn payout(&self, to: Address, amount: Amount, nonce: u64) -> Transfer {
        Transfer::sign(&self.params.key, &self.network.chain, to, amount, FEE, nonce, Vec::new())
    }

    /// What a claim that is kept is answered with.
    fn answer(&self, number: u64, open: &Open) -> Result<Paid, ClaimError> {
        // Signed by this faucet: the signature is known to be good.
        let checked = Transaction::Transfer(open.row.payout.clone()).kept(&self.network);
        let payout = checked.map_err(|error| ClaimError::NotKept(error.to_string()))?;
        Ok(Paid { claim: number, payout: Arc::new(payout) })
    }

    fn order(&mut self, order: Order, ticket: u64, effects: &mut Vec<Effect>) {
        let followed = match order {
            Order::Pardon(entry) => {
                let pardoned = match &entry {
                    Entry::Account(account) => self.collectors.pardon_account(account),
                    Entry::Range(range) => self.collectors.pardon_range(range),
                };
                if pardoned { Ok(()) } else { Err(OrderError::NothingToPardon(entry)) }
            }
            order => self.switches.follow(order),
        };
        match followed {
            Ok(()) => {
                self.dirty.insert(Key::Switches);
                self.orders.push(ticket);
            }
            Err(error) => effects.push(Effect::Done { ticket, answer: Err(error) }),
        }
    }

    /// Writes what changed, if nothing is being written.
    fn write_changes(&mut self, now: Now, effects: &mut Vec<Effect>) {
        self.dirty.extend(self.collectors.take_changed());
        if let Some(lost) = self.writing.take_if(|writing| writing.lost_at <= now.mono) {
            self.dirty.extend(lost.keys);
            self.orders.extend(lost.orders);
        }
        if self.writing.is_some() || self.dirty.is_empty() || now.mono < self.write_after {
            return;
        }
        let keys = std::mem::take(&mut self.dirty);
        effects.push(Effect::Write(keys.iter().map(|key| self.change_of(*key)).collect()));
        let orders = std::mem::take(&mut self.orders);
        self.writing = Some(Writing { keys, orders, lost_at: now.mono + WRITE_MS });
    }

    fn written(&mut self, now: Now, result: Result<(), String>, effects: &mut Vec<Effect>) {
        let Some(Writing { keys, orders, .. }) = self.writing.take() else { return };
        if result.is_err() {
            self.dirty.extend(keys);
            self.write_after = now.mono + RESEND_MS;
        }
        let answer = result.map_err(OrderError::NotKept);
        effects.extend(orders.into_iter().map(|ticket| Effect::Done { ticket, answer: answer.clone() }));
    }

    /// The record of this name as it is now, or that there is none.
    fn change_of(&self, key: Key) -> Change {
        let record = match key {
            Key::Claim(number) => self.claims.get(number).map(|open| Record::Claim(number, open.row.clone())),
            Key::Trace(account) => self.collectors.trace(&account).map(|trace| Record::Trace(account, trace.clone())),
            Key::Flag(account) => self.collectors.flag(&account).map(|flag| Record::Flag(account, flag.clone())),
            Key::Refused(range) => self.collectors.refused(&range).map(|refused| Record::Refused(range, *refused)),
            Key::Switches => Some(Record::Switches(self.switches.clone())),
            Key::Totals => Some(Record::Totals(self.totals)),
            Key::Watched => Some(Record::Watched(self.watched_height)),
        };
        record.map_or(Change::Delete(key), Change::Put)
    }

    fn refresh_state(&mut self) {
        self.state = if !self.params.on {
            State::Off
        } else if self.switches.paused {
            State::Paused
        } else if self.syncing {
            State::Closed
        } else {
            State::Open {
                account: self.account,
                waiting: self.claims.waiting(),
                claims: self.claims.len(),
                paid: self.paid,
                refused: self.refusals.values().sum(),
            }
        };
    }
}

//! The transitions of the faucet machine, on a bench that keeps records as a store does.

mod bots;
mod claims;
mod money;
mod operator;
mod restarts;
mod settling;
mod work;

use std::collections::BTreeMap;
use std::net::IpAddr;

use ledger::{Account, Block, TxId};

use super::*;
use crate::chain::TipChanged;
use crate::fixture::{Branch, START, address, at, barrels, key, network, pay};

const HOUR: u64 = 60 * 60 * 1000;
/// The faucet's key is that of person 1, who has 1 000 Barrel.
const FAUCET: u8 = 1;
const PLENTY: u64 = 1_000_000_000_000_000;

struct Bench {
    faucet: Faucet,
    network: Arc<Network>,
    branch: Branch,
    /// Records as they are kept.
    kept: BTreeMap<Key, Record>,
    /// Whether the budget is never felt.
    endless: bool,
    funds: Amount,
    next_ticket: u64,
}

fn params() -> Params {
    let terms = Terms { amount: barrels(10), account_limit: barrels(1_000), interval_ms: HOUR };
    let challenge_key = [9; 32];
    Params { on: true, key: key(FAUCET), challenge_key, terms, balance_limit: barrels(10), share_percent: 50 }
}

/// Address number `n` of clients, in a network without wider ranges.
fn client(n: u8) -> IpAddr {
    IpAddr::from([10, 0, 2, n])
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Account number `n` of thousands.
fn account(n: u32) -> Address {
    let mut bytes = [3; 20];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    Address(bytes)
}

fn time_limit(seconds: u64) -> ClaimError {
    ClaimError::TimeLimit { retry_after_s: seconds }
}

impl Bench {
    fn new() -> Self {
        Self::with(params())
    }

    fn with(params: Params) -> Self {
        let mut bench = Self { endless: true, ..Self::with_budget(params) };
        bench.tick(0);
        bench
    }

    /// A bench whose budget is what its blocks bring.
    fn with_budget(params: Params) -> Self {
        let network = network();
        let faucet = Faucet::new(network.clone(), params, Vec::new(), network.genesis_tip(), at(0));
        let branch = Branch::new(&network);
        Self { faucet, branch, network, kept: BTreeMap::new(), endless: false, funds: barrels(1_000), next_ticket: 0 }
    }

    /// The node starts again with what was kept, and looks at the chain.
    fn restart(&mut self, now: Now) {
        let records: Vec<_> = self.kept.values().cloned().collect();
        let params = self.faucet.params.clone();
        self.faucet = Faucet::new(self.network.clone(), params, records, self.branch.tip(), now);
        self.catch_up(now);
    }

    /// Reads what the faucet misses from the chain.
    fn catch_up(&mut self, now: Now) {
        loop {
            let missing = self.faucet.missing();
            let block = |height: Height| self.branch.blocks[height as usize - 1].clone();
            let times: Vec<_> = missing.headers.clone().map(|height| (height, block(height).header.time)).collect();
            let buried: Vec<_> = missing.buried.clone().map(|height| Seen::of(&block(height))).collect();
            if times.is_empty() && buried.is_empty() {
                return;
            }
            self.on_at(now, Event::Blocks { times, buried });
        }
    }

    /// Handles an event and keeps records as a store does; says so of all but new claims.
    fn on(&mut self, mono: u64, event: Event) -> Vec<Effect> {
        self.on_at(at(mono), event)
    }

    fn on_at(&mut self, now: Now, event: Event) -> Vec<Effect> {
        if self.endless {
            self.fill(now.mono);
        }
        let mut effects = self.faucet.on(now, event);
        let mut written = false;
        effects.retain(|effect| {
            let (changes, is_claim) = match effect {
                Effect::Keep { changes, .. } => (changes, true),
                Effect::Write(changes) => (changes, false),
                _ => return true,
            };
            changes.iter().for_each(|change| self.keep(change));
            written |= !is_claim;
            is_claim
        });
        if written {
            effects.extend(self.on_at(now, Event::Written(Ok(()))));
        }
        effects
    }

    /// A block of another age fills the budget: as if the chain's had the same height.
    fn fill(&mut self, mono: u64) {
        let time = self.faucet.budget.time(mono);
        let height = self.faucet.budget.height().unwrap_or(0);
        self.faucet.budget.joined(height, time, PLENTY);
    }

    fn keep(&mut self, change: &Change) {
        match change {
            Change::Put(record) => drop(self.kept.insert(record.key(), record.clone())),
            Change::Delete(key) => drop(self.kept.remove(key)),
        }
    }

    fn asked(&self, to: Address, client: IpAddr) -> Asked {
        let own = Some(Account { balance: self.funds, nonce: self.network.nonce_base });
        Asked { to, client, account: None, own, next_nonce: None }
    }

    fn claim_as(&mut self, mono: u64, asked: Asked, form: Form) -> Vec<Effect> {
        self.next_ticket += 1;
        let ticket = self.next_ticket;
        self.on(mono, Event::Claim { asked, form, ticket })
    }

    /// A claim that stops before it is kept; gives its number, or why it is refused.
    fn try_reserve(&mut self, mono: u64, asked: Asked, form: Form) -> Result<u64, ClaimError> {
        match self.claim_as(mono, asked, form).pop() {
            Some(Effect::Keep { claim, .. }) => Ok(claim),
            Some(Effect::Answer { ticket, answer: Err(error) }) => {
                assert_eq!(ticket, self.next_ticket);
                Err(error)
            }
            other => panic!("{other:?}"),
        }
    }

    fn reserve(&mut self, mono: u64, to: u8, from: u8) -> Result<u64, ClaimError> {
        self.try_reserve(mono, self.asked(address(to), client(from)), Form::Compatible)
    }

    /// A claim that is kept, handed to the chain and answered.
    fn try_claim(&mut self, mono: u64, asked: Asked, form: Form) -> Result<Transfer, ClaimError> {
        let ticket = self.next_ticket + 1;
        let claim = self.try_reserve(mono, asked, form)?;
        let effects = self.on(mono, Event::Kept { claim });
        let [Effect::Submit(Transaction::Transfer(payout))] = &effects[..] else { panic!("{effects:?}") };
        let payout = payout.clone();
        let told = self.on(mono, Event::Submitted { payout: payout.id(&self.network.chain) });
        let [Effect::Answer { ticket: asker, answer: Ok(paid) }] = &told[..] else { panic!("{told:?}") };
        assert_eq!((*asker, paid.claim), (ticket, claim));
        assert_eq!(paid.payout.transaction(), &Transaction::Transfer(payout.clone()));
        Ok(payout)
    }

    fn claim(&mut self, mono: u64, to: u8, from: u8) -> Result<Transfer, ClaimError> {
        self.try_claim(mono, self.asked(address(to), client(from)), Form::Compatible)
    }

    /// What is kept of a claim.
    fn row(&self, claim: u64) -> Option<&Claim> {
        match self.kept.get(&Key::Claim(claim)) {
            Some(Record::Claim(_, row)) => Some(row),
            None => None,
            other => panic!("{other:?}"),
        }
    }

    fn phase(&self, claim: u64) -> Phase {
        self.row(claim).unwrap().phase
    }

    /// Claims that are kept.
    fn rows(&self) -> usize {
        self.kept.keys().filter(|key| matches!(key, Key::Claim(_))).count()
    }

    /// A block with these transactions, and empty ones on top of it.
    fn connect(&mut self, mono: u64, transactions: Vec<Transaction>, then_empty: usize) -> Vec<Block> {
        let mut blocks = vec![self.branch.extend(5, transactions)];
        blocks.extend((0..then_empty).map(|_| self.branch.extend(5, Vec::new())));
        self.tip_changed(mono, &[], &blocks);
        blocks
    }

    fn tip_changed(&mut self, mono: u64, gone: &[Block], new: &[Block]) -> Vec<Effect> {
        let own = self.faucet.account();
        let paid = |block: &Block| -> Vec<_> {
            let own = block.transactions.iter().filter(|tx| tx.sender() == Ok(own));
            own.map(|tx| (tx.id(&self.network.chain), block.header.height)).collect()
        };
        let changed = TipChanged {
            left: gone.len() as u64,
            joined: new.len() as u64,
            watched_left: gone.iter().rev().flat_map(paid).map(|(id, _)| id).collect(),
            watched_joined: new.iter().flat_map(paid).collect(),
            ..TipChanged::none(self.branch.tip())
        };
        let effects = self.on(mono, Event::TipChanged(changed));
        self.catch_up(at(mono));
        effects
    }

    fn tick(&mut self, mono: u64) -> Vec<Effect> {
        self.tick_with(mono, self.network.nonce_base)
    }

    fn tick_with(&mut self, mono: u64, next_nonce: u64) -> Vec<Effect> {
        let own = Some(Account { balance: self.funds, nonce: next_nonce });
        self.on(mono, Event::Tick { next_nonce: Some(next_nonce), own })
    }

    /// What a tick hands to the chain.
    fn sent(&mut self, mono: u64) -> Vec<Transfer> {
        let transfer = |effect| match effect {
            Effect::Submit(Transaction::Transfer(payout)) => Some(payout),
            _ => None,
        };
        self.tick(mono).into_iter().filter_map(transfer).collect()
    }

    fn order(&mut self, order: Order) -> Result<(), OrderError> {
        let effects = self.on(0, Event::Order { order, ticket: 77 });
        let [Effect::Done { ticket: 77, answer }] = &effects[..] else { panic!("{effects:?}") };
        answer.clone()
    }

    fn payout_id(&self, payout: &Transfer) -> TxId {
        payout.id(&self.network.chain)
    }
}

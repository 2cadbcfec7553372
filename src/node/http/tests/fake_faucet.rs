//! The faucet machine without an actor: what it wants kept or handed on is done at once.

use std::net::IpAddr;
use std::sync::Arc;

use ledger::{Account, Address, Amount, ChainId, Network, Tip, TxId};
use machines::Now;
use machines::faucet::{
    Asked, Challenge, ClaimError, Effect, Event, Faucet, Form, Order, OrderError, Paid, Params, Report, Terms, View,
};

use super::fake_node::key;

/// The key of the faucet is person 1's.
pub struct FakeFaucet {
    machine: Faucet,
    own: Account,
    chain: ChainId,
}

impl FakeFaucet {
    /// A faucet that pays 5 Barrel, on a network that had enough blocks.
    pub fn new(network: &Arc<Network>, tip: Tip) -> Self {
        let whole = |n| Amount::barrels(n).unwrap();
        let params = Params {
            on: true,
            key: key(1),
            challenge_key: [1; 32],
            terms: Terms { amount: whole(5), account_limit: whole(50), interval_ms: 3_600_000 },
            balance_limit: whole(10),
            share_percent: 50,
        };
        let mut machine = Faucet::new(network.clone(), params, Vec::new(), tip, now());
        let times = (1..=1_000).map(|height| (height, tip.time)).collect();
        machine.on(now(), Event::Blocks { times, buried: Vec::new() });
        Self { machine, own: Account { balance: whole(1_000), nonce: network.nonce_base }, chain: network.chain }
    }

    pub fn claim(&mut self, to: Address, client: IpAddr, form: Form) -> Result<Paid, ClaimError> {
        let asked = self.asked(to, client);
        let mut open = self.machine.on(now(), Event::Claim { asked, form, ticket: 1 });
        while let Some(effect) = open.pop() {
            let event = match effect {
                Effect::Keep { claim, .. } => Event::Kept { claim },
                Effect::Write(_) => Event::Written(Ok(())),
                Effect::Submit(payout) => Event::Submitted { payout: self.id(&payout) },
                Effect::Answer { answer, .. } => return answer,
                other => panic!("{other:?}"),
            };
            open.extend(self.machine.on(now(), event));
        }
        panic!("a claim is always answered")
    }

    pub fn view(&self, client: IpAddr, to: Option<Address>) -> View {
        let asked = to.map(|to| self.asked(to, client));
        self.machine.view(now(), client, asked.as_ref(), self.own.balance)
    }

    pub fn challenge(&self, to: Address, client: IpAddr) -> Result<Challenge, ClaimError> {
        self.machine.challenge(now(), &self.asked(to, client))
    }

    pub fn report(&self) -> Report {
        self.machine.report(now())
    }

    pub fn order(&mut self, order: Order) -> Result<(), OrderError> {
        let mut open = self.machine.on(now(), Event::Order { order, ticket: 1 });
        while let Some(effect) = open.pop() {
            match effect {
                Effect::Write(_) => open.extend(self.machine.on(now(), Event::Written(Ok(())))),
                Effect::Done { answer, .. } => return answer,
                other => panic!("{other:?}"),
            }
        }
        panic!("an order is always answered")
    }

    fn asked(&self, to: Address, client: IpAddr) -> Asked {
        Asked { to, client, account: None, own: Some(self.own), next_nonce: None }
    }

    fn id(&self, payout: &ledger::Transaction) -> TxId {
        payout.id(&self.chain)
    }
}

fn now() -> Now {
    Now { mono: 0, unix: 1_700_000_000_000 }
}

//! The Faucet actor.

use std::collections::HashMap;
use std::sync::Arc;

use actix::{Actor, Context, Handler};
use ledger::{Account, AccountSource, Address, CheckedTransaction, Transaction, TxError, TxId};
use machines::chain::Refused;
use machines::faucet::{self as machine, ClaimError, Effect, Event};
use machines::pool::{PoolError, PoolView};
use store::Reader;
use tokio::sync::{oneshot, watch};
use tracing::{info, warn};

use crate::mail::{Named, Reply};
use crate::report::Moves;
use crate::{ActorReport, Claim, Clock, Mail, Meter, Port, Submit, Tick, Vital, Write};

/// Claims that may wait for the disk at once.
const MAX_TICKETS: usize = 1_024;

/// Whom the faucet tells what.
pub struct Ports {
    /// Its own mailbox, for news of what was kept.
    pub own: Port<Mail<Event>>,
    /// The chain keeps claims.
    pub write: Port<Write>,
    /// The chain takes payouts.
    pub submit: Port<Submit>,
    /// The pool as everybody may see it.
    pub pool: watch::Receiver<Arc<PoolView>>,
}

/// The actor around [`machine::Faucet`].
pub struct Faucet {
    machine: machine::Faucet,
    chain: ledger::ChainId,
    reader: Reader,
    ports: Ports,
    clock: Clock,
    meter: Arc<Meter>,
    _vital: Vital,
    moves: Moves,
    tickets: HashMap<u64, Reply<Result<Arc<CheckedTransaction>, ClaimError>>>,
    next_ticket: u64,
    gone: Option<Reply<()>>,
}

impl Faucet {
    /// The mailbox: claims that wait for the disk. Full: the client hears that the faucet is busy.
    pub const MAILBOX: usize = 512;

    /// An actor that does not run yet.
    pub fn new(
        machine: machine::Faucet,
        chain: ledger::ChainId,
        reader: Reader,
        ports: Ports,
        clock: Clock,
        meter: Arc<Meter>,
        vital: Vital,
    ) -> Self {
        Self {
            machine,
            chain,
            reader,
            ports,
            clock,
            meter,
            _vital: vital,
            moves: Moves::new("faucet"),
            tickets: HashMap::new(),
            next_ticket: 0,
            gone: None,
        }
    }

    fn on(&mut self, event: Event) {
        let now = self.clock.now();
        for effect in self.machine.on(now, event) {
            self.perform(effect);
        }
        self.moves.note(<&str>::from(self.machine.state()), now.mono);
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Keep { claim, row } => self.keep(claim, &row),
            Effect::Update { claim, row } => match encode(claim, &row) {
                Ok(write) => self.ports.write.tell(Write { writes: vec![write], done: None }),
                Err(why) => self.meter.failed(why),
            },
            Effect::Forget { claim } => {
                self.ports.write.tell(Write { writes: vec![store::Write::DeleteClaim { id: claim }], done: None });
            }
            Effect::Submit(transaction) => self.submit(transaction),
            Effect::Answer { ticket, answer } => {
                match &answer {
                    Ok(payout) => info!(to = %payout.to(), tx = %payout.id(), "paid a claim"),
                    Err(error) => info!(%error, "refused a claim"),
                }
                if let Some(reply) = self.tickets.remove(&ticket) {
                    // A client that no longer waits is paid all the same.
                    drop(reply.send(answer));
                }
            }
        }
    }

    /// Keeps a claim durably; the machine hears of it in any case.
    fn keep(&mut self, claim: u64, row: &machine::Claim) {
        let own = self.ports.own.clone();
        let tell = move |written: Result<(), String>| {
            let event = match written {
                Ok(()) => Event::Kept { claim },
                Err(why) => Event::NotKept { claim, why },
            };
            own.tell(Mail(event));
        };
        let posted = encode(claim, row).and_then(|write| {
            let mail = Write { writes: vec![write], done: Some(Box::new(tell)) };
            self.ports.write.post(mail).map_err(|_| "the chain is busy".to_string())
        });
        if let Err(why) = posted {
            self.on(Event::NotKept { claim, why });
        }
    }

    /// Hands a payout to the chain. A refusal is repaired by the next try, except a nonce that is gone.
    fn submit(&mut self, transaction: Transaction) {
        let payout = transaction.id(&self.chain);
        let (reply, answer) = oneshot::channel();
        self.ports.submit.tell(Submit { transaction, reply });
        let own = self.ports.own.clone();
        actix::spawn(async move {
            if let Ok(Err(Refused::Pool(error))) = answer.await {
                refused(payout, &error, &own);
            }
        });
    }

    fn next_nonce(&self) -> Option<u64> {
        let own = self.machine.account();
        let waiting = self.ports.pool.borrow().next_nonce(&own);
        waiting.or_else(|| self.account(&own).ok().flatten().map(|account| account.nonce))
    }

    fn account(&self, address: &Address) -> Result<Option<Account>, String> {
        let snapshot = self.reader.snapshot().map_err(|error| error.to_string())?;
        snapshot.account(address).map_err(|error| error.to_string())
    }

    fn claim(&mut self, claim: Claim) {
        self.tickets.retain(|_, reply| !reply.is_closed());
        if self.tickets.len() >= MAX_TICKETS {
            drop(claim.reply.send(Err(ClaimError::Busy)));
            return;
        }
        let accounts = self.account(&claim.to).and_then(|to| Ok((to, self.account(&self.machine.account())?)));
        let (account, own) = match accounts {
            Ok(accounts) => accounts,
            Err(why) => {
                drop(claim.reply.send(Err(ClaimError::NotKept(why))));
                return;
            }
        };
        self.next_ticket += 1;
        let ticket = self.next_ticket;
        self.tickets.insert(ticket, claim.reply);
        let next_nonce = self.ports.pool.borrow().next_nonce(&self.machine.account());
        self.on(Event::Claim { to: claim.to, client: claim.client, ticket, account, own, next_nonce });
    }

    fn report(&self) -> ActorReport {
        self.moves.report(self.machine.state(), &(), self.clock.now().mono, &self.meter)
    }
}

fn refused(payout: TxId, error: &PoolError, own: &Port<Mail<Event>>) {
    match error {
        PoolError::Known => {}
        PoolError::Invalid(TxError::NonceUsed { .. }) => own.tell(Mail(Event::NonceUsed { payout })),
        other => warn!(tx = %payout, error = %other, "a payout is refused and will be tried again"),
    }
}

fn encode(claim: u64, row: &machine::Claim) -> Result<store::Write, String> {
    let value = postcard::to_stdvec(row).map_err(|error| format!("claim {claim} cannot be encoded: {error}"))?;
    Ok(store::Write::PutClaim { id: claim, value })
}

impl Actor for Faucet {
    type Context = Context<Self>;
}

impl Handler<Mail<Event>> for Faucet {
    type Result = ();

    fn handle(&mut self, mail: Mail<Event>, _: &mut Context<Self>) {
        self.meter.took(mail.name());
        self.on(mail.0);
    }
}

impl Handler<Claim> for Faucet {
    type Result = ();

    fn handle(&mut self, mail: Claim, _: &mut Context<Self>) {
        self.meter.took(mail.name());
        self.claim(mail);
    }
}

impl Handler<Tick> for Faucet {
    type Result = ();

    fn handle(&mut self, mail: Tick, _: &mut Context<Self>) {
        self.meter.took(mail.name());
        let next_nonce = self.next_nonce();
        self.on(Event::Tick { next_nonce });
    }
}

crate::mail::common_handlers!(Faucet);

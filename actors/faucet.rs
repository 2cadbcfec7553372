//! The Faucet actor.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use actix::{Actor, Context, Handler};
use ledger::{Account, AccountSource, Address, Amount, ChainSource, Transaction, TxError, ViewError};
use machines::chain::Refused;
use machines::faucet::{
    self as machine, Asked, Change, ClaimError, Effect, Event, Missing, Order, OrderError, Paid, Seen,
};
use machines::pool::{PoolError, PoolView};
use store::Reader;
use tokio::sync::{oneshot, watch};
use tracing::{info, warn};

use crate::mail::{Named, Question, Reply};
use crate::report::Moves;
use crate::{ActorReport, AskFaucet, Claim, Clock, Mail, Meter, Port, Submit, Tick, Vital, Write, faucet_records};

/// Claims that may wait for the disk at once.
const MAX_TICKETS: usize = 1_024;

/// Whom the faucet tells what.
pub struct Ports {
    /// Its own mailbox, for news of what was kept.
    pub own: Port<Mail<Event>>,
    /// The chain keeps records.
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
    tickets: HashMap<u64, Reply<Result<Paid, ClaimError>>>,
    /// Orders that wait to be kept: an operator gives few.
    orders: HashMap<u64, Reply<Result<(), OrderError>>>,
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
            orders: HashMap::new(),
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
            Effect::Keep { claim, changes } => {
                let event = move |written: Result<(), String>| match written {
                    Ok(()) => Event::Kept { claim },
                    Err(why) => Event::NotKept { claim, why },
                };
                self.write(&changes, event);
            }
            Effect::Write(changes) => self.write(&changes, Event::Written),
            Effect::Submit(transaction) => self.submit(transaction),
            Effect::Answer { ticket, answer } => {
                match &answer {
                    Ok(Paid { payout, .. }) => {
                        info!(to = %payout.transaction().to(), tx = %payout.id(), "paid a claim")
                    }
                    Err(error) => info!(reason = error.reason(), %error, "refused a claim"),
                }
                if let Some(reply) = self.tickets.remove(&ticket) {
                    // A client that no longer waits is paid all the same.
                    drop(reply.send(answer));
                }
            }
            Effect::Done { ticket, answer } => {
                if let Some(reply) = self.orders.remove(&ticket) {
                    // An operator who no longer waits sees it in the next report.
                    drop(reply.send(answer));
                }
            }
            Effect::Funds { funds, most, low: true } => {
                warn!(account = %self.machine.account(), %funds, %most, "the faucet's funds are low: send coins to its account");
            }
            Effect::Funds { funds, most, low: false } => {
                info!(account = %self.machine.account(), %funds, %most, "the faucet's funds are enough again");
            }
        }
    }

    /// Keeps changes in one durable write. The machine hears of it, or writes again when its mailbox was full.
    fn write(&mut self, changes: &[Change], event: impl FnOnce(Result<(), String>) -> Event + Clone + Send + 'static) {
        let own = self.ports.own.clone();
        let (kept, failed) = (event.clone(), event);
        let tell = move |written: Result<(), String>| own.tell(Mail(kept(written)));
        let writes: Result<Vec<_>, String> = changes.iter().map(faucet_records::write).collect();
        let posted = writes.and_then(|writes| {
            let mail = Write { writes, done: Some(Box::new(tell)) };
            self.ports.write.post(mail).map_err(|_| "the chain is busy".to_string())
        });
        if let Err(why) = posted {
            self.meter.failed(format!("the faucet's records are not kept: {why}"));
            self.on(failed(Err(why)));
        }
    }

    /// Hands a payout to the chain. A refusal is repaired by the next try, except a nonce that is gone.
    fn submit(&mut self, transaction: Transaction) {
        let payout = transaction.id(&self.chain);
        let (reply, answer) = oneshot::channel();
        self.ports.submit.tell(Submit { transaction, reply });
        let own = self.ports.own.clone();
        actix::spawn(async move {
            // Without an answer the next tick tells whoever waits.
            let Ok(answer) = answer.await else { return };
            let event = match answer {
                Err(Refused::Pool(PoolError::Invalid(TxError::NonceUsed { .. }))) => Event::NonceUsed { payout },
                Ok(_) | Err(Refused::Pool(PoolError::Known)) => Event::Submitted { payout },
                Err(error) => {
                    warn!(tx = %payout, %error, "a payout is refused and will be tried again");
                    Event::Submitted { payout }
                }
            };
            own.tell(Mail(event));
        });
    }

    fn next_nonce(&self) -> Option<u64> {
        self.ports.pool.borrow().next_nonce(&self.machine.account())
    }

    /// Shows the machine what it has not seen of the chain.
    fn catch_up(&mut self) {
        let missing = self.machine.missing();
        if missing.headers.is_empty() && missing.buried.is_empty() {
            return;
        }
        match self.blocks(missing) {
            Ok(event) => self.on(event),
            // The next tick reads again; a store that stays unreadable ends the node elsewhere.
            Err(error) => self.meter.failed(error.to_string()),
        }
    }

    fn blocks(&self, missing: Missing) -> Result<Event, ViewError> {
        let snapshot = self.reader.snapshot()?;
        let mut times = Vec::new();
        for height in missing.headers.rev() {
            match snapshot.header_at(height)?.map(|stored| stored.header.time) {
                Some(time) if time >= missing.since => times.push((height, time)),
                // Older than the hour; or the chain is another one meanwhile, which its own mail tells.
                _ => break,
            }
        }
        times.reverse();
        let mut buried = Vec::new();
        for height in missing.buried {
            let Some(id) = snapshot.main_id(height)? else { break };
            buried.extend(snapshot.block(&id)?.iter().map(Seen::of));
        }
        Ok(Event::Blocks { times, buried })
    }

    fn account(&self, address: &Address) -> Result<Option<Account>, String> {
        let snapshot = self.reader.snapshot().map_err(|error| error.to_string())?;
        snapshot.account(address).map_err(|error| error.to_string())
    }

    /// A claim with what the chain says of it.
    fn asked(&self, to: Address, client: IpAddr) -> Result<Asked, String> {
        let snapshot = self.reader.snapshot().map_err(|error| error.to_string())?;
        let read = |address: &Address| snapshot.account(address).map_err(|error| error.to_string());
        let (account, own) = (read(&to)?, read(&self.machine.account())?);
        Ok(Asked { to, client, account, own, next_nonce: self.next_nonce() })
    }

    fn claim(&mut self, claim: Claim) {
        self.tickets.retain(|_, reply| !reply.is_closed());
        if self.tickets.len() >= MAX_TICKETS {
            drop(claim.reply.send(Err(ClaimError::Busy)));
            return;
        }
        match self.asked(claim.to, claim.client) {
            Ok(asked) => {
                self.next_ticket += 1;
                let ticket = self.next_ticket;
                self.tickets.insert(ticket, claim.reply);
                self.on(Event::Claim { asked, form: claim.form, ticket });
            }
            Err(why) => drop(claim.reply.send(Err(ClaimError::NotKept(why)))),
        }
    }

    /// Answers a question. Whoever asked may have stopped waiting; without an answer the asker hears that the node is
    /// busy.
    fn answer(&mut self, question: Question) {
        let now = self.clock.now();
        match question {
            Question::View { client, to, reply } => {
                let asked = match to.map(|to| self.asked(to, client)).transpose() {
                    Ok(asked) => asked,
                    Err(why) => return self.meter.failed(why),
                };
                let own = match &asked {
                    Some(asked) => Ok(asked.own),
                    None => self.account(&self.machine.account()),
                };
                match own {
                    Ok(own) => {
                        let funds = own.map_or(Amount::ZERO, |own| own.balance);
                        drop(reply.send(self.machine.view(now, client, asked.as_ref(), funds)));
                    }
                    Err(why) => self.meter.failed(why),
                }
            }
            Question::Challenge { to, client, reply } => match self.asked(to, client) {
                Ok(asked) => drop(reply.send(self.machine.challenge(now, &asked))),
                Err(why) => drop(reply.send(Err(ClaimError::NotKept(why)))),
            },
            Question::Report { reply } => drop(reply.send(self.machine.report(now))),
            Question::Order { order, reply } => self.order(order, reply),
        }
    }

    fn order(&mut self, order: Order, reply: Reply<Result<(), OrderError>>) {
        info!(?order, "the operator steers the faucet");
        self.next_ticket += 1;
        let ticket = self.next_ticket;
        self.orders.insert(ticket, reply);
        self.on(Event::Order { order, ticket });
    }

    fn report(&self) -> ActorReport {
        self.moves.report(self.machine.state(), &(), self.clock.now().mono, &self.meter)
    }
}

impl Actor for Faucet {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Context<Self>) {
        self.catch_up();
    }
}

impl Handler<Mail<Event>> for Faucet {
    type Result = ();

    fn handle(&mut self, mail: Mail<Event>, _: &mut Context<Self>) {
        self.meter.took(mail.name());
        let moved = matches!(mail.0, Event::TipChanged(_));
        self.on(mail.0);
        if moved {
            self.catch_up();
        }
    }
}

impl Handler<Claim> for Faucet {
    type Result = ();

    fn handle(&mut self, mail: Claim, _: &mut Context<Self>) {
        self.meter.took(mail.name());
        self.claim(mail);
    }
}

impl Handler<AskFaucet> for Faucet {
    type Result = ();

    fn handle(&mut self, mail: AskFaucet, _: &mut Context<Self>) {
        self.meter.took(mail.name());
        self.answer(mail.question);
    }
}

impl Handler<Tick> for Faucet {
    type Result = ();

    fn handle(&mut self, mail: Tick, _: &mut Context<Self>) {
        self.meter.took(mail.name());
        match self.account(&self.machine.account()) {
            Ok(own) => {
                let next_nonce = self.next_nonce().or(own.map(|account| account.nonce));
                self.on(Event::Tick { next_nonce, own });
            }
            // The next tick reads again; a store that stays unreadable ends the node elsewhere.
            Err(why) => self.meter.failed(why),
        }
        self.catch_up();
    }
}

crate::mail::common_handlers!(Faucet);

//! The Chain actor: the only writer of the store. Runs on an arbiter of its own, because a commit waits for the disk.

use std::collections::HashMap;
use std::sync::Arc;

use actix::{Actor, Context, Handler};
use ledger::{Tip, Transaction};
use machines::chain::{
    self as machine, ENOUGH_BYTES, Effect, Event, Origin, RESERVE_BYTES, Refused, Source, State, Template, TipChanged,
};
use machines::peer::Offence;
use machines::pool::PoolView;
use machines::{Now, PeerId, discovery, faucet, miner, syncer};
use store::{Reader, Store, StoreError};
use tokio::sync::watch;
use tracing::{debug, error, info, warn};
use wire::{Command, Gossip, NetHandle};

use crate::mail::{Accepted, Named, Reply};
use crate::report::Moves;
use crate::translate::{self, Purpose};
use crate::{
    ActorReport, Clock, Directory, Mail, MakeTemplate, Meter, OfferBlock, Port, Submit, Tick, Verifier, Vital, Write,
    exit_code,
};

/// Clients that may wait for an answer: more than the public listener has connections.
const MAX_TICKETS: usize = 1_024;
/// Bytes of transactions in one gossip message; the wire's limit is higher.
const RELAY_BYTES: usize = 128 * 1024;
/// How often the log says how far a long move is.
const TELL_EVERY_MS: u64 = 10_000;

/// Whom the chain tells what.
pub struct Ports {
    /// Its own mailbox, for the verifier's answers.
    pub own: Port<Mail<Event>>,
    /// The syncer.
    pub syncer: Port<Mail<syncer::Event>>,
    /// The miner.
    pub miner: Port<Mail<miner::Event>>,
    /// The faucet.
    pub faucet: Port<Mail<faucet::Event>>,
    /// Discovery keeps whoever tells of new blocks.
    pub discovery: Port<Mail<discovery::Event>>,
    /// The network task.
    pub net: NetHandle,
    /// The connected peers.
    pub peers: Directory,
    /// The verifier threads.
    pub verifier: Verifier,
    /// The end of the chain as everybody may see it: never one that is not durable.
    pub tip: watch::Sender<Tip>,
    /// The pool as everybody may see it.
    pub pool: watch::Sender<Arc<PoolView>>,
    /// Why nothing can be kept now, if so.
    pub unkept: watch::Sender<Option<String>>,
    /// Whether the node stops: mail cannot say so while a long move keeps it waiting.
    pub stopping: watch::Receiver<bool>,
}

/// The actor around [`machine::Chain`].
pub struct Chain {
    machine: machine::Chain,
    store: Store,
    reader: Reader,
    ports: Ports,
    clock: Clock,
    meter: Arc<Meter>,
    vital: Vital,
    moves: Moves,
    /// When the log says next how far a move is.
    tell_at: u64,
    tickets: HashMap<u64, Reply<Result<Accepted, Refused>>>,
    next_ticket: u64,
    /// The store failed. It is not asked again: what it says after a failure proves nothing.
    failed: bool,
    /// Dropped last: whoever waits for the actor to be gone may open the store again.
    gone: Option<Reply<()>>,
}

impl Chain {
    /// The mailbox: a sync offers at most a few hundred batches at once, gossip is bounded by the wire. Full: gossip is
    /// dropped and comes again, clients hear that the node is busy, the sync's deadline asks again.
    pub const MAILBOX: usize = 1_024;

    /// An actor that does not run yet.
    pub fn new(
        machine: machine::Chain,
        store: Store,
        ports: Ports,
        clock: Clock,
        meter: Arc<Meter>,
        vital: Vital,
    ) -> Self {
        Self {
            machine,
            reader: store.reader(),
            store,
            ports,
            clock,
            meter,
            vital,
            moves: Moves::quiet("chain"),
            tell_at: 0,
            tickets: HashMap::new(),
            next_ticket: 0,
            failed: false,
            gone: None,
        }
    }

    /// Feeds an event to the machine and performs its effects, until it has nothing left to do; gives a template if one
    /// came out.
    fn on(&mut self, event: Event) -> Option<Template> {
        if self.failed {
            return None;
        }
        let mut template = None;
        let mut next = Some(event);
        while let Some(event) = next.take() {
            let now = self.clock.now();
            let effects = match self.decide(now, event) {
                Ok(effects) => effects,
                Err(error) => {
                    self.broken(error.to_string());
                    return None;
                }
            };
            // A move in many steps is no silence.
            self.vital.beat();
            for effect in effects {
                match effect {
                    Effect::Template(made) => template = Some(made),
                    Effect::GoOn => next = Some(self.next_part()),
                    effect => {
                        if !self.perform(effect) {
                            return None;
                        }
                    }
                }
            }
            self.moves.note(<&str>::from(self.machine.state()), now.mono);
            self.tell_of_move(now);
        }
        self.publish_pool();
        template
    }

    /// What comes after a part of a move: the next one, unless the node stops, which does not wait for it.
    fn next_part(&self) -> Event {
        if !*self.ports.stopping.borrow() {
            return Event::GoOn;
        }
        info!("the node stops: what is left of a move to another branch is not done");
        Event::GiveUp
    }

    /// Asks the machine. Only it sees what is staged. The view is gone when the effects are performed: a snapshot that
    /// is held pins pages, and a commit must not find one.
    fn decide(&mut self, now: Now, event: Event) -> Result<Vec<Effect>, StoreError> {
        Ok(match self.store.staged() {
            Some(staged) => self.machine.on(now, event, &staged),
            None => self.machine.on(now, event, &self.reader.snapshot()?),
        })
    }

    /// Says how far a long move to another branch is, now and then.
    fn tell_of_move(&mut self, now: Now) {
        let State::Reorganising { left, joined, to_join, .. } = self.machine.state() else {
            self.tell_at = 0;
            return;
        };
        if self.tell_at <= now.mono {
            self.tell_at = now.mono.saturating_add(TELL_EVERY_MS);
            info!(left, joined, to_join, "moving to a branch with more work, which is far away");
        }
    }

    /// Performs an effect. False: the node cannot go on.
    fn perform(&mut self, effect: Effect) -> bool {
        match effect {
            Effect::Commit(commit) => {
                if let Err(error) = self.store.commit(&commit) {
                    self.broken(error.to_string());
                    return false;
                }
            }
            Effect::Stage(part) => {
                if let Err(error) = self.store.stage(&part) {
                    self.broken(error.to_string());
                    return false;
                }
            }
            Effect::Abandon => {
                if let Err(error) = self.store.abandon() {
                    self.broken(error.to_string());
                    return false;
                }
            }
            Effect::TipChanged(changed) => self.tip_changed(changed),
            Effect::CheckBlocks { blocks, source } => {
                if self.ports.verifier.blocks(blocks, source, self.ports.own.clone()).is_err() {
                    // Its queue holds more jobs than the machine ever has open.
                    self.vital.fail("the verifier takes no blocks", exit_code::INTERNAL);
                    return false;
                }
            }
            Effect::CheckTransactions { transactions, origin } => {
                if self.ports.verifier.transactions(transactions, origin, self.ports.own.clone()).is_err() {
                    self.not_checked(origin);
                }
            }
            Effect::Verdict { ticket, verdict } => {
                if let Some(id) = translate::gossip_id(ticket) {
                    self.send(Command::Verdict { id, verdict: translate::verdict(verdict) });
                }
            }
            Effect::AnnounceBlock(block) => self.send(Command::Publish(translate::announce(&block))),
            Effect::Relay(transactions) => self.relay(&transactions),
            Effect::FetchMissing { ask, from, block, indexes } => {
                self.ask(from, Purpose::Missing(ask.0), wire::Request::BlockTransactions { block, indexes });
            }
            Effect::Fetch { ask, from, id } => {
                self.ask(from, Purpose::Fetch(ask.0), wire::Request::Blocks { ids: vec![id] });
            }
            Effect::Useful { peer } => self.ports.discovery.tell(Mail(discovery::Event::Useful { peer })),
            Effect::Behind { peer } => self.ports.syncer.tell(Mail(syncer::Event::Behind { peer })),
            Effect::SyncTaken { blocks } => self.ports.syncer.tell(Mail(syncer::Event::Taken { blocks })),
            Effect::SyncRefused { from, id, error } => {
                warn!(peer = %from, block = %id, %error, "a sync delivered a block that is refused");
                self.ports.syncer.tell(Mail(syncer::Event::Refused { from, id, error }));
            }
            Effect::Ahead { id, ms } => {
                warn!(block = %id, ms, "a block is ahead of this machine's clock: is that clock right?");
            }
            Effect::Misbehaved { peer, why } => self.ports.peers.misbehaved(peer, Offence::BreaksARule, why),
            Effect::Answer { ticket, answer } => {
                // Whoever is told that its transaction waits can look it up at once.
                self.publish_pool();
                if let Some(reply) = self.tickets.remove(&ticket) {
                    // A client that no longer waits finds the answer on the chain.
                    drop(reply.send(answer));
                }
            }
            // Taken out before.
            Effect::Template(_) | Effect::GoOn => {}
            Effect::OwnBlockRefused { id, error } => {
                error!(block = %id, %error, "this node made a block that it refuses itself: please report this");
                self.meter.failed(format!("own block {id} is refused: {error}"));
            }
            Effect::DiskFull(full) => self.disk_full(full),
            Effect::Broken(why) => {
                self.broken(why);
                return false;
            }
        }
        true
    }

    fn tip_changed(&mut self, changed: TipChanged) {
        let TipChanged { tip, left, joined, .. } = changed;
        if left == 0 {
            debug!(height = tip.height, id = %tip.id, blocks = joined, "tip");
        } else {
            info!(height = tip.height, id = %tip.id, left, joined, "the chain moved to a branch with more work");
        }
        // The pool first: whoever hears of the tip finds the pool that goes with it.
        self.publish_pool();
        self.ports.tip.send_replace(tip);
        self.ports.syncer.tell(Mail(syncer::Event::TipChanged));
        self.ports.miner.tell(Mail(miner::Event::TipChanged(tip)));
        self.ports.faucet.tell(Mail(faucet::Event::TipChanged(changed)));
        self.ports.discovery.tell(Mail(discovery::Event::TipChanged));
    }

    /// Passes transactions on in messages of a bounded size. What is lost here is announced again later.
    fn relay(&mut self, transactions: &[Arc<ledger::CheckedTransaction>]) {
        for batch in batches(transactions, RELAY_BYTES) {
            self.send(Command::Publish(Gossip::Transactions(batch)));
        }
    }

    /// Asks a peer. A question that is lost here is asked again when its deadline passes.
    fn ask(&self, peer: PeerId, purpose: Purpose, request: wire::Request) {
        if let Some(peer) = translate::wire_peer(peer) {
            self.send(Command::Request { peer, ticket: purpose.ticket(), request });
        }
    }

    fn send(&self, command: Command) {
        if let Err(busy) = self.ports.net.try_send(command) {
            self.meter.failed(busy.to_string());
        }
    }

    fn not_checked(&mut self, origin: Origin) {
        match origin {
            // Dropping the reply tells the client that the node is busy.
            Origin::Client(ticket) => drop(self.tickets.remove(&ticket)),
            Origin::Gossip { ticket, .. } => {
                if let Some(id) = translate::gossip_id(ticket) {
                    self.send(Command::Verdict { id, verdict: wire::Verdict::Ignore });
                }
            }
        }
    }

    /// Tells the machine how much is free.
    fn measure(&mut self) {
        match self.store.free_bytes() {
            Ok(free_bytes) => drop(self.on(Event::Disk { free_bytes })),
            Err(error) => self.broken(error.to_string()),
        }
    }

    fn disk_full(&mut self, full: bool) {
        let why =
            full.then(|| format!("less than {} MB are free on the disk: nothing new is kept", RESERVE_BYTES >> 20));
        match &why {
            Some(why) => error!("{why}, and nothing is mined, until there are {} MB", ENOUGH_BYTES >> 20),
            None => info!("there is room on the disk again"),
        }
        self.ports.unkept.send_replace(why);
        self.ports.miner.tell(Mail(miner::Event::DiskFull(full)));
        self.ports.syncer.tell(Mail(syncer::Event::DiskFull(full)));
    }

    /// The store failed: nothing is kept from now on, and this node ends.
    fn broken(&mut self, why: String) {
        if std::mem::replace(&mut self.failed, true) {
            return;
        }
        self.ports.unkept.send_replace(Some(why.clone()));
        self.ports.miner.tell(Mail(miner::Event::DiskFull(true)));
        self.meter.failed(why.clone());
        self.vital.fail(why, exit_code::STORAGE);
    }

    fn publish_pool(&self) {
        let pool = self.machine.pool();
        self.ports.pool.send_if_modified(|shown| {
            let changed = shown.version() != pool.version();
            if changed {
                *shown = Arc::new(pool.clone());
            }
            changed
        });
    }

    /// Keeps a client's reply; none when too many wait, and then the client hears that the node is busy.
    fn ticket(&mut self, reply: Reply<Result<Accepted, Refused>>) -> Option<u64> {
        self.tickets.retain(|_, reply| !reply.is_closed());
        if self.tickets.len() >= MAX_TICKETS {
            return None;
        }
        self.next_ticket += 1;
        self.tickets.insert(self.next_ticket, reply);
        Some(self.next_ticket)
    }

    fn report(&self) -> ActorReport {
        self.moves.report(self.machine.state(), &self.machine.figures(), self.clock.now().mono, &self.meter)
    }
}

/// Transactions in their order, in batches of at most `limit` bytes, or of a single larger one.
fn batches(transactions: &[Arc<ledger::CheckedTransaction>], limit: usize) -> Vec<Vec<Transaction>> {
    let mut batches: Vec<Vec<Transaction>> = Vec::new();
    let mut room = 0;
    for tx in transactions {
        match batches.last_mut() {
            Some(batch) if tx.size() <= room => batch.push(tx.transaction().clone()),
            _ => {
                batches.push(vec![tx.transaction().clone()]);
                room = limit;
            }
        }
        room = room.saturating_sub(tx.size());
    }
    batches
}

impl Actor for Chain {
    type Context = Context<Self>;
}

impl Handler<Mail<Event>> for Chain {
    type Result = ();

    fn handle(&mut self, mail: Mail<Event>, _: &mut Context<Self>) {
        self.meter.took(mail.name());
        if let Some(template) = self.on(mail.0) {
            self.ports.miner.tell(Mail(miner::Event::Template(template)));
        }
    }
}

impl Handler<Tick> for Chain {
    type Result = ();

    fn handle(&mut self, mail: Tick, _: &mut Context<Self>) {
        self.meter.took(mail.name());
        self.measure();
        self.on(Event::Tick);
    }
}

impl Handler<Submit> for Chain {
    type Result = ();

    fn handle(&mut self, mail: Submit, _: &mut Context<Self>) {
        self.meter.took(mail.name());
        if let Some(ticket) = self.ticket(mail.reply) {
            self.on(Event::Submitted { transaction: mail.transaction, ticket });
        }
    }
}

impl Handler<OfferBlock> for Chain {
    type Result = ();

    fn handle(&mut self, mail: OfferBlock, _: &mut Context<Self>) {
        self.meter.took(mail.name());
        if let Some(ticket) = self.ticket(mail.reply) {
            self.on(Event::Blocks { blocks: vec![mail.block], source: Source::Client(ticket) });
        }
    }
}

impl Handler<MakeTemplate> for Chain {
    type Result = ();

    fn handle(&mut self, mail: MakeTemplate, _: &mut Context<Self>) {
        self.meter.took(mail.name());
        if let Some(template) = self.on(Event::TemplateWanted { miner: mail.miner }) {
            // A client that no longer waits needs no template.
            drop(mail.reply.send(template));
        }
    }
}

impl Handler<Write> for Chain {
    type Result = ();

    fn handle(&mut self, mail: Write, _: &mut Context<Self>) {
        self.meter.took(mail.name());
        let written = match self.machine.is_full() || self.failed {
            true => Err(Refused::Full.to_string()),
            false => self.store.write(&mail.writes).map_err(|error| {
                self.broken(error.to_string());
                error.to_string()
            }),
        };
        if let Some(done) = mail.done {
            done(written);
        }
    }
}

crate::mail::common_handlers!(Chain);

#[cfg(test)]
mod tests {
    use ledger::{Address, Amount, Network, NetworkSpec, SecretKey, Transfer};
    use wire::limits::MAX_GOSSIP_TRANSACTIONS_BYTES;

    use super::*;

    #[test]
    fn transactions_are_passed_on_in_order_and_in_messages_far_below_the_limit_of_the_wire() {
        let network = Network::new(NetworkSpec::built_in("regtest").unwrap()).unwrap();
        let key = SecretKey::from_bytes([1; 32]).unwrap();
        let checked = |nonce| {
            let (amount, fee) = (Amount::drops(u64::MAX / 2), Amount::ZERO);
            let data = vec![7; nonce as usize % ledger::MAX_DATA_BYTES];
            let tx = Transfer::sign(&key, &network.chain, Address([2; 20]), amount, fee, nonce, data);
            Arc::new(Transaction::Transfer(tx).kept(&network).unwrap())
        };
        let transactions: Vec<_> = (0..1_000).map(checked).collect();
        let batches = batches(&transactions, RELAY_BYTES);
        for batch in &batches {
            let bytes: usize = batch.iter().map(Transaction::size).sum();
            assert!(bytes <= RELAY_BYTES && !batch.is_empty());
        }
        // The wire's integers take a few bytes more for each.
        const { assert!(RELAY_BYTES + RELAY_BYTES / 8 < MAX_GOSSIP_TRANSACTIONS_BYTES) };
        let total: usize = transactions.iter().map(|tx| tx.size()).sum();
        assert!(batches.len() <= total / (RELAY_BYTES - ledger::MAX_DATA_BYTES - 200) + 1, "and in few");
        let sent: Vec<_> = batches.into_iter().flatten().collect();
        let handed_in: Vec<_> = transactions.iter().map(|tx| tx.transaction().clone()).collect();
        assert_eq!(sent, handed_in);
        assert!(super::batches(&[], RELAY_BYTES).is_empty());
    }
}

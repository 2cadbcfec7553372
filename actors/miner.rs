//! The Miner actor. The hashing itself is a thread of its own.

use std::collections::BTreeSet;
use std::sync::Arc;

use actix::{Actor, Context};
use machines::chain;
use machines::miner::{self as machine, Effect, Event};
use tracing::info;

use crate::mail::Reply;
use crate::report::Moves;
use crate::{ActorReport, Clock, Hasher, Mail, Meter, Port, Vital};

/// Whom the miner tells what.
pub struct Ports {
    /// The chain.
    pub chain: Port<Mail<chain::Event>>,
    /// The hashing thread.
    pub hasher: Hasher,
}

/// The actor around [`machine::Miner`].
pub struct Miner {
    machine: machine::Miner,
    ports: Ports,
    clock: Clock,
    meter: Arc<Meter>,
    _vital: Vital,
    moves: Moves,
    gone: Option<Reply<()>>,
}

impl Miner {
    /// The mailbox: tips during a fast sync, and a report each second. Full: the next tip or tick says the same.
    pub const MAILBOX: usize = 64;

    /// An actor that does not run yet.
    pub fn new(machine: machine::Miner, ports: Ports, clock: Clock, meter: Arc<Meter>, vital: Vital) -> Self {
        Self { machine, ports, clock, meter, _vital: vital, moves: Moves::new("miner"), gone: None }
    }

    fn on(&mut self, event: Event) {
        let now = self.clock.now();
        for effect in self.machine.on(now, event) {
            self.perform(effect);
        }
        match self.machine.state() {
            // Asking for a template lies between any two jobs; only what lasts is a move.
            machine::State::Asking { .. } => {}
            machine::State::Paused { reasons, .. } => {
                // Each once, and without deadlines, which move.
                let names: BTreeSet<&str> = reasons.iter().map(<&str>::from).collect();
                self.moves.note(format!("Paused{names:?}"), now.mono);
            }
            state => self.moves.note(<&str>::from(state), now.mono),
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::AskTemplate { miner } => self.ports.chain.tell(Mail(chain::Event::TemplateWanted { miner })),
            Effect::Hash { job, search } => self.ports.hasher.hash(job, search),
            Effect::Stop => self.ports.hasher.stop(),
            Effect::Offer(mined) => {
                info!(height = mined.header.height, transactions = mined.transactions.len(), "found a block");
                if self.ports.chain.post(Mail(chain::Event::Mined(mined))).is_err() {
                    self.meter.failed("the chain's mailbox is full: a found block is lost".into());
                }
            }
        }
    }

    fn report(&self) -> ActorReport {
        self.moves.report(self.machine.state(), &self.machine.figures(), self.clock.now().mono, &self.meter)
    }
}

impl Actor for Miner {
    type Context = Context<Self>;
}

crate::mail::event_handlers!(Miner, Event);
crate::mail::common_handlers!(Miner);

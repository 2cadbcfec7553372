//! The Syncer actor.

use std::sync::Arc;

use actix::{Actor, Context};
use machines::syncer::{self as machine, Effect, Event};
use machines::{PeerId, chain, faucet, miner};
use store::Reader;
use tokio::sync::watch;
use tracing::info;
use wire::{Command, NetHandle, Request, Status};

use crate::mail::Reply;
use crate::report::Moves;
use crate::translate::{self, Purpose};
use crate::{ActorReport, Clock, Directory, Mail, Meter, Port, Vital, exit_code};

/// Whom the syncer tells what.
pub struct Ports {
    /// The chain.
    pub chain: Port<Mail<chain::Event>>,
    /// The miner.
    pub miner: Port<Mail<miner::Event>>,
    /// The faucet.
    pub faucet: Port<Mail<faucet::Event>>,
    /// The network task.
    pub net: NetHandle,
    /// The connected peers.
    pub peers: Directory,
    /// Whether this node is behind, as everybody may see it.
    pub syncing: watch::Sender<bool>,
    /// What this node says of itself when it asks a peer for its tip.
    pub greeting: Arc<dyn Fn() -> Option<Status> + Send + Sync>,
}

/// The actor around [`machine::Syncer`].
pub struct Syncer {
    machine: machine::Syncer,
    reader: Reader,
    ports: Ports,
    clock: Clock,
    meter: Arc<Meter>,
    vital: Vital,
    moves: Moves,
    gone: Option<Reply<()>>,
}

impl Syncer {
    /// The mailbox: four answers from each of 32 peers, and a tip for each batch. Full: a deadline asks again.
    pub const MAILBOX: usize = 256;

    /// An actor that does not run yet.
    pub fn new(
        machine: machine::Syncer,
        reader: Reader,
        ports: Ports,
        clock: Clock,
        meter: Arc<Meter>,
        vital: Vital,
    ) -> Self {
        Self { machine, reader, ports, clock, meter, vital, moves: Moves::new("syncer"), gone: None }
    }

    fn on(&mut self, event: Event) {
        let now = self.clock.now();
        let snapshot = self.reader.snapshot().map_err(|error| error.to_string());
        let effects = snapshot.and_then(|view| self.machine.on(now, event, &view).map_err(|error| error.to_string()));
        match effects {
            Ok(effects) => effects.into_iter().for_each(|effect| self.perform(effect)),
            Err(why) => self.vital.fail(why, exit_code::STORAGE),
        }
        self.moves.note(<&str>::from(self.machine.state()), now.mono);
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::AskStatus { peer } => {
                if let Some(status) = (self.ports.greeting)() {
                    self.ask(peer, Purpose::Greeting, Request::Status(status));
                }
            }
            Effect::AskHeaders { ask, peer, locator } => {
                self.ask(peer, Purpose::Sync(ask.0), Request::Headers { locator });
            }
            Effect::AskBlocks { ask, peer, ids } => self.ask(peer, Purpose::Sync(ask.0), Request::Blocks { ids }),
            Effect::Offer { blocks, from } => {
                let source = chain::Source::Sync(from);
                if self.ports.chain.post_bulk(Mail(chain::Event::Blocks { blocks, source })).is_err() {
                    self.meter.failed("the chain's mailbox is full: the sync starts again".into());
                }
            }
            Effect::Syncing(syncing) => {
                info!(
                    syncing,
                    "{}",
                    if syncing { "behind the network, mining pauses" } else { "in step with the network" }
                );
                self.ports.syncing.send_replace(syncing);
                self.ports.chain.tell(Mail(chain::Event::Syncing(syncing)));
                self.ports.miner.tell(Mail(miner::Event::Syncing(syncing)));
                self.ports.faucet.tell(Mail(faucet::Event::Syncing(syncing)));
            }
            Effect::Misbehaved { peer, why } => self.ports.peers.misbehaved(peer, why),
        }
    }

    fn ask(&mut self, peer: PeerId, purpose: Purpose, request: Request) {
        let Some(peer) = translate::wire_peer(peer) else { return };
        if let Err(busy) = self.ports.net.try_send(Command::Request { peer, ticket: purpose.ticket(), request }) {
            // The question was never asked: its deadline passes and it is asked again.
            self.meter.failed(busy.to_string());
        }
    }

    fn report(&self) -> ActorReport {
        self.moves.report(self.machine.state(), &(), self.clock.now().mono, &self.meter)
    }
}

impl Actor for Syncer {
    type Context = Context<Self>;
}

crate::mail::event_handlers!(Syncer, Event);
crate::mail::common_handlers!(Syncer);

//! The Syncer actor: asks peers, offers the chain what they sent, and tells people how far a sync is.

use std::sync::Arc;

use actix::{Actor, Context};
use machines::syncer::{self as machine, Effect, Event, Progress, State};
use machines::{Now, PeerId, chain, discovery, faucet, miner};
use store::Reader;
use tokio::sync::watch;
use tracing::info;
use wire::{Command, NetHandle, Request, Status};

use crate::mail::Reply;
use crate::report::Moves;
use crate::translate::{self, Purpose};
use crate::{ActorReport, Clock, Directory, Mail, Meter, Port, Vital, exit_code};

/// How often the log tells how far a sync is.
const LOG_MS: u64 = 10_000;

/// Whom the syncer tells what.
pub struct Ports {
    /// The chain.
    pub chain: Port<Mail<chain::Event>>,
    /// The miner.
    pub miner: Port<Mail<miner::Event>>,
    /// The faucet.
    pub faucet: Port<Mail<faucet::Event>>,
    /// Discovery replaces peers that stay behind.
    pub discovery: Port<Mail<discovery::Event>>,
    /// The network task.
    pub net: NetHandle,
    /// The connected peers.
    pub peers: Directory,
    /// Whether this node is behind, as everybody may see it.
    pub syncing: watch::Sender<bool>,
    /// How far a sync is, as everybody may see it.
    pub progress: watch::Sender<Progress>,
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
    /// What everybody knows of whether this node is behind; none while somebody does not.
    told_syncing: Option<bool>,
    /// When the log told how far the sync is.
    told_at: u64,
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
        Self {
            machine,
            reader,
            ports,
            clock,
            meter,
            vital,
            moves: Moves::new("syncer"),
            told_syncing: Some(false),
            told_at: 0,
            gone: None,
        }
    }

    fn on(&mut self, event: Event) {
        let now = self.clock.now();
        let mut next = Some(event);
        while let Some(event) = next.take() {
            let snapshot = self.reader.snapshot().map_err(|error| error.to_string());
            match snapshot.and_then(|view| self.machine.on(now, event, &view).map_err(|error| error.to_string())) {
                Ok(effects) => {
                    for effect in effects {
                        next = self.perform(effect).or(next);
                    }
                }
                Err(why) => self.vital.fail(why, exit_code::STORAGE),
            }
        }
        self.moves.note(<&str>::from(self.machine.state()), now.mono);
        self.ports.syncing.send_if_modified(|told| std::mem::replace(told, self.machine.is_syncing()) != *told);
        self.tell_syncing();
        self.tell_progress(now);
    }

    /// Tells whom it concerns whether this node is behind, until all of them know: nobody may pause for ever because a
    /// mailbox was full.
    fn tell_syncing(&mut self) {
        let syncing = self.machine.is_syncing();
        if self.told_syncing != Some(syncing) {
            let told = self.ports.chain.post(Mail(chain::Event::Syncing(syncing))).is_ok()
                & self.ports.miner.post(Mail(miner::Event::Syncing(syncing))).is_ok()
                & self.ports.faucet.post(Mail(faucet::Event::Syncing(syncing))).is_ok();
            self.told_syncing = told.then_some(syncing);
        }
    }

    fn tell_progress(&mut self, now: Now) {
        let progress = self.machine.progress(now);
        if !progress.is_fetching() {
            self.told_at = now.mono;
        } else if self.told_at.saturating_add(LOG_MS) <= now.mono {
            self.told_at = now.mono;
            info!(phase = progress.phase, height = progress.height, sources = progress.sources, "{progress}");
        }
        self.ports.progress.send_if_modified(|told| {
            let changed = *told != progress;
            *told = progress;
            changed
        });
    }

    /// Performs an effect; gives what the machine must hear of how it went.
    fn perform(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::AskStatus { peer } => {
                if let Some(status) = (self.ports.greeting)() {
                    self.ask(peer, Purpose::Greeting, Request::Status(status));
                }
            }
            Effect::AskHeaders { ask, peer, locator, limit } => {
                self.ask(peer, Purpose::Sync(ask.0), Request::Headers { locator, limit });
            }
            Effect::AskBlocks { ask, peer, ids } => self.ask(peer, Purpose::Sync(ask.0), Request::Blocks { ids }),
            Effect::Offer { blocks, from } => {
                let source = chain::Source::Sync(from);
                if self.ports.chain.post_bulk(Mail(chain::Event::Blocks { blocks, source })).is_err() {
                    self.meter.failed("the chain's mailbox is full: the sync starts again".into());
                    return Some(Event::NotTaken);
                }
            }
            Effect::Syncing(true) => info!(syncing = true, "behind the network, mining pauses"),
            Effect::Syncing(false) if matches!(self.machine.state(), State::Headers { .. } | State::Blocks { .. }) => {
                info!(syncing = false, "peers claim more than they deliver so far, mining goes on");
            }
            Effect::Syncing(false) if *self.machine.state() == State::Alone => {
                info!(syncing = false, "no peer is left to ask, mining goes on");
            }
            Effect::Syncing(false) if self.machine.is_behind() => {
                info!(syncing = false, "peers claim more, but none can be asked just now; mining goes on");
            }
            Effect::Syncing(false) => info!(syncing = false, "in step with the network"),
            Effect::Lagging { peer } => self.ports.discovery.tell(Mail(discovery::Event::Lagging { peer })),
            Effect::Misbehaved { peer, offence, why } => self.ports.peers.misbehaved(peer, offence, why),
        }
        None
    }

    fn ask(&mut self, peer: PeerId, purpose: Purpose, request: Request) {
        let Some(peer) = translate::wire_peer(peer) else { return };
        if let Err(busy) = self.ports.net.try_send(Command::Request { peer, ticket: purpose.ticket(), request }) {
            // The question was never asked: its deadline passes and it is asked again.
            self.meter.failed(busy.to_string());
        }
    }

    fn report(&self) -> ActorReport {
        let now = self.clock.now();
        self.moves.report(self.machine.state(), &self.machine.progress(now), now.mono, &self.meter)
    }
}

impl Actor for Syncer {
    type Context = Context<Self>;
}

crate::mail::event_handlers!(Syncer, Event);
crate::mail::common_handlers!(Syncer);

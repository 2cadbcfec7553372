//! The Peer actor: one for each connected peer. What comes from a peer passes here first.

mod answers;

use std::sync::Arc;

use actix::{Actor, Context, Handler};
use ledger::ViewError;
use machines::chain::{self, GossipTicket};
use machines::miner::Lease;
use machines::peer::{self as machine, Effect, Event, Goodbye, Offence};
use machines::{PeerId, discovery, miner, syncer};
use store::Reader;
use tracing::field::display;
use tracing::info;
use wire::{Command, Gossip, GossipId, NetHandle, Request, Responder, Response, Status};

use crate::delivery::Delivery;
use crate::link::Link;
use crate::mail::{Named, Reply};
use crate::report::Moves;
use crate::serve::{self, Served};
use crate::translate::{self, Purpose};
use crate::{ActorReport, Clock, Directory, Mail, Meter, Port, Share, Tick};

/// Whom every peer tells what.
#[derive(Clone)]
pub struct Ports {
    /// The chain.
    pub chain: Port<Mail<chain::Event>>,
    /// The syncer.
    pub syncer: Port<Mail<syncer::Event>>,
    /// The miner, which pauses while a peer is served a long sync.
    pub miner: Port<Mail<miner::Event>>,
    /// Discovery.
    pub discovery: Port<Mail<discovery::Event>>,
    /// Discovery knows addresses.
    pub share: Port<Share>,
    /// How each is connected, and with how many points it came.
    pub directory: Directory,
    /// The network task.
    pub net: NetHandle,
    /// What is stored.
    pub reader: Reader,
    /// What this node says of itself; none while the store cannot be read.
    pub greeting: Arc<dyn Fn() -> Option<Status> + Send + Sync>,
}

/// The actor around [`machine::Peer`].
pub struct Peer {
    machine: machine::Peer,
    peer: PeerId,
    ports: Ports,
    clock: Clock,
    meter: Arc<Meter>,
    moves: Moves,
    gone: Option<Reply<()>>,
    _farewell: Farewell,
}

/// Says that a peer is gone when its actor ends, also by a panic: not when the connection ended, but behind everything
/// that the peer told before. Its last answer would count for nothing otherwise, and its greeting for ever.
struct Farewell {
    peer: PeerId,
    syncer: Port<Mail<syncer::Event>>,
    discovery: Port<Mail<discovery::Event>>,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        self.syncer.tell(Mail(syncer::Event::Gone { peer: self.peer }));
        self.discovery.tell(Mail(discovery::Event::Gone { peer: self.peer }));
    }
}

#[derive(serde::Serialize)]
struct Figures {
    id: PeerId,
    address: String,
    outbound: bool,
    #[serde(flatten)]
    machine: machine::Figures,
}

impl Peer {
    /// The mailbox: 64 streams of a connection, and gossip. Full: a request gets no answer, gossip is ignored.
    pub const MAILBOX: usize = 256;

    /// An actor that does not run yet.
    pub fn new(machine: machine::Peer, peer: PeerId, ports: Ports, clock: Clock, meter: Arc<Meter>) -> Self {
        let (syncer, discovery) = (ports.syncer.clone(), ports.discovery.clone());
        let _farewell = Farewell { peer, syncer, discovery };
        Self { machine, peer, ports, clock, meter, moves: Moves::quiet("peer"), gone: None, _farewell }
    }

    fn on(&mut self, event: Event) -> Vec<Effect> {
        let now = self.clock.now();
        let effects = self.machine.on(now, event);
        self.moves.note(<&str>::from(self.machine.state()), now.mono);
        effects
    }

    /// Performs effects that need nothing of the message that caused them.
    fn run(&mut self, event: Event) {
        for effect in self.on(event) {
            self.perform(effect);
        }
    }

    fn perform(&mut self, effect: Effect) {
        let peer = self.peer;
        match effect {
            Effect::Greet => {
                if let (Some(status), Some(to)) = ((self.ports.greeting)(), translate::wire_peer(peer)) {
                    let ticket = Purpose::Greeting.ticket();
                    self.send(Command::Request { peer: to, ticket, request: Request::Status(status) });
                }
            }
            Effect::Ready(greeting) => {
                let address = self.link().map(|link| display(link.address));
                info!(%peer, address, agent = %greeting.agent, height = greeting.tip.height, "peer is ready");
                self.tell_ready();
                self.ports.syncer.tell(Mail(syncer::Event::Status { peer, tip: greeting.tip }));
            }
            Effect::TipTold(tip) => {
                self.tell_ready();
                self.ports.syncer.tell(Mail(syncer::Event::Status { peer, tip }));
            }
            Effect::Remember(score) => self.ports.directory.remember(peer, score),
            Effect::Lease { number, news } => {
                // Lost when the miner has too much mail; then the lease ends by itself.
                let lease = Lease { peer, number };
                self.ports.miner.tell(Mail(miner::Event::Lease { lease, news }));
            }
            Effect::Close(why) => self.close(&why),
            // These belong to a message and are performed where it is at hand.
            Effect::Answer | Effect::Refuse(_) | Effect::Deliver | Effect::Drop => {}
        }
    }

    fn close(&mut self, why: &Goodbye) {
        let peer = self.peer;
        info!(%peer, %why, "disconnecting a peer");
        if matches!(why, Goodbye::OtherChain(_) | Goodbye::OtherVersion { .. }) {
            self.ports.discovery.tell(Mail(discovery::Event::WrongNetwork { peer }));
        }
        if why.bans() {
            self.ports.discovery.tell(Mail(discovery::Event::Misbehaved { peer }));
        }
        if let Some(peer) = translate::wire_peer(peer) {
            self.send(Command::Disconnect(peer));
        }
    }

    /// Said again with every tip that it tells: discovery may have been too busy to hear it.
    fn tell_ready(&self) {
        let dialed = self.link().and_then(|link| link.dialed());
        self.ports.discovery.tell(Mail(discovery::Event::Ready { peer: self.peer, dialed }));
    }

    /// How it is connected; none when it is gone.
    fn link(&self) -> Option<Link> {
        self.ports.directory.get(&self.peer).map(|entry| entry.link)
    }

    fn offend(&mut self, offence: Offence, what: String) {
        self.run(Event::Offence { offence, what });
    }

    fn request(&mut self, request: Request, responder: Responder) {
        let mut responder = Some(responder);
        for effect in self.on(Event::Asked(translate::question(&request))) {
            match effect {
                Effect::Answer => {
                    if let Some(responder) = responder.take() {
                        self.answer(&request, responder);
                    }
                }
                Effect::Refuse(why) => {
                    if let Some(responder) = responder.take() {
                        self.send(Command::Respond { responder, response: Response::Refused(why) });
                    }
                }
                other => self.perform(other),
            }
        }
    }

    fn answer(&mut self, request: &Request, responder: Responder) {
        let reader = &self.ports.reader;
        let served = match request {
            Request::Addresses => {
                // A full mailbox drops the responder, which tells the peer at once.
                self.ports.share.tell(Share { asker: self.peer, responder });
                return;
            }
            Request::Status(_) => match (self.ports.greeting)() {
                Some(status) => Ok(Served::plain(Response::Status(status))),
                None => Err(ViewError("the store cannot be read".into())),
            },
            Request::Headers { locator, limit } => serve::headers(reader, locator, usize::from(*limit)),
            Request::Blocks { ids } => serve::blocks(reader, ids),
            Request::BlockTransactions { block, indexes } => serve::transactions(reader, block, indexes),
        };
        match served {
            Ok(Served { response, below_tip }) => {
                let bytes = response.weight();
                self.send(Command::Respond { responder, response });
                self.run(Event::Answered { bytes, below_tip });
            }
            // The responder is dropped: the peer asks somebody else.
            Err(error) => self.meter.failed(error.to_string()),
        }
    }

    fn gossip(&mut self, id: GossipId, gossip: Gossip) {
        let Some(ticket) = translate::ticket(&id) else { return };
        let message = translate::message(&gossip);
        let mut gossip = Some(gossip);
        for effect in self.on(Event::Message(message)) {
            match effect {
                Effect::Deliver => {
                    if let Some(gossip) = gossip.take() {
                        self.deliver(ticket, id.clone(), gossip);
                    }
                }
                Effect::Drop => self.send(Command::Verdict { id: id.clone(), verdict: wire::Verdict::Ignore }),
                other => self.perform(other),
            }
        }
    }

    fn deliver(&mut self, ticket: GossipTicket, id: GossipId, gossip: Gossip) {
        let from = self.peer;
        let event = match gossip {
            Gossip::Block(announce) => {
                chain::Event::Announced { announcement: translate::announced(announce), from, ticket }
            }
            Gossip::Transactions(transactions) => chain::Event::Gossiped { transactions, from, ticket },
        };
        if self.ports.chain.post_bulk(Mail(event)).is_err() {
            self.send(Command::Verdict { id, verdict: wire::Verdict::Ignore });
        }
    }

    fn send(&self, command: Command) {
        if let Err(busy) = self.ports.net.try_send(command) {
            self.meter.failed(busy.to_string());
        }
    }

    fn report(&self) -> ActorReport {
        let link = self.link();
        self.moves.report(
            self.machine.state(),
            &Figures {
                id: self.peer,
                address: link.as_ref().map(|link| link.address.to_string()).unwrap_or_default(),
                outbound: link.is_some_and(|link| link.outbound),
                machine: self.machine.figures(),
            },
            self.clock.now().mono,
            &self.meter,
        )
    }
}

impl Actor for Peer {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Context<Self>) {
        self.run(Event::Connected);
    }

    fn stopped(&mut self, _: &mut Context<Self>) {
        self.run(Event::Gone);
    }
}

impl Handler<Delivery> for Peer {
    type Result = ();

    fn handle(&mut self, mail: Delivery, _: &mut Context<Self>) {
        self.meter.took(mail.name());
        match mail {
            Delivery::Request { request, responder } => self.request(request, responder),
            Delivery::Response { purpose, result } => self.response(purpose, result),
            Delivery::Gossip { id, gossip } => self.gossip(id, gossip),
        }
    }
}

impl Handler<Mail<Event>> for Peer {
    type Result = ();

    fn handle(&mut self, mail: Mail<Event>, _: &mut Context<Self>) {
        self.meter.took(mail.name());
        self.run(mail.0);
    }
}

impl Handler<Tick> for Peer {
    type Result = ();

    fn handle(&mut self, mail: Tick, _: &mut Context<Self>) {
        self.meter.took(mail.name());
        self.run(Event::Tick);
    }
}

crate::mail::common_handlers!(Peer);

//! The Discovery actor.

use std::sync::Arc;

use actix::{Actor, Context, Handler};
use machines::discovery::{self as machine, Effect, Event, Record, Repairs};
use machines::peer::{self, Goodbye};
use machines::{PeerId, miner};
use tokio::sync::watch;
use tracing::{debug, info, warn};
use wire::{Command, Multiaddr, NetHandle, Protocol, Request, Response};

use crate::mail::{Named, Reply};
use crate::report::Moves;
use crate::translate::{self, Purpose};
use crate::{ActorReport, Clock, Directory, Mail, Meter, Port, Share, Vital, Write};

/// Addresses told to a peer that asks; the wire's limit is the same.
const SHARED: usize = 32;

/// Whom discovery tells what.
pub struct Ports {
    /// The miner wants to know how many peers there are.
    pub miner: Port<Mail<miner::Event>>,
    /// The chain keeps what is to be kept.
    pub write: Port<Write>,
    /// The network task.
    pub net: NetHandle,
    /// The connected peers: who is not needed is told so.
    pub peers: Directory,
    /// How many peers passed the handshake, as everybody may see it.
    pub ready: watch::Sender<usize>,
}

/// The actor around [`machine::Discovery`].
pub struct Discovery {
    machine: machine::Discovery,
    ports: Ports,
    clock: Clock,
    meter: Arc<Meter>,
    _vital: Vital,
    moves: Moves,
    gone: Option<Reply<()>>,
}

impl Discovery {
    /// The mailbox: a few events for each of 32 connections and 8 dials. Full: a dial is given up after its deadline,
    /// and who is connected is looked up in the directory every ten seconds.
    pub const MAILBOX: usize = 256;

    /// An actor that does not run yet. Says what was wrong with the peers that were kept.
    pub fn new(machine: machine::Discovery, ports: Ports, clock: Clock, meter: Arc<Meter>, vital: Vital) -> Self {
        let Repairs { left_out, repaired } = machine.repairs();
        if left_out + repaired > 0 {
            warn!(left_out, repaired, "known peers were damaged, too many or from the future; the others are used");
        }
        Self { machine, ports, clock, meter, _vital: vital, moves: Moves::new("discovery"), gone: None }
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
            Effect::Dial { peer, addresses } => {
                debug!(?peer, ?addresses, "dialing");
                let addresses = addresses.iter().filter_map(|text| text.parse().ok()).collect();
                self.send(Command::Dial { peer: peer.and_then(translate::wire_peer), addresses });
            }
            Effect::Announce => self.send(Command::Announce),
            Effect::Lookup => self.send(Command::Lookup),
            Effect::AskAddresses { peer } => {
                if let Some(peer) = translate::wire_peer(peer) {
                    let ticket = Purpose::Addresses.ticket();
                    self.send(Command::Request { peer, ticket, request: Request::Addresses });
                }
            }
            Effect::TellPresent => self.on(Event::Present(self.ports.peers.present())),
            Effect::ResolveSeed { name } => self.send(Command::ResolveSeed(name)),
            Effect::Disconnect { peer, why } => self.disconnect(peer, why),
            Effect::Save { peer, record } => self.save(peer, &record),
            Effect::Forget { peer } => {
                info!(%peer, "forgot a peer");
                self.ports.write.tell(Write { writes: vec![store::Write::DeletePeer { id: peer.0 }], done: None });
            }
            Effect::Refuse { peer, refuse } => {
                info!(%peer, refuse, "{}", if refuse { "refusing a peer" } else { "no longer refusing a peer" });
                if let Some(peer) = translate::wire_peer(peer) {
                    self.send(if refuse { Command::Block(peer) } else { Command::Unblock(peer) });
                }
            }
            Effect::RefuseAddress { address, refuse } => {
                info!(%address, refuse, "{}", if refuse { "refusing an IP address" } else { "no longer refusing an IP address" });
                self.send(if refuse { Command::BlockAddress(address) } else { Command::UnblockAddress(address) });
            }
            Effect::Peers(ready) => {
                self.ports.ready.send_replace(ready);
                self.ports.miner.tell(Mail(miner::Event::Peers(ready)));
            }
        }
    }

    /// The peer's own actor says goodbye. One that is gone already is not missed.
    fn disconnect(&self, peer: PeerId, why: Goodbye) {
        if let Some(entry) = self.ports.peers.get(&peer) {
            entry.event.tell(Mail(peer::Event::Disconnect(why)));
        }
    }

    fn save(&mut self, peer: PeerId, record: &Record) {
        match postcard::to_stdvec(record) {
            Ok(value) => {
                let writes = vec![store::Write::PutPeer { id: peer.0, value }];
                self.ports.write.tell(Write { writes, done: None });
            }
            Err(error) => self.meter.failed(format!("peer {peer} cannot be encoded: {error}")),
        }
    }

    fn send(&self, command: Command) {
        if let Err(busy) = self.ports.net.try_send(command) {
            self.meter.failed(busy.to_string());
        }
    }

    fn report(&self) -> ActorReport {
        self.moves.report(self.machine.state(), &self.machine.figures(), self.clock.now().mono, &self.meter)
    }
}

impl Actor for Discovery {
    type Context = Context<Self>;
}

impl Handler<Share> for Discovery {
    type Result = ();

    fn handle(&mut self, mail: Share, _: &mut Context<Self>) {
        self.meter.took(mail.name());
        let with_id = |(peer, address): (PeerId, String)| {
            let mut address: Multiaddr = address.parse().ok()?;
            if !address.iter().any(|part| matches!(part, Protocol::P2p(_))) {
                address.push(Protocol::P2p(translate::wire_peer(peer)?));
            }
            Some(address.to_string())
        };
        let now = self.clock.now();
        let addresses = self.machine.to_share(&mail.asker, now, SHARED).into_iter().filter_map(with_id).collect();
        self.send(Command::Respond { responder: mail.responder, response: Response::Addresses(addresses) });
    }
}

crate::mail::event_handlers!(Discovery, Event);
crate::mail::common_handlers!(Discovery);

//! The router: what the network task tells, to whom it belongs. A message from a peer goes to that peer's actor, news of
//! the network to Discovery.

use ledger::ChainId;
use machines::discovery::Source;
use machines::peer::{Event, Goodbye};
use machines::{PeerId, discovery, syncer};
use tokio::sync::{oneshot, watch};
use tracing::{debug, info, warn};
use wire::{Command, DialFailure, Multiaddr, NetEvent, PROTOCOL_VERSION, Reach};

use crate::delivery::Delivery;
use crate::directory::Entry;
use crate::link::{Link, dialed_address};
use crate::peer::Peer;
pub use crate::peer::Ports as PeerPorts;
use crate::translate::{self, Purpose};
use crate::{Clock, Directory, Inbox, Mail, Stop};

/// Routes what the network task tells. Lives on the network arbiter, where it starts the peers' actors.
pub struct Router {
    chain: ChainId,
    ports: PeerPorts,
    directory: Directory,
    clock: Clock,
    listening: watch::Sender<Vec<Multiaddr>>,
    external: watch::Sender<Vec<(Multiaddr, Reach)>>,
}

impl Router {
    /// A router of a node on `chain`.
    pub fn new(
        chain: ChainId,
        ports: PeerPorts,
        directory: Directory,
        clock: Clock,
        listening: watch::Sender<Vec<Multiaddr>>,
        external: watch::Sender<Vec<(Multiaddr, Reach)>>,
    ) -> Self {
        Self { chain, ports, directory, clock, listening, external }
    }

    /// Handles an event of the network task. Called by that task: quick, never waits.
    pub fn on(&mut self, event: NetEvent) {
        match event {
            NetEvent::Listening(address) => {
                info!(%address, "listening");
                self.listening.send_modify(|all| all.push(address));
            }
            NetEvent::Connected { peer, address, outbound } => self.connected(&peer, Link { address, outbound }),
            NetEvent::Moved { peer, address, outbound } => self.moved(&peer, Link { address, outbound }),
            NetEvent::Disconnected { peer, cause } => self.disconnected(&peer, &cause),
            NetEvent::DialFailed { peer, addresses, error } => self.dial_failed(peer.as_ref(), &addresses, &error),
            NetEvent::Identified { peer, addresses, same_network: true, .. } => {
                let Some(peer) = translate::peer_id(&peer) else { return };
                let addresses = addresses.iter().map(dialed_address).collect();
                self.ports.discovery.tell(Mail(discovery::Event::Listens { peer, addresses }));
            }
            NetEvent::Identified { peer, same_network: false, .. } => self.other_network(&peer),
            NetEvent::Request { peer, request, responder } => {
                // Dropping the responder of a peer that is gone or too busy tells it so.
                self.deliver(&peer, Delivery::Request { request, responder });
            }
            NetEvent::Response { peer, ticket, result } => self.response(&peer, ticket, result),
            NetEvent::Gossip { peer, id, gossip } => {
                if !self.deliver(&peer, Delivery::Gossip { id: id.clone(), gossip }) {
                    let _ = self.ports.net.try_send(Command::Verdict { id, verdict: wire::Verdict::Ignore });
                }
            }
            NetEvent::Malformed { peer, what } => {
                if let (Some(entry), Some(offence)) = (self.entry(&peer), translate::offence(&what)) {
                    entry.event.tell(Mail(offence));
                }
            }
            NetEvent::PublishFailed(why) => warn!(%why, "an announcement was not sent"),
            NetEvent::AnnounceFailed(why) => warn!(%why, "this node could not be announced"),
            NetEvent::Providers { found, .. } => self.found(Source::Rendezvous, found),
            NetEvent::Local { found } => self.found(Source::Local, found),
            NetEvent::Seeds { name, found, error } => {
                match error {
                    Some(error) => warn!(%name, %error, "a seed names no peers now; it is asked again later"),
                    None => debug!(%name, peers = found.len(), "a seed answered"),
                }
                self.found(Source::Seed, found);
            }
            NetEvent::External { address, how } => self.external(address, how),
            NetEvent::ExternalLost { address } => {
                info!(%address, "this node can no longer be reached here");
                self.external.send_modify(|all| all.retain(|(known, _)| *known != address));
            }
            NetEvent::Pinged { peer, rtt } => {
                let ms = u64::try_from(rtt.as_millis()).unwrap_or(u64::MAX);
                if let Some(entry) = self.entry(&peer) {
                    entry.event.tell(Mail(Event::Pinged { ms }));
                }
                if let Some(peer) = translate::peer_id(&peer) {
                    self.ports.discovery.tell(Mail(discovery::Event::Pinged { peer, rtt_ms: ms }));
                }
            }
            NetEvent::RoutingUpdated { .. } => {
                self.ports.discovery.tell(Mail(discovery::Event::RoutingUpdated));
            }
        }
    }

    fn connected(&mut self, wire_peer: &wire::PeerId, link: Link) {
        let Some(peer) = translate::peer_id(wire_peer) else { return };
        let Link { address, outbound } = &link;
        debug!(%peer, %address, outbound, "connected");
        self.tell_connected(peer, &link);
        let inbox: Inbox<Peer> = Inbox::new(Peer::MAILBOX);
        let entry = Entry {
            deliver: inbox.port(),
            event: inbox.port(),
            inspect: inbox.port(),
            stop: inbox.port(),
            tick: inbox.port(),
            link,
        };
        let now = self.clock.now();
        let score = self.directory.score(&peer, now.mono);
        let machine = machines::peer::Peer::new(PROTOCOL_VERSION, self.chain, score, now);
        let meter = inbox.meter();
        self.directory.insert(peer, entry);
        inbox.run(Peer::new(machine, peer, self.ports.clone(), self.clock, meter));
    }

    /// A peer's first connection is closed, and it has another.
    fn moved(&self, wire_peer: &wire::PeerId, link: Link) {
        let Some(peer) = translate::peer_id(wire_peer) else { return };
        debug!(%peer, address = %link.address, outbound = link.outbound, "goes on over another connection");
        self.tell_connected(peer, &link);
        self.directory.moved(&peer, link);
    }

    fn tell_connected(&self, peer: PeerId, link: &Link) {
        let (dialed, from) = (link.dialed(), link.from());
        self.ports.discovery.tell(Mail(discovery::Event::Connected { peer, dialed, from }));
    }

    fn found(&self, source: Source, found: Vec<(wire::PeerId, Vec<Multiaddr>)>) {
        let named = |(peer, addresses): (wire::PeerId, Vec<Multiaddr>)| {
            Some((translate::peer_id(&peer)?, addresses.iter().map(dialed_address).collect()))
        };
        let peers: Vec<_> = found.into_iter().filter_map(named).collect();
        if !peers.is_empty() {
            self.ports.discovery.tell(Mail(discovery::Event::Found { source, peers }));
        }
    }

    fn external(&self, address: Multiaddr, how: Reach) {
        info!(%address, ?how, "others can reach this node here");
        self.external.send_modify(|all| {
            all.retain(|(known, _)| *known != address);
            all.push((address, how));
        });
    }

    /// Whoever dialed says goodbye, for its operator has to know; an inbound one has its time to leave by itself.
    fn other_network(&self, wire_peer: &wire::PeerId) {
        let Some(peer) = translate::peer_id(wire_peer) else { return };
        self.ports.discovery.tell(Mail(discovery::Event::WrongNetwork { peer }));
        if let Some(entry) = self.entry(wire_peer).filter(|entry| entry.link.outbound) {
            entry.event.tell(Mail(Event::Disconnect(Goodbye::OtherNetwork)));
        }
    }

    fn dial_failed(&self, peer: Option<&wire::PeerId>, addresses: &[Multiaddr], error: &DialFailure) {
        debug!(?peer, %error, "a dial failed");
        let peer = peer.and_then(translate::peer_id);
        let addresses = addresses.iter().map(dialed_address).collect();
        let event = match error {
            DialFailure::AlreadyConnected | DialFailure::Refused(_) => discovery::Event::NotDialed { peer, addresses },
            DialFailure::Ourselves => discovery::Event::Ourselves { peer, addresses },
            DialFailure::WrongPeer(_) | DialFailure::Unreachable(_) => discovery::Event::DialFailed { peer, addresses },
        };
        self.ports.discovery.tell(Mail(event));
    }

    fn disconnected(&mut self, wire_peer: &wire::PeerId, cause: &str) {
        let Some(peer) = translate::peer_id(wire_peer) else { return };
        debug!(%peer, cause, "disconnected");
        // Its actor says that it is gone, behind everything that came from it.
        if let Some(entry) = self.directory.remove(&peer) {
            let (gone, _) = oneshot::channel();
            entry.stop.tell(Stop { gone });
        }
    }

    fn response(&mut self, peer: &wire::PeerId, ticket: u64, result: Result<wire::Response, wire::RequestError>) {
        let Some(purpose) = Purpose::of(ticket) else { return };
        if !self.deliver(peer, Delivery::Response { purpose, result })
            && let Purpose::Sync(ask) = purpose
        {
            self.ports.syncer.tell(Mail(syncer::Event::Failed { ask: syncer::Ask(ask) }));
        }
    }

    fn deliver(&self, peer: &wire::PeerId, delivery: Delivery) -> bool {
        self.entry(peer).is_some_and(|entry| entry.deliver.post(delivery).is_ok())
    }

    fn entry(&self, peer: &wire::PeerId) -> Option<Entry> {
        let peer: PeerId = translate::peer_id(peer)?;
        self.directory.get(&peer)
    }
}

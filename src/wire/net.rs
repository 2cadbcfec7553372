//! The one task that owns the swarm. It routes: what the swarm tells becomes a [`NetEvent`], a [`Command`] becomes a
//! call. It never waits for anybody but the network, and does no work that grows with the chain.

use std::collections::HashMap;
use std::sync::Arc;

use futures::StreamExt;
use libp2p::core::ConnectedPoint;
use libp2p::gossipsub::{self, MessageAcceptance, PublishError};
use libp2p::multiaddr::Protocol;
use libp2p::request_response::{self, InboundFailure, Message, OutboundFailure, OutboundRequestId};
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ConnectionId, DialError, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, identify, kad, ping};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, MissedTickBehavior};

use crate::behaviour::{self, Behaviour, Event};
use crate::codec::fault;
use crate::gossip::{self, Unjudged};
use crate::limits::*;
use crate::message::Message as _;
use crate::names::{Names, rendezvous_key};
use crate::peers::{Opened, Peers};
use crate::rendezvous::{self, Rendezvous};
use crate::requests::{Failed, Requests};
use crate::serving::Serving;
use crate::{
    CodecError, Command, DialFailure, Gossip, GossipId, NetConfig, NetEvent, Request, RequestError, Responder,
    Response, Verdict, WireError, address,
};

/// The network task before it runs.
pub struct Net {
    pub(crate) config: NetConfig,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) stop: Arc<Notify>,
}

impl Net {
    /// The node's own id.
    pub fn local_peer(&self) -> PeerId {
        self.config.identity.public().to_peer_id()
    }

    /// Listens and runs until [`Command::Stop`], or until all handles are gone. Must be polled by a tokio runtime with
    /// time and network. `on_event` is called within the task: it passes on and returns.
    pub async fn run(mut self, on_event: impl FnMut(NetEvent)) -> Result<(), WireError> {
        let mut driver = Driver::new(&self.config, on_event)?;
        driver.listen(&self.config)?;
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(COMMANDS_PER_TURN);
        loop {
            tokio::select! {
                event = driver.swarm.select_next_some() => driver.on_swarm(event),
                count = self.commands.recv_many(&mut batch, COMMANDS_PER_TURN) => {
                    if count == 0 {
                        break;
                    }
                    for command in batch.drain(..) {
                        driver.on_command(command);
                    }
                }
                _ = ticks.tick() => driver.on_tick(),
                () = self.stop.notified() => break,
            }
        }
        driver.stop().await;
        Ok(())
    }
}

struct Driver<F> {
    swarm: Swarm<Behaviour>,
    names: Names,
    on_event: F,
    private_ok: bool,
    deadlines: crate::Deadlines,
    peers: Peers,
    requests: Requests,
    serving: Serving,
    unjudged: Unjudged,
    rendezvous: Rendezvous,
    /// Dials that were ordered; those of rendezvous queries are not among them.
    dials: HashMap<ConnectionId, Vec<Multiaddr>>,
}

impl<F: FnMut(NetEvent)> Driver<F> {
    fn new(config: &NetConfig, on_event: F) -> Result<Self, WireError> {
        let names = Names::new(&config.chain);
        let swarm = behaviour::swarm(config, &names)?;
        let key = rendezvous_key(&config.rendezvous, &config.chain);
        let rendezvous = Rendezvous::new(key, *swarm.local_peer_id(), config.private_addresses_ok);
        Ok(Self {
            swarm,
            names,
            on_event,
            private_ok: config.private_addresses_ok,
            deadlines: config.deadlines,
            peers: Peers::default(),
            requests: Requests::default(),
            serving: Serving::default(),
            unjudged: Unjudged::default(),
            rendezvous,
            dials: HashMap::new(),
        })
    }

    fn listen(&mut self, config: &NetConfig) -> Result<(), WireError> {
        for address in &config.external {
            self.swarm.add_external_address(address.clone());
        }
        for address in &config.listen {
            is_free(address)?;
            self.swarm
                .listen_on(address.clone())
                .map_err(|error| WireError::Listen { address: address.clone(), reason: reason_of(&error) })?;
        }
        Ok(())
    }

    fn tell(&mut self, event: NetEvent) {
        (self.on_event)(event);
    }

    // Commands.

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Dial { peer, addresses } => self.dial(peer, addresses),
            Command::Disconnect(peer) => self.disconnect(&peer, "disconnected by this node"),
            Command::Request { peer, ticket, request } => self.request(peer, ticket, request),
            Command::Respond { responder, response } => self.respond(responder, response),
            Command::Publish(gossip) => self.publish(&gossip),
            Command::Verdict { id, verdict } => {
                if self.unjudged.judge(&id) {
                    self.report(&id, verdict);
                }
            }
            Command::Announce => {
                let result = self.rendezvous.announce(Instant::now(), &mut self.swarm.behaviour_mut().kad);
                self.announced(result);
            }
            Command::Lookup => self.rendezvous.look_up(&mut self.swarm.behaviour_mut().kad),
            Command::AddKadAddress { peer, address } => {
                if let Some(address) = address::without_peer(&peer, &address) {
                    rendezvous::add_addresses(&mut self.swarm.behaviour_mut().kad, &peer, &[address]);
                }
            }
            Command::Block(peer) => {
                self.peers.closing(&peer, "blocked by this node");
                let blocked = &mut self.swarm.behaviour_mut().blocked;
                if blocked.blocked_peers().len() < MAX_BLOCKED {
                    blocked.block_peer(peer);
                }
                self.swarm.behaviour_mut().kad.remove_peer(&peer);
                self.disconnect(&peer, "blocked by this node");
            }
            Command::Unblock(peer) => {
                self.swarm.behaviour_mut().blocked.unblock_peer(peer);
            }
            // The handle turns it into a signal that does not queue.
            Command::Stop => {}
        }
    }

    fn dial(&mut self, peer: Option<PeerId>, addresses: Vec<Multiaddr>) {
        let addresses = addresses.into_iter().take(MAX_ADDRESSES_PER_PEER);
        let Some(peer) = peer else {
            for address in addresses {
                match address::named_peer(&address) {
                    Some(peer) => self.dial_peer(peer, vec![address]),
                    None => self.dial_with(
                        None,
                        DialOpts::unknown_peer_id().address(address.clone()).build(),
                        vec![address],
                    ),
                }
            }
            return;
        };
        self.dial_peer(peer, addresses.collect());
    }

    fn dial_peer(&mut self, peer: PeerId, addresses: Vec<Multiaddr>) {
        let bare: Vec<Multiaddr> = addresses.iter().filter_map(|one| address::without_peer(&peer, one)).collect();
        let error = if peer == *self.swarm.local_peer_id() {
            DialFailure::Ourselves
        } else if address::peer_key(&peer).is_none() {
            DialFailure::Refused("only peers with ed25519 keys are dialled".into())
        } else if bare.is_empty() {
            DialFailure::Unreachable("no address of this peer is known".into())
        } else {
            let condition = PeerCondition::DisconnectedAndNotDialing;
            let options = DialOpts::peer_id(peer).condition(condition).addresses(bare).build();
            return self.dial_with(Some(peer), options, addresses);
        };
        self.tell(NetEvent::DialFailed { peer: Some(peer), addresses, error });
    }

    fn dial_with(&mut self, peer: Option<PeerId>, options: DialOpts, addresses: Vec<Multiaddr>) {
        let id = options.connection_id();
        match self.swarm.dial(options) {
            Ok(()) => {
                self.dials.insert(id, addresses);
            }
            Err(error) => {
                if let (Some(peer), DialError::NoAddresses) = (peer, &error) {
                    self.forget(&peer, &addresses);
                }
                self.tell(NetEvent::DialFailed { peer, addresses, error: self.dial_failure(&error) });
            }
        }
    }

    fn dial_failure(&self, error: &DialError) -> DialFailure {
        match error {
            DialError::LocalPeerId { .. } => DialFailure::Ourselves,
            DialError::WrongPeerId { obtained, .. } if obtained == self.swarm.local_peer_id() => DialFailure::Ourselves,
            DialError::WrongPeerId { obtained, .. } => DialFailure::WrongPeer(*obtained),
            DialError::DialPeerConditionFalse(_) => DialFailure::AlreadyConnected,
            DialError::Denied { cause } => DialFailure::Refused(reason_of(cause)),
            DialError::Aborted => DialFailure::Unreachable("the dial was given up".into()),
            // Every dial has an address; the swarm leaves out those on which it listens itself.
            DialError::NoAddresses => DialFailure::Ourselves,
            DialError::Transport(errors) => {
                let reasons = errors.iter().map(|(address, error)| format!("{address}: {}", reason_of(error)));
                DialFailure::Unreachable(reasons.collect::<Vec<_>>().join("; "))
            }
        }
    }

    fn disconnect(&mut self, peer: &PeerId, cause: &str) {
        self.peers.closing(peer, cause);
        // The error only says that there is no connection.
        let _ = self.swarm.disconnect_peer_id(*peer);
    }

    fn request(&mut self, peer: PeerId, ticket: u64, request: Request) {
        let now = Instant::now();
        let result = if !self.peers.is_connected(&peer) {
            Err(RequestError::NotConnected)
        } else if let Err(error) = request.check() {
            Err(RequestError::NotSent(error))
        } else {
            self.requests.add(now, &self.deadlines, peer, ticket, request)
        };
        match result {
            Ok(()) => self.send_requests(peer),
            Err(error) => self.tell(NetEvent::Response { peer, ticket, result: Err(error) }),
        }
    }

    fn send_requests(&mut self, peer: PeerId) {
        let sync = &mut self.swarm.behaviour_mut().sync;
        // A request to a peer that is gone would dial it.
        if sync.is_connected(&peer) {
            self.requests.send(peer, |request| sync.send_request(&peer, Ok(request)));
        }
    }

    fn respond(&mut self, responder: Responder, response: Response) {
        let response = match response.check() {
            Ok(()) if self.serving.answering(responder.id, response.weight()) => response,
            Ok(()) => Response::Refused("busy: too much is being sent; ask again later".into()),
            Err(error) => {
                tracing::error!(%error, "an own answer is beyond the limits and is not sent");
                return;
            }
        };
        // The error only says that the asker no longer waits.
        let _ = self.swarm.behaviour_mut().sync.send_response(responder.channel, response);
    }

    fn publish(&mut self, gossip: &Gossip) {
        let topic = match gossip {
            Gossip::Block(_) => self.names.blocks.clone(),
            Gossip::Transactions(_) => self.names.transactions.clone(),
        };
        let bytes = match gossip.encode() {
            Ok(bytes) => bytes,
            Err(error) => return self.tell(NetEvent::PublishFailed(error.to_string())),
        };
        match self.swarm.behaviour_mut().gossip.publish(topic, bytes) {
            Ok(_) | Err(PublishError::NoPeersSubscribedToTopic | PublishError::Duplicate) => {}
            Err(error) => self.tell(NetEvent::PublishFailed(error.to_string())),
        }
    }

    fn report(&mut self, id: &GossipId, verdict: Verdict) {
        let acceptance = match verdict {
            Verdict::Accept => MessageAcceptance::Accept,
            Verdict::Ignore => MessageAcceptance::Ignore,
            Verdict::Reject => MessageAcceptance::Reject,
        };
        self.swarm.behaviour_mut().gossip.report_message_validation_result(&id.message, &id.source, acceptance);
    }

    fn announced(&mut self, result: Result<(), String>) {
        if let Err(error) = result {
            self.tell(NetEvent::AnnounceFailed(error));
        }
    }

    // Time.

    fn on_tick(&mut self) {
        let now = Instant::now();
        for Failed { peer, ticket, error } in self.requests.expire(now) {
            self.tell(NetEvent::Response { peer, ticket, result: Err(error) });
        }
        for id in self.unjudged.expire(now) {
            self.report(&id, Verdict::Ignore);
        }
        for id in self.peers.twins(now, &self.swarm.local_peer_id().clone()) {
            self.swarm.close_connection(id);
        }
        for peer in self.peers.strangers(now, self.deadlines.identify) {
            self.disconnect(&peer, "did not show the protocol of this chain in time");
        }
        let result = self.rendezvous.tick(now, &mut self.swarm.behaviour_mut().kad);
        self.announced(result);
    }

    async fn stop(&mut self) {
        self.rendezvous.stop(&mut self.swarm.behaviour_mut().kad);
        for peer in self.peers.ids() {
            self.disconnect(&peer, "this node stops");
        }
        let deadline = Instant::now() + STOP_DEADLINE;
        while !self.peers.is_empty() {
            match tokio::time::timeout_at(deadline, self.swarm.select_next_some()).await {
                Ok(event) => self.on_swarm(event),
                Err(_) => break,
            }
        }
    }

    // Events.

    fn on_swarm(&mut self, event: SwarmEvent<Event>) {
        match event {
            SwarmEvent::Behaviour(Event::Sync(event)) => self.on_sync(*event),
            SwarmEvent::Behaviour(Event::Gossip(event)) => self.on_gossip(*event),
            SwarmEvent::Behaviour(Event::Kad(event)) => self.on_kad(*event),
            SwarmEvent::Behaviour(Event::Identify(event)) => self.on_identify(*event),
            SwarmEvent::Behaviour(Event::Ping(event)) => self.on_ping(&event),
            SwarmEvent::NewListenAddr { address, .. } => {
                if address::is_usable(&address, self.private_ok) {
                    self.swarm.add_external_address(address.clone());
                }
                self.tell(NetEvent::Listening(address));
            }
            SwarmEvent::ExpiredListenAddr { address, .. } => self.swarm.remove_external_address(&address),
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                self.on_opened(peer_id, connection_id, &endpoint);
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, cause, .. } => {
                let Some(own) = self.peers.closed(&peer_id, connection_id) else { return };
                let cause = own.or_else(|| cause.map(|cause| reason_of(&cause)));
                for Failed { peer, ticket, error } in self.requests.disconnected(&peer_id) {
                    self.tell(NetEvent::Response { peer, ticket, result: Err(error) });
                }
                let cause = cause.unwrap_or_else(|| "closed by the peer".into());
                self.tell(NetEvent::Disconnected { peer: peer_id, cause });
            }
            SwarmEvent::OutgoingConnectionError { connection_id, peer_id, error } => {
                self.on_dial_error(connection_id, peer_id, &error);
            }
            SwarmEvent::IncomingConnectionError { send_back_addr, error, .. } => {
                tracing::debug!(from = %send_back_addr, %error, "an inbound connection failed");
            }
            SwarmEvent::ListenerClosed { addresses, reason: Err(error), .. } => {
                tracing::error!(?addresses, %error, "no longer listening");
            }
            _ => {}
        }
    }

    fn on_ping(&mut self, event: &ping::Event) {
        if self.peers.pinged(&event.peer, event.connection, event.result.is_ok()) {
            self.peers.closing(&event.peer, "pings were not answered");
            self.swarm.close_connection(event.connection);
        }
    }

    fn on_opened(&mut self, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint) {
        let dialled = self.dials.remove(&id);
        if address::peer_key(&peer).is_none() {
            self.swarm.close_connection(id);
        }
        let outbound = endpoint.is_dialer();
        match self.peers.opened(Instant::now(), peer, id) {
            Opened::First => {
                let address = endpoint.get_remote_address();
                let address = address::without_peer(&peer, address).unwrap_or_else(|| address.clone());
                self.tell(NetEvent::Connected { peer, address, outbound });
            }
            Opened::Another => {
                if let Some(addresses) = dialled {
                    let error = DialFailure::AlreadyConnected;
                    self.tell(NetEvent::DialFailed { peer: Some(peer), addresses, error });
                }
            }
        }
    }

    fn on_dial_error(&mut self, id: ConnectionId, peer: Option<PeerId>, error: &DialError) {
        if let (Some(peer), DialError::WrongPeerId { address, .. } | DialError::LocalPeerId { address }) = (peer, error)
        {
            self.forget(&peer, std::slice::from_ref(address));
        }
        match self.dials.remove(&id) {
            Some(addresses) => {
                let peer = peer.filter(|peer| peer != self.swarm.local_peer_id());
                self.tell(NetEvent::DialFailed { peer, addresses, error: self.dial_failure(error) });
            }
            None => tracing::debug!(?peer, %error, "a query's dial failed"),
        }
    }

    /// Where somebody else lives, this peer does not: not even as its last known address.
    fn forget(&mut self, peer: &PeerId, addresses: &[Multiaddr]) {
        let kad = &mut self.swarm.behaviour_mut().kad;
        for address in addresses {
            kad.remove_address(peer, address);
            if let Some(bare) = address::without_peer(peer, address) {
                kad.remove_address(peer, &bare);
            }
        }
    }

    fn on_sync(&mut self, event: request_response::Event<Result<Request, CodecError>, Response>) {
        match event {
            request_response::Event::Message { peer, message, .. } => match message {
                Message::Request { request_id, request: Ok(request), channel } => {
                    let responder = Responder { id: request_id, channel };
                    if self.serving.began(peer, request_id) {
                        self.tell(NetEvent::Request { peer, request, responder });
                    } else {
                        self.respond(
                            responder,
                            Response::Refused("too many requests at once; wait for answers".into()),
                        );
                    }
                }
                Message::Request { request: Err(what), .. } => self.tell(NetEvent::Malformed { peer, what }),
                Message::Response { request_id, response } => self.on_answer(peer, request_id, Ok(response)),
            },
            request_response::Event::OutboundFailure { peer, request_id, error, .. } => {
                self.on_answer(peer, request_id, Err(error));
            }
            request_response::Event::ResponseSent { request_id, .. } => self.serving.ended(request_id),
            request_response::Event::InboundFailure { peer, request_id, error, .. } => {
                self.serving.ended(request_id);
                if !matches!(error, InboundFailure::ResponseOmission) {
                    tracing::debug!(%peer, %error, "an answer could not be sent");
                }
            }
        }
    }

    fn on_answer(&mut self, peer: PeerId, id: OutboundRequestId, result: Result<Response, OutboundFailure>) {
        let closed = matches!(result, Err(OutboundFailure::ConnectionClosed));
        let mut ended = self.requests.ended(id);
        if closed && self.peers.is_connected(&peer) {
            ended = ended.and_then(|ask| self.requests.repeat(peer, ask));
        }
        if let Some(ask) = ended {
            let result = result.map_err(|error| request_error(&error));
            self.tell(NetEvent::Response { peer, ticket: ask.ticket, result });
        }
        self.send_requests(peer);
    }

    fn on_gossip(&mut self, event: gossipsub::Event) {
        let gossipsub::Event::Message { propagation_source: peer, message_id, message } = event else { return };
        let id = GossipId { message: message_id, source: peer };
        match gossip::decode(&self.names, &message.topic, &message.data) {
            Ok(gossip) if self.unjudged.add(Instant::now(), &id) => self.tell(NetEvent::Gossip { peer, id, gossip }),
            Ok(_) => self.report(&id, Verdict::Ignore),
            Err(what) => {
                self.report(&id, Verdict::Reject);
                self.tell(NetEvent::Malformed { peer, what });
            }
        }
    }

    fn on_identify(&mut self, event: identify::Event) {
        let identify::Event::Received { peer_id: peer, info, .. } = event else { return };
        let same_network = info.protocols.contains(&self.names.sync());
        let addresses = address::usable_of(&peer, &info.listen_addrs, self.private_ok);
        if same_network {
            self.peers.showed_the_same_network(&peer);
            if info.protocols.contains(&self.names.kad()) {
                rendezvous::add_addresses(&mut self.swarm.behaviour_mut().kad, &peer, &addresses);
            }
        }
        self.tell(NetEvent::Identified { peer, addresses, agent: printable(&info.agent_version), same_network });
    }

    fn on_kad(&mut self, event: kad::Event) {
        let kad = &mut self.swarm.behaviour_mut().kad;
        match event {
            kad::Event::InboundRequest { request: kad::InboundRequest::AddProvider { record: Some(record) } } => {
                self.rendezvous.store(kad, record);
            }
            kad::Event::RoutingUpdated { is_new_peer, .. } => {
                if is_new_peer {
                    self.rendezvous.met_somebody();
                }
                let peers = rendezvous::known_peers(kad);
                self.tell(NetEvent::RoutingUpdated { peers });
            }
            kad::Event::OutboundQueryProgressed { id, result, step, .. } => {
                if let Some(found) = self.rendezvous.progressed(kad, id, &result, step.last) {
                    self.tell(NetEvent::Providers { found: found.providers, done: found.done });
                }
                if let kad::QueryResult::StartProviding(Err(error)) = result {
                    self.tell(NetEvent::AnnounceFailed(error.to_string()));
                }
            }
            _ => {}
        }
    }
}

fn request_error(error: &OutboundFailure) -> RequestError {
    match error {
        OutboundFailure::Timeout => RequestError::Timeout,
        OutboundFailure::UnsupportedProtocols => RequestError::Unsupported,
        OutboundFailure::ConnectionClosed => RequestError::Closed,
        OutboundFailure::DialFailure => RequestError::NotConnected,
        OutboundFailure::Io(error) => fault(error).map_or(RequestError::NoAnswer, RequestError::Malformed),
    }
}

/// Whether nobody listens at an address. The transport shares ports, so it would join another node there silently.
fn is_free(address: &Multiaddr) -> Result<(), WireError> {
    let port = address.iter().find_map(|part| if let Protocol::Tcp(port) = part { Some(port) } else { None });
    let (Some(ip), Some(port)) = (address::ip(address), port) else { return Ok(()) };
    std::net::TcpListener::bind((ip, port))
        .map(drop)
        .map_err(|error| WireError::Listen { address: address.clone(), reason: error.to_string() })
}

/// The innermost reason of an error: what the layers above say adds nothing for an operator.
fn reason_of(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// What a peer calls itself, safe to print.
fn printable(agent: &str) -> String {
    agent.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(MAX_AGENT_BYTES).collect()
}

#[cfg(test)]
#[path = "net_tests/mod.rs"]
mod tests;

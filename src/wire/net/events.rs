//! What each event of the swarm means to the rest of the node.

use libp2p::core::ConnectedPoint;
use libp2p::gossipsub;
use libp2p::request_response::{self, InboundFailure, Message, OutboundFailure, OutboundRequestId};
use libp2p::swarm::{ConnectionId, DialError, SwarmEvent};
use libp2p::{Multiaddr, PeerId, identify, kad, ping, upnp};
use tokio::time::Instant;

use super::{Driver, reason_of};
use crate::behaviour::Event;
use crate::codec::fault;
use crate::external::Change;
use crate::limits::*;
use crate::peers::{Closed, Opened};
use crate::requests::Failed;
use crate::seeds::Answer;
use crate::{
    CodecError, DialFailure, GossipId, NetEvent, Reach, Request, RequestError, Responder, Response, Verdict, address,
    gossip, rendezvous,
};

impl<F: FnMut(NetEvent)> Driver<F> {
    pub(super) fn on_swarm(&mut self, event: SwarmEvent<Event>) {
        match event {
            SwarmEvent::Behaviour(Event::Sync(event)) => self.on_sync(*event),
            SwarmEvent::Behaviour(Event::Gossip(event)) => self.on_gossip(*event),
            SwarmEvent::Behaviour(Event::Kad(event)) => self.on_kad(*event),
            SwarmEvent::Behaviour(Event::Identify(event)) => self.on_identify(*event),
            SwarmEvent::Behaviour(Event::Ping(event)) => self.on_ping(&event),
            SwarmEvent::Behaviour(Event::Lan(found)) => self.tell(NetEvent::Local { found }),
            SwarmEvent::Behaviour(Event::Upnp(event)) => self.on_upnp(event),
            SwarmEvent::NewListenAddr { address, .. } => {
                if address::is_usable(&address, self.private_ok) {
                    self.reachable(address.clone(), Reach::Listening);
                }
                self.tell(NetEvent::Listening(address));
            }
            SwarmEvent::ExpiredListenAddr { address, .. } => self.unreachable(&address, Reach::Listening),
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                self.on_opened(peer_id, connection_id, &endpoint);
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, cause, .. } => {
                let own = match self.peers.closed(&peer_id, connection_id) {
                    Closed::Spare => return,
                    Closed::First { address, outbound } => {
                        let address = address::without_peer(&peer_id, &address).unwrap_or(address);
                        return self.tell(NetEvent::Moved { peer: peer_id, address, outbound });
                    }
                    Closed::Last(own) => own,
                };
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
        match event.result {
            Ok(rtt) => self.tell(NetEvent::Pinged { peer: event.peer, rtt }),
            // The library keeps the first failure to itself; this is the second in a row.
            Err(_) => {
                self.peers.closing(&event.peer, "pings were not answered");
                self.swarm.close_connection(event.connection);
            }
        }
    }

    fn on_opened(&mut self, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint) {
        let dialled = self.dials.remove(&id);
        if address::peer_key(&peer).is_none() {
            self.swarm.close_connection(id);
        }
        let outbound = endpoint.is_dialer();
        match self.peers.opened(Instant::now(), peer, id, endpoint) {
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
    pub(super) fn forget(&mut self, peer: &PeerId, addresses: &[Multiaddr]) {
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
        let identify::Event::Received { peer_id: peer, connection_id, info } = event else { return };
        let same_network = info.protocols.contains(&self.names.sync());
        let addresses = address::usable_of(&peer, &info.listen_addrs, self.private_ok);
        if same_network {
            self.peers.showed_the_same_network(&peer);
            if info.protocols.contains(&self.names.kad()) {
                rendezvous::add_addresses(&mut self.swarm.behaviour_mut().kad, &peer, &addresses);
            }
            if let Some(from) = self.peers.dialled_range(&peer, connection_id) {
                let listening: Vec<Multiaddr> = self.swarm.listeners().cloned().collect();
                let change = self.external.observed(Instant::now(), peer, from, &info.observed_addr, &listening);
                self.on_external(change);
            }
        }
        self.tell(NetEvent::Identified { peer, addresses, agent: printable(&info.agent_version), same_network });
    }

    /// Others can reach this node at an address.
    pub(super) fn reachable(&mut self, address: Multiaddr, how: Reach) {
        let change = self.external.gain(address, how);
        self.on_external(change);
    }

    fn unreachable(&mut self, address: &Multiaddr, how: Reach) {
        let change = self.external.lose(address, how);
        self.on_external(change);
    }

    pub(super) fn on_external(&mut self, change: Option<Change>) {
        match change {
            Some(Change::Gained(address, how)) => {
                self.swarm.add_external_address(address.clone());
                self.tell(NetEvent::External { address, how });
            }
            Some(Change::Lost(address)) => {
                self.swarm.remove_external_address(&address);
                self.tell(NetEvent::ExternalLost { address });
            }
            None => {}
        }
    }

    pub(super) fn on_upnp(&mut self, event: upnp::Event) {
        match event {
            upnp::Event::NewExternalAddr { external_addr, .. } => self.reachable(external_addr, Reach::Mapped),
            upnp::Event::ExpiredExternalAddr { external_addr, .. } => {
                self.unreachable(&external_addr, Reach::Mapped);
                // The library has told everybody that it is lost; it may be known in another way as well.
                if self.external.is_known(&external_addr) {
                    self.swarm.add_external_address(external_addr);
                }
            }
            upnp::Event::GatewayNotFound => tracing::info!("no router that forwards ports was found"),
            upnp::Event::NonRoutableGateway => {
                tracing::info!("the router has no public address itself; forwarding a port would not help");
            }
        }
    }

    pub(super) fn on_seeds(&mut self, answer: Answer) {
        let Answer { name, found, error } = answer;
        self.tell(NetEvent::Seeds { name, found, error });
    }

    fn on_kad(&mut self, event: kad::Event) {
        let kad = &mut self.swarm.behaviour_mut().kad;
        match event {
            kad::Event::InboundRequest { request: kad::InboundRequest::AddProvider { record: Some(record) } } => {
                let from = self.peers.range(&record.provider);
                self.rendezvous.store(kad, record, from);
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

/// What a peer calls itself, safe to print.
fn printable(agent: &str) -> String {
    agent.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(MAX_AGENT_BYTES).collect()
}

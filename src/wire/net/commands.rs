//! What each command does to the swarm. Nothing here waits: the outcome arrives as an event.

use libp2p::gossipsub::{MessageAcceptance, PublishError};
use libp2p::swarm::DialError;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use super::{Driver, reason_of};
use crate::limits::*;
use crate::message::Message as _;
use crate::{
    Command, DialFailure, Gossip, GossipId, NetEvent, Request, RequestError, Responder, Response, Verdict, address,
};

impl<F: FnMut(NetEvent)> Driver<F> {
    pub(super) fn on_command(&mut self, command: Command) {
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
            Command::ResolveSeed(name) => {
                if let Some(answer) = self.seeds.resolve(name) {
                    self.on_seeds(answer);
                }
            }
            Command::BlockAddress(ip) => {
                self.swarm.behaviour_mut().admission.refuse(ip);
                for peer in self.peers.at(ip) {
                    self.disconnect(&peer, "its address is blocked by this node");
                }
            }
            Command::UnblockAddress(ip) => self.swarm.behaviour_mut().admission.accept(ip),
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

    pub(super) fn dial_failure(&self, error: &DialError) -> DialFailure {
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

    pub(super) fn disconnect(&mut self, peer: &PeerId, cause: &str) {
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

    pub(super) fn send_requests(&mut self, peer: PeerId) {
        let sync = &mut self.swarm.behaviour_mut().sync;
        // A request to a peer that is gone would dial it.
        if sync.is_connected(&peer) {
            self.requests.send(peer, |request| sync.send_request(&peer, Ok(request)));
        }
    }

    pub(super) fn respond(&mut self, responder: Responder, response: Response) {
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

    pub(super) fn report(&mut self, id: &GossipId, verdict: Verdict) {
        let acceptance = match verdict {
            Verdict::Accept => MessageAcceptance::Accept,
            Verdict::Ignore => MessageAcceptance::Ignore,
            Verdict::Reject => MessageAcceptance::Reject,
        };
        self.swarm.behaviour_mut().gossip.report_message_validation_result(&id.message, &id.source, acceptance);
    }

    pub(super) fn announced(&mut self, result: Result<(), String>) {
        if let Err(error) = result {
            self.tell(NetEvent::AnnounceFailed(error));
        }
    }
}

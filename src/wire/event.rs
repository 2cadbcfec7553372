//! What the network task tells. The listener must be quick: it passes each event on and returns.

use std::time::Duration;

use libp2p::request_response::{InboundRequestId, ResponseChannel};
use libp2p::{Multiaddr, PeerId};

use crate::{CodecError, DialFailure, Gossip, GossipId, Request, RequestError, Response};

/// Something happened.
#[derive(Debug)]
pub enum NetEvent {
    /// The node listens at this address.
    Listening(Multiaddr),
    /// The first connection of a peer is open. Nothing is known yet of what it speaks: see `Identified`.
    Connected {
        /// Who: proved by its key.
        peer: PeerId,
        /// Where it was reached, or where it came from (then with a port of no use).
        address: Multiaddr,
        /// Whether this node dialled.
        outbound: bool,
    },
    /// The first connection of a peer is closed, and it goes on over another one that was opened meanwhile.
    Moved {
        /// Who.
        peer: PeerId,
        /// Where it was reached, or where it came from.
        address: Multiaddr,
        /// Whether this node dialled.
        outbound: bool,
    },
    /// The last connection of a peer is closed.
    Disconnected {
        /// Who.
        peer: PeerId,
        /// Why, as far as known.
        cause: String,
    },
    /// A dial gave no new connection.
    DialFailed {
        /// Who was dialled, if that was known.
        peer: Option<PeerId>,
        /// Where.
        addresses: Vec<Multiaddr>,
        /// Why not.
        error: DialFailure,
    },
    /// A peer says what it is. Comes again when that changes.
    Identified {
        /// Who.
        peer: PeerId,
        /// Where it can be reached: usable ones of the addresses that it told.
        addresses: Vec<Multiaddr>,
        /// Its name and version.
        agent: String,
        /// Whether it speaks the sync protocol of this chain. Who does not is disconnected after a while.
        same_network: bool,
    },
    /// A peer asks. Dropping the responder ends the request without an answer.
    Request {
        /// Who.
        peer: PeerId,
        /// What.
        request: Request,
        /// What the answer needs.
        responder: Responder,
    },
    /// A request has ended.
    Response {
        /// Who was asked.
        peer: PeerId,
        /// The asker's name for it.
        ticket: u64,
        /// The answer, or why there is none.
        result: Result<Response, RequestError>,
    },
    /// A peer sent what is no message of this protocol.
    Malformed {
        /// Who.
        peer: PeerId,
        /// What is wrong; [`CodecError::may_be_newer`] tells what is no fault.
        what: CodecError,
    },
    /// Gossip arrived. It needs a [`crate::Command::Verdict`] within five seconds, else it is ignored.
    Gossip {
        /// Who passed it on.
        peer: PeerId,
        /// The message.
        id: GossipId,
        /// What it says.
        gossip: Gossip,
    },
    /// A publication failed for another reason than that nobody listens or that it is known already.
    PublishFailed(String),
    /// Nodes that were found under the rendezvous name. They are hints: each must still prove its chain.
    Providers {
        /// Who and where; may be found again.
        found: Vec<(PeerId, Vec<Multiaddr>)>,
        /// Whether the lookup has ended.
        done: bool,
    },
    /// The rendezvous knows another peer.
    RoutingUpdated {
        /// Peers that it knows.
        peers: usize,
    },
    /// Nodes that the name service lists: the end of a [`crate::Command::ResolveSeed`]. Hints like all others.
    Seeds {
        /// The name that was asked for.
        name: String,
        /// Who and where.
        found: Vec<(PeerId, Vec<Multiaddr>)>,
        /// Why nothing was found, if that is known.
        error: Option<String>,
    },
    /// Nodes on the same LAN.
    Local {
        /// Who and where.
        found: Vec<(PeerId, Vec<Multiaddr>)>,
    },
    /// Others can reach this node at an address, and are told so.
    External {
        /// Where.
        address: Multiaddr,
        /// How this node knows.
        how: Reach,
    },
    /// They no longer can.
    ExternalLost {
        /// Where.
        address: Multiaddr,
    },
    /// A peer answered a ping.
    Pinged {
        /// Who.
        peer: PeerId,
        /// After how long.
        rtt: Duration,
    },
    /// The own announcement could not be made.
    AnnounceFailed(String),
}

/// How a node knows an address at which others reach it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It listens there.
    Listening,
    /// Its operator said so.
    Configured,
    /// Several peers saw it there.
    Confirmed,
    /// Its router forwards a port to it.
    Mapped,
}

/// The right to answer one request. Dropping it tells the asker at once that there is no answer.
#[derive(Debug)]
pub struct Responder {
    pub(crate) id: InboundRequestId,
    pub(crate) channel: ResponseChannel<Response>,
}

impl Responder {
    /// Whether the asker still waits.
    pub fn is_open(&self) -> bool {
        self.channel.is_open()
    }
}

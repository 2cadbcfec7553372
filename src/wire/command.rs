//! What the network task can be told to do.

use std::net::IpAddr;

use libp2p::{Multiaddr, PeerId};

use crate::{Gossip, GossipId, Request, Responder, Response};

/// An order to the network task.
#[derive(Debug)]
pub enum Command {
    /// Connect. Each dial ends in one `Connected` with `outbound: true` or one `DialFailed`. Without a peer, and for
    /// addresses that name none, each address is a dial of its own.
    Dial {
        /// Who must answer, if known.
        peer: Option<PeerId>,
        /// Where.
        addresses: Vec<Multiaddr>,
    },
    /// Close all connections of a peer.
    Disconnect(PeerId),
    /// Ask a connected peer. Ends in one `Response` with the same ticket.
    Request {
        /// Whom.
        peer: PeerId,
        /// The asker's name for this request.
        ticket: u64,
        /// What.
        request: Request,
    },
    /// Answer a request.
    Respond {
        /// What came with the request.
        responder: Responder,
        /// The answer.
        response: Response,
    },
    /// Tell everybody. That nobody listens is normal.
    Publish(Gossip),
    /// Say what a received gossip message is worth; only accepted ones travel on.
    Verdict {
        /// Which message.
        id: GossipId,
        /// What it is worth.
        verdict: Verdict,
    },
    /// Announce the node under the rendezvous name, and again whenever it meets new peers.
    Announce,
    /// Look for nodes under the rendezvous name. Ends in `Providers` with `done: true`; dials nobody.
    Lookup,
    /// Ask the name service who is listed under `_dnsaddr.` and this name. Ends in one `Seeds`; dials nobody.
    ResolveSeed(String),
    /// Disconnect a peer and refuse it from now on.
    Block(PeerId),
    /// Accept it again.
    Unblock(PeerId),
    /// Disconnect everybody at an IP address and refuse it, inbound and outbound, from now on.
    BlockAddress(IpAddr),
    /// Accept it again.
    UnblockAddress(IpAddr),
    /// Close everything and end the task, within three seconds. Is taken also when the queue is full.
    Stop,
}

/// What a gossip message is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Valid: it travels on.
    Accept,
    /// Neither: it stops here.
    Ignore,
    /// Invalid: it stops here.
    Reject,
}

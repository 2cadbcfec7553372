//! What the network task hands to the actor of the peer that it came from.

use actix::Message;
use wire::{Gossip, GossipId, Request, RequestError, Responder, Response};

use crate::mail::Named;
use crate::translate::Purpose;

/// Something that the network task hands to the peer that it came from.
pub enum Delivery {
    /// It asks.
    Request {
        /// What.
        request: Request,
        /// The right to answer.
        responder: Responder,
    },
    /// It answers, or does not.
    Response {
        /// What the question was for.
        purpose: Purpose,
        /// The answer.
        result: Result<Response, RequestError>,
    },
    /// It passes gossip on.
    Gossip {
        /// Which message.
        id: GossipId,
        /// What it says.
        gossip: Gossip,
    },
}

impl Message for Delivery {
    type Result = ();
}

impl Named for Delivery {
    fn name(&self) -> &'static str {
        match self {
            Self::Request { .. } => "Request",
            Self::Response { .. } => "Response",
            Self::Gossip { .. } => "Gossip",
        }
    }
}

//! What travels: messages, their encoding with hard limits, and the one task that owns the libp2p swarm.
//!
//! This crate decides what may be read from and written to a peer, and nothing about what a message means: whether a
//! block is valid, whom to dial or whom to ban is decided elsewhere and arrives here as a [`Command`]. Everything that
//! happens is told as a [`NetEvent`]. It never waits for its listener and never keeps anything that a stranger can make
//! grow without a cap; the caps stand in [`limits`], each beside its reason.
//!
//! * [`limits`]: every cap
//! * [`message`](Request): requests, responses, announcements
//! * [`canonical`]: one encoding for each value
//! * `codec`: one frame on a stream
//! * [`names`]: protocols, topics and the rendezvous key of a chain
//! * [`address`]: which addresses of strangers are usable
//! * `behaviour`, `gossip`, `rendezvous`, `lan`, `admission`: the parts of the swarm and their settings
//! * `requests`, `serving`, `peers`, `seeds`: what is under way
//! * `external`: where this node itself can be reached
//! * `net`: the task

pub mod address;
mod admission;
mod behaviour;
pub mod canonical;
mod codec;
mod command;
mod config;
mod error;
mod event;
mod external;
mod gossip;
mod handle;
mod lan;
pub mod limits;
mod message;
pub mod names;
mod net;
mod peers;
mod rendezvous;
mod requests;
mod seeds;
mod serving;
#[cfg(test)]
mod vectors;

pub use command::{Command, Verdict};
pub use config::{Deadlines, NetConfig};
pub use error::{Busy, CodecError, DialFailure, RequestError, WireError};
pub use event::{NetEvent, Reach, Responder};
pub use gossip::GossipId;
pub use handle::{NetHandle, net};
pub use libp2p::identity::Keypair;
pub use libp2p::multiaddr::Protocol;
pub use libp2p::{Multiaddr, PeerId};
pub use message::{BlockAnnounce, Gossip, RawBlock, Request, Response, Status};
pub use net::Net;

/// Version of the messages. Peers of another version are told so and disconnected, never punished.
pub const PROTOCOL_VERSION: u32 = 1;

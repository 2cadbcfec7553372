//! What can go wrong on the wire, in words that say what to do about it or whose fault it is.

use std::io;

use ledger::ChainId;
use libp2p::{Multiaddr, PeerId};
use thiserror::Error;

/// The network cannot be started or kept.
#[derive(Debug, Error)]
pub enum WireError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {reason}; choose a free address with --listen")]
    Listen {
        /// The address of the configuration.
        address: Multiaddr,
        /// What the system says.
        reason: String,
    },
    /// A setting is not usable.
    #[error("{0}")]
    Config(String),
    /// The key is of a kind that peers refuse.
    #[error("the node key must be an ed25519 key; remove the key file to get a new one")]
    Key,
    /// The transport cannot be made.
    #[error("the network of chain {chain} cannot be set up: {reason}")]
    Setup {
        /// The chain.
        chain: ChainId,
        /// What is missing.
        reason: String,
    },
}

/// A message cannot be read or must not be written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CodecError {
    /// The length before a message is beyond the limit of its kind. Nothing was allocated for it.
    #[error("a message of {length} bytes where at most {limit} are allowed")]
    TooLong {
        /// What was announced.
        length: usize,
        /// What its kind allows.
        limit: usize,
    },
    /// A list or text within a message has more items than allowed.
    #[error("{got} {what} where at most {limit} are allowed")]
    TooMany {
        /// Which list.
        what: &'static str,
        /// Its items.
        got: usize,
        /// The limit.
        limit: usize,
    },
    /// A kind of message that this version does not know. The sender may be newer; it is not punished.
    #[error("a message of the unknown kind {0}; the sender may be newer")]
    UnknownKind(u8),
    /// The bytes are not a message.
    #[error("not a message: {0}")]
    Malformed(String),
    /// A message is followed by more bytes.
    #[error("{0} bytes follow the message")]
    Trailing(usize),
    /// The message has a shorter encoding (rule T5).
    #[error("the message is not in its canonical encoding")]
    NotCanonical,
    /// Places of transactions in a block that are not in order, not single, or in no block.
    #[error("the places of transactions do not rise, or lie beyond any block")]
    Indexes,
    /// The answer is not of the kind that was asked for.
    #[error("the answer is of kind {got} where {asked} was asked for")]
    NotAsked {
        /// The kind of the request.
        asked: u8,
        /// The kind of the answer.
        got: u8,
    },
}

impl CodecError {
    /// Whether a newer peer may have sent it in good faith.
    pub fn may_be_newer(&self) -> bool {
        matches!(self, Self::UnknownKind(_))
    }
}

impl From<CodecError> for io::Error {
    fn from(error: CodecError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RequestError {
    /// No answer within the deadline.
    #[error("no answer in time")]
    Timeout,
    /// The peer does not speak the sync protocol of this chain.
    #[error("the peer does not speak the sync protocol of this chain")]
    Unsupported,
    /// The answer breaks the protocol: the peer's fault.
    #[error("the answer is malformed: {0}")]
    Malformed(CodecError),
    /// The connection ended first.
    #[error("the connection was closed")]
    Closed,
    /// The peer ended the request without an answer.
    #[error("the peer ended the request without an answer")]
    NoAnswer,
    /// No connection to that peer.
    #[error("not connected to the peer")]
    NotConnected,
    /// Too many requests wait for that peer: ask fewer at once.
    #[error("too many requests wait for this peer")]
    TooMany,
    /// The own request is beyond the limits and was not sent.
    #[error("the request was not sent: {0}")]
    NotSent(CodecError),
}

/// Why a dial gave no new connection.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DialFailure {
    /// The address is the node's own; it is forgotten.
    #[error("the address leads to this node itself")]
    Ourselves,
    /// Another peer answers at the address; it is forgotten there.
    #[error("{0} answers at the address")]
    WrongPeer(PeerId),
    /// There is a connection to that peer already, or a dial under way.
    #[error("there is a connection to this peer already")]
    AlreadyConnected,
    /// A limit of this node, or a block.
    #[error("not dialled: {0}")]
    Refused(String),
    /// No usable address, or none that answers.
    #[error("not reachable: {0}")]
    Unreachable(String),
}

/// A command was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Busy {
    /// The queue is full; try again later.
    #[error("the network task has too many commands waiting; try again later")]
    Full,
    /// The network task has ended.
    #[error("the network task has ended")]
    Stopped,
}

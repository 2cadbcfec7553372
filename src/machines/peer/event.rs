//! What a peer's actor hears and what it is to do.

use ledger::{ChainId, Tip};
use serde::Serialize;

use super::{Offence, Score};
use crate::miner::LeaseNews;

/// What a peer says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Greeting {
    /// Version of the wire.
    pub version: u32,
    /// Its chain.
    pub chain: ChainId,
    /// The end of its chain.
    pub tip: Tip,
    /// Its software.
    pub agent: String,
}

/// What a peer asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// This node's greeting; says its own.
    Status(Greeting),
    /// Headers.
    Headers,
    /// Whole blocks.
    Blocks {
        /// How many.
        count: usize,
    },
    /// Some transactions of a block.
    BlockTransactions,
    /// Addresses of others.
    Addresses,
}

/// What a peer passes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// An announced block.
    Block,
    /// A batch of transactions.
    Transactions {
        /// How many.
        count: usize,
    },
}

/// Why a peer is disconnected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
pub enum Goodbye {
    /// It is of another network.
    #[error("it is of another network: its genesis block is {0}")]
    OtherChain(ChainId),
    /// It does not speak the protocol of this chain; of which it is, it does not say.
    #[error("it is of another network: compare the network files of both nodes")]
    OtherNetwork,
    /// It speaks another version.
    #[error("it speaks version {theirs} of the protocol, this node speaks {ours}")]
    OtherVersion {
        /// Its version.
        theirs: u32,
        /// This node's version.
        ours: u32,
    },
    /// It did not say what it is.
    #[error("it did not answer the handshake")]
    Silent,
    /// It broke rules.
    #[error("it misbehaved: {0}")]
    Misbehaved(String),
    /// It goes on although it is told to ask and send less.
    #[error("it {0} too much")]
    Floods(&'static str),
    /// It was connected to see whether it is there, or beyond the slots.
    #[error("this node has enough peers")]
    Enough,
    /// Its chain does not grow with ours.
    #[error("it has been behind this node for long")]
    Lagging,
    /// All inbound slots are taken.
    #[error("it makes room for another inbound peer")]
    MakesRoom,
    /// Somebody here wants it gone.
    #[error("the operator disconnects it")]
    Operator,
}

impl Goodbye {
    /// Whether to refuse it for a while.
    pub fn bans(&self) -> bool {
        matches!(self, Self::Misbehaved(_) | Self::Floods(_))
    }
}

/// What a peer's actor hears.
#[derive(Debug, strum::IntoStaticStr)]
pub enum Event {
    /// The connection is there.
    Connected,
    /// It answered what it is.
    Greeted(Greeting),
    /// It asks something.
    Asked(Question),
    /// Its question was answered.
    Answered {
        /// With this many bytes.
        bytes: usize,
        /// For blocks: how far the lowest one is below this node's tip.
        below_tip: Option<u64>,
    },
    /// It passes a message on.
    Message(Message),
    /// It answered a ping.
    Pinged {
        /// After this long.
        ms: u64,
    },
    /// It did something that it should not.
    Offence {
        /// How bad.
        offence: Offence,
        /// What.
        what: String,
    },
    /// Somebody here wants it gone.
    Disconnect(Goodbye),
    /// The connection is closed.
    Gone,
    /// Time passes.
    Tick,
}

/// What a peer's actor is to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// Ask for its greeting.
    Greet,
    /// It is of this network, for the first time on this connection.
    Ready(Greeting),
    /// It told its tip again.
    TipTold(Tip),
    /// Answer its question.
    Answer,
    /// Do not answer, but say why.
    Refuse(String),
    /// Use its message.
    Deliver,
    /// Drop its message.
    Drop,
    /// Tell the miner that this peer is served a long sync, or no longer.
    Lease {
        /// The number of the lease.
        number: u64,
        /// What becomes of it.
        news: LeaseNews,
    },
    /// Keep its points, also when it has left.
    Remember(Score),
    /// End the connection.
    Close(Goodbye),
}

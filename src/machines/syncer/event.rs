//! What the syncer hears and what it wants done.

use ledger::{Block, BlockError, BlockId, Header, Tip};

use crate::PeerId;
use crate::peer::Offence;

/// Matches an answer to what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ask(pub u64);

/// What the syncer hears.
#[derive(Debug, strum::IntoStaticStr)]
pub enum Event {
    /// A peer passed the handshake, or told its tip again.
    Status {
        /// The peer.
        peer: PeerId,
        /// The end of its chain.
        tip: Tip,
    },
    /// A peer is gone.
    Gone {
        /// The peer.
        peer: PeerId,
    },
    /// A peer announced a block whose parent is unknown here.
    Behind {
        /// The peer.
        peer: PeerId,
    },
    /// Headers that were asked for.
    Headers {
        /// Which question.
        ask: Ask,
        /// The headers.
        headers: Vec<Header>,
    },
    /// Blocks that were asked for; possibly fewer.
    Blocks {
        /// Which question.
        ask: Ask,
        /// The blocks.
        blocks: Vec<Block>,
    },
    /// A question has no answer.
    Failed {
        /// Which question.
        ask: Ask,
    },
    /// The chain has a new end: what is stored tells which.
    TipChanged,
    /// The chain took blocks of the sync.
    Taken {
        /// How many.
        blocks: usize,
    },
    /// The chain refused a block of the sync.
    Refused {
        /// Who delivered it.
        from: PeerId,
        /// The block.
        id: BlockId,
        /// Why.
        error: BlockError,
    },
    /// Blocks that were offered did not reach the chain: it has too much to do.
    NotTaken,
    /// Whether the disk is too full to keep a block.
    DiskFull(bool),
    /// Time passes.
    Tick,
}

/// What the syncer wants done.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// Ask a peer for its tip; the answer is [`Event::Status`].
    AskStatus {
        /// Whom.
        peer: PeerId,
    },
    /// Ask a peer for headers after the first id of the locator that it has on its chain.
    AskHeaders {
        /// Which question.
        ask: Ask,
        /// Whom.
        peer: PeerId,
        /// Ids from the tip downwards.
        locator: Vec<BlockId>,
        /// How many at most.
        limit: u16,
    },
    /// Ask a peer for blocks.
    AskBlocks {
        /// Which question.
        ask: Ask,
        /// Whom.
        peer: PeerId,
        /// Which blocks.
        ids: Vec<BlockId>,
    },
    /// Hand blocks to the chain, parents first.
    Offer {
        /// The blocks.
        blocks: Vec<Block>,
        /// Who delivered them.
        from: PeerId,
    },
    /// Whether this node is behind its peers, as far as that may keep it from mining.
    Syncing(bool),
    /// A peer does not come up to what has been this node's tip for long.
    Lagging {
        /// The peer.
        peer: PeerId,
    },
    /// A peer broke a rule.
    Misbehaved {
        /// The peer.
        peer: PeerId,
        /// How bad that is.
        offence: Offence,
        /// How.
        why: String,
    },
}

//! What the chain hears and what it wants done.

use std::sync::Arc;

use ledger::{
    Block, BlockError, BlockId, CheckedBlock, CheckedTransaction, Commit, Header, Height, PublicKey, Signature, Tip,
    Transaction, TxError, TxId,
};

use super::MAX_CHECKING;
use crate::PeerId;
use crate::pool::PoolError;

/// Where something came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A peer sent its body: it answers for all of it.
    Peer(PeerId),
    /// A peer announced it, and its body was here: whoever passes an announcement on has looked at the header only.
    Announced(PeerId),
    /// A peer sent it as part of a sync.
    Sync(PeerId),
    /// This node's miner found it.
    Miner,
    /// A client of this node; the answer goes to this ticket.
    Client(u64),
}

/// Names a gossip message until a verdict is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GossipTicket {
    /// The hash of its content.
    pub message: [u8; 32],
    /// Who passed it on.
    pub source: PeerId,
}

/// What becomes of a gossip message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Pass it on.
    Accept,
    /// Do not pass it on; the sender did nothing wrong.
    Ignore,
    /// Do not pass it on, and remember who sent it.
    Reject,
}

/// Names a question about an announced block, until it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask(pub u64);

/// A block announced by its header and the first bytes of its transactions' leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// The header.
    pub header: Header,
    /// The miner's signature.
    pub signature: Signature,
    /// First eight bytes of each leaf, in order.
    pub short_ids: Vec<[u8; 8]>,
}

/// What the chain hears.
#[derive(Debug, strum::IntoStaticStr)]
pub enum Event {
    /// A peer announced a block.
    Announced {
        /// The block in short.
        announcement: Announcement,
        /// Who sent it.
        from: PeerId,
        /// Where the verdict goes.
        ticket: GossipTicket,
    },
    /// The answer to [`Effect::Fetch`].
    Fetched {
        /// The question.
        ask: Ask,
        /// Who answered.
        from: PeerId,
        /// What came.
        block: Block,
    },
    /// The answer to [`Effect::FetchMissing`], or that a peer has nothing to answer to it or to [`Effect::Fetch`].
    Missing {
        /// The question.
        ask: Ask,
        /// All that was asked for, in that order; none if the peer does not have the block or does not answer.
        transactions: Option<Vec<Transaction>>,
    },
    /// Whole blocks, parents first.
    Blocks {
        /// The blocks.
        blocks: Vec<Block>,
        /// Where they came from.
        source: Source,
    },
    /// This node's miner found a block.
    Mined(Mined),
    /// The verifier checked blocks by themselves.
    BlocksChecked {
        /// Each block, or why it is refused.
        results: Vec<Result<Arc<CheckedBlock>, (BlockId, BlockError)>>,
        /// Where they came from.
        source: Source,
    },
    /// Transactions that a peer passed on.
    Gossiped {
        /// The transactions.
        transactions: Vec<Transaction>,
        /// Who sent them.
        from: PeerId,
        /// Where the verdict goes.
        ticket: GossipTicket,
    },
    /// A client hands in a transaction; the answer goes to the ticket.
    Submitted {
        /// The transaction.
        transaction: Transaction,
        /// Where the answer goes.
        ticket: u64,
    },
    /// The verifier checked transactions by themselves.
    TransactionsChecked {
        /// Each transaction, or why it is refused.
        results: Vec<Result<Arc<CheckedTransaction>, TxError>>,
        /// Where they came from.
        origin: Origin,
    },
    /// The miner wants to know what to mine.
    TemplateWanted {
        /// The key that will sign the block.
        miner: PublicKey,
    },
    /// Whether this node is behind its peers.
    Syncing(bool),
    /// So much is free where the chain is kept.
    Disk {
        /// In bytes.
        free_bytes: u64,
    },
    /// The answer to [`Effect::GoOn`].
    GoOn,
    /// The answer to [`Effect::GoOn`] of a node that stops: what is left to do is not done.
    GiveUp,
    /// Time passes.
    Tick,
}

/// Where checked transactions came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A gossip message.
    Gossip {
        /// Who sent it.
        from: PeerId,
        /// Where the verdict goes.
        ticket: GossipTicket,
    },
    /// A client of this node.
    Client(u64),
}

/// What the chain wants done, in this order.
#[derive(Debug)]
pub enum Effect {
    /// Keep this and all that was staged, durably, before anything after it.
    Commit(Commit),
    /// A part of a change that is too large to be held in memory: to be kept with the next [`Effect::Commit`], and until
    /// then seen by nobody but [`Event::GoOn`].
    Stage(Commit),
    /// Forget what was staged.
    Abandon,
    /// Come back with [`Event::GoOn`] before any other event, with a view of what is stored and staged.
    GoOn,
    /// The chain has a new end.
    TipChanged(TipChanged),
    /// Check blocks by themselves and come back with [`Event::BlocksChecked`].
    CheckBlocks {
        /// The blocks.
        blocks: Vec<Block>,
        /// To be handed back.
        source: Source,
    },
    /// Check transactions by themselves and come back with [`Event::TransactionsChecked`].
    CheckTransactions {
        /// The transactions.
        transactions: Vec<Transaction>,
        /// To be handed back.
        origin: Origin,
    },
    /// What becomes of a gossip message.
    Verdict {
        /// The message.
        ticket: GossipTicket,
        /// What becomes of it.
        verdict: Verdict,
    },
    /// Tell the peers of a block that this node found.
    AnnounceBlock(Arc<CheckedBlock>),
    /// Pass transactions on to the peers.
    Relay(Vec<Arc<CheckedTransaction>>),
    /// Ask a peer for transactions of a block that it announced; the answer is [`Event::Missing`].
    FetchMissing {
        /// Names the question.
        ask: Ask,
        /// Whom to ask.
        from: PeerId,
        /// Which block.
        block: BlockId,
        /// The places of the transactions in it, rising.
        indexes: Vec<u16>,
    },
    /// Ask a peer for a whole block that it announced; the answer is [`Event::Fetched`] or an empty
    /// [`Event::Missing`].
    Fetch {
        /// Names the question.
        ask: Ask,
        /// Whom to ask.
        from: PeerId,
        /// Which block.
        id: BlockId,
    },
    /// A peer told of a block that is news, and did so before others.
    Useful {
        /// The peer.
        peer: PeerId,
    },
    /// A peer knows blocks that this node lacks.
    Behind {
        /// The peer.
        peer: PeerId,
    },
    /// Blocks of a sync are taken: on the chain or kept beside it.
    SyncTaken {
        /// How many.
        blocks: usize,
    },
    /// A sync delivered a block that is refused or does not connect.
    SyncRefused {
        /// Who delivered it.
        from: PeerId,
        /// The block.
        id: BlockId,
        /// Why.
        error: BlockError,
    },
    /// A block waits until this node's clock allows it; by whose fault cannot be known.
    Ahead {
        /// Which.
        id: BlockId,
        /// For how long.
        ms: u64,
    },
    /// A peer broke a rule.
    Misbehaved {
        /// The peer.
        peer: PeerId,
        /// How.
        why: String,
    },
    /// The answer to a client.
    Answer {
        /// Whom it is for.
        ticket: u64,
        /// The id, or why not.
        answer: Result<Accepted, Refused>,
    },
    /// What the miner may mine.
    Template(Template),
    /// This node's own block is refused: something is wrong with this node.
    OwnBlockRefused {
        /// The block.
        id: BlockId,
        /// Why.
        error: BlockError,
    },
    /// The disk is too full to take anything, or no longer: nothing that ends in a block is of use meanwhile.
    DiskFull(bool),
    /// What is stored cannot be read. Nothing can be decided any more.
    Broken(String),
}

/// What a client handed in was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// A transaction waits in the pool.
    Transaction(TxId),
    /// A block is part of the chain, or kept beside it.
    Block(BlockId),
}

/// Why something that a client handed in is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// By the pool.
    #[error("{0}")]
    Pool(#[from] PoolError),
    /// By the rules of blocks.
    #[error("{0}")]
    Block(#[from] BlockError),
    /// Too much waits for its check.
    #[error("this node checks {MAX_CHECKING} blocks already, offer it again in a moment")]
    Busy,
    /// What it follows on is not back yet.
    #[error("this node moves to another branch and puts back what left its chain, offer it again in a moment")]
    Moving,
    /// There is no room to keep anything.
    #[error("the disk of this node is full: it takes nothing until there is room again")]
    Full,
}

/// How the end of the chain moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TipChanged {
    /// The new end.
    pub tip: Tip,
    /// How many blocks left the chain.
    pub left: u64,
    /// How many joined it.
    pub joined: u64,
    /// Transactions of the watched account in blocks that left, those of the old tip first.
    pub watched_left: Vec<TxId>,
    /// Transactions of the watched account in blocks that joined, and the heights of these, the lowest first.
    pub watched_joined: Vec<(TxId, Height)>,
}

impl TipChanged {
    /// No move, at `tip`.
    pub fn none(tip: Tip) -> Self {
        Self { tip, left: 0, joined: 0, watched_left: Vec::new(), watched_joined: Vec::new() }
    }

    /// Goes on with what happened next.
    pub(super) fn then(&mut self, next: Self) {
        self.tip = next.tip;
        self.left += next.left;
        self.joined += next.joined;
        self.watched_left.extend(next.watched_left);
        self.watched_joined.extend(next.watched_joined);
    }
}

/// A block that this node's miner found, of transactions that the chain gave it.
#[derive(Debug, Clone)]
pub struct Mined {
    /// The header.
    pub header: Header,
    /// The miner's signature.
    pub signature: Signature,
    /// Its transactions.
    pub transactions: Vec<Arc<CheckedTransaction>>,
}

/// A block that waits for its nonce.
#[derive(Debug, Clone)]
pub struct Template {
    /// The header without a nonce.
    pub header: Header,
    /// Its transactions.
    pub transactions: Vec<Arc<CheckedTransaction>>,
}

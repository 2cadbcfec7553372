//! The messages of the wire: what is asked, what is answered, what is announced.
//!
//! The order of the variants is part of the protocol: a request and its answer have the same place. This file says
//! which messages are within their limits; it never says whether what they carry is valid.

use std::fmt;

use ledger::{Block, BlockId, ChainId, Header, Signature, Tip, Transaction};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits::*;
use crate::{CodecError, canonical};

/// What a node says about itself in the handshake and whenever asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Version of the protocol, [`crate::PROTOCOL_VERSION`].
    pub version: u32,
    /// The chain that it follows.
    pub chain: ChainId,
    /// Its tip.
    pub tip: Tip,
    /// Its name and version, at most [`MAX_AGENT_BYTES`].
    pub agent: String,
    /// Whether it is behind and knows it.
    pub syncing: bool,
}

/// What a node asks another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// The other's status; carries the own.
    Status(Status),
    /// The headers after the first of these ids that the other has on its chain.
    Headers {
        /// Own ids, the tip first, at most [`MAX_LOCATOR_IDS`].
        locator: Vec<BlockId>,
        /// Not more than so many, at most [`MAX_HEADERS`]: what the asker's line carries in time.
        limit: u16,
    },
    /// Whole blocks.
    Blocks {
        /// Their ids, at most [`MAX_BLOCK_IDS`].
        ids: Vec<BlockId>,
    },
    /// Transactions of one block: those that its announcement left open.
    BlockTransactions {
        /// The block.
        block: BlockId,
        /// Their places in it, rising, each below [`MAX_BLOCK_TRANSACTIONS`]; at most [`MAX_MISSING_TRANSACTIONS`].
        indexes: Vec<u16>,
    },
    /// Addresses of other nodes.
    Addresses,
}

/// What the other answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// Its status.
    Status(Status),
    /// Headers in the order of the chain, not more than were asked for. Fewer say that there are no more.
    Headers(Vec<Header>),
    /// Blocks in the order in which they were asked for; may be fewer. Senders stop at [`BLOCKS_FILL_BYTES`].
    Blocks(Vec<RawBlock>),
    /// All of the transactions, in the order in which they were asked for; none if it does not have that block.
    Transactions(Vec<Transaction>),
    /// Multiaddresses as text, at most [`MAX_ADDRESSES`].
    Addresses(Vec<String>),
    /// No answer, and why; at most [`MAX_REFUSAL_BYTES`].
    Refused(String),
}

/// What is told to everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gossip {
    /// A new block.
    Block(BlockAnnounce),
    /// New transactions.
    Transactions(Vec<Transaction>),
}

/// A block that a receiver rebuilds from its pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockAnnounce {
    /// The header: its work is checked before anything else.
    pub header: Header,
    /// The miner's signature over the id.
    pub signature: Signature,
    /// The first 8 bytes of each transaction's leaf, in order.
    pub transactions: Vec<[u8; 8]>,
}

/// A block as it is stored and sent: the canonical encoding of [`Block`], not decoded.
#[derive(Clone, PartialEq, Eq)]
pub struct RawBlock(pub Vec<u8>);

impl RawBlock {
    /// The block, if these bytes are the canonical encoding of one within its limit.
    pub fn decode(&self) -> Result<Block, CodecError> {
        at_most("bytes of a block", self.0.len(), MAX_RAW_BLOCK_BYTES)?;
        canonical::decode(&self.0)
    }
}

impl Serialize for RawBlock {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for RawBlock {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl serde::de::Visitor<'_> for Bytes {
            type Value = RawBlock;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<RawBlock, E> {
                Ok(RawBlock(bytes.to_vec()))
            }
        }
        // Borrowed bytes: a length beyond what is there fails before anything is allocated.
        from.deserialize_bytes(Bytes)
    }
}

impl fmt::Debug for RawBlock {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "block of {} bytes", self.0.len())
    }
}

/// A message that travels as one frame and knows its limits.
pub(crate) trait Message: Sized {
    /// The largest encoding of a kind, if the kind is known. The kind is the first byte of the encoding.
    fn limit(kind: u8) -> Option<usize>;
    /// Whether every list and text is within its limit.
    fn check(&self) -> Result<(), CodecError>;
}

impl Message for Request {
    fn limit(kind: u8) -> Option<usize> {
        Some(match kind {
            0 => 1 + MAX_STATUS_BYTES,
            1 => 1 + 1 + 32 * MAX_LOCATOR_IDS + MAX_LIMIT_BYTES,
            2 => 1 + 2 + 32 * MAX_BLOCK_IDS,
            3 => 1 + 32 + 2 + MAX_INDEX_BYTES * MAX_MISSING_TRANSACTIONS,
            4 => 1,
            _ => return None,
        })
    }

    fn check(&self) -> Result<(), CodecError> {
        match self {
            Self::Status(status) => status.check(),
            Self::Headers { locator, limit } => {
                at_most("ids in a locator", locator.len(), MAX_LOCATOR_IDS)?;
                at_most("headers asked for", usize::from(*limit), MAX_HEADERS)
            }
            Self::Blocks { ids } => at_most("blocks asked for", ids.len(), MAX_BLOCK_IDS),
            Self::BlockTransactions { indexes, .. } => {
                at_most("transactions asked for", indexes.len(), MAX_MISSING_TRANSACTIONS)?;
                rising_below(indexes, MAX_BLOCK_TRANSACTIONS)
            }
            Self::Addresses => Ok(()),
        }
    }
}

impl Message for Response {
    fn limit(kind: u8) -> Option<usize> {
        Some(match kind {
            0 => 1 + MAX_STATUS_BYTES,
            1 => 1 + 2 + MAX_HEADERS * MAX_HEADER_BYTES,
            2 => MAX_BLOCKS_RESPONSE_BYTES - FRAME_PREFIX_BYTES,
            3 => 1 + 2 + MAX_MISSING_TRANSACTIONS * MAX_TRANSACTION_BYTES,
            4 => 1 + 1 + MAX_ADDRESSES * (2 + MAX_ADDRESS_BYTES),
            5 => 1 + 2 + MAX_REFUSAL_BYTES,
            _ => return None,
        })
    }

    fn check(&self) -> Result<(), CodecError> {
        match self {
            Self::Status(status) => status.check(),
            Self::Headers(headers) => at_most("headers", headers.len(), MAX_HEADERS),
            Self::Blocks(blocks) => {
                let longest = blocks.iter().map(|block| block.0.len()).max().unwrap_or(0);
                at_most("bytes of a block", longest, MAX_RAW_BLOCK_BYTES)?;
                at_most("blocks", blocks.len(), MAX_BLOCK_IDS)
            }
            Self::Transactions(transactions) => at_most("transactions", transactions.len(), MAX_MISSING_TRANSACTIONS),
            Self::Addresses(addresses) => {
                let longest = addresses.iter().map(String::len).max().unwrap_or(0);
                at_most("bytes of an address", longest, MAX_ADDRESS_BYTES)?;
                at_most("addresses", addresses.len(), MAX_ADDRESSES)
            }
            Self::Refused(reason) => at_most("bytes of a refusal", reason.len(), MAX_REFUSAL_BYTES),
        }
    }
}

impl Request {
    /// Its place among the variants, which its answer shares.
    pub(crate) fn kind(&self) -> u8 {
        match self {
            Self::Status(_) => 0,
            Self::Headers { .. } => 1,
            Self::Blocks { .. } => 2,
            Self::BlockTransactions { .. } => 3,
            Self::Addresses => 4,
        }
    }

    /// The most items that an honest answer has.
    pub(crate) fn answers(&self) -> usize {
        match self {
            Self::Status(_) => 1,
            Self::Headers { limit, .. } => usize::from(*limit),
            Self::Blocks { ids } => ids.len(),
            Self::BlockTransactions { indexes, .. } => indexes.len(),
            Self::Addresses => MAX_ADDRESSES,
        }
    }
}

impl Response {
    /// Its place among the variants.
    pub(crate) const REFUSED: u8 = 5;

    pub(crate) fn kind(&self) -> u8 {
        match self {
            Self::Status(_) => 0,
            Self::Headers(_) => 1,
            Self::Blocks(_) => 2,
            Self::Transactions(_) => 3,
            Self::Addresses(_) => 4,
            Self::Refused(_) => Self::REFUSED,
        }
    }

    pub(crate) fn items(&self) -> usize {
        match self {
            Self::Status(_) | Self::Refused(_) => 1,
            Self::Headers(headers) => headers.len(),
            Self::Blocks(blocks) => blocks.len(),
            Self::Transactions(transactions) => transactions.len(),
            Self::Addresses(addresses) => addresses.len(),
        }
    }

    /// About how much memory it holds until it is sent.
    pub fn weight(&self) -> usize {
        match self {
            Self::Status(_) | Self::Refused(_) => MAX_STATUS_BYTES,
            Self::Headers(headers) => headers.len() * size_of::<Header>(),
            Self::Blocks(blocks) => blocks.iter().map(|block| block.0.len()).sum(),
            Self::Transactions(transactions) => transactions.len() * size_of::<Transaction>(),
            Self::Addresses(addresses) => addresses.iter().map(String::len).sum(),
        }
    }
}

impl Status {
    fn check(&self) -> Result<(), CodecError> {
        at_most("bytes of an agent", self.agent.len(), MAX_AGENT_BYTES)
    }
}

impl Gossip {
    /// The payload, which does not tell its topic.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, CodecError> {
        let (bytes, limit) = match self {
            Self::Block(announce) => (canonical::encode(announce)?, MAX_ANNOUNCE_BYTES),
            Self::Transactions(batch) => (canonical::encode(batch)?, MAX_GOSSIP_TRANSACTIONS_BYTES),
        };
        if bytes.len() > limit { Err(CodecError::TooLong { length: bytes.len(), limit }) } else { Ok(bytes) }
    }

    /// Reads the payload of a block announcement.
    pub(crate) fn decode_block(bytes: &[u8]) -> Result<Self, CodecError> {
        within(bytes, MAX_ANNOUNCE_BYTES)?;
        canonical::decode(bytes).map(Self::Block)
    }

    /// Reads a batch of transactions.
    pub(crate) fn decode_transactions(bytes: &[u8]) -> Result<Self, CodecError> {
        within(bytes, MAX_GOSSIP_TRANSACTIONS_BYTES)?;
        canonical::decode(bytes).map(Self::Transactions)
    }
}

fn within(bytes: &[u8], limit: usize) -> Result<(), CodecError> {
    if bytes.len() > limit { Err(CodecError::TooLong { length: bytes.len(), limit }) } else { Ok(()) }
}

/// Whether places in a block are named once each, in order: the answer then needs no names.
fn rising_below(indexes: &[u16], limit: usize) -> Result<(), CodecError> {
    let rising = indexes.is_sorted_by(|one, next| one < next);
    let within = indexes.last().is_none_or(|last| usize::from(*last) < limit);
    if rising && within { Ok(()) } else { Err(CodecError::Indexes) }
}

fn at_most(what: &'static str, got: usize, limit: usize) -> Result<(), CodecError> {
    if got > limit { Err(CodecError::TooMany { what, got, limit }) } else { Ok(()) }
}

//! What nodes of the simulation send one another: the questions and answers of the wire, without its bytes.

use ledger::{Block, BlockId, Header, Transaction};
use machines::PeerId;
use machines::chain::Announcement;
use machines::peer::Greeting;
use machines::syncer::Ask;

/// A message between two connected nodes.
#[derive(Debug, Clone)]
pub enum Message {
    /// Says what the sender is, and asks the same.
    StatusQuestion(Greeting),
    /// Says what the sender is.
    StatusAnswer(Greeting),
    HeadersQuestion(Ask, Vec<BlockId>),
    HeadersAnswer(Ask, Vec<Header>),
    BlocksQuestion(Ask, Vec<BlockId>),
    BlocksAnswer(Ask, Vec<Block>),
    /// The question will not be answered.
    Refused(Ask),
    /// Asks for a block that was announced.
    Fetch(BlockId),
    Fetched(Block),
    AddressesQuestion,
    AddressesAnswer(Vec<(PeerId, String)>),
    Gossip(Gossip),
}

/// What is passed on from node to node.
#[derive(Debug, Clone)]
pub struct Gossip {
    /// Names the message, whoever passes it on.
    pub id: [u8; 32],
    pub body: Body,
}

/// What a gossip message says.
#[derive(Debug, Clone)]
pub enum Body {
    Block(Announcement),
    Transactions(Vec<Transaction>),
}

impl Message {
    /// Whether whoever sent it waits for an answer, or is answered by it: these are never delivered twice.
    pub fn is_gossip(&self) -> bool {
        matches!(self, Self::Gossip(_))
    }
}

//! What nodes of the simulation send one another: the questions and answers of the wire, without its bytes.

use std::rc::Rc;

use ledger::{Block, BlockId, Header, Transaction};
use machines::PeerId;
use machines::chain::{self, Announcement};
use machines::peer::Greeting;
use machines::syncer::Ask;

/// A message between two connected nodes.
#[derive(Debug, Clone)]
pub enum Message {
    Question(Rc<Question>),
    /// The answer; none if it was refused, or if the question or the answer got lost.
    Answer(Rc<Question>, Option<Box<Answer>>),
    Gossip(Gossip),
}

/// What a node asks another. It hears an answer or, after a while, that there is none.
#[derive(Debug)]
pub enum Question {
    /// Says what the asker is, and asks the same.
    Status(Greeting),
    Headers(Ask, Vec<BlockId>, u16),
    Blocks(Ask, Vec<BlockId>),
    /// Asks for a block that was announced.
    Fetch(chain::Ask, BlockId),
    /// Asks for transactions of a block that was announced, by their places.
    Missing(chain::Ask, BlockId, Vec<u16>),
    Addresses,
}

/// What a node answers.
#[derive(Debug, Clone)]
pub enum Answer {
    Status(Greeting),
    Headers(Vec<Header>),
    Blocks(Vec<Block>),
    /// All that were asked for, or none.
    Transactions(Vec<Transaction>),
    Addresses(Vec<(PeerId, String)>),
}

/// What is passed on from node to node.
#[derive(Debug, Clone)]
pub struct Gossip {
    /// Names the message, whoever passes it on.
    pub id: u64,
    pub body: Rc<Body>,
}

/// What a gossip message says.
#[derive(Debug)]
pub enum Body {
    Block(Announcement),
    Transactions(Vec<Transaction>),
}

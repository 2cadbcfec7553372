//! A peer's share of this node's time and line: how many questions of each kind are answered, how many bytes, and how
//! much gossip is used. A burst, then a steady rate.
//!
//! Honest software stays within, also in its fastest sync. What is beyond is refused or dropped, which costs nothing
//! at first: the peer is told, and may have bursts that nobody foresaw. Who goes on all the same, floods.

use super::{Message, Question};
use crate::bucket::Bucket;

/// At once, and each second after that.
type Rate = (u64, u64);

/// Greetings: a node asks every 10 s, and when an announcement shows that it is behind.
const STATUS: Rate = (20, 2);
/// Answers of 2 000 headers. The burst is the longest branch that a syncer follows, a million headers; after it the
/// rate is five times that of the fastest bodies.
const HEADERS: Rate = (600, 20);
/// Questions for blocks. A fast sync asks for 256 empty blocks or a megabyte at once, fifty times a second.
const BLOCK_QUESTIONS: Rate = (400, 100);
/// Blocks by id, found or not. Twice what the fastest sync takes (8 000 empty blocks a second), and in the burst eight
/// times what a syncer may have open and offered.
const BLOCKS: Rate = (32_768, 16_384);
/// Each reads and decodes a whole block. A node asks twice for a block at most, then for the whole; blocks come once a
/// second, and by the hundred where they are made on request.
const BLOCK_TRANSACTIONS: Rate = (200, 10);
/// A node asks when it looks for peers.
const ADDRESSES: Rate = (10, 1);
/// Bytes of answers. The burst is four windows of a syncer; the rate is what 200 000 small transactions take, more than
/// eight cores check in a second, and a quarter of a line of a gigabit.
const BYTES: Rate = (64_000_000, 32_000_000);
/// Announced blocks. A network makes one in a second at most; where they are made on request, hundreds at once.
const ANNOUNCEMENTS: Rate = (1_000, 20);
/// Transactions by gossip: what full blocks of the smallest ones hold at 10 s spacing, and 30 s of that at once.
const TRANSACTIONS: Rate = (30 * TRANSACTIONS_PER_S, TRANSACTIONS_PER_S);
const TRANSACTIONS_PER_S: u64 = 1_400;
/// Refused questions and dropped messages that are no offence.
const EXCESS: Rate = (500, 20);

/// What is left of each.
#[derive(Debug)]
pub(super) struct Share {
    status: Bucket,
    headers: Bucket,
    block_questions: Bucket,
    blocks: Bucket,
    block_transactions: Bucket,
    addresses: Bucket,
    bytes: Bucket,
    announcements: Bucket,
    transactions: Bucket,
    excess: Bucket,
}

impl Share {
    pub fn new(mono: u64) -> Self {
        let full = |(burst, per_second): Rate| Bucket::new(burst, per_second, mono);
        Self {
            status: full(STATUS),
            headers: full(HEADERS),
            block_questions: full(BLOCK_QUESTIONS),
            blocks: full(BLOCKS),
            block_transactions: full(BLOCK_TRANSACTIONS),
            addresses: full(ADDRESSES),
            bytes: full(BYTES),
            announcements: full(ANNOUNCEMENTS),
            transactions: full(TRANSACTIONS),
            excess: full(EXCESS),
        }
    }

    /// Whether a question is to be answered.
    pub fn answers(&mut self, question: &Question, mono: u64) -> bool {
        match question {
            // Without it nobody could say hello while a long answer is under way.
            Question::Status(_) => self.status.take(1, mono),
            _ if !self.bytes.is_solvent(mono) => false,
            Question::Headers => self.headers.take(1, mono),
            Question::Blocks { count } => {
                self.block_questions.take(1, mono) && self.blocks.take(at_least_one(*count), mono)
            }
            Question::BlockTransactions => self.block_transactions.take(1, mono),
            Question::Addresses => self.addresses.take(1, mono),
        }
    }

    /// An answer was given; how long it is was not known before.
    pub fn answered(&mut self, bytes: usize, mono: u64) {
        self.bytes.spend(bytes as u64, mono);
    }

    /// Whether a message is to be used.
    pub fn takes(&mut self, message: Message, mono: u64) -> bool {
        match message {
            Message::Block => self.announcements.take(1, mono),
            Message::Transactions { count } => self.transactions.take(at_least_one(count), mono),
        }
    }

    /// Whether one more refusal is no offence.
    pub fn tolerates(&mut self, mono: u64) -> bool {
        self.excess.take(1, mono)
    }
}

fn at_least_one(count: usize) -> u64 {
    (count as u64).max(1)
}

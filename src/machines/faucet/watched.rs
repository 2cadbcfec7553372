//! What a buried block moved: payments count when they are deep enough to be believed.

use ledger::{Block, Height};

use super::collectors::Move;

/// Blocks on top of a payment after which it counts: a minute of the main network. A reorganisation that goes deeper
/// may count a payment twice, which makes no collector of somebody who has one payer.
pub const DEPTH: Height = 6;
/// Blocks that are looked at in one go: each costs reading it whole.
pub const AT_ONCE: Height = 16;
/// Blocks that are caught up with. A node that was off its chain for longer goes on from there.
pub const BEHIND: Height = 600;

/// What a block moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its height.
    pub height: Height,
    /// Its time.
    pub time: u64,
    /// Its payments.
    pub moves: Vec<Move>,
}

impl Seen {
    /// What a block of the chain moved.
    pub fn of(block: &Block) -> Self {
        let moves = block.transactions.iter().filter_map(|tx| {
            // Every sender of a block that was taken has an address.
            Some(Move { from: tx.sender().ok()?, to: tx.to(), drops: tx.amount().as_drops() })
        });
        Self { height: block.header.height, time: block.header.time, moves: moves.collect() }
    }
}

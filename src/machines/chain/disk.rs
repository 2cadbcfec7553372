//! Room on the disk. When little is left, nothing new is taken until there is more again: a database that ran into a
//! full disk takes no more writes at all until it is opened anew, and a node that never gets there loses nothing.
//!
//! What is at the verifier or on its way to another branch already is finished: the reserve is for that.

use super::{Chain, Effect, Event, Refused, Source, Verdict};

/// With less free than this nothing new is taken. A sync has 16 MB of blocks under way at most, which a commit writes
/// several times over: rows, the lookups, and the pages above them.
pub const RESERVE_BYTES: u64 = 64 << 20;
/// With this much free again everything is taken again. More than the reserve, so that a log that grows and is rotated
/// does not make the miner stop and go.
pub const ENOUGH_BYTES: u64 = 96 << 20;

/// Whether there is room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// There is.
    Enough,
    /// There is not.
    Full {
        /// Bytes that are free.
        free_bytes: u64,
    },
}

impl Chain {
    /// Takes note of how much is free; whoever makes work hears when that begins or ends to be too little.
    pub(super) fn measured(&mut self, free_bytes: u64, effects: &mut Vec<Effect>) {
        let was_full = self.is_full();
        let enough = if was_full { ENOUGH_BYTES } else { RESERVE_BYTES };
        self.room = if free_bytes >= enough { Room::Enough } else { Room::Full { free_bytes } };
        if self.is_full() != was_full {
            effects.push(Effect::DiskFull(self.is_full()));
        }
    }

    /// Whether the disk is too full to take anything.
    pub fn is_full(&self) -> bool {
        matches!(self.room, Room::Full { .. })
    }

    /// Gives back what is handled although the disk is full, and answers the rest.
    pub(super) fn while_full(&mut self, event: Event, effects: &mut Vec<Effect>) -> Option<Event> {
        match event {
            Event::Announced { ticket, .. } | Event::Gossiped { ticket, .. } => {
                effects.push(Effect::Verdict { ticket, verdict: Verdict::Ignore });
                None
            }
            Event::Submitted { ticket, .. } | Event::Blocks { source: Source::Client(ticket), .. } => {
                effects.push(Effect::Answer { ticket, answer: Err(Refused::Full) });
                None
            }
            // A sync asks again when its deadline passes; the miner hears that it must not mine.
            Event::Blocks { .. } | Event::Mined(_) | Event::TemplateWanted { .. } => None,
            event => Some(event),
        }
    }
}

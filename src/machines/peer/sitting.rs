//! A sitting: this node serves a peer a long sync, for which it pauses its own mining by a lease.
//!
//! What this node answered decides, never what the peer says of itself. A sitting begins with several answers in a row
//! that are far below the tip, holds its lease while such answers go on, and ends when they do not. Never decides
//! whether mining pauses: that is the miner's, which counts what all peers together may cost.

use crate::miner::{LEASE_MS, LeaseNews};

/// An answer counts when its lowest block is more than this far below the tip. What lies nearer is what any node lacks
/// that was away for a moment, and is served in one answer.
const FAR_BLOCKS: u64 = 100;
/// Such answers in a row make a long sync.
const ANSWERS: u32 = 4;
/// The next answer of a row comes within this time.
const ROW_MS: u64 = 2_000;
/// How often the lease is renewed: a renewal may be lost before it ends.
const RENEW_MS: u64 = 1_000;
const _: () = assert!(RENEW_MS + ROW_MS <= LEASE_MS, "an answer that still counts finds the lease alive");

#[derive(Debug)]
struct Held {
    number: u64,
    renewed_at: u64,
}

/// Whether one peer is served a long sync.
#[derive(Debug, Default)]
pub(super) struct Sitting {
    /// Far answers in a row, and when the last one was given.
    answers: u32,
    answered_at: u64,
    held: Option<Held>,
    last_number: u64,
}

/// The number of a lease, and what becomes of it.
pub(super) type News = Option<(u64, LeaseNews)>;

impl Sitting {
    /// The number of the lease that is held.
    pub fn lease(&self) -> Option<u64> {
        self.held.as_ref().map(|held| held.number)
    }

    /// Blocks were sent, the lowest so far below the tip.
    pub fn answered(&mut self, mono: u64, below_tip: u64) -> News {
        if below_tip <= FAR_BLOCKS {
            return self.end();
        }
        let in_a_row = self.answered_at.saturating_add(ROW_MS) > mono;
        self.answers = if in_a_row { self.answers.saturating_add(1) } else { 1 };
        self.answered_at = mono;
        match &mut self.held {
            Some(held) if held.renewed_at.saturating_add(LEASE_MS) <= mono => self.begin(mono),
            Some(held) if held.renewed_at.saturating_add(RENEW_MS) <= mono => {
                held.renewed_at = mono;
                Some((held.number, LeaseNews::Renewed))
            }
            Some(_) => None,
            None if self.answers >= ANSWERS => self.begin(mono),
            None => None,
        }
    }

    /// Gives the lease back when the peer asks no more.
    pub fn tick(&mut self, mono: u64) -> News {
        if self.answered_at.saturating_add(ROW_MS) <= mono { self.end() } else { None }
    }

    /// It is over.
    pub fn end(&mut self) -> News {
        self.answers = 0;
        self.held.take().map(|held| (held.number, LeaseNews::Ended))
    }

    fn begin(&mut self, mono: u64) -> News {
        // Larger than any number before, here and on older connections: time is, and so is the next number.
        self.last_number = mono.max(self.last_number + 1);
        self.held = Some(Held { number: self.last_number, renewed_at: mono });
        Some((self.last_number, LeaseNews::Began))
    }
}

#[cfg(test)]
mod tests {
    use super::LeaseNews::{Began, Ended, Renewed};
    use super::*;

    #[test]
    fn four_far_answers_in_a_row_take_a_lease_and_three_or_near_ones_do_not() {
        let mut sitting = Sitting::default();
        assert_eq!((0..3).filter_map(|ms| sitting.answered(ms, 101)).next(), None);
        assert_eq!(sitting.answered(3, 100), None, "the row is broken");
        assert_eq!((4..7).filter_map(|ms| sitting.answered(ms, 5_000)).next(), None);
        assert_eq!(sitting.answered(2_006, 5_000), None, "too late to count as the fourth");
        assert_eq!((2_007..2_009).filter_map(|ms| sitting.answered(ms, 101)).next(), None);
        assert_eq!(sitting.answered(2_009, 101), Some((2_009, Began)));
    }

    #[test]
    fn a_lease_is_renewed_each_second_and_given_back_when_the_answers_end_or_come_near_the_tip() {
        let mut sitting = Sitting::default();
        assert_eq!((0..4).filter_map(|_| sitting.answered(7, 5_000)).collect::<Vec<_>>(), [(7, Began)]);
        assert_eq!(sitting.answered(1_006, 4_000), None);
        assert_eq!(sitting.answered(1_007, 4_000), Some((7, Renewed)));
        assert_eq!(sitting.tick(3_006), None);
        assert_eq!(sitting.tick(3_007), Some((7, Ended)));
        assert_eq!(sitting.tick(3_008), None, "once");
        assert_eq!((0..4).filter_map(|_| sitting.answered(3_009, 300)).collect::<Vec<_>>(), [(3_009, Began)]);
        assert_eq!(sitting.answered(3_010, 100), Some((3_009, Ended)));
    }

    #[test]
    fn a_lease_that_must_have_ended_is_not_renewed_but_taken_anew_with_a_larger_number() {
        let mut sitting = Sitting::default();
        assert_eq!((0..4).filter_map(|_| sitting.answered(7, 5_000)).count(), 1);
        assert_eq!(sitting.answered(7 + LEASE_MS, 5_000), Some((7 + LEASE_MS, Began)));
        let mut sitting = Sitting::default();
        assert_eq!((0..4).filter_map(|_| sitting.answered(7, 5_000)).count(), 1);
        assert_eq!(sitting.end(), Some((7, Ended)));
        assert_eq!((0..4).filter_map(|_| sitting.answered(7, 5_000)).next(), Some((8, Began)));
    }
}

//! How fast something goes of late.

use std::collections::VecDeque;

/// The window: long enough for batches that come every few seconds, short enough to tell when a sync slows down.
const WINDOW_MS: u64 = 30_000;
/// Counts are kept this far apart, so at most 31 of them.
const STEP_MS: u64 = 1_000;

/// Counts over the last half minute.
#[derive(Debug, Default, Clone)]
pub(super) struct Rate {
    /// When, and how many until then.
    marks: VecDeque<(u64, u64)>,
    total: u64,
}

impl Rate {
    /// A rate that is measured from now on.
    pub fn start(mono: u64) -> Self {
        Self { marks: VecDeque::from([(mono, 0)]), total: 0 }
    }

    /// Measures from now on, unless it does already.
    pub fn begin(&mut self, mono: u64) {
        if self.marks.is_empty() {
            *self = Self::start(mono);
        }
    }

    /// So many more.
    pub fn add(&mut self, count: u64, mono: u64) {
        self.total = self.total.saturating_add(count);
        if self.marks.back().is_none_or(|(at, _)| at.saturating_add(STEP_MS) <= mono) {
            self.marks.push_back((mono, self.total));
        }
        while self.marks.len() > 1 && self.marks.get(1).is_some_and(|(at, _)| at.saturating_add(WINDOW_MS) <= mono) {
            self.marks.pop_front();
        }
    }

    /// How many since the start.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How many a second of late.
    pub fn per_second(&self, mono: u64) -> u64 {
        let Some((at, until_then)) = self.marks.front() else { return 0 };
        (self.total - until_then).saturating_mul(1_000) / mono.saturating_sub(*at).max(1)
    }

    /// Seconds for so many more; none while nothing moves.
    pub fn seconds_for(&self, count: u64, mono: u64) -> Option<u64> {
        let (at, until_then) = self.marks.front()?;
        let (moved, ms) = (self.total - until_then, mono.saturating_sub(*at).max(1));
        (moved > 0).then(|| count.saturating_mul(ms) / moved.saturating_mul(1_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tells_of_the_last_half_minute_not_of_the_start() {
        let mut rate = Rate::start(0);
        for second in 1..=60 {
            rate.add(1_000, second * 1_000);
        }
        assert_eq!((rate.per_second(60_000), rate.seconds_for(5_000, 60_000)), (1_000, Some(5)));
        for second in 61..=120 {
            rate.add(10, second * 1_000);
        }
        assert_eq!((rate.per_second(120_000), rate.total()), (10, 60_600));
        assert!(rate.marks.len() <= 32);
    }

    #[test]
    fn while_nothing_moves_nobody_knows_how_long_it_takes() {
        let rate = Rate::start(0);
        assert_eq!((rate.per_second(5_000), rate.seconds_for(100, 5_000)), (0, None));
    }
}

//! How much may be paid now (rule C3): never more in an hour than a set share of what mining created in that hour.
//!
//! A bucket that each block fills and each claim empties, and whose content is gone after an hour. Nothing of it is
//! kept: the chain and the kept claims say what it holds, so it can neither be lost nor disagree with them. Its hour is
//! one of block times, so no step of a clock changes anything; while no block comes it goes on by the monotonic clock.

use std::collections::{BTreeMap, VecDeque};

use ledger::Height;

/// The hour of the rule.
pub const WINDOW_MS: u64 = 3_600_000;
/// Blocks that are remembered: 28 a second for an hour. With more the budget is smaller than it could be.
pub const MAX_BLOCKS: usize = 100_000;
/// Payments are counted by the minute.
const SLOT_MS: u64 = 60_000;

/// What the bucket holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Level {
    /// Drops that may be paid now.
    pub left: u64,
    /// Drops that could be paid had nothing been paid in the last hour.
    pub capacity: u64,
}

/// A block that filled it.
#[derive(Debug, Clone, Copy)]
struct Filled {
    height: Height,
    time: u64,
    drops: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    created: u64,
    paid: u64,
}

/// The bucket. At most 61 slots and those of blocks from the near future, and [`MAX_BLOCKS`] blocks.
#[derive(Debug)]
pub struct Budget {
    share_percent: u8,
    slots: BTreeMap<u64, Slot>,
    /// The chain's blocks of the hour.
    blocks: VecDeque<Filled>,
    /// The newest block time that was seen, and when that was on the monotonic clock.
    newest: (u64, u64),
}

impl Budget {
    /// An empty bucket that is filled with `share_percent` of what blocks create.
    pub fn new(share_percent: u8, tip_time: u64, mono: u64) -> Self {
        Self { share_percent, slots: BTreeMap::new(), blocks: VecDeque::new(), newest: (tip_time, mono) }
    }

    /// The time that the hour is counted in: that of the newest block and what has passed since.
    pub fn time(&self, mono: u64) -> u64 {
        self.newest.0 + mono.saturating_sub(self.newest.1)
    }

    /// The chain has a new end.
    pub fn tip(&mut self, time: u64, mono: u64) {
        self.newest = (time.max(self.time(mono)), mono);
        let oldest = self.newest.0.saturating_sub(WINDOW_MS) / SLOT_MS;
        self.slots = self.slots.split_off(&oldest);
        // The newest stays: it says where the chain is.
        while self.blocks.len() > 1 && self.blocks.front().is_some_and(|block| block.time / SLOT_MS < oldest) {
            self.blocks.pop_front();
        }
    }

    /// The next block of the chain.
    pub fn joined(&mut self, height: Height, time: u64, drops: u64) {
        let slot = self.slot(time);
        slot.created = slot.created.saturating_add(drops);
        self.blocks.push_back(Filled { height, time, drops });
        if self.blocks.len() > MAX_BLOCKS
            && let Some(oldest) = self.blocks.pop_front()
        {
            self.take_back(oldest);
        }
    }

    /// Blocks above this height left the chain.
    pub fn left_above(&mut self, height: Height) {
        while let Some(last) = self.blocks.back().copied().filter(|block| block.height > height) {
            self.blocks.pop_back();
            self.take_back(last);
        }
    }

    /// The highest block that filled it.
    pub fn height(&self) -> Option<Height> {
        self.blocks.back().map(|block| block.height)
    }

    fn take_back(&mut self, block: Filled) {
        let slot = self.slot(block.time);
        slot.created = slot.created.saturating_sub(block.drops);
    }

    /// A claim was reserved at this time.
    pub fn paid(&mut self, time: u64, drops: u64) {
        let slot = self.slot(time);
        slot.paid = slot.paid.saturating_add(drops);
    }

    /// A claim of this time came to nothing.
    pub fn unpaid(&mut self, time: u64, drops: u64) {
        let slot = self.slot(time);
        slot.paid = slot.paid.saturating_sub(drops);
    }

    /// Whether a claim of this time counts no more.
    pub fn has_forgotten(&self, time: u64, mono: u64) -> bool {
        time.saturating_add(WINDOW_MS + SLOT_MS) < self.time(mono)
    }

    /// What it holds now. The slot at the far end of the hour counts in full for what was paid and not at all for what
    /// was created, so the rule holds for every hour and not only for whole minutes.
    pub fn level(&self, mono: u64) -> Level {
        let start = self.time(mono).saturating_sub(WINDOW_MS);
        let (mut created, mut paid) = (0u64, 0u64);
        for (number, slot) in self.slots.range(start / SLOT_MS..) {
            if number * SLOT_MS > start {
                created = created.saturating_add(slot.created);
            }
            paid = paid.saturating_add(slot.paid);
        }
        let share = u128::from(created) * u128::from(self.share_percent) / 100;
        let capacity = u64::try_from(share).unwrap_or(u64::MAX);
        Level { left: capacity.saturating_sub(paid), capacity }
    }

    fn slot(&mut self, time: u64) -> &mut Slot {
        self.slots.entry(time / SLOT_MS).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_700_000_000_000;

    #[test]
    fn a_share_of_what_blocks_create_may_be_paid_and_it_is_gone_after_an_hour() {
        let mut budget = Budget::new(25, START, 0);
        budget.joined(1, START + 1_000, 400);
        budget.tip(START + 1_000, 0);
        assert_eq!(budget.level(0), Level { left: 100, capacity: 100 });
        budget.paid(budget.time(5), 30);
        assert_eq!(budget.level(10), Level { left: 70, capacity: 100 });
        assert_eq!(budget.level(WINDOW_MS + SLOT_MS), Level::default(), "without blocks nothing is left");
        assert!(!budget.has_forgotten(START + 1_000, WINDOW_MS) && budget.has_forgotten(START, 2 * WINDOW_MS));
    }

    #[test]
    fn a_block_that_leaves_the_chain_takes_its_share_along() {
        let mut budget = Budget::new(50, START, 0);
        budget.joined(1, START + 1, 400);
        budget.joined(2, START + 2, 400);
        budget.paid(START + 2, 300);
        budget.left_above(1);
        assert_eq!(budget.level(0), Level { left: 0, capacity: 200 }, "what was paid stays paid");
    }

    #[test]
    fn its_memory_is_an_hour_however_long_it_runs() {
        let mut budget = Budget::new(50, START, 0);
        for second in 0..50_000 {
            budget.joined(second + 1, START + second * 1_000, 10);
            budget.paid(START + second * 1_000, 1);
            budget.tip(START + second * 1_000, second * 1_000);
        }
        assert!(
            budget.slots.len() <= 62 && budget.blocks.len() <= 3_700,
            "{} {}",
            budget.slots.len(),
            budget.blocks.len()
        );
    }

    #[test]
    fn c3_in_every_hour_at_most_the_share_of_that_hour_is_paid_whatever_is_asked() {
        let mut budget = Budget::new(50, START, 0);
        // Blocks of 10 come unevenly, with a pause of more than an hour in the middle; everything is asked for all the time.
        let (mut created, mut paid) = (Vec::new(), Vec::new());
        let mut state = 7u64;
        for second in 0..20_000u64 {
            let (mono, now) = (second * 1_000, START + second * 1_000);
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            if state >> 60 == 0 && !(6_000..10_000).contains(&second) {
                budget.joined(second, now, 1_000);
                budget.tip(now, mono);
                created.push((now, 1_000));
            }
            let left = budget.level(mono).left;
            let amount = left.min(state >> 54);
            budget.paid(budget.time(mono), amount);
            paid.push((now, amount));
            let hour = |entries: &[(u64, u64)]| -> u64 {
                entries.iter().rev().take_while(|(at, _)| at + WINDOW_MS > now).map(|(_, drops)| drops).sum()
            };
            assert!(amount == 0 || hour(&paid) * 2 <= hour(&created), "in the hour before second {second}");
        }
        let total: u64 = paid.iter().map(|(_, drops)| drops).sum();
        assert!(total > 100_000, "nearly all of it was paid: {total}");
    }
}

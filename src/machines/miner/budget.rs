//! How much of an hour all peers together may hold this node's mining paused because they are served.
//!
//! Counts paused time and says whether more is allowed; never says whether there is a reason to pause.

/// Pauses at once, as long as nothing was used for an hour.
const CAPACITY_MS: i64 = 90_000;
/// One millisecond comes back in this many: 90 s in an hour. With the capacity that is 5 % of any hour.
const SHARE: i64 = 40;
/// What is left when the budget counts as used up: time is looked at with each tick, and the last look comes late.
const RESERVE_MS: i64 = 200;
/// What a used-up budget must hold before it allows pauses again: else mining would stop and go on with every tick.
const WORTHWHILE_MS: i64 = 10_000;

/// Paused time that is left, on the monotonic clock.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    /// In milliseconds × [`SHARE`], so that each refilled millisecond counts. Below zero if a pause was noticed late.
    balance: i64,
    looked_at: u64,
    used_up: bool,
}

impl Budget {
    /// A full budget.
    pub fn new(mono: u64) -> Self {
        Self { balance: CAPACITY_MS * SHARE, looked_at: mono, used_up: false }
    }

    /// Counts the time since the last call, in which mining was `paused` at the expense of this budget or not.
    pub fn pass(&mut self, mono: u64, paused: bool) {
        let passed = i64::try_from(mono.saturating_sub(self.looked_at)).unwrap_or(i64::MAX);
        self.looked_at = self.looked_at.max(mono);
        let cost = if paused { passed.saturating_mul(SHARE) } else { 0 };
        self.balance = self.balance.saturating_add(passed).saturating_sub(cost).min(CAPACITY_MS * SHARE);
        if self.balance <= RESERVE_MS * SHARE {
            self.used_up = true;
        } else if self.balance >= WORTHWHILE_MS * SHARE {
            self.used_up = false;
        }
    }

    /// Whether a pause is allowed now.
    pub fn allows(&self) -> bool {
        !self.used_up
    }

    /// Milliseconds of pauses that are left.
    pub fn left_ms(&self) -> u64 {
        u64::try_from(self.balance / SHARE).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;
    const TICK: u64 = 100;

    #[test]
    fn whoever_always_wants_a_pause_gets_at_most_5_percent_of_any_hour() {
        let mut budget = Budget::new(0);
        // Paused ticks so far, after each tick.
        let mut paused = vec![0];
        for tick in 1..=3 * HOUR / TICK {
            paused.push(paused[paused.len() - 1] + u64::from(budget.allows()));
            budget.pass(tick * TICK, budget.allows());
        }
        let hour = (HOUR / TICK) as usize;
        let most = (hour..paused.len()).map(|end| paused[end] - paused[end - hour]).max().unwrap();
        assert!(most * TICK <= HOUR / 20, "{most} ticks");
        assert!(most * TICK > HOUR / 25, "and not much less: {most} ticks");
    }

    #[test]
    fn a_used_up_budget_allows_nothing_until_a_pause_is_worth_it() {
        let mut budget = Budget::new(0);
        budget.pass(100_000, true);
        assert!(!budget.allows() && budget.left_ms() == 0, "a pause that was noticed late is a debt");
        budget.pass(100_000 + 17_000 * 40, false);
        assert!(!budget.allows() && budget.left_ms() < 10_000, "{}", budget.left_ms());
        budget.pass(100_000 + 18_000 * 40, false);
        assert!(budget.allows());
        budget.pass(100_000 * HOUR, false);
        assert_eq!(budget.left_ms(), 90_000, "never more than the capacity");
    }

    #[test]
    fn a_clock_that_stands_still_or_goes_back_changes_nothing() {
        let mut budget = Budget::new(1_000);
        budget.pass(1_000, true);
        budget.pass(0, true);
        budget.pass(1_000, true);
        assert_eq!(budget.left_ms(), 90_000);
    }
}

//! How long a sync may keep this node from mining.
//!
//! Whoever is behind must not mine: its blocks would be stale. But that it is behind is at first only what a stranger
//! claims. So the time of a pause is paid for: from a small budget at first, and by each block that the sync brings.
//! An honest sync brings many blocks in the time of one, and pauses all the time. Somebody who only claims, or
//! delivers headers and no blocks, uses up the budget; then the sync goes on, and so does mining. Somebody who delivers
//! real blocks slowly pays for each spacing of pause with the work of a block.
//!
//! Never decides whether to sync.

/// Pausing that nothing came of: at most this at once,
const CAPACITY_MS: u64 = 90_000;
/// and one millisecond more for each so many. In any hour at most 90 s + 90 s, which is 5 %.
const REFILL: u64 = 40;
/// With no verified header and no block for this long a pause ends until there is one.
const IDLE_MS: u64 = 10_000;
/// A pause begins when so much is left, so that it does not come and go with each millisecond of the refill,
const TO_BEGIN_MS: u64 = 10_000;
/// and ends when only this is left: time passes in ticks, and the last must not exceed the budget.
const TO_GO_ON_MS: u64 = 1_000;
/// A block pays for at least this much, however short the spacing.
const BLOCK_LEAST_MS: u64 = 1_000;
/// What blocks pay in advance: as long as a pause goes on without progress.
const EARNED_MS: u64 = IDLE_MS;

/// The pause of mining that a sync causes.
#[derive(Debug)]
pub(super) struct Pause {
    /// In parts of a millisecond, [`REFILL`] each.
    budget: u64,
    /// Taken from the budget in this sync: blocks pay it back.
    spent_ms: u64,
    /// Paid for by blocks, not used yet.
    earned_ms: u64,
    block_ms: u64,
    working: bool,
    progress_at: u64,
    settled_at: u64,
    on: bool,
}

impl Pause {
    /// No pause, and the whole budget, on a network with this spacing.
    pub fn new(spacing_ms: u64) -> Self {
        Self {
            budget: CAPACITY_MS * REFILL,
            spent_ms: 0,
            earned_ms: 0,
            block_ms: spacing_ms.max(BLOCK_LEAST_MS),
            working: false,
            progress_at: 0,
            settled_at: 0,
            on: false,
        }
    }

    /// Whether this node pauses.
    pub fn is_on(&self) -> bool {
        self.on
    }

    /// A new header was verified. That keeps a pause up, and pays for nothing: headers of little work are cheap.
    pub fn header(&mut self, mono: u64) {
        self.progress_at = mono;
    }

    /// The chain took blocks of the sync.
    pub fn blocks(&mut self, count: usize, mono: u64) {
        if count == 0 {
            return;
        }
        self.settle(mono);
        self.progress_at = mono;
        let paid = self.earned_ms.saturating_add(self.block_ms.saturating_mul(count as u64));
        let back = paid.min(self.spent_ms);
        self.spent_ms -= back;
        self.budget = (self.budget + back * REFILL).min(CAPACITY_MS * REFILL);
        self.earned_ms = (paid - back).min(EARNED_MS);
    }

    /// Decides anew; `working` is whether a sync is under way, `believed` whether anybody who is asked did not fail
    /// lately: who did is believed only when it delivers blocks. Gives the decision if it is another one.
    pub fn decide(&mut self, working: bool, believed: bool, mono: u64) -> Option<bool> {
        self.settle(mono);
        if working && !self.working {
            (self.progress_at, self.spent_ms, self.earned_ms) = (mono, 0, 0);
        }
        self.working = working;
        let need = if self.on { TO_GO_ON_MS } else { TO_BEGIN_MS };
        let paid_for = self.earned_ms > 0 || believed && self.budget >= need * REFILL;
        let on = working && mono.saturating_sub(self.progress_at) < IDLE_MS && paid_for;
        let changed = on != self.on;
        self.on = on;
        changed.then_some(on)
    }

    /// The time since the last settlement is paid for, if it was a pause; and the budget refills.
    fn settle(&mut self, mono: u64) {
        let passed = mono.saturating_sub(self.settled_at);
        self.settled_at = mono;
        if self.on {
            let earned = passed.min(self.earned_ms);
            self.earned_ms -= earned;
            let spent = (passed - earned).min(self.budget / REFILL);
            self.spent_ms += spent;
            self.budget -= spent * REFILL;
        }
        self.budget = self.budget.saturating_add(passed).min(CAPACITY_MS * REFILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Time in the pause from `from` to `to` while a sync is under way; `each` happens at every tick.
    fn paused(pause: &mut Pause, from: u64, to: u64, mut each: impl FnMut(&mut Pause, u64)) -> u64 {
        let mut sum = 0;
        for mono in (from..to).step_by(100) {
            each(pause, mono);
            pause.decide(true, true, mono);
            sum += if pause.is_on() { 100 } else { 0 };
        }
        sum
    }

    #[test]
    fn without_progress_a_pause_ends_after_ten_seconds() {
        let mut pause = Pause::new(10_000);
        assert_eq!(paused(&mut pause, 0, 60_000, |_, _| {}), IDLE_MS);
        pause.header(60_000);
        assert_eq!(pause.decide(true, true, 60_000), Some(true), "a header, and it goes on");
    }

    #[test]
    fn headers_alone_do_not_keep_it_up_beyond_the_budget() {
        let mut pause = Pause::new(10_000);
        let sum = paused(&mut pause, 0, 3_600_000, |pause, mono| pause.header(mono));
        assert!((150_000..=180_000).contains(&sum), "{sum} ms");
    }

    #[test]
    fn any_hour_has_at_most_the_budget_and_its_refill() {
        let mut pause = Pause::new(10_000);
        // A claim after another, each as long as it holds, for three hours; then the worst hour of them.
        let mut on = Vec::new();
        for mono in (0..3 * 3_600_000_u64).step_by(100) {
            pause.decide(!mono.is_multiple_of(10_100), true, mono);
            on.push(u64::from(pause.is_on()) * 100);
        }
        let worst = on.windows(36_000).step_by(50).map(|hour| hour.iter().sum::<u64>()).max();
        assert!(worst.is_some_and(|ms| ms <= 180_000), "{worst:?} ms");
    }

    #[test]
    fn a_block_a_spacing_keeps_it_up_for_ever_and_gives_the_budget_back() {
        let mut pause = Pause::new(10_000);
        let each = |pause: &mut Pause, mono: u64| {
            if mono > 0 && mono.is_multiple_of(9_900) {
                pause.blocks(1, mono);
            }
        };
        assert_eq!(paused(&mut pause, 0, 3_600_000, each), 3_600_000);
        assert!(pause.budget > (CAPACITY_MS - IDLE_MS) * REFILL);
    }

    #[test]
    fn with_the_budget_used_up_a_sync_that_brings_blocks_pauses_all_the_same() {
        let mut pause = Pause::new(10_000);
        paused(&mut pause, 0, 200_000, |pause, mono| pause.header(mono));
        assert!(!pause.is_on());
        pause.decide(false, false, 200_000);
        assert_eq!(pause.decide(true, true, 200_000), None);
        pause.blocks(1, 200_000);
        assert_eq!(pause.decide(true, false, 200_000), Some(true));
    }

    #[test]
    fn blocks_pay_for_one_spacing_each() {
        let mut pause = Pause::new(10_000);
        paused(&mut pause, 0, 200_000, |pause, mono| pause.header(mono));
        pause.decide(false, true, 200_000);
        // One block every 100 s is a tenth of the time, not more.
        let sum = paused(&mut pause, 200_100, 3_800_100, |pause, mono| {
            pause.header(mono);
            if mono.is_multiple_of(100_000) {
                pause.blocks(1, mono);
            }
        });
        assert!(sum <= 36 * 10_000 + 95_000, "{sum} ms");
    }
}

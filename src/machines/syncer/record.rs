//! What one peer did so far: how fast it delivers, how often it failed, and how long it may keep others waiting.
//!
//! Decides how much to ask of it and for how long it is left alone. Never whom to ask first.

use super::HEADERS_PER_ANSWER;

/// How long one peer may keep another one waiting that is about as fast,
pub(super) const PATIENCE_MS: u64 = 2_000;
/// and one that is so many times faster, or that nobody ever got anything of: the other is asked too, and the answer that
/// comes first counts.
pub(super) const SHORT_PATIENCE_MS: u64 = 500;
const FASTER: u64 = 8;
/// A peer that failed is not asked for this long, doubled with each failure, up to 64 s.
pub(super) const PENALTY_MS: u64 = 2_000;
/// Doublings of what grows with each failure: from 2 s to 64 s.
const MAX_DOUBLINGS: u32 = 5;
/// Failures of so long ago say nothing about a peer any more.
pub(super) const FORGIVE_MS: u64 = 600_000;
/// Headers in the first question to a peer: 27 KB, which a line of 2 KB/s carries in time.
pub(super) const START_HEADERS: usize = 200;
/// One question for headers is to bring what its line carries in this time,
const HEADERS_ANSWER_MS: u64 = 3_000;
/// whoever gave some has so long for the next,
const HEADERS_PATIENCE_MS: u64 = 5_000;
/// and is never asked for fewer than so many: two packets.
const FEWEST_HEADERS: usize = 16;
/// One answer makes the next question so many times longer at most: it may have been luck.
const MAX_GROWTH: usize = 10;
/// Whoever took its time and was so many times slower than the fastest is not asked for a while.
const TOO_SLOW: u64 = 32;

/// What a peer did so far, whether it is connected or not.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Record {
    failures: u32,
    not_before: u64,
    /// Bytes of bodies a second, of late. 0: it never delivered any.
    speed: u64,
    delivered_at: u64,
    /// Doublings of the patience with it: it was late, but sooner than the one who was asked in its place.
    late: u32,
    /// Headers that its line carries in one answer. None: that is not known.
    headers: Option<usize>,
}

/// What is to be expected of a peer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pace {
    /// Bytes of bodies a second; 0 as long as it has not shown, or not since it failed, that it delivers any.
    speed: u64,
    late: u32,
}

impl Pace {
    /// Bytes of bodies a second; 0 if it is not proven.
    pub fn speed(&self) -> u64 {
        self.speed
    }

    /// Whether it has delivered, and not failed since.
    pub fn is_proven(&self) -> bool {
        self.speed > 0
    }

    /// How long it may keep `other` waiting before that one is asked too.
    pub fn patience(&self, other: Self) -> u64 {
        let short = other.speed > self.speed.saturating_mul(FASTER);
        (if short { SHORT_PATIENCE_MS } else { PATIENCE_MS }) << self.late.min(MAX_DOUBLINGS)
    }
}

impl Record {
    /// Failures in a row, if they were lately.
    pub fn failures(&self, mono: u64) -> u32 {
        if self.not_before.saturating_add(FORGIVE_MS) <= mono { 0 } else { self.failures }
    }

    /// It failed: not asked for a while, longer with each failure in a row. What else fails in that while was asked before
    /// it: one failure of a peer that left, or went silent, with several questions open.
    pub fn strike(&mut self, mono: u64) {
        if !self.may_be_asked(mono) {
            return;
        }
        self.failures = self.failures(mono);
        self.not_before = mono.saturating_add(PENALTY_MS << self.failures.min(MAX_DOUBLINGS));
        self.failures = self.failures.saturating_add(1);
        self.late = 0;
    }

    /// What is to be expected of it.
    pub fn pace(&self, mono: u64) -> Pace {
        Pace { speed: if self.failures(mono) == 0 { self.speed } else { 0 }, late: self.late }
    }

    /// Whether it ever failed and did not make up for it.
    pub fn has_failed(&self) -> bool {
        self.failures > 0
    }

    /// Whether it is not left alone just now.
    pub fn may_be_asked(&self, mono: u64) -> bool {
        self.not_before <= mono
    }

    /// Bytes of bodies a second, whether it failed since or not.
    pub fn speed(&self) -> u64 {
        self.speed
    }

    /// It delivered bodies that were asked for at `asked_at`, which makes up for a failure; headers alone do not.
    /// `raced` tells that another one was asked for them too, `fastest` is the speed of the fastest peer.
    pub fn delivered(&mut self, bytes: usize, asked_at: u64, raced: bool, fastest: u64, mono: u64) {
        // With several questions open, this answer could not begin before the last one ended.
        let ms = mono.saturating_sub(asked_at.max(self.delivered_at)).max(1);
        let speed = (bytes as u64).saturating_mul(1_000) / ms;
        self.speed = if self.speed == 0 { speed } else { (self.speed + speed) / 2 }.max(1);
        self.delivered_at = mono;
        if ms >= PATIENCE_MS && speed < fastest / TOO_SLOW {
            self.strike(mono);
            return;
        }
        self.failures = self.failures.saturating_sub(1);
        if raced {
            // This node was impatient: its own line may be slow.
            self.late = (self.late + 1).min(MAX_DOUBLINGS);
        }
    }

    /// A question to it is given up after `base`, or longer where it has delivered before and fails now.
    pub fn deadline(&self, base: u64, mono: u64) -> u64 {
        base << if self.speed > 0 { self.failures(mono).min(2) } else { 0 }
    }

    /// Another one is asked for headers too when they do not come within this time. Whoever is not known to deliver
    /// gets little: what it may cost does not grow with the length of the chain, nor much with the number of its kind.
    pub fn header_patience(&self, mono: u64) -> u64 {
        let good = self.failures(mono) == 0 && (self.speed > 0 || self.headers.is_some());
        if good { HEADERS_PATIENCE_MS } else { SHORT_PATIENCE_MS }
    }

    /// How many headers to ask of it.
    pub fn header_limit(&self) -> usize {
        self.headers.unwrap_or(START_HEADERS)
    }

    /// It gave all `limit` headers that it was asked for after so long, which tells what its line carries.
    pub fn gave_headers(&mut self, limit: usize, ms: u64) {
        let carried = limit as u64 * HEADERS_ANSWER_MS / ms.max(1);
        let most = HEADERS_PER_ANSWER.min(limit * MAX_GROWTH);
        self.headers = Some(usize::try_from(carried).unwrap_or(most).clamp(FEWEST_HEADERS, most));
    }

    /// It did not give the headers that it was asked for: perhaps they were too many for its line.
    pub fn gave_no_headers(&mut self, limit: usize) {
        self.headers = Some((limit / 4).max(FEWEST_HEADERS));
    }
}

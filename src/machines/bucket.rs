//! A token bucket: a burst, then a steady rate.

/// `capacity` tokens at most, `per_second` new ones each second.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    capacity: u64,
    per_second: u64,
    /// Thousandths of a token, so that a refill after one millisecond is not lost. Below zero after [`Self::spend`].
    milli_tokens: i64,
    filled_at: u64,
}

impl Bucket {
    pub fn new(capacity: u64, per_second: u64, mono: u64) -> Self {
        Self { capacity, per_second, milli_tokens: milli(capacity), filled_at: mono }
    }

    /// Takes `tokens`, or nothing if there are fewer.
    pub fn take(&mut self, tokens: u64, mono: u64) -> bool {
        self.fill(mono);
        let enough = self.milli_tokens >= milli(tokens);
        if enough {
            self.milli_tokens -= milli(tokens);
        }
        enough
    }

    /// Takes `tokens` that are used already, also those that are not there: they are owed.
    pub fn spend(&mut self, tokens: u64, mono: u64) {
        self.fill(mono);
        self.milli_tokens = self.milli_tokens.saturating_sub(milli(tokens));
    }

    /// Whether nothing is owed.
    pub fn is_solvent(&mut self, mono: u64) -> bool {
        self.fill(mono);
        self.milli_tokens >= 0
    }

    fn fill(&mut self, mono: u64) {
        let refill = mono.saturating_sub(self.filled_at).saturating_mul(self.per_second);
        let refill = i64::try_from(refill).unwrap_or(i64::MAX);
        self.milli_tokens = self.milli_tokens.saturating_add(refill).min(milli(self.capacity));
        self.filled_at = mono;
    }
}

fn milli(tokens: u64) -> i64 {
    i64::try_from(tokens.saturating_mul(1000)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_rules() {
        let mut bucket = Bucket::new(3, 2, 0);
        assert!((0..3).all(|_| bucket.take(1, 0)));
        assert!(!bucket.take(1, 499));
        assert!(bucket.take(1, 500));
        assert!(!bucket.take(1, 501));
        assert!(bucket.take(3, 1_000_000), "refills to the capacity");
        assert!(!bucket.take(1, 1_000_000), "and not beyond");
    }

    #[test]
    fn what_was_used_beyond_the_bucket_is_owed() {
        let mut bucket = Bucket::new(3, 2, 0);
        bucket.spend(7, 0);
        assert!(!bucket.is_solvent(1_999) && !bucket.take(0, 1_999));
        assert!(bucket.is_solvent(2_000) && !bucket.take(1, 2_000));
        assert!(bucket.take(1, 2_500));
    }
}

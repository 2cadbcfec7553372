//! A token bucket: a burst, then a steady rate.

/// `capacity` tokens at most, `per_second` new ones each second.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    capacity: u64,
    per_second: u64,
    /// Thousandths of a token, so that a refill after one millisecond is not lost.
    milli_tokens: u64,
    filled_at: u64,
}

impl Bucket {
    pub fn new(capacity: u64, per_second: u64, mono: u64) -> Self {
        Self { capacity, per_second, milli_tokens: capacity * 1000, filled_at: mono }
    }

    /// Takes `tokens`, or nothing if there are fewer.
    pub fn take(&mut self, tokens: u64, mono: u64) -> bool {
        let refill = mono.saturating_sub(self.filled_at).saturating_mul(self.per_second);
        self.milli_tokens = self.milli_tokens.saturating_add(refill).min(self.capacity * 1000);
        self.filled_at = mono;
        match self.milli_tokens.checked_sub(tokens * 1000) {
            Some(rest) => {
                self.milli_tokens = rest;
                true
            }
            None => false,
        }
    }
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
}

//! Waits that grow, and an order that looks like chance: from the node's own id, so that many nodes do not knock at one
//! door at one time, and a run can be repeated.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::PeerId;

#[derive(Debug, Clone, Copy)]
pub(super) struct Jitter(PeerId);

impl Jitter {
    pub fn of(me: PeerId) -> Self {
        Self(me)
    }

    /// `base · 2^times`, `longest` at most, and up to a quarter less.
    pub fn wait(&self, base: u64, times: u32, longest: u64, who: &impl Hash) -> u64 {
        let full = base.saturating_mul(1 << times.min(30)).min(longest);
        full - full / 4 * (self.order(&(who, times)) % 1_000) / 1_000
    }

    /// A number for `what` that is another one at each node.
    pub fn order(&self, what: &impl Hash) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.0, what).hash(&mut hasher);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_doubles_up_to_its_longest_and_two_nodes_wait_differently() {
        let (one, two) = (Jitter::of(PeerId([1; 32])), Jitter::of(PeerId([2; 32])));
        for (times, full) in [(0, 1_000), (1, 2_000), (5, 32_000), (6, 60_000), (200, 60_000)] {
            let waits = [one, two].map(|jitter| jitter.wait(1_000, times, 60_000, &"door"));
            assert!(waits.iter().all(|wait| (full * 3 / 4..=full).contains(wait)), "{waits:?}");
            assert_ne!(waits[0], waits[1]);
        }
    }
}

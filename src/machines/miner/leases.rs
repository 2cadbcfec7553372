//! Leases: whom this node serves a long sync, and until when that may hold its mining paused.
//!
//! Every lease ends: it is released, or its peer takes a newer one, or its deadline on the monotonic clock passes. Its
//! number is a fencing number: whoever lost a lease cannot prolong it, and has to take a new one with a larger number.
//! Never decides whether mining pauses for them; that also depends on the budget.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::PeerId;

/// A lease lasts this long after it was taken or renewed: what a crashed holder can cost at most.
pub const LEASE_MS: u64 = 3_000;
/// Leases at a time. One is enough to pause; the others only tell whom else.
const MAX_LEASES: usize = 16;

/// Names a lease. Numbers rise over all peers and connections: each is the monotonic time at which it was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Lease {
    /// Whom this node serves.
    pub peer: PeerId,
    /// The fencing number.
    pub number: u64,
}

/// What becomes of a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseNews {
    /// A long sync began.
    Began,
    /// It goes on.
    Renewed,
    /// It is over.
    Ended,
}

/// All leases that are held, at most one for each peer.
#[derive(Debug, Default)]
pub(super) struct Leases {
    /// Number and deadline.
    held: BTreeMap<PeerId, (u64, u64)>,
    /// The largest number of a lease that has ended.
    fence: u64,
}

impl Leases {
    pub fn hear(&mut self, mono: u64, lease: Lease, news: LeaseNews) {
        let Lease { peer, number } = lease;
        let held = self.held.get(&peer).map(|(number, _)| *number);
        let lasts = match (held, news) {
            (Some(held), LeaseNews::Began | LeaseNews::Renewed) if held == number => true,
            (Some(held), LeaseNews::Began) if held < number => true,
            (None, LeaseNews::Began) => number > self.fence && self.held.len() < MAX_LEASES,
            (Some(held), LeaseNews::Ended) if held == number => {
                self.end(&peer);
                false
            }
            // Too late, or of an older connection.
            (Some(_) | None, _) => false,
        };
        if lasts {
            self.held.insert(peer, (number, mono.saturating_add(LEASE_MS)));
        }
    }

    /// Ends the leases whose deadline has passed.
    pub fn expire(&mut self, mono: u64) {
        let late: Vec<_> = self.held.iter().filter(|(_, (_, until))| *until <= mono).map(|(peer, _)| *peer).collect();
        late.iter().for_each(|peer| self.end(peer));
    }

    /// Who holds a lease, and until when.
    pub fn held(&self) -> impl Iterator<Item = (Lease, u64)> {
        self.held.iter().map(|(peer, (number, until))| (Lease { peer: *peer, number: *number }, *until))
    }

    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    fn end(&mut self, peer: &PeerId) {
        if let Some((number, _)) = self.held.remove(peer) {
            self.fence = self.fence.max(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::LeaseNews::{Began, Ended, Renewed};
    use super::*;
    use crate::fixture::peer;

    fn lease(of: u8, number: u64) -> Lease {
        Lease { peer: peer(of), number }
    }

    /// What is held after this news at this time.
    fn after(leases: &mut Leases, mono: u64, lease: Lease, news: LeaseNews) -> Vec<(Lease, u64)> {
        leases.expire(mono);
        leases.hear(mono, lease, news);
        leases.held().collect()
    }

    #[test]
    fn l02_a_renewal_after_the_deadline_or_with_an_old_number_is_refused() {
        let mut leases = Leases::default();
        assert_eq!(after(&mut leases, 10, lease(1, 10), Began), [(lease(1, 10), 3_010)]);
        assert_eq!(after(&mut leases, 3_009, lease(1, 10), Renewed), [(lease(1, 10), 6_009)]);
        assert_eq!(after(&mut leases, 6_009, lease(1, 10), Renewed), [], "it has ended just now");
        assert_eq!(after(&mut leases, 6_010, lease(1, 10), Began), [], "a used number takes nothing");
        assert_eq!(after(&mut leases, 6_010, lease(1, 9), Began), []);
        assert_eq!(after(&mut leases, 6_011, lease(1, 11), Began), [(lease(1, 11), 9_011)]);
        assert_eq!(after(&mut leases, 6_012, lease(1, 10), Renewed), [(lease(1, 11), 9_011)], "the one before it");
        assert_eq!(after(&mut leases, 6_012, lease(1, 10), Ended), [(lease(1, 11), 9_011)]);
        assert_eq!(after(&mut leases, 6_013, lease(1, 13), Began), [(lease(1, 13), 9_013)], "taken anew");
        assert_eq!(after(&mut leases, 6_014, lease(1, 11), Began), [(lease(1, 13), 9_013)]);
        assert_eq!(after(&mut leases, 6_015, lease(1, 13), Ended), []);
        assert_eq!(after(&mut leases, 6_016, lease(1, 13), Renewed), [], "released is released");
        assert_eq!(after(&mut leases, 6_017, lease(2, 12), Began), [], "and so is what was taken before");
    }

    #[test]
    fn each_peer_has_one_lease_and_a_seventeenth_peer_gets_none() {
        let mut leases = Leases::default();
        for of in 0..=16 {
            after(&mut leases, 1, lease(of, 1), Began);
            after(&mut leases, 2, lease(of, 2), Began);
        }
        assert_eq!(leases.held().count(), 16);
        after(&mut leases, 3, lease(0, 2), Ended);
        assert_eq!(after(&mut leases, 3, lease(16, 3), Began).len(), 16);
    }
}

//! Requests of others that have no answer yet, and the bytes of answers that are being sent: both bounded.

use std::collections::HashMap;
use std::hash::Hash;

use libp2p::PeerId;
use libp2p::request_response::InboundRequestId;

use crate::limits::{MAX_SERVING_BYTES, MAX_UNANSWERED_PER_PEER};

/// All requests of others, by the library's name for each.
pub(crate) struct Serving<Id = InboundRequestId> {
    open: HashMap<Id, (PeerId, usize)>,
    per_peer: HashMap<PeerId, usize>,
    bytes: usize,
}

impl<Id> Default for Serving<Id> {
    fn default() -> Self {
        Self { open: HashMap::new(), per_peer: HashMap::new(), bytes: 0 }
    }
}

impl<Id: Eq + Hash> Serving<Id> {
    /// A request came; `false` when its sender has too many without an answer. It counts either way until it ends.
    pub(crate) fn began(&mut self, peer: PeerId, id: Id) -> bool {
        self.open.insert(id, (peer, 0));
        let count = self.per_peer.entry(peer).or_default();
        *count += 1;
        *count <= MAX_UNANSWERED_PER_PEER
    }

    /// An answer of `weight` bytes is about to be sent; `false` when too much is being sent already.
    pub(crate) fn answering(&mut self, id: Id, weight: usize) -> bool {
        if self.bytes + weight > MAX_SERVING_BYTES {
            return false;
        }
        if let Some((_, bytes)) = self.open.get_mut(&id) {
            self.bytes = self.bytes - *bytes + weight;
            *bytes = weight;
        }
        true
    }

    /// The answer was sent, or never will be.
    pub(crate) fn ended(&mut self, id: Id) {
        let Some((peer, bytes)) = self.open.remove(&id) else { return };
        self.bytes -= bytes;
        if let Some(count) = self.per_peer.get_mut(&peer) {
            *count -= 1;
            if *count == 0 {
                self.per_peer.remove(&peer);
            }
        }
    }

    /// Whether nothing is kept of anybody.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.per_peer.is_empty() && self.bytes == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_33rd_unanswered_request_of_a_peer_is_refused_and_another_peer_is_served() {
        let mut serving = Serving::default();
        let (greedy, modest) = (PeerId::random(), PeerId::random());
        for id in 0..MAX_UNANSWERED_PER_PEER {
            assert!(serving.began(greedy, id));
        }
        assert!(!serving.began(greedy, 100));
        assert!(serving.began(modest, 200));
        serving.ended(100);
        serving.ended(0);
        assert!(serving.began(greedy, 300));
    }

    #[test]
    fn answers_beyond_64_mib_wait_for_slow_readers_and_nothing_is_counted_twice() {
        let mut serving = Serving::default();
        let peer = PeerId::random();
        serving.began(peer, 1);
        serving.began(peer, 2);
        assert!(serving.answering(1, MAX_SERVING_BYTES));
        assert!(!serving.answering(2, 1));
        serving.ended(1);
        serving.ended(1);
        assert!(serving.answering(2, MAX_SERVING_BYTES));
        serving.ended(2);
        assert!(serving.bytes == 0 && serving.open.is_empty() && serving.per_peer.is_empty());
    }
}

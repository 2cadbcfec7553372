//! The node's own requests: at most so many under way with one peer, the others in order, each with its own deadline.
//!
//! A request whose connection closes while another connection of the same peer is open is asked once more: that
//! happens when two nodes dialled one another. An answer after the deadline is ignored.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use libp2p::PeerId;
use libp2p::request_response::OutboundRequestId;
use tokio::time::Instant;

use crate::limits::{MAX_REQUESTS_IN_FLIGHT, MAX_REQUESTS_WAITING};
use crate::{Deadlines, Request, RequestError};

/// A request that has no answer yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) ticket: u64,
    pub(crate) request: Request,
    deadline: Instant,
    repeated: bool,
}

/// A request that ended without an answer.
pub(crate) struct Failed {
    pub(crate) peer: PeerId,
    pub(crate) ticket: u64,
    pub(crate) error: RequestError,
}

/// All requests of this node, by the library's name for each.
pub(crate) struct Requests<Id = OutboundRequestId> {
    /// What is under way. A request beyond its deadline is gone, but its stream is not, and still counts.
    sent: HashMap<Id, (PeerId, Option<Ask>)>,
    peers: HashMap<PeerId, Queue>,
}

#[derive(Default)]
struct Queue {
    in_flight: usize,
    waiting: VecDeque<Ask>,
}

impl<Id> Default for Requests<Id> {
    fn default() -> Self {
        Self { sent: HashMap::new(), peers: HashMap::new() }
    }
}

impl<Id: Copy + Eq + Hash> Requests<Id> {
    /// Takes a request; it waits for its turn.
    pub(crate) fn add(
        &mut self,
        now: Instant,
        deadlines: &Deadlines,
        peer: PeerId,
        ticket: u64,
        request: Request,
    ) -> Result<(), RequestError> {
        let queue = self.peers.entry(peer).or_default();
        if queue.waiting.len() >= MAX_REQUESTS_WAITING {
            return Err(RequestError::TooMany);
        }
        let bulk = matches!(request, Request::Blocks { .. } | Request::Headers { .. });
        let time = if bulk { deadlines.blocks } else { deadlines.request };
        queue.waiting.push_back(Ask { ticket, request, deadline: now + time, repeated: false });
        Ok(())
    }

    /// Sends what may be sent to a peer.
    pub(crate) fn send(&mut self, peer: PeerId, mut send: impl FnMut(Request) -> Id) {
        let Some(queue) = self.peers.get_mut(&peer) else { return };
        while queue.in_flight < MAX_REQUESTS_IN_FLIGHT
            && let Some(ask) = queue.waiting.pop_front()
        {
            let id = send(ask.request.clone());
            queue.in_flight += 1;
            self.sent.insert(id, (peer, Some(ask)));
        }
        self.tidy(&peer);
    }

    /// A stream has ended. Gives the request back, unless its deadline was over.
    pub(crate) fn ended(&mut self, id: Id) -> Option<Ask> {
        let (peer, ask) = self.sent.remove(&id)?;
        if let Some(queue) = self.peers.get_mut(&peer) {
            queue.in_flight = queue.in_flight.saturating_sub(1);
        }
        self.tidy(&peer);
        ask
    }

    /// Asks once more, first of all; gives the request back if that was done before.
    pub(crate) fn repeat(&mut self, peer: PeerId, ask: Ask) -> Option<Ask> {
        if ask.repeated {
            return Some(ask);
        }
        self.peers.entry(peer).or_default().waiting.push_front(Ask { repeated: true, ..ask });
        None
    }

    /// The peer is gone, and so is what waited for it. What was sent is reported by its stream.
    pub(crate) fn disconnected(&mut self, peer: &PeerId) -> Vec<Failed> {
        let Some(queue) = self.peers.get_mut(peer) else { return Vec::new() };
        let failed = |ask: Ask| Failed { peer: *peer, ticket: ask.ticket, error: RequestError::Closed };
        let waited = std::mem::take(&mut queue.waiting).into_iter().map(failed).collect();
        self.tidy(peer);
        waited
    }

    /// Requests whose time is over.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<Failed> {
        let mut failed = Vec::new();
        for (peer, ask) in self.sent.values_mut() {
            if let Some(late) = ask.take_if(|ask| ask.deadline <= now) {
                failed.push(Failed { peer: *peer, ticket: late.ticket, error: RequestError::Timeout });
            }
        }
        for (peer, queue) in &mut self.peers {
            queue.waiting.retain(|ask| {
                let late = ask.deadline <= now;
                if late {
                    failed.push(Failed { peer: *peer, ticket: ask.ticket, error: RequestError::Timeout });
                }
                !late
            });
        }
        self.peers.retain(|_, queue| queue.in_flight > 0 || !queue.waiting.is_empty());
        failed
    }

    fn tidy(&mut self, peer: &PeerId) {
        if self.peers.get(peer).is_some_and(|queue| queue.in_flight == 0 && queue.waiting.is_empty()) {
            self.peers.remove(peer);
        }
    }

    /// Whether nothing is kept of anybody.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.sent.is_empty() && self.peers.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Duration;

    struct Fixture {
        requests: Requests<u64>,
        now: Instant,
        peer: PeerId,
        next: u64,
    }

    impl Fixture {
        fn new() -> Self {
            Self { requests: Requests::default(), now: Instant::now(), peer: PeerId::random(), next: 0 }
        }

        fn add(&mut self, ticket: u64, request: Request) -> Result<(), RequestError> {
            self.requests.add(self.now, &Deadlines::default(), self.peer, ticket, request)
        }

        fn send(&mut self) -> u64 {
            let before = self.next;
            self.requests.send(self.peer, |_| {
                self.next += 1;
                self.next
            });
            self.next - before
        }

        fn timeouts(&mut self, after: u64) -> Vec<u64> {
            let failed = self.requests.expire(self.now + Duration::from_secs(after));
            failed.iter().map(|failed| failed.ticket).collect()
        }
    }

    #[test]
    fn sixteen_are_under_way_and_256_wait_and_the_next_is_refused() {
        let mut f = Fixture::new();
        for ticket in 0..MAX_REQUESTS_WAITING as u64 {
            f.add(ticket, Request::Addresses).unwrap();
        }
        assert_eq!(f.add(999, Request::Addresses), Err(RequestError::TooMany));
        assert_eq!(f.send(), MAX_REQUESTS_IN_FLIGHT as u64);
        assert_eq!(f.send(), 0);
        assert_eq!(f.requests.ended(5).map(|ask| ask.ticket), Some(4), "in order");
        assert_eq!(f.send(), 1);
        let other = PeerId::random();
        f.requests.add(f.now, &Deadlines::default(), other, 0, Request::Addresses).unwrap();
    }

    #[test]
    fn w21_a_late_request_times_out_once_and_its_stream_counts_until_it_ends() {
        let mut f = Fixture::new();
        f.add(1, Request::Addresses).unwrap();
        f.add(2, Request::Blocks { ids: vec![] }).unwrap();
        f.send();
        assert_eq!(f.timeouts(9), vec![]);
        assert_eq!(f.timeouts(10), vec![1]);
        assert_eq!(f.timeouts(11), vec![]);
        assert_eq!(f.timeouts(20), vec![2]);
        assert!(f.requests.sent.len() == 2 && f.requests.peers[&f.peer].in_flight == 2);
        assert_eq!(f.requests.ended(1), None, "an answer after the deadline is ignored");
        assert_eq!(f.requests.ended(2), None);
        assert!(f.requests.sent.is_empty() && f.requests.peers.is_empty());
    }

    #[test]
    fn a_request_is_repeated_once_and_before_all_others() {
        let mut f = Fixture::new();
        f.add(1, Request::Addresses).unwrap();
        f.send();
        f.add(2, Request::Addresses).unwrap();
        let ask = f.requests.ended(1).unwrap();
        assert_eq!(f.requests.repeat(f.peer, ask), None);
        f.send();
        let again = f.requests.ended(2).unwrap();
        assert_eq!(again.ticket, 1);
        assert_eq!(f.requests.repeat(f.peer, again).map(|ask| ask.ticket), Some(1));
    }

    #[test]
    fn what_waits_for_a_peer_that_is_gone_fails_at_once() {
        let mut f = Fixture::new();
        for ticket in 0..20 {
            f.add(ticket, Request::Addresses).unwrap();
        }
        f.send();
        assert_eq!(f.requests.disconnected(&f.peer).len(), 4);
        for id in 1..=16 {
            assert!(f.requests.ended(id).is_some());
        }
        assert!(f.requests.peers.is_empty());
    }
}

//! The peers that this node has met: what is kept of them, which is tried next, and when one is forgotten.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::PeerId;

/// Peers in the book: a thousand are enough to find any network again.
pub const MAX_PEERS: usize = 1_000;
/// Addresses of one peer.
pub const MAX_ADDRESSES: usize = 8;
/// A peer that cannot be reached is forgotten after this many attempts in a row.
pub const MAX_FAILURES: u32 = 3;
/// The longest wait between two attempts.
const MAX_BACKOFF_MS: u64 = 300_000;

/// What is kept of a peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Where it was reached or says it is, as multiaddresses; the best first.
    pub addresses: Vec<String>,
    /// When a handshake last succeeded, unix milliseconds; 0 for never.
    pub last_seen: u64,
    /// Handshakes that succeeded.
    pub successes: u32,
    /// Attempts that failed since the last success.
    pub failures: u32,
}

#[derive(Debug, Clone)]
struct Entry {
    record: Record,
    /// Not tried before this time on the monotonic clock.
    not_before: u64,
}

/// The book.
#[derive(Debug)]
pub struct Book {
    entries: BTreeMap<PeerId, Entry>,
    /// How long a peer that once worked is kept although it cannot be reached.
    forget_after_ms: u64,
}

impl Book {
    /// A book with what was kept.
    pub fn new(kept: Vec<(PeerId, Record)>, forget_after_ms: u64) -> Self {
        let entries = kept.into_iter().take(MAX_PEERS).map(|(id, record)| (id, Entry { record, not_before: 0 }));
        Self { entries: entries.collect(), forget_after_ms }
    }

    /// How many peers are in it.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What is kept of a peer.
    pub fn get(&self, peer: &PeerId) -> Option<&Record> {
        self.entries.get(peer).map(|entry| &entry.record)
    }

    /// A handshake succeeded. Gives the record to keep, and a peer that has to make room.
    pub fn succeeded(&mut self, peer: PeerId, address: Option<String>, unix: u64) -> (Record, Option<PeerId>) {
        let full = self.entries.len() >= MAX_PEERS && !self.entries.contains_key(&peer);
        let dropped = if full { self.worst() } else { None };
        if let Some(dropped) = &dropped {
            self.entries.remove(dropped);
        }
        let empty = Record { addresses: Vec::new(), last_seen: 0, successes: 0, failures: 0 };
        let entry = self.entries.entry(peer).or_insert(Entry { record: empty, not_before: 0 });
        entry.record.last_seen = unix;
        entry.record.successes = entry.record.successes.saturating_add(1);
        entry.record.failures = 0;
        entry.not_before = 0;
        if let Some(address) = address {
            entry.record.addresses.retain(|known| *known != address);
            entry.record.addresses.insert(0, address);
            entry.record.addresses.truncate(MAX_ADDRESSES);
        }
        (entry.record.clone(), dropped)
    }

    /// The peer says where it is. Gives the record to keep, if that is news about a peer in the book.
    pub fn listens(&mut self, peer: &PeerId, addresses: &[String]) -> Option<Record> {
        let record = &mut self.entries.get_mut(peer)?.record;
        let before = record.addresses.len();
        for address in addresses {
            if record.addresses.len() < MAX_ADDRESSES && !record.addresses.contains(address) {
                record.addresses.push(address.clone());
            }
        }
        (record.addresses.len() > before).then(|| record.clone())
    }

    /// An attempt failed. Gives what to keep: a changed record, or none if the peer is forgotten.
    pub fn failed(&mut self, peer: &PeerId, mono: u64, unix: u64) -> Option<Option<Record>> {
        let entry = self.entries.get_mut(peer)?;
        entry.record.failures = entry.record.failures.saturating_add(1);
        let wait = 1_000u64 << entry.record.failures.min(12);
        entry.not_before = mono.saturating_add(wait.min(MAX_BACKOFF_MS));
        let worked = entry.record.successes > 0;
        let long_gone = unix.saturating_sub(entry.record.last_seen) >= self.forget_after_ms;
        if entry.record.failures >= MAX_FAILURES && (!worked || long_gone) {
            self.entries.remove(peer);
            return Some(None);
        }
        Some(Some(entry.record.clone()))
    }

    /// Forgets a peer at once. Gives whether it was there.
    pub fn forget(&mut self, peer: &PeerId) -> bool {
        self.entries.remove(peer).is_some()
    }

    /// Peers to try now, the most promising first.
    pub fn due(&self, mono: u64) -> Vec<(PeerId, Vec<String>)> {
        let able = |entry: &Entry| entry.not_before <= mono && !entry.record.addresses.is_empty();
        let mut due: Vec<_> = self.entries.iter().filter(|(_, entry)| able(entry)).collect();
        due.sort_by_key(|(_, entry)| (entry.record.failures, std::cmp::Reverse(entry.record.last_seen)));
        due.into_iter().map(|(id, entry)| (*id, entry.record.addresses.clone())).collect()
    }

    /// Addresses to tell others: of peers that worked lately.
    pub fn to_share(&self, cap: usize) -> Vec<(PeerId, String)> {
        let good = |entry: &&Entry| entry.record.successes > 0 && entry.record.failures == 0;
        let first = |(id, entry): (&PeerId, &Entry)| Some((*id, entry.record.addresses.first()?.clone()));
        self.entries.iter().filter(|(_, entry)| good(entry)).filter_map(first).take(cap).collect()
    }

    fn worst(&self) -> Option<PeerId> {
        let worst = self.entries.iter().max_by_key(|(_, e)| (e.record.failures, std::cmp::Reverse(e.record.last_seen)));
        worst.map(|(id, _)| *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 60 * 60 * 1000;

    fn book() -> Book {
        Book::new(Vec::new(), DAY)
    }

    #[test]
    fn a_peer_that_worked_is_forgotten_after_three_failures_and_a_day() {
        let (mut book, peer) = (book(), PeerId([1; 32]));
        book.succeeded(peer, Some("/ip4/10.0.0.1/tcp/1".into()), 1_000);
        for attempt in 0..5 {
            assert!(matches!(book.failed(&peer, attempt, 2_000), Some(Some(_))), "attempt {attempt} on the same day");
        }
        assert_eq!(book.failed(&peer, 9, 1_000 + DAY), Some(None));
        assert!(book.is_empty());
        assert_eq!(book.failed(&peer, 9, 1_000 + DAY), None);
    }

    #[test]
    fn a_success_takes_the_failures_back() {
        let (mut book, peer) = (book(), PeerId([1; 32]));
        book.succeeded(peer, None, 0);
        book.failed(&peer, 0, DAY);
        book.failed(&peer, 0, DAY);
        book.succeeded(peer, None, DAY);
        assert!(matches!(book.failed(&peer, 0, 2 * DAY), Some(Some(record)) if record.failures == 1));
    }

    #[test]
    fn a_peer_that_failed_waits_longer_each_time() {
        let (mut book, peer) = (book(), PeerId([1; 32]));
        book.succeeded(peer, Some("a".into()), 0);
        for (failures, wait) in [(1, 2_000), (2, 4_000), (3, 8_000)] {
            book.failed(&peer, 0, 0);
            assert!(book.due(wait - 1).is_empty(), "{failures} failures");
            assert_eq!(book.due(wait).len(), 1, "{failures} failures");
        }
        for _ in 0..40 {
            book.failed(&peer, 0, 0);
        }
        assert_eq!(book.due(MAX_BACKOFF_MS).len(), 1, "no wait is longer than five minutes");
    }

    #[test]
    fn the_book_and_each_record_are_bounded() {
        let mut book = book();
        for i in 0..MAX_PEERS + 10 {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&i.to_le_bytes());
            book.succeeded(PeerId(id), Some(format!("/ip4/10.0.0.1/tcp/{i}")), i as u64 + 1);
        }
        assert_eq!(book.len(), MAX_PEERS);
        assert!(book.get(&PeerId([0; 32])).is_none(), "the one seen longest ago made room");
        let many: Vec<_> = (0..20).map(|i| format!("/ip4/10.0.0.2/tcp/{i}")).collect();
        let some = book.due(0)[0].0;
        book.listens(&some, &many);
        assert_eq!(book.get(&some).map(|record| record.addresses.len()), Some(MAX_ADDRESSES));
    }
}

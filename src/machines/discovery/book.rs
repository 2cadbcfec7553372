//! The peer database: the peers that this node has met, what is kept of them, and when one is forgotten.
//!
//! Survives any content: what strangers told, and what a damaged disk gives back.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::jitter::Jitter;
use super::place::{Range, bare, is_address};
use crate::{Now, PeerId};

/// Peers in the book: a thousand are enough to find any network again.
pub const MAX_PEERS: usize = 1_000;
/// Peers whose first address lies in one range: who holds a whole range fills a sixteenth of the book.
pub const MAX_PER_RANGE: usize = 64;
/// Addresses of one peer.
pub const MAX_ADDRESSES: usize = 8;
/// A peer that cannot be reached is forgotten after this many attempts in a row.
pub const MAX_FAILURES: u32 = 3;
/// The longest wait between two attempts: when a network that was cut in two is whole again, it shall be one within a
/// minute.
const MAX_WAIT_MS: u64 = 40_000;
/// A peer that left sooner is let alone for longer each time: it may be full.
pub(super) const SHORT_MS: u64 = 60_000;
/// A peer that leaves us soon every time is let alone for this long at most.
const MAX_PAUSE_MS: u64 = 600_000;

/// What is kept of a peer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Where it was reached or says it is, as multiaddresses; where it was reached last is the first.
    pub addresses: Vec<String>,
    /// When a handshake last succeeded, unix milliseconds; 0 for never.
    pub last_seen: u64,
    /// How often this node reached it: if ever, then at the first address.
    pub reached: u32,
    /// Attempts that failed since the last success.
    pub failures: u32,
    /// An anchor: an outbound peer when this was written. Tried first after a restart.
    pub anchor: bool,
}

/// What was wrong with the records that were kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Repairs {
    /// Records without a use: unreadable, or too many.
    pub left_out: usize,
    /// Records of which a part was left out or set right.
    pub repaired: usize,
}

#[derive(Debug, Clone)]
struct Entry {
    record: Record,
    /// Of the first address.
    range: Option<Range>,
    /// Not tried before this time on the monotonic clock.
    not_before: u64,
    /// How often in a row it left soon.
    short: u32,
}

/// A peer that may be dialed now.
#[derive(Debug)]
pub(super) struct Due<'a> {
    pub peer: PeerId,
    pub record: &'a Record,
    pub range: Option<Range>,
}

/// The book.
#[derive(Debug)]
pub struct Book {
    me: PeerId,
    entries: BTreeMap<PeerId, Entry>,
    /// How long a peer that once worked is kept although it cannot be reached.
    forget_after_ms: u64,
}

impl Book {
    /// A book with what was kept; gives also what was wrong with it, and the peers whose records are of no use.
    pub fn new(
        me: PeerId,
        kept: Vec<(PeerId, Record)>,
        forget_after_ms: u64,
        now: Now,
    ) -> (Self, Repairs, BTreeSet<PeerId>) {
        let mut book = Self { me, entries: BTreeMap::new(), forget_after_ms };
        let (mut repairs, mut useless) = (Repairs::default(), BTreeSet::new());
        for (peer, told) in kept {
            let record = repaired(told.clone(), now);
            let dropped = if peer == me || record.addresses.is_empty() {
                Some(peer)
            } else {
                repairs.repaired += usize::from(record != told);
                let dropped = book.room_for(&peer, &record);
                book.entries.insert(peer, Entry::new(record));
                dropped
            };
            useless.extend(dropped);
        }
        repairs.left_out = useless.len();
        (book, repairs, useless)
    }

    /// How many peers are in it.
    pub fn count(&self) -> usize {
        self.entries.len()
    }

    /// What is kept of a peer.
    pub fn get(&self, peer: &PeerId) -> Option<&Record> {
        self.entries.get(peer).map(|entry| &entry.record)
    }

    /// A handshake succeeded. `reached` is where this node dialed it, `told` where it says it is. Gives the record to
    /// keep, none while nobody knows where the peer is; and a peer that has to make room.
    pub fn succeeded(
        &mut self,
        peer: PeerId,
        reached: Option<String>,
        told: &[String],
        anchor: bool,
        unix: u64,
    ) -> (Option<Record>, Option<PeerId>) {
        if peer == self.me {
            return (None, None);
        }
        let known = self.entries.get(&peer);
        let (mut record, short) = known.map_or_else(Default::default, |entry| (entry.record.clone(), entry.short));
        record.last_seen = unix;
        record.failures = 0;
        record.anchor = anchor;
        if let Some(address) = reached.filter(|address| is_address(address)) {
            record.reached = record.reached.saturating_add(1);
            record.addresses.retain(|known| *known != address);
            record.addresses.insert(0, address);
        }
        add_addresses(&mut record, told);
        record.addresses.truncate(MAX_ADDRESSES);
        if record.addresses.is_empty() {
            return (None, None);
        }
        let dropped = self.room_for(&peer, &record);
        self.entries.insert(peer, Entry { short, ..Entry::new(record.clone()) });
        (Some(record), dropped)
    }

    /// The peer says where it is. Gives the record to keep, if that is news about a peer in the book.
    pub fn listens(&mut self, peer: &PeerId, addresses: &[String]) -> Option<Record> {
        let record = &mut self.entries.get_mut(peer)?.record;
        let before = record.addresses.len();
        add_addresses(record, addresses);
        (record.addresses.len() > before).then(|| record.clone())
    }

    /// An attempt failed. Gives what to keep: a changed record, or none if the peer is forgotten.
    pub fn failed(&mut self, peer: &PeerId, now: Now) -> Option<Option<Record>> {
        let entry = self.entries.get_mut(peer)?;
        let record = &mut entry.record;
        record.failures = record.failures.saturating_add(1);
        record.anchor = false;
        entry.not_before = now.mono.saturating_add(Jitter::of(self.me).wait(1_000, record.failures, MAX_WAIT_MS, peer));
        let worked = record.last_seen > 0;
        let long_gone = now.unix.saturating_sub(record.last_seen) >= self.forget_after_ms;
        if record.failures >= MAX_FAILURES && (!worked || long_gone) {
            self.entries.remove(peer);
            return Some(None);
        }
        Some(Some(record.clone()))
    }

    /// It left after so long. One that leaves soon is let alone for longer each time. Gives the record to keep, if it
    /// was an anchor.
    pub fn left(&mut self, peer: &PeerId, after_ms: u64, mono: u64) -> Option<Record> {
        let entry = self.entries.get_mut(peer)?;
        entry.short = if after_ms < SHORT_MS { entry.short.saturating_add(1) } else { 0 };
        entry.not_before =
            mono.saturating_add(Jitter::of(self.me).wait(500, entry.short.saturating_add(1), MAX_PAUSE_MS, peer));
        std::mem::take(&mut entry.record.anchor).then(|| entry.record.clone())
    }

    /// Lets a peer alone for a while, whatever it did.
    pub fn pause(&mut self, peer: &PeerId, until: u64) {
        if let Some(entry) = self.entries.get_mut(peer) {
            entry.not_before = entry.not_before.max(until);
        }
    }

    /// This node itself is at an address: nobody else is.
    pub fn not_there(&mut self, address: &str) -> Vec<(PeerId, Option<Record>)> {
        let mut changed = Vec::new();
        for (peer, entry) in &mut self.entries {
            let before = entry.record.addresses.len();
            entry.record.addresses.retain(|known| bare(known) != address);
            if entry.record.addresses.len() < before {
                let kept = !entry.record.addresses.is_empty();
                changed.push((*peer, kept.then(|| entry.record.clone())));
            }
        }
        self.entries.retain(|_, entry| !entry.record.addresses.is_empty());
        changed
    }

    /// Forgets a peer at once. Gives whether it was there.
    pub fn forget(&mut self, peer: &PeerId) -> bool {
        self.entries.remove(peer).is_some()
    }

    /// Peers that may be tried now.
    pub(super) fn due(&self, mono: u64) -> impl Iterator<Item = Due<'_>> {
        let due = self.entries.iter().filter(move |(_, entry)| entry.not_before <= mono);
        due.map(|(peer, entry)| Due { peer: *peer, record: &entry.record, range: entry.range })
    }

    /// Peers with the address that is worth telling others: those that worked within the last day.
    pub(super) fn good(&self, unix: u64) -> impl Iterator<Item = (PeerId, &String)> {
        let lately = unix.saturating_sub(24 * 60 * 60 * 1000);
        let good = move |record: &Record| record.last_seen > lately && record.failures == 0;
        let all = self.entries.iter().filter(move |(_, entry)| good(&entry.record));
        all.filter_map(|(peer, entry)| Some((*peer, entry.record.addresses.first()?)))
    }

    /// Makes room for a peer that is not in the book, or moved to another range: in its range first, then anywhere.
    fn room_for(&mut self, peer: &PeerId, record: &Record) -> Option<PeerId> {
        let range = record.addresses.first().and_then(|address| Range::of(address));
        let known = self.entries.get(peer).map(|entry| entry.range);
        let in_range = |entry: &Entry| range.is_some() && entry.range == range;
        let crowded =
            known != Some(range) && self.entries.values().filter(|entry| in_range(entry)).count() >= MAX_PER_RANGE;
        let full = known.is_none() && self.entries.len() >= MAX_PEERS;
        if !crowded && !full {
            return None;
        }
        let others = self.entries.iter().filter(|(id, entry)| *id != peer && (!crowded || in_range(entry)));
        let worst = others.max_by_key(|(_, entry)| entry.badness()).map(|(id, _)| *id);
        if let Some(worst) = &worst {
            self.entries.remove(worst);
        }
        worst
    }
}

impl Entry {
    fn new(record: Record) -> Self {
        let range = record.addresses.first().and_then(|address| Range::of(address));
        Self { record, range, not_before: 0, short: 0 }
    }

    /// Who was never reached makes room before who was: ids that only ever came to us cost their owner nothing.
    fn badness(&self) -> impl Ord {
        let record = &self.record;
        (record.failures >= MAX_FAILURES, record.reached == 0, record.failures, std::cmp::Reverse(record.last_seen))
    }
}

fn add_addresses(record: &mut Record, told: &[String]) {
    for address in told {
        let news = is_address(address) && !record.addresses.contains(address);
        if news && record.addresses.len() < MAX_ADDRESSES {
            record.addresses.push(address.clone());
        }
    }
}

/// A record as it may have been written by this node, whatever it says.
fn repaired(mut record: Record, now: Now) -> Record {
    // A record from the future would stay the newest for ever.
    record.last_seen = record.last_seen.min(now.unix);
    let told = std::mem::take(&mut record.addresses);
    add_addresses(&mut record, &told);
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 60 * 60 * 1000;
    const NOW: Now = Now { mono: 0, unix: 100 * DAY };

    fn id(n: usize) -> PeerId {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&(n as u64 + 1).to_le_bytes());
        PeerId(bytes)
    }

    fn book() -> Book {
        Book::new(PeerId([200; 32]), Vec::new(), DAY, NOW).0
    }

    fn record(address: &str, last_seen: u64) -> Record {
        Record { addresses: vec![address.into()], last_seen, reached: 1, failures: 0, anchor: false }
    }

    fn reach(book: &mut Book, n: usize, address: &str, unix: u64) -> Option<PeerId> {
        book.succeeded(id(n), Some(address.into()), &[], false, unix).1
    }

    fn due(book: &Book, mono: u64) -> usize {
        book.due(mono).count()
    }

    #[test]
    fn a_peer_that_worked_is_forgotten_after_three_failures_and_a_day() {
        let mut book = book();
        reach(&mut book, 1, "/ip4/10.0.0.1/tcp/1", 1_000);
        let day_on = |mono, unix| Now { mono, unix };
        for attempt in 0..5 {
            assert!(matches!(book.failed(&id(1), day_on(attempt, 2_000)), Some(Some(_))), "{attempt} on the same day");
        }
        assert_eq!(book.failed(&id(1), day_on(9, 1_000 + DAY)), Some(None));
        assert_eq!(book.count(), 0);
        assert_eq!(book.failed(&id(1), day_on(9, 1_000 + DAY)), None);
    }

    #[test]
    fn a_success_takes_the_failures_back() {
        let mut book = book();
        let later = Now { mono: 0, unix: DAY };
        reach(&mut book, 1, "/a", 1);
        book.failed(&id(1), later);
        book.failed(&id(1), later);
        reach(&mut book, 1, "/a", DAY);
        assert!(
            matches!(book.failed(&id(1), Now { mono: 0, unix: 3 * DAY }), Some(Some(record)) if record.failures == 1)
        );
    }

    #[test]
    fn a_peer_that_failed_waits_longer_each_time_and_never_longer_than_forty_seconds() {
        let mut book = book();
        reach(&mut book, 1, "/a", 1);
        for wait in [2_000, 4_000, 8_000, 16_000, 32_000, 40_000, 40_000] {
            book.failed(&id(1), Now { mono: 0, unix: 1 });
            assert_eq!((due(&book, wait * 3 / 4 - 1), due(&book, wait)), (0, 1), "{wait}");
        }
    }

    #[test]
    fn a_peer_that_leaves_soon_every_time_is_let_alone_for_longer_each_time() {
        let mut book = book();
        for wait in [2_000, 4_000, 8_000] {
            reach(&mut book, 1, "/a", 1);
            book.left(&id(1), SHORT_MS - 1, 0);
            assert_eq!((due(&book, wait * 3 / 4 - 1), due(&book, wait)), (0, 1), "{wait}");
        }
        book.left(&id(1), SHORT_MS, 0);
        assert_eq!(due(&book, 1_000), 1, "it stayed this time");
    }

    #[test]
    fn an_outbound_peer_is_an_anchor_until_it_leaves_or_cannot_be_reached() {
        let mut book = book();
        let meet = |book: &mut Book| book.succeeded(id(1), Some("/a".into()), &[], true, 1).0.unwrap();
        assert!(meet(&mut book).anchor);
        assert!(!book.left(&id(1), DAY, 0).unwrap().anchor);
        assert_eq!(book.left(&id(1), DAY, 0), None, "no news");
        meet(&mut book);
        assert!(!book.failed(&id(1), NOW).unwrap().unwrap().anchor);
    }

    #[test]
    fn the_book_and_each_record_are_bounded_and_who_was_never_reached_makes_room_first() {
        let mut book = book();
        for n in 0..MAX_PEERS {
            let address = format!("/ip4/{}.{}.0.1/tcp/1", 11 + n / 250, n % 250);
            reach(&mut book, n, &address, n as u64 + 1);
        }
        book.succeeded(id(5_000), None, &["/ip4/99.0.0.1/tcp/1".into()], false, DAY);
        assert_eq!((book.count(), book.get(&id(0))), (MAX_PEERS, None), "the one seen longest ago made room");
        assert_eq!(reach(&mut book, 5_001, "/ip4/99.1.0.1/tcp/1", DAY), Some(id(5_000)), "although seen last");
        let many: Vec<_> = (0..20).map(|i| format!("/ip4/10.0.0.2/tcp/{i}")).collect();
        book.listens(&id(7), &many);
        assert_eq!(book.get(&id(7)).map(|record| record.addresses.len()), Some(MAX_ADDRESSES));
    }

    #[test]
    fn one_range_holds_64_of_the_book_and_its_worst_makes_room_and_private_addresses_have_no_range() {
        let mut book = book();
        reach(&mut book, 9_999, "/ip4/9.9.0.1/tcp/1", 1);
        for n in 0..MAX_PER_RANGE {
            assert_eq!(reach(&mut book, n, &format!("/ip4/8.8.0.{n}/tcp/1"), n as u64 + 10), None);
        }
        assert_eq!(
            reach(&mut book, 500, "/ip4/8.8.9.9/tcp/1", 1_000),
            Some(id(0)),
            "not the older one of another range"
        );
        assert_eq!(book.count(), MAX_PER_RANGE + 1);
        assert_eq!(reach(&mut book, 500, "/ip4/8.8.9.9/tcp/2", 1_000), None, "it is in already");
        assert_eq!(reach(&mut book, 9_999, "/ip4/8.8.9.8/tcp/2", 1_000), Some(id(1)), "it moved into the range");
        for n in 1_000..1_200 {
            assert_eq!(reach(&mut book, n, &format!("/ip4/10.0.0.1/tcp/{n}"), 1), None);
        }
    }

    #[test]
    fn p20_records_without_use_are_left_out_and_those_from_the_future_set_right() {
        let future = record("/ip4/10.0.0.1/tcp/1", NOW.unix + DAY);
        let crowd = (0..100).map(|n| format!("/ip4/10.0.0.1/tcp/{n}")).collect();
        let junk = ["", "no address", "/ip4/10.0.0.1/tcp/1\n", &format!("/{}", "x".repeat(5_000))];
        let kept = vec![
            (id(0), record("/ip4/10.0.0.2/tcp/1", 5)),
            (id(1), future),
            (id(2), Record::default()),
            (id(3), Record { addresses: junk.map(String::from).into(), ..record("/a", 5) }),
            (id(4), Record { addresses: crowd, failures: u32::MAX, reached: u32::MAX, ..record("/a", 5) }),
            (PeerId([200; 32]), record("/ip4/10.0.0.3/tcp/1", 5)),
        ];
        let (mut book, repairs, useless) = Book::new(PeerId([200; 32]), kept, DAY, NOW);
        assert_eq!(repairs, Repairs { left_out: 3, repaired: 2 });
        assert_eq!(useless, [id(2), id(3), PeerId([200; 32])].into());
        assert_eq!(book.get(&id(1)).unwrap().last_seen, NOW.unix);
        assert_eq!(book.get(&id(4)).unwrap().addresses.len(), MAX_ADDRESSES);
        assert_eq!(book.failed(&id(4), NOW), Some(None), "counters at their end do not overflow");
        reach(&mut book, 1, "/ip4/10.0.0.1/tcp/1", NOW.unix);
    }

    #[test]
    fn p20_of_too_many_records_the_best_thousand_stay() {
        let kept = (0..5_000).map(|n| (id(n), record(&format!("/ip4/10.0.0.1/tcp/{n}"), n as u64 + 1))).collect();
        let (book, repairs, useless) = Book::new(PeerId([200; 32]), kept, DAY, NOW);
        assert_eq!((book.count(), repairs.left_out, useless.len()), (MAX_PEERS, 4_000, 4_000));
        assert!(book.get(&id(4_999)).is_some() && book.get(&id(3_999)).is_none());
    }
}

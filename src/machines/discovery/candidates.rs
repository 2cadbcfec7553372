//! Peers that others named and this node never met: hints, each of which may be a lie. No source and no range can fill
//! the list, and what nobody tried in three hours goes.

use std::collections::BTreeMap;

use super::book::MAX_ADDRESSES;
use super::place::{Place, Range, bare, is_address};
use crate::PeerId;

/// Candidates of one range: an attacker with one range gets few of our dials.
const MAX_PER_RANGE: usize = 16;
/// Candidates that one peer's answers brought: an answer has 32.
const MAX_OF_ONE_PEER: usize = 32;
/// A hint that was not tried by then is stale.
const STALE_MS: u64 = 3 * 60 * 60 * 1000;

/// Who named a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The rendezvous.
    Rendezvous,
    /// A peer that was asked.
    Peer(PeerId),
    /// The LAN.
    Local,
    /// A name in the configuration.
    Seed,
}

impl Source {
    /// Candidates of this kind of source. Together they bound the list.
    fn share(self) -> usize {
        match self {
            Self::Rendezvous | Self::Peer(_) => 250,
            Self::Local | Self::Seed => 100,
        }
    }
}

#[derive(Debug)]
pub(super) struct Candidate {
    pub addresses: Vec<(String, Place)>,
    pub range: Option<Range>,
    source: Source,
    found_at: u64,
}

#[derive(Debug, Default)]
pub(super) struct Candidates(BTreeMap<PeerId, Candidate>);

impl Candidates {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&PeerId, &Candidate)> {
        self.0.iter()
    }

    pub fn remove(&mut self, peer: &PeerId) {
        self.0.remove(peer);
    }

    /// This node itself is at an address: nobody else is.
    pub fn not_there(&mut self, address: &str) {
        for candidate in self.0.values_mut() {
            candidate.addresses.retain(|(known, _)| bare(known) != address);
        }
        self.0.retain(|_, candidate| !candidate.addresses.is_empty());
    }

    /// Takes a hint, if its source and its range have room.
    pub fn found(&mut self, peer: PeerId, addresses: Vec<String>, source: Source, mono: u64) {
        let mut addresses: Vec<_> = addresses.into_iter().filter(|address| is_address(address)).collect();
        addresses.truncate(MAX_ADDRESSES);
        let Some(first) = addresses.first() else { return };
        let range = Range::of(first);
        if !self.0.contains_key(&peer) && !self.has_room(range, source, mono) {
            return;
        }
        let known = self.0.entry(peer).or_insert(Candidate { addresses: Vec::new(), range, source, found_at: mono });
        for address in addresses {
            // Never in place of another: a second source cannot hide what the first one said.
            if known.addresses.len() < MAX_ADDRESSES && known.addresses.iter().all(|(old, _)| *old != address) {
                let place = Place::of(&address);
                known.addresses.push((address, place));
            }
        }
    }

    fn has_room(&mut self, range: Option<Range>, source: Source, mono: u64) -> bool {
        self.0.retain(|_, candidate| candidate.found_at.saturating_add(STALE_MS) > mono);
        let count = |like: &dyn Fn(&Candidate) -> bool| self.0.values().filter(|candidate| like(candidate)).count();
        let kind = std::mem::discriminant(&source);
        count(&|other| std::mem::discriminant(&other.source) == kind) < source.share()
            && (!matches!(source, Source::Peer(_)) || count(&|other| other.source == source) < MAX_OF_ONE_PEER)
            && (range.is_none() || count(&|other| other.range == range) < MAX_PER_RANGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: usize) -> PeerId {
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&(n as u64).to_le_bytes());
        PeerId(bytes)
    }

    fn find(candidates: &mut Candidates, n: usize, address: &str, source: Source) -> bool {
        candidates.found(id(n), vec![address.into()], source, 0);
        candidates.0.contains_key(&id(n))
    }

    #[test]
    fn p09_one_peer_names_32_at_most_and_all_peers_together_250() {
        let mut candidates = Candidates::default();
        let taken = (0..1_000).filter(|n| {
            let source = Source::Peer(id(10_000 + n / 100));
            find(&mut candidates, *n, &format!("/ip4/{}.{}.0.1/tcp/1", 11 + n / 100, n % 100), source)
        });
        assert_eq!(taken.count(), 250);
        assert!((0..100).filter(|n| candidates.0.contains_key(&id(*n))).count() == MAX_OF_ONE_PEER);
        assert!(find(&mut candidates, 5_000, "/ip4/99.0.0.1/tcp/1", Source::Rendezvous), "others have their share");
    }

    #[test]
    fn p09_one_range_has_16_candidates_whoever_names_them() {
        let mut candidates = Candidates::default();
        let taken = (0..100).filter(|n| {
            let source = if n % 2 == 0 { Source::Rendezvous } else { Source::Peer(id(9_000 + n)) };
            find(&mut candidates, *n, &format!("/ip4/8.8.0.{n}/tcp/1"), source)
        });
        assert_eq!(taken.count(), MAX_PER_RANGE);
        assert!(find(&mut candidates, 500, "/ip4/9.9.0.1/tcp/1", Source::Rendezvous));
    }

    #[test]
    fn p28_of_a_seed_with_a_thousand_peers_of_a_hundred_addresses_a_hundred_with_eight_stay() {
        let mut candidates = Candidates::default();
        for n in 0..1_000 {
            let addresses = (0..100).map(|port| format!("/ip4/192.168.1.1/tcp/{port}")).collect();
            candidates.found(id(n), addresses, Source::Seed, 0);
        }
        assert_eq!(candidates.len(), 100);
        assert!(candidates.0.values().all(|candidate| candidate.addresses.len() == MAX_ADDRESSES));
    }

    #[test]
    fn stale_hints_make_room() {
        let mut candidates = Candidates::default();
        for n in 0..100 {
            find(&mut candidates, n, "/ip4/10.0.0.1/tcp/1", Source::Seed);
        }
        let late = |candidates: &mut Candidates, at| candidates.found(id(500), vec!["/a".into()], Source::Seed, at);
        late(&mut candidates, STALE_MS - 1);
        assert_eq!(candidates.len(), 100);
        late(&mut candidates, STALE_MS);
        assert_eq!(candidates.len(), 1);
    }
}

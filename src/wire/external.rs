//! At which addresses others reach this node: where it listens, what its operator says, what its router forwards, and
//! what several peers saw.
//!
//! A peer that this node reached by itself says from where the connection came. That counts when the port is one on
//! which the node listens (any other belongs to that connection alone), and when enough peers of different ranges of
//! addresses say the same. It decides nothing about who is dialled.

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use crate::admission::Range;
use crate::limits::{CONFIRMATION_LIFE, CONFIRMATIONS, MAX_CONFIRMED, MAX_OBSERVATIONS};
use crate::{Reach, address};

/// All external addresses, and what peers saw lately.
pub(crate) struct External {
    private_ok: bool,
    /// An address may be known in several ways; it is lost with the last one.
    known: Vec<(Multiaddr, Reach)>,
    /// The last observation of each peer, the oldest first.
    seen: Vec<Seen>,
}

struct Seen {
    by: PeerId,
    from: Range,
    address: Multiaddr,
    at: Instant,
}

/// What others are told from now on, or no longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Gained(Multiaddr, Reach),
    Lost(Multiaddr),
}

impl External {
    pub(crate) fn new(private_ok: bool) -> Self {
        Self { private_ok, known: Vec::new(), seen: Vec::new() }
    }

    /// The node learns of an address for sure.
    pub(crate) fn gain(&mut self, address: Multiaddr, how: Reach) -> Option<Change> {
        let told = self.is_known(&address);
        if !self.known.contains(&(address.clone(), how)) {
            self.known.push((address.clone(), how));
        }
        (!told).then_some(Change::Gained(address, how))
    }

    /// One way to know an address is gone.
    pub(crate) fn lose(&mut self, address: &Multiaddr, how: Reach) -> Option<Change> {
        let before = self.known.len();
        self.known.retain(|(known, way)| known != address || *way != how);
        (self.known.len() < before && !self.is_known(address)).then(|| Change::Lost(address.clone()))
    }

    /// A peer that this node dialled saw it at an address.
    pub(crate) fn observed(
        &mut self,
        now: Instant,
        by: PeerId,
        from: Range,
        address: &Multiaddr,
        listening: &[Multiaddr],
    ) -> Option<Change> {
        let address = address::without_peer(&by, address).filter(|address| self.counts(address, listening))?;
        self.seen.retain(|seen| seen.by != by);
        if self.seen.len() == MAX_OBSERVATIONS {
            self.seen.remove(0);
        }
        self.seen.push(Seen { by, from, address: address.clone(), at: now });
        let confirmed = self.confirmed().count();
        let enough = self.witnesses(&address) >= CONFIRMATIONS && confirmed < MAX_CONFIRMED;
        if enough { self.gain(address, Reach::Confirmed) } else { None }
    }

    /// Forgets what was seen long ago, and the addresses that nobody sees any more.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<Change> {
        self.seen.retain(|seen| seen.at + CONFIRMATION_LIFE > now);
        let unseen = |address: &&Multiaddr| !self.seen.iter().any(|seen| seen.address == **address);
        let gone: Vec<Multiaddr> = self.confirmed().filter(unseen).cloned().collect();
        gone.iter().filter_map(|address| self.lose(address, Reach::Confirmed)).collect()
    }

    pub(crate) fn is_known(&self, address: &Multiaddr) -> bool {
        self.known.iter().any(|(known, _)| known == address)
    }

    fn confirmed(&self) -> impl Iterator<Item = &Multiaddr> {
        self.known.iter().filter(|(_, how)| *how == Reach::Confirmed).map(|(address, _)| address)
    }

    fn counts(&self, address: &Multiaddr, listening: &[Multiaddr]) -> bool {
        let listens = listening.iter().filter_map(port).any(|own| Some(own) == port(address));
        listens && address::is_usable(address, self.private_ok)
    }

    /// Peers that saw the address; those of one range count as one, except where private addresses are usable.
    fn witnesses(&self, address: &Multiaddr) -> usize {
        let mut ranges: Vec<Range> = Vec::new();
        let all = self.seen.iter().filter(|seen| seen.address == *address);
        all.filter(|seen| {
            let counts = self.private_ok || !ranges.contains(&seen.from);
            ranges.push(seen.from);
            counts
        })
        .count()
    }
}

fn port(address: &Multiaddr) -> Option<u16> {
    address.iter().find_map(|part| if let Protocol::Tcp(port) = part { Some(port) } else { None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    struct Fixture {
        external: External,
        now: Instant,
    }

    impl Fixture {
        fn new(private_ok: bool) -> Self {
            Self { external: External::new(private_ok), now: Instant::now() }
        }

        /// Another peer at `from` sees this node at `address`.
        fn seen(&mut self, from: &str, address: &str) -> Option<Change> {
            self.seen_by(PeerId::random(), from, address)
        }

        fn seen_by(&mut self, by: PeerId, from: &str, address: &str) -> Option<Change> {
            let from = Range::of(&addr(&format!("/ip4/{from}/tcp/1"))).unwrap();
            self.external.observed(self.now, by, from, &addr(address), &[addr("/ip4/0.0.0.0/tcp/4100")])
        }
    }

    #[test]
    fn an_address_counts_when_three_peers_of_different_ranges_saw_it_and_is_lost_when_nobody_does_for_long() {
        let mut f = Fixture::new(false);
        let ours = "/ip4/8.8.8.8/tcp/4100";
        assert_eq!(f.seen("1.1.1.1", ours), None);
        assert_eq!(f.seen("1.1.1.2", ours), None, "the same range again");
        assert_eq!(f.seen("1.1.1.3", ours), None, "and again");
        assert_eq!(f.seen("2.2.2.2", ours), None);
        assert_eq!(f.seen("3.3.3.3", ours), Some(Change::Gained(addr(ours), Reach::Confirmed)));
        assert_eq!(f.seen("4.4.4.4", ours), None, "it is told once");
        f.now += CONFIRMATION_LIFE / 2;
        assert_eq!(f.seen("5.5.5.5", ours), None);
        f.now += CONFIRMATION_LIFE / 2;
        assert_eq!(f.external.expire(f.now), [], "one peer still sees it there");
        f.now += CONFIRMATION_LIFE;
        assert_eq!(f.external.expire(f.now), [Change::Lost(addr(ours))]);
        assert!(f.external.seen.is_empty() && f.external.known.is_empty());
    }

    #[test]
    fn one_peer_has_one_voice_and_a_port_on_which_nobody_listens_or_a_private_address_none() {
        let mut f = Fixture::new(false);
        let loud = PeerId::random();
        for from in ["1.1.1.1", "2.2.2.2", "3.3.3.3", "4.4.4.4"] {
            assert_eq!(f.seen_by(loud, from, "/ip4/8.8.8.8/tcp/4100"), None);
            assert_eq!(f.seen(from, "/ip4/8.8.8.8/tcp/50123"), None, "the port of one connection");
            assert_eq!(f.seen(from, "/ip4/192.168.1.1/tcp/4100"), None, "reachable for nobody");
        }
    }

    #[test]
    fn on_a_private_network_peers_count_and_not_their_ranges() {
        let mut f = Fixture::new(true);
        let ours = "/ip4/127.0.0.1/tcp/4100";
        assert_eq!(f.seen("127.0.0.1", ours), None);
        assert_eq!(f.seen("127.0.0.1", ours), None);
        assert_eq!(f.seen("127.0.0.1", ours), Some(Change::Gained(addr(ours), Reach::Confirmed)));
    }

    #[test]
    fn an_address_that_is_known_in_two_ways_is_told_once_and_lost_with_the_last() {
        let mut external = External::new(false);
        let ours = addr("/ip4/8.8.8.8/tcp/4100");
        assert!(external.gain(ours.clone(), Reach::Configured).is_some());
        assert_eq!(external.gain(ours.clone(), Reach::Mapped), None);
        assert_eq!(external.lose(&ours, Reach::Mapped), None);
        assert_eq!(external.lose(&ours, Reach::Mapped), None);
        assert_eq!(external.lose(&ours, Reach::Configured), Some(Change::Lost(ours)));
    }

    #[test]
    fn neither_observations_nor_confirmed_addresses_grow_without_end() {
        let mut f = Fixture::new(true);
        for n in 0..1_000_u32 {
            let address = format!("/ip4/{}/tcp/4100", std::net::Ipv4Addr::from(0x0808_0000 + n / 3));
            f.seen("9.9.9.9", &address);
        }
        assert_eq!((f.external.seen.len(), f.external.known.len()), (MAX_OBSERVATIONS, MAX_CONFIRMED));
    }
}

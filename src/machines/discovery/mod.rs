//! Discovery: whom to dial, when to look for others, and what to remember.
//!
//! Known peers come first, then fixed ones, then rendezvous over Kademlia. `Lonely → Searching → Connected`. Decides
//! never whether a peer behaves; it is told.

mod book;
mod event;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::{Now, PeerId};

pub use self::book::{Book, MAX_ADDRESSES, MAX_PEERS, Record};
pub use self::event::{Effect, Event, Fixed};

/// Dials under way at once; what a network scan would need is more.
const MAX_DIALS: usize = 8;
/// A dial that reports nothing is given up.
const DIAL_MS: u64 = 30_000;
/// A fixed peer that cannot be reached is tried again after 1 s, 2 s … and at most this long.
const MAX_FIXED_BACKOFF_MS: u64 = 30_000;
/// Announce again: providers are kept for 20 minutes.
const ANNOUNCE_MS: u64 = 240_000;
/// Look again while peers are missing: after 2 s, 4 s … and at most this long.
const MAX_LOOKUP_MS: u64 = 60_000;
/// A peer that was found is kept as a candidate only while there are fewer.
const MAX_CANDIDATES: usize = 200;
/// Peers that are refused for a while.
const MAX_BANNED: usize = 1_000;
/// How long a peer that misbehaved is refused.
pub const BAN_MS: u64 = 600_000;
/// How often a peer is asked for addresses.
const EXCHANGE_MS: u64 = 120_000;

/// How this node stands in the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, strum::IntoStaticStr)]
pub enum State {
    /// No peer passed the handshake.
    Lonely {
        /// Since when, on the monotonic clock.
        since: u64,
    },
    /// Some peers, but fewer than wanted.
    Searching {
        /// Peers that passed the handshake.
        ready: usize,
        /// Peers that are wanted.
        wanted: usize,
    },
    /// As many peers as wanted.
    Connected {
        /// Peers that passed the handshake.
        ready: usize,
    },
}

/// Figures beside the state.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Figures {
    /// Peers in the peer database.
    pub known: usize,
    /// Peers found but never connected.
    pub candidates: usize,
    /// Dials under way.
    pub dialing: usize,
    /// Peers that are refused.
    pub banned: usize,
}

/// Where to look.
#[derive(Debug, Clone)]
pub struct Params {
    /// This node.
    pub me: PeerId,
    /// Peers that are always tried: `--peer` and the network's bootstrap peers.
    pub fixed: Vec<Fixed>,
    /// Peers that are wanted.
    pub wanted: usize,
    /// How long a peer that once worked is kept although it cannot be reached.
    pub forget_after_ms: u64,
}

#[derive(Debug)]
struct FixedState {
    fixed: Fixed,
    failures: u32,
    not_before: u64,
    /// Who answered at this address.
    answered_by: Option<PeerId>,
}

impl FixedState {
    /// It was not reached: tried again later, later each time, for ever.
    fn failed(&mut self, mono: u64) {
        self.failures = self.failures.saturating_add(1);
        self.not_before = mono + (500 << self.failures.min(6)).min(MAX_FIXED_BACKOFF_MS);
    }
}

/// The discovery machine.
#[derive(Debug)]
pub struct Discovery {
    me: PeerId,
    wanted: usize,
    book: Book,
    fixed: Vec<FixedState>,
    candidates: BTreeMap<PeerId, Vec<String>>,
    connected: BTreeSet<PeerId>,
    /// Where connected peers say they listen, until the handshake says whether they are worth a record.
    listening: BTreeMap<PeerId, Vec<String>>,
    ready: BTreeSet<PeerId>,
    dialing: BTreeMap<Target, u64>,
    banned: BTreeMap<PeerId, u64>,
    state: State,
    announced_at: Option<u64>,
    routed: bool,
    lookup_at: u64,
    lookup_wait: u64,
    exchange_at: u64,
}

/// Whom a dial is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Peer(PeerId),
    Address(String),
}

impl Discovery {
    /// A discovery that starts with what was kept.
    pub fn new(params: Params, kept: Vec<(PeerId, Record)>) -> Self {
        let fixed = |fixed| FixedState { fixed, failures: 0, not_before: 0, answered_by: None };
        Self {
            me: params.me,
            wanted: params.wanted,
            book: Book::new(kept, params.forget_after_ms),
            fixed: params.fixed.into_iter().map(fixed).collect(),
            candidates: BTreeMap::new(),
            connected: BTreeSet::new(),
            listening: BTreeMap::new(),
            ready: BTreeSet::new(),
            dialing: BTreeMap::new(),
            banned: BTreeMap::new(),
            state: State::Lonely { since: 0 },
            announced_at: None,
            routed: false,
            lookup_at: 0,
            lookup_wait: 1_000,
            exchange_at: 0,
        }
    }

    /// How this node stands.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Figures for people.
    pub fn figures(&self) -> Figures {
        Figures {
            known: self.book.len(),
            candidates: self.candidates.len(),
            dialing: self.dialing.len(),
            banned: self.banned.len(),
        }
    }

    /// Addresses to tell a peer that asks.
    pub fn to_share(&self, cap: usize) -> Vec<(PeerId, String)> {
        self.book.to_share(cap)
    }

    /// Handles an event.
    pub fn on(&mut self, now: Now, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Connected { peer, dialed } => self.connected(peer, dialed),
            Event::Ready { peer, dialed } => self.ready(now, peer, dialed, &mut effects),
            Event::Gone { peer } => self.gone(now, peer, &mut effects),
            Event::WrongNetwork { peer } => self.never_again(peer, &mut effects),
            Event::Misbehaved { peer } => self.ban(peer, now.mono.saturating_add(BAN_MS), &mut effects),
            Event::Ban { peer, ban: true } => self.ban(peer, u64::MAX, &mut effects),
            Event::Ban { peer, ban: false } => {
                if self.banned.remove(&peer).is_some() {
                    effects.push(Effect::Refuse { peer, refuse: false });
                }
            }
            Event::DialFailed { peer, addresses } => self.dial_failed(now, peer, &addresses, &mut effects),
            Event::NotDialed { peer, addresses } => self.not_dialed(now, peer, &addresses),
            Event::Listens { peer, addresses } => self.listens(peer, addresses, &mut effects),
            Event::Found { peers } => self.found(peers),
            Event::RoutingUpdated => self.routing_updated(now, &mut effects),
            Event::Dial(fixed) if fixed.peer == Some(self.me) => {}
            Event::Dial(fixed) => {
                self.dialing.insert(target(fixed.peer, &fixed.address), now.mono);
                effects.push(Effect::Dial { peer: fixed.peer, addresses: vec![fixed.address] });
            }
            Event::Tick => {}
        }
        self.tick(now, &mut effects);
        effects
    }

    fn connected(&mut self, peer: PeerId, dialed: Option<String>) {
        self.connected.insert(peer);
        self.dialing.remove(&Target::Peer(peer));
        self.candidates.remove(&peer);
        let Some(address) = dialed else { return };
        self.dialing.remove(&Target::Address(bare(&address).into()));
        for fixed in self.fixed.iter_mut().filter(|fixed| bare(&fixed.fixed.address) == bare(&address)) {
            fixed.answered_by = Some(peer);
        }
    }

    fn ready(&mut self, now: Now, peer: PeerId, dialed: Option<String>, effects: &mut Vec<Effect>) {
        if !self.ready.insert(peer) {
            return;
        }
        for fixed in self.fixed.iter_mut().filter(|fixed| fixed.answered_by == Some(peer)) {
            fixed.failures = 0;
        }
        let (mut record, dropped) = self.book.succeeded(peer, dialed, now.unix);
        if let Some(news) = self.listening.get(&peer).and_then(|addresses| self.book.listens(&peer, addresses)) {
            record = news;
        }
        effects.extend(dropped.map(|peer| Effect::Forget { peer }));
        effects.push(Effect::Save { peer, record });
        effects.push(Effect::Peers(self.ready.len()));
        if self.ready.len() < self.wanted {
            effects.push(Effect::AskAddresses { peer });
        }
    }

    /// A peer may say where it listens before or after the handshake.
    fn listens(&mut self, peer: PeerId, mut addresses: Vec<String>, effects: &mut Vec<Effect>) {
        addresses.truncate(MAX_ADDRESSES);
        if let Some(record) = self.book.listens(&peer, &addresses) {
            effects.push(Effect::Save { peer, record });
        }
        if self.connected.contains(&peer) {
            self.listening.insert(peer, addresses);
        }
    }

    fn gone(&mut self, now: Now, peer: PeerId, effects: &mut Vec<Effect>) {
        self.connected.remove(&peer);
        self.listening.remove(&peer);
        let was_ready = self.ready.remove(&peer);
        for fixed in self.fixed.iter_mut().filter(|fixed| fixed.answered_by == Some(peer)) {
            fixed.answered_by = None;
            if was_ready {
                fixed.not_before = now.mono + 1_000;
            } else {
                fixed.failed(now.mono);
            }
        }
        if was_ready {
            effects.push(Effect::Peers(self.ready.len()));
        } else {
            // It let us in and never passed the handshake: an attempt that failed, or it would be tried at each tick.
            self.attempt_failed(now, &peer, effects);
        }
    }

    /// A peer of another network is forgotten at once, but not refused: it did nothing wrong.
    fn never_again(&mut self, peer: PeerId, effects: &mut Vec<Effect>) {
        self.candidates.remove(&peer);
        if self.book.forget(&peer) {
            effects.push(Effect::Forget { peer });
        }
    }

    fn ban(&mut self, peer: PeerId, until: u64, effects: &mut Vec<Effect>) {
        if self.banned.len() >= MAX_BANNED
            && !self.banned.contains_key(&peer)
            && let Some(soonest) = self.banned.iter().min_by_key(|(_, until)| **until).map(|(peer, _)| *peer)
        {
            self.banned.remove(&soonest);
            effects.push(Effect::Refuse { peer: soonest, refuse: false });
        }
        // The operator's word holds longer than a machine's.
        let latest = self.banned.entry(peer).or_insert(until);
        *latest = until.max(*latest);
        effects.push(Effect::Refuse { peer, refuse: true });
        self.never_again(peer, effects);
    }

    fn dial_failed(&mut self, now: Now, peer: Option<PeerId>, addresses: &[String], effects: &mut Vec<Effect>) {
        for address in addresses {
            self.dialing.remove(&Target::Address(bare(address).into()));
            for fixed in self.fixed.iter_mut().filter(|fixed| bare(&fixed.fixed.address) == bare(address)) {
                fixed.failed(now.mono);
            }
        }
        let Some(peer) = peer else { return };
        self.dialing.remove(&Target::Peer(peer));
        self.candidates.remove(&peer);
        for fixed in self.fixed.iter_mut().filter(|fixed| fixed.fixed.peer == Some(peer)) {
            if fixed.not_before <= now.mono {
                fixed.failed(now.mono);
            }
        }
        // Somebody who is connected was reached: another of its addresses failing says nothing.
        if self.connected.contains(&peer) {
            return;
        }
        self.attempt_failed(now, &peer, effects);
    }

    fn attempt_failed(&mut self, now: Now, peer: &PeerId, effects: &mut Vec<Effect>) {
        match self.book.failed(peer, now.mono, now.unix) {
            Some(Some(record)) => effects.push(Effect::Save { peer: *peer, record }),
            Some(None) => effects.push(Effect::Forget { peer: *peer }),
            None => {}
        }
    }

    fn not_dialed(&mut self, now: Now, peer: Option<PeerId>, addresses: &[String]) {
        if let Some(peer) = peer {
            self.dialing.remove(&Target::Peer(peer));
            self.candidates.remove(&peer);
        }
        for address in addresses {
            self.dialing.remove(&Target::Address(bare(address).into()));
            for fixed in self.fixed.iter_mut().filter(|fixed| bare(&fixed.fixed.address) == bare(address)) {
                fixed.not_before = now.mono + MAX_FIXED_BACKOFF_MS;
                // Whoever is connected already was found at this address as well.
                fixed.answered_by = peer.filter(|peer| self.connected.contains(peer)).or(fixed.answered_by);
            }
        }
    }

    fn found(&mut self, peers: Vec<(PeerId, Vec<String>)>) {
        for (peer, mut addresses) in peers {
            let known = peer == self.me || self.connected.contains(&peer) || self.banned.contains_key(&peer);
            if known || addresses.is_empty() || self.candidates.len() >= MAX_CANDIDATES {
                continue;
            }
            addresses.truncate(MAX_ADDRESSES);
            self.candidates.insert(peer, addresses);
        }
    }

    fn routing_updated(&mut self, now: Now, effects: &mut Vec<Effect>) {
        // An announcement before anybody was in the routing table reached nobody.
        if !self.routed || self.announced_at.is_none_or(|at| at.saturating_add(1_000) <= now.mono) {
            self.routed = true;
            self.announced_at = Some(now.mono);
            effects.push(Effect::Announce);
            if self.ready.len() < self.wanted {
                self.lookup_at = self.lookup_at.min(now.mono + 500);
                self.lookup_wait = 1_000;
            }
        }
    }

    fn tick(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let mono = now.mono;
        self.dialing.retain(|_, since| since.saturating_add(DIAL_MS) > mono);
        let pardoned: Vec<_> = self.banned.iter().filter(|(_, until)| **until <= mono).map(|(peer, _)| *peer).collect();
        for peer in pardoned {
            self.banned.remove(&peer);
            effects.push(Effect::Refuse { peer, refuse: false });
        }
        self.dial_fixed(mono, effects);
        if self.ready.len() < self.wanted {
            self.dial_known(mono, effects);
            self.search(mono, effects);
        }
        if self.announced_at.is_some_and(|at| at.saturating_add(ANNOUNCE_MS) <= mono) {
            self.announced_at = Some(mono);
            effects.push(Effect::Announce);
        }
        self.refresh_state(mono);
    }

    /// Fixed peers are kept connected whatever else is there.
    fn dial_fixed(&mut self, mono: u64, effects: &mut Vec<Effect>) {
        for fixed in &mut self.fixed {
            let there = fixed.answered_by.or(fixed.fixed.peer).is_some_and(|peer| {
                peer == self.me || self.connected.contains(&peer) || self.banned.contains_key(&peer)
            });
            let target = target(fixed.fixed.peer, &fixed.fixed.address);
            if there || fixed.not_before > mono || self.dialing.contains_key(&target) {
                continue;
            }
            self.dialing.insert(target, mono);
            effects.push(Effect::Dial { peer: fixed.fixed.peer, addresses: vec![fixed.fixed.address.clone()] });
        }
    }

    /// Known peers first, then those that were found.
    fn dial_known(&mut self, mono: u64, effects: &mut Vec<Effect>) {
        let missing = self.wanted - self.ready.len();
        let found = self.candidates.iter().map(|(peer, addresses)| (*peer, addresses.clone()));
        let due: Vec<_> = self.book.due(mono).into_iter().chain(found).collect();
        for (peer, addresses) in due {
            if self.dialing.len() >= MAX_DIALS.min(missing + 2) {
                return;
            }
            let busy = self.connected.contains(&peer) || self.dialing.contains_key(&Target::Peer(peer));
            if busy || peer == self.me || self.banned.contains_key(&peer) {
                continue;
            }
            self.dialing.insert(Target::Peer(peer), mono);
            effects.push(Effect::Dial { peer: Some(peer), addresses });
        }
    }

    fn search(&mut self, mono: u64, effects: &mut Vec<Effect>) {
        if self.lookup_at <= mono && !self.connected.is_empty() {
            self.lookup_at = mono + self.lookup_wait;
            self.lookup_wait = (self.lookup_wait * 2).min(MAX_LOOKUP_MS);
            effects.push(Effect::Lookup);
        }
        if self.exchange_at <= mono && !self.ready.is_empty() {
            self.exchange_at = mono + EXCHANGE_MS;
            effects.extend(self.ready.iter().map(|peer| Effect::AskAddresses { peer: *peer }));
        }
    }

    fn refresh_state(&mut self, mono: u64) {
        self.state = match (self.ready.len(), &self.state) {
            (0, State::Lonely { since }) => State::Lonely { since: *since },
            (0, _) => State::Lonely { since: mono },
            (ready, _) if ready < self.wanted => State::Searching { ready, wanted: self.wanted },
            (ready, _) => State::Connected { ready },
        };
    }
}

fn target(peer: Option<PeerId>, address: &str) -> Target {
    peer.map_or_else(|| Target::Address(bare(address).into()), Target::Peer)
}

/// A multiaddress without the peer id at its end.
fn bare(address: &str) -> &str {
    address.split("/p2p/").next().unwrap_or(address)
}

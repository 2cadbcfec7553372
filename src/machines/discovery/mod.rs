//! Discovery: whom to dial, whom to keep, when to look for others, and what to remember.
//!
//! Fixed peers and those of the database come first, then who was named by the rendezvous, a seed, the LAN or a peer.
//! The slots for peers that this node chose are its own: whoever comes to us takes none of them. Decides never whether
//! a peer behaves; it is told. `Lonely → Searching → Connected`.

mod bans;
mod book;
mod candidates;
mod connections;
mod dialing;
mod dials;
mod event;
mod eviction;
mod fixed;
mod jitter;
mod place;
mod search;
mod seeds;
mod slots;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, VecDeque};

use serde::Serialize;

use self::bans::Bans;
use self::candidates::Candidates;
use self::connections::{Connection, Connections, Slot};
use self::dials::{Dials, Purpose, Target};
use self::fixed::FixedPeers;
use self::jitter::Jitter;
use self::place::bare;
use self::search::Search;
use self::seeds::Seeds;
use crate::{Now, PeerId};

pub use self::bans::{BAN_MS, MAX_BANNED};
pub use self::book::{Book, MAX_ADDRESSES, MAX_PEERS, Record, Repairs};
pub use self::candidates::Source;
pub use self::event::{Effect, Event, Fixed, Present};

/// Addresses that led back to this node: it has few, and each router in between may add one.
const MAX_OWN: usize = 16;
/// Peers asked for addresses in one round.
const MAX_ASKED: usize = 8;
/// A peer that could not be dialed because of a limit of this node is let alone for so long.
const NOT_DIALED_MS: u64 = 10_000;

/// How often this node asks itself who is connected. News of that are mail, which may be lost.
const PRESENT_MS: u64 = 10_000;

/// How this node stands in the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, strum::IntoStaticStr)]
pub enum State {
    /// No peer passed the handshake.
    Lonely {
        /// Since when, on the monotonic clock.
        since: u64,
    },
    /// Some peers, fewer than wanted, and more may be found.
    Searching {
        /// Peers that passed the handshake.
        ready: usize,
        /// Those of them that this node chose.
        outbound: usize,
        /// Peers that this node wants to choose.
        wanted: usize,
    },
    /// As many peers as wanted, or all that can be found: then the search goes on once a minute.
    Connected {
        /// Peers that passed the handshake.
        ready: usize,
    },
}

/// Figures beside the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Peers in the peer database.
    pub known: usize,
    /// Peers that were named but never met.
    pub candidates: usize,
    /// Dials under way.
    pub dialing: usize,
    /// Peers that are refused.
    pub banned: usize,
    /// Peers that this node chose and that passed the handshake.
    pub outbound: usize,
    /// Peers that came to this node.
    pub inbound: usize,
    /// Peers that are visited only to see whether they are there.
    pub feeler: usize,
}

/// Where to look, and how many are enough.
#[derive(Debug, Clone)]
pub struct Params {
    /// This node.
    pub me: PeerId,
    /// Peers that are always tried, and seeds (`/dnsaddr/HOST`): `--peer` and the network's bootstrap peers.
    pub fixed: Vec<Fixed>,
    /// Outbound peers that are wanted.
    pub wanted: usize,
    /// Inbound connections that the wire lets in.
    pub max_inbound: usize,
    /// A tip older than this is suspicious: one more outbound peer may know better.
    pub stale_after_ms: u64,
    /// How long a peer that once worked is kept although it cannot be reached.
    pub forget_after_ms: u64,
}

/// The discovery machine.
#[derive(Debug)]
pub struct Discovery {
    me: PeerId,
    wanted: usize,
    max_inbound: usize,
    stale_after_ms: u64,
    jitter: Jitter,
    book: Book,
    repairs: Repairs,
    /// Records of no use, to be taken out of the database.
    useless: BTreeSet<PeerId>,
    fixed: FixedPeers,
    seeds: Seeds,
    candidates: Candidates,
    connections: Connections,
    dials: Dials,
    bans: Bans,
    search: Search,
    /// Where this node met itself.
    own: VecDeque<String>,
    tip_at: u64,
    /// When who is connected is asked next.
    present_at: u64,
    replaced_at: Option<u64>,
    /// Counts choices, so that each falls differently.
    round: u64,
    /// What was told last.
    peers: usize,
    state: State,
}

impl Discovery {
    /// A discovery that starts with what was kept. A record that cannot be read is handed in empty.
    pub fn new(params: Params, kept: Vec<(PeerId, Record)>, now: Now) -> Self {
        let Params { me, wanted, max_inbound, stale_after_ms, forget_after_ms, .. } = params;
        let jitter = Jitter::of(me);
        let (book, repairs, useless) = Book::new(me, kept, forget_after_ms, now);
        let seeds = Seeds::new(jitter, &params.fixed);
        Self {
            me,
            wanted,
            max_inbound,
            stale_after_ms,
            jitter,
            book,
            repairs,
            useless,
            fixed: FixedPeers::new(me, params.fixed),
            seeds,
            candidates: Candidates::default(),
            connections: Connections::default(),
            dials: Dials::new(jitter),
            bans: Bans::new(),
            search: Search::new(),
            own: VecDeque::new(),
            tip_at: now.mono,
            present_at: now.mono.saturating_add(PRESENT_MS),
            replaced_at: None,
            round: 0,
            peers: 0,
            state: State::Lonely { since: now.mono },
        }
    }

    /// How this node stands.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What was wrong with the records that were kept.
    pub fn repairs(&self) -> Repairs {
        self.repairs
    }

    /// Figures for people.
    pub fn figures(&self) -> Figures {
        Figures {
            known: self.book.count(),
            candidates: self.candidates.len(),
            dialing: self.dials.len(),
            banned: self.bans.len(),
            outbound: self.connections.outbound(),
            inbound: self.connections.inbound(),
            feeler: self.connections.feelers() + self.dials.count(Purpose::Feeler),
        }
    }

    /// Addresses to tell a peer that asks: each asker gets another choice, and the same all day, so that nobody collects
    /// the whole book. A visitor that was told has what it came for.
    pub fn to_share(&mut self, asker: &PeerId, now: Now, cap: usize) -> Vec<(PeerId, String)> {
        if let Some(connection) = self.connections.get_mut(asker) {
            connection.served = true;
        }
        let day = now.unix / (24 * 60 * 60 * 1000);
        let mut good: Vec<_> = self.book.good(now.unix).filter(|(peer, _)| peer != asker).collect();
        good.sort_by_cached_key(|(peer, _)| self.jitter.order(&(asker, day, peer)));
        good.into_iter().take(cap).map(|(peer, address)| (peer, address.clone())).collect()
    }

    /// Handles an event.
    pub fn on(&mut self, now: Now, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mono = now.mono;
        match event {
            Event::Connected { peer, dialed, from } => {
                let connection = Connection::new(dialed, from, mono);
                self.connected(mono, peer, connection, &mut effects);
            }
            Event::Ready { peer, dialed } => self.ready(now, peer, dialed, &mut effects),
            Event::Present(present) => self.present(now, present, &mut effects),
            Event::Gone { peer } => self.gone(now, peer, &mut effects),
            Event::WrongNetwork { peer } => self.wrong_network(mono, &peer, &mut effects),
            Event::Misbehaved { peer } => {
                let ip = self.connections.get(&peer).and_then(|connection| connection.ip);
                self.bans.misbehaved(peer, ip, mono, &mut effects);
                self.forget(&peer, &mut effects);
            }
            Event::Ban { peer, ban } => {
                self.bans.operator(peer, ban, &mut effects);
                if ban {
                    self.forget(&peer, &mut effects);
                }
            }
            Event::DialFailed { peer, addresses } => self.dial_failed(now, peer, &addresses, &mut effects),
            Event::NotDialed { peer, addresses } => self.not_dialed(mono, peer, &addresses),
            Event::Ourselves { peer, addresses } => self.ourselves(peer, &addresses, &mut effects),
            Event::Listens { peer, addresses } => self.listens(now, peer, addresses, &mut effects),
            Event::Found { source, peers } => self.found(mono, source, peers),
            Event::Pinged { peer, rtt_ms } => self.connections.pinged(&peer, rtt_ms),
            Event::Useful { peer } => self.connections.useful(&peer, mono),
            Event::Lagging { peer } => self.lagging(mono, peer, &mut effects),
            Event::TipChanged => self.tip_changed(mono, &mut effects),
            Event::RoutingUpdated => self.routing_updated(mono, &mut effects),
            Event::Fixed(fixed) => {
                self.seeds.replace(&fixed);
                self.fixed.replace(self.me, fixed);
            }
            Event::Dial(fixed) if fixed.peer == Some(self.me) => {}
            Event::Dial(fixed) => self.dial_wanted(mono, fixed, &mut effects),
            Event::Tick => {}
        }
        self.tick(mono, &mut effects);
        effects
    }

    /// A peer may say where it listens before or after the handshake.
    fn listens(&mut self, now: Now, peer: PeerId, mut addresses: Vec<String>, effects: &mut Vec<Effect>) {
        addresses.truncate(MAX_ADDRESSES);
        addresses.retain(|address| !self.is_own(address));
        if let Some(record) = self.book.listens(&peer, &addresses) {
            effects.push(Effect::Save { peer, record });
        }
        let Some(connection) = self.connections.get_mut(&peer) else { return };
        connection.listening = addresses;
        if connection.ready && self.book.get(&peer).is_none() {
            let (reached, anchor) = (None, connection.slot == Slot::Outbound);
            self.remember(now, peer, reached, anchor, effects);
        }
    }

    /// Keeps what is known of a peer that passed the handshake.
    fn remember(&mut self, now: Now, peer: PeerId, reached: Option<String>, anchor: bool, effects: &mut Vec<Effect>) {
        let told = self.connections.get(&peer).map_or(&[][..], |connection| &connection.listening);
        let (record, dropped) = self.book.succeeded(peer, reached, told, anchor, now.unix);
        effects.extend(dropped.map(|peer| Effect::Forget { peer }));
        effects.extend(record.map(|record| Effect::Save { peer, record }));
    }

    /// A peer of another network is forgotten at once, but not refused: it did nothing wrong.
    fn wrong_network(&mut self, mono: u64, peer: &PeerId, effects: &mut Vec<Effect>) {
        if let Some(address) = self.connections.get(peer).and_then(|connection| connection.dialed.as_ref()) {
            self.dials.strangers_at(address, mono);
        }
        self.forget(peer, effects);
    }

    fn forget(&mut self, peer: &PeerId, effects: &mut Vec<Effect>) {
        self.candidates.remove(peer);
        if self.book.forget(peer) {
            effects.push(Effect::Forget { peer: *peer });
        }
    }

    fn dial_failed(&mut self, now: Now, peer: Option<PeerId>, addresses: &[String], effects: &mut Vec<Effect>) {
        self.end_dials(peer, addresses);
        self.fixed.failed(peer, addresses, now.mono);
        let lonely = self.connections.ready().next().is_none();
        for address in addresses {
            self.dials.nobody_at(address, lonely, now.mono);
        }
        // Somebody who is connected was reached: another of its addresses failing says nothing.
        if let Some(peer) = peer.filter(|peer| !self.connections.has(peer)) {
            self.attempt_failed(now, &peer, effects);
        }
    }

    fn attempt_failed(&mut self, now: Now, peer: &PeerId, effects: &mut Vec<Effect>) {
        match self.book.failed(peer, now) {
            Some(Some(record)) => effects.push(Effect::Save { peer: *peer, record }),
            Some(None) => effects.push(Effect::Forget { peer: *peer }),
            None => {}
        }
    }

    fn not_dialed(&mut self, mono: u64, peer: Option<PeerId>, addresses: &[String]) {
        self.end_dials(peer, addresses);
        let there = peer.filter(|peer| self.connections.has(peer));
        for address in addresses {
            match there {
                // Whoever is connected already was found at this address as well.
                Some(peer) => self.fixed.answered(address, peer),
                None => self.fixed.not_tried(address, mono),
            }
        }
        if let Some(peer) = peer {
            self.book.pause(&peer, mono.saturating_add(NOT_DIALED_MS));
        }
    }

    /// Nobody else is where this node met itself, whoever says so.
    fn ourselves(&mut self, peer: Option<PeerId>, addresses: &[String], effects: &mut Vec<Effect>) {
        self.end_dials(peer, addresses);
        for address in addresses.iter().map(|address| bare(address)) {
            self.fixed.ourselves(address);
            self.candidates.not_there(address);
            for (peer, kept) in self.book.not_there(address) {
                effects.push(match kept {
                    Some(record) => Effect::Save { peer, record },
                    None => Effect::Forget { peer },
                });
            }
            if !self.is_own(address) {
                self.own.push_back(address.into());
            }
        }
        let surplus = self.own.len().saturating_sub(MAX_OWN);
        self.own.drain(..surplus);
    }

    fn is_own(&self, address: &str) -> bool {
        self.own.iter().any(|own| own == bare(address))
    }

    fn end_dials(&mut self, peer: Option<PeerId>, addresses: &[String]) {
        if let Some(peer) = peer {
            self.dials.end(&Target::Peer(peer));
            self.candidates.remove(&peer);
        }
        for address in addresses {
            self.dials.end(&Target::new(None, address));
        }
    }

    fn found(&mut self, mono: u64, source: Source, peers: Vec<(PeerId, Vec<String>)>) {
        for (peer, mut addresses) in peers {
            if peer == self.me || self.connections.has(&peer) || self.bans.holds(&peer) {
                continue;
            }
            // Of a known peer only news are of interest.
            let known = self.book.get(&peer).map_or(&[][..], |record| &record.addresses);
            addresses.retain(|address| !self.is_own(address) && known.iter().all(|old| bare(old) != bare(address)));
            self.candidates.found(peer, addresses, source, mono);
        }
    }

    fn routing_updated(&mut self, mono: u64, effects: &mut Vec<Effect>) {
        if self.search.announces_to_new(mono) {
            effects.push(Effect::Announce);
            self.search.again(mono);
        }
    }

    fn tick(&mut self, mono: u64, effects: &mut Vec<Effect>) {
        effects.extend(std::mem::take(&mut self.useless).into_iter().map(|peer| Effect::Forget { peer }));
        self.dials.tick(mono);
        self.bans.tick(mono, effects);
        self.tidy_slots(mono, effects);
        if self.present_at <= mono {
            self.present_at = mono.saturating_add(PRESENT_MS);
            effects.push(Effect::TellPresent);
        }
        self.dial(mono, effects);
        self.look(mono, effects);
        let ready = self.connections.ready().count();
        if ready != self.peers {
            self.peers = ready;
            effects.push(Effect::Peers(ready));
        }
        self.refresh_state(mono);
    }

    fn look(&mut self, mono: u64, effects: &mut Vec<Effect>) {
        if self.search.announces_again(mono) {
            effects.push(Effect::Announce);
        }
        if self.free_slots(mono) == 0 {
            return;
        }
        effects.extend(self.seeds.due(mono).into_iter().map(|name| Effect::ResolveSeed { name }));
        if !self.connections.is_empty() && self.search.looks_up(mono) {
            effects.push(Effect::Lookup);
        }
        if self.connections.ready().next().is_some() && self.search.asks_peers(mono) {
            let mut asked: Vec<_> = self.connections.ready().copied().collect();
            asked.sort_by_cached_key(|peer| self.jitter.order(&(peer, mono)));
            effects.extend(asked.into_iter().take(MAX_ASKED).map(|peer| Effect::AskAddresses { peer }));
        }
    }

    fn refresh_state(&mut self, mono: u64) {
        let (ready, outbound, wanted) = (self.peers, self.connections.outbound(), self.wanted);
        let enough = ready >= wanted || !self.search.is_young();
        self.state = match (ready, &self.state) {
            (0, State::Lonely { since }) => State::Lonely { since: *since },
            (0, _) => State::Lonely { since: mono },
            (_, _) if enough => State::Connected { ready },
            (_, _) => State::Searching { ready, outbound, wanted },
        };
    }
}

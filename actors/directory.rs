//! The peers that are connected now, and how mail reaches their actors.
//!
//! Connections come and go, so these ports cannot be given at the start like all others. The router writes it; whoever
//! must reach one peer reads it. Bounded by the connection limits of the wire. Beside it the points of those who have
//! any, which their connections do not outlive.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use machines::PeerId;
use machines::discovery::Present;
use machines::peer::{Event, Offence, Score, Scores};

use crate::delivery::Delivery;
use crate::link::Link;
use crate::{Inspect, Mail, Port, Stop, Tick};

/// The ports of one connected peer's actor.
#[derive(Clone)]
pub(crate) struct Entry {
    pub deliver: Port<Delivery>,
    pub event: Port<Mail<Event>>,
    pub inspect: Port<Inspect>,
    pub stop: Port<Stop>,
    pub tick: Port<Tick>,
    /// How it is connected.
    pub link: Link,
}

/// Connected peers by id.
#[derive(Clone, Default)]
pub struct Directory {
    peers: Arc<Mutex<BTreeMap<PeerId, Entry>>>,
    scores: Arc<Mutex<Scores>>,
}

impl Directory {
    /// Tells a peer's actor that the peer broke a rule. A peer that is gone already is not missed.
    pub fn misbehaved(&self, peer: PeerId, offence: Offence, why: String) {
        if let Some(entry) = self.get(&peer) {
            entry.event.tell(Mail(Event::Offence { offence, what: why }));
        }
    }

    pub(crate) fn get(&self, peer: &PeerId) -> Option<Entry> {
        self.lock().get(peer).cloned()
    }

    pub(crate) fn insert(&self, peer: PeerId, entry: Entry) {
        self.lock().insert(peer, entry);
    }

    pub(crate) fn remove(&self, peer: &PeerId) -> Option<Entry> {
        self.lock().remove(peer)
    }

    /// It goes on over another connection.
    pub(crate) fn moved(&self, peer: &PeerId, link: Link) {
        if let Some(entry) = self.lock().get_mut(peer) {
            entry.link = link;
        }
    }

    /// Who is connected, and how.
    pub(crate) fn present(&self) -> Vec<Present> {
        let present = |(peer, entry): (&PeerId, &Entry)| {
            let (dialed, from) = (entry.link.dialed(), entry.link.from());
            Present { peer: *peer, dialed, from }
        };
        self.lock().iter().map(present).collect()
    }

    /// With how many points a peer comes.
    pub(crate) fn score(&self, peer: &PeerId, mono: u64) -> Score {
        whole(&self.scores).of(peer, mono)
    }

    /// Keeps a peer's points.
    pub(crate) fn remember(&self, peer: PeerId, score: Score) {
        whole(&self.scores).remember(peer, score);
    }

    pub(crate) fn all(&self) -> Vec<Entry> {
        self.lock().values().cloned().collect()
    }

    pub(crate) fn tick(&self) {
        for entry in self.all() {
            entry.tick.tell(Tick {});
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PeerId, Entry>> {
        whole(&self.peers)
    }
}

/// Maps of ports and points are whole whatever panicked beside them.
fn whole<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

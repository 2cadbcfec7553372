//! The peers that are connected now, and how mail reaches their actors.
//!
//! Connections come and go, so these ports cannot be given at the start like all others. The router writes it; whoever
//! must reach one peer reads it. Bounded by the connection limits of the wire.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use machines::PeerId;
use machines::peer::{Event, Offence};

use crate::peer::Delivery;
use crate::{Inspect, Mail, Port, Stop, Tick};

/// The ports of one connected peer's actor.
#[derive(Clone)]
pub(crate) struct Entry {
    pub deliver: Port<Delivery>,
    pub event: Port<Mail<Event>>,
    pub inspect: Port<Inspect>,
    pub stop: Port<Stop>,
    pub tick: Port<Tick>,
    /// Whether this node dialed.
    pub outbound: bool,
}

/// Connected peers by id.
#[derive(Clone, Default)]
pub struct Directory {
    peers: Arc<Mutex<BTreeMap<PeerId, Entry>>>,
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

    pub(crate) fn all(&self) -> Vec<Entry> {
        self.lock().values().cloned().collect()
    }

    pub(crate) fn tick(&self) {
        for entry in self.all() {
            entry.tick.tell(Tick {});
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PeerId, Entry>> {
        // A map of ports is whole whatever panicked beside it.
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

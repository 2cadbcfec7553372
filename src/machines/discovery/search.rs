//! When to announce this node, and when to look for others: lookups, questions to peers, names. Each less often the
//! longer nothing is found, and never so seldom that a network that formed in two parts stays in two.

/// Announce again: providers are kept for 20 minutes.
pub(super) const ANNOUNCE_MS: u64 = 240_000;
/// Look again while peers are missing: after 1 s, 2 s, 4 s … and at most this long.
pub(super) const MAX_LOOKUP_MS: u64 = 60_000;
const MIN_LOOKUP_MS: u64 = 1_000;
/// How often peers are asked for addresses while others are missing.
const EXCHANGE_MS: u64 = 120_000;
/// One feeler every two minutes.
const FEELER_MS: u64 = 120_000;

#[derive(Debug)]
pub(super) struct Search {
    announced_at: Option<u64>,
    lookup_at: u64,
    lookup_wait: u64,
    exchange_at: u64,
    feeler_at: u64,
}

impl Search {
    pub fn new() -> Self {
        Self { announced_at: None, lookup_at: 0, lookup_wait: MIN_LOOKUP_MS, exchange_at: 0, feeler_at: FEELER_MS }
    }

    /// Whether much may still be found: later the search only goes on in case somebody comes.
    pub fn is_young(&self) -> bool {
        self.lookup_wait < MAX_LOOKUP_MS
    }

    /// Somebody new is in the routing table, or somebody left: look again soon.
    pub fn again(&mut self, mono: u64) {
        self.lookup_at = self.lookup_at.min(mono.saturating_add(500));
        self.lookup_wait = MIN_LOOKUP_MS;
    }

    /// Whether to announce because the routing table has somebody new. What was announced to nobody reached nobody.
    pub fn announces_to_new(&mut self, mono: u64) -> bool {
        let due = self.announced_at.is_none_or(|at| at.saturating_add(1_000) <= mono);
        if due {
            self.announced_at = Some(mono);
        }
        due
    }

    pub fn announces_again(&mut self, mono: u64) -> bool {
        let due = self.announced_at.is_some_and(|at| at.saturating_add(ANNOUNCE_MS) <= mono);
        if due {
            self.announced_at = Some(mono);
        }
        due
    }

    pub fn looks_up(&mut self, mono: u64) -> bool {
        let due = self.lookup_at <= mono;
        if due {
            self.lookup_at = mono.saturating_add(self.lookup_wait);
            self.lookup_wait = (self.lookup_wait * 2).min(MAX_LOOKUP_MS);
        }
        due
    }

    pub fn asks_peers(&mut self, mono: u64) -> bool {
        let due = self.exchange_at <= mono;
        if due {
            self.exchange_at = mono.saturating_add(EXCHANGE_MS);
        }
        due
    }

    pub fn feels(&mut self, mono: u64) -> bool {
        let due = self.feeler_at <= mono;
        if due {
            self.feeler_at = mono.saturating_add(FEELER_MS);
        }
        due
    }
}

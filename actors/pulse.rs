//! The pulse of a node: whether every vital part lives, felt round by round, and told to whoever asks.
//!
//! Never sends a part anything: however many strangers ask how the node is, no mailbox is fuller for it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::Beat;

/// From one round to the next.
pub const PACE: Duration = Duration::from_secs(2);
/// A part that is not heard for so long in a round is silent.
pub const ANSWER: Duration = Duration::from_secs(2);
/// Whoever feels the pulse hangs when it told nothing for so long: a round and the silence in it take four seconds.
const STALE: Duration = Duration::from_secs(6);

/// What was found last.
#[derive(Debug, Clone)]
struct Finding {
    at: Instant,
    silent: Vec<&'static str>,
}

/// Where a pulse tells what it finds.
#[derive(Debug, Clone)]
pub(crate) struct Found(watch::Sender<Finding>);

impl Default for Found {
    /// Until something is found all is well.
    fn default() -> Self {
        Self(watch::Sender::new(Finding { at: Instant::now(), silent: Vec::new() }))
    }
}

impl Found {
    /// For whoever asks.
    pub fn signs(&self) -> Signs {
        Signs(self.0.subscribe())
    }
}

/// Knows what was found last.
#[derive(Debug, Clone)]
pub struct Signs(watch::Receiver<Finding>);

impl Signs {
    /// The parts that do not show that they live; all is well if there is none.
    pub fn silent(&self) -> Vec<&'static str> {
        self.silent_at(Instant::now())
    }

    fn silent_at(&self, now: Instant) -> Vec<&'static str> {
        let finding = self.0.borrow();
        let nobody_looks = (now.saturating_duration_since(finding.at) > STALE).then_some("main");
        finding.silent.iter().copied().chain(nobody_looks).collect()
    }
}

/// Asks round by round whether every vital part has got something done since the round began. What lies before a round
/// does not count in it, so no part is answered for by another one, nor by its own past.
#[derive(Debug)]
pub struct Pulse {
    parts: Vec<(&'static str, Beat, u64)>,
    found: Found,
}

impl Pulse {
    pub(crate) fn of(parts: Vec<(&'static str, Beat)>, found: Found) -> Self {
        let mut pulse = Self { parts: parts.into_iter().map(|(part, beat)| (part, beat, 0)).collect(), found };
        pulse.begin();
        pulse
    }

    /// Begins a round.
    pub fn begin(&mut self) {
        for (_, beat, seen) in &mut self.parts {
            *seen = beat.load(Ordering::Relaxed);
        }
    }

    /// The parts of which nothing was heard in this round.
    pub fn silent(&self) -> Vec<&'static str> {
        let silent = self.parts.iter().filter(|(_, beat, seen)| beat.load(Ordering::Relaxed) == *seen);
        silent.map(|(part, ..)| *part).collect()
    }

    /// Tells who is silent.
    pub fn tell(&self, silent: Vec<&'static str>) {
        self.found.0.send_replace(Finding { at: Instant::now(), silent });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Vital;

    #[test]
    fn o03_a_part_that_was_heard_before_a_round_is_not_heard_in_it() {
        let (vital, _watch) = Vital::channel();
        let (chain, ticker) = (vital.of("chain"), vital.of("ticker"));
        let mut pulse = vital.pulse();
        assert_eq!(pulse.silent(), ["chain", "ticker"]);
        chain.beat();
        assert_eq!(pulse.silent(), ["ticker"], "nobody answers for another");
        ticker.beat();
        assert!(pulse.silent().is_empty());
        pulse.begin();
        assert_eq!(pulse.silent(), ["chain", "ticker"], "nor for itself once and for all");
    }

    #[test]
    fn o02_who_is_silent_is_known_and_so_is_that_nobody_looks() {
        let (vital, _watch) = Vital::channel();
        let (pulse, signs) = (vital.pulse(), vital.signs());
        assert!(signs.silent().is_empty());
        pulse.tell(vec!["chain"]);
        assert_eq!(signs.silent(), ["chain"]);
        pulse.tell(Vec::new());
        assert!(signs.silent().is_empty());
        let later = Instant::now() + STALE + Duration::from_millis(1);
        assert_eq!(signs.silent_at(later), ["main"], "what was found long ago says nothing");
    }
}

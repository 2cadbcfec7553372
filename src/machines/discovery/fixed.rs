//! The peers of the configuration: tried for ever, kept whatever else there is. Names of seeds are not among them.

use super::place::bare;
use super::seeds::name_of;
use super::{Fixed, jitter::Jitter};
use crate::PeerId;

/// A fixed peer that cannot be reached is tried again after 1 s, 2 s … and at most this long: two nodes that start at any
/// time after one another shall be connected half a minute later.
const MAX_WAIT_MS: u64 = 25_000;
/// One that leaves sooner counts as not reached: it may be full.
const SHORT_MS: u64 = 10_000;

/// How this node stands with a fixed peer.
#[derive(Debug)]
enum Standing {
    /// Not connected; not tried before this time.
    Away { not_before: u64 },
    /// This peer answered there.
    Answered { by: PeerId },
    /// That is this node: never tried again.
    Ourselves,
}

#[derive(Debug)]
struct One {
    fixed: Fixed,
    failures: u32,
    standing: Standing,
}

#[derive(Debug)]
pub(super) struct FixedPeers {
    jitter: Jitter,
    all: Vec<One>,
}

impl One {
    /// It was not reached: tried again later, later each time, for ever.
    fn failed(&mut self, jitter: Jitter, mono: u64) {
        self.failures = self.failures.saturating_add(1);
        let length = jitter.wait(500, self.failures, MAX_WAIT_MS, &self.fixed);
        self.standing = Standing::Away { not_before: mono.saturating_add(length) };
    }
}

impl FixedPeers {
    pub fn new(me: PeerId, fixed: Vec<Fixed>) -> Self {
        let one = |fixed: Fixed| {
            let own = fixed.peer == Some(me);
            let standing = if own { Standing::Ourselves } else { Standing::Away { not_before: 0 } };
            One { fixed, failures: 0, standing }
        };
        let peers = fixed.into_iter().filter(|fixed| name_of(&fixed.address).is_none());
        Self { jitter: Jitter::of(me), all: peers.map(one).collect() }
    }

    /// Others from now on. Whoever was among them keeps its standing; who is no more is an ordinary peer.
    pub fn replace(&mut self, me: PeerId, fixed: Vec<Fixed>) {
        let mut old = std::mem::replace(self, Self::new(me, fixed)).all;
        for one in &mut self.all {
            if let Some(place) = old.iter().position(|old| old.fixed == one.fixed) {
                *one = old.swap_remove(place);
            }
        }
    }

    /// Whether a peer is one of them.
    pub fn has(&self, peer: &PeerId) -> bool {
        let is = |one: &One| matches!(one.standing, Standing::Answered { by } if by == *peer);
        self.all.iter().any(|one| one.fixed.peer == Some(*peer) || is(one))
    }

    /// Those that are to be dialed now. `there` tells who is connected or refused.
    pub fn due(&self, mono: u64, there: impl Fn(&PeerId) -> bool) -> Vec<Fixed> {
        let due = |one: &&One| match one.standing {
            Standing::Away { not_before } => not_before <= mono && !one.fixed.peer.as_ref().is_some_and(&there),
            Standing::Answered { .. } | Standing::Ourselves => false,
        };
        self.all.iter().filter(due).map(|one| one.fixed.clone()).collect()
    }

    pub fn answered(&mut self, address: &str, by: PeerId) {
        for one in self.at(address) {
            one.standing = Standing::Answered { by };
        }
    }

    pub fn ourselves(&mut self, address: &str) {
        for one in self.at(address) {
            one.standing = Standing::Ourselves;
        }
    }

    /// A dial of an address, or of a peer at whatever address, failed.
    pub fn failed(&mut self, peer: Option<PeerId>, addresses: &[String], mono: u64) {
        for one in &mut self.all {
            let meant = peer.is_some() && one.fixed.peer == peer;
            let at = addresses.iter().any(|address| bare(&one.fixed.address) == bare(address));
            if matches!(one.standing, Standing::Away { not_before } if not_before <= mono) && (meant || at) {
                one.failed(self.jitter, mono);
            }
        }
    }

    /// A dial of an address was not tried: later, without counting against it.
    pub fn not_tried(&mut self, address: &str, mono: u64) {
        for one in self.at(address) {
            one.standing = Standing::Away { not_before: mono.saturating_add(MAX_WAIT_MS) };
        }
    }

    /// A peer left after so long, with or without having passed the handshake.
    pub fn left(&mut self, peer: &PeerId, after_ms: u64, was_ready: bool, mono: u64) {
        for one in &mut self.all {
            if !matches!(one.standing, Standing::Answered { by } if by == *peer) {
                continue;
            }
            if was_ready && after_ms >= SHORT_MS {
                one.failures = 0;
            }
            one.failed(self.jitter, mono);
        }
    }

    fn at<'a>(&'a mut self, address: &'a str) -> impl Iterator<Item = &'a mut One> {
        let may_change = |one: &&mut One| !matches!(one.standing, Standing::Ourselves);
        self.all.iter_mut().filter(may_change).filter(move |one| bare(&one.fixed.address) == bare(address))
    }
}

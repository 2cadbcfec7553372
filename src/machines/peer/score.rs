//! What misbehaving costs a peer, and when it is enough.
//!
//! | what | points |
//! |---|---|
//! | no message of this protocol; more than was asked for or allowed; an answer to another question | 50 |
//! | breaks a rule of the chain: a header, a block, a transaction that is invalid for everybody | 34 |
//! | a kind of message that is not known yet, another chain or version, a question for what is not here, silence, too many questions | 0 |
//!
//! At 100 points a peer is refused for a while; so the second of the first kind or the third of the second is enough.
//! One point is forgiven every 10 s. That a peer knows better than this node is never an offence.

/// Points at which a peer is refused.
const MAX_POINTS: u32 = 100;
/// Every this many milliseconds one point is forgiven: a cosmic ray a day harms nobody.
const FORGIVE_MS: u64 = 10_000;

/// How bad something was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offence {
    /// What honest software never sends.
    Malformed,
    /// It breaks a rule of the chain.
    BreaksARule,
    /// It delivers what it must have changed itself.
    Forges,
}

impl Offence {
    fn points(self) -> u32 {
        match self {
            Self::Malformed => 50,
            Self::BreaksARule => 34,
            Self::Forges => MAX_POINTS,
        }
    }
}

/// The points of one peer.
#[derive(Debug)]
pub(super) struct Score {
    points: u32,
    forgiven_at: u64,
}

impl Score {
    pub fn new(mono: u64) -> Self {
        Self { points: 0, forgiven_at: mono }
    }

    pub fn points(&self) -> u32 {
        self.points
    }

    /// Counts an offence; says whether it is enough.
    pub fn count(&mut self, offence: Offence, mono: u64) -> bool {
        self.forgive(mono);
        self.points = self.points.saturating_add(offence.points());
        self.points >= MAX_POINTS
    }

    /// Forgives what time has healed.
    pub fn forgive(&mut self, mono: u64) {
        let forgiven = mono.saturating_sub(self.forgiven_at) / FORGIVE_MS;
        self.forgiven_at += forgiven * FORGIVE_MS;
        self.points = self.points.saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX));
    }
}

//! What misbehaving costs a peer, and when it is enough.
//!
//! | what | points |
//! |---|---|
//! | no message of this protocol; more than was asked for or allowed; an answer to another question | 50 |
//! | breaks a rule of the chain: a header, a block, a transaction that is invalid for everybody | 34 |
//! | a kind of message that is not known yet, another chain or version, a question for what is not here, silence, too many questions | 0 |
//!
//! At 100 points a peer is refused for a while; so the second of the first kind or the third of the second is enough.
//! One point is forgiven every 10 s, connected or not: leaving takes nothing back. That a peer knows better than this
//! node is never an offence.

use crate::PeerId;
use crate::timed::Timed;

/// Points at which a peer is refused.
const MAX_POINTS: u32 = 100;
/// Every this many milliseconds one point is forgiven: a cosmic ray a day harms nobody.
const FORGIVE_MS: u64 = 10_000;
/// Peers whose points are remembered: as many as are refused at once. Ids cost nothing, so more would only help who makes
/// them; the one that is forgiven first makes room.
const MAX_SCORES: usize = 1_000;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Score {
    points: u32,
    forgiven_at: u64,
}

impl Score {
    /// No points yet.
    pub fn new(mono: u64) -> Self {
        Self { points: 0, forgiven_at: mono }
    }

    pub(super) fn points(&self) -> u32 {
        self.points
    }

    /// Counts an offence; says whether it is enough.
    pub(super) fn count(&mut self, offence: Offence, mono: u64) -> bool {
        self.forgive(mono);
        self.points = self.points.saturating_add(offence.points());
        self.points >= MAX_POINTS
    }

    /// Forgives what time has healed.
    pub(super) fn forgive(&mut self, mono: u64) {
        let forgiven = mono.saturating_sub(self.forgiven_at) / FORGIVE_MS;
        self.forgiven_at += forgiven * FORGIVE_MS;
        self.points = self.points.saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX));
    }

    fn forgotten_at(&self) -> u64 {
        self.forgiven_at.saturating_add(FORGIVE_MS.saturating_mul(self.points.into()))
    }
}

/// The points of those who have any, also while they are away. Bounded.
#[derive(Debug)]
pub struct Scores(Timed<PeerId, Score>);

impl Default for Scores {
    fn default() -> Self {
        Self(Timed::new(MAX_SCORES))
    }
}

impl Scores {
    /// With how many points a peer comes.
    pub fn of(&mut self, peer: &PeerId, mono: u64) -> Score {
        self.0.expire(mono);
        let mut score = self.0.get(peer).map_or(Score::new(mono), |(_, score)| *score);
        score.forgive(mono);
        score
    }

    /// Keeps a peer's points.
    pub fn remember(&mut self, peer: PeerId, score: Score) {
        self.0.insert(peer, score.forgotten_at(), score);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u64) -> PeerId {
        let mut bytes = [1; 32];
        bytes[..8].copy_from_slice(&n.to_le_bytes());
        PeerId(bytes)
    }

    #[test]
    fn p21_the_points_of_a_million_ids_leave_a_thousand_and_who_has_most_is_not_forgotten_first() {
        let mut scores = Scores::default();
        let points = |count: u32, offence, mono| {
            let mut score = Score::new(mono);
            for _ in 0..count {
                score.count(offence, mono);
            }
            score
        };
        scores.remember(id(0), points(2, Offence::BreaksARule, 0));
        for n in 1..1_000_000 {
            scores.remember(id(n), points(1, Offence::Malformed, 0));
        }
        assert_eq!(scores.0.len(), MAX_SCORES);
        assert_eq!(scores.of(&id(0), 0).points(), 68);
        assert_eq!(scores.of(&id(0), 68 * FORGIVE_MS - 1).points(), 1);
        assert_eq!(scores.of(&id(0), 68 * FORGIVE_MS).points(), 0);
        assert_eq!(scores.0.len(), 0, "nothing is kept of what is forgiven");
    }
}

//! Questions for headers that have no answer yet: one for each peer at most.
//!
//! A question stays open until its answer comes or its time is over, whatever this node does meanwhile: so no answer
//! that arrives is lost, and a peer that never answers is asked one thing at a time.

use ledger::{BlockId, Tip};

use super::Ask;
use crate::PeerId;

/// A question for headers.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub ask: Ask,
    pub peer: PeerId,
    pub at: u64,
    /// How many it may give.
    pub limit: usize,
    /// Ends of the branches that they may continue.
    pub ends: Vec<BlockId>,
    /// What it claimed when it was asked: an honest chain never loses work.
    pub claimed: Tip,
}

/// All that are open.
#[derive(Debug, Default)]
pub(super) struct Questions(Vec<Question>);

impl Questions {
    pub fn add(&mut self, question: Question) {
        self.0.push(question);
    }

    pub fn iter(&self) -> impl Iterator<Item = &Question> {
        self.0.iter()
    }

    pub fn get(&self, ask: Ask) -> Option<&Question> {
        self.0.iter().find(|question| question.ask == ask)
    }

    /// The question to this peer.
    pub fn to(&self, peer: &PeerId) -> Option<Ask> {
        self.0.iter().find(|question| question.peer == *peer).map(|question| question.ask)
    }

    /// It is open no longer.
    pub fn take(&mut self, ask: Ask) -> Option<Question> {
        let at = self.0.iter().position(|question| question.ask == ask)?;
        Some(self.0.swap_remove(at))
    }
}

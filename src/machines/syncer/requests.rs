//! Questions for bodies that are open: whom they were asked of, since when, and what of their blocks is still to come.
//!
//! Decides which of them keeps somebody waiting. Never what is asked next.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::download::Source;
use super::event::Ask;
use super::record::Pace;
use crate::PeerId;

/// A question for some blocks of a run, named by their index in it.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub peer: PeerId,
    pub blocks: Range<usize>,
    /// Those of them that have not arrived: none when others were sooner.
    open: Range<usize>,
    pub at: u64,
}

impl Request {
    fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    fn is_open_for(&self, blocks: &Range<usize>) -> bool {
        self.is_open() && self.open.start < blocks.end && blocks.start < self.open.end
    }

    /// These arrived.
    fn arrived(&mut self, blocks: &Range<usize>) {
        if blocks.contains(&self.open.start) {
            self.open.start = blocks.end.min(self.open.end);
        } else if blocks.start < self.open.end && self.open.end <= blocks.end {
            self.open.end = blocks.start.max(self.open.start);
        }
    }
}

/// All questions that were neither answered nor given up.
#[derive(Debug, Clone, Default)]
pub(super) struct Requests(BTreeMap<Ask, Request>);

impl Requests {
    pub fn add(&mut self, ask: Ask, peer: PeerId, blocks: Range<usize>, at: u64) {
        self.0.insert(ask, Request { peer, open: blocks.clone(), blocks, at });
    }

    /// It was answered, or given up.
    pub fn take(&mut self, ask: Ask) -> Option<Request> {
        self.0.remove(&ask)
    }

    /// How many a peer was asked, also such whose blocks others delivered sooner.
    pub fn of(&self, peer: &PeerId) -> impl Iterator<Item = Ask> {
        self.0.iter().filter(move |(_, request)| request.peer == *peer).map(|(ask, _)| *ask)
    }

    /// Who is asked for what has not arrived.
    pub fn peers(&self) -> BTreeSet<PeerId> {
        self.open().map(|request| request.peer).collect()
    }

    /// Whether anybody is.
    pub fn is_any_open(&self) -> bool {
        self.open().next().is_some()
    }

    /// Whether this block is asked for.
    pub fn is_for(&self, index: usize) -> bool {
        self.0.values().any(|request| request.open.contains(&index))
    }

    /// Blocks that are asked for, each as often as it is.
    pub fn blocks(&self) -> usize {
        self.0.values().map(|request| request.open.len()).sum()
    }

    /// These blocks arrived. Tells whether any of them was asked for after `at` too.
    pub fn arrived(&mut self, blocks: &Range<usize>, at: u64) -> bool {
        let mut later = false;
        for request in self.0.values_mut().filter(|request| request.is_open_for(blocks)) {
            later |= request.at > at;
            request.arrived(blocks);
        }
        later
    }

    /// Questions that are older than the deadline of whom they were asked.
    pub fn overdue(&self, now: u64, deadline: impl Fn(&PeerId) -> u64) -> Vec<Ask> {
        let late = |request: &Request| request.at.saturating_add(deadline(&request.peer)) <= now;
        self.0.iter().filter(|(_, request)| late(request)).map(|(ask, _)| *ask).collect()
    }

    /// The lowest blocks with which everybody who was asked for them keeps this source waiting.
    pub fn late(&self, source: &Source, now: u64, pace: impl Fn(&PeerId) -> Pace) -> Option<Range<usize>> {
        let late = |request: &Request| request.at.saturating_add(pace(&request.peer).patience(source.pace)) <= now;
        let mut open: BTreeMap<usize, (usize, bool)> = BTreeMap::new();
        for request in self.open() {
            let (end, for_us) = open.entry(request.open.start).or_insert((request.open.end, true));
            *end = (*end).min(request.open.end);
            *for_us &= request.peer != source.peer && late(request);
        }
        open.into_iter().find(|(_, (_, for_us))| *for_us).map(|(start, (end, _))| start..end)
    }

    /// The blocks that somebody is asked for who has shown that it delivers; none if nobody is. Of these the lowest that
    /// nobody else is asked for.
    pub fn of_the_proven(&self, pace: impl Fn(&PeerId) -> Pace) -> Option<Option<Range<usize>>> {
        let proven: Vec<_> = self.open().filter(|request| pace(&request.peer).is_proven()).collect();
        let alone = |asked: &&&Request| self.0.values().filter(|other| other.is_open_for(&asked.open)).count() == 1;
        let lowest = || proven.iter().filter(alone).map(|request| request.open.clone()).min_by_key(|open| open.start);
        (!proven.is_empty()).then(lowest)
    }

    fn open(&self) -> impl Iterator<Item = &Request> {
        self.0.values().filter(|request| request.is_open())
    }
}

//! Moving to a branch so far away that the blocks on the way would not fit into memory together.
//!
//! The way is gone in steps of bounded weight. Each is staged, the last one is the commit that makes all of them durable
//! at once: until then everybody sees the old chain, and a crash leaves it, without the block that led away from it; so
//! whoever offers that block again starts the move again. A branch that turns out to be invalid is abandoned, and its
//! valid part followed if that still has the most work (F2).
//!
//! Between two steps nothing else is decided: [`Effect::GoOn`] comes back before any other event, as [`Event::GiveUp`] if
//! the node stops, which leaves what a crash would. Held over all steps are ids of blocks, and what the watched account
//! has in them.

use std::collections::VecDeque;
use std::sync::Arc;

use ledger::{BlockId, ChainSource, CheckedBlock, ViewError, Work};

use super::branches::{Finished, Progress, STEP, Session, Way, weight};
use super::{Chain, Effect, Source, State, TipChanged};
use crate::Now;

/// What is left to do before the next event.
#[derive(Debug)]
pub(super) enum Job {
    /// Go to the branch that ends in a block, if it has the most work.
    Follow(Head, Source),
    /// Go on with a move.
    Move(Box<Move>),
    /// Transactions of these blocks, which left the chain, may wait again. The lowest come last.
    Return(Vec<BlockId>),
    /// Take in blocks that came behind the one that led away.
    Connect(VecDeque<(Arc<CheckedBlock>, Source)>),
}

/// Where a move leads.
#[derive(Debug)]
pub(super) enum Head {
    /// A block that is kept when the chain moves, not before.
    New(Arc<CheckedBlock>, Work),
    /// A block that is kept.
    Kept(BlockId),
}

/// A move under way.
#[derive(Debug)]
pub(super) struct Move {
    way: Way,
    head: Head,
    source: Source,
    /// Whether the head is staged already.
    begun: bool,
    /// What happened, up to where the staged chain ends.
    changed: TipChanged,
    /// Blocks that left, the old tip first.
    left: Vec<BlockId>,
}

impl Move {
    fn step(&mut self, session: &mut Session) -> Result<Progress, ViewError> {
        if !self.begun
            && let Head::New(block, work) = &self.head
        {
            session.keep(block.clone(), *work);
        }
        self.begun = true;
        session.go_on(&mut self.way, STEP)
    }
}

impl Chain {
    /// Does the next part of what is left.
    pub(super) fn go_on(
        &mut self,
        now: Now,
        view: &dyn ChainSource,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ViewError> {
        match self.jobs.pop_front() {
            Some(Job::Follow(head, source)) => self.follow(head, source, view)?,
            Some(Job::Move(to)) => self.move_on(now, to, view, effects)?,
            Some(Job::Return(blocks)) => self.return_some(now, blocks, view)?,
            Some(Job::Connect(blocks)) => self.connect(now, blocks, view, effects)?,
            None => {}
        }
        Ok(())
    }

    /// Leaves undone what is left. A move is as if it had never begun; after one that is done, nothing waits again.
    pub(super) fn give_up(&mut self, effects: &mut Vec<Effect>) {
        if std::mem::take(&mut self.jobs).iter().any(|job| matches!(job, Job::Move(_))) {
            effects.push(Effect::Abandon);
        }
    }

    /// Adds what has to be done at once.
    pub(super) fn first(&mut self, job: Job) {
        self.jobs.push_front(job);
    }

    fn follow(&mut self, head: Head, source: Source, view: &dyn ChainSource) -> Result<(), ViewError> {
        let network = self.network.clone();
        let session = Session::new(&network, view, self.tip, None);
        let way = match &head {
            Head::New(block, _) => session.way_to(block.id(), block.header().previous)?,
            Head::Kept(id) => match session.known(id)? {
                Some(known) if known.work > self.tip.work => session.way_to(*id, known.header.previous)?,
                _ => return Ok(()),
            },
        };
        let changed = TipChanged::none(self.tip);
        self.first(Job::Move(Box::new(Move { way, head, source, begun: false, changed, left: Vec::new() })));
        Ok(())
    }

    /// The next step of a move.
    fn move_on(
        &mut self,
        now: Now,
        mut to: Box<Move>,
        view: &dyn ChainSource,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ViewError> {
        let network = self.network.clone();
        let mut session = Session::new(&network, view, to.changed.tip, self.watched);
        let progress = to.step(&mut session)?;
        if let Progress::Blocked(error) = progress {
            let invalid = to.way.join.last().map(|id| session.known(id)).transpose()?.flatten();
            effects.push(Effect::Abandon);
            // Everything stays as it was, but what the invalid block is on may still have the most work.
            if let Some(invalid) = invalid {
                self.first(Job::Follow(Head::Kept(invalid.header.previous), to.source));
            }
            self.refuse_branch(now, to.way.join, error, to.source, effects);
            return Ok(());
        }
        if let Progress::Arrived = progress {
            let waiting = self.pool.senders();
            self.pool.settle(waiting.iter(), session.accounts())?;
        }
        let Some(Finished { commit, changed, left }) = session.finish() else { return Ok(()) };
        to.left.extend(left.iter().map(|block| block.id()));
        if let Some(changed) = changed {
            to.changed.then(changed);
        }
        match progress {
            Progress::Arrived => {
                effects.push(Effect::Commit(commit));
                self.arrived(*to, effects);
            }
            _ => {
                effects.push(Effect::Stage(commit));
                self.first(Job::Move(to));
            }
        }
        Ok(())
    }

    fn arrived(&mut self, to: Move, effects: &mut Vec<Effect>) {
        let Move { head, source, changed, left, .. } = to;
        self.tip = changed.tip;
        self.count_reorganisation(changed.left);
        if let Head::New(block, _) = head {
            let orphans: VecDeque<_> = self.orphans.take(&block.id()).collect();
            if !orphans.is_empty() {
                self.first(Job::Connect(orphans));
            }
            self.tell_taken(vec![(block, source)], effects);
        }
        self.first(Job::Return(left));
        effects.push(Effect::TipChanged(changed));
    }

    /// Transactions of blocks that left wait again, as far as the pool has room: as many blocks as a step has.
    fn return_some(&mut self, now: Now, mut blocks: Vec<BlockId>, view: &dyn ChainSource) -> Result<(), ViewError> {
        let network = self.network.clone();
        let session = Session::new(&network, view, self.tip, None);
        let mut seen = 0;
        while seen < STEP
            && let Some(id) = blocks.pop()
        {
            let block = session.body(&id)?;
            seen += weight(block.transactions().len());
            self.put_back(now, &block, view);
        }
        if !blocks.is_empty() {
            self.first(Job::Return(blocks));
        }
        Ok(())
    }

    /// Whether there is a move, or something that left with one is not back.
    pub(super) fn is_moving(&self) -> bool {
        self.jobs.iter().any(|job| matches!(job, Job::Move(_) | Job::Return(_)))
    }

    /// How far a move is, while there is one.
    pub(super) fn moving(&self) -> Option<State> {
        let Some(Job::Move(to)) = self.jobs.front() else { return None };
        let TipChanged { left, joined, .. } = to.changed;
        Some(State::Reorganising { tip: self.tip, left, joined, to_join: to.way.join.len() })
    }
}

//! Headers that are held until their bodies are fetched: of two branches at most, so that nobody who shows another branch
//! takes away what somebody else has shown.
//!
//! Decides which two. Never whether they are worth fetching.

use ledger::{BlockId, ChainSource, Header, ViewError, Work};

use super::headers::HeaderRun;
use super::questions::Question;

/// Headers of two branches.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Whoever leads told it last, or the one with the most work.
    front: Option<HeaderRun>,
    /// Of all others the one with the most work.
    beside: Option<HeaderRun>,
}

impl Held {
    /// The branch that whoever leads told last, or the one with the most work.
    pub fn front(&self) -> Option<&HeaderRun> {
        self.front.as_ref()
    }

    /// Where they end, the most work first: one may be a part of the other, and whoever has both begins at the better.
    pub fn ends(&self) -> Vec<BlockId> {
        let mut runs: Vec<_> = self.iter().collect();
        runs.sort_by_key(|run| std::cmp::Reverse(run.work));
        runs.into_iter().map(HeaderRun::last_id).collect()
    }

    /// The most work that they show.
    pub fn work(&self) -> Work {
        self.iter().map(|run| run.work).max().unwrap_or(Work::ZERO)
    }

    /// How many the longer one has.
    pub fn longest(&self) -> usize {
        self.iter().map(|run| run.ids.len()).max().unwrap_or(0)
    }

    /// Takes out the branch that an answer continues, with what it adds.
    pub fn take_continued<'a>(
        &mut self,
        question: &Question,
        headers: &'a [Header],
    ) -> Option<(HeaderRun, &'a [Header])> {
        // Who has no more than one of them ends there: where it said, or else at the better one. It may have grown since.
        let fits = |run: &HeaderRun| {
            let as_claimed = headers.is_empty() && run.last_id() == question.claimed.id;
            (as_claimed || run.rest_of(headers, &question.ends).is_some()).then_some((as_claimed, run.work))
        };
        let places = [&mut self.front, &mut self.beside].into_iter();
        let fitting = places.filter_map(|place| Some((place.as_ref().and_then(fits)?, place)));
        let run = fitting.max_by_key(|(fit, _)| *fit)?.1.take()?;
        let rest = run.rest_of(headers, &question.ends).unwrap_or_default();
        Some((run, rest))
    }

    /// Whoever leads told this branch last.
    pub fn lead(&mut self, run: HeaderRun) {
        if let Some(old) = self.front.replace(run) {
            self.set_aside(old);
        }
    }

    /// Holds a branch for whoever continues it: in front if it shows the most work.
    pub fn add(&mut self, run: HeaderRun) {
        if self.front.as_ref().is_none_or(|front| front.work < run.work) { self.lead(run) } else { self.set_aside(run) }
    }

    /// Those that show no more work than this are needed no longer.
    pub fn only_above(&mut self, work: Work) {
        self.front.take_if(|run| run.work <= work);
        self.beside.take_if(|run| run.work <= work);
        self.close_up();
    }

    /// A branch with this block is worth nothing.
    pub fn forget(&mut self, id: &BlockId) {
        self.front.take_if(|run| run.ids.contains(id));
        self.beside.take_if(|run| run.ids.contains(id));
        self.close_up();
    }

    /// Leaves out what was stored meanwhile, and what does not follow our blocks any more.
    pub fn forget_stored(&mut self, view: &dyn ChainSource) -> Result<(), ViewError> {
        for place in [&mut self.front, &mut self.beside] {
            let Some(run) = place else { continue };
            run.forget_stored(view)?;
            if run.ids.is_empty() || !run.has_base(view)? {
                *place = None;
            }
        }
        self.close_up();
        Ok(())
    }

    fn close_up(&mut self) {
        if self.front.is_none() {
            self.front = self.beside.take();
        }
    }

    fn set_aside(&mut self, run: HeaderRun) {
        if self.beside.as_ref().is_none_or(|beside| beside.work < run.work) {
            self.beside = Some(run);
        }
    }

    fn iter(&self) -> impl Iterator<Item = &HeaderRun> {
        self.front.iter().chain(&self.beside)
    }
}

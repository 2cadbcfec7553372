//! Moving the chain: which branch has the most work, and the one [`Commit`] that takes the accounts there.
//!
//! A [`Session`] collects everything that one event changes. Nothing is visible to anybody until the commit is durable.

use std::collections::HashMap;
use std::sync::Arc;

use ledger::apply::{ApplyError, Overlay, Undo};
use ledger::{
    BlockError, BlockId, ChainSource, CheckedBlock, Commit, Connect, Header, Network, NewBlock, Tip, ViewError, Work,
    check,
};

use super::TipChanged;

/// What becomes of a block.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is the new tip, or on the way to it.
    Connected,
    /// It is kept beside the chain.
    Kept,
    /// It was there before.
    Known,
    /// It is refused.
    Refused(BlockId, BlockError),
    /// A block before it on its branch is refused, and with it all that follow: the refused one comes last.
    BranchRefused(Vec<BlockId>, BlockError),
}

/// Changes on top of what is stored.
pub(super) struct Session<'a> {
    network: &'a Arc<Network>,
    view: &'a dyn ChainSource,
    overlay: Overlay<'a>,
    tip: Tip,
    keep: Vec<NewBlock>,
    kept: HashMap<BlockId, usize>,
    connect: Vec<Connect>,
    disconnect: Vec<Arc<CheckedBlock>>,
}

/// A header with its cumulative work.
pub(super) struct Known {
    pub header: Header,
    pub work: Work,
}

impl<'a> Session<'a> {
    pub fn new(network: &'a Arc<Network>, view: &'a dyn ChainSource, tip: Tip) -> Self {
        Self {
            network,
            view,
            overlay: Overlay::new(view),
            tip,
            keep: Vec::new(),
            kept: HashMap::new(),
            connect: Vec::new(),
            disconnect: Vec::new(),
        }
    }

    pub fn tip(&self) -> Tip {
        self.tip
    }

    pub fn accounts(&self) -> &Overlay<'a> {
        &self.overlay
    }

    /// A header of any branch, in this session or stored.
    pub fn known(&self, id: &BlockId) -> Result<Option<Known>, ViewError> {
        if let Some(new) = self.kept.get(id).map(|&i| &self.keep[i]) {
            return Ok(Some(Known { header: new.block.header().clone(), work: new.work }));
        }
        Ok(self.view.header(id)?.map(|stored| Known { header: stored.header, work: stored.work }))
    }

    /// Checks a block in the context of its parent, which is known, and takes it in.
    pub fn add(&mut self, block: Arc<CheckedBlock>, parent: &Known, unix: u64) -> Result<Outcome, ViewError> {
        if self.known(&block.id())?.is_some() {
            return Ok(Outcome::Known);
        }
        let header = block.header();
        let grandparent = match parent.header.height {
            0 => None,
            _ => self.known(&parent.header.previous)?.map(|known| known.header),
        };
        let refused = |error| Ok(Outcome::Refused(block.id(), error));
        if let Err(error) = check::header_in_context(header, &parent.header, grandparent.as_ref(), self.network) {
            return refused(error);
        }
        if let Err(error) = check::not_from_the_future(header, unix, self.network) {
            return refused(error);
        }
        let Some(work) = header.target.work().ok().and_then(|work| parent.work.checked_add(work)) else {
            return refused(BlockError::Overflow);
        };
        if header.previous == self.tip.id {
            return self.extend(block, work);
        }
        self.kept.insert(block.id(), self.keep.len());
        self.keep.push(NewBlock { block: block.clone(), work });
        // F1: equal work does not move the chain.
        if work > self.tip.work { self.reorganise(&block) } else { Ok(Outcome::Kept) }
    }

    /// What to store and what to tell, if anything changed.
    pub fn finish(self) -> Option<(Commit, Option<TipChanged>)> {
        if self.keep.is_empty() && self.connect.is_empty() && self.disconnect.is_empty() {
            return None;
        }
        let moved = !self.connect.is_empty() || !self.disconnect.is_empty();
        let changed = moved.then(|| TipChanged {
            tip: self.tip,
            disconnected: self.disconnect.clone(),
            connected: self.connect.iter().map(|connect| connect.block.clone()).collect(),
        });
        let commit = Commit {
            keep: self.keep,
            disconnect: self.disconnect.iter().map(|block| block.id()).collect(),
            connect: self.connect,
            accounts: self.overlay.into_changes(),
            tip: self.tip,
        };
        Some((commit, changed))
    }

    /// The block follows the tip.
    fn extend(&mut self, block: Arc<CheckedBlock>, work: Work) -> Result<Outcome, ViewError> {
        match self.connect(&block, work) {
            Ok(()) => {
                self.kept.insert(block.id(), self.keep.len());
                self.keep.push(NewBlock { block, work });
                Ok(Outcome::Connected)
            }
            Err(ApplyError::Invalid(error)) => Ok(Outcome::Refused(block.id(), error)),
            Err(ApplyError::View(error)) => Err(error),
        }
    }

    fn connect(&mut self, block: &Arc<CheckedBlock>, work: Work) -> Result<(), ApplyError> {
        let undo = self.overlay.apply(block, self.network)?;
        self.connect.push(Connect { block: block.clone(), undo });
        self.tip = Tip { id: block.id(), height: block.header().height, work, time: block.header().time };
        Ok(())
    }

    /// Moves to the branch that ends in `head`, or, where a block of it is invalid, to wherever the most work is (F2).
    fn reorganise(&mut self, head: &Arc<CheckedBlock>) -> Result<Outcome, ViewError> {
        let before = (self.overlay.clone(), self.tip, self.connect.clone(), self.disconnect.clone());
        let mut branch = vec![head.id()];
        let mut below = head.header().previous;
        while !self.is_on_chain(&below)? {
            branch.push(below);
            below = self.must_know(&below)?.header.previous;
        }
        while self.tip.id != below {
            self.disconnect_tip()?;
        }
        for id in branch.iter().rev() {
            let block = self.body(id)?;
            let work = self.must_know(id)?.work;
            match self.connect(&block, work) {
                Ok(()) => {}
                Err(ApplyError::View(error)) => return Err(error),
                Err(ApplyError::Invalid(error)) => {
                    let bad: Vec<_> = branch.iter().copied().take_while(|other| other != id).chain([*id]).collect();
                    self.forget(&bad);
                    // The valid part of the branch may still have the most work.
                    if self.tip.work <= before.1.work {
                        (self.overlay, self.tip, self.connect, self.disconnect) = before;
                    }
                    return Ok(Outcome::BranchRefused(bad, error));
                }
            }
        }
        Ok(Outcome::Connected)
    }

    /// Takes the tip off the chain. A block of this session simply is not connected any more.
    fn disconnect_tip(&mut self) -> Result<(), ViewError> {
        let (block, undo) = match self.connect.pop() {
            Some(connect) => (connect.block, connect.undo),
            None => {
                let block = self.body(&self.tip.id)?;
                let undo: Undo = self.view.undo(&self.tip.id)?.ok_or_else(|| missing("undo data", &self.tip.id))?;
                self.disconnect.push(block.clone());
                (block, undo)
            }
        };
        self.overlay.revert(&undo);
        let parent = block.header().previous;
        let Known { header, work } = self.must_know(&parent)?;
        self.tip = Tip { id: parent, height: header.height, work, time: header.time };
        Ok(())
    }

    /// Blocks from the invalid one on are not kept.
    fn forget(&mut self, bad: &[BlockId]) {
        self.keep.retain(|new| !bad.contains(&new.block.id()));
        self.kept = self.keep.iter().enumerate().map(|(i, new)| (new.block.id(), i)).collect();
    }

    fn is_on_chain(&self, id: &BlockId) -> Result<bool, ViewError> {
        if *id == self.tip.id || self.connect.iter().any(|connect| connect.block.id() == *id) {
            return Ok(true);
        }
        let height = self.must_know(id)?.header.height;
        let lowest_left = self.disconnect.last().map_or(u64::MAX, |block| block.header().height);
        Ok(height < lowest_left && self.view.main_id(height)?.as_ref() == Some(id))
    }

    fn body(&self, id: &BlockId) -> Result<Arc<CheckedBlock>, ViewError> {
        if let Some(&i) = self.kept.get(id) {
            return Ok(self.keep[i].block.clone());
        }
        let block = self.view.block(id)?.ok_or_else(|| missing("body", id))?;
        CheckedBlock::kept(block, self.network).map(Arc::new).map_err(|error| ViewError(format!("block {id}: {error}")))
    }

    fn must_know(&self, id: &BlockId) -> Result<Known, ViewError> {
        self.known(id)?.ok_or_else(|| missing("header", id))
    }
}

fn missing(what: &str, id: &BlockId) -> ViewError {
    ViewError(format!("the {what} of block {id} is missing"))
}

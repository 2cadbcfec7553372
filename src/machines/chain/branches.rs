//! Moving the chain: which branch has the most work, and the [`Commit`] that takes the accounts there.
//!
//! A [`Session`] collects what one commit changes. Nothing is visible to anybody until the commit is durable. What is
//! too much for one session is a [`Way`] that several go, each where the one before ended: see `far`.

use std::collections::HashMap;
use std::sync::Arc;

use ledger::apply::{ApplyError, Overlay, Undo};
use ledger::{
    Address, BlockError, BlockId, ChainSource, CheckedBlock, Commit, Connect, Header, Network, NewBlock, Tip,
    ViewError, Work, check,
};

use super::TipChanged;

/// Weight of the blocks that may leave and join within one session: two full ones, some 40 MB with what they change. A
/// reorganisation that weighs more goes in steps of that weight.
pub(super) const STEP: u64 = 20_000;
/// What a block weighs beside its transactions, which weigh one each.
const BLOCK_WEIGHT: u64 = 100;

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
    /// It makes another branch the best, which is too far away for this session. It is not kept yet: a block that is
    /// kept and not followed would never be followed.
    Far(Work),
}

/// The way to another branch, as far as it is still to go.
#[derive(Debug)]
pub(super) struct Way {
    /// Where the branches part; none once the chain ends there.
    fork: Option<BlockId>,
    /// Blocks that are to join, the lowest last.
    pub join: Vec<BlockId>,
}

/// How far a session came on a [`Way`].
#[derive(Debug)]
pub(super) enum Progress {
    /// To its end.
    Arrived,
    /// As far as a session may.
    Underway,
    /// The lowest block that is to join is invalid.
    Blocked(BlockError),
}

/// What a session leaves.
pub(super) struct Finished {
    pub commit: Commit,
    /// How the chain moved, if it did.
    pub changed: Option<TipChanged>,
    /// Blocks that left the chain, the old tip first.
    pub left: Vec<Arc<CheckedBlock>>,
}

/// Changes on top of what is stored.
pub(super) struct Session<'a> {
    network: &'a Arc<Network>,
    view: &'a dyn ChainSource,
    overlay: Overlay<'a>,
    watched: Option<Address>,
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
    weight: u64,
}

/// What a block with so many transactions weighs.
pub(super) fn weight(transactions: usize) -> u64 {
    BLOCK_WEIGHT + transactions as u64
}

impl<'a> Session<'a> {
    /// On top of `view`, where the chain ends in `tip`; tells of the transactions of `watched`.
    pub fn new(network: &'a Arc<Network>, view: &'a dyn ChainSource, tip: Tip, watched: Option<Address>) -> Self {
        Self {
            network,
            view,
            overlay: Overlay::new(view),
            watched,
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
            let weight = weight(new.block.transactions().len());
            return Ok(Some(Known { header: new.block.header().clone(), work: new.work, weight }));
        }
        Ok(self.view.header(id)?.map(|stored| {
            let weight = weight(stored.transactions as usize);
            Known { header: stored.header, work: stored.work, weight }
        }))
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
        // F1: equal work does not move the chain.
        if work <= self.tip.work {
            self.keep(block, work);
            return Ok(Outcome::Kept);
        }
        let way = self.way_to(block.id(), header.previous)?;
        if self.is_far(&way, weight(block.transactions().len()))? {
            return Ok(Outcome::Far(work));
        }
        self.keep(block, work);
        self.reorganise(way)
    }

    /// Keeps a block, whatever becomes of it.
    pub fn keep(&mut self, block: Arc<CheckedBlock>, work: Work) {
        self.kept.insert(block.id(), self.keep.len());
        self.keep.push(NewBlock { block, work });
    }

    /// The way to the branch that ends in `head`, which follows `below`.
    pub fn way_to(&self, head: BlockId, mut below: BlockId) -> Result<Way, ViewError> {
        let mut join = vec![head];
        while !self.is_on_chain(&below)? {
            join.push(below);
            below = self.must_know(&below)?.header.previous;
        }
        Ok(Way { fork: Some(below), join })
    }

    /// Goes on until it has arrived, or blocks of more than `limit` left or joined.
    pub fn go_on(&mut self, way: &mut Way, limit: u64) -> Result<Progress, ViewError> {
        let mut gone = 0;
        while let Some(fork) = way.fork {
            if self.tip.id == fork {
                way.fork = None;
            } else if gone >= limit {
                return Ok(Progress::Underway);
            } else {
                gone += self.disconnect_tip()?;
            }
        }
        while let Some(id) = way.join.last() {
            if gone >= limit {
                return Ok(Progress::Underway);
            }
            let block = self.body(id)?;
            let Known { work, weight, .. } = self.must_know(id)?;
            match self.connect(&block, work) {
                Ok(()) => gone += weight,
                Err(ApplyError::View(error)) => return Err(error),
                Err(ApplyError::Invalid(error)) => return Ok(Progress::Blocked(error)),
            }
            way.join.pop();
        }
        Ok(Progress::Arrived)
    }

    /// What to store and what to tell, if anything changed.
    pub fn finish(self) -> Option<Finished> {
        if self.keep.is_empty() && self.connect.is_empty() && self.disconnect.is_empty() {
            return None;
        }
        let changed = self.changed();
        let commit = Commit {
            keep: self.keep,
            disconnect: self.disconnect.iter().map(|block| block.id()).collect(),
            connect: self.connect,
            accounts: self.overlay.into_changes(),
            tip: self.tip,
        };
        Some(Finished { commit, changed, left: self.disconnect })
    }

    fn changed(&self) -> Option<TipChanged> {
        let joined = || self.connect.iter().map(|connect| &connect.block);
        if self.connect.is_empty() && self.disconnect.is_empty() {
            return None;
        }
        let mut changed = TipChanged::none(self.tip);
        (changed.left, changed.joined) = (self.disconnect.len() as u64, self.connect.len() as u64);
        if let Some(watched) = self.watched {
            let of = |block: &'_ Arc<CheckedBlock>| {
                let own = block.transactions().iter().filter(|tx| tx.sender() == watched);
                own.map(|tx| tx.id()).collect::<Vec<_>>()
            };
            changed.watched_left = self.disconnect.iter().flat_map(of).collect();
            let at = |block| of(block).into_iter().map(|id| (id, block.header().height));
            changed.watched_joined = joined().flat_map(at).collect();
        }
        Some(changed)
    }

    /// The block follows the tip.
    fn extend(&mut self, block: Arc<CheckedBlock>, work: Work) -> Result<Outcome, ViewError> {
        match self.connect(&block, work) {
            Ok(()) => {
                self.keep(block, work);
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

    /// Goes a way to its end, or, where a block on it is invalid, to wherever the most work is (F2).
    fn reorganise(&mut self, mut way: Way) -> Result<Outcome, ViewError> {
        let before = (self.overlay.clone(), self.tip, self.connect.clone(), self.disconnect.clone());
        let Progress::Blocked(error) = self.go_on(&mut way, u64::MAX)? else { return Ok(Outcome::Connected) };
        self.forget(&way.join);
        // The valid part of the branch may still have the most work.
        if self.tip.work <= before.1.work {
            (self.overlay, self.tip, self.connect, self.disconnect) = before;
        }
        Ok(Outcome::BranchRefused(way.join, error))
    }

    /// Whether a way is too far for one session, with a head of this weight, which need not be kept yet.
    fn is_far(&self, way: &Way, mut sum: u64) -> Result<bool, ViewError> {
        for id in &way.join[1..] {
            if sum > STEP {
                break;
            }
            sum += self.must_know(id)?.weight;
        }
        let mut leaving = self.tip.id;
        while sum <= STEP && Some(leaving) != way.fork {
            let known = self.must_know(&leaving)?;
            sum += known.weight;
            leaving = known.header.previous;
        }
        Ok(sum > STEP)
    }

    /// Takes the tip off the chain, and tells what it weighs. A block of this session simply is not connected any more.
    fn disconnect_tip(&mut self) -> Result<u64, ViewError> {
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
        let Known { header, work, .. } = self.must_know(&parent)?;
        self.tip = Tip { id: parent, height: header.height, work, time: header.time };
        Ok(weight(block.transactions().len()))
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

    /// A whole block, in this session or stored.
    pub fn body(&self, id: &BlockId) -> Result<Arc<CheckedBlock>, ViewError> {
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

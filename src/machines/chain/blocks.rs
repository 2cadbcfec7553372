//! The way of a whole block: checked by itself, connected to the chain, or refused.

use std::collections::VecDeque;
use std::sync::Arc;

use ledger::{
    Account, AccountSource, Address, Block, BlockError, BlockId, ChainSource, CheckedBlock, Fault, ViewError, check,
};

use super::branches::{Finished, Outcome, Session};
use super::far::{Head, Job};
use super::{Accepted, Chain, Effect, FAR, MAX_CHECKING, MAX_COPIES, Mined, Refused, Source, misbehaved};
use crate::Now;

impl Chain {
    /// Whole blocks: those that are new and show work go to the verifier.
    pub(super) fn offered(
        &mut self,
        now: Now,
        blocks: Vec<Block>,
        source: Source,
        view: &dyn ChainSource,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ViewError> {
        let mut fresh = Vec::new();
        for block in blocks {
            let id = match check::header_alone(&block.header, &self.network) {
                Ok(id) if self.invalid.contains(&id) => {
                    self.refuse(now, id, BlockError::InvalidAncestor(id), source, effects);
                    break;
                }
                Ok(id) => id,
                Err(error) => {
                    self.refuse(now, block.header.id(), error, source, effects);
                    break;
                }
            };
            let far = block.header.height.abs_diff(self.tip.height) > FAR;
            if let Source::Peer(_) = source
                && (far || self.early.contains(&id))
            {
                continue;
            }
            if view.header(&id)?.is_some() {
                self.partials.remove(&id);
                self.answer_known(id, source, effects);
                continue;
            }
            if self.checking.contains_key(&id) {
                self.keep_copy(id, block, source, effects);
            } else if self.checking.len() < MAX_CHECKING {
                self.checking.insert(id, Vec::new());
                fresh.push(block);
            } else {
                // A sync asks again when its deadline passes; a peer's block is announced by others.
                self.dropped += 1;
                if let Source::Client(ticket) = source {
                    effects.push(Effect::Answer { ticket, answer: Err(Refused::Busy) });
                }
            }
        }
        if !fresh.is_empty() {
            effects.push(Effect::CheckBlocks { blocks: fresh, source });
        }
        Ok(())
    }

    /// A block of which another copy is being checked, which may be a changed one.
    fn keep_copy(&mut self, id: BlockId, block: Block, source: Source, effects: &mut Vec<Effect>) {
        let copies: usize = self.checking.values().map(Vec::len).sum();
        match self.checking.get_mut(&id) {
            Some(others) if copies < MAX_COPIES => others.push((block, source)),
            _ => self.answer_known(id, source, effects),
        }
    }

    pub(super) fn checked(
        &mut self,
        now: Now,
        results: Vec<Result<Arc<CheckedBlock>, (BlockId, BlockError)>>,
        source: Source,
        view: &dyn ChainSource,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ViewError> {
        let mut blocks = VecDeque::new();
        for result in results {
            let id = result.as_ref().map_or_else(|(id, _)| *id, |block| block.id());
            let mut copies = self.checking.remove(&id).unwrap_or_default().into_iter();
            match result {
                Ok(block) => {
                    blocks.push_back((block.clone(), source));
                    blocks.extend(copies.map(|(_, source)| (block.clone(), source)));
                }
                Err((_, error)) => {
                    let condemned = error.condemns_the_id();
                    self.refuse(now, id, error, source, effects);
                    if condemned {
                        copies.for_each(|(_, source)| {
                            self.refuse(now, id, BlockError::InvalidAncestor(id), source, effects);
                        });
                    } else if let Some((copy, source)) = copies.next() {
                        self.checking.insert(id, copies.collect());
                        effects.push(Effect::CheckBlocks { blocks: vec![copy], source });
                    }
                }
            }
        }
        self.connect(now, blocks, view, effects)
    }

    /// A block of this node: only its frame is left to check, so it does not wait for the verifier.
    pub(super) fn mined(
        &mut self,
        now: Now,
        Mined { header, signature, transactions }: Mined,
        view: &dyn ChainSource,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ViewError> {
        let id = header.id();
        match check::block_of_checked(header, signature, transactions, &self.network) {
            Ok(block) => self.connect(now, [(Arc::new(block), Source::Miner)].into(), view, effects),
            Err(error) => {
                self.refuse(now, id, error, Source::Miner, effects);
                Ok(())
            }
        }
    }

    /// Takes checked blocks in, and every orphan that waited for one of them, with one commit: up to a block that leads
    /// too far away, where [`Self::go_on`] takes over.
    pub(super) fn connect(
        &mut self,
        now: Now,
        mut blocks: VecDeque<(Arc<CheckedBlock>, Source)>,
        view: &dyn ChainSource,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ViewError> {
        let network = self.network.clone();
        let mut session = Session::new(&network, view, self.tip, self.watched);
        let mut taken = Vec::new();
        while let Some((block, source)) = blocks.pop_front() {
            let (id, previous) = (block.id(), block.header().previous);
            self.partials.remove(&id);
            if let Some(bad) = [id, previous].into_iter().find(|bad| self.invalid.contains(bad)) {
                self.refuse(now, id, BlockError::InvalidAncestor(bad), source, effects);
                continue;
            }
            if source == Source::Miner && previous != session.tip().id {
                // Found while the tip moved: it would only be an orphan of our own making.
                continue;
            }
            let Some(parent) = session.known(&previous)? else {
                self.without_parent(now, block, source, effects);
                continue;
            };
            match session.add(block.clone(), &parent, now.unix)? {
                Outcome::Connected | Outcome::Kept => {
                    blocks.extend(self.orphans.take(&id));
                    taken.push((block, source));
                }
                Outcome::Known => self.answer_known(id, source, effects),
                Outcome::Refused(_, error @ BlockError::FromTheFuture { .. }) => {
                    let from_unix = block.header().time.saturating_sub(network.future_limit_ms());
                    self.early.add(block, source, from_unix);
                    match source {
                        // The sync is not to wait for it: the node mines meanwhile.
                        Source::Sync(from) => effects.push(Effect::SyncRefused { from, id, error }),
                        _ => effects.push(Effect::Ahead { id, ms: from_unix.saturating_sub(now.unix) }),
                    }
                }
                Outcome::Refused(bad, error) => self.refuse(now, bad, error, source, effects),
                Outcome::BranchRefused(bad, error) => self.refuse_branch(now, bad, error, source, effects),
                Outcome::Far(work) => {
                    self.first(Job::Connect(std::mem::take(&mut blocks)));
                    self.first(Job::Follow(Head::New(block, work), source));
                }
            }
        }
        let tip = session.tip();
        self.settle_pool(&session)?;
        let Some(Finished { commit, changed, left }) = session.finish() else { return Ok(()) };
        self.tip = tip;
        if !left.is_empty() {
            self.count_reorganisation(left.len() as u64);
            let after = AfterCommit { changes: &commit.accounts, view };
            for block in left.iter().rev() {
                self.put_back(now, block, &after);
            }
        }
        effects.push(Effect::Commit(commit));
        self.tell_taken(taken, effects);
        effects.extend(changed.map(Effect::TipChanged));
        Ok(())
    }

    /// Tells whoever brought them that blocks are kept.
    pub(super) fn tell_taken(&self, taken: Vec<(Arc<CheckedBlock>, Source)>, effects: &mut Vec<Effect>) {
        let synced = taken.iter().filter(|(_, source)| matches!(source, Source::Sync(_))).count();
        if synced > 0 {
            effects.push(Effect::SyncTaken { blocks: synced });
        }
        for (block, source) in taken {
            match source {
                Source::Miner => effects.push(Effect::AnnounceBlock(block)),
                Source::Client(ticket) => {
                    effects.push(Effect::Answer { ticket, answer: Ok(Accepted::Block(block.id())) });
                    effects.push(Effect::AnnounceBlock(block));
                }
                Source::Peer(_) | Source::Announced(_) | Source::Sync(_) => {}
            }
        }
    }

    fn without_parent(&mut self, now: Now, block: Arc<CheckedBlock>, source: Source, effects: &mut Vec<Effect>) {
        let (id, error) = (block.id(), BlockError::UnknownParent(block.header().previous));
        match source {
            Source::Peer(peer) | Source::Announced(peer) => {
                self.orphans.add(block, peer, source, now.mono);
                effects.push(Effect::Behind { peer });
            }
            Source::Sync(_) | Source::Miner | Source::Client(_) => self.refuse(now, id, error, source, effects),
        }
    }

    fn answer_known(&self, id: BlockId, source: Source, effects: &mut Vec<Effect>) {
        match source {
            Source::Client(ticket) => effects.push(Effect::Answer { ticket, answer: Ok(Accepted::Block(id)) }),
            Source::Sync(_) => effects.push(Effect::SyncTaken { blocks: 1 }),
            Source::Peer(_) | Source::Announced(_) | Source::Miner => {}
        }
    }

    /// Refuses a block of a branch, which comes last, and all on top of it.
    pub(super) fn refuse_branch(
        &mut self,
        now: Now,
        mut bad: Vec<BlockId>,
        error: BlockError,
        source: Source,
        effects: &mut Vec<Effect>,
    ) {
        let Some(invalid) = bad.pop() else { return };
        if error.condemns_the_id() {
            bad.into_iter().for_each(|above| self.invalid.insert(above));
        }
        self.refuse(now, invalid, error, source, effects);
    }

    pub(super) fn refuse(
        &mut self,
        now: Now,
        id: BlockId,
        error: BlockError,
        source: Source,
        effects: &mut Vec<Effect>,
    ) {
        if error.condemns_the_id() {
            self.invalid.insert(id);
            self.partials.remove(&id);
        } else if let Source::Peer(peer) = source {
            self.partials.useless(now.mono, &id, peer);
        }
        match source {
            Source::Peer(peer) if error.fault() == Fault::Sender => {
                effects.push(misbehaved(peer, format!("sent block {id}: {error}")));
            }
            Source::Peer(_) | Source::Announced(_) => {}
            Source::Sync(from) => {
                if error.fault() == Fault::Sender {
                    effects.push(misbehaved(from, format!("sent block {id}: {error}")));
                }
                effects.push(Effect::SyncRefused { from, id, error });
            }
            Source::Miner => effects.push(Effect::OwnBlockRefused { id, error }),
            Source::Client(ticket) => effects.push(Effect::Answer { ticket, answer: Err(error.into()) }),
        }
    }

    /// Brings the pool in line with the accounts after the session.
    fn settle_pool(&mut self, session: &Session) -> Result<(), ViewError> {
        let touched: Vec<_> = session.accounts().touched().copied().collect();
        self.pool.settle(touched.iter(), session.accounts())
    }

    /// Transactions of a block that left the chain wait again, if they are still possible. Those that the new branch
    /// holds, or makes impossible, are refused here, as they should be.
    pub(super) fn put_back(&mut self, now: Now, block: &CheckedBlock, accounts: &dyn AccountSource) {
        for tx in block.transactions() {
            if self.pool.put_back(tx.clone(), now.mono, accounts).is_ok() {
                self.relay.keep(now.mono, tx.clone());
            }
        }
    }
}

/// Accounts as they are once a commit is durable.
struct AfterCommit<'a> {
    changes: &'a ledger::apply::Changes,
    view: &'a dyn ChainSource,
}

impl AccountSource for AfterCommit<'_> {
    fn account(&self, address: &Address) -> Result<Option<Account>, ViewError> {
        match self.changes.get(address) {
            Some(account) => Ok(*account),
            None => self.view.account(address),
        }
    }
}

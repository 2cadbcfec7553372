//! The way of a block: announced or whole, checked by itself, connected to the chain, or refused.

use std::collections::VecDeque;
use std::sync::Arc;

use ledger::{
    Account, AccountSource, Address, Block, BlockError, BlockId, ChainSource, CheckedBlock, Fault, Header, Transaction,
    ViewError, check, merkle,
};

use super::branches::{Outcome, Session};
use super::{
    Accepted, Announcement, Chain, Effect, GossipTicket, MAX_CHECKING, Source, TipChanged, Verdict, misbehaved,
};
use crate::{Now, PeerId};

impl Chain {
    /// A block in short: its work is checked before it is passed on, its body is rebuilt from the pool or fetched.
    pub(super) fn announced(
        &mut self,
        now: Now,
        announcement: Announcement,
        from: PeerId,
        ticket: GossipTicket,
        view: &dyn ChainSource,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ViewError> {
        let Announcement { header, signature, short_ids } = announcement;
        let (id, verdict) = match self.check_announced(now, &header, view)? {
            Ok(id) => (id, Verdict::Accept),
            // Not passed on, but fetched and kept until its time comes.
            Err(BlockError::FromTheFuture { .. }) => (header.id(), Verdict::Ignore),
            Err(BlockError::UnknownParent(_)) => {
                effects.push(Effect::Verdict { ticket, verdict: Verdict::Ignore });
                effects.push(Effect::Behind { peer: from });
                return Ok(());
            }
            Err(error) if error.fault() == Fault::Nobody => {
                effects.push(Effect::Verdict { ticket, verdict: Verdict::Ignore });
                return Ok(());
            }
            Err(error) => {
                effects.push(Effect::Verdict { ticket, verdict: Verdict::Reject });
                effects.push(misbehaved(from, format!("announced block {}: {error}", header.id())));
                return Ok(());
            }
        };
        if !id.is_signed_by(&header.miner, &signature) {
            effects.push(Effect::Verdict { ticket, verdict: Verdict::Reject });
            effects.push(misbehaved(from, format!("announced block {id} without its miner's signature")));
            return Ok(());
        }
        if self.checking.contains(&id) || self.early.contains(&id) || view.header(&id)?.is_some() {
            effects.push(Effect::Verdict { ticket, verdict: Verdict::Ignore });
            return Ok(());
        }
        effects.push(Effect::Verdict { ticket, verdict });
        let from_pool = |short: &[u8; 8]| self.pool.by_short_id(short).map(|tx| tx.transaction().clone());
        match short_ids.iter().map(from_pool).collect::<Option<Vec<_>>>() {
            Some(transactions) if merkle_matches(&header, &transactions) => {
                let blocks = vec![Block { header, signature, transactions }];
                self.offered(blocks, Source::Peer(from), view, effects)
            }
            _ => {
                effects.push(Effect::Fetch { from, id });
                Ok(())
            }
        }
    }

    fn check_announced(
        &self,
        now: Now,
        header: &Header,
        view: &dyn ChainSource,
    ) -> Result<Result<BlockId, BlockError>, ViewError> {
        let id = match check::header_alone(header, &self.network) {
            Ok(id) => id,
            Err(error) => return Ok(Err(error)),
        };
        for bad in [id, header.previous] {
            if self.invalid.contains(&bad) {
                return Ok(Err(BlockError::InvalidAncestor(bad)));
            }
        }
        let Some(parent) = view.header(&header.previous)? else {
            return Ok(Err(BlockError::UnknownParent(header.previous)));
        };
        let grandparent = match parent.header.height {
            0 => None,
            _ => view.header(&parent.header.previous)?.map(|stored| stored.header),
        };
        Ok(check::header_in_context(header, &parent.header, grandparent.as_ref(), &self.network)
            .and_then(|()| check::not_from_the_future(header, now.unix, &self.network))
            .map(|()| id))
    }

    /// Whole blocks: those that are new and show work go to the verifier.
    pub(super) fn offered(
        &mut self,
        blocks: Vec<Block>,
        source: Source,
        view: &dyn ChainSource,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ViewError> {
        let mut fresh = Vec::new();
        for block in blocks {
            let id = match check::header_alone(&block.header, &self.network) {
                Ok(id) if self.invalid.contains(&id) => {
                    self.refuse(block.header.id(), BlockError::InvalidAncestor(id), source, effects);
                    break;
                }
                Ok(id) => id,
                Err(error) => {
                    self.refuse(block.header.id(), error, source, effects);
                    break;
                }
            };
            if self.checking.contains(&id) || view.header(&id)?.is_some() {
                self.answer_known(id, source, effects);
                continue;
            }
            if self.checking.len() >= MAX_CHECKING {
                break;
            }
            self.checking.insert(id);
            fresh.push(block);
        }
        if !fresh.is_empty() {
            effects.push(Effect::CheckBlocks { blocks: fresh, source });
        }
        Ok(())
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
            match result {
                Ok(block) => {
                    self.checking.remove(&block.id());
                    blocks.push_back((block, source));
                }
                Err((id, error)) => {
                    self.checking.remove(&id);
                    self.refuse(id, error, source, effects);
                }
            }
        }
        self.connect(now, blocks, view, effects)
    }

    /// Takes checked blocks in, and every orphan that waited for one of them, with one commit.
    pub(super) fn connect(
        &mut self,
        now: Now,
        mut blocks: VecDeque<(Arc<CheckedBlock>, Source)>,
        view: &dyn ChainSource,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ViewError> {
        let network = self.network.clone();
        let mut session = Session::new(&network, view, self.tip);
        let mut taken = Vec::new();
        while let Some((block, source)) = blocks.pop_front() {
            let (id, previous) = (block.id(), block.header().previous);
            if self.invalid.contains(&previous) {
                self.refuse(id, BlockError::InvalidAncestor(previous), source, effects);
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
                    // The sync is not to wait for it: the node mines meanwhile.
                    if let Source::Sync(from) = source {
                        effects.push(Effect::SyncRefused { from, id, error });
                    }
                }
                Outcome::Refused(bad, error) => self.refuse(bad, error, source, effects),
                Outcome::BranchRefused(mut bad, error) => {
                    let Some(invalid) = bad.pop() else { continue };
                    if error.condemns_the_id() {
                        bad.into_iter().for_each(|above| self.invalid.insert(above));
                    }
                    self.refuse(invalid, error, source, effects);
                }
            }
        }
        let tip = session.tip();
        self.settle_pool(&session)?;
        let Some((commit, changed)) = session.finish() else { return Ok(()) };
        self.tip = tip;
        effects.push(Effect::Commit(commit));
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
                Source::Peer(_) | Source::Sync(_) => {}
            }
        }
        if let Some(changed) = changed {
            self.return_to_pool(now, &changed, view, effects);
            effects.push(Effect::TipChanged(changed));
        }
        Ok(())
    }

    fn without_parent(&mut self, now: Now, block: Arc<CheckedBlock>, source: Source, effects: &mut Vec<Effect>) {
        let (id, error) = (block.id(), BlockError::UnknownParent(block.header().previous));
        match source {
            Source::Peer(peer) => {
                self.orphans.add(block, source, now.mono);
                effects.push(Effect::Behind { peer });
            }
            Source::Sync(_) | Source::Miner | Source::Client(_) => self.refuse(id, error, source, effects),
        }
    }

    fn answer_known(&self, id: BlockId, source: Source, effects: &mut Vec<Effect>) {
        match source {
            Source::Client(ticket) => effects.push(Effect::Answer { ticket, answer: Ok(Accepted::Block(id)) }),
            Source::Sync(_) => effects.push(Effect::SyncTaken { blocks: 1 }),
            Source::Peer(_) | Source::Miner => {}
        }
    }

    fn refuse(&mut self, id: BlockId, error: BlockError, source: Source, effects: &mut Vec<Effect>) {
        if error.condemns_the_id() {
            self.invalid.insert(id);
        }
        match source {
            Source::Peer(peer) if error.fault() == Fault::Sender => {
                effects.push(misbehaved(peer, format!("sent block {id}: {error}")));
            }
            Source::Peer(_) => {}
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

    /// Transactions of blocks that left the chain wait again, if they are still possible.
    fn return_to_pool(&mut self, now: Now, changed: &TipChanged, view: &dyn ChainSource, effects: &mut [Effect]) {
        for block in &changed.connected {
            for tx in block.transactions() {
                self.local.remove(&tx.id());
            }
        }
        if changed.disconnected.is_empty() {
            return;
        }
        self.reorganisations += 1;
        self.deepest_reorganisation = self.deepest_reorganisation.max(changed.disconnected.len() as u64);
        let accounts = effects.iter().find_map(|effect| match effect {
            Effect::Commit(commit) => Some(AfterCommit { changes: &commit.accounts, view }),
            _ => None,
        });
        let Some(accounts) = accounts else { return };
        for block in changed.disconnected.iter().rev() {
            for tx in block.transactions() {
                // Those that the new branch holds, or makes impossible, are refused here, as they should be.
                if self.pool.put_back(tx.clone(), now.mono, &accounts).is_ok() {
                    self.keep_local(now, tx.clone());
                }
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

/// Whether these transactions, found by the first bytes of their leaves, are really those of the header.
fn merkle_matches(header: &Header, transactions: &[Transaction]) -> bool {
    let leaves: Vec<_> = transactions.iter().map(Transaction::leaf).collect();
    merkle::root(&leaves) == header.root
}

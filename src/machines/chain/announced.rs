//! The way of an announcement: its work is checked before it is passed on, its body is rebuilt from the pool, and what
//! is missing is asked for. What waits in the pool was checked there, so a block of nothing else is connected at once.
//!
//! Whoever passes an announcement on has looked at the header and nothing else, so it is blamed for the header only.

use std::sync::Arc;

use ledger::{
    Block, BlockError, BlockId, ChainSource, CheckedTransaction, Fault, Header, Transaction, ViewError, check,
};

use super::partial::Answer;
use super::{Announcement, Ask, Chain, Effect, FAR, GossipTicket, Source, Verdict, misbehaved};
use crate::{Now, PeerId};

impl Chain {
    /// A block in short.
    pub(super) fn announced(
        &mut self,
        now: Now,
        announcement: Announcement,
        from: PeerId,
        ticket: GossipTicket,
        view: &dyn ChainSource,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ViewError> {
        let give = |verdict| Effect::Verdict { ticket, verdict };
        let id = announcement.header.id();
        let verdict = match self.check_announced(now, &announcement, id, view)? {
            Ok(()) => Verdict::Accept,
            // Not passed on, but fetched and kept until its time comes.
            Err(BlockError::FromTheFuture { .. }) => Verdict::Ignore,
            Err(BlockError::UnknownParent(_)) => {
                effects.extend([give(Verdict::Ignore), Effect::Behind { peer: from }]);
                return Ok(());
            }
            Err(error) => {
                // What is wrong with a block or its parent shows in their bodies, at which the peer need not have looked.
                if error.fault() == Fault::Sender && !matches!(error, BlockError::InvalidAncestor(_)) {
                    effects.push(give(Verdict::Reject));
                    effects.push(misbehaved(from, format!("announced block {id}: {error}")));
                } else {
                    effects.push(give(Verdict::Ignore));
                }
                return Ok(());
            }
        };
        if self.partials.contains(&id) {
            self.partials.announced_by(&id, from);
            effects.push(give(Verdict::Ignore));
            return Ok(());
        }
        let height = announcement.header.height;
        if height.abs_diff(self.tip.height) > FAR {
            effects.extend([give(Verdict::Ignore), Effect::Behind { peer: from }]);
            return Ok(());
        }
        if self.checking.contains_key(&id) || self.early.contains(&id) || view.header(&id)?.is_some() {
            effects.push(give(Verdict::Ignore));
            return Ok(());
        }
        effects.push(give(verdict));
        if verdict == Verdict::Accept {
            effects.push(Effect::Useful { peer: from });
        }
        let Announcement { header, signature, short_ids } = announcement;
        let found = self.in_pool(&short_ids);
        if let Some(all) = found.iter().cloned().collect::<Option<Vec<_>>>() {
            match check::block_of_checked(header.clone(), signature, all, &self.network) {
                Ok(block) => {
                    return self.connect(now, [(Arc::new(block), Source::Announced(from))].into(), view, effects);
                }
                // Short ids of two transactions agree, or the announcement was forged: the block itself tells.
                Err(BlockError::Mutated) => {}
                Err(error) => {
                    self.refuse(now, id, error, Source::Announced(from), effects);
                    return Ok(());
                }
            }
        }
        self.partials.begin(now.mono, (header, signature), found, from, effects);
        Ok(())
    }

    /// A whole block came. Only one that was asked for is taken; one that comes late, only if it is still wanted.
    pub(super) fn fetched(
        &mut self,
        now: Now,
        ask: Ask,
        from: PeerId,
        block: Block,
        view: &dyn ChainSource,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ViewError> {
        let id = block.header.id();
        match self.partials.asked_for(ask) {
            Some(wanted) if wanted != id => {
                self.partials.useless(now.mono, &wanted, from);
                effects.push(misbehaved(from, format!("sent block {id} when asked for block {wanted}")));
                Ok(())
            }
            None if !self.partials.contains(&id) => Ok(()),
            _ => self.offered(now, vec![block], Source::Peer(from), view, effects),
        }
    }

    /// A peer answered a question about an announced block.
    pub(super) fn missing(
        &mut self,
        now: Now,
        ask: Ask,
        transactions: Option<Vec<Transaction>>,
        view: &dyn ChainSource,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ViewError> {
        match self.partials.answered(now.mono, ask, transactions, effects) {
            Answer::Whole(block, from) => self.offered(now, vec![*block], Source::Peer(from), view, effects),
            Answer::Misfit(peer) => {
                effects
                    .push(misbehaved(peer, "answered with another number of transactions than was asked for".into()));
                Ok(())
            }
            Answer::Nothing => Ok(()),
        }
    }

    /// The transactions of an announced block that wait in the pool; none at all if they are more than a block holds.
    fn in_pool(&self, short_ids: &[[u8; 8]]) -> Vec<Option<Arc<CheckedTransaction>>> {
        let found: Vec<_> = short_ids.iter().map(|short| self.pool.by_short_id(short)).collect();
        let bytes: usize = found.iter().flatten().map(|tx| tx.size()).sum();
        if bytes > self.network.spec.max_block_bytes as usize { vec![None; short_ids.len()] } else { found }
    }

    fn check_announced(
        &self,
        now: Now,
        Announcement { header, signature, short_ids }: &Announcement,
        id: BlockId,
        view: &dyn ChainSource,
    ) -> Result<Result<(), BlockError>, ViewError> {
        if let Err(error) = check::header_alone(header, &self.network) {
            return Ok(Err(error));
        }
        let (got, limit) = (short_ids.len(), self.network.spec.max_block_transactions as usize);
        if got > limit {
            return Ok(Err(BlockError::TooManyTransactions { got, limit }));
        }
        if let Some(bad) = [id, header.previous].into_iter().find(|bad| self.invalid.contains(bad)) {
            return Ok(Err(BlockError::InvalidAncestor(bad)));
        }
        let Some(parent) = view.header(&header.previous)? else {
            return Ok(Err(BlockError::UnknownParent(header.previous)));
        };
        let grandparent = match parent.header.height {
            0 => None,
            _ => view.header(&parent.header.previous)?.map(|stored| stored.header),
        };
        let in_context = |header: &Header| {
            check::header_in_context(header, &parent.header, grandparent.as_ref(), &self.network)?;
            if !id.is_signed_by(&header.miner, signature) {
                return Err(BlockError::NotSigned);
            }
            check::not_from_the_future(header, now.unix, &self.network)
        };
        Ok(in_context(header))
    }
}

//! The chain: which blocks are part of it, and which transactions wait for it.
//!
//! Decides what is kept, when the chain moves to another branch, what enters the pool, what is passed on, and what a
//! miner may mine. Never reads or writes by itself: reads come through `view`, writes leave as [`Effect::Commit`], and
//! the expensive checks leave as [`Effect::CheckBlocks`] and come back as events.

mod branches;
mod event;
#[cfg(test)]
mod tests;
mod waiting;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;

use ledger::{
    Block, BlockError, BlockId, ChainSource, CheckedBlock, CheckedTransaction, Fault, Header, Network, PublicKey, Tip,
    Transaction, TxError, TxId, ViewError, check, difficulty, merkle,
};
use serde::Serialize;

use self::branches::{Outcome, Session};
use self::waiting::{Early, Orphans};
use crate::bounded::BoundedSet;
use crate::pool::{Pool, PoolError, PoolView, short_id};
use crate::{Now, PeerId};

pub use self::event::{
    Accepted, Announcement, Effect, Event, GossipTicket, Origin, Refused, Source, Template, TipChanged, Verdict,
};

/// Ids of invalid blocks that are remembered: each costs its sender a proof of work.
const MAX_INVALID: usize = 10_000;
/// Blocks at the verifier at once; a sync asks for fewer. Beyond it they are dropped and asked for again.
const MAX_CHECKING: usize = 4_096;
/// Transactions of clients that are announced again until they are mined.
const MAX_LOCAL: usize = 10_000;
/// The first repeat of a client's transaction; then twice as long, and so on.
const REBROADCAST_MS: u64 = 10_000;

/// What the chain is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, strum::IntoStaticStr)]
pub enum State {
    /// Nothing waits for the verifier.
    Settled {
        /// The end of the chain.
        tip: Tip,
    },
    /// Blocks are at the verifier.
    Checking {
        /// The end of the chain.
        tip: Tip,
        /// How many blocks.
        blocks: usize,
    },
    /// What is stored cannot be read.
    Broken {
        /// Why.
        why: String,
    },
}

/// Figures beside the state.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Figures {
    /// Transactions in the pool.
    pub pool: usize,
    /// Their bytes.
    pub pool_bytes: usize,
    /// Blocks whose parent is unknown.
    pub orphans: usize,
    /// Reorganisations since the start.
    pub reorganisations: u64,
    /// Blocks of the deepest one.
    pub deepest_reorganisation: u64,
}

struct Local {
    tx: Arc<CheckedTransaction>,
    next: u64,
    wait: u64,
}

/// The chain machine.
pub struct Chain {
    network: Arc<Network>,
    state: State,
    tip: Tip,
    syncing: bool,
    pool: Pool,
    orphans: Orphans,
    early: Early,
    invalid: BoundedSet<BlockId>,
    checking: HashSet<BlockId>,
    relay: VecDeque<Arc<CheckedTransaction>>,
    local: BTreeMap<TxId, Local>,
    reorganisations: u64,
    deepest_reorganisation: u64,
}

impl Chain {
    /// A chain that ends in `tip`, which is what is stored.
    pub fn new(network: Arc<Network>, tip: Tip) -> Self {
        Self {
            pool: Pool::new(network.clone()),
            state: State::Settled { tip },
            tip,
            network,
            syncing: false,
            orphans: Orphans::default(),
            early: Early::default(),
            invalid: BoundedSet::new(MAX_INVALID),
            checking: HashSet::new(),
            relay: VecDeque::new(),
            local: BTreeMap::new(),
            reorganisations: 0,
            deepest_reorganisation: 0,
        }
    }

    /// What it is doing.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The end of the chain.
    pub fn tip(&self) -> Tip {
        self.tip
    }

    /// The pool as others may see it.
    pub fn pool(&self) -> &PoolView {
        self.pool.view()
    }

    /// Figures for people.
    pub fn figures(&self) -> Figures {
        Figures {
            pool: self.pool().len(),
            pool_bytes: self.pool().bytes(),
            orphans: self.orphans.len(),
            reorganisations: self.reorganisations,
            deepest_reorganisation: self.deepest_reorganisation,
        }
    }

    /// Handles an event. `view` is what is stored now, all earlier commits included.
    pub fn on(&mut self, now: Now, event: Event, view: &dyn ChainSource) -> Vec<Effect> {
        let mut effects = Vec::new();
        let done = match event {
            Event::Announced { announcement, from, ticket } => {
                self.announced(now, announcement, from, ticket, view, &mut effects)
            }
            Event::Blocks { blocks, source } => self.offered(blocks, source, view, &mut effects),
            Event::BlocksChecked { results, source } => self.checked(now, results, source, view, &mut effects),
            Event::Gossiped { transactions, from, ticket } => {
                self.gossiped(transactions, Origin::Gossip { from, ticket }, view, &mut effects)
            }
            Event::Submitted { transaction, ticket } => {
                self.submitted(transaction, ticket, view, &mut effects);
                Ok(())
            }
            Event::TransactionsChecked { results, origin } => {
                self.transactions_checked(now, results, origin, view, &mut effects)
            }
            Event::TemplateWanted { miner } => {
                self.template(now, miner, view).map(|t| effects.push(Effect::Template(t)))
            }
            Event::Syncing(syncing) => {
                self.syncing = syncing;
                Ok(())
            }
            Event::Tick => self.tick(now, view, &mut effects),
        };
        self.state = match done {
            Ok(()) if self.checking.is_empty() => State::Settled { tip: self.tip },
            Ok(()) => State::Checking { tip: self.tip, blocks: self.checking.len() },
            Err(error) => {
                effects.push(Effect::Broken(error.0.clone()));
                State::Broken { why: error.0 }
            }
        };
        effects
    }

    /// A block in short: its work is checked before it is passed on, its body is rebuilt from the pool or fetched.
    fn announced(
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
    fn offered(
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

    fn checked(
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
    fn connect(
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
        self.settle_pool(now, &session)?;
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
    fn settle_pool(&mut self, _now: Now, session: &Session) -> Result<(), ViewError> {
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

    fn gossiped(
        &mut self,
        transactions: Vec<Transaction>,
        origin: Origin,
        view: &dyn ChainSource,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ViewError> {
        let mut wanted = Vec::new();
        if !self.syncing {
            for tx in transactions {
                if self.precheck(&tx, view).is_ok() {
                    wanted.push(tx);
                }
            }
        }
        if wanted.is_empty() {
            self.verdict(origin, Verdict::Ignore, effects);
        } else {
            effects.push(Effect::CheckTransactions { transactions: wanted, origin });
        }
        Ok(())
    }

    fn submitted(&mut self, tx: Transaction, ticket: u64, view: &dyn ChainSource, effects: &mut Vec<Effect>) {
        match self.precheck(&tx, view) {
            Ok(()) => {
                let origin = Origin::Client(ticket);
                effects.push(Effect::CheckTransactions { transactions: vec![tx], origin });
            }
            Err(error) => effects.push(Effect::Answer { ticket, answer: Err(error.into()) }),
        }
    }

    /// What can be refused before the signature is looked at.
    fn precheck(&self, tx: &Transaction, view: &dyn ChainSource) -> Result<(), PoolError> {
        if self.pool().get(&tx.id(&self.network.chain)).is_some() {
            return Err(PoolError::Known);
        }
        let sender = match tx {
            Transaction::Transfer(tx) => tx.from.address().map_err(TxError::from)?,
            Transaction::Barreleye(tx) => tx.from,
        };
        let cost = tx.amount().checked_add(tx.fee()).ok_or(TxError::AmountOverflow)?;
        self.pool.precheck(&sender, tx.nonce(), cost, view)
    }

    fn transactions_checked(
        &mut self,
        now: Now,
        results: Vec<Result<Arc<CheckedTransaction>, TxError>>,
        origin: Origin,
        view: &dyn ChainSource,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ViewError> {
        let mut verdict = Verdict::Ignore;
        for result in results {
            let added = result.map_err(PoolError::from).and_then(|tx| {
                self.pool.add(tx.clone(), now.mono, view)?;
                Ok(tx)
            });
            match (added, origin) {
                (Err(PoolError::View(error)), _) => return Err(error),
                (Ok(tx), Origin::Client(ticket)) => {
                    effects.push(Effect::Answer { ticket, answer: Ok(Accepted::Transaction(tx.id())) });
                    self.keep_local(now, tx.clone());
                    self.relay.push_back(tx);
                }
                (Err(error), Origin::Client(ticket)) => {
                    effects.push(Effect::Answer { ticket, answer: Err(error.into()) });
                }
                (Ok(_), Origin::Gossip { .. }) if verdict != Verdict::Reject => verdict = Verdict::Accept,
                (Err(PoolError::Invalid(error)), Origin::Gossip { from, .. }) if error.fault() == Fault::Sender => {
                    verdict = Verdict::Reject;
                    effects.push(misbehaved(from, format!("sent a transaction: {error}")));
                }
                (_, Origin::Gossip { .. }) => {}
            }
        }
        self.verdict(origin, verdict, effects);
        Ok(())
    }

    fn keep_local(&mut self, now: Now, tx: Arc<CheckedTransaction>) {
        if self.local.len() < MAX_LOCAL {
            let next = now.mono + REBROADCAST_MS;
            self.local.insert(tx.id(), Local { tx, next, wait: REBROADCAST_MS });
        }
    }

    fn verdict(&self, origin: Origin, verdict: Verdict, effects: &mut Vec<Effect>) {
        if let Origin::Gossip { ticket, .. } = origin {
            effects.push(Effect::Verdict { ticket, verdict });
        }
    }

    /// What a miner may mine on the tip now.
    fn template(&self, now: Now, miner: PublicKey, view: &dyn ChainSource) -> Result<Template, ViewError> {
        let missing = |id: &BlockId| ViewError(format!("the header of block {id} is missing"));
        let parent = view.header(&self.tip.id)?.ok_or_else(|| missing(&self.tip.id))?.header;
        let grandparent = match parent.height {
            0 => None,
            _ => Some(view.header(&parent.previous)?.ok_or_else(|| missing(&parent.previous))?.header),
        };
        let transactions = self.pool.select();
        let leaves: Vec<_> = transactions.iter().map(|tx| tx.leaf()).collect();
        let header = Header {
            version: 1,
            height: parent.height + 1,
            previous: self.tip.id,
            root: merkle::root(&leaves),
            time: now.unix.max(parent.time + 1),
            target: difficulty::next_target(&self.network, &parent, grandparent.as_ref()),
            miner,
            nonce: 0,
        };
        Ok(Template { header, transactions })
    }

    fn tick(&mut self, now: Now, view: &dyn ChainSource, effects: &mut Vec<Effect>) -> Result<(), ViewError> {
        self.pool.expire(now.mono);
        self.orphans.expire(now.mono);
        let due = self.early.take(now.unix);
        if !due.is_empty() {
            self.connect(now, due.into(), view, effects)?;
        }
        let pool = self.pool.view();
        self.local.retain(|id, _| pool.get(id).is_some());
        for local in self.local.values_mut().filter(|local| local.next <= now.mono) {
            local.wait = local.wait.saturating_mul(2);
            local.next = now.mono.saturating_add(local.wait);
            self.relay.push_back(local.tx.clone());
        }
        if !self.relay.is_empty() {
            effects.push(Effect::Relay(self.relay.drain(..).collect()));
        }
        Ok(())
    }
}

/// Accounts as they are once a commit is durable.
struct AfterCommit<'a> {
    changes: &'a ledger::apply::Changes,
    view: &'a dyn ChainSource,
}

impl ledger::AccountSource for AfterCommit<'_> {
    fn account(&self, address: &ledger::Address) -> Result<Option<ledger::Account>, ViewError> {
        match self.changes.get(address) {
            Some(account) => Ok(*account),
            None => self.view.account(address),
        }
    }
}

fn misbehaved(peer: PeerId, why: String) -> Effect {
    Effect::Misbehaved { peer, why }
}

/// Whether these transactions, found by the first bytes of their leaves, are really those of the header.
fn merkle_matches(header: &Header, transactions: &[Transaction]) -> bool {
    let leaves: Vec<_> = transactions.iter().map(Transaction::leaf).collect();
    merkle::root(&leaves) == header.root
}

/// The announcement of a block.
pub fn announcement(block: &CheckedBlock) -> Announcement {
    Announcement {
        header: block.header().clone(),
        signature: *block.signature(),
        short_ids: block.transactions().iter().map(|tx| short_id(tx)).collect(),
    }
}

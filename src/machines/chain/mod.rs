//! The chain: which blocks are part of it, and which transactions wait for it.
//!
//! Decides what is kept, when the chain moves to another branch, what enters the pool, what is passed on, and what a
//! miner may mine. Never reads or writes by itself: reads come through `view`, writes leave as [`Effect::Commit`], and
//! the expensive checks leave as [`Effect::CheckBlocks`] and come back as events.

mod announced;
mod blocks;
mod branches;
mod disk;
mod event;
mod far;
mod partial;
mod relay;
#[cfg(test)]
mod tests;
mod transactions;
mod waiting;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use ledger::{
    Address, Block, BlockId, ChainSource, CheckedBlock, Header, Network, PublicKey, Tip, ViewError, difficulty, merkle,
};
use serde::Serialize;

use self::disk::Room;
pub use self::disk::{ENOUGH_BYTES, RESERVE_BYTES};
use self::far::Job;
use self::partial::Partials;
use self::relay::Relay;
use self::waiting::{Early, Orphans};
use crate::bounded::BoundedSet;
use crate::pool::{Pool, PoolView, short_id};
use crate::{Now, PeerId};

pub use self::event::{
    Accepted, Announcement, Ask, Effect, Event, GossipTicket, Mined, Origin, Refused, Source, Template, TipChanged,
    Verdict,
};

/// Ids of invalid blocks that are remembered: each costs its sender a proof of work.
const MAX_INVALID: usize = 10_000;
/// Blocks at the verifier at once; a sync asks for fewer. Beyond it they are dropped and asked for again.
const MAX_CHECKING: usize = 4_096;
/// Copies of blocks that came while another copy was checked: 32 MB at most. Beyond it they are dropped.
const MAX_COPIES: usize = 16;
/// Blocks that nobody asked for count only near the tip: a sync brings what is farther away, after looking at its work.
const FAR: u64 = 288;
/// A reorganisation deeper than this undoes what people took for settled: they wait for so many confirmations.
const DEEP: u64 = 6;

/// How often the pool is looked through for what waited too long, which is hours: it costs as much as the pool is full.
const EXPIRE_EVERY_MS: u64 = 10_000;

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
    /// The chain moves to a branch that is far away. Everybody sees the old tip until it is there.
    Reorganising {
        /// The old end of the chain.
        tip: Tip,
        /// Blocks that left.
        left: u64,
        /// Blocks that joined.
        joined: u64,
        /// Blocks that are still to join.
        to_join: usize,
    },
    /// Too little is free on the disk: nothing new is taken until there is more.
    Full {
        /// The end of the chain.
        tip: Tip,
        /// Bytes that are free.
        free_bytes: u64,
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
    /// Announced blocks that are being put together.
    pub partial: usize,
    /// Blocks that were dropped because too many waited for their check.
    pub dropped: u64,
    /// Reorganisations since the start.
    pub reorganisations: u64,
    /// Those deeper than [`DEEP`].
    pub deep_reorganisations: u64,
    /// Blocks of the deepest one.
    pub deepest_reorganisation: u64,
}

/// The chain machine.
pub struct Chain {
    network: Arc<Network>,
    state: State,
    tip: Tip,
    syncing: bool,
    room: Room,
    pool: Pool,
    orphans: Orphans,
    early: Early,
    invalid: BoundedSet<BlockId>,
    /// Blocks at the verifier, each with copies that came meanwhile.
    checking: HashMap<BlockId, Vec<(Block, Source)>>,
    /// What is to be done before the next event.
    jobs: VecDeque<Job>,
    /// Whose transactions a change of the tip tells of.
    watched: Option<Address>,
    partials: Partials,
    relay: Relay,
    /// When the pool is looked through next.
    expire_at: u64,
    dropped: u64,
    reorganisations: u64,
    deep_reorganisations: u64,
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
            room: Room::Enough,
            orphans: Orphans::default(),
            early: Early::default(),
            invalid: BoundedSet::new(MAX_INVALID),
            checking: HashMap::new(),
            jobs: VecDeque::new(),
            watched: None,
            partials: Partials::default(),
            relay: Relay::new(),
            expire_at: 0,
            dropped: 0,
            reorganisations: 0,
            deep_reorganisations: 0,
            deepest_reorganisation: 0,
        }
    }

    /// Tells with each change of the tip which transactions of this account left the chain or joined it.
    pub fn watching(self, account: Address) -> Self {
        Self { watched: Some(account), ..self }
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

    fn count_reorganisation(&mut self, left: u64) {
        self.reorganisations += 1;
        self.deep_reorganisations += u64::from(left > DEEP);
        self.deepest_reorganisation = self.deepest_reorganisation.max(left);
    }

    /// Figures for people.
    pub fn figures(&self) -> Figures {
        Figures {
            pool: self.pool().len(),
            pool_bytes: self.pool().bytes(),
            orphans: self.orphans.len(),
            partial: self.partials.len(),
            dropped: self.dropped,
            reorganisations: self.reorganisations,
            deep_reorganisations: self.deep_reorganisations,
            deepest_reorganisation: self.deepest_reorganisation,
        }
    }

    /// Handles an event. `view` is what is stored now, all earlier commits included, and what is staged.
    pub fn on(&mut self, now: Now, event: Event, view: &dyn ChainSource) -> Vec<Effect> {
        let mut effects = Vec::new();
        let event = match self.is_full() {
            true => self.while_full(event, &mut effects),
            false => Some(event),
        };
        let done = match event {
            None => Ok(()),
            Some(event) => self.handle(now, event, view, &mut effects),
        };
        if done.is_ok() && !self.jobs.is_empty() {
            effects.push(Effect::GoOn);
        }
        self.state = match done {
            Ok(()) if let Some(moving) = self.moving() => moving,
            Ok(()) if let Room::Full { free_bytes } = self.room => State::Full { tip: self.tip, free_bytes },
            Ok(()) if self.checking.is_empty() => State::Settled { tip: self.tip },
            Ok(()) => State::Checking { tip: self.tip, blocks: self.checking.len() },
            Err(error) => {
                effects.push(Effect::Broken(error.0.clone()));
                State::Broken { why: error.0 }
            }
        };
        effects
    }

    fn handle(
        &mut self,
        now: Now,
        event: Event,
        view: &dyn ChainSource,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ViewError> {
        match event {
            Event::Announced { announcement, from, ticket } => {
                self.announced(now, announcement, from, ticket, view, effects)
            }
            Event::Fetched { ask, from, block } => self.fetched(now, ask, from, block, view, effects),
            Event::Missing { ask, transactions } => self.missing(now, ask, transactions, view, effects),
            Event::Blocks { blocks, source } => self.offered(now, blocks, source, view, effects),
            Event::Mined(mined) => self.mined(now, mined, view, effects),
            Event::BlocksChecked { results, source } => self.checked(now, results, source, view, effects),
            Event::Gossiped { transactions, from, ticket } => {
                self.gossiped(transactions, Origin::Gossip { from, ticket }, view, effects)
            }
            Event::Submitted { transaction, ticket } => {
                self.submitted(transaction, ticket, view, effects);
                Ok(())
            }
            Event::TransactionsChecked { results, origin } => {
                self.transactions_checked(now, results, origin, view, effects)
            }
            Event::TemplateWanted { miner } => {
                self.template(now, miner, view).map(|t| effects.push(Effect::Template(t)))
            }
            Event::Syncing(syncing) => {
                self.syncing = syncing;
                Ok(())
            }
            Event::GoOn => self.go_on(now, view, effects),
            Event::GiveUp => {
                self.give_up(effects);
                Ok(())
            }
            Event::Disk { free_bytes } => {
                self.measured(free_bytes, effects);
                Ok(())
            }
            Event::Tick => self.tick(now, view, effects),
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
        if self.expire_at <= now.mono {
            self.expire_at = now.mono.saturating_add(EXPIRE_EVERY_MS);
            self.pool.expire(now.mono);
        }
        self.orphans.expire(now.mono);
        let due = if self.is_full() { Vec::new() } else { self.early.take(now.unix) };
        if !due.is_empty() {
            self.connect(now, due.into(), view, effects)?;
        }
        self.partials.tick(now.mono, |id| self.checking.contains_key(id), effects);
        let due = self.relay.due(now.mono, self.pool.view());
        if !due.is_empty() {
            effects.push(Effect::Relay(due));
        }
        Ok(())
    }
}

fn misbehaved(peer: PeerId, why: String) -> Effect {
    Effect::Misbehaved { peer, why }
}

/// The announcement of a block.
pub fn announcement(block: &CheckedBlock) -> Announcement {
    Announcement {
        header: block.header().clone(),
        signature: *block.signature(),
        short_ids: block.transactions().iter().map(|tx| short_id(tx)).collect(),
    }
}

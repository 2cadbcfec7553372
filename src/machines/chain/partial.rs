//! Announced blocks whose bodies are not here yet: whom to ask for what is missing, and when to ask somebody else.
//!
//! First the missing transactions by their places, then the whole block, of everybody who announced it in turn; then
//! it is given up, and the syncer finds the block if it matters. Every question has a deadline, so everything ends.
//! Blames nobody for transactions that do not fit: short ids are not signed, so an announcement may be forged although
//! whoever passed it on is honest.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use ledger::{Block, BlockId, CheckedTransaction, Header, Signature, Transaction, merkle};

use super::{Ask, Effect};
use crate::PeerId;

/// Blocks that are put together at once: each showed its work, and there is rarely more than one.
pub const MAX_PARTIALS: usize = 16;
/// Peers that announced a block and may be asked for it.
pub const MAX_ANNOUNCERS: usize = 8;
/// Transactions asked for by their places; the wire's limit is the same. The whole block costs less than two questions.
pub const MAX_MISSING: usize = 1_000;
/// Questions for the missing transactions: 100, 200, 400 and 800 ms apart, the time in which a peer that passed the
/// announcement on checks the block and has it.
const MISSING_TRIES: u32 = 4;
/// Questions for the whole block, the first at once, then as far apart.
const WHOLE_TRIES: u32 = 4;
/// The pause before a block is asked for again, doubled with every try.
const PAUSE_MS: u64 = 100;
/// An answer with transactions comes within that time: at most a megabyte.
pub const MISSING_MS: u64 = 2_000;
/// An answer with a whole block comes within that time.
pub const WHOLE_MS: u64 = 10_000;

/// What a block lacks.
#[derive(Debug)]
enum Wanted {
    /// Transactions at these places.
    Missing(Vec<u16>),
    /// Everything.
    Whole,
}

#[derive(Debug)]
enum Step {
    /// Asks the next peer then.
    Pausing { until: u64 },
    /// A peer was asked.
    Asked { ask: Ask, of: PeerId, until: u64 },
}

#[derive(Debug)]
struct Partial {
    header: Header,
    signature: Signature,
    /// Its transactions as far as the pool has them. Bounded by the size of a block.
    found: Vec<Option<Arc<CheckedTransaction>>>,
    wanted: Wanted,
    step: Step,
    tries: u32,
    /// Who announced it, the next to be asked first.
    announcers: VecDeque<PeerId>,
}

/// Blocks that are being put together.
#[derive(Debug, Default)]
pub(super) struct Partials {
    blocks: BTreeMap<BlockId, Partial>,
    asks: u64,
}

/// What an answer was worth.
#[derive(Debug)]
pub(super) enum Answer {
    /// The block is whole.
    Whole(Box<Block>, PeerId),
    /// Another question follows, or none was open.
    Nothing,
    /// Not what was asked for.
    Misfit(PeerId),
}

/// Puts a block together from what is there; none if it is not what the header commits to.
fn assemble(
    header: &Header,
    signature: &Signature,
    found: &[Option<Arc<CheckedTransaction>>],
    missing: Vec<Transaction>,
) -> Option<Block> {
    let mut missing = missing.into_iter();
    let mut leaves = Vec::with_capacity(found.len());
    let mut transactions = Vec::with_capacity(found.len());
    for place in found {
        let (leaf, tx) = match place {
            Some(tx) => (tx.leaf(), tx.transaction().clone()),
            None => missing.next().map(|tx| (tx.leaf(), tx))?,
        };
        leaves.push(leaf);
        transactions.push(tx);
    }
    (merkle::root(&leaves) == header.root).then(|| Block {
        header: header.clone(),
        signature: *signature,
        transactions,
    })
}

impl Partials {
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    pub fn contains(&self, id: &BlockId) -> bool {
        self.blocks.contains_key(id)
    }

    /// The block that an open question is about.
    pub fn asked_for(&self, question: Ask) -> Option<BlockId> {
        let is_open = |partial: &Partial| matches!(partial.step, Step::Asked { ask, .. } if ask == question);
        self.blocks.iter().find(|(_, partial)| is_open(partial)).map(|(id, _)| *id)
    }

    /// Another peer announced a block that is being put together.
    pub fn announced_by(&mut self, id: &BlockId, peer: PeerId) {
        if let Some(partial) = self.blocks.get_mut(id)
            && partial.announcers.len() < MAX_ANNOUNCERS
            && !partial.announcers.contains(&peer)
        {
            // It is the next to be asked: the others were, or have been.
            partial.announcers.push_front(peer);
        }
    }

    /// Begins to put a block together, of which these transactions are there.
    pub fn begin(
        &mut self,
        mono: u64,
        (header, signature): (Header, Signature),
        found: Vec<Option<Arc<CheckedTransaction>>>,
        from: PeerId,
        effects: &mut Vec<Effect>,
    ) {
        let id = header.id();
        if self.blocks.len() >= MAX_PARTIALS {
            effects.push(Effect::Behind { peer: from });
            return;
        }
        let empty = (0..).zip(&found).filter(|(_, place)| place.is_none()).map(|(index, _)| index);
        let missing: Vec<u16> = empty.collect();
        let by_place = !missing.is_empty() && missing.len() <= MAX_MISSING && 2 * missing.len() <= found.len();
        let (wanted, found) = if by_place { (Wanted::Missing(missing), found) } else { (Wanted::Whole, Vec::new()) };
        let (step, announcers) = (Step::Pausing { until: mono }, VecDeque::from([from]));
        let partial = Partial { header, signature, found, wanted, step, tries: 0, announcers };
        self.blocks.insert(id, partial);
        self.ask_next(mono, &id, effects);
    }

    /// A peer answered a question for missing transactions, or has nothing.
    pub fn answered(
        &mut self,
        mono: u64,
        answer: Ask,
        transactions: Option<Vec<Transaction>>,
        effects: &mut Vec<Effect>,
    ) -> Answer {
        let asked = self.blocks.iter_mut().find_map(|(id, partial)| match partial.step {
            Step::Asked { ask, of, .. } if ask == answer => Some((*id, partial, of)),
            _ => None,
        });
        let Some((id, partial, of)) = asked else { return Answer::Nothing };
        match (&partial.wanted, transactions) {
            (Wanted::Missing(places), Some(transactions)) if places.len() == transactions.len() => {
                if let Some(block) = assemble(&partial.header, &partial.signature, &partial.found, transactions) {
                    return Answer::Whole(Box::new(block), of);
                }
                // Short ids of two transactions agree, or the announcement was forged: the block itself tells, and
                // who answered has it.
                partial.want_whole(mono);
                partial.announcers.rotate_right(1);
                self.ask_next(mono, &id, effects);
                Answer::Nothing
            }
            (_, Some(_)) => {
                self.useless(mono, &id, of);
                Answer::Misfit(of)
            }
            (_, None) => {
                partial.pause(mono);
                Answer::Nothing
            }
        }
    }

    /// What `peer` sent for this block is not it: somebody else is asked.
    pub fn useless(&mut self, mono: u64, id: &BlockId, peer: PeerId) {
        let Some(partial) = self.blocks.get_mut(id) else { return };
        partial.announcers.retain(|announcer| *announcer != peer);
        if matches!(partial.step, Step::Asked { of, .. } if of == peer) {
            partial.pause(mono);
        }
        if partial.announcers.is_empty() {
            self.blocks.remove(id);
        }
    }

    /// The block is here, or will never be wanted.
    pub fn remove(&mut self, id: &BlockId) {
        self.blocks.remove(id);
    }

    /// Asks what is due, except for blocks of which `is_checked` says that a copy is being checked.
    pub fn tick(&mut self, mono: u64, is_checked: impl Fn(&BlockId) -> bool, effects: &mut Vec<Effect>) {
        for partial in self.blocks.values_mut() {
            if let Step::Asked { until, .. } = partial.step
                && until <= mono
            {
                partial.pause(mono);
            }
        }
        let due = |(id, partial): (&BlockId, &Partial)| {
            let now = matches!(partial.step, Step::Pausing { until } if until <= mono);
            (now && !is_checked(id)).then_some(*id)
        };
        let due: Vec<_> = self.blocks.iter().filter_map(due).collect();
        for id in due {
            self.ask_next(mono, &id, effects);
        }
    }

    fn ask_next(&mut self, mono: u64, id: &BlockId, effects: &mut Vec<Effect>) {
        let Some(partial) = self.blocks.get_mut(id) else { return };
        let Some(&from) = partial.announcers.front() else { return };
        if partial.tries >= partial.most_tries() {
            match partial.wanted {
                Wanted::Missing(_) => partial.want_whole(mono),
                Wanted::Whole => {
                    self.blocks.remove(id);
                    effects.push(Effect::Behind { peer: from });
                    return;
                }
            }
        }
        partial.announcers.rotate_left(1);
        self.asks += 1;
        let ask = Ask(self.asks);
        let (effect, deadline) = match &partial.wanted {
            Wanted::Missing(indexes) => {
                (Effect::FetchMissing { ask, from, block: *id, indexes: indexes.clone() }, MISSING_MS)
            }
            Wanted::Whole => (Effect::Fetch { ask, from, id: *id }, WHOLE_MS),
        };
        partial.step = Step::Asked { ask, of: from, until: mono.saturating_add(deadline) };
        effects.push(effect);
    }
}

impl Partial {
    fn most_tries(&self) -> u32 {
        match self.wanted {
            Wanted::Missing(_) => MISSING_TRIES,
            Wanted::Whole => WHOLE_TRIES,
        }
    }

    /// A question came to nothing.
    fn pause(&mut self, mono: u64) {
        self.step = Step::Pausing { until: mono.saturating_add(PAUSE_MS << self.tries.min(8)) };
        self.tries += 1;
    }

    /// From now on the whole block is asked for, with the next tick.
    fn want_whole(&mut self, mono: u64) {
        self.wanted = Wanted::Whole;
        self.found = Vec::new();
        self.tries = 0;
        self.step = Step::Pausing { until: mono };
    }
}

#[cfg(test)]
impl Partials {
    /// How many peers may be asked, over all blocks.
    pub fn announcers(&self) -> usize {
        self.blocks.values().map(|partial| partial.announcers.len()).sum()
    }
}

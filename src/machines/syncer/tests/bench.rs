//! A syncer on a bench: events go in one by one, and what it wants done is looked at.

use std::collections::{BTreeSet, VecDeque};

use super::*;

/// A syncer, and a chain that takes what it offers.
pub struct Bench {
    pub syncer: Syncer,
    pub store: MemoryChain,
    pub network: Arc<Network>,
    /// What it said about being behind.
    pub said: Vec<bool>,
    pub misbehaved: Vec<(PeerId, String)>,
    pub lagging: Vec<PeerId>,
    /// The first id of each locator that it asked with.
    pub headers_wanted_after: Vec<BlockId>,
}

impl Bench {
    pub fn new() -> Self {
        Self::on_branch(&Branch::new(&network()))
    }

    pub fn on_branch(branch: &Branch) -> Self {
        let network = branch.network.clone();
        let syncer = Syncer::new(network.clone(), branch.tip());
        Self {
            syncer,
            store: branch.store(),
            network,
            said: Vec::new(),
            misbehaved: Vec::new(),
            lagging: Vec::new(),
            headers_wanted_after: Vec::new(),
        }
    }

    /// Handles an event and gives the questions and offers.
    pub fn on(&mut self, mono: u64, event: Event) -> Vec<Effect> {
        let effects = self.syncer.on(at(mono), event, &self.store).unwrap();
        let (rest, news): (Vec<_>, Vec<_>) = effects
            .into_iter()
            .partition(|e| !matches!(e, Effect::Syncing(_) | Effect::Misbehaved { .. } | Effect::Lagging { .. }));
        for effect in news {
            match effect {
                Effect::Syncing(syncing) => self.said.push(syncing),
                Effect::Misbehaved { peer, why, .. } => self.misbehaved.push((peer, why)),
                Effect::Lagging { peer } => self.lagging.push(peer),
                _ => {}
            }
        }
        self.headers_wanted_after.extend(rest.iter().filter_map(|effect| match effect {
            Effect::AskHeaders { locator, .. } => locator.first().copied(),
            _ => None,
        }));
        rest
    }

    /// Peer `n` tells the end of `branch`.
    pub fn status(&mut self, mono: u64, n: u8, branch: &Branch) -> Vec<Effect> {
        self.on(mono, Event::Status { peer: peer(n), tip: branch.tip() })
    }

    /// The chain takes blocks, as the chain machine tells of it.
    pub fn take(&mut self, mono: u64, blocks: Vec<Block>) -> Vec<Effect> {
        let count = blocks.len();
        for block in blocks {
            let block = CheckedBlock::kept(block, &self.network).unwrap();
            self.store.connect(Arc::new(block)).unwrap();
        }
        let mut effects = self.on(mono, Event::Taken { blocks: count });
        effects.extend(self.on(mono, Event::TipChanged));
        effects
    }

    /// All peers follow `branch` and answer at once until nothing is asked any more. Gives who was asked for blocks.
    pub fn serve(&mut self, mono: u64, effects: Vec<Effect>, branch: &MemoryChain) -> BTreeSet<PeerId> {
        let mut asked = BTreeSet::new();
        let mut todo: VecDeque<_> = effects.into();
        while let Some(effect) = todo.pop_front() {
            let more = match effect {
                Effect::AskHeaders { ask, locator, limit, .. } => {
                    self.on(mono, Event::Headers { ask, headers: branch.headers_after(&locator, limit.into()) })
                }
                Effect::AskBlocks { ask, peer, ids } => {
                    asked.insert(peer);
                    self.on(mono, Event::Blocks { ask, blocks: bodies(branch, &ids) })
                }
                Effect::Offer { blocks, .. } => self.take(mono, blocks),
                Effect::AskStatus { peer } => self.on(mono, Event::Status { peer, tip: branch.tip().unwrap() }),
                Effect::Syncing(_) | Effect::Misbehaved { .. } | Effect::Lagging { .. } => Vec::new(),
            };
            todo.extend(more);
        }
        asked
    }

    /// As far as the bodies: the headers of `branch` came from peer `n`. Gives the questions for bodies.
    pub fn with_headers(&mut self, mono: u64, n: u8, branch: &Branch) -> Vec<Effect> {
        let (mut effects, mut headers) = (self.status(mono, n, branch), &branch.headers[1..]);
        while asks_headers(&effects) {
            let (ask, limit) = header_question(&effects, n);
            let (now, later) = headers.split_at(limit.min(headers.len()));
            effects = self.on(mono, Event::Headers { ask, headers: now.to_vec() });
            headers = later;
        }
        effects
    }
}

pub fn bodies(branch: &MemoryChain, ids: &[BlockId]) -> Vec<Block> {
    ids.iter().map_while(|id| branch.block(id).unwrap()).collect()
}

/// The question for headers, which must go to peer `n`.
pub fn header_ask(effects: &[Effect], n: u8) -> Ask {
    header_question(effects, n).0
}

/// The same with the number of headers that it asks for.
pub fn header_question(effects: &[Effect], n: u8) -> (Ask, usize) {
    let asks: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::AskHeaders { ask, peer, limit, .. } => Some((*ask, *peer, usize::from(*limit))),
            _ => None,
        })
        .collect();
    assert!(matches!(asks[..], [(_, asked, _)] if asked == peer(n)), "{effects:?}");
    (asks[0].0, asks[0].2)
}

pub fn asks_headers(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::AskHeaders { .. }))
}

/// The questions for blocks.
pub fn block_asks(effects: &[Effect]) -> Vec<(Ask, PeerId, Vec<BlockId>)> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::AskBlocks { ask, peer, ids } => Some((*ask, *peer, ids.clone())),
            _ => None,
        })
        .collect()
}

/// Heights of the blocks offered, in order.
pub fn offered(effects: &[Effect]) -> Vec<u64> {
    let heights = |effect: &Effect| match effect {
        Effect::Offer { blocks, .. } => blocks.iter().map(|block| block.header.height).collect(),
        _ => Vec::new(),
    };
    effects.iter().flat_map(heights).collect()
}

pub fn grown(count: usize) -> Branch {
    Branch::grown(&network(), 5, count)
}

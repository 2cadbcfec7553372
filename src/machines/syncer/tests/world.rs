//! A node that syncs, on virtual time: the syncer and the chain on a store, and peers of all kinds behind slow lines.
//!
//! Mail between the parts may be lost, the chain may start anew, peers come and go. What each peer does is its [`Kind`];
//! all of them answer questions for their tip, or they would soon not be asked any more.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use ledger::memory::MemoryChain;
use ledger::{Block, BlockId, ChainSource, Header, Tip, Work};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::PeerId;
use crate::chain::{self, Chain, Source};
use crate::fixture::{Branch, at};
use crate::syncer::{Ask, Effect, Event, State, Syncer};

/// A branch that peers serve.
pub struct Served {
    branch: Branch,
    heights: HashMap<BlockId, usize>,
    work: Vec<Work>,
}

impl Served {
    pub fn new(branch: Branch) -> Rc<Self> {
        let heights = branch.headers.iter().enumerate().map(|(height, header)| (header.id(), height)).collect();
        let mut work = vec![Work::ZERO];
        for header in &branch.headers[1..] {
            work.push(work[work.len() - 1].checked_add(header.target.work().unwrap()).unwrap());
        }
        Rc::new(Self { branch, heights, work })
    }

    pub fn tip(&self, height: usize) -> Tip {
        let header = &self.branch.headers[height];
        Tip { id: header.id(), height: header.height, work: self.work[height], time: header.time }
    }

    fn headers_after(&self, locator: &[BlockId], end: usize, most: usize) -> Vec<Header> {
        let known = locator.iter().find_map(|id| self.heights.get(id)).copied().filter(|height| *height <= end);
        let first = known.unwrap_or(0) + 1;
        self.branch.headers[first..=end].iter().take(most).cloned().collect()
    }

    fn bodies(&self, ids: &[BlockId], end: usize) -> Vec<Block> {
        let body = |id: &BlockId| match self.heights.get(id) {
            Some(&height) if height > 0 && height <= end => Some(self.branch.blocks[height - 1].clone()),
            _ => None,
        };
        ids.iter().map_while(body).collect()
    }
}

/// What a peer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Serves what it has.
    Honest,
    /// Answers no question for headers or bodies.
    Silent,
    /// Serves headers at once, and one body for each question after this many milliseconds.
    Drip(u64),
    /// Claims twice the work and serves what it has.
    Boast,
    /// Claims twice the work and has no headers for it.
    Fraud,
    /// Claims more work; its headers come after this many milliseconds, its bodies never.
    Late(u64),
    /// Serves headers and no bodies.
    Withhold,
    /// Bodies with another signature.
    Mutate,
    /// Other bodies than it was asked for.
    Wrong,
    /// Headers that are no chain.
    Garbage,
    /// Goes after each answer with blocks, and comes back after this many milliseconds.
    Flee(u64),
    /// Keeps only the bodies above this height.
    Pruned(usize),
}

pub struct Peer {
    pub id: PeerId,
    pub kind: Kind,
    pub served: Rc<Served>,
    /// How far its chain goes now.
    pub height: usize,
    /// One way, in milliseconds.
    pub delay: u64,
    /// Bytes a millisecond.
    pub speed: u64,
    free_at: u64,
    /// Counts its connections; answers over an earlier one are lost.
    epoch: u64,
    pub connected: bool,
    points: u32,
    pub banned: bool,
}

enum Happening {
    Syncer(Event),
    Answer { peer: usize, epoch: u64, event: Event },
    Chain { boot: u64, event: chain::Event },
    Connects(usize),
    Disconnects(usize),
}

/// What may go wrong, in percent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Weather {
    pub lost_answers: u32,
    pub lost_mail: u32,
    pub lost_offers: u32,
    /// Of a connection, each second.
    pub disconnects: u32,
    /// Of the chain, each second.
    pub restarts: u32,
}

pub struct World {
    pub time: u64,
    queue: BTreeMap<(u64, u64), Happening>,
    count: u64,
    pub syncer: Syncer,
    pub store: MemoryChain,
    chain: Chain,
    boot: u64,
    verified_at: u64,
    pub peers: Vec<Peer>,
    rng: ChaCha8Rng,
    pub weather: Weather,
    /// Milliseconds in which mining paused.
    pub paused: u64,
    /// Open questions for headers, and the most at once.
    headers_open: BTreeSet<Ask>,
    pub most_headers_open: usize,
    pub header_questions: usize,
    pub misbehaved: BTreeMap<PeerId, u32>,
    /// Blocks asked for, by peer.
    pub asked: BTreeMap<PeerId, usize>,
    pub trace: bool,
}

impl World {
    /// A node on the first `height` blocks of what is served.
    pub fn new(served: &Served, height: usize, seed: u64) -> Self {
        let network = served.branch.network.clone();
        let mut branch = served.branch.clone();
        branch.headers.truncate(height + 1);
        branch.blocks.truncate(height);
        let store = branch.store();
        let tip = store.tip().unwrap();
        Self {
            time: 0,
            queue: BTreeMap::new(),
            count: 0,
            syncer: Syncer::new(network.clone(), tip),
            chain: Chain::new(network, tip),
            store,
            boot: 0,
            verified_at: 0,
            peers: Vec::new(),
            rng: ChaCha8Rng::seed_from_u64(seed),
            weather: Weather::default(),
            paused: 0,
            headers_open: BTreeSet::new(),
            most_headers_open: 0,
            header_questions: 0,
            misbehaved: BTreeMap::new(),
            asked: BTreeMap::new(),
            trace: false,
        }
    }

    /// A peer that connects at once.
    pub fn add(&mut self, kind: Kind, served: &Rc<Served>, height: usize, delay: u64, speed: u64) -> usize {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&(self.peers.len() as u64 + 1).to_le_bytes());
        let (served, id) = (served.clone(), PeerId(id));
        let (free_at, epoch, connected, points, banned) = (0, 0, false, 0, false);
        let peer = Peer { id, kind, served, height, delay, speed, free_at, epoch, connected, points, banned };
        self.peers.push(peer);
        self.connect(self.peers.len() - 1);
        self.peers.len() - 1
    }

    pub fn connect(&mut self, peer: usize) {
        if self.peers[peer].connected || self.peers[peer].banned {
            return;
        }
        self.peers[peer].connected = true;
        self.peers[peer].epoch += 1;
        self.tell_tip(peer);
    }

    pub fn disconnect(&mut self, peer: usize) {
        if std::mem::take(&mut self.peers[peer].connected) {
            let id = self.peers[peer].id;
            if !self.lost(self.weather.lost_mail) {
                self.syncer(Event::Gone { peer: id });
            }
        }
    }

    /// A number below `below`.
    pub fn draw(&mut self, below: u64) -> u64 {
        self.rng.next_u64() % below
    }

    fn lost(&mut self, percent: u32) -> bool {
        percent > 0 && self.draw(100) < u64::from(percent)
    }

    fn later(&mut self, ms: u64, happening: Happening) {
        self.count += 1;
        self.queue.insert((self.time + ms, self.count), happening);
    }

    /// Lets time pass until `done`, at most until `end`; `each` happens at every tick. Gives whether it came so far.
    pub fn run(&mut self, end: u64, mut each: impl FnMut(&mut Self), done: impl Fn(&Self) -> bool) -> bool {
        while self.time < end {
            let next_tick = (self.time / 100 + 1) * 100;
            while let Some(entry) = self.queue.first_entry().filter(|entry| entry.key().0 < next_tick) {
                self.time = self.time.max(entry.key().0);
                let happening = entry.remove();
                self.happen(happening);
            }
            self.time = next_tick;
            self.paused += if self.syncer.is_syncing() { 100 } else { 0 };
            self.chance();
            each(self);
            self.chain(chain::Event::Tick);
            self.syncer(Event::Tick);
            if done(self) {
                return true;
            }
        }
        false
    }

    /// Whether the node follows the chain with this tip, and is not behind.
    pub fn follows(&self, tip: &Tip) -> bool {
        self.store.tip().unwrap() == *tip
            && matches!(self.syncer.state(), State::Following)
            && !self.syncer.is_syncing()
    }

    fn chance(&mut self) {
        if !self.time.is_multiple_of(1_000) {
            return;
        }
        for peer in 0..self.peers.len() {
            // Its own syncer asks for our tip, and tells its own with the question.
            if self.time.is_multiple_of(10_000) && self.peers[peer].kind == Kind::Honest {
                self.tell_tip(peer);
            }
            if self.peers[peer].connected && self.lost(self.weather.disconnects) {
                self.disconnect(peer);
                let ms = 100 + self.draw(10_000);
                self.later(ms, Happening::Connects(peer));
            }
        }
        if self.lost(self.weather.restarts) {
            // What it had at the verifier is gone.
            self.boot += 1;
            self.chain = Chain::new(self.store.network().clone(), self.store.tip().unwrap());
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Syncer(event) => self.syncer(event),
            Happening::Answer { peer, epoch, event } => {
                if let Event::Headers { ask, .. } | Event::Failed { ask } = &event {
                    self.headers_open.remove(ask);
                }
                if self.peers[peer].connected && self.peers[peer].epoch == epoch {
                    self.syncer(event);
                }
            }
            Happening::Chain { boot, event } if boot == self.boot => self.chain(event),
            Happening::Chain { .. } => {}
            Happening::Connects(peer) => self.connect(peer),
            Happening::Disconnects(peer) => self.disconnect(peer),
        }
    }

    pub fn syncer(&mut self, event: Event) {
        if self.trace {
            let mut what = format!("{event:?}");
            what.truncate(100);
            println!("{:>7} {what}", self.time);
        }
        let effects = self.syncer.on(at(self.time), event, &self.store).unwrap();
        for effect in effects {
            if self.trace {
                let mut what = format!("{effect:?}");
                what.truncate(140);
                println!("{:>7}     {what}", self.time);
            }
            self.perform(effect);
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::AskStatus { peer } => {
                let peer = self.index(&peer);
                self.tell_tip(peer);
            }
            Effect::AskHeaders { ask, peer, locator, limit } => {
                assert!(locator.len() <= 64, "the wire carries no longer locator");
                self.header_questions += 1;
                self.headers_open.insert(ask);
                self.most_headers_open = self.most_headers_open.max(self.headers_open.len());
                self.answer_headers(self.index(&peer), ask, &locator, limit.into());
            }
            Effect::AskBlocks { ask, peer, ids } => {
                *self.asked.entry(peer).or_default() += ids.len();
                self.answer_bodies(self.index(&peer), ask, &ids);
            }
            Effect::Offer { blocks, from } => {
                if self.lost(self.weather.lost_offers) {
                    self.later(0, Happening::Syncer(Event::NotTaken));
                } else {
                    self.tell_chain(chain::Event::Blocks { blocks, source: Source::Sync(from) });
                }
            }
            Effect::Misbehaved { peer, .. } => self.offence(&peer),
            Effect::Syncing(_) | Effect::Lagging { .. } => {}
        }
    }

    fn chain(&mut self, event: chain::Event) {
        let effects = self.chain.on(at(self.time), event, self.store.latest());
        for effect in effects {
            match effect {
                chain::Effect::Commit(commit) => self.store.commit(&commit).unwrap(),
                chain::Effect::Stage(commit) => self.store.stage(&commit).unwrap(),
                chain::Effect::Abandon => self.store.abandon(),
                chain::Effect::GoOn => self.chain(chain::Event::GoOn),
                chain::Effect::CheckBlocks { blocks, source } => {
                    let network = self.store.network().clone();
                    let check = |block: Block| {
                        let id = block.header.id();
                        ledger::CheckedBlock::kept(block, &network)
                            .map(std::sync::Arc::new)
                            .map_err(|error| (id, error))
                    };
                    let results: Vec<_> = blocks.into_iter().map(check).collect();
                    // One after another, half a millisecond each.
                    self.verified_at = self.verified_at.max(self.time) + 1 + results.len() as u64 / 2;
                    let ms = self.verified_at - self.time;
                    let event = chain::Event::BlocksChecked { results, source };
                    self.later(ms, Happening::Chain { boot: self.boot, event });
                }
                chain::Effect::SyncTaken { blocks } => self.mail(Event::Taken { blocks }),
                chain::Effect::SyncRefused { from, id, error } => self.mail(Event::Refused { from, id, error }),
                chain::Effect::TipChanged(_) => self.mail(Event::TipChanged),
                chain::Effect::Behind { peer } => self.mail(Event::Behind { peer }),
                chain::Effect::Misbehaved { peer, .. } => self.offence(&peer),
                chain::Effect::Broken(why) => panic!("{why}"),
                _ => {}
            }
        }
    }

    fn mail(&mut self, event: Event) {
        if !self.lost(self.weather.lost_mail) {
            self.later(0, Happening::Syncer(event));
        }
    }

    fn tell_chain(&mut self, event: chain::Event) {
        self.later(1, Happening::Chain { boot: self.boot, event });
    }

    /// As if the peer had passed on the block at its tip.
    pub fn gossip(&mut self, peer: usize) {
        let Peer { served, height, id, .. } = &self.peers[peer];
        let (blocks, source) = (vec![served.branch.blocks[*height - 1].clone()], Source::Peer(*id));
        self.tell_chain(chain::Event::Blocks { blocks, source });
    }

    /// Three offences, and the peer is refused.
    fn offence(&mut self, peer: &PeerId) {
        *self.misbehaved.entry(*peer).or_default() += 1;
        let index = self.index(peer);
        let peer = &mut self.peers[index];
        assert!(!matches!(peer.kind, Kind::Honest | Kind::Flee(_) | Kind::Pruned(_)), "an honest peer is accused");
        peer.points += 34;
        if peer.points >= 100 {
            peer.banned = true;
            self.later(0, Happening::Disconnects(index));
        }
    }

    fn index(&self, peer: &PeerId) -> usize {
        usize::try_from(u64::from_le_bytes(peer.0[..8].try_into().unwrap())).unwrap() - 1
    }

    fn answer(&mut self, peer: usize, ms: u64, event: Event) {
        if !self.peers[peer].connected {
            // As the network task says when nobody is there.
            if let Event::Headers { ask, .. } | Event::Blocks { ask, .. } = event {
                self.later(1, Happening::Syncer(Event::Failed { ask }));
            }
        } else if !self.lost(self.weather.lost_answers) {
            let epoch = self.peers[peer].epoch;
            self.later(ms, Happening::Answer { peer, epoch, event });
        }
    }

    fn tell_tip(&mut self, peer: usize) {
        let Peer { served, height, kind, id, delay, connected, .. } = &self.peers[peer];
        if !connected {
            return;
        }
        let mut tip = served.tip(*height);
        if matches!(kind, Kind::Boast | Kind::Fraud | Kind::Late(_) | Kind::Silent | Kind::Garbage) {
            tip.height += 1_000_000;
            tip.work = tip.work.checked_add(tip.work).unwrap();
            tip.id = BlockId([id.0[0]; 32]);
        }
        let (event, ms) = (Event::Status { peer: *id, tip }, 2 * delay);
        self.answer(peer, ms, event);
    }

    fn answer_headers(&mut self, peer: usize, ask: Ask, locator: &[BlockId], limit: usize) {
        let Peer { served, height, kind, delay, .. } = &self.peers[peer];
        let mut headers = served.headers_after(locator, *height, limit);
        let mut ms = 2 * delay;
        match kind {
            Kind::Silent => return,
            Kind::Fraud => headers.clear(),
            Kind::Late(late) => ms += late,
            Kind::Garbage => headers.iter_mut().for_each(|header| header.nonce ^= 1),
            _ => {}
        }
        let ms = ms + self.carry(peer, headers.len() * 137);
        self.answer(peer, ms, Event::Headers { ask, headers });
    }

    fn answer_bodies(&mut self, peer: usize, ask: Ask, ids: &[BlockId]) {
        let Peer { served, height, kind, delay, .. } = &self.peers[peer];
        let mut blocks = served.bodies(ids, *height);
        let (kind, mut ms) = (*kind, 2 * delay);
        match kind {
            Kind::Silent | Kind::Withhold | Kind::Late(_) => return,
            Kind::Drip(late) => {
                blocks.truncate(1);
                ms += late;
            }
            Kind::Mutate => {
                let other = served.branch.blocks[0].signature;
                blocks.iter_mut().skip(1).for_each(|block| block.signature = other);
            }
            Kind::Wrong => blocks.reverse(),
            Kind::Pruned(above) => {
                blocks = blocks.into_iter().take_while(|block| block.header.height > above as u64).collect();
            }
            _ => {}
        }
        let ms = ms + self.carry(peer, blocks.iter().map(Block::size).sum());
        self.answer(peer, ms, Event::Blocks { ask, blocks });
        if let Kind::Flee(back) = kind {
            self.later(ms, Happening::Disconnects(peer));
            self.later(ms + back, Happening::Connects(peer));
        }
    }

    /// How long until these bytes are over the peer's line, after all that are on it.
    fn carry(&mut self, peer: usize, bytes: usize) -> u64 {
        let peer = &mut self.peers[peer];
        let start = peer.free_at.max(self.time);
        peer.free_at = start + bytes as u64 / peer.speed.max(1);
        peer.free_at - self.time
    }
}

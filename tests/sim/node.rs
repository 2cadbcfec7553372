//! One node: its machines, what it keeps over a crash, and the shell around them.
//!
//! The shell does what the actors do: translates mail, calls a machine, performs the effects. All nodes are honest, so
//! whoever blames another is wrong, and that ends the run.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::Arc;

use ledger::memory::MemoryChain;
use ledger::pow::Search;
use ledger::{ChainSource, Network, SecretKey};
use machines::chain::{Chain, Event as ChainEvent};
use machines::discovery::{self, Discovery, Fixed, Record};
use machines::miner::{self, JobId, Miner};
use machines::peer::{self, Peer, Score};
use machines::syncer::{self, Syncer};
use machines::{Now, PeerId};

use super::message::{Gossip, Message, Question};
use super::plan::Plan;
use super::verifier::Verifier;

/// A node, running or not.
pub struct Node {
    pub index: usize,
    pub network: Arc<Network>,
    pub(super) verifier: Rc<Verifier>,
    /// Its clock is this far from the truth, in milliseconds.
    pub clock_error: i64,
    /// Nodes in its configuration.
    pub fixed: Vec<usize>,
    /// Outbound peers that it wants.
    wanted: usize,
    max_inbound: usize,
    /// Kept over a crash.
    pub store: MemoryChain,
    /// Kept over a crash.
    pub book: BTreeMap<PeerId, Record>,
    pub live: Option<Live>,
    /// Counts its starts, so that nothing of an earlier life reaches a later one.
    pub boot: u64,
    /// It crashes after performing this many more effects.
    pub fuse: Option<u32>,
    /// Its discovery is so busy that it loses each so-many-th piece of its mail; 0 for none.
    pub loses_each: u64,
    /// Pieces of mail that could have been lost.
    mail: u64,
}

/// What a crash takes away.
pub struct Live {
    pub chain: Chain,
    pub syncer: Syncer,
    pub miner: Miner,
    pub discovery: Discovery,
    pub peers: BTreeMap<PeerId, Connected>,
    /// What its hashing thread is at.
    pub job: Option<(JobId, Search)>,
    /// Gossip that waits for its verdict.
    pub(super) pending: BTreeMap<u64, Gossip>,
    pub(super) seen: HashSet<u64>,
    started: u64,
    pub(super) published: u64,
}

/// A connected peer.
pub struct Connected {
    pub epoch: u64,
    /// Where it was dialed; none if it dialed.
    pub(super) dialed: Option<String>,
    pub(super) machine: Peer,
}

/// What reaches a node.
pub enum Input {
    Tick,
    Chain(ChainEvent),
    Syncer(syncer::Event),
    Miner(miner::Event),
    Discovery(discovery::Event),
    Peer(PeerId, peer::Event),
    Message(PeerId, Message),
    Connected { peer: PeerId, epoch: u64, dialed: Option<String> },
    Gone { peer: PeerId, epoch: u64 },
}

/// What a node wants of the world.
pub enum Output {
    Send(usize, Message),
    /// Checked by the verifier's threads, and comes back later.
    Verified(Box<ChainEvent>),
    Dial(usize),
    Announce,
    Lookup,
    Close(usize),
    Answered {
        accepted: bool,
    },
    /// What must never happen happened.
    Failure(String),
}

/// The name of node `index`. Names are in another order than nodes, since some decisions follow the order of names.
pub fn peer_id(index: usize) -> PeerId {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&(index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    id[24..].copy_from_slice(&(index as u64).to_be_bytes());
    PeerId(id)
}

pub fn index_of(peer: &PeerId) -> usize {
    let mut index = [0; 8];
    index.copy_from_slice(&peer.0[24..]);
    u64::from_be_bytes(index) as usize
}

/// The IP address of node `index`: public ones, each in a range of its own.
pub fn ip(index: usize) -> IpAddr {
    Ipv4Addr::new(20 + (index / 200) as u8, (index % 200) as u8, 7, 7).into()
}

pub fn address(index: usize) -> String {
    format!("/ip4/{}/tcp/4444", ip(index))
}

pub fn index_at(address: &str) -> usize {
    let ip: Ipv4Addr = address.split('/').nth(2).unwrap().parse().unwrap();
    let [a, b, ..] = ip.octets();
    200 * usize::from(a - 20) + usize::from(b)
}

/// The key of the miner of node `index`.
fn miner_key(index: usize) -> SecretKey {
    let mut key = [100; 32];
    key[24..].copy_from_slice(&(index as u64).to_be_bytes());
    SecretKey::from_bytes(key).unwrap()
}

impl Node {
    /// Node `index`, which does not run yet.
    pub fn new(index: usize, plan: &Plan, clock_error: i64, verifier: Rc<Verifier>) -> Self {
        Self {
            index,
            network: verifier.network.clone(),
            clock_error,
            fixed: (0..plan.bootstrap).filter(|other| *other != index).collect(),
            wanted: plan.wanted,
            max_inbound: plan.max_inbound,
            store: MemoryChain::new(verifier.network.clone()),
            verifier,
            book: BTreeMap::new(),
            live: None,
            boot: 0,
            fuse: None,
            loses_each: 0,
            mail: 0,
        }
    }

    /// Whether all nodes together want more peers than they take for longer than a visit.
    pub fn slots_are_scarce(&self) -> bool {
        self.wanted + 2 > self.max_inbound
    }

    pub fn start(&mut self, time: u64) {
        // A crash undoes what was staged.
        self.store.abandon();
        let tip = self.store.tip().unwrap();
        let fixed = |index: &usize| Fixed { peer: None, address: address(*index) };
        let discovery = discovery::Params {
            me: peer_id(self.index),
            fixed: self.fixed.iter().map(fixed).collect(),
            wanted: self.wanted,
            max_inbound: self.max_inbound,
            stale_after_ms: (12 * self.network.spec.spacing_ms).max(60_000),
            forget_after_ms: 24 * 60 * 60 * 1000,
        };
        let now = Now { mono: 0, unix: time.saturating_add_signed(self.clock_error) };
        let future_limit_ms = self.network.future_limit_ms();
        let miner = miner::Params { on: true, key: miner_key(self.index), peers_to_mine: 1, future_limit_ms };
        self.boot += 1;
        self.fuse = None;
        self.live = Some(Live {
            chain: Chain::new(self.network.clone(), tip),
            syncer: Syncer::new(self.network.clone(), tip),
            miner: Miner::new(miner, tip),
            discovery: Discovery::new(discovery, self.book.clone().into_iter().collect(), now),
            peers: BTreeMap::new(),
            job: None,
            pending: BTreeMap::new(),
            seen: HashSet::new(),
            started: time,
            published: 0,
        });
    }

    /// Its two clocks at a true time.
    pub fn clock(&self, time: u64) -> Now {
        let started = self.live.as_ref().map_or(time, |live| live.started);
        Now { mono: time - started, unix: time.saturating_add_signed(self.clock_error) }
    }

    /// Handles one input and all mail that follows from it.
    pub fn hear(&mut self, time: u64, input: Input) -> Vec<Output> {
        let now = self.clock(time);
        let mut shell = Shell { outputs: Vec::new(), mail: VecDeque::from([input]) };
        while let Some(input) = shell.mail.pop_front() {
            if self.live.is_none() {
                break;
            }
            self.handle(now, input, &mut shell);
        }
        shell.outputs
    }

    fn handle(&mut self, now: Now, input: Input, shell: &mut Shell) {
        if matches!(&input, Input::Discovery(event) if self.loses(event)) {
            return;
        }
        let Some(live) = &mut self.live else { return };
        match input {
            Input::Tick => {
                let next = [
                    Input::Chain(ChainEvent::Tick),
                    Input::Syncer(syncer::Event::Tick),
                    Input::Miner(miner::Event::Tick),
                    Input::Discovery(discovery::Event::Tick),
                ];
                let peers: Vec<_> = live.peers.keys().map(|peer| Input::Peer(*peer, peer::Event::Tick)).collect();
                shell.mail.extend(next.into_iter().chain(peers));
            }
            Input::Chain(event) => {
                for effect in live.chain.on(now, event, self.store.latest()) {
                    self.chain_effect(effect, shell);
                }
            }
            Input::Syncer(event) => match live.syncer.on(now, event, &self.store) {
                Ok(effects) => effects.into_iter().for_each(|effect| self.syncer_effect(effect, shell)),
                Err(error) => shell.fail(format!("the syncer: {error}")),
            },
            Input::Miner(event) => {
                for effect in live.miner.on(now, event) {
                    self.miner_effect(effect, shell);
                }
            }
            Input::Discovery(event) => {
                for effect in live.discovery.on(now, event) {
                    self.discovery_effect(effect, shell);
                }
            }
            Input::Peer(peer, event) => self.peer_event(now, peer, event, None, shell),
            Input::Message(peer, message) => self.message(now, peer, &message, shell),
            Input::Connected { peer, epoch, dialed } => {
                let from = dialed.is_none().then(|| ip(index_of(&peer)));
                let event = discovery::Event::Connected { peer, dialed: dialed.clone(), from };
                shell.mail.push_back(Input::Discovery(event));
                // While an old connection is not known to be gone, a new one is only one more.
                if let Some(known) = live.peers.get_mut(&peer) {
                    (known.epoch, known.dialed) = (epoch, dialed);
                    return;
                }
                let machine = Peer::new(1, self.network.chain, Score::new(now.mono), now);
                live.peers.insert(peer, Connected { epoch, dialed, machine });
                let listens = discovery::Event::Listens { peer, addresses: vec![address(index_of(&peer))] };
                shell.mail.push_back(Input::Discovery(listens));
                shell.mail.push_back(Input::Peer(peer, peer::Event::Connected));
            }
            Input::Gone { peer, epoch } => {
                if live.peers.get(&peer).is_some_and(|known| known.epoch == epoch) {
                    live.peers.remove(&peer);
                    shell.mail.push_back(Input::Syncer(syncer::Event::Gone { peer }));
                    shell.mail.push_back(Input::Discovery(discovery::Event::Gone { peer }));
                }
            }
        }
    }

    /// Whether a piece of mail meets a full mailbox. Who is connected is looked up, not mailed.
    fn loses(&mut self, event: &discovery::Event) -> bool {
        self.mail += 1;
        let mailed = !matches!(event, discovery::Event::Tick | discovery::Event::Present(_));
        mailed && self.loses_each > 0 && self.mail.is_multiple_of(self.loses_each)
    }

    /// Whether the node crashes before performing one more effect.
    pub(super) fn burns_out(&mut self) -> bool {
        if let Some(left) = &mut self.fuse {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.live = None;
            }
        }
        self.live.is_none()
    }
}

impl Live {
    /// Peers that passed the handshake.
    pub(super) fn ready(&self) -> impl Iterator<Item = PeerId> {
        let ready = |(peer, connected): (&PeerId, &Connected)| {
            matches!(connected.machine.state(), peer::State::Ready { .. }).then_some(*peer)
        };
        self.peers.iter().filter_map(ready)
    }
}

/// Where effects go.
pub(super) struct Shell {
    pub(super) outputs: Vec<Output>,
    pub(super) mail: VecDeque<Input>,
}

impl Shell {
    pub(super) fn send(&mut self, to: &PeerId, message: Message) {
        self.outputs.push(Output::Send(index_of(to), message));
    }

    pub(super) fn ask(&mut self, whom: &PeerId, question: Question) {
        self.send(whom, Message::Question(Rc::new(question)));
    }

    pub(super) fn fail(&mut self, why: String) {
        self.outputs.push(Output::Failure(why));
    }
}

//! One node: its machines, what it keeps over a crash, and the shell around them.
//!
//! The shell does what the actors do: translates mail, calls a machine, performs the effects. All nodes are honest, so
//! whoever blames another is wrong, and that ends the run.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use ledger::memory::MemoryChain;
use ledger::pow::Search;
use ledger::{ChainSource, Network, SecretKey, Transaction};
use machines::chain::{Chain, Effect as ChainEffect, Event as ChainEvent, GossipTicket, Source, Verdict};
use machines::discovery::{self, Discovery, Fixed, Record};
use machines::miner::{self, JobId, Miner};
use machines::peer::{self, Greeting, Peer};
use machines::syncer::{self, HEADERS_PER_ANSWER, Syncer};
use machines::{Now, PeerId, chain};

use super::message::{Body, Gossip, Message};
use super::verifier::Verifier;

/// A node, running or not.
pub struct Node {
    pub index: usize,
    pub network: Arc<Network>,
    verifier: Rc<Verifier>,
    /// Its clock is this far from the truth, in milliseconds.
    pub clock_error: i64,
    fixed: Vec<usize>,
    others: usize,
    /// Kept over a crash.
    pub store: MemoryChain,
    /// Kept over a crash.
    book: BTreeMap<PeerId, Record>,
    pub live: Option<Live>,
    /// Counts its starts, so that nothing of an earlier life reaches a later one.
    pub boot: u64,
    /// It crashes after performing this many more effects.
    pub fuse: Option<u32>,
}

/// What a crash takes away.
pub struct Live {
    pub chain: Chain,
    pub syncer: Syncer,
    pub miner: Miner,
    pub discovery: Discovery,
    pub peers: BTreeMap<PeerId, Connected>,
    /// Gossip that waits for its verdict.
    pending: BTreeMap<[u8; 32], Gossip>,
    seen: BTreeSet<[u8; 32]>,
    started: u64,
    published: u64,
}

/// A connected peer.
pub struct Connected {
    pub epoch: u64,
    machine: Peer,
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
    Verified(ChainEvent),
    Hash(JobId, Search),
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

pub fn peer_id(index: usize) -> PeerId {
    PeerId([index as u8 + 1; 32])
}

pub fn index_of(peer: &PeerId) -> usize {
    usize::from(peer.0[0]) - 1
}

pub fn address(index: usize) -> String {
    format!("/memory/{index}")
}

pub fn index_at(address: &str) -> usize {
    address.trim_start_matches("/memory/").parse().unwrap()
}

/// The key of the miner of node `index`.
pub fn miner_key(index: usize) -> SecretKey {
    SecretKey::from_bytes([100 + index as u8; 32]).unwrap()
}

impl Node {
    /// Node `index`, which does not run yet and knows the nodes `fixed`.
    pub fn new(index: usize, others: usize, fixed: Vec<usize>, clock_error: i64, verifier: Rc<Verifier>) -> Self {
        let network = verifier.network.clone();
        let store = MemoryChain::new(network.clone());
        let book = BTreeMap::new();
        Self { index, network, verifier, clock_error, fixed, others, store, book, live: None, boot: 0, fuse: None }
    }

    pub fn start(&mut self, time: u64) {
        let tip = self.store.tip().unwrap();
        let fixed = |index: &usize| Fixed { peer: None, address: address(*index) };
        let discovery = discovery::Params {
            me: peer_id(self.index),
            fixed: self.fixed.iter().map(fixed).collect(),
            wanted: self.others,
            forget_after_ms: 24 * 60 * 60 * 1000,
        };
        let miner = miner::Params { on: true, key: miner_key(self.index), peers_to_mine: 0 };
        self.boot += 1;
        self.fuse = None;
        self.live = Some(Live {
            chain: Chain::new(self.network.clone(), tip),
            syncer: Syncer::new(self.network.clone(), tip),
            miner: Miner::new(miner),
            discovery: Discovery::new(discovery, self.book.clone().into_iter().collect()),
            peers: BTreeMap::new(),
            pending: BTreeMap::new(),
            seen: BTreeSet::new(),
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
                for effect in live.chain.on(now, event, &self.store) {
                    self.chain_effect(effect, shell);
                }
            }
            Input::Syncer(event) => match live.syncer.on(now, event, &self.store) {
                Ok(effects) => effects.into_iter().for_each(|effect| self.syncer_effect(effect, shell)),
                Err(error) => shell.fail(format!("the syncer: {error}")),
            },
            Input::Miner(event) => {
                for effect in live.miner.on(now, event) {
                    miner_effect(effect, shell);
                }
            }
            Input::Discovery(event) => {
                for effect in live.discovery.on(now, event) {
                    self.discovery_effect(effect, shell);
                }
            }
            Input::Peer(peer, event) => self.peer_event(now, peer, event, None, shell),
            Input::Message(peer, message) => self.message(now, peer, message, shell),
            Input::Connected { peer, epoch, dialed } => {
                shell.mail.push_back(Input::Discovery(discovery::Event::Connected { peer, dialed: dialed.clone() }));
                // While an old connection is not known to be gone, a new one is only one more.
                if let Some(known) = live.peers.get_mut(&peer) {
                    known.epoch = epoch;
                    return;
                }
                let machine = Peer::new(1, self.network.chain, now);
                live.peers.insert(peer, Connected { epoch, machine });
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

    /// Whether the node crashes before performing one more effect.
    fn burns_out(&mut self) -> bool {
        if let Some(left) = &mut self.fuse {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.live = None;
            }
        }
        self.live.is_none()
    }

    fn chain_effect(&mut self, effect: ChainEffect, shell: &mut Shell) {
        if self.burns_out() {
            return;
        }
        match effect {
            ChainEffect::Commit(commit) => {
                if let Err(error) = self.store.commit(&commit) {
                    shell.fail(format!("a commit cannot be kept: {error}"));
                }
            }
            ChainEffect::TipChanged(changed) => {
                shell.mail.push_back(Input::Syncer(syncer::Event::TipChanged(changed.tip)));
                shell.mail.push_back(Input::Miner(miner::Event::TipChanged(changed.tip)));
            }
            ChainEffect::CheckBlocks { blocks, source } => {
                let results = blocks.into_iter().map(|block| self.verifier.block(block)).collect();
                shell.outputs.push(Output::Verified(ChainEvent::BlocksChecked { results, source }));
            }
            ChainEffect::CheckTransactions { transactions, origin } => {
                let results = transactions.into_iter().map(|tx| self.verifier.transaction(tx)).collect();
                shell.outputs.push(Output::Verified(ChainEvent::TransactionsChecked { results, origin }));
            }
            ChainEffect::Verdict { ticket, verdict } => self.verdict(ticket, verdict, shell),
            ChainEffect::AnnounceBlock(block) => self.publish(Body::Block(chain::announcement(&block)), shell),
            ChainEffect::Relay(txs) => {
                let txs = txs.iter().map(|tx| tx.transaction().clone()).collect();
                self.publish(Body::Transactions(txs), shell);
            }
            ChainEffect::Fetch { from, id } => shell.send(&from, Message::Fetch(id)),
            ChainEffect::Behind { peer } => shell.mail.push_back(Input::Syncer(syncer::Event::Behind { peer })),
            ChainEffect::SyncTaken { blocks } => {
                shell.mail.push_back(Input::Syncer(syncer::Event::Taken { blocks }));
            }
            ChainEffect::SyncRefused { from, id, error } => {
                shell.mail.push_back(Input::Syncer(syncer::Event::Refused { from, id, error }));
            }
            ChainEffect::Misbehaved { peer, why } => {
                shell.fail(format!("blames the honest node {}: {why}", index_of(&peer)));
            }
            ChainEffect::Answer { answer, .. } => {
                shell.outputs.push(Output::Answered { accepted: answer.is_ok() });
            }
            ChainEffect::Template(template) => {
                shell.mail.push_back(Input::Miner(miner::Event::Template(template)));
            }
            ChainEffect::OwnBlockRefused { id, error } => shell.fail(format!("refuses its own block {id}: {error}")),
            ChainEffect::Broken(why) => shell.fail(why),
        }
    }

    fn syncer_effect(&mut self, effect: syncer::Effect, shell: &mut Shell) {
        if self.burns_out() {
            return;
        }
        match effect {
            syncer::Effect::AskStatus { peer } => {
                let greeting = self.greeting();
                shell.send(&peer, Message::StatusQuestion(greeting));
            }
            syncer::Effect::AskHeaders { ask, peer, locator } => {
                shell.send(&peer, Message::HeadersQuestion(ask, locator));
            }
            syncer::Effect::AskBlocks { ask, peer, ids } => shell.send(&peer, Message::BlocksQuestion(ask, ids)),
            syncer::Effect::Offer { blocks, from } => {
                shell.mail.push_back(Input::Chain(ChainEvent::Blocks { blocks, source: Source::Sync(from) }));
            }
            syncer::Effect::Syncing(syncing) => {
                shell.mail.push_back(Input::Miner(miner::Event::Syncing(syncing)));
                shell.mail.push_back(Input::Chain(ChainEvent::Syncing(syncing)));
            }
            syncer::Effect::Misbehaved { peer, why } => {
                shell.fail(format!("its syncer blames the honest node {}: {why}", index_of(&peer)));
            }
        }
    }

    fn discovery_effect(&mut self, effect: discovery::Effect, shell: &mut Shell) {
        if self.burns_out() {
            return;
        }
        match effect {
            discovery::Effect::Dial { peer, addresses } => {
                let to = peer.map_or_else(|| index_at(&addresses[0]), |peer| index_of(&peer));
                shell.outputs.push(Output::Dial(to));
            }
            discovery::Effect::Announce => shell.outputs.push(Output::Announce),
            discovery::Effect::Lookup => shell.outputs.push(Output::Lookup),
            discovery::Effect::AskAddresses { peer } => shell.send(&peer, Message::AddressesQuestion),
            discovery::Effect::Save { peer, record } => {
                self.book.insert(peer, record);
            }
            discovery::Effect::Forget { peer } => {
                self.book.remove(&peer);
            }
            discovery::Effect::Refuse { peer, .. } => {
                shell.fail(format!("refuses the honest node {}", index_of(&peer)));
            }
            discovery::Effect::Peers(peers) => shell.mail.push_back(Input::Miner(miner::Event::Peers(peers))),
        }
    }

    /// Calls the machine of a peer; `question` is what it asks, if it may.
    fn peer_event(&mut self, now: Now, peer: PeerId, event: peer::Event, question: Option<Message>, shell: &mut Shell) {
        let Some(connected) = self.live.as_mut().and_then(|live| live.peers.get_mut(&peer)) else { return };
        for effect in connected.machine.on(now, event) {
            match effect {
                peer::Effect::Greet => {
                    let greeting = self.greeting();
                    shell.send(&peer, Message::StatusQuestion(greeting));
                }
                peer::Effect::Ready(greeting) => {
                    let dialed = Some(address(index_of(&peer)));
                    shell.mail.push_back(Input::Discovery(discovery::Event::Ready { peer, dialed }));
                    shell.mail.push_back(Input::Discovery(discovery::Event::RoutingUpdated));
                    shell.mail.push_back(Input::Syncer(syncer::Event::Status { peer, tip: greeting.tip }));
                }
                peer::Effect::TipTold(tip) => {
                    shell.mail.push_back(Input::Syncer(syncer::Event::Status { peer, tip }));
                }
                peer::Effect::Answer => {
                    if let Some(answer) = question.as_ref().and_then(|question| self.answer(question)) {
                        shell.send(&peer, answer);
                    }
                }
                peer::Effect::Refuse(_) => {
                    let refused = match question {
                        Some(Message::HeadersQuestion(ask, _) | Message::BlocksQuestion(ask, _)) => Some(ask),
                        _ => None,
                    };
                    if let Some(ask) = refused {
                        shell.send(&peer, Message::Refused(ask));
                    }
                }
                peer::Effect::Deliver => {
                    if let Some(Message::Gossip(gossip)) = &question {
                        self.gossip(peer, gossip.clone(), shell);
                    }
                }
                peer::Effect::Drop => {}
                peer::Effect::Close(why) if why.bans() => {
                    shell.fail(format!("bans the honest node {}: {why}", index_of(&peer)));
                }
                peer::Effect::Close(_) => shell.outputs.push(Output::Close(index_of(&peer))),
            }
            if question.is_some() && self.live.is_none() {
                return;
            }
            if !self.live.as_ref().is_some_and(|live| live.peers.contains_key(&peer)) {
                return;
            }
        }
    }

    fn message(&mut self, now: Now, peer: PeerId, message: Message, shell: &mut Shell) {
        match message {
            Message::StatusQuestion(greeting) => {
                self.peer_event(now, peer, peer::Event::Greeted(greeting.clone()), None, shell);
                let question = Message::StatusQuestion(greeting);
                self.peer_event(now, peer, peer::Event::Asked { greeting: true }, Some(question), shell);
            }
            Message::StatusAnswer(greeting) => {
                self.peer_event(now, peer, peer::Event::Greeted(greeting), None, shell);
            }
            Message::Gossip(_) => self.peer_event(now, peer, peer::Event::Message, Some(message), shell),
            Message::HeadersQuestion(..)
            | Message::BlocksQuestion(..)
            | Message::Fetch(_)
            | Message::AddressesQuestion => {
                self.peer_event(now, peer, peer::Event::Asked { greeting: false }, Some(message), shell);
            }
            Message::HeadersAnswer(ask, headers) => {
                shell.mail.push_back(Input::Syncer(syncer::Event::Headers { ask, headers }));
            }
            Message::BlocksAnswer(ask, blocks) => {
                shell.mail.push_back(Input::Syncer(syncer::Event::Blocks { ask, blocks }));
            }
            Message::Refused(ask) => {
                shell.mail.push_back(Input::Syncer(syncer::Event::Failed { ask, why: "refused".into() }));
            }
            Message::Fetched(block) => {
                let event = ChainEvent::Blocks { blocks: vec![block], source: Source::Peer(peer) };
                shell.mail.push_back(Input::Chain(event));
            }
            Message::AddressesAnswer(peers) => {
                let peers = peers.into_iter().map(|(peer, address)| (peer, vec![address])).collect();
                shell.mail.push_back(Input::Discovery(discovery::Event::Found { peers }));
            }
        }
    }

    fn answer(&self, question: &Message) -> Option<Message> {
        let blocks = |ids: &[_]| ids.iter().map_while(|id| self.store.block(id).ok().flatten()).collect::<Vec<_>>();
        Some(match question {
            Message::StatusQuestion(_) => Message::StatusAnswer(self.greeting()),
            Message::HeadersQuestion(ask, locator) => {
                Message::HeadersAnswer(*ask, self.store.headers_after(locator, HEADERS_PER_ANSWER))
            }
            Message::BlocksQuestion(ask, ids) => Message::BlocksAnswer(*ask, blocks(ids)),
            Message::Fetch(id) => Message::Fetched(blocks(&[*id]).pop()?),
            Message::AddressesQuestion => Message::AddressesAnswer(self.live.as_ref()?.discovery.to_share(32)),
            _ => return None,
        })
    }

    fn greeting(&self) -> Greeting {
        let tip = self.live.as_ref().map_or(self.network.genesis_tip(), |live| live.chain.tip());
        Greeting { version: 1, chain: self.network.chain, tip, agent: "simulation".into() }
    }

    fn gossip(&mut self, from: PeerId, gossip: Gossip, shell: &mut Shell) {
        let Some(live) = &mut self.live else { return };
        if !live.seen.insert(gossip.id) {
            return;
        }
        live.pending.insert(gossip.id, gossip.clone());
        let ticket = GossipTicket { message: gossip.id, source: from };
        shell.mail.push_back(Input::Chain(match gossip.body {
            Body::Block(announcement) => ChainEvent::Announced { announcement, from, ticket },
            Body::Transactions(transactions) => ChainEvent::Gossiped { transactions, from, ticket },
        }));
    }

    fn verdict(&mut self, ticket: GossipTicket, verdict: Verdict, shell: &mut Shell) {
        let Some(live) = &mut self.live else { return };
        let Some(gossip) = live.pending.remove(&ticket.message) else {
            return shell.fail("two verdicts on one message".into());
        };
        match verdict {
            Verdict::Accept => {
                for peer in live.ready().filter(|peer| *peer != ticket.source) {
                    shell.send(&peer, Message::Gossip(gossip.clone()));
                }
            }
            Verdict::Ignore => {}
            Verdict::Reject => shell.fail("rejects the message of an honest node".into()),
        }
    }

    fn publish(&mut self, body: Body, shell: &mut Shell) {
        let Some(live) = &mut self.live else { return };
        live.published += 1;
        let mut id = [self.index as u8; 32];
        id[..8].copy_from_slice(&live.published.to_le_bytes());
        id[8..16].copy_from_slice(&self.boot.to_le_bytes());
        live.seen.insert(id);
        for peer in live.ready() {
            shell.send(&peer, Message::Gossip(Gossip { id, body: body.clone() }));
        }
    }

    /// A client hands in a transaction.
    pub fn submission(transaction: Transaction) -> Input {
        Input::Chain(ChainEvent::Submitted { transaction, ticket: 0 })
    }
}

impl Live {
    /// Peers that passed the handshake.
    fn ready(&self) -> impl Iterator<Item = PeerId> {
        let ready = |(peer, connected): (&PeerId, &Connected)| {
            matches!(connected.machine.state(), peer::State::Ready { .. }).then_some(*peer)
        };
        self.peers.iter().filter_map(ready)
    }
}

fn miner_effect(effect: miner::Effect, shell: &mut Shell) {
    match effect {
        miner::Effect::AskTemplate { miner } => {
            shell.mail.push_back(Input::Chain(ChainEvent::TemplateWanted { miner }));
        }
        miner::Effect::Hash { job, search } => shell.outputs.push(Output::Hash(job, search)),
        // What a stopped job finds is ignored by the machine, which is what is tested.
        miner::Effect::Stop => {}
        miner::Effect::Offer(block) => {
            shell.mail.push_back(Input::Chain(ChainEvent::Blocks { blocks: vec![block], source: Source::Miner }));
        }
    }
}

/// Where effects go.
struct Shell {
    outputs: Vec<Output>,
    mail: VecDeque<Input>,
}

impl Shell {
    fn send(&mut self, to: &PeerId, message: Message) {
        self.outputs.push(Output::Send(index_of(to), message));
    }

    fn fail(&mut self, why: String) {
        self.outputs.push(Output::Failure(why));
    }
}

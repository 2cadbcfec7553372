//! The world of the nodes: virtual time, the events to come, connections, chance, and what must hold in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use ledger::memory::MemoryChain;
use ledger::pow::Search;
use ledger::{
    Account, Address, Amount, ChainSource, CompactTarget, Network, NetworkSpec, OpeningBalance, SecretKey, Tip,
    Transaction, Transfer, check,
};
use machines::miner::{self, JobId};
use machines::{chain, discovery, syncer};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::links::{Links, exponential};
use super::message::Message;
use super::node::{Input, Node, Output, address, peer_id};
use super::verifier::Verifier;

/// When the world begins, unix milliseconds.
const START: u64 = 1_800_000_000_000;
const SPACING_MS: u64 = 10_000;
const TICK_MS: u64 = 500;
/// People with coins.
const PEOPLE: u8 = 8;

/// Something that will happen.
enum Happening {
    Tick {
        node: usize,
        boot: u64,
    },
    Input {
        node: usize,
        boot: u64,
        input: Input,
    },
    Arrives {
        from: usize,
        to: usize,
        epoch: u64,
        message: Message,
    },
    Found {
        node: usize,
        boot: u64,
        job: JobId,
        search: Search,
    },
    Dialed {
        from: usize,
        to: usize,
        boot: u64,
    },
    /// A connection is given up if its ends still do not reach one another.
    Starves {
        pair: (usize, usize),
        epoch: u64,
    },
    Restarts {
        node: usize,
    },
    Heals,
    Chance,
}

/// What a run did, so that a run that did nothing is noticed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    pub height: u64,
    pub transactions: u64,
    pub crashes: u64,
    pub partitions: u64,
    pub reorganisations: u64,
    pub deepest: u64,
    pub lost: u64,
    pub events: u64,
}

pub struct World {
    pub nodes: Vec<Node>,
    pub links: Links,
    pub network: Arc<Network>,
    pub figures: Figures,
    time: u64,
    to_come: BTreeMap<(u64, u64), Happening>,
    counter: u64,
    connections: BTreeMap<(usize, usize), u64>,
    announced: BTreeSet<usize>,
    rng: ChaCha8Rng,
    /// Whether nodes crash, links part and people pay.
    chaos: bool,
    /// Nodes that look for blocks.
    miners: BTreeSet<usize>,
    failure: Option<String>,
    /// Keys of people with coins, and their addresses.
    people: Vec<(SecretKey, Address)>,
}

fn person(n: u8) -> SecretKey {
    SecretKey::from_bytes([n; 32]).unwrap()
}

fn network() -> Arc<Network> {
    let opening = |n| OpeningBalance { address: person(n).address(), amount: Amount::barrels(1_000).unwrap() };
    let spec = NetworkSpec {
        name: "simulation".into(),
        genesis_time_ms: START - SPACING_MS,
        // Two tries find a block: how long that takes is drawn by chance, not by hashing.
        first_target: CompactTarget(0x207f_ffff),
        easiest_target: CompactTarget(0x207f_ffff),
        spacing_ms: SPACING_MS,
        response_ms: 60 * SPACING_MS,
        balances: (1..=PEOPLE).map(opening).collect(),
        ..NetworkSpec::built_in("regtest").unwrap()
    };
    Arc::new(Network::new(spec).unwrap())
}

impl World {
    /// A world of nodes that start within the first seconds, all mining. Each knows the one before it, the first nobody.
    pub fn new(seed: u64, count: usize) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let network = network();
        let links = Links::new(count, &mut rng);
        let verifier = Rc::new(Verifier::new(network.clone()));
        let mut node = |index: usize| {
            // Up to 34 s apart, where a block is from the future at 30.
            let clock_error = rng.random_range(-17_000..17_000);
            let fixed = index.checked_sub(1).into_iter().collect();
            Node::new(index, count - 1, fixed, clock_error, verifier.clone())
        };
        let nodes: Vec<_> = (0..count).map(&mut node).collect();
        let mut world = Self {
            nodes,
            links,
            network,
            figures: Figures::default(),
            time: START,
            to_come: BTreeMap::new(),
            counter: 0,
            connections: BTreeMap::new(),
            announced: BTreeSet::new(),
            rng,
            chaos: false,
            miners: (0..count).collect(),
            failure: None,
            people: (1..=PEOPLE).map(|n| (person(n), person(n).address())).collect(),
        };
        for node in 0..count {
            let at = world.rng.random_range(0..5_000);
            world.later(at, Happening::Restarts { node });
        }
        world.later(1_000, Happening::Chance);
        world
    }

    /// Crashes, partitions, loss and payments for so long.
    pub fn chaos(&mut self, ms: u64) -> Result<(), String> {
        self.chaos = true;
        self.links.unreliable = true;
        self.run(ms)
    }

    /// Nothing goes wrong any more: all nodes run, all links are up. The first node mines until its blocks have
    /// decided between branches of equal work, then nobody does.
    pub fn quiet(&mut self) -> Result<(), String> {
        self.chaos = false;
        self.links.unreliable = false;
        self.heal();
        for node in 0..self.nodes.len() {
            self.nodes[node].fuse = None;
            if self.nodes[node].live.is_none() {
                self.start(node);
            }
        }
        self.mine(&[0]);
        self.run(60_000)?;
        let found = self.found(0) + 2;
        for _ in 0..100 {
            if self.found(0) >= found {
                break;
            }
            self.run(10_000)?;
        }
        self.mine(&[]);
        self.run(60_000)
    }

    /// Only these nodes look for blocks from now on.
    pub fn mine(&mut self, nodes: &[usize]) {
        self.miners = nodes.iter().copied().collect();
        for node in 0..self.nodes.len() {
            self.steer_miner(node);
        }
    }

    fn steer_miner(&mut self, node: usize) {
        let pause = !self.miners.contains(&node);
        self.hear(node, Input::Miner(miner::Event::Operator { pause }));
    }

    fn found(&self, node: usize) -> u64 {
        self.nodes[node].live.as_ref().map_or(0, |live| live.miner.found())
    }

    pub fn heal(&mut self) {
        self.links.heal();
    }

    pub fn tip(&self, node: usize) -> Tip {
        self.nodes[node].store.tip().unwrap()
    }

    /// Lets time pass.
    pub fn run(&mut self, ms: u64) -> Result<(), String> {
        let end = self.time + ms;
        while let Some(next) = self.to_come.first_entry() {
            if next.key().0 > end {
                break;
            }
            let ((at, _), happening) = next.remove_entry();
            self.time = at;
            self.figures.events += 1;
            self.happen(happening);
            if let Some(failure) = self.failure.take() {
                return Err(format!("after {} ms: {failure}", at - START));
            }
        }
        self.time = end;
        Ok(())
    }

    fn later(&mut self, ms: u64, happening: Happening) {
        self.counter += 1;
        self.to_come.insert((self.time + ms, self.counter), happening);
    }

    fn is_alive(&self, node: usize, boot: u64) -> bool {
        self.nodes[node].live.is_some() && self.nodes[node].boot == boot
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Tick { node, boot } if self.is_alive(node, boot) => {
                self.hear(node, Input::Tick);
                self.later(TICK_MS, Happening::Tick { node, boot });
            }
            Happening::Input { node, boot, input } if self.is_alive(node, boot) => self.hear(node, input),
            Happening::Found { node, boot, job, search } if self.is_alive(node, boot) => {
                let first = self.rng.random();
                if let Some(nonce) = search.run(first, u64::MAX) {
                    self.hear(node, Input::Miner(miner::Event::Found { job, nonce }));
                }
            }
            Happening::Arrives { from, to, epoch, message } => {
                let open = self.connections.get(&pair(from, to)) == Some(&epoch);
                if open && self.links.reaches(from, to) {
                    self.hear(to, Input::Message(peer_id(from), message));
                }
            }
            Happening::Dialed { from, to, boot } if self.is_alive(from, boot) => self.dialed(from, to),
            Happening::Starves { pair, epoch } => {
                if self.connections.get(&pair) == Some(&epoch) && !self.links.reaches(pair.0, pair.1) {
                    self.disconnect(pair);
                }
            }
            Happening::Restarts { node } if self.nodes[node].live.is_none() => self.start(node),
            Happening::Heals => self.heal(),
            Happening::Chance => {
                if self.chaos {
                    self.chance();
                }
                self.later(1_000, Happening::Chance);
            }
            // Whoever it was meant for is not there any more.
            Happening::Tick { .. }
            | Happening::Input { .. }
            | Happening::Found { .. }
            | Happening::Dialed { .. }
            | Happening::Restarts { .. } => {}
        }
    }

    fn start(&mut self, node: usize) {
        self.nodes[node].start(self.time);
        let boot = self.nodes[node].boot;
        self.later(self.counter % TICK_MS, Happening::Tick { node, boot });
        self.steer_miner(node);
    }

    /// A node handles an input, and the world what it wants.
    fn hear(&mut self, node: usize, input: Input) {
        let running = self.nodes[node].live.is_some();
        for output in self.nodes[node].hear(self.time, input) {
            self.perform(node, output);
        }
        if running && self.nodes[node].live.is_none() {
            self.crashed(node);
        }
    }

    fn perform(&mut self, node: usize, output: Output) {
        let boot = self.nodes[node].boot;
        match output {
            Output::Send(to, message) => self.send(node, to, message),
            Output::Verified(event) => {
                let ms = 1 + exponential(5.0, &mut self.rng);
                self.later(ms, Happening::Input { node, boot, input: Input::Chain(event) });
            }
            Output::Hash(job, search) => {
                let all = self.miners.len().max(1) as f64;
                let ms = exponential(SPACING_MS as f64 * all, &mut self.rng);
                self.later(ms, Happening::Found { node, boot, job, search });
            }
            Output::Dial(to) => {
                let ms = self.rng.random_range(5..400);
                self.later(ms, Happening::Dialed { from: node, to, boot });
            }
            Output::Announce => {
                self.announced.insert(node);
            }
            Output::Lookup => {
                let peers = self.announced.iter().map(|node| (peer_id(*node), vec![address(*node)])).collect();
                let input = Input::Discovery(discovery::Event::Found { peers });
                self.later(500, Happening::Input { node, boot, input });
            }
            Output::Close(to) => self.disconnect(pair(node, to)),
            Output::Answered { accepted } => self.figures.transactions += u64::from(accepted),
            Output::Failure(why) => {
                self.failure.get_or_insert(format!("node {node} {why}"));
            }
        }
    }

    fn send(&mut self, from: usize, to: usize, message: Message) {
        let Some(&epoch) = self.connections.get(&pair(from, to)) else { return };
        let arrivals = self.links.fate(from, to, message.is_gossip(), &mut self.rng);
        self.figures.lost += u64::from(arrivals.is_empty());
        for ms in arrivals {
            self.later(ms, Happening::Arrives { from, to, epoch, message: message.clone() });
        }
    }

    fn dialed(&mut self, from: usize, to: usize) {
        let (pair, dialed) = (pair(from, to), Some(address(to)));
        if self.connections.contains_key(&pair) {
            return;
        }
        if self.nodes[to].live.is_none() || !self.links.reaches(from, to) {
            let failed = discovery::Event::DialFailed { peer: Some(peer_id(to)), addresses: vec![address(to)] };
            return self.hear(from, Input::Discovery(failed));
        }
        self.counter += 1;
        let epoch = self.counter;
        self.connections.insert(pair, epoch);
        self.hear(from, Input::Connected { peer: peer_id(to), epoch, dialed });
        self.hear(to, Input::Connected { peer: peer_id(from), epoch, dialed: None });
    }

    /// A connection ends; each side learns of it some time later.
    fn disconnect(&mut self, pair: (usize, usize)) {
        let Some(epoch) = self.connections.remove(&pair) else { return };
        for (node, other) in [pair, (pair.1, pair.0)] {
            let ms = self.rng.random_range(0..3_000);
            let input = Input::Gone { peer: peer_id(other), epoch };
            self.later(ms, Happening::Input { node, boot: self.nodes[node].boot, input });
        }
    }

    fn crashed(&mut self, node: usize) {
        self.figures.crashes += 1;
        let open: Vec<_> = self.connections.keys().copied().filter(|(a, b)| *a == node || *b == node).collect();
        for pair in open {
            self.disconnect(pair);
        }
        let ms = self.rng.random_range(500..60_000);
        self.later(ms, Happening::Restarts { node });
    }

    /// Once a second something may go wrong, and people pay.
    fn chance(&mut self) {
        if self.rng.random_bool(0.02) {
            let node = self.rng.random_range(0..self.nodes.len());
            // In the middle of whatever it does next.
            self.nodes[node].fuse = Some(self.rng.random_range(1..20));
        }
        if self.links.is_whole() && self.rng.random_bool(0.01) {
            self.links.part(&mut self.rng);
            self.part_connections();
            let ms = self.rng.random_range(1_000..120_000);
            self.later(ms, Happening::Heals);
        }
        if self.rng.random_bool(0.5) {
            self.pay();
        }
    }

    /// Connections over a partition are given up after a while.
    pub fn part_connections(&mut self) {
        self.figures.partitions += 1;
        for (pair, epoch) in self.connections.clone() {
            if !self.links.reaches(pair.0, pair.1) {
                let ms = self.rng.random_range(5_000..40_000);
                self.later(ms, Happening::Starves { pair, epoch });
            }
        }
    }

    /// Somebody pays somebody through some node.
    pub fn pay(&mut self) {
        let node = self.rng.random_range(0..self.nodes.len());
        let mut anybody = || self.rng.random_range(0..self.people.len());
        let ((key, from), (_, to)) = (&self.people[anybody()], &self.people[anybody()]);
        let Some(live) = &self.nodes[node].live else { return };
        let account = self.nodes[node].store.accounts().get(from).copied();
        let account = account.unwrap_or(Account { balance: Amount::ZERO, nonce: self.network.nonce_base });
        let mut nonce = live.chain.pool().next_nonce(from).unwrap_or(account.nonce);
        // Now and then one that leaves a gap, or replaces one that waits.
        match self.rng.random_range(0..20) {
            0 => nonce += 1,
            1 => nonce = account.nonce,
            _ => {}
        }
        // Now and then nearly everything, so that branches differ in what can be paid.
        let all = account.balance.as_drops().max(2);
        let most = if self.rng.random_bool(0.1) { all } else { (all / 50).max(2) };
        let amount = Amount::drops(self.rng.random_range(1..most));
        let fee = Amount::drops(self.rng.random_range(0..100_000));
        let chain = self.network.chain;
        let transfer = Transfer::sign(key, &chain, *to, amount, fee, nonce, Vec::new());
        self.hear(node, Node::submission(Transaction::Transfer(transfer)));
    }

    /// What must hold when everything was quiet for a while.
    pub fn check(&mut self) -> Result<Figures, String> {
        let first = &self.nodes[0].store;
        let replayed = replay(first)?;
        let supply = self.network.supply_at(self.tip(0).height);
        for node in &self.nodes {
            let (index, tip) = (node.index, node.store.tip().unwrap());
            let live = node.live.as_ref().ok_or(format!("node {index} does not run"))?;
            let claim = |holds: bool, what: &str| if holds { Ok(()) } else { Err(format!("node {index}: {what}")) };
            claim(tip == self.tip(0), &format!("its tip {tip:?} is not {:?}", self.tip(0)))?;
            claim(live.chain.tip() == tip, "machine and store have different tips")?;
            claim(node.store.accounts() == first.accounts(), "its accounts are others")?;
            claim(node.store.accounts() == replayed.accounts(), "its accounts are not those of a replay")?;
            // B30: nothing but rewards creates money.
            claim(node.store.supply() == supply, "its accounts hold more or less than was ever made")?;
            let settled = matches!(live.chain.state(), chain::State::Settled { .. });
            claim(settled, &format!("its chain is {:?}", live.chain.state()))?;
            let following = live.syncer.state() == &syncer::State::Following && !live.syncer.is_syncing();
            claim(following, &format!("its syncer is {:?}", live.syncer.state()))?;
            let connected = discovery::State::Connected { ready: self.nodes.len() - 1 };
            claim(live.discovery.state() == &connected, &format!("it is {:?}", live.discovery.state()))?;
            let operator: BTreeSet<_> = [miner::Reason::Operator].into();
            let only_operator =
                matches!(live.miner.state(), miner::State::Paused { reasons, .. } if *reasons == operator);
            claim(only_operator, &format!("its miner is {:?}", live.miner.state()))?;
            let figures = live.chain.figures();
            self.figures.reorganisations += figures.reorganisations;
            self.figures.deepest = self.figures.deepest.max(figures.deepest_reorganisation);
        }
        self.figures.height = self.tip(0).height;
        Ok(self.figures)
    }
}

/// The chain of `store` from genesis on, by all rules.
fn replay(store: &MemoryChain) -> Result<MemoryChain, String> {
    let network = store.network();
    let mut fresh = MemoryChain::new(network.clone());
    for id in &store.main_chain()[1..] {
        let block = store.block(id).unwrap().ok_or(format!("the body of block {id} is missing"))?;
        let block = check::block_alone(block, network, |_| false).map_err(|error| format!("block {id}: {error}"))?;
        fresh.connect(Arc::new(block)).map_err(|error| format!("block {id}: {error}"))?;
    }
    Ok(fresh)
}

fn pair(a: usize, b: usize) -> (usize, usize) {
    (a.min(b), a.max(b))
}

//! The world of the nodes: virtual time, the events to come, connections, luck in mining.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use ledger::{Address, BlockId, ChainSource, SecretKey, Tip};
use machines::chain;
use machines::discovery;
use machines::miner::{self, JobId};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::links::{Links, exponential};
use super::message::Message;
use super::node::{Input, Node, Output, address, peer_id};
use super::plan::{HASHES, PEOPLE, Plan, START, person};
use super::rendezvous::Rendezvous;
use super::verifier::Verifier;

/// A question without an answer is given up.
const ANSWER_MS: u64 = 10_000;
/// A lookup takes so long.
const LOOKUP_MS: u64 = 500;

/// Something that will happen.
pub(super) enum Happening {
    Tick {
        node: usize,
        boot: u64,
    },
    Input {
        node: usize,
        boot: u64,
        input: Box<Input>,
    },
    Arrives {
        from: usize,
        to: usize,
        epoch: u64,
        message: Message,
    },
    /// One of the miners tries a nonce.
    Try,
    Found {
        node: usize,
        boot: u64,
        job: JobId,
        nonce: u64,
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
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct Figures {
    pub nodes: usize,
    pub height: u64,
    /// Blocks that were found, on the chain or not.
    pub found: u64,
    pub transactions: u64,
    pub crashes: u64,
    pub partitions: u64,
    pub reorganisations: u64,
    pub deepest: u64,
    pub lost: u64,
    pub events: u64,
    /// Milliseconds from blocks being found until other nodes mined on them, and how often that was.
    pub heard_ms: u64,
    pub heard: u64,
}

#[derive(Clone, Copy)]
struct Connection {
    epoch: u64,
    dialer: usize,
}

/// The network and everything around it.
pub struct World {
    pub plan: Plan,
    pub nodes: Vec<Node>,
    pub links: Links,
    pub figures: Figures,
    pub time: u64,
    /// Whether nodes crash, links part and people pay.
    pub chaos: bool,
    pub(super) rng: ChaCha8Rng,
    /// Keys of people with coins, and their addresses.
    pub(super) people: Vec<(SecretKey, Address)>,
    to_come: super::queue::Queue<Happening>,
    connections: BTreeMap<(usize, usize), Connection>,
    inbound: Vec<usize>,
    epochs: u64,
    /// When each node's verifier has done all that it was given.
    checked: Vec<u64>,
    rendezvous: Rendezvous,
    /// Nodes whose tries count.
    miners: Vec<usize>,
    /// When each block was found, and by whom.
    births: HashMap<BlockId, (u64, usize)>,
    /// The height on which each node mined last, at most.
    heights: Vec<u64>,
    failure: Option<String>,
}

impl World {
    /// A world of nodes that will start, all mining. Links are good until something happens.
    pub fn new(plan: Plan, mut rng: ChaCha8Rng) -> Self {
        let count = plan.nodes;
        let verifier = Rc::new(Verifier::new(plan.network()));
        let links = Links::new(count, plan.distances_ms, &mut rng);
        let mut node = |index| {
            let clock_error = rng.random_range(-plan.clock_error_ms..=plan.clock_error_ms);
            Node::new(index, &plan, clock_error, verifier.clone())
        };
        let nodes: Vec<_> = (0..count).map(&mut node).collect();
        let mut world = Self {
            nodes,
            links,
            figures: Figures { nodes: count, ..Figures::default() },
            time: START,
            chaos: false,
            people: (1..=PEOPLE).map(|n| (person(n), person(n).address())).collect(),
            to_come: super::queue::Queue::new(),
            connections: BTreeMap::new(),
            inbound: vec![0; count],
            epochs: 0,
            checked: vec![0; count],
            rendezvous: Rendezvous::new(count, &mut rng),
            miners: (0..count).collect(),
            births: HashMap::new(),
            heights: vec![0; count],
            failure: None,
            plan,
            rng,
        };
        for node in 0..count {
            let late = node > 0 && world.plan.late > 0.0 && world.rng.random_bool(world.plan.late);
            let within = if late { 600_000 } else { world.plan.start_ms };
            let at = world.rng.random_range(0..=within);
            world.later(at, Happening::Restarts { node });
        }
        world.later(1_000, Happening::Chance);
        world.later(0, Happening::Try);
        world
    }

    /// A world by this plan with this seed.
    pub fn seeded(seed: u64, plan: Plan) -> Self {
        Self::new(plan, ChaCha8Rng::seed_from_u64(seed))
    }

    /// Only tries of these nodes count from now on; together they are as fast as all were.
    pub fn mine(&mut self, nodes: &[usize]) {
        self.miners = nodes.to_vec();
    }

    pub fn tip(&self, node: usize) -> Tip {
        self.nodes[node].store.tip().unwrap()
    }

    /// Lets time pass.
    pub fn run(&mut self, ms: u64) -> Result<(), String> {
        let end = self.time + ms;
        while let Some((at, happening)) = self.to_come.next(end) {
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

    /// Lets time pass until `done`, for at most so long. Gives how long it took.
    pub fn run_until(&mut self, ms: u64, what: &str, done: impl Fn(&Self) -> bool) -> Result<u64, String> {
        let begin = self.time;
        while !done(self) {
            if self.time >= begin + ms {
                return Err(format!("not within {ms} ms: {what}"));
            }
            self.run(100)?;
        }
        Ok(self.time - begin)
    }

    pub(super) fn later(&mut self, ms: u64, happening: Happening) {
        self.to_come.plan(self.time + ms, happening);
    }

    fn is_alive(&self, node: usize, boot: u64) -> bool {
        self.nodes[node].live.is_some() && self.nodes[node].boot == boot
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Tick { node, boot } if self.is_alive(node, boot) => {
                self.hear(node, Input::Tick);
                self.later(self.plan.tick_ms, Happening::Tick { node, boot });
            }
            Happening::Input { node, boot, input } if self.is_alive(node, boot) => self.hear(node, *input),
            Happening::Try => self.try_nonce(),
            Happening::Found { node, boot, job, nonce } if self.is_alive(node, boot) => {
                self.hear(node, Input::Miner(miner::Event::Found { job, nonce }));
            }
            Happening::Arrives { from, to, epoch, message } => self.arrives(from, to, epoch, message),
            Happening::Dialed { from, to, boot } if self.is_alive(from, boot) => self.dialed(from, to),
            Happening::Starves { pair, epoch } => {
                if self.epoch(pair) == Some(epoch) && !self.links.reaches(pair.0, pair.1) {
                    self.disconnect(pair);
                }
            }
            Happening::Restarts { node } if self.nodes[node].live.is_none() => self.start(node),
            Happening::Heals => self.links.heal(),
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

    /// A try is a hash: the first target takes [`HASHES`] of them in one spacing, whoever makes them.
    fn try_nonce(&mut self) {
        let ms = exponential(self.plan.spacing_ms as f64 / HASHES as f64, &mut self.rng);
        self.later(ms, Happening::Try);
        if self.miners.is_empty() {
            return;
        }
        let node = self.miners[self.rng.random_range(0..self.miners.len())];
        let nonce = self.rng.random();
        let Some(live) = &mut self.nodes[node].live else { return };
        let Some((_, search)) = &live.job else { return };
        if live.syncer.is_syncing() {
            self.fail(node, "mines while it is syncing".into());
        } else if search.run(nonce, 1).is_some() {
            self.figures.found += 1;
            self.births.insert(search.id(nonce), (self.time, node));
            let Some((job, _)) = live.job.take() else { return };
            let boot = self.nodes[node].boot;
            self.later(1, Happening::Found { node, boot, job, nonce });
        }
    }

    pub fn start(&mut self, node: usize) {
        self.nodes[node].start(self.time);
        let boot = self.nodes[node].boot;
        let ms = self.rng.random_range(0..self.plan.tick_ms);
        self.later(ms, Happening::Tick { node, boot });
    }

    /// A node stops at once, and loses what it did not keep.
    pub fn stop(&mut self, node: usize) {
        self.nodes[node].live = None;
        self.rendezvous.stopped(node);
        let open: Vec<_> = self.connections.keys().copied().filter(|(a, b)| *a == node || *b == node).collect();
        for pair in open {
            self.disconnect(pair);
        }
    }

    /// A node handles an input, and the world what it wants.
    pub fn hear(&mut self, node: usize, input: Input) {
        let running = self.nodes[node].live.is_some();
        for output in self.nodes[node].hear(self.time, input) {
            self.perform(node, output);
        }
        match &self.nodes[node].live {
            Some(live) if live.job.is_some() => {
                let tip = live.chain.tip();
                if tip.height > self.heights[node] {
                    self.heights[node] = tip.height;
                    self.heard(node, &tip.id);
                }
            }
            None if running => self.crashed(node),
            _ => {}
        }
    }

    /// A node mines higher than ever before, on this block.
    fn heard(&mut self, node: usize, id: &BlockId) {
        if let Some((at, _)) = self.births.get(id).filter(|(_, finder)| *finder != node) {
            self.figures.heard_ms += self.time - at;
            self.figures.heard += 1;
        }
    }

    fn fail(&mut self, node: usize, why: String) {
        self.failure.get_or_insert(format!("node {node} {why}"));
    }

    fn perform(&mut self, node: usize, output: Output) {
        let boot = self.nodes[node].boot;
        match output {
            Output::Send(to, message) => self.send(node, to, message),
            Output::Verified(event) => {
                let mut ms = 1;
                if let chain::Event::BlocksChecked { .. } = *event {
                    // One after the other, as they came.
                    let begins = self.checked[node].max(self.time);
                    self.checked[node] = begins + 1 + exponential(self.plan.check_ms, &mut self.rng);
                    ms = self.checked[node] - self.time;
                }
                self.later(ms, Happening::Input { node, boot, input: Box::new(Input::Chain(*event)) });
            }
            Output::Dial(to) => {
                let ms = self.rng.random_range(5..400);
                self.later(ms, Happening::Dialed { from: node, to, boot });
            }
            Output::Announce => {
                let reached = self.reached_by(node);
                self.rendezvous.announce(node, self.time, |other| reached[other]);
            }
            Output::Lookup => {
                let reached = self.reached_by(node);
                let found = self.rendezvous.lookup(self.time, &mut self.rng, |other| reached[other]);
                let peers = found.into_iter().map(|node| (peer_id(node), vec![address(node)])).collect();
                let found = discovery::Event::Found { source: discovery::Source::Rendezvous, peers };
                let input = Box::new(Input::Discovery(found));
                self.later(LOOKUP_MS, Happening::Input { node, boot, input });
            }
            Output::Close(to) => self.disconnect(pair(node, to)),
            Output::Answered { accepted } => self.figures.transactions += u64::from(accepted),
            Output::Failure(why) => self.fail(node, why),
        }
    }

    /// Whom a node reaches for the rendezvous: who is connected to nobody does not know where to begin.
    fn reached_by(&self, node: usize) -> Vec<bool> {
        let begins = self.connections.keys().any(|(a, b)| *a == node || *b == node);
        let reaches = |other: usize| begins && self.nodes[other].live.is_some() && self.links.reaches(node, other);
        (0..self.nodes.len()).map(reaches).collect()
    }

    fn epoch(&self, pair: (usize, usize)) -> Option<u64> {
        self.connections.get(&pair).map(|connection| connection.epoch)
    }

    fn send(&mut self, from: usize, to: usize, message: Message) {
        let Some(epoch) = self.epoch(pair(from, to)) else { return self.lost(from, to, message, 1) };
        let Some(ms) = self.links.arrival(from, to, &mut self.rng) else {
            self.figures.lost += 1;
            return self.lost(from, to, message, ANSWER_MS);
        };
        let ms = ms + exponential(self.plan.check_ms / 5.0, &mut self.rng);
        if matches!(message, Message::Gossip(_)) && self.links.replays(&mut self.rng) {
            let again = ms + self.rng.random_range(0..5_000);
            self.later(again, Happening::Arrives { from, to, epoch, message: message.clone() });
        }
        self.later(ms, Happening::Arrives { from, to, epoch, message });
    }

    fn arrives(&mut self, from: usize, to: usize, epoch: u64, message: Message) {
        if self.epoch(pair(from, to)) != Some(epoch) {
            return self.lost(from, to, message, 1);
        }
        if !self.links.reaches(from, to) {
            return self.lost(from, to, message, ANSWER_MS);
        }
        self.hear(to, Input::Message(peer_id(from), message));
    }

    /// Whoever asked hears after a while that there is no answer.
    fn lost(&mut self, from: usize, to: usize, message: Message, ms: u64) {
        let (asker, asked, question) = match message {
            Message::Question(question) => (from, to, question),
            Message::Answer(question, _) => (to, from, question),
            Message::Gossip(_) => return,
        };
        let boot = self.nodes[asker].boot;
        let input = Box::new(Input::Message(peer_id(asked), Message::Answer(question, None)));
        self.later(ms, Happening::Input { node: asker, boot, input });
    }

    fn dialed(&mut self, from: usize, to: usize) {
        let (pair, there) = (pair(from, to), address(to));
        if from == to || self.connections.contains_key(&pair) {
            let event = discovery::Event::NotDialed { peer: Some(peer_id(to)), addresses: vec![there] };
            return self.hear(from, Input::Discovery(event));
        }
        if self.nodes[to].live.is_none() || !self.links.reaches(from, to) {
            let event = discovery::Event::DialFailed { peer: Some(peer_id(to)), addresses: vec![there] };
            return self.hear(from, Input::Discovery(event));
        }
        self.epochs += 1;
        let epoch = self.epochs;
        if self.inbound[to] >= self.plan.max_inbound {
            // The door opens and is shut again: that it is full, the other side knows only when it knows who comes.
            self.hear(from, Input::Connected { peer: peer_id(to), epoch, dialed: Some(there) });
            let (boot, input) = (self.nodes[from].boot, Box::new(Input::Gone { peer: peer_id(to), epoch }));
            let ms = 1 + self.links.round_trip(from, to);
            return self.later(ms, Happening::Input { node: from, boot, input });
        }
        self.connections.insert(pair, Connection { epoch, dialer: from });
        self.inbound[to] += 1;
        self.hear(from, Input::Connected { peer: peer_id(to), epoch, dialed: Some(there) });
        self.hear(to, Input::Connected { peer: peer_id(from), epoch, dialed: None });
        let rtt_ms = 1 + self.links.round_trip(from, to);
        for (node, other) in [(from, to), (to, from)] {
            let pinged = discovery::Event::Pinged { peer: peer_id(other), rtt_ms };
            let (boot, input) = (self.nodes[node].boot, Box::new(Input::Discovery(pinged)));
            self.later(rtt_ms, Happening::Input { node, boot, input });
        }
    }

    /// A connection ends; each side learns of it some time later.
    pub(super) fn disconnect(&mut self, pair: (usize, usize)) {
        let Some(Connection { epoch, dialer }) = self.connections.remove(&pair) else { return };
        self.inbound[if dialer == pair.0 { pair.1 } else { pair.0 }] -= 1;
        for (node, other) in [pair, (pair.1, pair.0)] {
            let ms = self.rng.random_range(0..3_000);
            let input = Box::new(Input::Gone { peer: peer_id(other), epoch });
            self.later(ms, Happening::Input { node, boot: self.nodes[node].boot, input });
        }
    }

    /// Connections over a partition are given up after a while.
    pub fn part_connections(&mut self) {
        self.figures.partitions += 1;
        let cut = |(pair, _): &(&(usize, usize), &Connection)| !self.links.reaches(pair.0, pair.1);
        let cut: Vec<_> = self.connections.iter().filter(cut).map(|(pair, open)| (*pair, open.epoch)).collect();
        for (pair, epoch) in cut {
            let ms = self.rng.random_range(5_000..40_000);
            self.later(ms, Happening::Starves { pair, epoch });
        }
    }

    /// Nodes that run.
    pub fn running(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.live.is_some())
    }

    /// Whether all nodes have the same chain, but for its last two blocks, which luck decides about; and from where on.
    pub fn one_chain(&self) -> Option<u64> {
        let lowest = self.running().map(|node| node.store.tip().unwrap().height).min()?.checked_sub(2)?;
        let mut ids = self.running().map(|node| node.store.main_id(lowest).unwrap());
        let first = ids.next()?;
        ids.all(|id| id == first).then_some(lowest)
    }

    /// Groups of nodes that are connected, on some way, with one another.
    pub fn islands(&self) -> Vec<Vec<usize>> {
        let mut of: Vec<_> = (0..self.nodes.len()).collect();
        for (a, b) in self.connections.keys() {
            let (a, b) = (of[*a], of[*b]);
            of.iter_mut().filter(|island| **island == a).for_each(|island| *island = b);
        }
        let mut islands = BTreeMap::<_, Vec<_>>::new();
        for (node, island) in of.into_iter().enumerate().filter(|(node, _)| self.nodes[*node].live.is_some()) {
            islands.entry(island).or_default().push(node);
        }
        islands.into_values().collect()
    }
}

pub(super) fn pair(a: usize, b: usize) -> (usize, usize) {
    (a.min(b), a.max(b))
}

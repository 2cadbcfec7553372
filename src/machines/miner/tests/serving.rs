//! Miner and peers together: how serving long syncs pauses mining, and that the pause always ends.

use std::collections::BTreeMap;

use super::*;
use crate::PeerId;
use crate::peer::{self, Greeting, Peer, Question};

const TICK: u64 = 100;
const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;

/// A node that serves peers. Every peer asks for old blocks ten times a second, until it is told to be quiet.
struct Node {
    bench: Bench,
    template: Template,
    time: u64,
    /// What the clock on the wall is wrong by.
    unix_error: i64,
    peers: BTreeMap<PeerId, Peer>,
    quiet: Vec<PeerId>,
    /// Whether mail from the peers to the miner is lost.
    deaf: bool,
}

impl Node {
    fn new() -> Self {
        let (bench, _) = Bench::mining();
        let template = bench.template();
        Self { bench, template, time: 0, unix_error: 0, peers: BTreeMap::new(), quiet: Vec::new(), deaf: false }
    }

    fn now(&self) -> Now {
        let now = at(self.time);
        Now { unix: now.unix.saturating_add_signed(self.unix_error), ..now }
    }

    fn connect(&mut self, id: PeerId) {
        let chain = self.bench.network.chain;
        let mut peer = Peer::new(1, chain, peer::Score::new(0), self.now());
        let greeting = Greeting { version: 1, chain, tip: tip(), agent: "newcomer".into() };
        peer.on(self.now(), peer::Event::Asked(Question::Status(greeting)));
        self.peers.insert(id, peer);
    }

    fn tell(&mut self, id: PeerId, event: peer::Event) {
        let now = self.now();
        let Some(peer) = self.peers.get_mut(&id) else { return };
        for effect in peer.on(now, event) {
            if let (peer::Effect::Lease { number, news }, false) = (effect, self.deaf) {
                let lease = Lease { peer: id, number };
                self.mine(Event::Lease { lease, news });
            }
        }
    }

    /// The miner handles an event; whoever asks for work gets it.
    fn mine(&mut self, event: Event) {
        let now = self.now();
        if asks(&self.bench.miner.on(now, event)) {
            self.bench.miner.on(now, Event::Template(self.template.clone()));
        }
    }

    /// A tenth of a second passes.
    fn tick(&mut self) {
        self.time += TICK;
        for id in self.peers.keys().copied().collect::<Vec<_>>() {
            if !self.quiet.contains(&id) {
                self.tell(id, peer::Event::Asked(Question::Blocks { count: 16 }));
                self.tell(id, peer::Event::Answered { bytes: 100_000, below_tip: Some(5_000) });
            }
            self.tell(id, peer::Event::Tick);
        }
        self.mine(Event::Tick);
    }

    fn ticks_until(&mut self, what: impl Fn(&Self) -> bool) -> u64 {
        let began = self.time;
        while !what(self) {
            self.tick();
            assert!(self.time - began < HOUR, "it never comes: {:?}", self.bench.miner.state());
        }
        self.time - began
    }

    fn paused(&self) -> bool {
        matches!(self.bench.miner.state(), State::Paused { .. })
    }

    fn mines(&self) -> bool {
        matches!(self.bench.miner.state(), State::Mining { .. })
    }

    fn served(&self) -> Vec<PeerId> {
        let State::Paused { reasons, .. } = self.bench.miner.state() else { return Vec::new() };
        let peer = |reason: &Reason| match reason {
            Reason::Serving { peer, .. } => *peer,
            other => panic!("{other:?}"),
        };
        reasons.iter().map(peer).collect()
    }
}

fn id(n: u64) -> PeerId {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&n.to_le_bytes());
    PeerId(bytes)
}

#[test]
fn l01_when_the_holder_of_a_lease_dies_mining_resumes_with_its_deadline() {
    let mut node = Node::new();
    node.connect(id(1));
    node.ticks_until(|node| node.paused() && node.time >= 5 * SECOND);
    assert_eq!(node.served(), [id(1)]);
    node.peers.clear();
    let took = node.ticks_until(Node::mines);
    assert!(took > SECOND && took <= LEASE_MS + SECOND, "{took}");
}

#[test]
fn l04_of_two_holders_the_last_release_resumes() {
    let mut node = Node::new();
    node.connect(id(1));
    node.connect(id(2));
    node.ticks_until(|node| node.served() == [id(1), id(2)]);
    node.tell(id(1), peer::Event::Gone);
    assert_eq!(node.served(), [id(2)]);
    node.peers.remove(&id(1));
    for _ in 0..100 {
        node.tick();
        assert_eq!(node.served(), [id(2)]);
    }
    node.tell(id(2), peer::Event::Disconnect(peer::Goodbye::Operator));
    assert!(node.mines(), "at once, without a tick");
}

#[test]
fn l05_a_lost_release_costs_no_more_than_the_rest_of_the_lease() {
    let mut node = Node::new();
    node.connect(id(1));
    node.ticks_until(|node| node.paused() && node.time >= 5 * SECOND);
    node.deaf = true;
    node.quiet.push(id(1));
    let took = node.ticks_until(Node::mines);
    assert!(node.peers[&id(1)].figures().lease.is_none(), "it was given back");
    assert!(took <= LEASE_MS, "{took}");
}

#[test]
fn l06_steps_of_the_wall_clock_change_nothing() {
    let run = |step: i64| {
        let mut node = Node::new();
        node.connect(id(1));
        let mut states = Vec::new();
        for tick in 0..200 {
            if tick % 7 == 3 {
                node.unix_error += step;
            }
            if tick == 50 {
                node.peers.clear();
            }
            node.tick();
            states.push(node.bench.miner.state().clone());
        }
        (states, node.bench.miner.figures())
    };
    let steady = run(0);
    assert!(steady.0.iter().any(|state| matches!(state, State::Paused { .. })));
    assert!(matches!(steady.0.last(), Some(State::Mining { .. })));
    assert_eq!(run(HOUR as i64), steady);
    assert_eq!(run(-(HOUR as i64)), steady);
}

#[test]
fn l03_a_thousand_attempts_an_hour_with_new_names_pause_at_most_5_percent_of_any_hour() {
    let mut node = Node::new();
    // Paused ticks so far, after each tick.
    let (mut paused, mut despite) = (vec![0], false);
    for attempt in 1..=2_000 {
        // A new peer every 3.6 s; it dies without a word when the next one comes.
        node.peers.clear();
        node.connect(id(attempt));
        for _ in 0..36 {
            node.tick();
            paused.push(paused[paused.len() - 1] + u64::from(node.paused()));
            despite |= matches!(node.bench.miner.state(), State::Mining { despite_leases: true, .. });
        }
    }
    let hour = (HOUR / TICK) as usize;
    let most = (hour..paused.len()).map(|end| paused[end] - paused[end - hour]).max().unwrap() * TICK;
    assert!(most <= HOUR / 20, "{most} ms of an hour");
    assert!(most > HOUR / 50, "they do pause: {most} ms");
    assert!(despite, "and it is shown that the budget is used up");
    let figures = node.bench.miner.figures();
    assert!(figures.lease_budget_ms < 10_000 && !figures.leases.is_empty(), "{figures:?}");
}

#[test]
fn a_pause_that_has_another_reason_costs_the_peers_nothing() {
    let mut node = Node::new();
    node.mine(Event::Syncing(true));
    node.connect(id(1));
    (0..HOUR / TICK / 10).for_each(|_| node.tick());
    let State::Paused { reasons, .. } = node.bench.miner.state() else { panic!("{:?}", node.bench.miner.state()) };
    assert!(reasons.contains(&Reason::Syncing) && reasons.len() == 2, "{reasons:?}");
    let full = Budget::new(0).left_ms();
    assert_eq!(node.bench.miner.figures().lease_budget_ms, full);
    node.mine(Event::Syncing(false));
    assert_eq!(node.served(), [id(1)]);
    node.ticks_until(Node::mines);
    assert_eq!(node.bench.miner.figures().leases, [Lease { peer: id(1), number: 400 }]);
}

//! Virtual time: blocks, the faucet's ticks, bots that claim whenever they may, and people who come now and then.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::fmt;
use std::net::IpAddr;

use ledger::{Address, Amount, Transaction};
use machines::Now;
use machines::chain::TipChanged;
use machines::faucet::{Asked, Challenge, ClaimError, Effect, Event, Faucet, Form, Params, Seen, Terms, Work};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::bots::{Bot, Strategy, layer};
use crate::chain::{Chain, key};
use crate::people::{Habit, Person};
use crate::report::Outcome;

const START: u64 = 1_800_000_000_000;
const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;
/// People come when the farm had an hour to empty the budget.
const WARM_UP: u64 = HOUR;
/// A person is paid in time if the coins are in a block by then.
const IN_TIME: u64 = 120 * SECOND;
/// Barrel with which an account gets nothing more.
const BALANCE_LIMIT: u64 = 10;
/// A bot that is refused asks again after so long at most.
const BOT_PATIENCE: u64 = 600 * SECOND;

/// How large.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub bots: u64,
    pub prefixes: u64,
    pub people: u64,
    pub hours: u64,
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bots, prefixes, people, hours } = self;
        write!(f, "{bots} bots of {prefixes} prefixes for {hours} h, {people} people after the first hour")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Block,
    Tick,
    Bot(usize),
    /// A person comes.
    Comes(usize),
    /// A person who came at this time asks for work.
    Asks(usize, u64),
    /// A person who came at this time has done the work that is asked for.
    Claims(usize, u64),
}

pub struct World {
    size: Size,
    strategy: Strategy,
    rng: ChaCha8Rng,
    chain: Chain,
    faucet: Faucet,
    now: u64,
    end: u64,
    queue: BinaryHeap<Reverse<(u64, u64, What)>>,
    posted: u64,
    bots: Vec<Bot>,
    people: Vec<Person>,
    challenges: HashMap<usize, Challenge>,
    /// Who waits for a payout to be in a block: bot, or person and since when.
    waiting: HashMap<Address, Payee>,
    outcome: Outcome,
    /// Time and drops of payouts and of what mining created, of the last hour.
    paid: VecDeque<(u64, u64)>,
    created: VecDeque<(u64, u64)>,
}

#[derive(Debug, Clone, Copy)]
enum Payee {
    Bot(usize),
    Person(usize, u64),
}

impl World {
    pub fn new(size: Size, strategy: Strategy, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let own = key(11, 0);
        let chain = Chain::new(own.address(), START - SECOND);
        let barrels = |n| Amount::barrels(n).unwrap();
        let params = Params {
            on: true,
            key: own,
            challenge_key: [5; 32],
            terms: Terms { amount: barrels(5), account_limit: barrels(50), interval_ms: HOUR },
            balance_limit: barrels(BALANCE_LIMIT),
            share_percent: 50,
        };
        let faucet = Faucet::new(chain.network.clone(), params, Vec::new(), chain.tip(), now(0));
        let bots = match strategy {
            Strategy::Absent => Vec::new(),
            _ => (0..size.bots).map(|number| Bot::new(number, size.prefixes)).collect(),
        };
        let people = (0..size.people).map(|number| Person::new(number, &mut rng)).collect();
        Self {
            size,
            strategy,
            rng,
            chain,
            faucet,
            now: 0,
            end: u64::MAX,
            queue: BinaryHeap::new(),
            posted: 0,
            bots,
            people,
            challenges: HashMap::new(),
            waiting: HashMap::new(),
            outcome: Outcome::new(strategy),
            paid: VecDeque::new(),
            created: VecDeque::new(),
        }
    }

    pub fn run(mut self) -> Outcome {
        // An hour of blocks before anybody comes: the budget is full.
        for _ in 0..360 {
            self.block();
        }
        self.end = self.now + self.size.hours * HOUR;
        self.outcome.begin();
        self.post(0, What::Tick);
        self.post(0, What::Block);
        for bot in 0..self.bots.len() {
            let after = self.rng.random_range(0..BOT_PATIENCE);
            self.post(after, What::Bot(bot));
        }
        for person in 0..self.people.len() {
            let after = WARM_UP + self.rng.random_range(0..HOUR);
            self.post(after, What::Comes(person));
        }
        while let Some(Reverse((at, _, what))) = self.queue.pop()
            && at < self.end
        {
            self.now = at;
            match what {
                What::Block => {
                    self.block();
                    let gap = -(1.0 - self.rng.random::<f64>()).ln() * 10_000.0;
                    self.post(gap as u64 + 1, What::Block);
                }
                What::Tick => {
                    let own = self.chain.account(&self.faucet.account());
                    self.event(Event::Tick { next_nonce: own.map(|own| own.nonce), own });
                    self.post(SECOND, What::Tick);
                }
                What::Bot(bot) => self.bot(bot),
                What::Comes(person) => self.comes(person),
                What::Asks(person, since) => self.asks_for_work(person, since),
                What::Claims(person, since) => self.claims(person, since),
            }
        }
        self.outcome.end(&self.faucet.report(now(self.now)), &self.people);
        self.outcome
    }

    fn post(&mut self, after: u64, what: What) {
        self.posted += 1;
        self.queue.push(Reverse((self.now + after, self.posted, what)));
    }

    /// Feeds the faucet; gives the answer to a claim if one came out.
    fn event(&mut self, event: Event) -> Option<Result<(u64, Address), ClaimError>> {
        let mut answer = None;
        let mut open: VecDeque<_> = self.faucet.on(now(self.now), event).into();
        while let Some(effect) = open.pop_front() {
            let next = match effect {
                Effect::Keep { claim, .. } => Event::Kept { claim },
                Effect::Write(_) => Event::Written(Ok(())),
                Effect::Submit(transaction) => {
                    let payout = transaction.id(&self.chain.network.chain);
                    self.chain.submit(transaction);
                    Event::Submitted { payout }
                }
                Effect::Answer { answer: said, .. } => {
                    answer = Some(said.map(|paid| {
                        let Transaction::Transfer(payout) = paid.payout.transaction() else {
                            panic!("a native payout")
                        };
                        (payout.amount.as_drops(), payout.to)
                    }));
                    continue;
                }
                Effect::Done { .. } | Effect::Funds { .. } => continue,
            };
            open.extend(self.faucet.on(now(self.now), next));
        }
        if let Some(Ok((drops, _))) = &answer {
            self.paid.push_back((self.now, *drops));
            self.look_at_the_hour();
        }
        answer
    }

    /// What was paid in the last hour beside what may be.
    fn look_at_the_hour(&mut self) {
        for entries in [&mut self.paid, &mut self.created] {
            while entries.front().is_some_and(|(at, _)| at + HOUR <= self.now) {
                entries.pop_front();
            }
        }
        let sum = |entries: &VecDeque<(u64, u64)>| entries.iter().map(|(_, drops)| *drops).sum::<u64>() as f64;
        self.outcome.worst_hour = self.outcome.worst_hour.max(sum(&self.paid) * 2.0 / sum(&self.created));
    }

    fn block(&mut self) {
        if self.outcome.has_not_begun() {
            self.now += 10 * SECOND;
        }
        let block = self.chain.mine(START + self.now);
        let reward = self.chain.network.spec.reward.as_drops();
        self.created.push_back((self.now, reward));
        self.outcome.created += reward;
        let own = self.faucet.account();
        let payouts: Vec<_> = block.transactions().iter().filter(|tx| tx.sender() == own).cloned().collect();
        let height = block.header().height;
        let watched_joined = payouts.iter().map(|tx| (tx.id(), height)).collect();
        self.event(Event::TipChanged(TipChanged { joined: 1, watched_joined, ..TipChanged::none(self.chain.tip()) }));
        self.catch_up();
        for payout in payouts {
            let (to, drops) = (payout.transaction().to(), payout.transaction().amount().as_drops());
            match self.waiting.remove(&to) {
                Some(Payee::Bot(bot)) => self.bot_is_paid(bot),
                Some(Payee::Person(person, since)) => self.person_is_paid(person, since, drops),
                None => {}
            }
        }
        if self.strategy == Strategy::Layers {
            self.pass_through_layers();
        }
    }

    /// Shows the faucet what it has not seen of the chain.
    fn catch_up(&mut self) {
        let missing = self.faucet.missing();
        let times = missing.headers.map(|height| (height, self.chain.block_at(height).header.time)).collect();
        let buried = missing.buried.map(|height| Seen::of(&self.chain.block_at(height))).collect();
        self.event(Event::Blocks { times, buried });
    }

    fn asked(&self, to: Address, client: IpAddr) -> Asked {
        let (account, own) = (self.chain.account(&to), self.chain.account(&self.faucet.account()));
        Asked { to, client, account, own, next_nonce: None }
    }

    fn claim(&mut self, to: Address, client: IpAddr, work: Option<Work>) -> Result<(u64, Address), ClaimError> {
        let asked = self.asked(to, client);
        self.event(Event::Claim { asked, form: Form::Native(work), ticket: 1 }).expect("a claim is answered")
    }

    fn bot(&mut self, number: usize) {
        let (to, client) = (self.bots[number].address, self.bots[number].client);
        let wait = match self.bot_claims(to, client) {
            Ok((drops, _)) => {
                self.outcome.bots_paid += drops;
                if self.now + HOUR > self.end {
                    self.outcome.bots_late += drops;
                }
                self.outcome.bot_claims += 1;
                self.waiting.insert(to, Payee::Bot(number));
                HOUR
            }
            Err(error) => {
                self.outcome.bot_refusals += 1;
                let known = error.retry_after_s().map_or(BOT_PATIENCE, |seconds| seconds * SECOND);
                known.clamp(SECOND, BOT_PATIENCE)
            }
        };
        let after = wait + self.rng.random_range(0..10 * SECOND);
        self.post(after, What::Bot(number));
    }

    fn bot_claims(&mut self, to: Address, client: IpAddr) -> Result<(u64, Address), ClaimError> {
        if !self.strategy.works() {
            return self.claim(to, client, None);
        }
        let challenge = self.faucet.challenge(now(self.now), &self.asked(to, client))?;
        self.claim(to, client, Some(done(challenge)))
    }

    fn bot_is_paid(&mut self, number: usize) {
        if let Some(receiver) = self.bots[number].receiver(self.strategy) {
            let key = self.bots[number].key.clone();
            self.chain.send_all(&key, receiver);
        }
        if self.strategy == Strategy::FreshAccounts {
            self.bots[number].take_fresh_account();
        }
    }

    /// Each layer sends on what it has once in ten minutes.
    fn pass_through_layers(&mut self) {
        if !self.chain.tip().height.is_multiple_of(60) {
            return;
        }
        for (step, each) in [(1, 5), (2, 25)] {
            for number in (0..self.size.bots).step_by(each) {
                let (from, to) = (layer(step, number), layer(step + 1, number).address());
                if self.chain.balance(&from.address()) > 0 {
                    self.chain.send_all(&from, to);
                }
            }
        }
    }

    fn comes(&mut self, number: usize) {
        if self.now + 2 * IN_TIME > self.end {
            return;
        }
        if self.chain.balance(&self.people[number].address) >= BALANCE_LIMIT * Amount::BARREL.as_drops() {
            // It has enough and does not ask.
            return self.come_back(number);
        }
        self.outcome.tries += 1;
        self.asks_for_work(number, self.now);
    }

    fn asks_for_work(&mut self, number: usize, since: u64) {
        let person = &self.people[number];
        match self.faucet.challenge(now(self.now), &self.asked(person.address, person.client)) {
            Ok(challenge) => {
                let after = person.works_ms(challenge.bits, &mut self.rng);
                self.outcome.bits.push(challenge.bits);
                self.challenges.insert(number, challenge);
                self.post(after, What::Claims(number, since));
            }
            Err(error) => self.person_is_refused(number, since, &error),
        }
    }

    fn claims(&mut self, number: usize, since: u64) {
        let (to, client) = (self.people[number].address, self.people[number].client);
        let challenge = self.challenges.remove(&number).expect("it worked on one");
        match self.claim(to, client, Some(done(challenge))) {
            Ok((drops, _)) => {
                self.outcome.people_paid += drops;
                self.waiting.insert(to, Payee::Person(number, since));
            }
            Err(error) => self.person_is_refused(number, since, &error),
        }
    }

    /// The page tries again while there is time; the person comes back another time.
    fn person_is_refused(&mut self, number: usize, since: u64, error: &ClaimError) {
        let again = match error {
            ClaimError::Work { .. } | ClaimError::Challenge => Some(0),
            error => error.retry_after_s().map(|seconds| seconds * SECOND),
        };
        match again {
            Some(wait) if self.now + wait < since + IN_TIME => {
                self.outcome.retries += 1;
                self.post(wait, What::Asks(number, since));
            }
            _ => {
                *self.outcome.people_refused.entry(error.reason()).or_default() += 1;
                self.come_back(number);
            }
        }
    }

    fn person_is_paid(&mut self, number: usize, since: u64, drops: u64) {
        let took = self.now - since;
        self.outcome.times.push(took);
        self.outcome.amounts.push(drops);
        if took <= IN_TIME {
            self.outcome.in_time += 1;
        }
        let key = self.people[number].key.clone();
        match self.people[number].habit {
            Habit::Keeps => {}
            Habit::Buys => self.chain.send(&key, Person::shop(), 1, 2),
            Habit::GivesAll => self.chain.send_all(&key, Person::friend(number as u64)),
        }
        self.come_back(number);
    }

    fn come_back(&mut self, number: usize) {
        let after = HOUR + 60 * SECOND + self.rng.random_range(0..HOUR / 4);
        self.post(after, What::Comes(number));
    }
}

/// A challenge as whoever did its work hands it in. The hashing itself is left out: what counts here is the time that
/// it takes people, and bots need none.
fn done(challenge: Challenge) -> Work {
    Work { done: challenge.bits.into(), challenge: challenge.text }
}

fn now(mono: u64) -> Now {
    Now { mono, unix: START + mono }
}

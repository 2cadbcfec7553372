//! Branches that are too far away for one step: full blocks, crashes and invalid blocks on the way, and what is held.

use ledger::Transfer;

use super::super::branches::{STEP, weight};
use super::*;

/// Blocks on genesis in which person 1 or 3 pays as often as a block may; nobody checks the signatures here.
struct Full {
    network: Arc<Network>,
    blocks: Vec<Arc<CheckedBlock>>,
    each: u64,
    from: u8,
}

/// A network whose blocks are full with so many transactions.
fn full_at(transactions: u64) -> Arc<Network> {
    let spec = ledger::NetworkSpec { max_block_transactions: transactions as u32, ..crate::fixture::spec() };
    Arc::new(Network::new(spec).unwrap())
}

impl Full {
    fn new(network: &Arc<Network>, from: u8, count: u64) -> Self {
        let each = u64::from(network.spec.max_block_transactions);
        let mut full = Self { network: network.clone(), blocks: Vec::new(), each, from };
        for _ in 0..count {
            full.extend(from);
        }
        full
    }

    /// The next block, whose transactions are of `from`.
    fn extend(&mut self, from: u8) {
        let parent = self.blocks.last().map_or(&self.network.genesis, |block| block.header());
        let first = self.network.nonce_base + (parent.height * self.each);
        let sender = key(from).public();
        let pay = |i| {
            let (amount, fee) = (Amount::drops(1), Amount::ZERO);
            let (data, signature) = (Vec::new(), Signature::ZERO);
            Transaction::Transfer(Transfer {
                from: sender,
                to: address(9),
                amount,
                fee,
                nonce: first + i,
                data,
                signature,
            })
        };
        let transactions: Vec<_> = (0..self.each).map(pay).collect();
        let before = self.blocks.len().checked_sub(2).map_or(&self.network.genesis, |at| self.blocks[at].header());
        let header = Header {
            version: 1,
            height: parent.height + 1,
            previous: parent.id(),
            root: ledger::merkle::root(&transactions.iter().map(Transaction::leaf).collect::<Vec<_>>()),
            time: parent.time + 10,
            target: ledger::difficulty::next_target(&self.network, parent, (parent.height > 0).then_some(before)),
            miner: key(self.from + 4).public(),
            nonce: 0,
        };
        let block = seal(header, transactions, self.from + 4);
        self.blocks.push(Arc::new(CheckedBlock::kept(block, &self.network).unwrap()));
    }

    /// What a store holds that followed nothing else.
    fn store(&self) -> MemoryChain {
        let mut store = MemoryChain::new(self.network.clone());
        for block in &self.blocks {
            store.connect(block.clone()).unwrap();
        }
        store
    }
}

/// What a node did on its way.
#[derive(Debug, Default)]
struct Seen {
    /// Weight of the largest change that it held.
    heaviest: u64,
    /// Parts that it staged.
    staged: usize,
    abandoned: usize,
    told: Vec<TipChanged>,
    refused: Vec<BlockId>,
}

/// What ends a node on its way.
#[derive(Debug, Clone, Copy)]
enum End {
    Never,
    /// It crashes before it performs its effect with this number.
    Crash(usize),
    /// It is told to stop after so many parts.
    Stop(usize),
}

impl Node {
    fn on_network(network: &Arc<Network>) -> Self {
        let (network, store) = (network.clone(), MemoryChain::new(network.clone()));
        Self { chain: Chain::new(network.clone(), network.genesis_tip()), store, network, now: at(0) }
    }

    /// Takes checked blocks of a sync, and says whether it ended on the way.
    fn sync(&mut self, blocks: &[Arc<CheckedBlock>], seen: &mut Seen, end: End) -> bool {
        let (mut performed, mut parts, mut stopped) = (0, 0, false);
        let results = blocks.iter().cloned().map(Ok).collect();
        let mut next = Some(Event::BlocksChecked { results, source: Source::Sync(peer(1)) });
        while let Some(event) = next.take() {
            for effect in self.chain.on(self.now, event, self.store.latest()) {
                if matches!(end, End::Crash(at) if at == performed) {
                    self.restart();
                    return true;
                }
                performed += 1;
                if let Effect::Commit(commit) | Effect::Stage(commit) = &effect {
                    let joined: u64 = commit.connect.iter().map(|c| weight(c.block.transactions().len())).sum();
                    let left = commit.disconnect.iter().map(|id| self.store.header(id).unwrap().unwrap().transactions);
                    let left: u64 = left.map(|count| weight(count as usize)).sum();
                    seen.heaviest = seen.heaviest.max(joined + left);
                }
                match effect {
                    Effect::Commit(commit) => self.store.commit(&commit).unwrap(),
                    Effect::Stage(commit) => {
                        seen.staged += 1;
                        self.store.stage(&commit).unwrap();
                    }
                    Effect::Abandon => {
                        seen.abandoned += 1;
                        self.store.abandon();
                    }
                    Effect::GoOn => {
                        stopped = matches!(end, End::Stop(after) if after <= parts);
                        parts += 1;
                        next = Some(if stopped { Event::GiveUp } else { Event::GoOn });
                    }
                    Effect::TipChanged(changed) => seen.told.push(changed),
                    Effect::SyncRefused { id, .. } => seen.refused.push(id),
                    _ => {}
                }
            }
        }
        assert_eq!(self.chain.tip(), self.store.tip().unwrap());
        stopped
    }

    fn restart(&mut self) {
        self.store.abandon();
        self.chain = Chain::new(self.network.clone(), self.store.tip().unwrap());
    }
}

/// Moves from `depth` full blocks to one more, and compares with a fresh replay.
fn reorganise(depth: u64, transactions: u64) {
    let network = full_at(transactions);
    let (old, new) = (Full::new(&network, 1, depth), Full::new(&network, 3, depth + 1));
    let (mut node, mut seen) = (Node::on_network(&network), Seen::default());
    node.chain = node.chain.watching(address(1));
    for block in old.blocks.iter().chain(&new.blocks) {
        node.sync(std::slice::from_ref(block), &mut seen, End::Never);
    }
    let replayed = new.store();
    assert_eq!(node.store.tip().unwrap(), replayed.tip().unwrap());
    assert_eq!(node.store.accounts(), replayed.accounts(), "depth {depth}");
    assert_eq!(node.store.main_chain(), replayed.main_chain());
    let full = weight(transactions as usize);
    assert!(seen.staged > 0 && (2 * depth + 1) * full > STEP, "it was far");
    assert!(seen.heaviest < STEP + full, "depth {depth}: {} is held at once", seen.heaviest);
    let moved = seen.told.last().unwrap();
    assert_eq!((moved.left, moved.joined), (depth, depth + 1));
    assert_eq!(moved.watched_left.len() as u64, depth * transactions, "told once for all steps");
    let own = |block: &Arc<CheckedBlock>| block.transactions().iter().map(|tx| tx.id()).collect::<Vec<_>>();
    assert_eq!(moved.watched_left, old.blocks.iter().rev().flat_map(own).collect::<Vec<_>>());
    assert_eq!(node.chain.figures().deepest_reorganisation, depth);
    let waiting = node.chain.pool().len() as u64;
    assert_eq!(
        waiting,
        (depth * transactions).min(crate::pool::MAX_PER_ACCOUNT as u64),
        "what the pool takes waits again"
    );
}

#[test]
fn b16_a_reorganisation_of_one_full_block_is_a_replay_in_bounded_steps() {
    reorganise(1, 10_000);
}

#[test]
fn b16_a_reorganisation_of_six_full_blocks_is_a_replay_in_bounded_steps() {
    reorganise(6, 2_500);
}

#[test]
fn b16_a_reorganisation_of_a_hundred_full_blocks_is_a_replay_in_bounded_steps() {
    reorganise(100, 100);
}

#[test]
fn t10_who_pays_on_while_what_left_is_not_back_is_asked_to_wait_a_moment() {
    let network = full_at(15);
    let (old, new) = (Full::new(&network, 1, 100), Full::new(&network, 3, 101));
    let (mut node, mut seen) = (Node::on_network(&network), Seen::default());
    let (head, rest) = new.blocks.split_last().unwrap();
    for block in old.blocks.iter().chain(rest) {
        node.sync(std::slice::from_ref(block), &mut seen, End::Never);
    }
    let on = pay(&network, 1, 9, 1, 0, 1_500);
    let mut moving = 0;
    let mut next = Some(Event::BlocksChecked { results: vec![Ok(head.clone())], source: Source::Sync(peer(1)) });
    while let Some(event) = next.take() {
        for effect in node.chain.on(node.now, event, node.store.latest()) {
            match effect {
                Effect::Commit(commit) => node.store.commit(&commit).unwrap(),
                Effect::Stage(commit) => node.store.stage(&commit).unwrap(),
                Effect::GoOn => next = Some(Event::GoOn),
                _ => {}
            }
        }
        let asked = Event::Submitted { transaction: on.clone(), ticket: 7 };
        for effect in node.chain.on(node.now, asked, node.store.latest()) {
            match effect {
                Effect::Answer { answer: Err(Refused::Moving), .. } => moving += 1,
                Effect::Answer { answer, .. } => panic!("{answer:?}"),
                _ => {}
            }
        }
    }
    assert!(moving > 0, "it was far");
    node.submit(on).unwrap();
    assert_eq!(node.chain.pool().len(), 1_501, "all that left is there, and what follows it");
}

/// Ends a move after 0, 1, 2 … of what it consists of, until it is done before that; gives how often it was ended. Each
/// time all of one branch is there, and the next offer of the block that leads away moves the node.
fn ended_anywhere(end: impl Fn(usize) -> End) -> usize {
    let network = full_at(20);
    let (old, new) = (Full::new(&network, 1, 140), Full::new(&network, 3, 141));
    let (mut node, mut seen) = (Node::on_network(&network), Seen::default());
    let (head, rest) = new.blocks.split_last().unwrap();
    for batch in [&old.blocks[..], rest] {
        node.sync(batch, &mut seen, End::Never);
    }
    let (before, arrived) = (node.store.clone(), new.store());
    for times in 0.. {
        let ended = node.sync(std::slice::from_ref(head), &mut seen, end(times));
        let now = if node.store.tip().unwrap() == before.tip().unwrap() { &before } else { &arrived };
        assert_eq!(node.store.tip().unwrap(), now.tip().unwrap(), "{:?}: one branch or the other", end(times));
        assert_eq!(node.store.accounts(), now.accounts(), "{:?}", end(times));
        assert_eq!(node.store.main_chain(), now.main_chain());
        assert_eq!(node.chain.state(), &State::Settled { tip: now.tip().unwrap() }, "{:?}", end(times));
        // Whatever is left, the block is offered again.
        node.sync(std::slice::from_ref(head), &mut seen, End::Never);
        assert_eq!(node.store.accounts(), arrived.accounts());
        if !ended {
            return times;
        }
        node.store = before.clone();
        node.restart();
    }
    unreachable!("a move has an end")
}

#[test]
fn b16_a_crash_anywhere_on_the_way_leaves_the_old_branch_and_the_next_offer_of_the_block_moves_it() {
    let crashes = ended_anywhere(End::Crash);
    assert!(crashes > 6, "{crashes} points: stages, commit, news");
}

#[test]
fn b16_a_stop_between_any_two_parts_leaves_the_old_branch_and_the_next_offer_of_the_block_moves_it() {
    let stops = ended_anywhere(End::Stop);
    assert!(stops > 3, "{stops} parts: to look where it goes, steps, what waits again");
}

#[test]
fn b16_an_invalid_block_far_along_a_branch_leaves_the_old_chain_as_it_was() {
    let network = full_at(20);
    let (old, mut new) = (Full::new(&network, 1, 140), Full::new(&network, 3, 70));
    // Person 2 never paid, so its nonces do not follow.
    new.extend(2);
    for _ in 0..71 {
        new.extend(3);
    }
    let (mut node, mut seen) = (Node::on_network(&network), Seen::default());
    node.sync(&old.blocks, &mut seen, End::Never);
    let before = node.store.clone();
    node.sync(&new.blocks, &mut seen, End::Never);
    assert_eq!(seen.abandoned, 1);
    assert_eq!(node.store.tip().unwrap(), before.tip().unwrap());
    assert_eq!((node.store.accounts(), node.store.main_chain()), (before.accounts(), before.main_chain()));
    assert_eq!(seen.told.len(), 1, "nobody heard of a move: {:?}", seen.told);
    let refused: Vec<_> = [70, 141].map(|at| new.blocks[at].id()).into();
    assert_eq!(seen.refused, refused, "the invalid one, and what came on top of the branch");
    assert_eq!(node.chain.state(), &State::Settled { tip: before.tip().unwrap() });
}

#[test]
fn b16_the_valid_part_of_a_far_branch_is_followed_if_it_has_more_work() {
    let network = full_at(20);
    let (old, mut new) = (Full::new(&network, 1, 140), Full::new(&network, 3, 142));
    let valid = new.store();
    new.extend(2);
    new.extend(3);
    let (mut node, mut seen) = (Node::on_network(&network), Seen::default());
    node.sync(&old.blocks, &mut seen, End::Never);
    // All but the last are kept and were not followed: as it is when the last weighs more than those before it.
    let (head, rest) = new.blocks.split_last().unwrap();
    let mut work = ledger::Work::ZERO;
    let keep = rest.iter().map(|block| {
        work = work.checked_add(block.header().target.work().unwrap()).unwrap();
        ledger::NewBlock { block: block.clone(), work }
    });
    let (keep, tip) = (keep.collect(), node.chain.tip());
    let (disconnect, connect, accounts) = (Vec::new(), Vec::new(), ledger::apply::Changes::new());
    node.store.commit(&ledger::Commit { keep, disconnect, connect, accounts, tip }).unwrap();
    node.sync(std::slice::from_ref(head), &mut seen, End::Never);
    assert_eq!((seen.abandoned, &seen.refused[..]), (1, &[new.blocks[142].id()][..]));
    assert_eq!(node.store.tip().unwrap(), valid.tip().unwrap());
    assert_eq!((node.store.accounts(), node.store.main_chain()), (valid.accounts(), valid.main_chain()));
    let moved = seen.told.last().unwrap();
    assert_eq!((moved.left, moved.joined), (140, 142));
}

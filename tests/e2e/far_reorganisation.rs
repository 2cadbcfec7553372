//! A branch of many full blocks: how much memory moving there takes, what is shown meanwhile, and what kill -9
//! leaves.

use std::fs;
use std::sync::Arc;
use std::time::Instant;

use ledger::apply::{Changes, apply};
use ledger::{
    Address, Amount, Block, BlockId, ChainSource, CheckedBlock, Commit, Connect, Header, NewBlock, Signature, Tip,
    Transaction, Transfer, difficulty, merkle, pow,
};
use store::Store;

use crate::harness::forge::sign;
use crate::harness::process::logged;
use crate::harness::wait::holds;
use crate::harness::wallet::Wallet;
use crate::harness::{Net, Node, eventually};

/// Memory for writing.
const CACHE: usize = 64 << 20;
/// What a node may have in memory at most: the cache of its database, two full blocks as a step has them, and what it
/// needs in any case.
const MOST_MEMORY_KB: u64 = 512 * 1024;
/// What the log says when a move begins.
const MOVING: &str = "moving to a branch with more work, which is far away";

/// Blocks with as many transactions as one may have, made one at a time: a thousand of them are in no memory.
struct Maker<'n> {
    net: &'n Net,
    miner: Wallet,
    /// Pays all of them.
    payer: Wallet,
    parent: Header,
    grandparent: Option<Header>,
    tip: Tip,
}

impl<'n> Maker<'n> {
    fn new(net: &'n Net, payer: u64) -> Self {
        let (miner, payer) = (net.stranger(1_000 + payer), net.wallet(payer));
        let (parent, tip) = (net.network.genesis.clone(), net.network.genesis_tip());
        Self { net, miner, payer, parent, grandparent: None, tip }
    }

    /// The next block. Only an empty one has signatures that anybody may check.
    fn next(&mut self, full: bool) -> NewBlock {
        let network = &self.net.network;
        let count = if full { u64::from(network.spec.max_block_transactions) } else { 0 };
        let transactions: Vec<_> = (0..count).map(|i| self.pay(i, count)).collect();
        let mut header = Header {
            version: 1,
            height: self.parent.height + 1,
            previous: self.parent.id(),
            root: merkle::root(&transactions.iter().map(Transaction::leaf).collect::<Vec<_>>()),
            time: self.parent.time + network.spec.spacing_ms,
            target: difficulty::next_target(network, &self.parent, self.grandparent.as_ref()),
            miner: self.miner.key.public(),
            nonce: 0,
        };
        header.nonce = pow::Search::new(&header).unwrap().run(0, u64::MAX).unwrap();
        let block = Block { transactions, ..sign(&self.miner, header.clone()) };
        let work = self.tip.work.checked_add(header.target.work().unwrap()).unwrap();
        self.tip = Tip { id: header.id(), height: header.height, work, time: header.time };
        self.grandparent = Some(std::mem::replace(&mut self.parent, header));
        NewBlock { block: Arc::new(CheckedBlock::kept(block, network).unwrap()), work }
    }

    /// Payments to a hundred thousand accounts in turn.
    fn pay(&self, index: u64, of: u64) -> Transaction {
        let number = self.parent.height * of + index;
        let mut to = [0x55; 20];
        to[..8].copy_from_slice(&(number % 100_000).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
        Transaction::Transfer(Transfer {
            from: self.payer.key.public(),
            to: Address(to),
            amount: Amount::drops(1),
            fee: Amount::ZERO,
            nonce: self.net.network.nonce_base + number,
            data: Vec::new(),
            signature: Signature::ZERO,
        })
    }

    /// What puts a block on the chain of a store.
    fn connect(&self, store: &Store, new: NewBlock) -> Commit {
        let snapshot = store.reader().snapshot().unwrap();
        let (accounts, undo) = apply(&snapshot, &new.block, &self.net.network).unwrap();
        let connect = vec![Connect { block: new.block.clone(), undo }];
        Commit { keep: vec![new], disconnect: Vec::new(), connect, accounts, tip: self.tip }
    }
}

fn open(net: &Net, node: &Node) -> Store {
    fs::create_dir_all(node.dir()).unwrap();
    Store::open(&node.dir(), net.network.clone(), CACHE, |_| {}).unwrap()
}

/// Gives `ahead` a chain of one block more than `depth` full ones, and `behind` another one of `depth` full ones, beside
/// which it keeps all but the last of the first.
fn prepare(net: &Net, ahead: &Node, behind: &Node, depth: u64) -> (Tip, Tip, BlockId) {
    let (mut leads, mut lags) = (open(net, ahead), open(net, behind));
    let mut old = Maker::new(net, 0);
    for _ in 0..depth {
        let new = old.next(true);
        let commit = old.connect(&lags, new);
        lags.commit(&commit).unwrap();
    }
    let mut new = Maker::new(net, 1);
    for _ in 0..depth {
        let block = new.next(true);
        let keep = vec![block.clone()];
        let beside =
            Commit { keep, disconnect: Vec::new(), connect: Vec::new(), accounts: Changes::new(), tip: old.tip };
        lags.commit(&beside).unwrap();
        let commit = new.connect(&leads, block);
        leads.commit(&commit).unwrap();
    }
    let below = new.tip.id;
    let head = new.next(false);
    let commit = new.connect(&leads, head);
    leads.commit(&commit).unwrap();
    (old.tip, new.tip, below)
}

/// The most memory that a running node ever had, in KiB.
fn most_memory(node: &Node) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", node.process_id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// How often a node began a move, by its log.
fn moves(node: &Node) -> usize {
    fs::read_to_string(node.log()).unwrap().matches(MOVING).count()
}

/// What ends a node on its way.
enum End {
    Kill,
    /// SIGTERM: it must not wait until it is there.
    Stop,
}

/// Moves a node by `depth` blocks, full with so many transactions each, which is ended in these ways before.
fn moves_far(depth: u64, transactions: u32, ends: &[End]) {
    let net = Net::on_request_with(|spec| spec.max_block_transactions = transactions);
    let (ahead, behind) = (net.node("ahead"), net.node("behind"));
    let began = Instant::now();
    let (old, new, below) = prepare(&net, &ahead, &behind, depth);
    println!("two branches of {depth} blocks of {transactions} transactions made in {:.1?}", began.elapsed());
    ahead.start();
    behind.knows(&ahead);
    for end in ends {
        let before = if behind.log().exists() { moves(&behind) } else { 0 };
        behind.start();
        eventually("it moves", 300, || holds(moves(&behind) > before + 1, || "not yet".into()));
        assert_eq!(behind.block_at(old.height).unwrap(), old.id.to_string(), "meanwhile everybody sees the old branch");
        match end {
            End::Kill => {
                behind.crash();
            }
            End::Stop => {
                let began = Instant::now();
                behind.stop();
                println!("it stopped in {:.1?}", began.elapsed());
                logged(&behind.log(), "what is left of a move to another branch is not done").unwrap();
                assert!(logged(&behind.log(), "does not end in time").is_err(), "every part heard that it ends");
            }
        }
        let store = open(&net, &behind);
        assert_eq!(store.reader().snapshot().unwrap().tip().unwrap(), old, "the old branch is whole");
    }
    let began = Instant::now();
    behind.start();
    behind.until_within(60 + 20 * depth, |node| {
        let arrived = node.block_at(new.height).is_ok();
        let (shown, wanted) = (node.block_at(old.height)?, if arrived { below } else { old.id });
        // It may arrive between the two questions.
        assert!(shown == wanted.to_string() || shown == below.to_string(), "half of a branch is shown: {shown}");
        holds(arrived, || format!("{} kB", most_memory(node)))
    });
    let memory = most_memory(&behind);
    println!("moved by {depth} blocks in {:.1?}, {memory} kB at most", began.elapsed());
    assert!(memory < MOST_MEMORY_KB, "{memory} kB");
    // What the old branch had waits again, as far as there is room: the chain hears nothing before that is done.
    behind.until_within(60 + depth, |node| {
        let state = node.state("chain")?;
        holds(state.get("Settled").is_some(), || state.to_string())
    });
    behind.stop();
    ahead.stop();
    let (moved, replayed) = (open(&net, &behind).reader(), open(&net, &ahead).reader());
    let (moved, replayed) = (moved.snapshot().unwrap(), replayed.snapshot().unwrap());
    assert_eq!(moved.tip().unwrap(), replayed.tip().unwrap());
    assert_eq!(moved.transaction_count().unwrap(), replayed.transaction_count().unwrap());
    assert!(moved.accounts().unwrap().map(Result::unwrap).eq(replayed.accounts().unwrap().map(Result::unwrap)));
}

#[test]
fn b16_a_node_moves_by_four_full_blocks_and_has_what_a_fresh_replay_has() {
    moves_far(4, 10_000, &[]);
}

#[test]
#[ignore = "takes minutes and gigabytes of disk: ./tests/run --long"]
fn b16_a_node_moves_by_1088_blocks_of_1000_transactions_within_half_a_gigabyte_killed_and_stopped_on_the_way() {
    // A million leave and a million join, in a hundred steps; at once they would be gigabytes in memory.
    moves_far(1_088, 1_000, &[End::Kill, End::Stop, End::Kill]);
}

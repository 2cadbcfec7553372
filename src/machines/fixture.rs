//! What the tests of the machines share: people with keys, a network of the easiest blocks, and branches of it.
//!
//! Blocks are real: solved, signed, and checked by the same rules as anywhere.

use std::sync::Arc;

use ledger::memory::MemoryChain;
use ledger::{
    Address, Amount, Block, CheckedBlock, CheckedTransaction, Header, Network, NetworkSpec, OpeningBalance, SecretKey,
    Tip, Transaction, Transfer, check, difficulty, merkle, pow,
};

use crate::{Now, PeerId};

/// When the tests take place, unix milliseconds: an hour after genesis.
pub const START: u64 = 1_700_003_600_000;

/// `mono` milliseconds after the start of the test.
pub fn at(mono: u64) -> Now {
    Now { mono, unix: START + mono }
}

/// The peer with number `n`.
pub fn peer(n: u8) -> PeerId {
    PeerId([n; 32])
}

/// The key of person `n`, 1 … 254.
pub fn key(n: u8) -> SecretKey {
    SecretKey::from_bytes([n; 32]).unwrap()
}

/// The address of person `n`.
pub fn address(n: u8) -> Address {
    key(n).address()
}

/// `n` whole Barrel.
pub fn barrels(n: u64) -> Amount {
    Amount::barrels(n).unwrap()
}

/// Two tries find a block on average; persons 1 to 4 have 1 000 Barrel each.
pub fn spec() -> NetworkSpec {
    let balances = (1..=4).map(|n| OpeningBalance { address: address(n), amount: barrels(1000) }).collect();
    NetworkSpec { name: "machines".into(), balances, ..NetworkSpec::built_in("regtest").unwrap() }
}

/// The network of [`spec`].
pub fn network() -> Arc<Network> {
    Arc::new(Network::new(spec()).unwrap())
}

/// Person `from` pays drops to person `to`; `ahead` is the nonce after the account's first.
pub fn pay(network: &Network, from: u8, to: u8, drops: u64, fee: u64, ahead: u64) -> Transaction {
    pay_with(network, from, to, drops, fee, ahead, 0)
}

/// The same with `data` bytes of data.
pub fn pay_with(network: &Network, from: u8, to: u8, drops: u64, fee: u64, ahead: u64, data: usize) -> Transaction {
    let (amount, fee, nonce) = (Amount::drops(drops), Amount::drops(fee), network.nonce_base + ahead);
    Transaction::Transfer(Transfer::sign(&key(from), &network.chain, address(to), amount, fee, nonce, vec![7; data]))
}

/// A transaction as the verifier hands it on.
pub fn checked(network: &Network, tx: Transaction) -> Arc<CheckedTransaction> {
    Arc::new(tx.check(network, |_| None).unwrap())
}

/// A block as the verifier hands it on.
pub fn checked_block(network: &Network, block: &Block) -> Arc<CheckedBlock> {
    Arc::new(check::block_alone(block.clone(), network, |_| None).unwrap())
}

/// Headers from genesis on, on which blocks can be made whether the accounts allow them or not.
#[derive(Clone)]
pub struct Branch {
    pub network: Arc<Network>,
    pub headers: Vec<Header>,
    pub blocks: Vec<Block>,
}

impl Branch {
    pub fn new(network: &Arc<Network>) -> Self {
        Self { network: network.clone(), headers: vec![network.genesis.clone()], blocks: Vec::new() }
    }

    /// The branch after `count` empty blocks of person `miner`.
    pub fn grown(network: &Arc<Network>, miner: u8, count: usize) -> Self {
        let mut branch = Self::new(network);
        branch.grow(miner, count);
        branch
    }

    pub fn grow(&mut self, miner: u8, count: usize) {
        for _ in 0..count {
            self.extend(miner, Vec::new());
        }
    }

    /// The next block, 10 ms after the one before.
    pub fn extend(&mut self, miner: u8, transactions: Vec<Transaction>) -> Block {
        let time = self.headers.last().unwrap().time + 10;
        self.extend_at(miner, transactions, time)
    }

    /// The next block with this time in its header.
    pub fn extend_at(&mut self, miner: u8, transactions: Vec<Transaction>, time: u64) -> Block {
        let parent = self.headers.last().unwrap();
        let header = Header {
            version: 1,
            height: parent.height + 1,
            previous: parent.id(),
            root: merkle::root(&transactions.iter().map(Transaction::leaf).collect::<Vec<_>>()),
            time,
            target: difficulty::next_target(&self.network, parent, self.headers.iter().rev().nth(1)),
            miner: key(miner).public(),
            nonce: 0,
        };
        let block = seal(header, transactions, miner);
        self.headers.push(block.header.clone());
        self.blocks.push(block.clone());
        block
    }

    /// The end of the branch as a peer that follows it tells it.
    pub fn tip(&self) -> Tip {
        let header = self.headers.last().unwrap();
        let work = self.headers[1..]
            .iter()
            .fold(ledger::Work::ZERO, |work, header| work.checked_add(header.target.work().unwrap()).unwrap());
        Tip { id: header.id(), height: header.height, work, time: header.time }
    }

    /// A store that follows the branch.
    pub fn store(&self) -> MemoryChain {
        let mut store = MemoryChain::new(self.network.clone());
        for block in &self.blocks {
            store.connect(checked_block(&self.network, block)).unwrap();
        }
        store
    }
}

/// Finds the nonce and signs.
pub fn seal(mut header: Header, transactions: Vec<Transaction>, miner: u8) -> Block {
    header.nonce = pow::Search::new(&header).unwrap().run(0, u64::MAX).unwrap();
    let signature = key(miner).sign(&header.id().signing_digest());
    Block { header, signature, transactions }
}

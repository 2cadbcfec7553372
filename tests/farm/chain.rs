//! A chain of real blocks and signed transfers: whatever waits and is valid is in the next one.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ledger::memory::MemoryChain;
use ledger::{
    Account, AccountSource, Address, Amount, Block, ChainSource, CheckedBlock, CheckedTransaction, CompactTarget,
    Header, Height, Network, NetworkSpec, OpeningBalance, SecretKey, Tip, Transaction, Transfer, difficulty, merkle,
    pow,
};

/// What everybody pays the miner.
pub const FEE: u64 = 10_000;

pub fn key(kind: u8, number: u64) -> SecretKey {
    let mut bytes = [kind; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    SecretKey::from_bytes(bytes).unwrap()
}

pub struct Chain {
    pub network: Arc<Network>,
    store: MemoryChain,
    miner: SecretKey,
    waiting: HashMap<Address, BTreeMap<u64, Arc<CheckedTransaction>>>,
}

impl Chain {
    /// The main network with blocks that are found at once, and a faucet that has a million.
    pub fn new(faucet: Address, genesis_time_ms: u64) -> Self {
        let main = NetworkSpec::built_in("main").unwrap();
        let easy = CompactTarget(0x207f_ffff);
        let balances = vec![OpeningBalance { address: faucet, amount: Amount::barrels(1_000_000).unwrap() }];
        let spec = NetworkSpec {
            name: "farm".into(),
            first_target: easy,
            easiest_target: easy,
            genesis_time_ms,
            balances,
            ..main
        };
        let network = Arc::new(Network::new(spec).unwrap());
        Self { store: MemoryChain::new(network.clone()), miner: key(1, 1), waiting: HashMap::new(), network }
    }

    pub fn tip(&self) -> Tip {
        self.store.tip().unwrap()
    }

    pub fn account(&self, address: &Address) -> Option<Account> {
        self.store.account(address).unwrap()
    }

    pub fn balance(&self, address: &Address) -> u64 {
        self.account(address).map_or(0, |account| account.balance.as_drops())
    }

    pub fn submit(&mut self, transaction: Transaction) {
        let checked = Arc::new(transaction.check(&self.network, |_| None).unwrap());
        self.waiting.entry(checked.sender()).or_default().insert(checked.transaction().nonce(), checked);
    }

    /// Everything that `from` has, less the fee, goes to `to`.
    pub fn send_all(&mut self, from: &SecretKey, to: Address) {
        self.send(from, to, 1, 1);
    }

    /// A part of what `from` has goes to `to`.
    pub fn send(&mut self, from: &SecretKey, to: Address, part: u64, of: u64) {
        let Some(account) = self.account(&from.address()) else { return };
        let drops = (account.balance.as_drops() * part / of).saturating_sub(FEE);
        if drops > 0 {
            let (amount, fee) = (Amount::drops(drops), Amount::drops(FEE));
            let transfer = Transfer::sign(from, &self.network.chain, to, amount, fee, account.nonce, Vec::new());
            self.submit(Transaction::Transfer(transfer));
        }
    }

    /// A block of this time with all that is valid.
    pub fn mine(&mut self, time: u64) -> Arc<CheckedBlock> {
        let transactions = self.take_valid();
        let parent = self.store.header(&self.tip().id).unwrap().unwrap().header;
        let grandparent = self.store.header(&parent.previous).unwrap().map(|stored| stored.header);
        let leaves: Vec<_> = transactions.iter().map(|tx| tx.leaf()).collect();
        let mut header = Header {
            version: 1,
            height: parent.height + 1,
            previous: parent.id(),
            root: merkle::root(&leaves),
            time: time.max(parent.time + 1),
            target: difficulty::next_target(&self.network, &parent, grandparent.as_ref()),
            miner: self.miner.public(),
            nonce: 0,
        };
        header.nonce = pow::Search::new(&header).unwrap().run(0, u64::MAX).unwrap();
        let signature = self.miner.sign(&header.id().signing_digest());
        let transactions = transactions.iter().map(|tx| tx.transaction().clone()).collect();
        // The signatures of what waits were checked when it came.
        let block = CheckedBlock::kept(Block { header, signature, transactions }, &self.network).unwrap();
        let block = Arc::new(block);
        self.store.connect(block.clone()).unwrap();
        block
    }

    /// The block at a height of the chain.
    pub fn block_at(&self, height: Height) -> Block {
        let id = self.store.main_id(height).unwrap().unwrap();
        self.store.block(&id).unwrap().unwrap()
    }

    fn take_valid(&mut self) -> Vec<Arc<CheckedTransaction>> {
        let mut taken = Vec::new();
        let mut senders: Vec<_> = self.waiting.keys().copied().collect();
        senders.sort_unstable();
        for sender in senders {
            let Some(account) = self.account(&sender) else { continue };
            let (mut nonce, mut left) = (account.nonce, account.balance.as_drops());
            let queue = self.waiting.get_mut(&sender).unwrap();
            queue.retain(|used, _| *used >= nonce);
            while let Some(tx) = queue.get(&nonce) {
                let cost = tx.transaction().amount().as_drops() + tx.transaction().fee().as_drops();
                if cost > left || taken.len() as u32 >= self.network.spec.max_block_transactions {
                    break;
                }
                left -= cost;
                taken.push(queue.remove(&nonce).unwrap());
                nonce += 1;
            }
        }
        self.waiting.retain(|_, queue| !queue.is_empty());
        taken
    }
}

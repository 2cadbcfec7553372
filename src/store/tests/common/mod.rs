//! A tree of real blocks in memory, the commits that move a store along it, and what a store must then say.
//!
//! The model knows nothing of tables: it keeps every block with the accounts after it and answers each question by
//! walking the tree.

#![allow(dead_code, reason = "each test program uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "only tests use this")]

pub mod disk;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use ledger::apply::{Changes, Undo, apply};
use ledger::{
    Account, AccountSource, Address, Amount, BarreleyeTransfer, Block, BlockId, ChainSource, CheckedBlock, Commit,
    Connect, Header, Network, NetworkSpec, NewBlock, OpeningBalance, SecretKey, Signature, Tip, Transaction, Transfer,
    ViewError, Work, check, difficulty, merkle, pow,
};
use redb::{Database, ReadableDatabase, TableDefinition};
use store::{DEFAULT_CACHE_BYTES, HistoryEntry, Movement, Snapshot, Store};

/// The key of test person `n`, 1 … 254.
pub fn key(n: u8) -> SecretKey {
    SecretKey::from_bytes([n; 32]).unwrap()
}

/// The address of test person `n`.
pub fn address(n: u8) -> Address {
    key(n).address()
}

/// `n` whole Barrel.
pub fn barrels(n: u64) -> Amount {
    Amount::barrels(n).unwrap()
}

/// Regtest, where persons 1 to 4 have 1 000 Barrel each.
pub fn network(name: &str) -> Arc<Network> {
    let balances = (1..=4).map(|n| OpeningBalance { address: address(n), amount: barrels(1000) }).collect();
    let spec = NetworkSpec { name: name.into(), balances, ..NetworkSpec::built_in("regtest").unwrap() };
    Arc::new(Network::new(spec).unwrap())
}

/// A store in `dir`. Fails if the file needs a repair, which no commit may leave behind.
pub fn open(dir: &Path, network: &Arc<Network>) -> Store {
    Store::open(dir, network.clone(), DEFAULT_CACHE_BYTES, |_| panic!("the file had to be repaired")).unwrap()
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accounts(pub BTreeMap<Address, Account>);

impl AccountSource for Accounts {
    fn account(&self, address: &Address) -> Result<Option<Account>, ViewError> {
        Ok(self.0.get(address).copied())
    }
}

/// A block of the tree; genesis is the first and has none.
pub struct Node {
    pub block: Option<Arc<CheckedBlock>>,
    pub header: Header,
    pub parent: usize,
    pub work: Work,
    pub undo: Undo,
    pub accounts: Accounts,
}

/// A transfer to be made: from, to, amount in drops; every third one is a compatible transfer of whole Barrel.
pub type Payment = (u8, u8, u64);

pub struct Tree {
    pub network: Arc<Network>,
    pub nodes: Vec<Node>,
}

impl Tree {
    pub fn new(network: &Arc<Network>) -> Self {
        let genesis = Node {
            block: None,
            header: network.genesis.clone(),
            parent: 0,
            work: Work::ZERO,
            undo: Undo::default(),
            accounts: Accounts(network.genesis_accounts().collect()),
        };
        Self { network: network.clone(), nodes: vec![genesis] }
    }

    /// Mines a block on `parent`, which pays what the accounts there allow. Gives its number in the tree.
    pub fn mine(&mut self, parent: usize, miner: u8, payments: &[Payment]) -> usize {
        let transactions = self.transfers(parent, payments);
        let (node, before) = (&self.nodes[parent], &self.nodes[self.nodes[parent].parent].header);
        let header = Header {
            version: 1,
            height: node.header.height + 1,
            previous: node.header.id(),
            root: merkle::root(&transactions.iter().map(Transaction::leaf).collect::<Vec<_>>()),
            // The number makes siblings with the same content differ.
            time: node.header.time + 1000 + self.nodes.len() as u64,
            target: difficulty::next_target(&self.network, &node.header, (parent != 0).then_some(before)),
            miner: key(miner).public(),
            nonce: 0,
        };
        let block = seal(header, transactions, &key(miner));
        let block = check::block_alone(block, &self.network, |_| None).unwrap();
        check::header_in_context(block.header(), &node.header, (parent != 0).then_some(before), &self.network).unwrap();
        let (changes, undo) = apply(&node.accounts, &block, &self.network).unwrap();
        let mut accounts = node.accounts.clone();
        for (address, account) in changes {
            match account {
                Some(account) => accounts.0.insert(address, account),
                None => accounts.0.remove(&address),
            };
        }
        let work = node.work.checked_add(block.header().target.work().unwrap()).unwrap();
        let header = block.header().clone();
        self.nodes.push(Node { block: Some(Arc::new(block)), header, parent, work, undo, accounts });
        self.nodes.len() - 1
    }

    fn transfers(&self, parent: usize, payments: &[Payment]) -> Vec<Transaction> {
        let mut accounts = self.nodes[parent].accounts.clone();
        let mut transactions = Vec::new();
        for &(from, to, drops) in payments.iter().filter(|(from, to, _)| from != to) {
            let Some(account) = accounts.0.get_mut(&address(from)) else { continue };
            let whole = drops % 3 == 0;
            let (amount, fee) = if whole { (barrels(1), 0) } else { (Amount::drops(drops), 7) };
            let Some(rest) = account.balance.checked_sub(amount).and_then(|b| b.checked_sub(Amount::drops(fee))) else {
                continue;
            };
            let nonce = account.nonce;
            (account.balance, account.nonce) = (rest, nonce + 1);
            transactions.push(if whole {
                Transaction::Barreleye(barreleye(&key(from), address(to), 1, nonce))
            } else {
                let data = vec![from; (drops % 200) as usize];
                let fee = Amount::drops(fee);
                Transaction::Transfer(Transfer::sign(
                    &key(from),
                    &self.network.chain,
                    address(to),
                    amount,
                    fee,
                    nonce,
                    data,
                ))
            });
        }
        transactions
    }

    pub fn id(&self, node: usize) -> BlockId {
        self.nodes[node].header.id()
    }

    pub fn block(&self, node: usize) -> Block {
        self.nodes[node].block.as_ref().map_or_else(|| self.network.genesis_block(), |block| block.to_block())
    }

    pub fn tip(&self, node: usize) -> Tip {
        let Node { header, work, .. } = &self.nodes[node];
        Tip { id: header.id(), height: header.height, work: *work, time: header.time }
    }

    /// Genesis, …, `node`.
    pub fn path(&self, mut node: usize) -> Vec<usize> {
        let mut path = vec![node];
        while node != 0 {
            node = self.nodes[node].parent;
            path.push(node);
        }
        path.reverse();
        path
    }

    /// What keeps the blocks of `keep` and moves the chain from `from` to `to`.
    pub fn commit(&self, keep: &[usize], from: usize, to: usize) -> Commit {
        let (old, new) = (self.path(from), self.path(to));
        let common = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
        let block = |node: &usize| self.nodes[*node].block.clone().unwrap();
        Commit {
            keep: keep.iter().map(|n| NewBlock { block: block(n), work: self.nodes[*n].work }).collect(),
            disconnect: old[common..].iter().rev().map(|n| self.id(*n)).collect(),
            connect: new[common..]
                .iter()
                .map(|n| Connect { block: block(n), undo: self.nodes[*n].undo.clone() })
                .collect(),
            accounts: difference(&self.nodes[from].accounts, &self.nodes[to].accounts),
            tip: self.tip(to),
        }
    }

    /// Asks `snapshot` everything and compares with the tree, where the chain ends at `tip` and `kept` is stored.
    pub fn must_match(&self, snapshot: &Snapshot, tip: usize, kept: &BTreeSet<usize>) {
        let path = self.path(tip);
        assert_eq!(snapshot.tip().unwrap(), self.tip(tip));
        assert_eq!(snapshot.main_id(path.len() as u64).unwrap(), None, "nothing is above the tip");
        assert_eq!(snapshot.header_at(path.len() as u64).unwrap(), None);
        let accounts = Accounts(snapshot.accounts().unwrap().map(Result::unwrap).collect());
        assert_eq!(accounts, self.nodes[tip].accounts);
        self.blocks_must_match(snapshot, &path, kept);
        self.transactions_must_match(snapshot, &path, kept);
        for n in 1..=8 {
            self.history_must_match(snapshot, &path, &address(n));
        }
        self.sync_must_match(snapshot, &path);
    }

    fn blocks_must_match(&self, snapshot: &Snapshot, path: &[usize], kept: &BTreeSet<usize>) {
        for &node in kept {
            let (id, block) = (self.id(node), self.block(node));
            let on_chain = path.contains(&node);
            let stored = snapshot.header(&id).unwrap().expect("every block that was kept is known");
            assert_eq!((&stored.header, stored.signature), (&block.header, block.signature));
            assert_eq!((stored.work, stored.transactions as usize), (self.nodes[node].work, block.transactions.len()));
            assert_eq!(snapshot.raw_block(&id).unwrap(), Some(postcard::to_stdvec(&block).unwrap()));
            assert_eq!(snapshot.block(&id).unwrap(), Some(block.clone()));
            assert_eq!(snapshot.is_on_chain(&id).unwrap(), on_chain);
            let undo = (on_chain && node != 0).then(|| self.nodes[node].undo.clone());
            assert_eq!(snapshot.undo(&id).unwrap(), undo);
            let ids: Vec<_> = block.transactions.iter().map(|tx| tx.id(&self.network.chain)).collect();
            assert_eq!(snapshot.transaction_ids(&id).unwrap(), ids);
        }
        for (height, &node) in (0..).zip(path) {
            assert_eq!(snapshot.main_id(height).unwrap(), Some(self.id(node)));
            assert_eq!(snapshot.header_at(height).unwrap().unwrap().header, self.nodes[node].header);
        }
    }

    fn transactions_must_match(&self, snapshot: &Snapshot, path: &[usize], kept: &BTreeSet<usize>) {
        let mut on_chain = Vec::new();
        for &node in path {
            for (index, transaction) in (0..).zip(self.block(node).transactions) {
                let (block, Header { height, time, .. }) = (self.id(node), self.nodes[node].header.clone());
                let number = on_chain.len() as u64;
                on_chain.push(store::Located { transaction, height, index, number, block, time });
            }
        }
        assert_eq!(snapshot.transaction_count().unwrap(), on_chain.len() as u64);
        for located in &on_chain {
            let id = located.transaction.id(&self.network.chain);
            assert_eq!(snapshot.transaction(&id).unwrap().as_ref(), Some(located));
            assert_eq!(snapshot.transaction_by_number(located.number).unwrap().as_ref(), Some(located));
        }
        assert_eq!(snapshot.transaction_by_number(on_chain.len() as u64).unwrap(), None);
        let on_chain_ids: BTreeSet<_> = on_chain.iter().map(|l| l.transaction.id(&self.network.chain)).collect();
        for tx in kept.iter().flat_map(|node| self.block(*node).transactions) {
            let id = tx.id(&self.network.chain);
            assert_eq!(snapshot.transaction(&id).unwrap().is_some(), on_chain_ids.contains(&id));
        }
        for (skip, limit) in [(0, usize::MAX), (0, 3), (1, 1), (2, 5), (7, 4), (on_chain.len(), 2), (0, 0)] {
            let expected: Vec<_> = on_chain.iter().rev().skip(skip).take(limit).cloned().collect();
            let before = on_chain.len().saturating_sub(skip) as u64;
            assert_eq!(snapshot.transactions_below(before, limit).unwrap(), expected, "{skip} {limit}");
        }
    }

    fn history_must_match(&self, snapshot: &Snapshot, path: &[usize], who: &Address) {
        let mut expected = Vec::new();
        for &node in path.iter().filter(|node| **node != 0) {
            let checked = self.nodes[node].block.clone().unwrap();
            let (block, height, time) = (checked.id(), checked.header().height, checked.header().time);
            let entry = |index, movement| HistoryEntry { at: store::Cursor { height, index }, block, time, movement };
            for (index, tx) in (0..).zip(checked.transactions()) {
                if tx.sender() == *who {
                    expected.push(entry(index, Movement::Sent(tx.transaction().clone())));
                }
                if tx.to() == *who {
                    expected.push(entry(index, Movement::Received(tx.transaction().clone())));
                }
            }
            if checked.header().miner.address().unwrap() == *who {
                let amount = self.network.spec.reward.checked_add(checked.fees().unwrap()).unwrap();
                expected.push(entry(u32::MAX, Movement::Mined { amount }));
            }
        }
        expected.reverse();
        assert_eq!(snapshot.history(who, None, usize::MAX).unwrap(), expected);
        let (mut paged, mut cursor) = (Vec::new(), None);
        loop {
            let page = snapshot.history(who, cursor, 3).unwrap();
            let Some(last) = page.last() else { break };
            cursor = Some(last.at);
            paged.extend(page);
        }
        assert_eq!(paged, expected, "pages give the same as one long list");
    }

    fn sync_must_match(&self, snapshot: &Snapshot, path: &[usize]) {
        let headers: Vec<_> = path.iter().map(|node| self.nodes[*node].header.clone()).collect();
        let named = |headers: &[Header]| headers.iter().map(|header| (header.id(), header.clone())).collect::<Vec<_>>();
        let listed = |page: Vec<(BlockId, ledger::StoredHeader)>| {
            page.into_iter().map(|(id, stored)| (id, stored.header)).collect::<Vec<_>>()
        };
        let newest_first: Vec<_> = headers.iter().rev().cloned().collect();
        let (tip, count) = (headers.len() as u64 - 1, headers.len());
        assert_eq!(listed(snapshot.headers_below(tip, 4).unwrap()), named(&newest_first[1..count.min(5)]));
        assert_eq!(listed(snapshot.headers_below(u64::MAX, 1).unwrap()), named(&newest_first[..1]));
        assert_eq!(listed(snapshot.headers_below(0, 4).unwrap()), []);
        assert_eq!(listed(snapshot.headers_from(0, 2).unwrap()), named(&headers[..count.min(2)]));
        assert_eq!(listed(snapshot.headers_from(tip, 2).unwrap()), named(&headers[count - 1..]));
        assert_eq!(listed(snapshot.headers_from(tip + 1, 2).unwrap()), []);
        assert_eq!(snapshot.headers_after(&[], usize::MAX).unwrap(), headers[1..]);
        assert_eq!(snapshot.headers_after(&[BlockId::ZERO], 2).unwrap(), headers[1..headers.len().min(3)]);
        let middle = headers.len() / 2;
        let locator = [BlockId::ZERO, headers[middle].id(), self.network.chain];
        assert_eq!(snapshot.headers_after(&locator, usize::MAX).unwrap(), headers[middle + 1..]);
    }
}

/// What changes accounts from `before` to `after`.
fn difference(before: &Accounts, after: &Accounts) -> Changes {
    let touched = before.0.keys().chain(after.0.keys()).filter(|a| before.0.get(a) != after.0.get(a));
    let mut changes: Changes = touched.map(|address| (*address, after.0.get(address).copied())).collect();
    // An account that came and went on the way is named too.
    changes.entry(Address([0x77; 20])).or_insert(None);
    changes
}

fn barreleye(key: &SecretKey, to: Address, value: u64, nonce: u64) -> BarreleyeTransfer {
    let (signer, from) = (key.public(), key.address());
    let unsigned = BarreleyeTransfer { nonce, from, to, value, data: 0xab, signer, signature: Signature::ZERO };
    BarreleyeTransfer { signature: key.sign(&unsigned.signing_digest()), ..unsigned }
}

fn seal(mut header: Header, transactions: Vec<Transaction>, miner: &SecretKey) -> Block {
    header.nonce = pow::Search::new(&header).unwrap().run(0, u64::MAX).unwrap();
    let signature = miner.sign(&header.id().signing_digest());
    Block { header, signature, transactions }
}

/// Every row of every table of a closed store, as bytes.
pub type Dump = BTreeMap<&'static str, Vec<(Vec<u8>, Vec<u8>)>>;

/// Reads the file without the crate under test.
pub fn dump(dir: &Path) -> Dump {
    let db = Database::open(dir.join(store::FILE)).unwrap();
    let tx = db.begin_read().unwrap();
    let mut dump = Dump::new();
    macro_rules! table {
        ($name:literal, $key:ty, $value:ty, $bytes:expr) => {
            let table = tx.open_table(TableDefinition::<$key, $value>::new($name)).unwrap();
            let rows = table.range_owned::<$key>(..).unwrap().map(|row| {
                let (key, value) = row.unwrap();
                (AsRef::<[u8]>::as_ref(key.value()).to_vec(), $bytes(value.value()))
            });
            dump.insert($name, rows.collect());
        };
    }
    table!("meta", &str, &[u8], <[u8]>::to_vec);
    table!("headers", &[u8; 12], &[u8; 257], |row: &[u8; 257]| row.to_vec());
    table!("bodies", &[u8; 12], &[u8], <[u8]>::to_vec);
    table!("block_ids", &[u8; 20], (), |()| Vec::new());
    table!("main", &[u8; 8], &[u8; 16], |row: &[u8; 16]| row.to_vec());
    table!("undo", &[u8; 12], &[u8], <[u8]>::to_vec);
    table!("tx_ids", &[u8; 24], (), |()| Vec::new());
    table!("history", &[u8; 24], (), |()| Vec::new());
    table!("accounts", &[u8; 20], &[u8; 20], |row: &[u8; 20]| row.to_vec());
    table!("peers", &[u8; 32], &[u8], <[u8]>::to_vec);
    table!("faucet", &[u8], &[u8], <[u8]>::to_vec);
    let named: BTreeSet<_> = dump.keys().map(|name| name.to_string()).collect();
    let there: BTreeSet<_> =
        tx.list_tables().unwrap().map(|table| redb::TableHandle::name(&table).to_string()).collect();
    assert_eq!(named, there, "every table is compared");
    dump
}

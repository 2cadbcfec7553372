//! A chain in memory that takes blocks by all rules, and the means to make blocks that it takes.
//!
//! What it does is what a node does, without a store: check a block by itself, in context, and apply it.

#![allow(dead_code, reason = "each test program uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "only tests use this")]

use std::collections::BTreeMap;

use ledger::apply::{Changes, Undo, apply, revert};
use ledger::{
    Account, AccountSource, Address, Amount, BarreleyeTransfer, Block, CheckedBlock, Header, Network, NetworkSpec,
    OpeningBalance, SecretKey, Signature, Transaction, Transfer, ViewError, check, difficulty, merkle, pow,
};

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

/// The numbers of regtest, where persons 1 to 4 have 1 000 Barrel each.
pub fn spec() -> NetworkSpec {
    let balances = (1..=4).map(|n| OpeningBalance { address: address(n), amount: barrels(1000) }).collect();
    NetworkSpec { name: "rules".into(), balances, ..NetworkSpec::built_in("regtest").unwrap() }
}

/// The network of [`spec`].
pub fn network() -> Network {
    Network::new(spec()).unwrap()
}

/// All accounts of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accounts(pub BTreeMap<Address, Account>);

impl AccountSource for Accounts {
    fn account(&self, address: &Address) -> Result<Option<Account>, ViewError> {
        Ok(self.0.get(address).copied())
    }
}

impl Accounts {
    /// Takes what a block, or its undo, changed.
    pub fn take(&mut self, changes: Changes) {
        for (address, account) in changes {
            match account {
                Some(account) => self.0.insert(address, account),
                None => self.0.remove(&address),
            };
        }
    }

    /// The sum of all balances in drops.
    pub fn total(&self) -> u128 {
        self.0.values().map(|account| u128::from(account.balance.as_drops())).sum()
    }
}

/// A chain in memory.
pub struct Chain {
    pub network: Network,
    pub accounts: Accounts,
    pub headers: Vec<Header>,
    pub undos: Vec<Undo>,
}

impl Chain {
    pub fn new(network: Network) -> Self {
        let accounts = Accounts(network.genesis_accounts().collect());
        Self { headers: vec![network.genesis.clone()], undos: Vec::new(), accounts, network }
    }

    pub fn tip(&self) -> &Header {
        self.headers.last().unwrap()
    }

    pub fn height(&self) -> u64 {
        self.tip().height
    }

    pub fn balance(&self, n: u8) -> Amount {
        self.accounts.0.get(&address(n)).map_or(Amount::ZERO, |account| account.balance)
    }

    /// The nonce that the next transaction of person `n` needs.
    pub fn nonce(&self, n: u8) -> u64 {
        self.accounts.0.get(&address(n)).map_or(self.network.nonce_base, |account| account.nonce)
    }

    /// A transfer of person `n` without data, `ahead` after its next nonce.
    pub fn pay(&self, n: u8, to: Address, amount: Amount, fee: Amount, ahead: u64) -> Transaction {
        self.pay_with(n, to, amount, fee, ahead, Vec::new())
    }

    /// A transfer of person `n` with data.
    pub fn pay_with(&self, n: u8, to: Address, amount: Amount, fee: Amount, ahead: u64, data: Vec<u8>) -> Transaction {
        let nonce = self.nonce(n) + ahead;
        Transaction::Transfer(Transfer::sign(&key(n), &self.network.chain, to, amount, fee, nonce, data))
    }

    /// A compatible transfer of person `n`, `ahead` after its next nonce.
    pub fn pay_barreleye(&self, n: u8, to: Address, value: u64, ahead: u64) -> Transaction {
        Transaction::Barreleye(barreleye(&key(n), address(n), to, value, self.nonce(n) + ahead))
    }

    /// The header of the next block of miner `n`, not mined.
    pub fn header(&self, n: u8, transactions: &[Transaction]) -> Header {
        let (parent, before) = (self.tip(), self.headers.iter().rev().nth(1));
        Header {
            version: 1,
            height: parent.height + 1,
            previous: parent.id(),
            root: merkle::root(&transactions.iter().map(Transaction::leaf).collect::<Vec<_>>()),
            time: parent.time + 1000,
            target: difficulty::next_target(&self.network, parent, before),
            miner: key(n).public(),
            nonce: 0,
        }
    }

    /// The next block of miner `n`.
    pub fn block(&self, n: u8, transactions: Vec<Transaction>) -> Block {
        seal(self.header(n, &transactions), transactions, &key(n))
    }

    /// The block if it is valid by itself.
    pub fn alone(&self, block: Block) -> Result<CheckedBlock, ledger::BlockError> {
        check::block_alone(block, &self.network, |_| None)
    }

    /// Takes a block by all rules that need no clock, or says why not and changes nothing.
    pub fn accept(&mut self, block: Block) -> Result<(), String> {
        let block = self.alone(block).map_err(|error| error.to_string())?;
        let before = self.headers.iter().rev().nth(1);
        check::header_in_context(block.header(), self.tip(), before, &self.network).map_err(|e| e.to_string())?;
        let (changes, undo) = apply(&self.accounts, &block, &self.network).map_err(|error| error.to_string())?;
        self.accounts.take(changes);
        self.undos.push(undo);
        self.headers.push(block.header().clone());
        Ok(())
    }

    /// Mines and takes the next block of miner `n`.
    pub fn extend(&mut self, n: u8, transactions: Vec<Transaction>) -> Result<(), String> {
        self.accept(self.block(n, transactions))
    }

    /// Takes the tip back.
    pub fn disconnect(&mut self) {
        self.headers.pop().unwrap();
        self.accounts.take(revert(&self.undos.pop().unwrap()));
    }
}

/// A compatible transfer with data `ab`, signed by `key` whether it owns `from` or not.
pub fn barreleye(key: &SecretKey, from: Address, to: Address, value: u64, nonce: u64) -> BarreleyeTransfer {
    let signer = key.public();
    let unsigned = BarreleyeTransfer { nonce, from, to, value, data: 0xab, signer, signature: Signature::ZERO };
    BarreleyeTransfer { signature: key.sign(&unsigned.signing_digest()), ..unsigned }
}

/// Finds the nonce of `header` and signs the block.
pub fn seal(mut header: Header, transactions: Vec<Transaction>, miner: &SecretKey) -> Block {
    header.nonce = pow::Search::new(&header).unwrap().run(0, u64::MAX).unwrap();
    let signature = miner.sign(&header.id().signing_digest());
    Block { header, signature, transactions }
}

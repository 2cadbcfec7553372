//! Makes a data directory with a long valid chain, much faster than any network would.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ledger::apply::Overlay;
use ledger::pow::Search;
use ledger::{
    Address, Amount, Block, CheckedBlock, Commit, CompactTarget, Connect, Header, Hints, Network, NetworkSpec,
    NewBlock, OpeningBalance, SecretKey, Tip, Transaction, Transfer, difficulty, merkle,
};
use store::{DEFAULT_CACHE_BYTES, Store};

/// Accounts that pay one another.
const ACCOUNTS: usize = 500;
/// Blocks of one commit.
const BATCH: usize = 50;

/// A data directory with a chain.
pub struct Made {
    pub dir: PathBuf,
    pub network_file: PathBuf,
    pub height: u64,
    pub transactions: u64,
}

/// Makes `blocks` blocks with `transfers` native transfers each.
pub fn make(dir: &Path, blocks: u64, transfers: usize) -> Result<Made, Box<dyn Error>> {
    fs::create_dir_all(dir)?;
    let keys = keys()?;
    let network = Arc::new(Network::new(spec(&keys))?);
    let network_file = dir.join("network.toml");
    fs::write(&network_file, network.spec.to_toml()?)?;
    let mut store = Store::open(dir, network.clone(), DEFAULT_CACHE_BYTES, |_| {})?;
    let mut maker =
        Maker { keys, nonces: BTreeMap::new(), parent: network.genesis.clone(), grandparent: None, network };
    let mut tip = maker.network.genesis_tip();
    while tip.height < blocks {
        let reader = store.reader();
        let snapshot = reader.snapshot()?;
        let mut overlay = Overlay::new(&snapshot);
        let (mut keep, mut connect) = (Vec::new(), Vec::new());
        for _ in 0..BATCH.min((blocks - tip.height) as usize) {
            let block = Arc::new(maker.next(transfers)?);
            let undo = overlay.apply(&block, &maker.network)?;
            let work = tip.work.checked_add(block.header().target.work()?).ok_or("too much work")?;
            tip = Tip { id: block.id(), height: block.header().height, work, time: block.header().time };
            keep.push(NewBlock { block: block.clone(), work });
            connect.push(Connect { block, undo });
        }
        let accounts = overlay.into_changes();
        drop(snapshot);
        store.commit(&Commit { keep, disconnect: Vec::new(), connect, accounts, tip })?;
    }
    Ok(Made { dir: dir.into(), network_file, height: blocks, transactions: blocks * transfers as u64 })
}

/// The keys of accounts with coins.
pub fn keys() -> Result<Vec<SecretKey>, ledger::KeyError> {
    (0..ACCOUNTS).map(|i| key(i as u64 + 1)).collect()
}

/// Blocks that take no work worth measuring, in a network that pays no attention to the clock.
pub fn spec(keys: &[SecretKey]) -> NetworkSpec {
    let balance = |key: &SecretKey| OpeningBalance { address: key.address(), amount: Amount::drops(1 << 50) };
    NetworkSpec {
        name: "bench".into(),
        genesis_time_ms: 1_700_000_000_000,
        first_target: CompactTarget(0x207f_ffff),
        easiest_target: CompactTarget(0x207f_ffff),
        spacing_ms: 1_000,
        response_ms: 60_000,
        reward: Amount::BARREL,
        max_block_bytes: 2_000_000,
        max_block_transactions: 10_000,
        max_barreleye_bytes: 200_000,
        miners: Vec::new(),
        balances: keys.iter().map(balance).collect(),
        hints: Hints { rendezvous: "bench".into(), peers_to_mine: 1, mint_only: true, ..Hints::default() },
    }
}

fn key(number: u64) -> Result<SecretKey, ledger::KeyError> {
    let mut bytes = [0; 32];
    bytes[24..].copy_from_slice(&number.to_be_bytes());
    SecretKey::from_bytes(bytes)
}

struct Maker {
    keys: Vec<SecretKey>,
    nonces: BTreeMap<Address, u64>,
    parent: Header,
    grandparent: Option<Header>,
    network: Arc<Network>,
}

impl Maker {
    fn next(&mut self, transfers: usize) -> Result<CheckedBlock, Box<dyn Error>> {
        let transactions: Vec<_> = (0..transfers).map(|i| self.transfer(i)).collect();
        let leaves: Vec<_> = transactions.iter().map(Transaction::leaf).collect();
        let mut header = Header {
            version: 1,
            height: self.parent.height + 1,
            previous: self.parent.id(),
            root: merkle::root(&leaves),
            time: self.parent.time + self.network.spec.spacing_ms,
            target: difficulty::next_target(&self.network, &self.parent, self.grandparent.as_ref()),
            miner: self.keys[0].public(),
            nonce: 0,
        };
        header.nonce = Search::new(&header)?.run(0, 1 << 20).ok_or("no nonce")?;
        let signature = self.keys[0].sign(&header.id().signing_digest());
        self.grandparent = Some(std::mem::replace(&mut self.parent, header.clone()));
        // Signed a moment ago: the signatures are known to be good.
        Ok(CheckedBlock::kept(Block { header, signature, transactions }, &self.network)?)
    }

    fn transfer(&mut self, i: usize) -> Transaction {
        let (from, to) = (&self.keys[i % self.keys.len()], &self.keys[(i + 1) % self.keys.len()]);
        let nonce = self.nonces.entry(from.address()).or_insert(self.network.nonce_base);
        let amount = Amount::drops(1 + i as u64);
        let fee = Amount::drops(10);
        let transfer = Transfer::sign(from, &self.network.chain, to.address(), amount, fee, *nonce, Vec::new());
        *nonce += 1;
        Transaction::Transfer(transfer)
    }
}

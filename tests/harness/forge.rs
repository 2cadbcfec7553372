//! Makes a chain without waiting for it: real work and real signatures, but times in the past.

use std::fs;
use std::sync::Arc;

use ledger::memory::MemoryChain;
use ledger::pow::Search;
use ledger::{
    Block, ChainSource, Commit, Connect, Header, NewBlock, Tip, Transaction, apply, check, difficulty, merkle,
};
use store::Store;

use super::net::Net;
use super::node::Node;
use super::wallet::Wallet;

/// Memory for writing.
const CACHE: usize = 64 << 20;
/// The database in a data directory.
const DATABASE: &str = "chain.redb";

/// Wallets that trade in a made chain: each pays a drop in each block, or several.
pub const TRADERS: std::ops::Range<u64> = 10..19;

/// A chain that was made.
pub struct History {
    /// Its blocks after genesis.
    pub blocks: Vec<Block>,
    /// Its end.
    pub tip: Tip,
}

/// Puts `blocks` blocks into the empty data directory of a node, one spacing apart, mined by a stranger.
pub fn history(net: &Net, node: &Node, blocks: u64) -> History {
    busy_history(net, node, blocks, 1)
}

/// The same with so many payments of each trader in each block.
pub fn busy_history(net: &Net, node: &Node, blocks: u64, payments: u64) -> History {
    fs::create_dir_all(node.dir()).expect("the directory can be made");
    let network = net.network.clone();
    let miner = net.stranger(1_000);
    let mut chain = MemoryChain::new(network.clone());
    let mut store = Store::open(&node.dir(), network.clone(), CACHE, |_| {}).expect("a new store");
    let (mut parent, mut grandparent) = (network.genesis.clone(), None);
    let (mut keep, mut connect, mut accounts) = (Vec::new(), Vec::new(), apply::Changes::new());
    let mut made = Vec::new();
    let to = net.stranger(1_001).address();
    for number in 0..blocks {
        let pay = |(wallet, sequence)| Transaction::Transfer(net.wallet(wallet).pay(&network, to, 1, sequence));
        let sequences = number * payments..(number + 1) * payments;
        let transfers = TRADERS.flat_map(|wallet| sequences.clone().map(move |sequence| (wallet, sequence))).map(pay);
        let block = next(net, &miner, &parent, grandparent.as_ref(), transfers.collect());
        made.push(block.clone());
        let block = check::block_alone(block, &network, |_| None).expect("it is a good block");
        let block = Arc::new(block);
        let (changes, undo) = apply::apply(&chain, &block, &network).expect("it can be applied");
        chain.connect(block.clone()).expect("it follows");
        let work = chain.tip().expect("it is in memory").work;
        keep.push(NewBlock { block: block.clone(), work });
        connect.push(Connect { block: block.clone(), undo });
        accounts.extend(changes);
        grandparent = Some(std::mem::replace(&mut parent, block.header().clone()));
    }
    let tip = chain.tip().expect("it is in memory");
    store.commit(&Commit { keep, disconnect: Vec::new(), connect, accounts, tip }).expect("the store takes it");
    History { blocks: made, tip }
}

/// Gives `to` the chain of `from`; neither runs.
pub fn copy(from: &Node, to: &Node) {
    fs::create_dir_all(to.dir()).expect("the directory can be made");
    fs::copy(from.dir().join(DATABASE), to.dir().join(DATABASE)).expect("a database is a file");
}

/// A block after `parent`.
fn next(
    net: &Net,
    miner: &Wallet,
    parent: &Header,
    grandparent: Option<&Header>,
    transactions: Vec<Transaction>,
) -> Block {
    let leaves: Vec<_> = transactions.iter().map(Transaction::leaf).collect();
    let mut header = Header {
        version: 1,
        height: parent.height + 1,
        previous: parent.id(),
        root: merkle::root(&leaves),
        time: parent.time + net.network.spec.spacing_ms,
        target: difficulty::next_target(&net.network, parent, grandparent),
        miner: miner.key.public(),
        nonce: 0,
    };
    let search = Search::new(&header).expect("the target is one");
    header.nonce = search.run(0, u64::MAX).expect("some nonce meets it");
    Block { transactions, ..sign(miner, header) }
}

/// An empty block of this header as its miner signs it.
pub fn sign(miner: &Wallet, header: Header) -> Block {
    let signature = miner.key.sign(&header.id().signing_digest());
    Block { header, signature, transactions: Vec::new() }
}

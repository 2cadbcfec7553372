//! Blocks for tests: the next one on whatever a store holds.

use std::sync::Arc;

use ledger::apply::apply;
use ledger::{
    Address, Block, ChainSource, Commit, Connect, Header, Network, NewBlock, SecretKey, Tip, Transaction, check,
    difficulty, merkle, pow,
};
use store::Snapshot;

/// The key of test person `n`.
pub fn key(n: u8) -> SecretKey {
    SecretKey::from_bytes([n; 32]).unwrap()
}

/// The address of test person `n`.
pub fn address(n: u8) -> Address {
    key(n).address()
}

/// The commit that adds a block with these transactions, mined by person 9.
pub fn next_commit(snapshot: &Snapshot, network: &Network, transactions: Vec<Transaction>) -> Commit {
    let tip = snapshot.tip().unwrap();
    let parent = snapshot.header(&tip.id).unwrap().unwrap().header;
    let before = snapshot.header(&parent.previous).unwrap().map(|stored| stored.header);
    let mut header = Header {
        version: 1,
        height: tip.height + 1,
        previous: tip.id,
        root: merkle::root(&transactions.iter().map(Transaction::leaf).collect::<Vec<_>>()),
        time: parent.time + 1000,
        target: difficulty::next_target(network, &parent, before.as_ref()),
        miner: key(9).public(),
        nonce: 0,
    };
    header.nonce = pow::Search::new(&header).unwrap().run(0, u64::MAX).unwrap();
    let signature = key(9).sign(&header.id().signing_digest());
    let block = check::block_alone(Block { header, signature, transactions }, network, |_| None).unwrap();
    let (accounts, undo) = apply(snapshot, &block, network).unwrap();
    let (header, block) = (block.header().clone(), Arc::new(block));
    let work = tip.work.checked_add(header.target.work().unwrap()).unwrap();
    let tip = Tip { id: block.id(), height: header.height, work, time: header.time };
    let keep = vec![NewBlock { block: block.clone(), work }];
    Commit { keep, disconnect: vec![], connect: vec![Connect { block, undo }], accounts, tip }
}

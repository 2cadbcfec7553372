//! A node that stops in the middle of something long.

use std::sync::Arc;

use ledger::apply::{Changes, Overlay};
use ledger::{
    Block, ChainSource, CheckedBlock, Commit, Connect, Header, Network, NewBlock, SecretKey, Tip, difficulty, merkle,
    pow,
};
use machines::chain::{Event, Source};
use store::Store;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use crate::mailbox_tests::node::{Node, PATIENCE, run, stranger};
use crate::{ActorReport, Chain, ChainPorts, Inspect, Mail, Stop, Verifier};

/// So many that the way from one branch to the other goes in several steps.
const BLOCKS: u64 = 250;

/// Empty blocks on genesis.
fn branch(network: &Network, miner: u8, count: u64) -> Vec<NewBlock> {
    let key = SecretKey::from_bytes([miner; 32]).unwrap();
    let (mut parent, mut grandparent, mut work) = (network.genesis.clone(), None, network.genesis_tip().work);
    let next = |_| {
        let mut header = Header {
            version: 1,
            height: parent.height + 1,
            previous: parent.id(),
            root: merkle::root(&[]),
            time: parent.time + network.spec.spacing_ms,
            target: difficulty::next_target(network, &parent, grandparent.as_ref()),
            miner: key.public(),
            nonce: 0,
        };
        header.nonce = pow::Search::new(&header).unwrap().run(0, u64::MAX).unwrap();
        let signature = key.sign(&header.id().signing_digest());
        work = work.checked_add(header.target.work().unwrap()).unwrap();
        grandparent = Some(std::mem::replace(&mut parent, header.clone()));
        let block = Block { header, signature, transactions: Vec::new() };
        NewBlock { block: Arc::new(CheckedBlock::kept(block, network).unwrap()), work }
    };
    (0..count).map(next).collect()
}

fn tip(end: &NewBlock) -> Tip {
    let header = end.block.header();
    Tip { id: end.block.id(), height: header.height, work: end.work, time: header.time }
}

/// Keeps both branches, of which the first is the chain.
fn keep(store: &mut Store, network: &Network, chain: &[NewBlock], beside: &[NewBlock]) {
    let snapshot = store.reader().snapshot().unwrap();
    let mut overlay = Overlay::new(&snapshot);
    let joins =
        |new: &NewBlock| Connect { block: new.block.clone(), undo: overlay.apply(&new.block, network).unwrap() };
    let connect = chain.iter().map(joins).collect();
    let accounts: Changes = overlay.into_changes();
    drop(snapshot);
    let (keep, tip) = ([chain, beside].concat(), tip(&chain[chain.len() - 1]));
    store.commit(&Commit { keep, disconnect: Vec::new(), connect, accounts, tip }).unwrap();
}

#[test]
fn b16_a_node_that_stops_leaves_a_far_move_where_it_is_and_ends_at_once() {
    for stops in [true, false] {
        run(async {
            let (mut node, _task) = Node::new();
            let network = node.network.clone();
            let (old, new) = (branch(&network, 1, BLOCKS), branch(&network, 2, BLOCKS + 1));
            let (head, beside) = new.split_last().unwrap();
            keep(&mut node.store, &network, &old, beside);
            let (old, new) = (tip(&old[old.len() - 1]), tip(head));

            let (verifier, _threads) = Verifier::start(network.clone(), &node.vital).unwrap();
            let (_told, stopping) = watch::channel(stops);
            let ports = ChainPorts {
                own: node.chain.port(),
                syncer: node.syncer.port(),
                miner: node.miner.port(),
                faucet: node.faucet.port(),
                discovery: node.discovery.port(),
                net: node.net.clone(),
                peers: node.peers.clone(),
                verifier,
                tip: watch::channel(old).0,
                pool: watch::channel(Arc::default()).0,
                unkept: watch::channel(None).0,
                stopping,
            };
            let (offer, inspect, stop) = (node.chain.port(), node.chain.port(), node.chain.port());
            let (inbox, reader) = (node.chain.inbox, node.store.reader());
            let (machine, meter) = (machines::chain::Chain::new(network, old), inbox.meter());
            inbox.run(Chain::new(machine, node.store, ports, node.clock, meter, node.vital));

            let results = vec![Ok(head.block.clone())];
            offer.tell(Mail(Event::BlocksChecked { results, source: Source::Sync(stranger()) }));
            let (reply, answer) = oneshot::channel();
            inspect.tell(Inspect { reply });
            let report: ActorReport = timeout(PATIENCE, answer).await.unwrap().unwrap();
            let there = if stops { old } else { new };
            let settled = serde_json::json!({ "Settled": { "tip": there } });
            assert_eq!(report.state, settled, "nothing is half done");
            assert_eq!(reader.snapshot().unwrap().tip().unwrap(), there, "told to stop: {stops}");
            let (gone, wait) = oneshot::channel();
            stop.tell(Stop { gone });
            assert!(timeout(PATIENCE, wait).await.is_ok(), "it hears its stop");
        });
    }
}

//! What becomes of mail that meets a full mailbox: the table of ARCHITECTURE.md, row by row.
//!
//! A full mailbox is a real one whose actor does not run; whoever posts to it is the real actor. What it asks of the
//! network task waits in that task's queue, or reaches a real peer on loopback.

pub mod node;

use std::time::Duration;

use ledger::Address;
use machines::chain::Template;
use machines::discovery::Params;
use machines::faucet::Form;
use machines::syncer::Ask;
use machines::{Now, miner, syncer};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};
use wire::{Command, Gossip, GossipId, Keypair, NetConfig, NetEvent, Request, RequestError, Response};

use self::node::*;
use crate::delivery::Delivery;
use crate::translate::{self, Purpose};
use crate::{ClaimFailure, Clock, Discovery, DiscoveryPorts, Inspect, MintError, SubmitError, Tick, Unavailable};

/// What else would happen takes ten seconds.
const SOON: Duration = Duration::from_secs(5);

#[test]
fn gossip_that_a_full_chain_cannot_take_is_ignored_so_that_it_comes_again() {
    for (chain, ignored) in [(Slots::full(), 1), (Slots::empty(), 0)] {
        run(async {
            let (mut node, _task) = Node::new();
            node.chain = chain;
            let peer = node.run_peer();
            let from = translate::wire_peer(stranger()).unwrap();
            let (id, gossip) = (GossipId::from_parts([1; 32], from), Gossip::Transactions(Vec::new()));
            drop(peer.deliver.post(Delivery::Gossip { id, gossip }));
            let meter = node.chain.meter();
            let arrived = || dropped(&meter, "Gossiped") == ignored && meter.queued() > 0;
            until("the chain is told, or has no room", || {}, arrived).await;
            // The first order is to greet the peer.
            assert_eq!(node.orders() as u64, 1 + ignored, "the network hears that it may offer it again");
        });
    }
}

#[test]
fn a_client_of_a_full_chain_or_a_full_faucet_and_an_operator_hear_that_the_node_is_busy() {
    run(async {
        let (mut node, _task) = Node::new();
        (node.chain, node.faucet, node.miner, node.discovery) =
            (Slots::full(), Slots::full(), Slots::full(), Slots::full());
        let handle = node.handle();
        let counts = || ["Submit", "MakeTemplate"].map(|name| dropped(&node.chain.meter(), name));
        let before = counts();
        let submitted = handle.submit(transfer(&node.network)).await;
        assert_eq!(submitted, Err(SubmitError::Unavailable(Unavailable::Busy)));
        assert_eq!(handle.mint(1).await, Err(MintError::Unavailable(Unavailable::Busy)));
        assert_eq!(counts(), before.map(|count| count + 1), "each is counted");
        let claimed = handle.claim(Address::ZERO, HERE, Form::Compatible).await.map(|paid| paid.claim);
        assert_eq!(claimed, Err(ClaimFailure::Unavailable(Unavailable::Busy)));
        assert!(matches!(handle.faucet(HERE, None).await, Err(Unavailable::Busy)));
        assert!(matches!(handle.pause_miner(true).await, Err(Unavailable::Busy)));
        assert_eq!(handle.ban(stranger(), true), Err(Unavailable::Busy));
    });
}

#[test]
fn a_sync_whose_blocks_a_full_chain_cannot_take_says_so_and_asks_again() {
    run(async {
        let (mut node, _task) = Node::new();
        node.chain = Slots::full();
        let (block, tip) = first_block(&node.network);
        let (meter, tell, tick) = node.run_syncer();
        tell(syncer::Event::Status { peer: stranger(), tip });
        tell(syncer::Event::Headers { ask: Ask(0), headers: vec![block.header.clone()] });
        tell(syncer::Event::Blocks { ask: Ask(1), blocks: vec![block] });
        until("it says so", || {}, || meter.last_error().is_some_and(|why| why.contains("chain's mailbox"))).await;
        assert_eq!((dropped(&node.chain.meter(), "Blocks"), node.orders()), (1, 2));
        let began = Instant::now();
        until("it asks again", || tick.tell(Tick {}), || node.orders() == 3).await;
        assert!(began.elapsed() < SOON, "before it would ask for the peer's tip");
    });
}

#[test]
fn a_found_block_that_a_full_chain_cannot_take_is_counted_as_an_error() {
    run(async {
        let (mut node, _task) = Node::new();
        node.chain = Slots::full();
        let (block, _) = first_block(&node.network);
        let (meter, tell) = node.run_miner();
        tell(miner::Event::Template(Template { header: block.header, transactions: Vec::new() }));
        until("the loss is told", || {}, || meter.last_error().is_some_and(|why| why.contains("block is lost"))).await;
        assert_eq!(dropped(&node.chain.meter(), "Mined"), 1);
    });
}

#[test]
fn an_answer_that_a_full_syncer_cannot_take_is_lost_and_counted() {
    run(async {
        let (mut node, _task) = Node::new();
        node.syncer = Slots::full();
        let (peer, meter) = (node.run_peer(), node.syncer.meter());
        let result = Ok(Response::Headers(Vec::new()));
        drop(peer.deliver.post(Delivery::Response { purpose: Purpose::Sync(0), result }));
        until("it is counted", || {}, || dropped(&meter, "Headers") == 1).await;
    });
}

#[test]
fn that_this_node_is_behind_is_told_again_until_a_full_miner_has_heard_it() {
    run(async {
        let (mut node, _task) = Node::new();
        node.miner = Slots::full();
        let (_, tip) = first_block(&node.network);
        let (_, tell, tick) = node.run_syncer();
        tell(syncer::Event::Status { peer: stranger(), tip });
        let meter = node.miner.meter();
        until("the miner has no room for it", || {}, || dropped(&meter, "Syncing") >= 1).await;
        let _told = node.run_miner();
        let began = Instant::now();
        until("the miner hears it", || tick.tell(Tick {}), || handled(&meter, "Syncing") >= 1).await;
        assert!(began.elapsed() < SOON, "before a sync without an answer would end by itself");
    });
}

#[test]
fn who_is_connected_is_looked_up_when_discovery_was_too_full_to_hear_it() {
    run(async {
        let (mut node, _task) = Node::new();
        node.clock = Clock::running_for(Duration::from_secs(10));
        let inbox = std::mem::replace(&mut node.discovery, Slots::full()).inbox;
        // The news is lost; the directory knows.
        let from = wire::PeerId::from(Keypair::generate_ed25519().public());
        let address = "/ip4/127.0.0.1/tcp/4100".parse().unwrap();
        node.router().on(NetEvent::Connected { peer: from, address, outbound: false });
        assert_eq!(dropped(&node.discovery.meter(), "Connected"), 1);
        let me = translate::peer_id(&node.net.local_peer()).unwrap();
        let (wanted, max_inbound, stale_after_ms, forget_after_ms) = (8, 24, 60_000, 60_000);
        let params = Params { me, fixed: Vec::new(), wanted, max_inbound, stale_after_ms, forget_after_ms };
        let machine = machines::discovery::Discovery::new(params, Vec::new(), Now { mono: 0, ..node.clock.now() });
        let ports = DiscoveryPorts {
            miner: node.miner.port(),
            write: node.chain.port(),
            net: node.net.clone(),
            peers: node.peers.clone(),
            ready: watch::channel(0).0,
        };
        let (tick, inspect, meter) = (inbox.port(), inbox.port(), inbox.meter());
        inbox.run(Discovery::new(machine, ports, node.clock, meter, node.vital.clone()));
        tick.tell(Tick {});
        let (reply, report) = oneshot::channel();
        inspect.tell(Inspect { reply });
        assert_eq!(report.await.unwrap().figures["inbound"], 1);
    });
}

#[test]
fn what_a_full_peer_cannot_take_is_ignored_if_it_is_gossip_and_failed_if_it_is_an_answer() {
    run(async {
        let (node, _task) = Node::new();
        let from = translate::wire_peer(stranger()).unwrap();
        node.peers.insert(stranger(), entry(&Slots::full()));
        let mut router = node.router();
        let (id, gossip) = (GossipId::from_parts([1; 32], from), Gossip::Transactions(Vec::new()));
        router.on(NetEvent::Gossip { peer: from, id, gossip });
        assert_eq!(node.orders(), 1, "the verdict");
        let (ticket, result) = (Purpose::Sync(0).ticket(), Ok(Response::Headers(Vec::new())));
        router.on(NetEvent::Response { peer: from, ticket, result });
        assert_eq!(node.syncer.meter().queued(), 1, "the syncer hears that there is no answer");
    });
}

/// How long a peer on loopback waits for addresses until it hears that it gets none, when this node's discovery or the
/// actor of that very peer is full.
async fn refused_after(discovery: bool) -> Duration {
    let (mut node, task) = Node::new();
    if discovery {
        node.discovery = Slots::full();
    }
    let (mut router, directory, network) = (node.router(), node.peers.clone(), node.network.clone());
    let (heard, mut here) = mpsc::unbounded_channel();
    actix::spawn(task.run(move |event| {
        match &event {
            NetEvent::Listening(address) => drop(heard.send(address.clone())),
            NetEvent::Request { peer, request: Request::Addresses, .. } if !discovery => {
                directory.insert(translate::peer_id(peer).unwrap(), entry(&Slots::full()));
            }
            _ => {}
        }
        router.on(event);
    }));
    let address = here.recv().await.unwrap();
    let (task, asker) = wire::net(NetConfig { listen: Vec::new(), ..config(&network) }).unwrap();
    let (heard, mut there) = mpsc::unbounded_channel();
    actix::spawn(task.run(move |event| drop(heard.send(event))));
    let id = node.net.local_peer();
    asker.try_send(Command::Dial { peer: Some(id), addresses: vec![address] }).unwrap();
    let mut asked = Instant::now();
    loop {
        match there.recv().await.unwrap() {
            NetEvent::Connected { peer, .. } => {
                let request = Request::Status(status(&network));
                asker.try_send(Command::Request { peer, ticket: 1, request }).unwrap();
            }
            NetEvent::Response { peer, ticket: 1, result } => {
                assert!(matches!(result, Ok(Response::Status(_))), "{result:?}");
                asked = Instant::now();
                // The first of them takes the last slot.
                for ticket in [2, 3] {
                    asker.try_send(Command::Request { peer, ticket, request: Request::Addresses }).unwrap();
                }
            }
            NetEvent::Response { ticket: 3, result, .. } => {
                assert_eq!(result, Err(RequestError::NoAnswer));
                return asked.elapsed();
            }
            _ => {}
        }
    }
}

#[test]
fn a_peer_that_asks_a_full_discovery_or_a_full_peer_hears_at_once_that_there_is_no_answer() {
    for discovery in [true, false] {
        run(async {
            let took = timeout(PATIENCE, refused_after(discovery)).await.unwrap();
            assert!(took < SOON, "before its own deadline: {took:?}");
        });
    }
}

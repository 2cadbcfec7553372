//! Strangers who attack the connection itself: before, during and after its handshake.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, SwarmBuilder, noise, ping, tcp, yamux};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::harness::{Node, config, pair, pair_of};
use super::inside::Inside;
use super::raw;
use crate::limits::*;
use crate::{Command, Deadlines, NetConfig, NetEvent, Request, Response};

/// A node that gives up on handshakes soon.
fn impatient() -> NetConfig {
    NetConfig { deadlines: Deadlines { connect: Duration::from_millis(500), ..Deadlines::default() }, ..config() }
}

/// Until the other side closes the connection.
async fn until_closed(stream: &mut TcpStream) {
    let mut bytes = [0; 4096];
    let closed = async { while stream.read(&mut bytes).await.is_ok_and(|count| count > 0) {} };
    timeout(CONNECT_DEADLINE, closed).await.expect("the connection is closed within its deadline");
}

/// Twenty questions of an honest peer, each answered within two seconds.
async fn serves(asker: &mut Node, server: &mut Node) {
    for ticket in 0..20 {
        let start = Instant::now();
        asker.ask(server.id, ticket, Request::Addresses);
        let responder = server.until(|event| match event {
            NetEvent::Request { responder, .. } => Some(responder),
            _ => None,
        });
        let responder = responder.await;
        server.tell(Command::Respond { responder, response: Response::Addresses(vec![]) });
        assert_eq!(asker.until_response().await, (ticket, Ok(Response::Addresses(vec![]))));
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    }
}

/// Counts what this thread logs above debug.
#[derive(Clone, Default)]
struct Loud(Arc<AtomicUsize>);

impl Subscriber for Loud {
    fn enabled(&self, metadata: &Metadata) -> bool {
        *metadata.level() < Level::DEBUG
    }

    fn new_span(&self, _: &Attributes) -> Id {
        Id::from_u64(1)
    }

    fn event(&self, _: &Event) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn record(&self, _: &Id, _: &Record) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn w01_a_megabyte_of_garbage_before_the_handshake_ends_that_connection_alone_and_is_not_logged() {
    let (mut good, mut node) = pair().await;
    let loud = Loud::default();
    let _listening = tracing::subscriber::set_default(loud.clone());
    let mut stream = raw::connect(&node.address).await;
    let mut seed = 1_u64;
    let garbage: Vec<u8> = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 56) as u8
    })
    .take(1 << 20)
    .collect();
    // The other side may close before it has read everything.
    let _ = stream.write_all(&garbage).await;
    let start = Instant::now();
    until_closed(&mut stream).await;
    assert!(start.elapsed() < CONNECT_DEADLINE / 2, "it is noticed, not only given up");
    serves(&mut good, &mut node).await;
    assert_eq!(loud.0.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn p03_who_connects_and_says_nothing_is_disconnected_and_so_is_who_stops_in_the_handshake() {
    let node = Node::with(impatient()).await;
    let mut silent = raw::connect(&node.address).await;
    until_closed(&mut silent).await;
    let mut half = raw::connect(&node.address).await;
    half.write_all(b"\x13/multistream/1.0.0\n").await.unwrap();
    until_closed(&mut half).await;
    assert_eq!(Deadlines::default().connect, Duration::from_secs(10));
}

#[tokio::test]
async fn p02_of_two_hundred_half_open_handshakes_sixteen_wait_and_others_are_served_meanwhile() {
    let deadlines = Deadlines { connect: Duration::from_secs(3), ..Deadlines::default() };
    let (mut good, mut node) = pair_of(config(), NetConfig { deadlines, ..config() }).await;
    let mut half_open = Vec::new();
    for _ in 0..200 {
        half_open.push(raw::connect(&node.address).await);
    }
    // A closed one reads its end, one that waits reads nothing.
    let start = Instant::now();
    while half_open.len() > MAX_PENDING_CONNECTIONS as usize {
        let waits = |stream: &mut TcpStream| {
            stream.try_read(&mut [0; 64]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
        };
        half_open.retain_mut(waits);
        tokio::task::yield_now().await;
        assert!(start.elapsed() < Duration::from_secs(2), "{} handshakes wait", half_open.len());
    }
    serves(&mut good, &mut node).await;
    for stream in &mut half_open {
        until_closed(stream).await;
    }
    let mut late = Node::start().await;
    late.dial(&node);
    late.until_connected(node.id).await;
}

#[tokio::test]
async fn p04_of_five_hundred_connections_that_come_and_go_nothing_is_left() {
    let mut node = Inside::start(config()).await;
    let address = node.full_address();
    let visitors = async {
        for _ in 0..500 {
            visit(address.clone()).await;
        }
    };
    node.during(visitors).await;
    node.until(|driver| driver.peers.is_empty()).await;
    let port = raw::socket(&node.address).port();
    node.until(|_| open_sockets(port) == 0).await;
    let came = std::iter::from_fn(|| node.events.try_recv().ok());
    assert_eq!(came.filter(|event| matches!(event, NetEvent::Connected { .. })).count(), 500);
    let driver = &mut node.driver;
    assert!(driver.requests.is_empty() && driver.serving.is_empty() && driver.unjudged.is_empty());
    assert!(driver.dials.is_empty());
    assert_eq!(driver.swarm.network_info().num_peers(), 0);
    assert_eq!(driver.swarm.behaviour().gossip.all_peers().count(), 0);
}

/// A peer that connects, waits until the node has answered something, and leaves.
async fn visit(address: Multiaddr) {
    let mut swarm = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_behaviour(|_| ping::Behaviour::new(ping::Config::new().with_interval(Duration::from_millis(1))))
        .unwrap()
        .with_swarm_config(|swarm| swarm.with_idle_connection_timeout(Duration::from_secs(60)))
        .build();
    swarm.dial(address).unwrap();
    while !matches!(swarm.select_next_some().await, SwarmEvent::Behaviour(ping::Event { result: Ok(_), .. })) {}
}

/// Sockets of a listening port that are neither the listener nor past their end, as the system counts them.
fn open_sockets(port: u16) -> usize {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    // Columns: number, local, remote, state; 0A listens, 06 waits for stray packets.
    rows.filter(|row| row[1].ends_with(&format!(":{port:04X}")) && row[3] != "0A" && row[3] != "06").count()
}

#[tokio::test]
async fn p14_a_first_frame_of_yamux_beyond_its_window_ends_that_connection_alone() {
    // Yamux answers with GOAWAY and leaves the connection to its deadline: nothing else is spoken on it.
    let deadlines = Deadlines { identify: Duration::from_millis(500), ..Deadlines::default() };
    let (mut good, mut node) = pair_of(config(), NetConfig { deadlines, ..config() }).await;
    // Version, data, SYN, stream 1, and more than the 262 144 bytes that a new stream may send.
    let header = [&[0, 0, 0, 1, 0, 0, 0, 1], &262_145_u32.to_be_bytes()[..]].concat();
    let frames = [header, vec![0; 262_145]].concat();
    let attack = raw::yamux_frames(node.address.clone(), frames);
    timeout(Duration::from_secs(10), attack).await.expect("the connection is closed");
    // The same as an update of a window: credit that overflows.
    let credit = [&[0, 1, 0, 1, 0, 0, 0, 1], &u32::MAX.to_be_bytes()[..]].concat();
    let attack = raw::yamux_frames(node.address.clone(), credit);
    timeout(Duration::from_secs(10), attack).await.expect("the connection is closed");
    serves(&mut good, &mut node).await;
}

#[tokio::test]
async fn p26_a_connection_through_which_nothing_comes_any_more_is_closed_by_its_pings() {
    let deadlines =
        Deadlines { ping_pause: Duration::from_millis(100), ping: Duration::from_millis(400), ..Deadlines::default() };
    let (mut a, b) = (Node::with(NetConfig { deadlines, ..config() }).await, Node::start().await);
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let through = format!("/ip4/127.0.0.1/tcp/{}", proxy.local_addr().unwrap().port()).parse().unwrap();
    a.tell(Command::Dial { peer: Some(b.id), addresses: vec![through] });
    let (mut near, _) = proxy.accept().await.unwrap();
    let mut far = raw::connect(&b.address).await;
    let works = a.until(|event| match event {
        NetEvent::Pinged { peer, rtt } => Some((peer, rtt)),
        _ => None,
    });
    let (peer, rtt) = tokio::select! {
        pinged = works => pinged,
        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => panic!("the proxy ended"),
    };
    assert!(peer == b.id && rtt < Duration::from_millis(400));
    // From here on the sockets are open and nothing is carried.
    let start = Instant::now();
    let gone = a.until(|event| match event {
        NetEvent::Disconnected { peer, cause } => Some((peer, cause)),
        _ => None,
    });
    assert_eq!(gone.await, (b.id, "pings were not answered".into()));
    assert!(start.elapsed() < Duration::from_secs(25), "{:?}", start.elapsed());
    drop((near, far));
    let usual = Deadlines::default();
    assert!(2 * (usual.ping_pause + usual.ping) <= Duration::from_secs(60));
}

#[tokio::test]
async fn p05_nobody_at_a_refused_address_is_let_in_or_dialled_until_it_is_accepted_again() {
    let (mut a, mut b) = pair().await;
    let ip = raw::socket(&a.address).ip();
    b.tell(Command::BlockAddress(ip));
    let gone = b.until(|event| match event {
        NetEvent::Disconnected { peer, cause } => Some((peer, cause)),
        _ => None,
    });
    assert_eq!(gone.await, (a.id, "its address is blocked by this node".into()));
    a.until(|event| matches!(event, NetEvent::Disconnected { .. }).then_some(())).await;
    a.dial(&b);
    a.until(|event| matches!(event, NetEvent::DialFailed { .. } | NetEvent::Disconnected { .. }).then_some(())).await;
    b.dial(&a);
    let refused = b.until(|event| match event {
        NetEvent::DialFailed { error, .. } => Some(error),
        NetEvent::Connected { .. } => panic!("somebody came in"),
        _ => None,
    });
    assert_eq!(refused.await.to_string(), "not dialled: the address 127.0.0.1 is refused");
    b.tell(Command::UnblockAddress(ip));
    b.dial(&a);
    b.until_connected(a.id).await;
}

#[tokio::test]
async fn p05_who_is_blocked_when_the_list_is_full_is_disconnected_all_the_same() {
    let (a, mut b) = pair().await;
    let mut left = MAX_BLOCKED;
    while left > 0 {
        match b.handle.try_send(Command::Block(libp2p::PeerId::random())) {
            Ok(()) => left -= 1,
            Err(_) => tokio::task::yield_now().await,
        }
    }
    while b.handle.try_send(Command::Block(a.id)).is_err() {
        tokio::task::yield_now().await;
    }
    b.until(|event| matches!(event, NetEvent::Disconnected { peer, .. } if peer == a.id).then_some(())).await;
}

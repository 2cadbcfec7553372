//! Dialling, being dialled, and parting.

use std::time::Duration;

use libp2p::PeerId;
use tokio::time::Instant;

use super::harness::{Node, config, pair};
use super::strangers::stranger_that_tells;
use crate::{Command, DialFailure, Keypair, NetConfig, NetEvent, Request, RequestError, WireError, net};

async fn dial_failure(node: &mut Node) -> DialFailure {
    node.until(|event| match event {
        NetEvent::DialFailed { error, .. } => Some(error),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn both_sides_learn_who_connected_and_what_the_other_is() {
    let (mut a, mut b) = (Node::start().await, Node::start().await);
    a.tell(Command::Dial { peer: None, addresses: vec![b.full_address()] });
    let NetEvent::Connected { peer, address, outbound } = a.next().await else { panic!() };
    assert_eq!((peer, address, outbound), (b.id, b.address.clone(), true));
    let NetEvent::Connected { peer, outbound, .. } = b.next().await else { panic!() };
    assert_eq!((peer, outbound), (a.id, false));
    let identified = b.until(|event| match event {
        NetEvent::Identified { peer, addresses, agent, same_network } => Some((peer, addresses, agent, same_network)),
        _ => None,
    });
    let agent = format!("barreleye/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(identified.await, (a.id, vec![a.address.clone()], agent, true));
    b.tell(Command::Disconnect(a.id));
    let gone = |event| match event {
        NetEvent::Disconnected { peer, cause } => Some((peer, cause)),
        _ => None,
    };
    assert_eq!(b.until(gone).await, (a.id, "disconnected by this node".into()));
    assert_eq!(a.until(gone).await.0, b.id);
}

#[tokio::test]
async fn an_address_without_a_peer_id_is_dialled_and_tells_who_is_there() {
    let (mut a, b) = (Node::start().await, Node::start().await);
    a.tell(Command::Dial { peer: None, addresses: vec![b.address.clone()] });
    a.until_connected(b.id).await;
}

#[tokio::test]
async fn w12_dialling_oneself_is_detected_however_it_is_done() {
    let mut a = Node::start().await;
    let address = vec![a.address.clone()];
    // A stranger says that it lives where this node does, and leaves.
    let (stranger, swarm) = stranger_that_tells(&mut a, &address).await;
    let known = |event| match event {
        NetEvent::RoutingUpdated { peers } => Some(peers),
        _ => None,
    };
    assert_eq!(a.until(known).await, 1);
    drop(swarm);
    a.until(|event| matches!(event, NetEvent::Disconnected { .. }).then_some(())).await;
    for peer in [None, Some(a.id), Some(stranger)] {
        a.tell(Command::Dial { peer, addresses: address.clone() });
        assert_eq!(dial_failure(&mut a).await, DialFailure::Ourselves, "{peer:?}");
    }
    // Another way to the same place, which only the handshake can tell: all of 127.0.0.0/8 is this machine.
    let mut everywhere =
        Node::with(NetConfig { listen: vec!["/ip4/0.0.0.0/tcp/0".parse().unwrap()], ..config() }).await;
    let Some(crate::Protocol::Tcp(port)) = everywhere.address.iter().nth(1) else { panic!() };
    let addresses: Vec<crate::Multiaddr> = vec![format!("/ip4/127.0.0.77/tcp/{port}").parse().unwrap()];
    let (other, swarm) = stranger_that_tells(&mut everywhere, &addresses).await;
    assert_eq!(everywhere.until(known).await, 1);
    drop(swarm);
    everywhere.until(|event| matches!(event, NetEvent::Disconnected { .. }).then_some(())).await;
    for peer in [None, Some(other)] {
        everywhere.tell(Command::Dial { peer, addresses: addresses.clone() });
        assert_eq!(dial_failure(&mut everywhere).await, DialFailure::Ourselves, "{peer:?}");
    }
    // The address is forgotten: the tables are empty before the next peer is added.
    for node in [&mut a, &mut everywhere] {
        let _next = stranger_that_tells(node, &["/ip4/127.0.0.1/tcp/9".parse().unwrap()]).await;
        assert_eq!(node.until(known).await, 1);
    }
}

#[tokio::test]
async fn each_failed_dial_says_why() {
    let (mut a, b) = (Node::start().await, Node::start().await);
    let other = Keypair::generate_ed25519().public().to_peer_id();
    a.tell(Command::Dial { peer: Some(other), addresses: vec![b.address.clone()] });
    assert_eq!(dial_failure(&mut a).await, DialFailure::WrongPeer(b.id));
    a.tell(Command::Dial { peer: Some(PeerId::random()), addresses: vec![b.address.clone()] });
    assert!(matches!(dial_failure(&mut a).await, DialFailure::Refused(_)), "not an ed25519 peer");
    a.tell(Command::Dial { peer: Some(b.id), addresses: vec![] });
    assert!(matches!(dial_failure(&mut a).await, DialFailure::Unreachable(_)));
    a.tell(Command::Dial { peer: Some(b.id), addresses: vec!["/ip4/127.0.0.1/tcp/1".parse().unwrap()] });
    let DialFailure::Unreachable(reason) = dial_failure(&mut a).await else { panic!() };
    assert!(reason.contains("/tcp/1") && reason.to_lowercase().contains("refused"), "{reason}");
    a.dial(&b);
    a.until_connected(b.id).await;
    a.dial(&b);
    assert_eq!(dial_failure(&mut a).await, DialFailure::AlreadyConnected);
}

#[tokio::test]
async fn w13_of_two_nodes_that_dial_one_another_at_once_each_sees_one_peer_and_keeps_it() {
    for _ in 0..5 {
        let (mut a, mut b) = (Node::start().await, Node::start().await);
        a.dial(&b);
        b.dial(&a);
        a.until_connected(b.id).await;
        b.until_connected(a.id).await;
        // Ask until well after the second connection is closed: every request is answered, and nobody is ever told of
        // a disconnection or a second connection.
        let end = Instant::now() + crate::limits::TWIN_GRACE + Duration::from_millis(500);
        let mut ticket = 0;
        while Instant::now() < end {
            ticket += 1;
            a.ask(b.id, ticket, Request::Addresses);
            // A request may come twice: its first connection is closed under it, and it is asked again on the other.
            let answer = loop {
                tokio::select! {
                    event = b.next() => no_change(&event),
                    event = a.next() => match event {
                        NetEvent::Response { ticket, result, .. } => break (ticket, result),
                        other => no_change(&other),
                    },
                }
            };
            assert_eq!(answer, (ticket, Err(RequestError::NoAnswer)));
        }
        assert_eq!(connections_between(&a, &b), 1);
    }
}

/// Dropping a request's event answers it: with nothing.
fn no_change(event: &NetEvent) {
    assert!(!matches!(event, NetEvent::Disconnected { .. } | NetEvent::Connected { .. }), "{event:?}");
}

/// TCP connections between two nodes, as the system counts them.
fn connections_between(a: &Node, b: &Node) -> usize {
    let port = |node: &Node| match node.address.iter().nth(1) {
        Some(crate::Protocol::Tcp(port)) => format!(":{port:04X}"),
        _ => panic!(),
    };
    let (a, b) = (port(a), port(b));
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    // Columns: number, local, remote, state; 01 is established. Dials may leave from the listening port or another.
    let established = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).filter(|c| c[3] == "01");
    established
        .filter(|c| c[1].ends_with(&a) || c[1].ends_with(&b))
        .map(|c| endpoints(c[1], c[2]))
        .collect::<std::collections::HashSet<_>>()
        .len()
}

fn endpoints(one: &str, other: &str) -> [String; 2] {
    let mut both = [one.to_string(), other.to_string()];
    both.sort();
    both
}

#[tokio::test]
async fn a_blocked_peer_is_disconnected_and_comes_back_only_when_it_is_unblocked() {
    let (mut a, mut b) = pair().await;
    b.tell(Command::Block(a.id));
    a.until(|event| matches!(event, NetEvent::Disconnected { .. }).then_some(())).await;
    b.until(|event| matches!(event, NetEvent::Disconnected { .. }).then_some(())).await;
    b.dial(&a);
    assert!(matches!(dial_failure(&mut b).await, DialFailure::Refused(_)));
    b.tell(Command::Unblock(a.id));
    b.dial(&a);
    b.until_connected(a.id).await;
}

#[tokio::test]
async fn p01_inbound_connections_beyond_the_limit_are_refused_and_outbound_ones_are_not() {
    let mut full = Node::with(NetConfig { max_inbound: 1, ..config() }).await;
    let (first, mut second) = (Node::start().await, Node::start().await);
    first.dial(&full);
    full.until_identified(first.id).await;
    second.dial(&full);
    let refused = second.until(|event| match event {
        NetEvent::DialFailed { .. } | NetEvent::Disconnected { .. } => Some(()),
        _ => None,
    });
    refused.await;
    full.dial(&second);
    full.until_connected(second.id).await;
    first.ask(full.id, 1, Request::Addresses);
    full.until(|event| matches!(event, NetEvent::Request { .. }).then_some(())).await;
}

#[tokio::test]
async fn stopping_closes_everything_within_three_seconds_also_when_the_queue_is_full() {
    let (mut a, b) = pair().await;
    while b.handle.try_send(Command::Unblock(a.id)).is_ok() {}
    let start = Instant::now();
    b.tell(Command::Stop);
    b.task.await.unwrap().unwrap();
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    a.until(|event| matches!(event, NetEvent::Disconnected { peer, .. } if peer == b.id).then_some(())).await;
    assert_eq!(b.handle.try_send(Command::Lookup), Err(crate::Busy::Stopped));
}

#[tokio::test]
async fn the_task_ends_when_nobody_can_tell_it_anything_any_more() {
    let Node { handle, task, .. } = Node::start().await;
    drop(handle);
    task.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error_that_names_it() {
    let a = Node::start().await;
    let (task, _handle) = net(NetConfig { listen: vec![a.address.clone()], ..config() }).unwrap();
    let run = tokio::time::timeout(Duration::from_secs(10), task.run(|_| ()));
    let error = run.await.expect("two nodes do not share a port").unwrap_err();
    assert!(matches!(&error, WireError::Listen { address, .. } if *address == a.address));
    assert!(error.to_string().starts_with(&format!("cannot listen on {}", a.address)), "{error}");
}

#[tokio::test]
async fn a_setting_that_cannot_work_is_refused_before_anything_starts() {
    let long = NetConfig { agent: "a".repeat(129), ..config() };
    assert_eq!(net(long).err().unwrap().to_string(), "the agent has more than 128 bytes; shorten it");
    let nameless = NetConfig { rendezvous: String::new(), ..config() };
    assert!(matches!(net(nameless), Err(WireError::Config(_))));
}

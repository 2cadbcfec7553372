//! Finding one another through a node that both know.

use std::time::Duration;

use libp2p::PeerId;

use super::harness::{Node, config};
use crate::{Command, NetEvent};

/// Does what a node's discovery does: announces, joins through the bootstrap node, looks up until the other is found.
struct Seeker {
    node: Node,
    bootstrap: Option<(PeerId, libp2p::Multiaddr)>,
}

impl Seeker {
    async fn start(config: crate::NetConfig, bootstrap: Option<(PeerId, libp2p::Multiaddr)>) -> Self {
        let node = Node::with(config).await;
        node.tell(Command::Announce);
        let seeker = Self { node, bootstrap };
        seeker.join();
        seeker
    }

    fn join(&self) {
        if let Some((peer, address)) = self.bootstrap.clone() {
            self.node.tell(Command::Dial { peer: Some(peer), addresses: vec![address] });
        }
    }

    async fn until_found(&mut self, wanted: PeerId, wanted_address: &libp2p::Multiaddr) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        let mut again = tokio::time::interval(Duration::from_millis(200));
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(deadline) => panic!("{} never found {wanted}", self.node.id),
                _ = again.tick() => self.node.tell(Command::Lookup),
                event = self.node.next() => match event {
                    NetEvent::Providers { found, .. } => {
                        if let Some((_, addresses)) = found.into_iter().find(|(peer, _)| *peer == wanted) {
                            assert!(addresses.contains(wanted_address), "{addresses:?} lacks {wanted_address}");
                            return;
                        }
                    }
                    NetEvent::DialFailed { peer, .. } if peer == self.bootstrap.as_ref().map(|b| b.0) => self.join(),
                    _ => {}
                },
            }
        }
    }
}

/// An address that a node will have, and that nothing has yet.
fn reserved() -> libp2p::Multiaddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("/ip4/127.0.0.1/tcp/{}", listener.local_addr().unwrap().port()).parse().unwrap()
}

#[tokio::test]
async fn p16_c_knows_only_a_and_finds_b_and_b_finds_c_in_every_start_order() {
    for order in ["abc", "acb", "bac", "bca", "cab", "cba"] {
        let config_of = |address: &libp2p::Multiaddr| crate::NetConfig { listen: vec![address.clone()], ..config() };
        let addresses = [reserved(), reserved(), reserved()];
        let configs = addresses.each_ref().map(config_of);
        let [a, b, c] = configs.each_ref().map(|config| config.identity.public().to_peer_id());
        let (mut seek_b, mut seek_c, mut bootstrap) = (None, None, None);
        let via_a = Some((a, addresses[0].clone()));
        for name in order.chars() {
            match name {
                'a' => bootstrap = Some(Seeker::start(configs[0].clone(), None).await),
                'b' => seek_b = Some(Seeker::start(configs[1].clone(), via_a.clone()).await),
                _ => seek_c = Some(Seeker::start(configs[2].clone(), via_a.clone()).await),
            }
        }
        let (mut seek_b, mut seek_c) = (seek_b.unwrap(), seek_c.unwrap());
        let found = async {
            tokio::join!(seek_c.until_found(b, &addresses[1]), seek_b.until_found(c, &addresses[2]));
        };
        found.await;
        drop(bootstrap);
    }
}

#[tokio::test]
async fn a_lookup_without_any_peer_ends_empty() {
    let mut a = Node::start().await;
    a.tell(Command::Lookup);
    let NetEvent::Providers { found, done: true } = a.next().await else { panic!() };
    assert_eq!(found, vec![]);
}

#[tokio::test]
async fn what_the_first_node_announced_alone_is_announced_again_to_the_first_peer_it_meets() {
    let mut a = Node::start().await;
    a.tell(Command::Announce);
    let mut b = Node::start().await;
    b.dial(&a);
    b.until_identified(a.id).await;
    let address = a.address.clone();
    let mut seeker = Seeker { node: b, bootstrap: None };
    seeker.until_found(a.id, &address).await;
    a.until(|event| matches!(event, NetEvent::RoutingUpdated { peers: 1 }).then_some(())).await;
}

//! Nodes for tests: each runs its network task, its events arrive in order, commands go to its handle.

use std::time::Duration;

use ledger::{BlockId, ChainId};
use libp2p::{Multiaddr, PeerId};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::{Command, Keypair, NetConfig, NetEvent, NetHandle, Request, RequestError, Response, WireError, net};

/// No test takes longer; most take milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

pub const CHAIN: ChainId = BlockId([0xab; 32]);

pub struct Node {
    pub id: PeerId,
    pub handle: NetHandle,
    pub events: UnboundedReceiver<NetEvent>,
    pub task: JoinHandle<Result<(), WireError>>,
    pub address: Multiaddr,
}

pub fn config() -> NetConfig {
    NetConfig {
        listen: vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()],
        private_addresses_ok: true,
        ..NetConfig::new(Keypair::generate_ed25519(), CHAIN)
    }
}

impl Node {
    pub async fn start() -> Self {
        Self::with(config()).await
    }

    /// Starts a node and waits until it listens.
    pub async fn with(config: NetConfig) -> Self {
        let (task, handle) = net(config).unwrap();
        let (sender, events) = unbounded_channel();
        let id = handle.local_peer();
        let task = tokio::spawn(task.run(move |event| drop(sender.send(event))));
        let mut node = Self { id, handle, events, task, address: Multiaddr::empty() };
        node.address = node
            .until(|event| match event {
                NetEvent::Listening(address) => Some(address),
                _ => None,
            })
            .await;
        node
    }

    /// The address with the node's id.
    pub fn full_address(&self) -> Multiaddr {
        self.address.clone().with_p2p(self.id).unwrap()
    }

    pub fn tell(&self, command: Command) {
        self.handle.try_send(command).unwrap();
    }

    pub async fn next(&mut self) -> NetEvent {
        timeout_at(Instant::now() + PATIENCE, self.events.recv())
            .await
            .expect("an event in time")
            .expect("the task runs")
    }

    /// The first event that `wanted` makes something of; others are dropped.
    pub async fn until<T>(&mut self, mut wanted: impl FnMut(NetEvent) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = Vec::new();
        loop {
            match timeout_at(deadline, self.events.recv()).await {
                Ok(Some(event)) => {
                    seen.push(format!("{event:.200?}"));
                    if let Some(found) = wanted(event) {
                        return found;
                    }
                }
                Ok(None) => panic!("the task ended; seen: {seen:#?}"),
                Err(_) => panic!("{} waited in vain; seen: {seen:#?}", self.id),
            }
        }
    }

    pub fn dial(&self, other: &Self) {
        self.tell(Command::Dial { peer: Some(other.id), addresses: vec![other.address.clone()] });
    }

    pub async fn until_connected(&mut self, other: PeerId) {
        self.until(|event| matches!(event, NetEvent::Connected { peer, .. } if peer == other).then_some(())).await;
    }

    pub async fn until_identified(&mut self, other: PeerId) {
        let wanted = |event| match event {
            NetEvent::Identified { peer, same_network: true, .. } if peer == other => Some(()),
            _ => None,
        };
        self.until(wanted).await;
    }

    pub fn ask(&self, peer: PeerId, ticket: u64, request: Request) {
        self.tell(Command::Request { peer, ticket, request });
    }

    pub async fn until_response(&mut self) -> (u64, Result<Response, RequestError>) {
        self.until(|event| match event {
            NetEvent::Response { ticket, result, .. } => Some((ticket, result)),
            _ => None,
        })
        .await
    }
}

/// Two connected nodes that know they are of one network; the first has dialled.
pub async fn pair() -> (Node, Node) {
    pair_of(config(), config()).await
}

pub async fn pair_of(a: NetConfig, b: NetConfig) -> (Node, Node) {
    let (mut a, mut b) = (Node::with(a).await, Node::with(b).await);
    a.dial(&b);
    a.until_identified(b.id).await;
    b.until_identified(a.id).await;
    (a, b)
}

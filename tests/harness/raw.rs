//! A peer that speaks the sync protocol byte by byte: it can also say what is no message of it.
//!
//! It connects to a node, greets like any other and lets the test decide what becomes of each question. Decides never
//! what is said; no other protocol is spoken, so it gets no gossip and is found by nobody.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::mpsc as answers;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use libp2p::request_response::{self, OutboundRequestId, ProtocolSupport, ResponseChannel};
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{PeerId, StreamProtocol, Swarm, SwarmBuilder, identify, noise, ping, tcp, yamux};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use wire::names::Names;
use wire::{Multiaddr, Request, Response, canonical};

use super::net::Net;
use super::node::Node;

/// What is read of one message: more than any may have.
const READ_BYTES: u64 = 16 << 20;
/// A stream of ours ends after that; longer than any deadline of a node.
const STREAM: Duration = Duration::from_secs(120);
/// A peer that lost its node and wants it back waits so long.
const BACK: Duration = Duration::from_secs(1);
/// A question of a test is answered within that time or never.
const PATIENCE: Duration = Duration::from_secs(30);

/// What becomes of a question.
#[derive(Debug)]
pub enum Reaction {
    /// It is answered with these bytes.
    Answer(Vec<u8>),
    /// The same, after a while.
    Late(Duration, Vec<u8>),
    /// It is not answered, and the stream stays open.
    Never,
    /// It is not answered, and the connection is closed.
    Leave,
    /// It is answered with these bytes, and the connection is closed.
    AnswerAndLeave(Vec<u8>),
}

/// Decides what becomes of each question; those that are no message do not get here.
pub type Voice = Box<dyn FnMut(Request) -> Reaction + Send>;

/// A connected peer.
pub struct RawPeer {
    id: PeerId,
    orders: mpsc::UnboundedSender<Order>,
    thread: Option<JoinHandle<()>>,
}

enum Order {
    Ask(Vec<u8>, answers::Sender<Result<Vec<u8>, String>>),
    Leave,
    Stop,
}

/// A message as it travels: its length and its encoding.
pub fn frame(message: &impl Serialize) -> Vec<u8> {
    let body = canonical::encode(message).expect("it can be encoded");
    let length = u32::try_from(body.len()).expect("it is short");
    [&length.to_le_bytes()[..], &body].concat()
}

impl RawPeer {
    /// Connects to a node, again and again if `comes_back`, and greets it with `greeting`.
    pub fn meets(net: &Net, node: &Node, greeting: Request, comes_back: bool, voice: Voice) -> Self {
        let names = Names::new(&net.network.chain);
        let address: Multiaddr = node.address().parse().expect("it is an address");
        let (orders, inbox) = mpsc::unbounded_channel();
        let (told, id) = answers::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be made").block_on(async {
                let swarm = swarm(&names);
                told.send(*swarm.local_peer_id()).expect("the test waits for it");
                let back = comes_back.then_some(BACK);
                Driver { swarm, address, greeting: frame(&greeting), voice, back, asked: HashMap::new() }
                    .run(inbox)
                    .await;
            });
        });
        let id = id.recv().expect("it starts");
        Self { id, orders, thread: Some(thread) }
    }

    /// Its id.
    pub fn id(&self) -> String {
        self.id.to_string()
    }

    /// Asks and gives the answer, or why there is none.
    pub fn ask(&self, request: &Request) -> Result<Response, String> {
        let bytes = self.ask_bytes(frame(request))?;
        let body = bytes.get(4..).ok_or("an empty answer")?;
        canonical::decode(body).map_err(|error| error.to_string())
    }

    /// The same with bytes of any kind.
    pub fn ask_bytes(&self, bytes: Vec<u8>) -> Result<Vec<u8>, String> {
        let (reply, answer) = answers::channel();
        self.orders.send(Order::Ask(bytes, reply)).map_err(|_| "it has ended")?;
        answer.recv_timeout(PATIENCE).map_err(|error| error.to_string())?
    }

    /// Closes the connection, if there is one; one that comes back is there again a moment later.
    pub fn leave(&self) {
        // It may have ended.
        let _ = self.orders.send(Order::Leave);
    }
}

impl Drop for RawPeer {
    fn drop(&mut self) {
        // It may have ended by a panic, which the join tells.
        let _ = self.orders.send(Order::Stop);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

#[derive(NetworkBehaviour)]
struct Behaviour {
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    sync: request_response::Behaviour<Bytes>,
}

fn swarm(names: &Names) -> Swarm<Behaviour> {
    let (family, sync) = (names.family(), names.sync());
    SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)
        .expect("keys can be made")
        .with_behaviour(|key| Behaviour {
            identify: identify::Behaviour::new(identify::Config::new(family, key.public())),
            ping: ping::Behaviour::default(),
            sync: request_response::Behaviour::with_codec(
                Bytes,
                [(sync, ProtocolSupport::Full)],
                request_response::Config::default().with_request_timeout(STREAM).with_max_concurrent_streams(1_000),
            ),
        })
        .expect("the settings are good")
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(24 * 3600)))
        .build()
}

struct Driver {
    swarm: Swarm<Behaviour>,
    address: Multiaddr,
    greeting: Vec<u8>,
    voice: Voice,
    back: Option<Duration>,
    asked: HashMap<OutboundRequestId, answers::Sender<Result<Vec<u8>, String>>>,
}

impl Driver {
    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Order>) {
        let mut node = None;
        let mut dial_at = Some(Instant::now());
        // Answers that wait for their time, and channels of questions that get none: dropped, they would be an answer.
        let (mut late, mut held) = (FuturesUnordered::new(), Vec::new());
        let mut last = HashSet::new();
        loop {
            let dial = dial_at.unwrap_or_else(|| Instant::now() + STREAM);
            tokio::select! {
                event = self.swarm.select_next_some() => match event {
                    SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                        node = Some(peer_id);
                        self.swarm.behaviour_mut().sync.send_request(&peer_id, self.greeting.clone());
                    }
                    SwarmEvent::ConnectionClosed { num_established: 0, .. } => {
                        node = None;
                        held.clear();
                        dial_at = self.back.map(|back| Instant::now() + back);
                    }
                    SwarmEvent::OutgoingConnectionError { .. } => {
                        dial_at = self.back.map(|back| Instant::now() + back);
                    }
                    SwarmEvent::Behaviour(BehaviourEvent::Sync(event)) => match event {
                        request_response::Event::Message { peer, message, .. } => match message {
                            request_response::Message::Request { request_id, request, channel } => {
                                match self.hear(&request) {
                                    Reaction::Answer(bytes) => self.answer(channel, bytes),
                                    Reaction::Late(wait, bytes) => {
                                        let at = Instant::now() + wait;
                                        late.push(async move { sleep_until(at).await; (channel, bytes) });
                                    }
                                    Reaction::Never => held.push(channel),
                                    Reaction::Leave => self.leave(peer),
                                    Reaction::AnswerAndLeave(bytes) => {
                                        last.insert(request_id);
                                        self.answer(channel, bytes);
                                    }
                                }
                            }
                            request_response::Message::Response { request_id, response } => {
                                self.asked(request_id, Ok(response));
                            }
                        },
                        request_response::Event::OutboundFailure { request_id, error, .. } => {
                            self.asked(request_id, Err(error.to_string()));
                        }
                        request_response::Event::ResponseSent { peer, request_id, .. } => {
                            if last.remove(&request_id) {
                                self.leave(peer);
                            }
                        }
                        request_response::Event::InboundFailure { .. } => {}
                    },
                    _ => {}
                },
                Some((channel, bytes)) = late.next() => self.answer(channel, bytes),
                () = sleep_until(dial), if dial_at.is_some() => {
                    dial_at = None;
                    self.swarm.dial(self.address.clone()).expect("it is an address");
                }
                order = inbox.recv() => match (order, node) {
                    (Some(Order::Ask(bytes, reply)), Some(node)) => {
                        let id = self.swarm.behaviour_mut().sync.send_request(&node, bytes);
                        self.asked.insert(id, reply);
                    }
                    // Dropping the reply tells that there is no answer.
                    (Some(Order::Ask(..) | Order::Leave), None) => {}
                    (Some(Order::Leave), Some(there)) => {
                        node = None;
                        self.leave(there);
                    }
                    (Some(Order::Stop) | None, _) => return,
                },
            }
        }
    }

    fn hear(&mut self, bytes: &[u8]) -> Reaction {
        let request = bytes.get(4..).and_then(|body| canonical::decode(body).ok());
        request.map_or(Reaction::Never, |request| (self.voice)(request))
    }

    fn leave(&mut self, peer: PeerId) {
        // The other side may have left already.
        let _ = self.swarm.disconnect_peer_id(peer);
    }

    fn answer(&mut self, channel: ResponseChannel<Vec<u8>>, bytes: Vec<u8>) {
        // The node may have left meanwhile.
        let _ = self.swarm.behaviour_mut().sync.send_response(channel, bytes);
    }

    fn asked(&mut self, id: OutboundRequestId, answer: Result<Vec<u8>, String>) {
        if let Some(reply) = self.asked.remove(&id) {
            // The test may have given up waiting.
            let _ = reply.send(answer);
        }
    }
}

/// Messages as they are.
#[derive(Debug, Clone, Copy, Default)]
struct Bytes;

impl request_response::Codec for Bytes {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io).await
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io).await
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, bytes: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&bytes).await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, bytes: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&bytes).await
    }
}

async fn read<T: AsyncRead + Unpin + Send>(io: &mut T) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io.take(READ_BYTES).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

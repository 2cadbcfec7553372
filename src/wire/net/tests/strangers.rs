//! Peers that are not this program: they speak the same protocols and put what they like into them.

use std::io;
use std::time::Duration;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use ledger::BlockId;
use libp2p::kad::store::MemoryStore;
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder, identify, kad, noise, ping, tcp, yamux};

use super::harness::{CHAIN, Node, config, pair};
use crate::limits::*;
use crate::names::Names;
use crate::{CodecError, Command, Deadlines, NetConfig, NetEvent, Request, RequestError, Response};

/// Carries any bytes.
#[derive(Clone, Default)]
pub(super) struct Raw;

impl request_response::Codec for Raw {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        io.read_to_end(&mut bytes).await.map(|_| bytes)
    }

    async fn read_response<T: AsyncRead + Unpin + Send>(
        &mut self,
        p: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<Vec<u8>> {
        self.read_request(p, io).await
    }

    async fn write_request<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        bytes: Vec<u8>,
    ) -> io::Result<()> {
        io.write_all(&bytes).await
    }

    async fn write_response<T: AsyncWrite + Unpin + Send>(
        &mut self,
        p: &StreamProtocol,
        io: &mut T,
        bytes: Vec<u8>,
    ) -> io::Result<()> {
        self.write_request(p, io, bytes).await
    }
}

#[derive(NetworkBehaviour)]
pub(super) struct Stranger {
    sync: request_response::Behaviour<Raw>,
    pub(super) gossip: request_response::Behaviour<Raw>,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    kad: kad::Behaviour<MemoryStore>,
}

/// A stranger that is connected to a node and whose events a task handles.
pub(super) async fn stranger(node: &mut Node) -> (PeerId, Swarm<Stranger>) {
    stranger_that_tells(node, &[]).await
}

/// A stranger that says that it can be reached there.
pub(super) async fn stranger_that_tells(node: &mut Node, addresses: &[Multiaddr]) -> (PeerId, Swarm<Stranger>) {
    let mut swarm = unconnected();
    let id = *swarm.local_peer_id();
    for address in addresses {
        swarm.add_external_address(address.clone());
    }
    swarm.dial(node.full_address()).unwrap();
    during(&mut swarm, node.until_identified(id)).await;
    (id, swarm)
}

/// A stranger that knows nobody yet.
pub(super) fn unconnected() -> Swarm<Stranger> {
    SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_behaviour(|key| {
            let id = key.public().to_peer_id();
            let names = Names::new(&CHAIN);
            let mut kad = kad::Behaviour::with_config(id, MemoryStore::new(id), kad::Config::new(names.kad()));
            kad.set_mode(Some(kad::Mode::Server));
            let gossip = format!("{}/1.1.0", names.gossip_prefix());
            let gossip = StreamProtocol::try_from_owned(gossip).unwrap();
            Stranger {
                sync: request_response::Behaviour::new([(names.sync(), ProtocolSupport::Full)], Default::default()),
                gossip: request_response::Behaviour::new([(gossip, ProtocolSupport::Full)], Default::default()),
                identify: identify::Behaviour::new(identify::Config::new("stranger".into(), key.public())),
                ping: ping::Behaviour::default(),
                kad,
            }
        })
        .unwrap()
        .with_swarm_config(|swarm| swarm.with_idle_connection_timeout(Duration::from_secs(60)))
        .build()
}

/// Runs the stranger while something else happens.
pub(super) async fn during<T>(swarm: &mut Swarm<Stranger>, what: impl Future<Output = T>) -> T {
    tokio::pin!(what);
    loop {
        tokio::select! {
            done = &mut what => return done,
            _ = swarm.next() => {}
        }
    }
}

fn garbage(n: u32) -> Vec<u8> {
    (0..(n % 97) * 11).map(|i| (i.wrapping_mul(2_654_435_761).wrapping_add(n * 40_503) >> 13) as u8).collect()
}

#[tokio::test]
async fn of_200_requests_back_to_back_none_is_lost_while_another_peer_sends_garbage() {
    let (mut good, mut server) = pair().await;
    let (bad, mut swarm) = stranger(&mut server).await;
    let server_id = server.id;
    let flood = tokio::spawn(async move {
        let mut n = 0;
        let mut open = 0;
        loop {
            while open < 20 {
                n += 1;
                open += 1;
                swarm.behaviour_mut().sync.send_request(&server_id, garbage(n));
            }
            if let SwarmEvent::Behaviour(StrangerEvent::Sync(_)) = swarm.select_next_some().await {
                open -= 1;
            }
        }
    });
    let mut malformed = 0;
    let mut answered = 0;
    for ticket in 0..200 {
        good.ask(server.id, ticket, Request::Blocks { ids: vec![BlockId([ticket as u8; 32])] });
    }
    while answered < 200 || malformed < 200 {
        tokio::select! {
            event = server.next() => match event {
                NetEvent::Request { peer, request, responder } => {
                    assert_eq!(peer, good.id, "{request:?}");
                    let Request::Blocks { ids } = request else { panic!() };
                    server.tell(Command::Respond { responder, response: Response::Refused(format!("{}", ids[0].0[0])) });
                }
                NetEvent::Malformed { peer, .. } => {
                    assert_eq!(peer, bad);
                    malformed += 1;
                }
                _ => {}
            },
            (ticket, result) = good.until_response() => {
                assert_eq!(result, Ok(Response::Refused(ticket.to_string())));
                answered += 1;
            }
        }
    }
    flood.abort();
    assert_eq!(answered, 200);
}

#[tokio::test]
async fn w03_what_is_wrong_with_a_request_is_told_and_who_sent_it() {
    let mut node = Node::start().await;
    let (id, mut swarm) = stranger(&mut node).await;
    let cases = [
        (vec![255, 255, 255, 255, 0], CodecError::TooLong { length: u32::MAX as usize, limit: 1 + MAX_STATUS_BYTES }),
        (vec![1, 0, 0, 0, 77], CodecError::UnknownKind(77)),
        (vec![1, 0, 0, 0, 4, 0], CodecError::Trailing(1)),
        (vec![4, 0, 0, 0, 1, 0x80, 0, 0], CodecError::NotCanonical),
    ];
    for (bytes, expected) in cases {
        swarm.behaviour_mut().sync.send_request(&node.id, bytes);
        let told = node.until(|event| match event {
            NetEvent::Malformed { peer, what } => Some((peer, what)),
            NetEvent::Request { request, .. } => panic!("{request:?}"),
            _ => None,
        });
        assert_eq!(during(&mut swarm, told).await, (id, expected));
    }
}

#[tokio::test]
async fn w02_eighty_undecodable_messages_of_the_largest_size_are_told_and_another_peer_is_served_meanwhile() {
    let (mut good, mut node) = pair().await;
    let (bad, mut swarm) = stranger(&mut node).await;
    let length = 1 + 2 + 32 * MAX_BLOCK_IDS;
    let worst = [&(length as u32).to_le_bytes()[..], &[2], &vec![0xff; length - 1]].concat();
    let (mut sent, mut open, mut told, mut answered) = (0, 0, 0, 0);
    let mut asked = tokio::time::Instant::now();
    good.ask(node.id, 0, Request::Addresses);
    while told < 80 || answered < 20 {
        while sent < 80 && open < 16 {
            swarm.behaviour_mut().sync.send_request(&node.id, worst.clone());
            (sent, open) = (sent + 1, open + 1);
        }
        tokio::select! {
            event = swarm.select_next_some() => {
                if let SwarmEvent::Behaviour(StrangerEvent::Sync(_)) = event {
                    open -= 1;
                }
            }
            event = node.next() => match event {
                NetEvent::Malformed { peer, .. } => {
                    assert_eq!(peer, bad);
                    told += 1;
                }
                NetEvent::Request { peer, responder, .. } => {
                    assert_eq!(peer, good.id);
                    node.tell(Command::Respond { responder, response: Response::Addresses(vec![]) });
                }
                _ => {}
            },
            (ticket, result) = good.until_response() => {
                assert_eq!((ticket, result), (answered, Ok(Response::Addresses(vec![]))));
                assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
                answered += 1;
                asked = tokio::time::Instant::now();
                good.ask(node.id, answered, Request::Addresses);
            }
        }
    }
    assert_eq!(sent, 80);
}

/// What a request from the stranger becomes.
async fn outcome(node: &mut Node, swarm: &mut Swarm<Stranger>, bytes: Vec<u8>) -> Result<Request, CodecError> {
    swarm.behaviour_mut().sync.send_request(&node.id, bytes);
    let told = node.until(|event| match event {
        NetEvent::Malformed { what, .. } => Some(Err(what)),
        NetEvent::Request { request, .. } => Some(Ok(request)),
        _ => None,
    });
    during(swarm, told).await
}

#[tokio::test]
async fn w16_a_request_for_nothing_is_a_question_and_one_for_more_than_the_limit_is_a_fault() {
    let mut node = Node::start().await;
    let (_, mut swarm) = stranger(&mut node).await;
    let none = outcome(&mut node, &mut swarm, vec![2, 0, 0, 0, 2, 0]).await;
    assert_eq!(none, Ok(Request::Blocks { ids: vec![] }));
    let none = outcome(&mut node, &mut swarm, vec![3, 0, 0, 0, 1, 0, 0]).await;
    assert_eq!(none, Ok(Request::Headers { locator: vec![], limit: 0 }));
    for (kind, limit, count) in [(1, MAX_LOCATOR_IDS, vec![65]), (2, MAX_BLOCK_IDS, vec![0x81, 2])] {
        let length = 1 + count.len() + 32 * (limit + 1);
        let bytes = [&(length as u32).to_le_bytes()[..], &[kind], &count, &vec![7; 32 * (limit + 1)]].concat();
        assert!(matches!(outcome(&mut node, &mut swarm, bytes).await, Err(CodecError::TooLong { .. })));
    }
    // Places in a block that do not rise: a list that runs backwards.
    let backwards = [&[1 + 32 + 1 + 2, 0, 0, 0, 3][..], &[1; 32], &[2, 9, 8]].concat();
    assert_eq!(outcome(&mut node, &mut swarm, backwards).await, Err(CodecError::Indexes));
}

#[tokio::test]
async fn w18_an_answer_that_nobody_asked_for_is_a_malformed_request() {
    let mut node = Node::start().await;
    let (_, mut swarm) = stranger(&mut node).await;
    // An answer travels only where its question came from. What opens a stream is read as a question.
    let blocks = crate::codec::frame(&Response::Blocks(vec![crate::RawBlock(vec![7; 100])])).unwrap();
    assert!(outcome(&mut node, &mut swarm, blocks).await.is_err());
    let addresses = crate::codec::frame(&Response::Addresses(vec!["/ip4/8.8.8.8/tcp/1".into()])).unwrap();
    assert!(outcome(&mut node, &mut swarm, addresses).await.is_err());
    let refused = crate::codec::frame(&Response::Refused("no".into())).unwrap();
    assert_eq!(outcome(&mut node, &mut swarm, refused).await, Err(CodecError::UnknownKind(5)));
}

#[tokio::test]
async fn a_malformed_answer_is_the_peers_fault_and_tells_why() {
    let mut node = Node::start().await;
    let (id, mut swarm) = stranger(&mut node).await;
    let too_long = (MAX_BLOCKS_RESPONSE_BYTES - FRAME_PREFIX_BYTES + 1) as u32;
    let limit = MAX_BLOCKS_RESPONSE_BYTES - FRAME_PREFIX_BYTES;
    let cases = [
        ([&too_long.to_le_bytes()[..], &[2]].concat(), CodecError::TooLong { length: limit + 1, limit }),
        (vec![2, 0, 0, 0, 4, 0], CodecError::NotAsked { asked: 2, got: 4 }),
        (vec![4, 0, 0, 0, 2, 1, 0x80, 0], CodecError::NotCanonical),
        (vec![5, 0, 0, 0, 2, 1, 1, 7, 7], CodecError::Trailing(1)),
        (vec![3, 0, 0, 0, 2, 0, 9], CodecError::Trailing(1)),
    ];
    for (ticket, (bytes, expected)) in cases.into_iter().enumerate() {
        node.ask(id, ticket as u64, Request::Blocks { ids: vec![BlockId([1; 32])] });
        let answered = async {
            loop {
                if let SwarmEvent::Behaviour(StrangerEvent::Sync(request_response::Event::Message { message, .. })) =
                    swarm.select_next_some().await
                    && let request_response::Message::Request { channel, .. } = message
                {
                    swarm.behaviour_mut().sync.send_response(channel, bytes.clone()).unwrap();
                }
            }
        };
        let told = tokio::select! {
            () = answered => unreachable!(),
            told = node.until_response() => told,
        };
        assert_eq!(told, (ticket as u64, Err(RequestError::Malformed(expected))));
    }
}

#[tokio::test]
async fn a_peer_with_too_many_open_requests_is_refused_the_next_one() {
    let mut node = Node::start().await;
    let (_, mut swarm) = stranger(&mut node).await;
    let ask = |swarm: &mut Swarm<Stranger>, node: &Node| {
        swarm.behaviour_mut().sync.send_request(&node.id, vec![1, 0, 0, 0, 4]);
    };
    let mut held = Vec::new();
    while held.len() < MAX_UNANSWERED_PER_PEER {
        ask(&mut swarm, &node);
        let request = node.until(|event| match event {
            NetEvent::Request { responder, .. } => Some(responder),
            _ => None,
        });
        held.push(during(&mut swarm, request).await);
    }
    ask(&mut swarm, &node);
    let answer = loop {
        if let SwarmEvent::Behaviour(StrangerEvent::Sync(request_response::Event::Message { message, .. })) =
            swarm.select_next_some().await
            && let request_response::Message::Response { response, .. } = message
        {
            break response;
        }
    };
    let text = "too many requests at once; wait for answers";
    assert_eq!(answer[..6], [text.len() as u8 + 2, 0, 0, 0, 5, text.len() as u8]);
    assert_eq!(&answer[6..], text.as_bytes());
}

#[tokio::test]
async fn p06_a_stranger_with_1100_keys_does_not_stop_the_own_announcement() {
    let mut node = Node::start().await;
    let (_, mut swarm) = stranger(&mut node).await;
    let kad = &mut swarm.behaviour_mut().kad;
    kad.add_address(&node.id, node.address.clone());
    // A few at a time: a node drops streams beyond 32, and then none of their keys would arrive.
    let key = |n: u32| kad::RecordKey::new(&n.to_le_bytes());
    let (mut started, mut sent) = (0, 0);
    while sent < 1_100 {
        while started < 1_100 && started < sent + 4 {
            let kad = &mut swarm.behaviour_mut().kad;
            kad.start_providing(key(started)).unwrap();
            // The stranger's own store takes 1 024 keys; what it has told stays told.
            kad.stop_providing(&key(started));
            started += 1;
        }
        if let SwarmEvent::Behaviour(StrangerEvent::Kad(kad::Event::OutboundQueryProgressed {
            result: kad::QueryResult::StartProviding(result),
            ..
        })) = swarm.select_next_some().await
        {
            result.unwrap();
            sent += 1;
        }
    }
    node.tell(Command::Announce);
    let mut friend = Node::start().await;
    friend.dial(&node);
    friend.until_identified(node.id).await;
    let wanted = node.id;
    let mut again = tokio::time::interval(Duration::from_millis(200));
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        tokio::select! {
            () = tokio::time::sleep_until(deadline) => panic!("the announcement was never found"),
            _ = swarm.next() => {}
            _ = again.tick() => friend.tell(Command::Lookup),
            event = node.next() => assert!(!matches!(event, NetEvent::AnnounceFailed(_)), "{event:?}"),
            event = friend.next() => {
                if matches!(event, NetEvent::Providers { found, .. } if found.iter().any(|(peer, _)| *peer == wanted)) {
                    return;
                }
            }
        }
    }
}

#[tokio::test]
async fn p03_a_node_of_another_chain_is_told_apart_and_disconnected_after_a_while() {
    let deadlines = Deadlines { identify: Duration::from_millis(500), ..Deadlines::default() };
    let mut a = Node::with(NetConfig { deadlines, ..config() }).await;
    let other = Node::with(NetConfig { chain: ledger::BlockId([0xcd; 32]), ..config() }).await;
    a.dial(&other);
    let identified = a.until(|event| match event {
        NetEvent::Identified { peer, same_network, .. } => Some((peer, same_network)),
        _ => None,
    });
    assert_eq!(identified.await, (other.id, false));
    a.ask(other.id, 1, Request::Addresses);
    assert_eq!(a.until_response().await, (1, Err(RequestError::Unsupported)));
    let gone = a.until(|event| match event {
        NetEvent::Disconnected { peer, cause } => Some((peer, cause)),
        _ => None,
    });
    assert_eq!(gone.await, (other.id, "did not show the protocol of this chain in time".into()));
}

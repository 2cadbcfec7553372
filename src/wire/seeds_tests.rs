//! A name server on loopback that answers as a seed could: nothing, too much, or addresses of no use.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

use super::*;

/// What fits into a datagram; a longer answer is asked for again over TCP.
const DATAGRAM_BYTES: usize = 1_200;

struct NameServer {
    at: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl NameServer {
    /// Answers every question with these texts.
    async fn start(texts: Vec<String>) -> Self {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let at = udp.local_addr().unwrap();
        let tcp = TcpListener::bind(at).await.unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (heard, more) = (asked.clone(), texts.clone());
        tokio::spawn(async move {
            let mut question = [0; 512];
            while let Ok((length, from)) = udp.recv_from(&mut question).await {
                heard.lock().unwrap().push(name_of(&question[..length]));
                let mut reply = answer(&question[..length], &texts);
                if reply.len() > DATAGRAM_BYTES {
                    reply = answer(&question[..length], &[]);
                    reply[2] |= 2; // cut short
                }
                udp.send_to(&reply, from).await.unwrap();
            }
        });
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = tcp.accept().await {
                let mut question = vec![0; stream.read_u16().await.unwrap().into()];
                stream.read_exact(&mut question).await.unwrap();
                let reply = answer(&question, &more);
                stream.write_u16(reply.len() as u16).await.unwrap();
                stream.write_all(&reply).await.unwrap();
            }
        });
        Self { at, asked }
    }

    async fn ask(&self, private_ok: bool) -> Answer {
        ask(self.at, private_ok).await
    }
}

async fn ask(server: SocketAddr, private_ok: bool) -> Answer {
    let mut seeds = Seeds::new(vec![server], private_ok);
    assert_eq!(seeds.resolve("seed.test".into()), None);
    let answer = seeds.next().await;
    assert!(seeds.names.is_empty() && seeds.lookups.is_empty(), "nothing is kept of a lookup");
    answer
}

/// The end of the question's name: labels, and an empty one.
fn name_end(message: &[u8]) -> usize {
    let mut at = 12;
    while message[at] != 0 {
        at += 1 + usize::from(message[at]);
    }
    at + 1
}

fn name_of(message: &[u8]) -> String {
    let (mut at, mut labels) = (12, Vec::new());
    while message[at] != 0 {
        let next = at + 1 + usize::from(message[at]);
        labels.push(String::from_utf8_lossy(&message[at + 1..next]).into_owned());
        at = next;
    }
    labels.join(".")
}

/// Header, the question again, and a TXT record for each text.
fn answer(message: &[u8], texts: &[String]) -> Vec<u8> {
    let count = (texts.len() as u16).to_be_bytes();
    let mut reply = [&message[..2], &[0x81, 0x80, 0, 1], &count, &[0, 0, 0, 0]].concat();
    reply.extend(&message[12..name_end(message) + 4]);
    for text in texts {
        let strings: Vec<u8> = text.as_bytes().chunks(255).flat_map(|s| [&[s.len() as u8], s].concat()).collect();
        reply.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60]);
        reply.extend((strings.len() as u16).to_be_bytes());
        reply.extend(strings);
    }
    reply
}

fn node() -> PeerId {
    crate::Keypair::generate_ed25519().public().to_peer_id()
}

fn entry(ip: &str, port: usize, peer: PeerId) -> String {
    format!("dnsaddr=/ip4/{ip}/tcp/{port}/p2p/{peer}")
}

#[tokio::test]
async fn p28_a_seed_tells_peers_with_their_addresses_and_nothing_else_counts() {
    let (one, two) = (node(), node());
    let texts = vec![
        "v=spf1 -all".into(),
        entry("8.8.8.8", 4100, one),
        entry("8.8.4.4", 4100, two),
        entry("8.8.8.9", 4100, one),
        "dnsaddr=/dnsaddr/other.test".into(),
        format!("dnsaddr=/dnsaddr/other.test/p2p/{one}"),
        format!("dnsaddr=/dns4/other.test/tcp/1/p2p/{one}"),
        "dnsaddr=/ip4/8.8.8.8/tcp/4100".into(),
        "dnsaddr=nonsense".into(),
        entry("8.8.8.8", 4100, PeerId::random()),
    ];
    let server = NameServer::start(texts).await;
    let answer = server.ask(false).await;
    let at = |ip: &str| format!("/ip4/{ip}/tcp/4100").parse::<Multiaddr>().unwrap();
    let expected = vec![(one, vec![at("8.8.8.8"), at("8.8.8.9")]), (two, vec![at("8.8.4.4")])];
    assert_eq!(answer, Answer { name: "seed.test".into(), found: expected, error: None });
    assert_eq!(*server.asked.lock().unwrap(), ["_dnsaddr.seed.test"], "and the other name is not asked about");
}

#[tokio::test]
async fn p28_private_addresses_of_a_seed_count_only_where_they_are_usable() {
    let server = NameServer::start(vec![entry("10.0.0.1", 4100, node()), entry("127.0.0.1", 22, node())]).await;
    let answer = server.ask(false).await;
    assert_eq!(answer.found, vec![]);
    assert_eq!(answer.error.unwrap(), "_dnsaddr.seed.test lists no usable address of a peer");
    assert_eq!(server.ask(true).await.found.len(), 2);
}

#[tokio::test]
async fn p28_of_a_hundred_addresses_32_are_taken() {
    let server = NameServer::start((1..=100).map(|port| entry("8.8.8.8", port, node())).collect()).await;
    let answer = server.ask(false).await;
    assert_eq!((answer.found.len(), answer.error), (MAX_SEED_ADDRESSES, None));
}

#[tokio::test]
async fn p28_a_seed_that_nobody_serves_fails_with_a_reason() {
    let gone = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let answer = ask(gone, false).await;
    assert!(answer.found.is_empty() && answer.error.is_some_and(|error| !error.is_empty()));
    let server = NameServer::start(vec![]).await;
    let answer = server.ask(false).await;
    assert!(answer.found.is_empty() && answer.error.is_some());
}

#[tokio::test]
async fn p28_a_name_server_that_says_nothing_is_given_up_at_the_deadline() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut seeds = Seeds::new(vec![silent.local_addr().unwrap()], false);
    assert_eq!(seeds.deadline, Duration::from_secs(10));
    seeds.deadline = Duration::from_millis(50);
    seeds.resolve("seed.test".into());
    let answer = seeds.next().await;
    assert_eq!(answer.error.unwrap(), "the name service does not answer");
}

#[tokio::test]
async fn p28_one_lookup_for_each_name_and_eight_at_once() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut seeds = Seeds::new(vec![silent.local_addr().unwrap()], false);
    for n in 0..MAX_SEED_LOOKUPS {
        assert_eq!(seeds.resolve(format!("{n}.test")), None);
        assert_eq!(seeds.resolve(format!("{n}.test")), None, "the same again changes nothing");
    }
    assert_eq!(seeds.lookups.len(), MAX_SEED_LOOKUPS);
    let refused = seeds.resolve("one-too-many.test".into()).unwrap();
    assert_eq!(refused.error.unwrap(), "too many names are looked up at once; it is asked again later");
}

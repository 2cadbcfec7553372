//! What attackers write themselves: bytes before the handshake, frames of the multiplexer, protobuf of gossip.

use std::io;

use futures::future::BoxFuture;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, FutureExt};
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::{DialOpts, PortUse};
use libp2p::core::upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade, UpgradeInfo, Version};
use libp2p::core::{Endpoint, Transport};
use libp2p::{Multiaddr, noise, tcp};
use tokio::net::TcpStream;

use crate::{Keypair, Protocol};

/// The address as the system knows it.
pub fn socket(address: &Multiaddr) -> std::net::SocketAddr {
    let mut parts = address.iter();
    match (parts.next(), parts.next()) {
        (Some(Protocol::Ip4(ip)), Some(Protocol::Tcp(port))) => (ip, port).into(),
        _ => panic!("{address}"),
    }
}

pub async fn connect(address: &Multiaddr) -> TcpStream {
    TcpStream::connect(socket(address)).await.unwrap()
}

/// Shakes hands as a proper peer does, agrees on Yamux, writes `frames` instead of it, and returns when the other side
/// has closed the connection.
pub async fn yamux_frames(address: Multiaddr, frames: Vec<u8>) {
    let key = Keypair::generate_ed25519();
    let mut transport = tcp::tokio::Transport::new(tcp::Config::default())
        .upgrade(Version::V1)
        .authenticate(noise::Config::new(&key).unwrap())
        .multiplex(Frames(frames));
    let opts = DialOpts { role: Endpoint::Dialer, port_use: PortUse::New };
    let closed = transport.dial(address, opts).unwrap().await;
    assert!(closed.is_err(), "it ends with the connection");
}

#[derive(Clone)]
struct Frames(Vec<u8>);

impl UpgradeInfo for Frames {
    type Info = &'static str;
    type InfoIter = std::iter::Once<&'static str>;

    fn protocol_info(&self) -> Self::InfoIter {
        std::iter::once("/yamux/1.0.0")
    }
}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> OutboundConnectionUpgrade<T> for Frames {
    type Output = StreamMuxerBox;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<StreamMuxerBox>>;

    fn upgrade_outbound(self, mut socket: T, _: &'static str) -> Self::Future {
        async move {
            socket.write_all(&self.0).await?;
            socket.flush().await?;
            let mut rest = Vec::new();
            socket.read_to_end(&mut rest).await?;
            Err(io::ErrorKind::UnexpectedEof.into())
        }
        .boxed()
    }
}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> InboundConnectionUpgrade<T> for Frames {
    type Output = StreamMuxerBox;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<StreamMuxerBox>>;

    fn upgrade_inbound(self, _: T, _: &'static str) -> Self::Future {
        async { Err(io::ErrorKind::Unsupported.into()) }.boxed()
    }
}

/// A frame of gossip that holds these parts.
pub fn rpc(parts: &[Vec<u8>]) -> Vec<u8> {
    let body = parts.concat();
    [varint(body.len() as u64), body].concat()
}

pub fn subscribe(topic: &str) -> Vec<u8> {
    field(1, &[number(1, 1), field(2, topic.as_bytes())].concat())
}

pub fn publish(topic: &str, data: &[u8]) -> Vec<u8> {
    field(2, &[field(2, data), field(4, topic.as_bytes())].concat())
}

pub fn control(parts: &[Vec<u8>]) -> Vec<u8> {
    field(3, &parts.concat())
}

pub fn ihave(topic: &str, ids: &[[u8; 32]]) -> Vec<u8> {
    let ids: Vec<u8> = ids.iter().flat_map(|id| field(2, id)).collect();
    field(1, &[field(1, topic.as_bytes()), ids].concat())
}

pub fn graft(topic: &str) -> Vec<u8> {
    field(3, &field(1, topic.as_bytes()))
}

pub fn prune(topic: &str, backoff: u64) -> Vec<u8> {
    field(4, &[field(1, topic.as_bytes()), number(3, backoff)].concat())
}

fn field(tag: u8, bytes: &[u8]) -> Vec<u8> {
    [&[tag << 3 | 2], &varint(bytes.len() as u64)[..], bytes].concat()
}

fn number(tag: u8, value: u64) -> Vec<u8> {
    [vec![tag << 3], varint(value)].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

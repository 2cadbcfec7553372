//! The parts of the swarm, and the transport under them: TCP and names, Noise, Yamux.
//!
//! What refuses connections comes first, so that nothing is spent on them.

use std::convert::Infallible;
use std::time::Duration;

use libp2p::allow_block_list::{self, BlockedPeers};
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::core::upgrade;
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::{
    Swarm, SwarmBuilder, Transport, dns, gossipsub, identify, kad, noise, ping, request_response, tcp, upnp, yamux,
};
use libp2p::{identity::Keypair, memory_connection_limits, request_response::ProtocolSupport};

use crate::codec::SyncCodec;
use crate::limits::*;
use crate::names::Names;
use crate::{NetConfig, WireError, admission, gossip, lan, rendezvous};

/// Everything that runs on each connection.
#[derive(NetworkBehaviour)]
#[behaviour(to_swarm = "Event")]
pub(crate) struct Behaviour {
    pub(crate) blocked: allow_block_list::Behaviour<BlockedPeers>,
    pub(crate) admission: admission::Behaviour,
    limits: connection_limits::Behaviour,
    memory: memory_connection_limits::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    lan: Toggle<lan::Behaviour>,
    upnp: Toggle<upnp::tokio::Behaviour>,
    pub(crate) kad: rendezvous::Kad,
    pub(crate) gossip: gossip::Behaviour,
    pub(crate) sync: request_response::Behaviour<SyncCodec>,
}

/// What the parts tell.
#[derive(Debug)]
pub(crate) enum Event {
    Identify(Box<identify::Event>),
    Ping(ping::Event),
    Lan(lan::Found),
    Upnp(upnp::Event),
    Kad(Box<kad::Event>),
    Gossip(Box<gossipsub::Event>),
    Sync(Box<request_response::Event<<SyncCodec as request_response::Codec>::Request, crate::Response>>),
}

impl From<Infallible> for Event {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl From<identify::Event> for Event {
    fn from(event: identify::Event) -> Self {
        Self::Identify(Box::new(event))
    }
}

impl From<ping::Event> for Event {
    fn from(event: ping::Event) -> Self {
        Self::Ping(event)
    }
}

impl From<lan::Found> for Event {
    fn from(found: lan::Found) -> Self {
        Self::Lan(found)
    }
}

impl From<upnp::Event> for Event {
    fn from(event: upnp::Event) -> Self {
        Self::Upnp(event)
    }
}

impl From<kad::Event> for Event {
    fn from(event: kad::Event) -> Self {
        Self::Kad(Box::new(event))
    }
}

impl From<gossipsub::Event> for Event {
    fn from(event: gossipsub::Event) -> Self {
        Self::Gossip(Box::new(event))
    }
}

type SyncEvent = request_response::Event<<SyncCodec as request_response::Codec>::Request, crate::Response>;

impl From<SyncEvent> for Event {
    fn from(event: SyncEvent) -> Self {
        Self::Sync(Box::new(event))
    }
}

/// Makes the swarm. Must run inside the runtime that will drive it.
pub(crate) fn swarm(config: &NetConfig, names: &Names) -> Result<Swarm<Behaviour>, WireError> {
    let setup = |reason: &dyn std::fmt::Display| WireError::Setup { chain: config.chain, reason: reason.to_string() };
    let tcp = || {
        let mut yamux = yamux::Config::default();
        yamux.set_max_num_streams(MAX_STREAMS);
        let transport = move |key: &Keypair| {
            let tcp = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true)).map(|stream, _| mortal(stream));
            Ok(tcp.upgrade(upgrade::Version::V1Lazy).authenticate(noise::Config::new(key)?).multiplex(yamux))
        };
        SwarmBuilder::with_existing_identity(config.identity.clone()).with_tokio().with_other_transport(transport)
    };
    let tuned = |swarm: libp2p::swarm::Config| {
        // A connection is closed for a reason, never for being quiet: pings find the dead ones.
        swarm.with_idle_connection_timeout(Duration::from_secs(365 * 24 * 3600))
    };
    let behaviour = |key: &Keypair| behaviour(key, config, names);
    match tcp().map_err(|error| setup(&error))?.with_dns() {
        Ok(builder) => Ok(builder
            .with_behaviour(behaviour)
            .map_err(|error| setup(&error))?
            .with_swarm_config(tuned)
            .with_connection_timeout(config.deadlines.connect)
            .build()),
        Err(error) => {
            // A machine without a resolver still reaches peers by their IP addresses.
            tracing::warn!(%error, "the system's name service cannot be read; names of peers are asked of none");
            Ok(tcp()
                .map_err(|error| setup(&error))?
                .with_dns_config(dns::ResolverConfig::default(), dns::ResolverOpts::default())
                .with_behaviour(behaviour)
                .map_err(|error| setup(&error))?
                .with_swarm_config(tuned)
                .with_connection_timeout(config.deadlines.connect)
                .build())
        }
    }
}

/// A connection that ends by itself when nothing arrives at its other end any more; see [`UNACKNOWLEDGED`].
fn mortal(stream: tcp::tokio::TcpStream) -> tcp::tokio::TcpStream {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(&stream.0, UNACKNOWLEDGED.as_millis() as u32) {
        tracing::debug!(%error, "only pings find out whether this connection is dead");
    }
    stream
}

fn behaviour(
    key: &Keypair,
    config: &NetConfig,
    names: &Names,
) -> Result<Behaviour, Box<dyn std::error::Error + Send + Sync>> {
    let outbound = config.max_outbound.saturating_add(QUERY_CONNECTIONS);
    let limits = ConnectionLimits::default()
        .with_max_pending_incoming(Some(MAX_PENDING_CONNECTIONS))
        .with_max_pending_outgoing(Some(MAX_PENDING_CONNECTIONS))
        .with_max_established_incoming(Some(config.max_inbound))
        .with_max_established_outgoing(Some(outbound))
        .with_max_established(Some(config.max_inbound.saturating_add(outbound)))
        .with_max_established_per_peer(Some(MAX_CONNECTIONS_PER_PEER));
    let per_range = if config.private_addresses_ok { u32::MAX } else { config.max_inbound_per_range };
    let identify = identify::Config::new(names.family(), key.public())
        .with_agent_version(config.agent.clone())
        .with_push_listen_addr_updates(true)
        .with_interval(IDENTIFY_AGAIN)
        // What others told is filtered before it is kept; the library's own cache would not be.
        .with_cache_size(0)
        // Private addresses are nobody's business; the public ones are told as external ones.
        .with_hide_listen_addrs(!config.private_addresses_ok);
    let ping = ping::Config::new().with_interval(config.deadlines.ping_pause).with_timeout(config.deadlines.ping);
    let lan = config.mdns.then(|| lan::Behaviour::new(key.public().to_peer_id())).transpose().unwrap_or_else(|error| {
        tracing::warn!(%error, "nodes of the LAN are not searched: multicast cannot be used");
        None
    });
    let sync = request_response::Config::default()
        .with_request_timeout(STREAM_DEADLINE)
        .with_max_concurrent_streams(MAX_SYNC_STREAMS);
    Ok(Behaviour {
        blocked: allow_block_list::Behaviour::default(),
        admission: admission::Behaviour::new(per_range),
        limits: connection_limits::Behaviour::new(limits),
        memory: memory_connection_limits::Behaviour::with_max_bytes(config.max_memory_bytes),
        identify: identify::Behaviour::new(identify),
        ping: ping::Behaviour::new(ping),
        lan: Toggle::from(lan),
        upnp: Toggle::from(config.upnp.then(upnp::tokio::Behaviour::default)),
        kad: rendezvous::behaviour(key.public().to_peer_id(), names),
        gossip: gossip::behaviour(names, (!config.private_addresses_ok).then_some(config.max_inbound_per_range))?,
        sync: request_response::Behaviour::new([(names.sync(), ProtocolSupport::Full)], sync),
    })
}

//! What the network task needs to know before it starts.

use std::net::SocketAddr;
use std::time::Duration;

use ledger::ChainId;
use libp2p::Multiaddr;
use libp2p::identity::Keypair;

use crate::WireError;
use crate::limits::{CONNECT_DEADLINE, MAX_AGENT_BYTES, PING_DEADLINE, PING_PAUSE};

/// Settings of a node's network.
#[derive(Clone)]
pub struct NetConfig {
    /// The node's key, ed25519; it makes the peer id.
    pub identity: Keypair,
    /// The chain: decides with whom any protocol is shared.
    pub chain: ChainId,
    /// Where to listen.
    pub listen: Vec<Multiaddr>,
    /// Addresses under which others reach the node, told to everybody as they are.
    pub external: Vec<Multiaddr>,
    /// The name under which nodes find one another.
    pub rendezvous: String,
    /// Name and version of the node.
    pub agent: String,
    /// Inbound connections.
    pub max_inbound: u32,
    /// Outbound connections that the node wants; rendezvous queries may open a few more for a while.
    pub max_outbound: u32,
    /// Inbound connections from one range of addresses (/24, /64). Does not count where private addresses are usable.
    pub max_inbound_per_range: u32,
    /// No connection is accepted while the process uses more memory.
    pub max_memory_bytes: usize,
    /// Whether private and loopback addresses are told, believed and dialled: dev and test networks.
    pub private_addresses_ok: bool,
    /// Whether nodes on the same LAN find one another by multicast.
    pub mdns: bool,
    /// Whether the router is asked to forward a port to this node.
    pub upnp: bool,
    /// Who is asked about DNS seeds; the system's name servers if empty.
    pub name_servers: Vec<SocketAddr>,
    /// How long things may take.
    pub deadlines: Deadlines,
}

/// How long things may take; tests shorten them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// An answer to any request but `Blocks` and `Headers`.
    pub request: Duration,
    /// An answer to `Blocks`, which is up to 4 MiB, or `Headers`. The asker may give it up before.
    pub blocks: Duration,
    /// A peer that does not show the sync protocol of this chain by then is disconnected.
    pub identify: Duration,
    /// A connection is set up, from its first byte to the multiplexer.
    pub connect: Duration,
    /// The pause between two pings of a peer.
    pub ping_pause: Duration,
    /// An answer to a ping; the second failure in a row closes the connection.
    pub ping: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(10),
            blocks: Duration::from_secs(20),
            identify: Duration::from_secs(10),
            connect: CONNECT_DEADLINE,
            ping_pause: PING_PAUSE,
            ping: PING_DEADLINE,
        }
    }
}

impl NetConfig {
    /// Settings for a node that listens nowhere, with the limits that suit one core and 10 s blocks.
    pub fn new(identity: Keypair, chain: ChainId) -> Self {
        Self {
            identity,
            chain,
            listen: Vec::new(),
            external: Vec::new(),
            rendezvous: "barreleye".into(),
            agent: concat!("barreleye/", env!("CARGO_PKG_VERSION")).into(),
            max_inbound: 24,
            max_outbound: 8,
            max_inbound_per_range: 4,
            max_memory_bytes: 1 << 30,
            private_addresses_ok: false,
            mdns: false,
            upnp: false,
            name_servers: Vec::new(),
            deadlines: Deadlines::default(),
        }
    }

    pub(crate) fn check(&self) -> Result<(), WireError> {
        if self.identity.clone().try_into_ed25519().is_err() {
            return Err(WireError::Key);
        }
        if self.agent.len() > MAX_AGENT_BYTES {
            return Err(WireError::Config(format!("the agent has more than {MAX_AGENT_BYTES} bytes; shorten it")));
        }
        if self.rendezvous.is_empty() {
            return Err(WireError::Config("the rendezvous name is empty; set --rendezvous".into()));
        }
        Ok(())
    }
}

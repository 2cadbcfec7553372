//! The node's place in the network, without anybody's address.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::SyncState;

/// The node's place in the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Peers {
    /// Connected peers that passed the handshake.
    pub peers: Vec<PeerInfo>,
    /// How many of them connected to this node.
    pub inbound: usize,
    /// How many of them this node connected to.
    pub outbound: usize,
    /// How far a sync is.
    pub sync: SyncState,
    /// Where others can reach this node, as multiaddresses.
    pub external: Vec<String>,
}

/// A connected peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PeerInfo {
    /// The program that it runs, in its own words.
    pub agent: String,
    /// The height of its chain, as it said last.
    pub height: u64,
    /// Who connected to whom.
    pub direction: PeerDirection,
    /// Milliseconds since the handshake.
    pub since_ms: u64,
}

/// Who connected to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PeerDirection {
    /// The peer connected.
    In,
    /// This node connected.
    Out,
}

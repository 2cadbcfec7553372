//! What discovery hears and what it wants done.

use std::net::IpAddr;

use super::{Record, Source};
use crate::PeerId;
use crate::peer::Goodbye;

/// A peer from the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fixed {
    /// Its id, if the address says it.
    pub peer: Option<PeerId>,
    /// Its address.
    pub address: String,
}

/// A peer that is connected, whatever else is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// The peer.
    pub peer: PeerId,
    /// The address that was dialed; none if the peer dialed.
    pub dialed: Option<String>,
    /// Where a peer that dialed comes from.
    pub from: Option<IpAddr>,
}

/// What discovery hears.
#[derive(Debug, strum::IntoStaticStr)]
pub enum Event {
    /// A peer passed the handshake; said again with each tip that it tells, since mail may be lost.
    Ready {
        /// The peer.
        peer: PeerId,
        /// The address that was dialed; none if the peer dialed.
        dialed: Option<String>,
    },
    /// A peer is gone.
    Gone {
        /// The peer.
        peer: PeerId,
    },
    /// A peer is of another network.
    WrongNetwork {
        /// The peer.
        peer: PeerId,
    },
    /// A peer misbehaved and is to be refused.
    Misbehaved {
        /// The peer.
        peer: PeerId,
    },
    /// A connection was made, and the handshake is to come; or a peer goes on over another connection.
    Connected {
        /// The peer.
        peer: PeerId,
        /// The address that was dialed; none if the peer dialed.
        dialed: Option<String>,
        /// Where a peer that dialed comes from.
        from: Option<IpAddr>,
    },
    /// All peers that are connected now.
    Present(Vec<Present>),
    /// A dial failed.
    DialFailed {
        /// Who was to be reached, if that was known.
        peer: Option<PeerId>,
        /// Where.
        addresses: Vec<String>,
    },
    /// A dial led nowhere new: a limit of this node, or a peer that is connected already. That says nothing of the
    /// peer.
    NotDialed {
        /// Who was to be reached, if that was known.
        peer: Option<PeerId>,
        /// Where.
        addresses: Vec<String>,
    },
    /// A dial led back to this node.
    Ourselves {
        /// Who was to be reached, if that was known.
        peer: Option<PeerId>,
        /// Where.
        addresses: Vec<String>,
    },
    /// A peer says where it listens.
    Listens {
        /// The peer.
        peer: PeerId,
        /// Multiaddresses, filtered.
        addresses: Vec<String>,
    },
    /// Somebody named others.
    Found {
        /// Who named them.
        source: Source,
        /// Peers and their addresses.
        peers: Vec<(PeerId, Vec<String>)>,
    },
    /// A peer answered a ping.
    Pinged {
        /// The peer.
        peer: PeerId,
        /// After so many milliseconds.
        rtt_ms: u64,
    },
    /// A peer was the first to tell of a new block.
    Useful {
        /// The peer.
        peer: PeerId,
    },
    /// A peer's chain has been behind ours for long.
    Lagging {
        /// The peer.
        peer: PeerId,
    },
    /// The chain has a new end.
    TipChanged,
    /// Kademlia learned of a node: an announcement reaches somebody now.
    RoutingUpdated,
    /// The operator wants a peer dialed.
    Dial(Fixed),
    /// The configuration was read again: these are the fixed peers from now on.
    Fixed(Vec<Fixed>),
    /// The operator refuses a peer, or no longer.
    Ban {
        /// The peer.
        peer: PeerId,
        /// Whether to refuse it.
        ban: bool,
    },
    /// Time passes.
    Tick,
}

/// What discovery wants done.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// Connect.
    Dial {
        /// To whom, if known.
        peer: Option<PeerId>,
        /// Where.
        addresses: Vec<String>,
    },
    /// Announce this node under the rendezvous key.
    Announce,
    /// Look up who else is announced there.
    Lookup,
    /// Ask a peer for addresses of others.
    AskAddresses {
        /// Whom.
        peer: PeerId,
    },
    /// Tell who is connected now: an [`Event::Present`].
    TellPresent,
    /// Ask the name service whom a name lists.
    ResolveSeed {
        /// The name.
        name: String,
    },
    /// End the connection with a peer.
    Disconnect {
        /// The peer.
        peer: PeerId,
        /// Why.
        why: Goodbye,
    },
    /// Keep this about a peer.
    Save {
        /// The peer.
        peer: PeerId,
        /// What to keep.
        record: Record,
    },
    /// Forget a peer.
    Forget {
        /// The peer.
        peer: PeerId,
    },
    /// Refuse a peer from now on, or no longer.
    Refuse {
        /// The peer.
        peer: PeerId,
        /// Whether to refuse it.
        refuse: bool,
    },
    /// Refuse an IP address from now on, or no longer; of IPv6 the /64 that begins with it.
    RefuseAddress {
        /// The address.
        address: IpAddr,
        /// Whether to refuse it.
        refuse: bool,
    },
    /// So many peers passed the handshake.
    Peers(usize),
}

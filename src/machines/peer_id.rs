//! The name of a peer.

use std::fmt;

use serde::{Serialize, Serializer};

/// A peer's ed25519 public key. Prints as the peer id that libp2p shows (`12D3KooW…`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub [u8; 32]);

/// What libp2p writes before an ed25519 key in a peer id: identity multihash of a protobuf with key type 1.
const PREFIX: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

impl PeerId {
    /// The bytes of the libp2p peer id.
    pub fn to_multihash(self) -> Vec<u8> {
        [&PREFIX[..], &self.0].concat()
    }

    /// From the bytes of a libp2p peer id; none for another kind of key.
    pub fn from_multihash(bytes: &[u8]) -> Option<Self> {
        bytes.strip_prefix(&PREFIX)?.try_into().ok().map(Self)
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(&bs58::encode(self.to_multihash()).into_string())
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for PeerId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

//! The one way to write what is hashed or signed: fixed order, integers little-endian, a domain tag first.

use sha2::{Digest as _, Sha256};

use crate::Digest;

/// Tags that keep what is hashed for one purpose from meaning anything for another.
pub(crate) mod tag {
    pub const GENESIS: &[u8] = b"barreleye/genesis/1";
    pub const TRANSFER: &[u8] = b"barreleye/transfer/1";
    pub const LEAF: &[u8] = b"barreleye/leaf/1";
    pub const NODE: &[u8] = b"barreleye/node/1";
    pub const ROOT: &[u8] = b"barreleye/root/1";
    pub const BLOCK_SIGNATURE: &[u8] = b"barreleye/block-signature/1";
    /// Seven bytes, so that everything before the nonce fills two SHA-256 blocks and a miner can keep their state.
    pub const HEADER: &[u8; 7] = b"brl/hd1";
}

/// SHA-256 of the parts, one after another.
pub(crate) fn sha256(parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    Digest(hasher.finalize().into())
}

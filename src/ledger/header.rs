//! The header of a block: 129 bytes in a fixed layout, the nonce last.

use serde::{Deserialize, Serialize};

use crate::encode::{sha256, tag};
use crate::{BlockId, CompactTarget, Digest, Height, PublicKey, Signature, pow};

/// Size of an encoded header.
pub const HEADER_BYTES: usize = 129;

/// A block header. Its double SHA-256 is the block's id and its proof of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the rules; 1.
    pub version: u32,
    /// Height above genesis.
    pub height: Height,
    /// Id of the parent; for genesis the digest of the network's consensus numbers.
    pub previous: BlockId,
    /// Merkle root of the transactions.
    pub root: Digest,
    /// Unix time in milliseconds.
    pub time: u64,
    /// The target that the id must meet.
    pub target: CompactTarget,
    /// The key that signs the block and is paid for it.
    pub miner: PublicKey,
    /// The number that miners search for.
    pub nonce: u64,
}

impl Header {
    /// The hashed layout: domain tag, then every field, integers little-endian, the nonce last.
    pub fn preimage(&self) -> [u8; pow::PREIMAGE_BYTES] {
        let mut bytes = [0; pow::PREIMAGE_BYTES];
        let fields: [&[u8]; 9] = [
            tag::HEADER,
            &self.version.to_le_bytes(),
            &self.height.to_le_bytes(),
            &self.previous.0,
            &self.root.0,
            &self.time.to_le_bytes(),
            &self.target.0.to_le_bytes(),
            &self.miner.0,
            &self.nonce.to_le_bytes(),
        ];
        let mut at = 0;
        for field in fields {
            bytes[at..at + field.len()].copy_from_slice(field);
            at += field.len();
        }
        debug_assert_eq!(at, pow::PREIMAGE_BYTES);
        bytes
    }

    /// The id of the block.
    pub fn id(&self) -> BlockId {
        BlockId(sha256(&[&sha256(&[&self.preimage()]).0]).0)
    }
}

impl BlockId {
    /// What the miner signs, once the id is known (rule B5).
    pub fn signing_digest(&self) -> Digest {
        sha256(&[tag::BLOCK_SIGNATURE, &self.0])
    }

    /// Checks the miner's signature over this id (rule B5).
    pub fn is_signed_by(&self, miner: &PublicKey, signature: &Signature) -> bool {
        miner.verify(&self.signing_digest(), signature).is_ok()
    }
}

//! Searching for a nonce. Everything of a header before the nonce fills exactly two SHA-256 blocks, so a try costs
//! two compressions: the block with the nonce, and the second hash.

use ruint::aliases::U256;
use sha2::block_api::compress256;

use crate::{BlockId, Header, TargetError};

/// Domain tag and header.
pub const PREIMAGE_BYTES: usize = 136;

const NONCE_AT: usize = PREIMAGE_BYTES - 8;
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// A header made ready for trying nonces.
#[derive(Debug, Clone)]
pub struct Search {
    /// State of SHA-256 after the two blocks before the nonce.
    midstate: [u32; 8],
    target: U256,
}

impl Search {
    /// Prepares `header`; its own nonce does not matter.
    pub fn new(header: &Header) -> Result<Self, TargetError> {
        let preimage = header.preimage();
        let mut midstate = INITIAL;
        let mut blocks = [[0; 64]; NONCE_AT / 64];
        for (block, bytes) in blocks.iter_mut().zip(preimage.chunks_exact(64)) {
            block.copy_from_slice(bytes);
        }
        compress256(&mut midstate, &blocks);
        Ok(Self { midstate, target: header.target.expand()? })
    }

    /// The id that the header has with `nonce`.
    pub fn id(&self, nonce: u64) -> BlockId {
        let mut last = padded::<8>(PREIMAGE_BYTES);
        last[..8].copy_from_slice(&nonce.to_le_bytes());
        let mut state = self.midstate;
        compress256(&mut state, &[last]);
        let mut second = padded::<32>(32);
        second[..32].copy_from_slice(&to_bytes(&state));
        let mut state = INITIAL;
        compress256(&mut state, &[second]);
        BlockId(to_bytes(&state))
    }

    /// Tries `count` nonces from `first` on and returns the first that meets the target.
    pub fn run(&self, first: u64, count: u64) -> Option<u64> {
        let highest = u64::from_be_bytes(first_eight(&self.target.to_be_bytes::<32>()));
        (0..count).map(|i| first.wrapping_add(i)).find(|&nonce| {
            let id = self.id(nonce);
            // Almost every try ends at this comparison of eight bytes.
            u64::from_be_bytes(first_eight(&id.0)) <= highest && U256::from_be_bytes(id.0) <= self.target
        })
    }
}

/// The last SHA-256 block of a message of `length` bytes of which `USED` are in this block: marker and bit length.
const fn padded<const USED: usize>(length: usize) -> [u8; 64] {
    let mut block = [0; 64];
    block[USED] = 0x80;
    let bits = (length as u64 * 8).to_be_bytes();
    let mut i = 0;
    while i < 8 {
        block[56 + i] = bits[i];
        i += 1;
    }
    block
}

fn first_eight(bytes: &[u8; 32]) -> [u8; 8] {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[..8]);
    eight
}

fn to_bytes(state: &[u32; 8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (four, word) in bytes.chunks_exact_mut(4).zip(state) {
        four.copy_from_slice(&word.to_be_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CompactTarget, Digest, PublicKey};

    #[test]
    fn a_search_finds_the_same_ids_as_plain_hashing() {
        let mut header = Header {
            version: 1,
            height: 7,
            previous: BlockId([3; 32]),
            root: Digest([5; 32]),
            time: 1_700_000_000_123,
            target: CompactTarget(0x2000_ffff),
            miner: PublicKey([2; 33]),
            nonce: 0,
        };
        let search = Search::new(&header).unwrap();
        let found = search.run(0, 100_000).unwrap();
        for nonce in [0, 1, u64::MAX, found] {
            header.nonce = nonce;
            assert_eq!(search.id(nonce), header.id());
        }
        assert!(header.target.is_met_by(&header.id()));
        assert_eq!(search.run(0, found), None, "an earlier nonce meets the target");
    }
}

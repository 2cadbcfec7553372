//! What is valid: types, hashing, signatures, consensus rules, apply and revert.
//!
//! This crate decides whether a block or a transaction may be part of the chain, and what it changes. It never
//! does input or output, never reads a clock, never waits. Every rule carries the id under which `docs/rules.md`
//! explains it. Everything that is hashed or signed is encoded here by hand.

mod account;
mod amount;
pub mod apply;
mod barreleye_transfer;
mod block;
pub mod check;
mod commit;
pub mod difficulty;
mod encode;
mod error;
mod header;
mod hex_bytes;
mod key;
pub mod memory;
pub mod merkle;
pub mod pow;
pub mod recheck;
mod spec;
mod target;
mod transaction;
mod transfer;
mod view;

pub use account::{Account, nonce_base};
pub use amount::{Amount, ParseAmountError};
pub use barreleye_transfer::{BarreleyeTransfer, barreleye_hash};
pub use block::{Block, CheckedBlock};
pub use commit::{Commit, Connect, NewBlock};
pub use error::{BlockError, Fault, TxError};
pub use header::{HEADER_BYTES, Header};
pub use hex_bytes::ParseHexError;
pub use key::{Addresses, KeyError, PublicKey, SecretKey, Signature};
pub use spec::{Hints, MAX_BLOCK_BYTES, Network, NetworkSpec, OpeningBalance, SpecError};
pub use target::{CompactTarget, TargetError, Work};
pub use transaction::{CheckedTransaction, Transaction};
pub use transfer::{MAX_DATA_BYTES, Transfer};
pub use view::{AccountSource, ChainSource, StoredHeader, Tip, ViewError};

hex_bytes::hex_bytes!(
    /// Id of a block: double SHA-256 of its header, read as a big-endian number for the work rule.
    BlockId, 32
);
hex_bytes::hex_bytes!(
    /// Id of a transaction. It does not cover the signature.
    TxId, 32
);
hex_bytes::hex_bytes!(
    /// SHA-256 of anything that has no name of its own.
    Digest, 32
);
hex_bytes::hex_bytes!(
    /// The first 20 bytes of SHA-256(x ‖ y) of a public key.
    Address, 20, "0x"
);

/// Height of a block above genesis, which has height 0.
pub type Height = u64;

/// Identity of a chain: the id of its genesis block, which commits to every consensus number of the network.
pub type ChainId = BlockId;

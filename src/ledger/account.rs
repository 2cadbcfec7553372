//! What an account holds.

use serde::{Deserialize, Serialize};

use crate::{Amount, ChainId};

/// The state of an account that ever received coins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its coins.
    pub balance: Amount,
    /// The nonce that its next transaction needs; starts at [`nonce_base`].
    pub nonce: u64,
}

/// Where nonces start on a chain (rule T7): the first 29 bits of the chain's id · 2²⁴, so that no transfer without a
/// chain id can be replayed on another network. Stays below 2⁵³, which wallets in JavaScript can hold.
pub fn nonce_base(chain: &ChainId) -> u64 {
    let [a, b, c, d, ..] = chain.0;
    u64::from(u32::from_be_bytes([a, b, c, d]) >> 3) << 24
}

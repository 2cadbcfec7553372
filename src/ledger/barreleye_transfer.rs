//! The transfer of the original Barreleye chain, so that its wallets work unchanged.
//!
//! Its signed text is plain hex without lengths or a chain id; rules T6 and T7 keep that from being misused.

use serde::{Deserialize, Serialize};

use crate::encode::sha256;
use crate::key::without_zeros;
use crate::{Address, Amount, Digest, PublicKey, Signature, TxError, TxId};

/// A transfer as wallets of the original chain sign it: whole Barrel, no fee (rule T6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BarreleyeTransfer {
    /// The sender's next nonce; starts at the network's base (rule T7).
    pub nonce: u64,
    /// The sender: any of the three addresses of the signer's key.
    pub from: Address,
    /// Who receives the coins.
    pub to: Address,
    /// Whole Barrel.
    pub value: u64,
    /// Exactly one byte: the signed text has no lengths, so more or less would let a relayer change the value.
    pub data: u8,
    /// The key that signed.
    pub signer: PublicKey,
    /// The signature, in its low form.
    pub signature: Signature,
}

/// The hash that wallets of the original chain sign, which is also the transaction's id there:
/// SHA-256 of the lower-case hex text of nonce ‖ from ‖ to ‖ value ‖ data, numbers as minimal big-endian bytes.
pub fn barreleye_hash(nonce: u64, from: &Address, to: &Address, value: u64, data: &[u8]) -> Digest {
    let (nonce, value) = (nonce.to_be_bytes(), value.to_be_bytes());
    let parts = [without_zeros(&nonce), &from.0, &to.0, without_zeros(&value), data];
    sha256(&[hex::encode(parts.concat()).as_bytes()])
}

impl BarreleyeTransfer {
    /// The digest that is signed.
    pub fn signing_digest(&self) -> Digest {
        barreleye_hash(self.nonce, &self.from, &self.to, self.value, &[self.data])
    }

    /// The id, the same as on the original chain.
    pub fn id(&self) -> TxId {
        TxId(self.signing_digest().0)
    }

    /// The value in drops, if it fits.
    pub fn amount(&self) -> Option<Amount> {
        Amount::barrels(self.value)
    }

    /// Checks everything that needs no account (T1, T4, T6), but not the signature of a `known` sender.
    pub(crate) fn check(&self, digest: &Digest, known: Option<Address>) -> Result<Address, TxError> {
        if self.value == 0 {
            return Err(TxError::ZeroAmount);
        }
        if self.amount().is_none() {
            return Err(TxError::AmountOverflow);
        }
        if self.from == self.to {
            return Err(TxError::ToSelf);
        }
        if known.is_none() && !self.signer.verify_and_derive(digest, &self.signature)?.0.contains(&self.from) {
            return Err(TxError::NotOwner { from: self.from });
        }
        Ok(self.from)
    }

    /// Nonce, from, to, value, data, signer.
    pub(crate) const UNSIGNED_SIZE: usize = 8 + 20 + 20 + 8 + 1 + 33;

    pub(crate) fn unsigned_bytes(&self) -> Vec<u8> {
        [
            &self.nonce.to_le_bytes()[..],
            &self.from.0,
            &self.to.0,
            &self.value.to_le_bytes(),
            &[self.data],
            &self.signer.0,
        ]
        .concat()
    }
}

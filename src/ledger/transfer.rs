//! The native transfer: exact amounts, a fee, bound to one chain.

use serde::{Deserialize, Serialize};

use crate::encode::{sha256, tag};
use crate::{Address, Amount, ChainId, Digest, PublicKey, SecretKey, Signature, TxError, TxId};

/// The most data that a transfer may carry (rule T4).
pub const MAX_DATA_BYTES: usize = 1024;

/// A signed order to move coins of the sender (rules T1 to T5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// The key that signs; the coins are taken from its address.
    pub from: PublicKey,
    /// Who receives the coins.
    pub to: Address,
    /// What is moved.
    pub amount: Amount,
    /// What the miner receives on top.
    pub fee: Amount,
    /// The sender's next nonce.
    pub nonce: u64,
    /// Anything the sender wants to attach, at most [`MAX_DATA_BYTES`].
    pub data: Vec<u8>,
    /// Signature over [`Transfer::signing_digest`].
    pub signature: Signature,
}

impl Transfer {
    /// Makes and signs a transfer on `chain`.
    pub fn sign(
        key: &SecretKey,
        chain: &ChainId,
        to: Address,
        amount: Amount,
        fee: Amount,
        nonce: u64,
        data: Vec<u8>,
    ) -> Self {
        let unsigned = Self { from: key.public(), to, amount, fee, nonce, data, signature: Signature::ZERO };
        Self { signature: key.sign(&unsigned.signing_digest(chain)), ..unsigned }
    }

    /// SHA-256 of the signed bytes: domain tag, chain, then every field, integers little-endian.
    pub fn signing_digest(&self, chain: &ChainId) -> Digest {
        sha256(&[tag::TRANSFER, &chain.0, &self.unsigned_bytes()])
    }

    /// The id: the digest that is signed, so a changed signature is still the same transaction.
    pub fn id(&self, chain: &ChainId) -> TxId {
        TxId(self.signing_digest(chain).0)
    }

    /// Checks everything that needs no account (T1, T4) and gives the sender's address, which is `known` if the
    /// signature was checked before.
    pub(crate) fn check(&self, digest: &Digest, known: Option<Address>) -> Result<Address, TxError> {
        if self.amount == Amount::ZERO {
            return Err(TxError::ZeroAmount);
        }
        if self.data.len() > MAX_DATA_BYTES {
            return Err(TxError::DataTooLong { got: self.data.len(), limit: MAX_DATA_BYTES });
        }
        let sender = match known {
            Some(sender) => sender,
            None => self.from.verify_and_derive(digest, &self.signature)?.0[0],
        };
        if sender == self.to {
            return Err(TxError::ToSelf);
        }
        Ok(sender)
    }

    pub(crate) fn unsigned_size(&self) -> usize {
        self.from.0.len() + self.to.0.len() + 3 * 8 + 4 + self.data.len()
    }

    pub(crate) fn unsigned_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.unsigned_size());
        bytes.extend_from_slice(&self.from.0);
        bytes.extend_from_slice(&self.to.0);
        for number in [self.amount.as_drops(), self.fee.as_drops(), self.nonce] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&(self.data.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&self.data);
        bytes
    }
}

//! A transaction of either kind, and the proof that it was checked.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

use crate::encode::{sha256, tag};
use crate::{
    Address, Amount, BarreleyeTransfer, ChainId, Digest, KeyError, Network, Signature, Transfer, TxError, TxId,
};

/// A transaction as it travels and is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transaction {
    /// A native transfer.
    Transfer(Transfer),
    /// A transfer of a wallet of the original chain.
    Barreleye(BarreleyeTransfer),
}

impl Transaction {
    /// The id on `chain`. It does not cover the signature.
    pub fn id(&self, chain: &ChainId) -> TxId {
        TxId(self.signing_digest(chain).0)
    }

    /// The digest that is signed.
    pub fn signing_digest(&self, chain: &ChainId) -> Digest {
        match self {
            Self::Transfer(tx) => tx.signing_digest(chain),
            Self::Barreleye(tx) => tx.signing_digest(),
        }
    }

    /// What is moved. A compatible transfer whose value does not fit gives the most that fits; its check refuses it.
    pub fn amount(&self) -> Amount {
        match self {
            Self::Transfer(tx) => tx.amount,
            Self::Barreleye(tx) => tx.amount().unwrap_or(Amount::drops(u64::MAX)),
        }
    }

    /// What the miner receives.
    pub fn fee(&self) -> Amount {
        match self {
            Self::Transfer(tx) => tx.fee,
            Self::Barreleye(_) => Amount::ZERO,
        }
    }

    /// The sender's nonce.
    pub fn nonce(&self) -> u64 {
        match self {
            Self::Transfer(tx) => tx.nonce,
            Self::Barreleye(tx) => tx.nonce,
        }
    }

    /// Who receives the coins.
    pub fn to(&self) -> Address {
        match self {
            Self::Transfer(tx) => tx.to,
            Self::Barreleye(tx) => tx.to,
        }
    }

    /// The signature.
    pub fn signature(&self) -> &Signature {
        match self {
            Self::Transfer(tx) => &tx.signature,
            Self::Barreleye(tx) => &tx.signature,
        }
    }

    /// Every byte of the transaction, its kind first, its signature last: what a block's root commits to, and what
    /// counts as its size.
    pub fn encode(&self) -> Vec<u8> {
        let (kind, unsigned) = match self {
            Self::Transfer(tx) => (0, tx.unsigned_bytes()),
            Self::Barreleye(tx) => (1, tx.unsigned_bytes()),
        };
        [&[kind][..], &unsigned, &self.signature().0].concat()
    }

    /// The length of [`Transaction::encode`].
    pub fn size(&self) -> usize {
        let unsigned = match self {
            Self::Transfer(tx) => tx.unsigned_size(),
            Self::Barreleye(_) => BarreleyeTransfer::UNSIGNED_SIZE,
        };
        1 + unsigned + self.signature().0.len()
    }

    /// The leaf of this transaction in a block's Merkle tree: covers the signature too.
    pub fn leaf(&self) -> Digest {
        sha256(&[tag::LEAF, &self.encode()])
    }

    /// Whose coins are moved, if the signature holds. That of a native transfer is computed from its key, which takes a
    /// fifth of the time that the signature takes.
    pub fn sender(&self) -> Result<Address, KeyError> {
        match self {
            Self::Transfer(tx) => tx.from.address(),
            Self::Barreleye(tx) => Ok(tx.from),
        }
    }

    /// Checks everything that needs no account: T1, T4 and T6.
    ///
    /// `known` gives the sender of a leaf that was checked before; then neither signature nor key are looked at again.
    pub fn check(
        self,
        network: &Network,
        known: impl Fn(&Digest) -> Option<Address>,
    ) -> Result<CheckedTransaction, TxError> {
        let leaf = self.leaf();
        let known = known(&leaf);
        CheckedTransaction::new(self, leaf, network, known)
    }

    /// A transaction that was checked before it was kept: its signature is not checked again.
    pub fn kept(self, network: &Network) -> Result<CheckedTransaction, TxError> {
        let (leaf, sender) = (self.leaf(), self.sender()?);
        CheckedTransaction::new(self, leaf, network, Some(sender))
    }
}

/// A transaction that is valid by itself: shape, limits, signature and owner are checked (T1, T4, T6). Whether it fits
/// the accounts is not.
#[derive(Clone, PartialEq, Eq)]
pub struct CheckedTransaction {
    tx: Transaction,
    id: TxId,
    leaf: Digest,
    sender: Address,
    size: usize,
}

impl CheckedTransaction {
    pub(crate) fn new(
        tx: Transaction,
        leaf: Digest,
        network: &Network,
        known: Option<Address>,
    ) -> Result<Self, TxError> {
        let digest = tx.signing_digest(&network.chain);
        let sender = match &tx {
            Transaction::Transfer(transfer) => transfer.check(&digest, known)?,
            Transaction::Barreleye(_) if network.spec.max_barreleye_bytes == 0 => return Err(TxError::NotTakenHere),
            Transaction::Barreleye(transfer) => transfer.check(&digest, known)?,
        };
        Ok(Self { size: tx.size(), id: TxId(digest.0), leaf, sender, tx })
    }

    /// The id.
    pub fn id(&self) -> TxId {
        self.id
    }

    /// The leaf in a block's Merkle tree.
    pub fn leaf(&self) -> Digest {
        self.leaf
    }

    /// Whose coins are moved.
    pub fn sender(&self) -> Address {
        self.sender
    }

    /// Size in bytes as rule B4 counts it.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The transaction itself.
    pub fn transaction(&self) -> &Transaction {
        &self.tx
    }

    /// Whether this is a transfer of the original chain.
    pub fn is_barreleye(&self) -> bool {
        matches!(self.tx, Transaction::Barreleye(_))
    }
}

impl Deref for CheckedTransaction {
    type Target = Transaction;

    fn deref(&self) -> &Transaction {
        &self.tx
    }
}

impl fmt::Debug for CheckedTransaction {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "tx {}", self.id)
    }
}

//! Why something is not valid, and whose fault that is.

use thiserror::Error;

use crate::{Address, Amount, BlockId, Height, KeyError, PublicKey};

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Whoever sent it could have known: count it against the peer.
    Sender,
    /// Nobody's: timing, or another view of the chain.
    Nobody,
}

/// Why a transaction is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TxError {
    /// T1: the signature or the key is wrong.
    #[error("{0}")]
    Key(#[from] KeyError),
    /// T1, T6: the key is good, but the coins are not its own.
    #[error("the signing key does not own {from}")]
    NotOwner {
        /// Whose coins were to be moved.
        from: Address,
    },
    /// T2: a nonce that was used.
    #[error("nonce {got} was used already, the account's next nonce is {next}")]
    NonceUsed {
        /// The nonce of the transaction.
        got: u64,
        /// The account's next nonce.
        next: u64,
    },
    /// T2: a nonce that leaves a gap.
    #[error("nonce {got} leaves a gap, the account's next nonce is {next}")]
    NonceGap {
        /// The nonce of the transaction.
        got: u64,
        /// The account's next nonce.
        next: u64,
    },
    /// T3: not enough coins.
    #[error("insufficient balance: {needed} Barrel needed, {balance} there")]
    InsufficientBalance {
        /// Amount and fee.
        needed: Amount,
        /// What the account has.
        balance: Amount,
    },
    /// T3: amount and fee, or the receiver's balance, do not fit in 64 bits.
    #[error("the amount is more than can exist")]
    AmountOverflow,
    /// T4: sender and receiver are the same.
    #[error("from and to must be different")]
    ToSelf,
    /// T4: nothing is moved.
    #[error("the amount must be more than 0")]
    ZeroAmount,
    /// T4: too much data.
    #[error("{got} bytes of data, the limit is {limit}")]
    DataTooLong {
        /// Bytes of data.
        got: usize,
        /// The most allowed.
        limit: usize,
    },
    /// The network takes no compatible transfers.
    #[error("this network takes no transfers of the original Barreleye chain")]
    NotTakenHere,
}

/// Why a block is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BlockError {
    /// B1: the id does not meet the target.
    #[error("the block id does not meet the target in the header")]
    NoWork,
    /// B1, D: another target than the rule gives.
    #[error("the target is {got:08x}, the difficulty rule says {expected:08x}")]
    WrongTarget {
        /// The compact target in the header.
        got: u32,
        /// The compact target that rule D gives.
        expected: u32,
    },
    /// A version that this node does not know.
    #[error("block version {0} is unknown, this node knows version 1: it may need an upgrade")]
    UnknownVersion(u32),
    /// B2: not the parent's height plus one.
    #[error("height {got}, the parent's height asks for {expected}")]
    WrongHeight {
        /// The height in the header.
        got: Height,
        /// The parent's plus one.
        expected: Height,
    },
    /// B2: not later than its parent.
    #[error("time {got} is not after the parent's time {parent}")]
    TimeNotAfterParent {
        /// Unix milliseconds in the header.
        got: u64,
        /// Unix milliseconds in the parent's header.
        parent: u64,
    },
    /// B2: from the future. Nobody's fault; keep it aside.
    #[error("the block is {ahead_ms} ms ahead of this node's clock")]
    FromTheFuture {
        /// How far beyond this node's clock.
        ahead_ms: u64,
    },
    /// B3: the transactions are not those of the header. Says nothing about the block with this id.
    #[error("the transactions do not match the header: the block was changed on its way")]
    Mutated,
    /// B4: too many bytes.
    #[error("{got} bytes, the limit is {limit}")]
    TooLarge {
        /// Bytes of the block.
        got: usize,
        /// The most allowed.
        limit: usize,
    },
    /// B4: too many transactions.
    #[error("{got} transactions, the limit is {limit}")]
    TooManyTransactions {
        /// Transactions in the block.
        got: usize,
        /// The most allowed.
        limit: usize,
    },
    /// T6: too many bytes of compatible transfers.
    #[error("{got} bytes of compatible transfers, the limit is {limit}")]
    TooMuchBarreleye {
        /// Bytes of compatible transfers.
        got: usize,
        /// The most allowed.
        limit: usize,
    },
    /// B5: the signature is not the miner's. Says nothing about the block with this id.
    #[error("the block is not signed by its miner")]
    NotSigned,
    /// B5: the network lists its miners, and this is none.
    #[error("{0} is not a miner of this network")]
    NotAMiner(PublicKey),
    /// The parent is not known here.
    #[error("the parent {0} is unknown")]
    UnknownParent(BlockId),
    /// The parent, or one before it, is invalid.
    #[error("it builds on the invalid block {0}")]
    InvalidAncestor(BlockId),
    /// B6: a transaction cannot be applied.
    #[error("transaction {index}: {error}")]
    Transaction {
        /// Its place in the block.
        index: usize,
        /// Why.
        error: TxError,
    },
    /// B4, F1: rewards, fees or work do not fit their integers.
    #[error("the sum of money or work is more than can exist")]
    Overflow,
}

impl BlockError {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::FromTheFuture { .. } | Self::UnknownParent(_) | Self::UnknownVersion(_) => Fault::Nobody,
            _ => Fault::Sender,
        }
    }

    /// Whether the error proves that no block with this id can ever be valid. A changed body or a missing signature
    /// proves nothing: the true block may still come.
    pub fn condemns_the_id(&self) -> bool {
        self.fault() == Fault::Sender && !matches!(self, Self::Mutated | Self::NotSigned)
    }
}

impl TxError {
    /// Whose fault it is. Nonces and balances depend on the view of the chain.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NonceUsed { .. } | Self::NonceGap { .. } | Self::InsufficientBalance { .. } => Fault::Nobody,
            _ => Fault::Sender,
        }
    }
}

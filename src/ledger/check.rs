//! The checks of a block, cheapest first: by itself, then in the context of its parent. Applying it to the accounts is
//! the last one and stands in [`crate::apply`].

use std::sync::Arc;

use crate::{
    Address, Block, BlockError, BlockId, CheckedBlock, CheckedTransaction, Digest, Header, Network, Signature,
    Transaction, TxError, difficulty, merkle,
};

/// B1 without its context: a known version, and the id meets the target that the header claims. Gives the id.
pub fn header_alone(header: &Header, network: &Network) -> Result<BlockId, BlockError> {
    if header.version != 1 {
        return Err(BlockError::UnknownVersion(header.version));
    }
    let id = header.id();
    if !header.target.is_met_by(&id) {
        return Err(BlockError::NoWork);
    }
    if !network.may_mine(&header.miner) {
        return Err(BlockError::NotAMiner(header.miner));
    }
    Ok(id)
}

/// B1, B2, D: the header follows `parent`, whose own parent is `grandparent` (none for genesis).
pub fn header_in_context(
    header: &Header,
    parent: &Header,
    grandparent: Option<&Header>,
    network: &Network,
) -> Result<(), BlockError> {
    let expected = parent.height.checked_add(1).ok_or(BlockError::Overflow)?;
    if header.height != expected {
        return Err(BlockError::WrongHeight { got: header.height, expected });
    }
    if header.time <= parent.time {
        return Err(BlockError::TimeNotAfterParent { got: header.time, parent: parent.time });
    }
    let expected = difficulty::next_target(network, parent, grandparent);
    if header.target != expected {
        return Err(BlockError::WrongTarget { got: header.target.0, expected: expected.0 });
    }
    Ok(())
}

/// B2: not further ahead of this node's clock than the network allows.
pub fn not_from_the_future(header: &Header, unix_ms: u64, network: &Network) -> Result<(), BlockError> {
    match header.time.checked_sub(unix_ms) {
        Some(ahead_ms) if ahead_ms > network.future_limit_ms() => Err(BlockError::FromTheFuture { ahead_ms }),
        _ => Ok(()),
    }
}

/// Everything that can be known of a block by itself: B1, B3, B4, B5 and each transaction's T1, T4, T6.
///
/// `known` gives the sender of a leaf that was checked before, so that its signature need not be checked again.
pub fn block_alone(
    block: Block,
    network: &Network,
    known: impl Fn(&Digest) -> Option<Address>,
) -> Result<CheckedBlock, BlockError> {
    block_alone_with(block, network, |transactions| {
        transactions
            .into_iter()
            .map(|tx| {
                let known = known(&tx.leaf);
                tx.check(network, known)
            })
            .collect()
    })
}

/// [`block_alone`] of transactions that were checked before: what is left to check of each costs a hash or two.
pub fn block_of_checked(
    header: Header,
    signature: Signature,
    transactions: Vec<Arc<CheckedTransaction>>,
    network: &Network,
) -> Result<CheckedBlock, BlockError> {
    let leaves: Vec<_> = transactions.iter().map(|tx| tx.leaf()).collect();
    let id = around_transactions(&header, &signature, &leaves, network)?;
    whole(CheckedBlock { header, signature, id, transactions }, network)
}

/// A transaction whose leaf is computed, waiting for its check.
pub struct Unchecked {
    tx: Transaction,
    /// Its leaf in the block's Merkle tree.
    pub leaf: Digest,
}

impl Unchecked {
    /// Checks it; `known` is its sender if it was checked before.
    pub fn check(self, network: &Network, known: Option<Address>) -> Result<CheckedTransaction, TxError> {
        CheckedTransaction::new(self.tx, self.leaf, network, known)
    }
}

/// [`block_alone`], where the caller checks the transactions, in parallel if it likes; results in the same order.
pub fn block_alone_with(
    block: Block,
    network: &Network,
    check_all: impl FnOnce(Vec<Unchecked>) -> Vec<Result<CheckedTransaction, TxError>>,
) -> Result<CheckedBlock, BlockError> {
    let Block { header, signature, transactions } = block;
    let leaves: Vec<_> = transactions.iter().map(Transaction::leaf).collect();
    let id = around_transactions(&header, &signature, &leaves, network)?;
    let unchecked = transactions.into_iter().zip(leaves).map(|(tx, leaf)| Unchecked { tx, leaf }).collect();
    let transactions = check_all(unchecked)
        .into_iter()
        .enumerate()
        .map(|(index, tx)| tx.map(Arc::new).map_err(|error| BlockError::Transaction { index, error }))
        .collect::<Result<_, _>>()?;
    whole(CheckedBlock { header, signature, id, transactions }, network)
}

/// What can be said before the transactions are looked at: B1 without its context, B3, the number of B4, B5.
fn around_transactions(
    header: &Header,
    signature: &Signature,
    leaves: &[Digest],
    network: &Network,
) -> Result<BlockId, BlockError> {
    let id = header_alone(header, network)?;
    // The root first: any other error speaks of the block with this id, and a body changed on its way must not.
    if merkle::root(leaves) != header.root {
        return Err(BlockError::Mutated);
    }
    let (got, limit) = (leaves.len(), network.spec.max_block_transactions as usize);
    if got > limit {
        return Err(BlockError::TooManyTransactions { got, limit });
    }
    if id.is_signed_by(&header.miner, signature) { Ok(id) } else { Err(BlockError::NotSigned) }
}

/// A block of which everything is checked but its sizes (B4).
fn whole(block: CheckedBlock, network: &Network) -> Result<CheckedBlock, BlockError> {
    let (got, limit) = (block.size(), network.spec.max_block_bytes as usize);
    if got > limit {
        return Err(BlockError::TooLarge { got, limit });
    }
    let got = block.transactions.iter().filter(|tx| tx.is_barreleye()).map(|tx| tx.size()).sum();
    let limit = network.spec.max_barreleye_bytes as usize;
    if got > limit { Err(BlockError::TooMuchBarreleye { got, limit }) } else { Ok(block) }
}

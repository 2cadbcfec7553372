//! What is stored, as it is shown.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use client::{BlockSummary, Drops, InBlock, InPool, State as TxState, Transaction as Shown, TransactionKind};
use ledger::{
    Address, Amount, Block, BlockId, ChainSource, CheckedTransaction, Network, StoredHeader, Transaction, TxId,
};
use machines::pool::PoolView;
use store::{Located, Snapshot};

use super::{Problem, State};

/// Blocks whose facts are remembered: the explorer's pages of a day, some hundred bytes each.
const MAX_FACTS: usize = 8_192;

/// What a block's header does not say and its body says only when it is read whole. A block never changes, so this is
/// remembered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fact {
    /// Whose block it is; to derive an address from a key costs 10 µs.
    pub miner: Address,
    /// Size as the rules count it.
    pub bytes: usize,
    /// The sum of its fees.
    pub fees: Amount,
}

/// Facts of blocks that somebody asked for. When full, all are forgotten: they are found again.
#[derive(Debug, Default)]
pub struct Facts(Mutex<HashMap<BlockId, Fact>>);

impl Facts {
    /// The facts of a block that is stored.
    pub fn of(&self, snapshot: &Snapshot, id: &BlockId) -> Result<Fact, Problem> {
        // Nothing under the lock panics half way.
        if let Some(fact) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id) {
            return Ok(*fact);
        }
        let block = snapshot.block(id)?.ok_or_else(|| Problem::not_found(format!("no block {id}")))?;
        Ok(self.keep(*id, &block))
    }

    /// The facts of a block that was just read.
    pub fn keep(&self, id: BlockId, block: &Block) -> Fact {
        let fees = block.transactions.iter().try_fold(Amount::ZERO, |sum, tx| sum.checked_add(tx.fee()));
        let fact = Fact {
            miner: miner(block),
            bytes: block.size(),
            // Rule B7: the fees of a valid block fit.
            fees: fees.unwrap_or(Amount::drops(u64::MAX)),
        };
        let mut facts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if facts.len() >= MAX_FACTS {
            facts.clear();
        }
        facts.insert(id, fact);
        fact
    }
}

/// Genesis has no miner and no key.
fn miner(block: &Block) -> Address {
    block.header.miner.address().unwrap_or(Address::ZERO)
}

/// A block in short.
pub fn summary(network: &Network, id: BlockId, stored: &StoredHeader, fact: &Fact) -> BlockSummary {
    let header = &stored.header;
    BlockSummary {
        id,
        height: header.height,
        time: header.time,
        miner: fact.miner,
        transactions: stored.transactions,
        bytes: fact.bytes,
        work: stored.work,
        target: header.target,
        difficulty: difficulty(stored),
        reward: if header.height == 0 { Drops::default() } else { network.spec.reward.into() },
        fees: fact.fees.into(),
        parent: header.previous,
    }
}

/// Hashes that a block with this target takes on average.
pub fn difficulty(stored: &StoredHeader) -> f64 {
    stored.header.target.work().map_or(0.0, |work| work.to_f64())
}

/// A transaction of the chain, whose tip is at `height`.
pub fn confirmed(located: &Located, id: TxId, height: u64) -> Shown {
    let block = InBlock { id: located.block, height: located.height, index: located.index, time: located.time };
    let confirmations = height.saturating_sub(located.height) + 1;
    Shown { state: TxState::Confirmed, block: Some(block), confirmations, ..shown(&located.transaction, id) }
}

/// A transaction that waits.
pub fn waiting(state: &State, pool: &PoolView, tx: &CheckedTransaction, place: InPool) -> Shown {
    Shown { received: received(state, pool, &tx.id()), pool: Some(place), ..shown(tx, tx.id()) }
}

/// When this node took a transaction into its pool, unix milliseconds.
pub fn received(state: &State, pool: &PoolView, id: &TxId) -> Option<u64> {
    let waited = state.node.mono().saturating_sub(pool.since(id)?);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Some((now.as_millis() as u64).saturating_sub(waited))
}

/// Who pays.
pub fn sender(tx: &Transaction) -> Address {
    match tx {
        Transaction::Transfer(tx) => tx.from.address().unwrap_or(Address::ZERO),
        Transaction::Barreleye(tx) => tx.from,
    }
}

fn shown(tx: &Transaction, id: TxId) -> Shown {
    let (kind, signer, data) = match tx {
        Transaction::Transfer(tx) => (TransactionKind::Transfer, tx.from, hex::encode(&tx.data)),
        Transaction::Barreleye(tx) => (TransactionKind::Barreleye, tx.signer, hex::encode([tx.data])),
    };
    Shown {
        id,
        kind,
        state: TxState::Pool,
        from: sender(tx),
        to: tx.to(),
        amount: tx.amount().into(),
        fee: tx.fee().into(),
        nonce: tx.nonce().into(),
        data,
        size: tx.size(),
        signer,
        signature: *tx.signature(),
        block: None,
        confirmations: 0,
        received: None,
        pool: None,
    }
}

/// What a path names as a transaction or a block.
pub fn id<T: std::str::FromStr<Err = ledger::ParseHexError>>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|error| Problem::malformed(format!("'{text}' is no id: {error}")))
}

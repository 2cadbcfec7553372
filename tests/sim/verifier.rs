//! The verifier of all nodes. Whether a block or a transaction is valid by itself depends on nothing else, so what one
//! node learned need not be computed for the others: most of a run's time would be signatures.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use ledger::{
    Block, BlockError, BlockId, CheckedBlock, CheckedTransaction, Digest, Network, Transaction, TxError, check,
};

/// Checks, and remembers what is good.
pub struct Verifier {
    pub network: Arc<Network>,
    blocks: RefCell<HashMap<BlockId, Arc<CheckedBlock>>>,
    transactions: RefCell<HashMap<Digest, Arc<CheckedTransaction>>>,
}

impl Verifier {
    pub fn new(network: Arc<Network>) -> Self {
        Self { network, blocks: RefCell::default(), transactions: RefCell::default() }
    }

    pub fn block(&self, block: Block) -> Result<Arc<CheckedBlock>, (BlockId, BlockError)> {
        let id = block.header.id();
        if let Some(known) = self.blocks.borrow().get(&id)
            && known.to_block() == block
        {
            return Ok(known.clone());
        }
        let known = |leaf: &Digest| self.transactions.borrow().get(leaf).map(|tx| tx.sender());
        let checked = Arc::new(check::block_alone(block, &self.network, known).map_err(|error| (id, error))?);
        self.blocks.borrow_mut().insert(id, checked.clone());
        Ok(checked)
    }

    pub fn transaction(&self, tx: Transaction) -> Result<Arc<CheckedTransaction>, TxError> {
        let leaf = tx.leaf();
        if let Some(known) = self.transactions.borrow().get(&leaf) {
            return Ok(known.clone());
        }
        let checked = Arc::new(tx.check(&self.network, |_| None)?);
        self.transactions.borrow_mut().insert(leaf, checked.clone());
        Ok(checked)
    }
}

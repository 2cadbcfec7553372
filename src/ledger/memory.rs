//! The chain in memory, for tests, simulations and `chain verify`.
//!
//! Takes the same [`Commit`] as the store, and refuses one that does not follow from what is there: a decision that a
//! store could not keep must not pass in a test either. Never decides what is valid, except in [`MemoryChain::connect`],
//! which takes the next block by all rules that need no clock.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::apply::{ApplyError, Changes, Undo, apply, revert};
use crate::{
    Account, AccountSource, Address, Block, BlockError, BlockId, ChainSource, CheckedBlock, Commit, Connect, Header,
    Height, Network, NewBlock, StoredHeader, Tip, ViewError, check,
};

/// Blocks of all branches, and the accounts at the tip.
#[derive(Debug, Clone)]
pub struct MemoryChain {
    network: Arc<Network>,
    tip: Tip,
    headers: HashMap<BlockId, StoredHeader>,
    /// All but genesis, shared: many chains in memory hold the same blocks.
    blocks: HashMap<BlockId, Arc<CheckedBlock>>,
    main: Vec<BlockId>,
    undo: HashMap<BlockId, Undo>,
    accounts: BTreeMap<Address, Account>,
    /// The same with what was staged.
    staged: Option<Box<Self>>,
}

impl MemoryChain {
    /// The chain that consists of genesis.
    pub fn new(network: Arc<Network>) -> Self {
        let (tip, block) = (network.genesis_tip(), network.genesis_block());
        let header =
            StoredHeader { header: block.header.clone(), signature: block.signature, work: tip.work, transactions: 0 };
        Self {
            tip,
            headers: HashMap::from([(tip.id, header)]),
            blocks: HashMap::new(),
            main: vec![tip.id],
            undo: HashMap::new(),
            accounts: network.genesis_accounts().collect(),
            network,
            staged: None,
        }
    }

    /// Takes a change, and with it all that was staged. One that does not follow from what is there is refused with the
    /// reason; what is there is of no use after that.
    pub fn commit(&mut self, commit: &Commit) -> Result<(), ViewError> {
        if let Some(staged) = self.staged.take() {
            *self = *staged;
        }
        self.change(commit)
    }

    /// Takes a change that only [`Self::latest`] shows until the next commit.
    pub fn stage(&mut self, commit: &Commit) -> Result<(), ViewError> {
        let mut staged = self.staged.take().unwrap_or_else(|| Box::new(self.clone()));
        staged.change(commit)?;
        self.staged = Some(staged);
        Ok(())
    }

    /// Forgets what was staged.
    pub fn abandon(&mut self) {
        self.staged = None;
    }

    /// The chain with what was staged.
    pub fn latest(&self) -> &Self {
        self.staged.as_deref().unwrap_or(self)
    }

    fn change(&mut self, commit: &Commit) -> Result<(), ViewError> {
        for new in &commit.keep {
            self.keep(new)?;
        }
        let mut changes = Changes::new();
        for id in &commit.disconnect {
            changes.extend(self.disconnect(id)?);
        }
        for connect in &commit.connect {
            self.append(connect)?;
        }
        changes.retain(|address, _| !commit.accounts.contains_key(address));
        if let Some(address) = changes.keys().next() {
            return Err(ViewError(format!("a block left the chain, but not what it did to {address}")));
        }
        for (address, account) in &commit.accounts {
            match account {
                Some(account) => self.accounts.insert(*address, *account),
                None => self.accounts.remove(address),
            };
        }
        self.move_tip(commit.tip)
    }

    /// Takes the next block on the tip by all rules that need no clock.
    pub fn connect(&mut self, block: Arc<CheckedBlock>) -> Result<(), ApplyError> {
        let header = block.header();
        if header.previous != self.tip.id {
            return Err(BlockError::UnknownParent(header.previous).into());
        }
        let parent = self.must_have(&self.tip.id)?.header.clone();
        let grandparent = self.headers.get(&parent.previous).map(|stored| stored.header.clone());
        check::header_in_context(header, &parent, grandparent.as_ref(), &self.network)?;
        let work = header.target.work().ok().and_then(|work| self.tip.work.checked_add(work));
        let work = work.ok_or(BlockError::Overflow)?;
        let (accounts, undo) = apply(self, &block, &self.network)?;
        let tip = Tip { id: block.id(), height: header.height, work, time: header.time };
        let keep = if self.headers.contains_key(&block.id()) {
            Vec::new()
        } else {
            vec![NewBlock { block: block.clone(), work }]
        };
        self.commit(&Commit { keep, disconnect: Vec::new(), connect: vec![Connect { block, undo }], accounts, tip })?;
        Ok(())
    }

    /// The network that this is the chain of.
    pub fn network(&self) -> &Arc<Network> {
        &self.network
    }

    /// All accounts at the tip.
    pub fn accounts(&self) -> &BTreeMap<Address, Account> {
        &self.accounts
    }

    /// All money at the tip, in drops.
    pub fn supply(&self) -> u128 {
        self.accounts.values().map(|account| u128::from(account.balance.as_drops())).sum()
    }

    /// The ids of the chain that ends at the tip, genesis first.
    pub fn main_chain(&self) -> &[BlockId] {
        &self.main
    }

    /// Headers of the chain after the first id of `locator` that is on it, genesis if none is.
    pub fn headers_after(&self, locator: &[BlockId], limit: usize) -> Vec<Header> {
        let on_chain = |id: &BlockId| {
            let height = self.headers.get(id)?.header.height;
            (self.at(height) == Some(*id)).then_some(height)
        };
        let from = locator.iter().find_map(on_chain).unwrap_or(0);
        let ids = self.main.iter().skip(usize::try_from(from).unwrap_or(usize::MAX).saturating_add(1)).take(limit);
        ids.filter_map(|id| self.headers.get(id)).map(|stored| stored.header.clone()).collect()
    }

    fn append(&mut self, connect: &Connect) -> Result<(), ViewError> {
        let (id, previous) = (connect.block.id(), connect.block.header().previous);
        self.must_have(&id)?;
        if self.main.last() != Some(&previous) {
            return Err(ViewError(format!("block {id} does not follow the tip")));
        }
        self.main.push(id);
        self.undo.insert(id, connect.undo.clone());
        Ok(())
    }

    fn keep(&mut self, new: &NewBlock) -> Result<(), ViewError> {
        let (id, header) = (new.block.id(), new.block.header());
        self.must_have(&header.previous)?;
        let stored = StoredHeader {
            header: header.clone(),
            signature: *new.block.signature(),
            work: new.work,
            transactions: u32::try_from(new.block.transactions().len()).unwrap_or(u32::MAX),
        };
        if self.headers.insert(id, stored).is_some() {
            return Err(ViewError(format!("block {id} was kept before")));
        }
        self.blocks.insert(id, new.block.clone());
        Ok(())
    }

    fn disconnect(&mut self, id: &BlockId) -> Result<Changes, ViewError> {
        if self.main.last() != Some(id) || self.main.len() == 1 {
            return Err(ViewError(format!("block {id} is not the tip, it cannot leave the chain")));
        }
        self.main.pop();
        let undo = self.undo.remove(id).ok_or_else(|| ViewError(format!("block {id} has no undo data")))?;
        Ok(revert(&undo))
    }

    fn move_tip(&mut self, tip: Tip) -> Result<(), ViewError> {
        let stored = self.must_have(&tip.id)?;
        let expected = Tip { id: tip.id, height: stored.header.height, work: stored.work, time: stored.header.time };
        if expected != tip || self.main.last() != Some(&tip.id) || self.at(tip.height) != Some(tip.id) {
            return Err(ViewError(format!("the tip {} is not the end of the chain", tip.id)));
        }
        self.tip = tip;
        Ok(())
    }

    fn at(&self, height: Height) -> Option<BlockId> {
        self.main.get(usize::try_from(height).ok()?).copied()
    }

    fn must_have(&self, id: &BlockId) -> Result<&StoredHeader, ViewError> {
        self.headers.get(id).ok_or_else(|| ViewError(format!("block {id} is not kept")))
    }
}

impl AccountSource for MemoryChain {
    fn account(&self, address: &Address) -> Result<Option<Account>, ViewError> {
        Ok(self.accounts.get(address).copied())
    }
}

impl ChainSource for MemoryChain {
    fn tip(&self) -> Result<Tip, ViewError> {
        Ok(self.tip)
    }

    fn header(&self, id: &BlockId) -> Result<Option<StoredHeader>, ViewError> {
        Ok(self.headers.get(id).cloned())
    }

    fn main_id(&self, height: Height) -> Result<Option<BlockId>, ViewError> {
        Ok(self.at(height))
    }

    fn block(&self, id: &BlockId) -> Result<Option<Block>, ViewError> {
        if *id == self.network.chain {
            return Ok(Some(self.network.genesis_block()));
        }
        Ok(self.blocks.get(id).map(|block| block.to_block()))
    }

    fn undo(&self, id: &BlockId) -> Result<Option<Undo>, ViewError> {
        Ok(self.undo.get(id).cloned())
    }
}

//! Applying a block to the accounts, and the inverse.
//!
//! Nothing is changed in place: a block gives [`Changes`] and the [`Undo`] that takes them back, or an error and
//! nothing else (rule B6).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    Account, AccountSource, Address, Amount, BlockError, CheckedBlock, CheckedTransaction, Network, TxError, ViewError,
};

/// Accounts after a change; none for an account that is gone again.
pub type Changes = BTreeMap<Address, Option<Account>>;

/// Accounts as they were before a block, by address.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Undo(pub Vec<(Address, Option<Account>)>);

/// Why a block was not applied.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ApplyError {
    /// The block breaks a rule.
    #[error("{0}")]
    Invalid(#[from] BlockError),
    /// The accounts cannot be read: nothing is known about the block.
    #[error("{0}")]
    View(#[from] ViewError),
}

/// Accounts with changes on top of what is kept.
#[derive(Clone)]
pub struct Overlay<'a> {
    base: &'a dyn AccountSource,
    changes: Changes,
}

impl<'a> Overlay<'a> {
    /// No changes yet.
    pub fn new(base: &'a dyn AccountSource) -> Self {
        Self { base, changes: Changes::new() }
    }

    /// The addresses whose accounts changed.
    pub fn touched(&self) -> impl Iterator<Item = &Address> {
        self.changes.keys()
    }

    /// All changes.
    pub fn into_changes(self) -> Changes {
        self.changes
    }

    /// Applies `block`, or leaves everything as it was.
    pub fn apply(&mut self, block: &CheckedBlock, network: &Network) -> Result<Undo, ApplyError> {
        let (changes, undo) = apply(self, block, network)?;
        self.changes.extend(changes);
        Ok(undo)
    }

    /// Takes a block back.
    pub fn revert(&mut self, undo: &Undo) {
        self.changes.extend(revert(undo));
    }
}

impl AccountSource for Overlay<'_> {
    fn account(&self, address: &Address) -> Result<Option<Account>, ViewError> {
        match self.changes.get(address) {
            Some(account) => Ok(*account),
            None => self.base.account(address),
        }
    }
}

/// What `block` does to `accounts` (rules T2, T3, B4, B6).
pub fn apply(
    accounts: &dyn AccountSource,
    block: &CheckedBlock,
    network: &Network,
) -> Result<(Changes, Undo), ApplyError> {
    let mut working = Working { accounts, before: BTreeMap::new(), after: Changes::new(), network };
    for (index, tx) in block.transactions().iter().enumerate() {
        working.transfer(tx)?.map_err(|error| BlockError::Transaction { index, error })?;
    }
    let fees = block.fees().ok_or(BlockError::Overflow)?;
    let reward = network.spec.reward.checked_add(fees).ok_or(BlockError::Overflow)?;
    let miner = block.header().miner.address().map_err(|_| BlockError::NotSigned)?;
    let mut account = working.read(&miner)?;
    account.balance = account.balance.checked_add(reward).ok_or(BlockError::Overflow)?;
    working.after.insert(miner, Some(account));
    Ok((working.after, Undo(working.before.into_iter().collect())))
}

/// The inverse of [`apply`]: the accounts as they were before the block (rule F2).
pub fn revert(undo: &Undo) -> Changes {
    undo.0.iter().copied().collect()
}

/// T2, T3: the nonce follows and the balance covers amount and fee. Gives what the transfer costs.
pub fn fits_account(tx: &CheckedTransaction, account: &Account) -> Result<Amount, TxError> {
    match tx.nonce() {
        got if got < account.nonce => return Err(TxError::NonceUsed { got, next: account.nonce }),
        got if got > account.nonce => return Err(TxError::NonceGap { got, next: account.nonce }),
        _ => {}
    }
    let needed = tx.amount().checked_add(tx.fee()).ok_or(TxError::AmountOverflow)?;
    if needed > account.balance {
        return Err(TxError::InsufficientBalance { needed, balance: account.balance });
    }
    Ok(needed)
}

struct Working<'a> {
    accounts: &'a dyn AccountSource,
    before: BTreeMap<Address, Option<Account>>,
    after: Changes,
    network: &'a Network,
}

impl Working<'_> {
    /// The account as it is at this point of the block; remembers how it was before.
    fn read(&mut self, address: &Address) -> Result<Account, ViewError> {
        let new = Account { balance: Amount::ZERO, nonce: self.network.nonce_base };
        if let Some(account) = self.after.get(address) {
            return Ok(account.unwrap_or(new));
        }
        let found = match self.before.entry(*address) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(unknown) => *unknown.insert(self.accounts.account(address)?),
        };
        Ok(found.unwrap_or(new))
    }

    fn transfer(&mut self, tx: &CheckedTransaction) -> Result<Result<(), TxError>, ViewError> {
        let mut sender = self.read(&tx.sender())?;
        let cost = match fits_account(tx, &sender) {
            Ok(cost) => cost,
            Err(error) => return Ok(Err(error)),
        };
        let mut receiver = self.read(&tx.to())?;
        let (Some(rest), Some(received), Some(nonce)) =
            (sender.balance.checked_sub(cost), receiver.balance.checked_add(tx.amount()), sender.nonce.checked_add(1))
        else {
            return Ok(Err(TxError::AmountOverflow));
        };
        (sender.balance, sender.nonce, receiver.balance) = (rest, nonce, received);
        self.after.insert(tx.sender(), Some(sender));
        self.after.insert(tx.to(), Some(receiver));
        Ok(Ok(()))
    }
}

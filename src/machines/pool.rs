//! The pool: transactions that wait for a block.
//!
//! Each account has a queue in nonce order, of which the whole cost is covered by its balance; so every transaction in
//! the pool can be mined as soon as those before it are. Full at a byte cap: then the lowest fee per byte leaves.
//! Called by [`crate::chain`] only; everybody else reads a [`PoolView`].

mod outlook;
#[cfg(test)]
mod tests;

pub use outlook::{Outlook, Place};

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use ledger::{
    Account, AccountSource, Address, Amount, CheckedTransaction, Network, NetworkSpec, TxError, TxId, ViewError,
};
use thiserror::Error;

/// Bytes of all transactions: four full blocks.
pub const MAX_BYTES: usize = 8_000_000;
/// Transactions of one account: more than any wallet queues, and a twentieth of a pool of small ones.
pub const MAX_PER_ACCOUNT: usize = 2_000;
/// How far a nonce may run ahead of the first that is missing. Clients that post many at once arrive in any order.
pub const MAX_GAP: u64 = 1_000;
/// A transaction that nobody mined for this long is forgotten.
pub const EXPIRY_MS: u64 = 3 * 60 * 60 * 1000;
/// A replacement pays at least this much more, or a tenth of the old fee if that is more.
pub const MIN_FEE_RISE: Amount = Amount::drops(10_000);

/// Why the pool refuses a valid transaction.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PoolError {
    /// It is there already.
    #[error("the transaction is waiting already")]
    Known,
    /// The accounts do not allow it.
    #[error("{0}")]
    Invalid(#[from] TxError),
    /// The nonce is too far ahead.
    #[error("nonce {got} is too far ahead, the account's next nonce is {next}")]
    GapTooWide {
        /// The nonce of the transaction.
        got: u64,
        /// The account's next nonce, after all that waits in a row.
        next: u64,
    },
    /// Another transaction with this nonce waits, and the fee is not enough to replace it.
    #[error("a transaction with this nonce waits already, replacing it needs a fee of {needed} Barrel")]
    FeeTooLow {
        /// The least fee that replaces.
        needed: Amount,
    },
    /// The account has too many.
    #[error("too many transactions of this account wait already, the limit is {MAX_PER_ACCOUNT}")]
    AccountFull,
    /// The pool has no room for this fee.
    #[error("the pool is full, a fee of more than {needed} Barrel would make room")]
    Full {
        /// The fee that is not enough.
        needed: Amount,
    },
    /// The accounts cannot be read.
    #[error("{0}")]
    View(#[from] ViewError),
}

/// Changes that a view remembers: what a busy network brings in some seconds, 5 MB at most.
const MAX_CHANGES: usize = 4_096;

/// A transaction that came into the pool or left it.
#[derive(Debug, Clone)]
pub struct Change {
    /// The transaction.
    pub tx: Arc<CheckedTransaction>,
    /// Whether it came.
    pub entered: bool,
}

/// A transaction that waits, and since when on the monotonic clock.
#[derive(Debug, Clone)]
struct Waiting {
    tx: Arc<CheckedTransaction>,
    since: u64,
}

/// What others see of an account's queue.
#[derive(Debug, Clone, Copy)]
struct QueueView {
    /// The nonce after the run that can be mined.
    next_nonce: u64,
    /// Its transactions, also those behind a gap.
    waiting: usize,
}

/// What others see of the pool: cheap to take, never changes.
#[derive(Debug, Clone, Default)]
pub struct PoolView {
    transactions: imbl::HashMap<TxId, Waiting>,
    queues: imbl::HashMap<Address, QueueView>,
    bytes: usize,
    version: u64,
    /// The last changes, the oldest first.
    log: imbl::Vector<Change>,
    /// All changes so far.
    changes: u64,
}

impl PoolView {
    /// How many transactions came or left so far.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// What came or left since there were `seen` changes; none if that is too long ago to be remembered.
    pub fn changes_since(&self, seen: u64) -> Option<impl Iterator<Item = &Change>> {
        let count = usize::try_from(self.changes.saturating_sub(seen)).ok()?;
        let known = self.log.len().checked_sub(count)?;
        Some(self.log.iter().skip(known))
    }

    fn remember(&mut self, tx: &Arc<CheckedTransaction>, entered: bool) {
        self.changes += 1;
        self.log.push_back(Change { tx: tx.clone(), entered });
        if self.log.len() > MAX_CHANGES {
            self.log.pop_front();
        }
    }

    /// The nonce after the account's queue, if it has one.
    pub fn next_nonce(&self, address: &Address) -> Option<u64> {
        self.queues.get(address).map(|queue| queue.next_nonce)
    }

    /// How many transactions of an account wait.
    pub fn waiting_of(&self, address: &Address) -> usize {
        self.queues.get(address).map_or(0, |queue| queue.waiting)
    }

    /// A transaction that waits.
    pub fn get(&self, id: &TxId) -> Option<Arc<CheckedTransaction>> {
        self.transactions.get(id).map(|waiting| waiting.tx.clone())
    }

    /// Since when a transaction waits, on the monotonic clock.
    pub fn since(&self, id: &TxId) -> Option<u64> {
        self.transactions.get(id).map(|waiting| waiting.since)
    }

    /// Whether a transaction waits.
    pub fn contains(&self, id: &TxId) -> bool {
        self.transactions.contains_key(id)
    }

    /// All that wait, in no order.
    pub fn transactions(&self) -> impl Iterator<Item = &Arc<CheckedTransaction>> {
        self.transactions.values().map(|waiting| &waiting.tx)
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.transactions.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.transactions.is_empty()
    }

    /// Another number after every change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Their size together.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Fee per byte in thousandths of a drop, then age: the first is the first to leave.
type Rank = (u64, std::cmp::Reverse<u64>, TxId);

#[derive(Debug)]
struct Entry {
    tx: Arc<CheckedTransaction>,
    added_at: u64,
    rank: Rank,
}

#[derive(Debug)]
struct Queue {
    account: Account,
    entries: BTreeMap<u64, Entry>,
    /// The nonce after the run that starts at the account's next nonce. Kept up to date, like the cost: queues are long.
    next_nonce: u64,
    /// What all together cost.
    cost: u128,
}

impl Queue {
    fn new(account: Account) -> Self {
        Self { account, entries: BTreeMap::new(), next_nonce: account.nonce, cost: 0 }
    }

    fn insert(&mut self, entry: Entry) {
        self.cost += cost(&entry.tx);
        self.entries.insert(entry.tx.nonce(), entry);
        self.extend_run();
    }

    fn remove(&mut self, nonce: u64) -> Option<Entry> {
        let entry = self.entries.remove(&nonce)?;
        self.cost -= cost(&entry.tx);
        if nonce >= self.account.nonce {
            self.next_nonce = self.next_nonce.min(nonce);
        }
        Some(entry)
    }

    /// The account moved on, or back after a reorganisation.
    fn set_account(&mut self, account: Account) {
        let forward = account.nonce >= self.account.nonce;
        self.account = account;
        self.next_nonce = if forward { self.next_nonce.max(account.nonce) } else { account.nonce };
        self.extend_run();
    }

    fn extend_run(&mut self) {
        while self.entries.contains_key(&self.next_nonce)
            && let Some(next) = self.next_nonce.checked_add(1)
        {
            self.next_nonce = next;
        }
    }
}

/// The transactions that wait.
#[derive(Debug)]
pub struct Pool {
    network: Arc<Network>,
    queues: HashMap<Address, Queue>,
    ranks: BTreeSet<Rank>,
    by_leaf: HashMap<[u8; 8], TxId>,
    view: PoolView,
    counter: u64,
    max_bytes: usize,
}

impl Pool {
    /// An empty pool.
    pub fn new(network: Arc<Network>) -> Self {
        Self::with_capacity(network, MAX_BYTES)
    }

    /// An empty pool with another byte cap.
    pub fn with_capacity(network: Arc<Network>, max_bytes: usize) -> Self {
        Self {
            network,
            queues: HashMap::new(),
            ranks: BTreeSet::new(),
            by_leaf: HashMap::new(),
            view: PoolView::default(),
            counter: 0,
            max_bytes,
        }
    }

    /// What others may see.
    pub fn view(&self) -> &PoolView {
        &self.view
    }

    /// Finds a transaction by the first eight bytes of its leaf, as block announcements name it.
    pub fn by_short_id(&self, short: &[u8; 8]) -> Option<Arc<CheckedTransaction>> {
        self.view.get(self.by_leaf.get(short)?)
    }

    /// What can be refused without looking at the signature: a used nonce, a wide gap, no coins.
    pub fn precheck(
        &self,
        sender: &Address,
        nonce: u64,
        cost: Amount,
        accounts: &dyn AccountSource,
    ) -> Result<(), PoolError> {
        let account = self.account(sender, accounts)?;
        if nonce < account.nonce {
            return Err(TxError::NonceUsed { got: nonce, next: account.nonce }.into());
        }
        let next = self.view.next_nonce(sender).unwrap_or(account.nonce);
        if nonce.saturating_sub(next) > MAX_GAP {
            return Err(PoolError::GapTooWide { got: nonce, next });
        }
        if cost > account.balance {
            return Err(TxError::InsufficientBalance { needed: cost, balance: account.balance }.into());
        }
        Ok(())
    }

    /// Takes a transaction in, if the accounts, its fee and the caps allow.
    pub fn add(
        &mut self,
        tx: Arc<CheckedTransaction>,
        mono: u64,
        accounts: &dyn AccountSource,
    ) -> Result<(), PoolError> {
        if self.view.transactions.contains_key(&tx.id()) {
            return Err(PoolError::Known);
        }
        let needed = tx.amount().checked_add(tx.fee()).ok_or(TxError::AmountOverflow)?;
        self.precheck(&tx.sender(), tx.nonce(), needed, accounts)?;
        let account = self.account(&tx.sender(), accounts)?;
        let queue = self.queues.get(&tx.sender());
        let replaced = queue.and_then(|queue| queue.entries.get(&tx.nonce())).map(|entry| entry.tx.clone());
        if let Some(old) = &replaced {
            let rise = MIN_FEE_RISE.as_drops().max(old.fee().as_drops() / 10);
            let least = Amount::drops(old.fee().as_drops().saturating_add(rise));
            if tx.fee() < least {
                return Err(PoolError::FeeTooLow { needed: least });
            }
        } else if queue.is_some_and(|queue| queue.entries.len() >= MAX_PER_ACCOUNT) {
            return Err(PoolError::AccountFull);
        }
        let others = queue.map_or(0, |queue| queue.cost) - replaced.as_deref().map_or(0, cost);
        let total = others + cost(&tx);
        if total > u128::from(account.balance.as_drops()) {
            let needed = Amount::drops(u64::try_from(total).unwrap_or(u64::MAX));
            return Err(TxError::InsufficientBalance { needed, balance: account.balance }.into());
        }
        self.make_room(&tx, replaced.as_deref())?;
        if let Some(old) = replaced {
            self.remove(&old.sender(), old.nonce());
        }
        self.insert(tx, account, mono);
        Ok(())
    }

    /// Takes in a transaction whose block left the chain. It stands before what was queued on top of it: where the
    /// balance does not cover all, the later ones leave.
    pub fn put_back(
        &mut self,
        tx: Arc<CheckedTransaction>,
        mono: u64,
        accounts: &dyn AccountSource,
    ) -> Result<(), PoolError> {
        match self.add(tx.clone(), mono, accounts) {
            Err(PoolError::Invalid(TxError::InsufficientBalance { .. })) => {}
            done => return done,
        }
        let cost = tx.amount().checked_add(tx.fee()).ok_or(TxError::AmountOverflow)?;
        self.precheck(&tx.sender(), tx.nonce(), cost, accounts)?;
        if let Some(next) = tx.nonce().checked_add(1) {
            self.remove_from(&tx.sender(), next);
        }
        self.add(tx, mono, accounts)
    }

    /// Forgets what waited too long.
    pub fn expire(&mut self, mono: u64) {
        let old = |entry: &Entry| entry.added_at.saturating_add(EXPIRY_MS) <= mono;
        let expired: Vec<_> = self
            .queues
            .iter()
            .filter_map(|(sender, queue)| Some((*sender, *queue.entries.iter().find(|(_, entry)| old(entry))?.0)))
            .collect();
        for (sender, from) in expired {
            self.remove_from(&sender, from);
        }
    }

    /// Brings the queues of `touched` accounts in line with a new tip: mined and impossible ones leave.
    pub fn settle<'a>(
        &mut self,
        touched: impl Iterator<Item = &'a Address>,
        accounts: &dyn AccountSource,
    ) -> Result<(), ViewError> {
        for address in touched {
            if !self.queues.contains_key(address) {
                continue;
            }
            let account = self.read(address, accounts)?;
            let queue = self.queues.get_mut(address);
            let Some(queue) = queue else { continue };
            queue.set_account(account);
            let used: Vec<u64> = queue.entries.range(..account.nonce).map(|(nonce, _)| *nonce).collect();
            let mut left = u128::from(account.balance.as_drops());
            let unpayable = queue.entries.range(account.nonce..).find_map(|(nonce, entry)| {
                match left.checked_sub(cost(&entry.tx)) {
                    Some(rest) => {
                        left = rest;
                        None
                    }
                    None => Some(*nonce),
                }
            });
            for nonce in used {
                self.remove(address, nonce);
            }
            if let Some(from) = unpayable {
                self.remove_from(address, from);
            }
            self.refresh_next_nonce(address);
        }
        Ok(())
    }

    /// Whose transactions wait.
    pub fn senders(&self) -> Vec<Address> {
        self.queues.keys().copied().collect()
    }

    /// The best transactions for a block: highest fee per byte first, nonces in order, within the network's limits.
    pub fn select(&self) -> Vec<Arc<CheckedTransaction>> {
        let spec = &self.network.spec;
        let mut bytes_left = room(spec);
        let mut barreleye_left = spec.max_barreleye_bytes as usize;
        let mut heads: BTreeSet<(Rank, Address, u64)> = BTreeSet::new();
        let head = |address: &Address, nonce: u64| {
            let entry = self.queues.get(address)?.entries.get(&nonce)?;
            Some((entry.rank, *address, nonce))
        };
        heads.extend(self.queues.iter().filter_map(|(address, queue)| head(address, queue.account.nonce)));
        let mut chosen = Vec::new();
        while chosen.len() < spec.max_block_transactions as usize {
            let Some((_, address, nonce)) = heads.pop_last() else { break };
            let Some(entry) = self.queues.get(&address).and_then(|queue| queue.entries.get(&nonce)) else { break };
            let size = entry.tx.size();
            let barreleye = if entry.tx.is_barreleye() { size } else { 0 };
            if size > bytes_left || barreleye > barreleye_left {
                continue;
            }
            bytes_left -= size;
            barreleye_left -= barreleye;
            chosen.push(entry.tx.clone());
            heads.extend(head(&address, nonce + 1));
        }
        chosen
    }

    fn account(&self, address: &Address, accounts: &dyn AccountSource) -> Result<Account, ViewError> {
        match self.queues.get(address) {
            Some(queue) => Ok(queue.account),
            None => self.read(address, accounts),
        }
    }

    fn read(&self, address: &Address, accounts: &dyn AccountSource) -> Result<Account, ViewError> {
        let new = Account { balance: Amount::ZERO, nonce: self.network.nonce_base };
        Ok(accounts.account(address)?.unwrap_or(new))
    }

    /// Lets the worst leave until `tx` fits, or refuses it and lets nobody leave when that would cost better ones.
    ///
    /// A transaction can be mined only after those before it in its account's queue. So these stay, and not only it but
    /// all of them together must pay more per byte than what leaves.
    fn make_room(&mut self, tx: &CheckedTransaction, replaced: Option<&CheckedTransaction>) -> Result<(), PoolError> {
        let freed = replaced.map_or(0, CheckedTransaction::size);
        let mut excess = (self.view.bytes + tx.size()).saturating_sub(self.max_bytes + freed);
        if excess == 0 {
            return Ok(());
        }
        let own = self.queues.get(&tx.sender());
        let before = own.into_iter().flat_map(|queue| queue.entries.range(..tx.nonce()));
        let (fees, bytes) = before.fold((0, tx.size() as u128), |(fees, bytes), (_, Entry { tx, .. })| {
            (fees + u128::from(tx.fee().as_drops()), bytes + tx.size() as u128)
        });
        let together = (fees + u128::from(tx.fee().as_drops())) * 1000 / bytes;
        let rate = together.min(u128::from(fee_per_byte(tx)));
        // From which nonce on an account's queue leaves: never from its middle, as what follows could not be mined.
        let mut leaving: BTreeMap<Address, u64> = BTreeMap::new();
        for (worst_rate, _, id) in &self.ranks {
            if excess == 0 {
                break;
            }
            let Some(worst) = self.view.get(id) else { continue };
            if worst.sender() == tx.sender() && worst.nonce() <= tx.nonce() {
                continue;
            }
            if u128::from(*worst_rate) >= rate {
                let more = u128::from(*worst_rate) + 1;
                let needed = (more * bytes / 1000).saturating_sub(fees).max(more * tx.size() as u128 / 1000);
                let needed = u64::try_from(needed).unwrap_or(u64::MAX);
                return Err(PoolError::Full { needed: Amount::drops(needed) });
            }
            // What follows the worst cannot be mined without it, and what is before the end can be mined without the end.
            let left_from = leaving.get(&worst.sender()).copied().unwrap_or(u64::MAX);
            let queue = self.queues.get(&worst.sender()).filter(|_| worst.nonce() < left_from);
            let behind = queue.into_iter().flat_map(|queue| queue.entries.range(worst.nonce()..left_from).rev());
            for (nonce, entry) in behind {
                if excess == 0 {
                    break;
                }
                excess = excess.saturating_sub(entry.tx.size());
                leaving.insert(worst.sender(), *nonce);
            }
        }
        if excess > 0 {
            // Only what it follows is left.
            return Err(PoolError::AccountFull);
        }
        for (sender, from) in leaving {
            self.remove_from(&sender, from);
        }
        Ok(())
    }

    fn insert(&mut self, tx: Arc<CheckedTransaction>, account: Account, mono: u64) {
        self.counter += 1;
        let rank = (fee_per_byte(&tx), std::cmp::Reverse(self.counter), tx.id());
        let sender = tx.sender();
        self.ranks.insert(rank);
        self.by_leaf.insert(short_id(&tx), tx.id());
        self.view.bytes += tx.size();
        self.view.transactions.insert(tx.id(), Waiting { tx: tx.clone(), since: mono });
        self.view.remember(&tx, true);
        let queue = self.queues.entry(sender).or_insert_with(|| Queue::new(account));
        queue.insert(Entry { tx, added_at: mono, rank });
        self.refresh_next_nonce(&sender);
    }

    fn remove(&mut self, sender: &Address, nonce: u64) {
        let Some(queue) = self.queues.get_mut(sender) else { return };
        let Some(Entry { tx, rank, .. }) = queue.remove(nonce) else { return };
        if queue.entries.is_empty() {
            self.queues.remove(sender);
        }
        self.ranks.remove(&rank);
        self.by_leaf.remove(&short_id(&tx));
        self.view.bytes -= tx.size();
        self.view.transactions.remove(&tx.id());
        self.view.remember(&tx, false);
        self.refresh_next_nonce(sender);
    }

    /// Removes a transaction and all that can only follow it.
    fn remove_from(&mut self, sender: &Address, from: u64) {
        let nonces: Vec<u64> = self
            .queues
            .get(sender)
            .map(|queue| queue.entries.range(from..).map(|(nonce, _)| *nonce).collect())
            .unwrap_or_default();
        for nonce in nonces {
            self.remove(sender, nonce);
        }
    }

    fn refresh_next_nonce(&mut self, sender: &Address) {
        self.view.version += 1;
        let queue = self.queues.get(sender).map(|queue| (queue.next_nonce, queue.entries.len()));
        match queue {
            Some((next_nonce, waiting)) => self.view.queues.insert(*sender, QueueView { next_nonce, waiting }),
            None => self.view.queues.remove(sender),
        };
    }
}

/// The first eight bytes of the leaf.
pub fn short_id(tx: &CheckedTransaction) -> [u8; 8] {
    let mut short = [0; 8];
    short.copy_from_slice(&tx.leaf().0[..8]);
    short
}

fn cost(tx: &CheckedTransaction) -> u128 {
    u128::from(tx.amount().as_drops()) + u128::from(tx.fee().as_drops())
}

/// Bytes of transactions that fit into a block.
fn room(spec: &NetworkSpec) -> usize {
    spec.max_block_bytes as usize - ledger::HEADER_BYTES - 64
}

/// The fee in thousandths of a drop for each byte.
pub fn fee_per_byte(tx: &CheckedTransaction) -> u64 {
    let milli_drops = u128::from(tx.fee().as_drops()) * 1000 / tx.size() as u128;
    u64::try_from(milli_drops).unwrap_or(u64::MAX)
}

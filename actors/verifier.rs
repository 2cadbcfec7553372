//! The verifier threads: everything about blocks and transactions that needs no account, in parallel.
//!
//! Whose signature a checked one was is remembered, so that what came by gossip before costs only hashing when it comes
//! again in a block. Its threads are less urgent than all others but the hashing one: HTTP and the chain go first.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ledger::{Address, Block, CheckedTransaction, Digest, Network, Transaction, TxError, check};
use machines::chain::{Event, Origin, Source};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::{Mail, Port, Urgency, Vital};

/// Jobs of blocks that may wait. The chain sends at most 4 096 blocks at once, and a job has at least one.
const BLOCK_JOBS: usize = 4_096;
/// Jobs of transactions that may wait; beyond it a client hears that the node is busy, and gossip is ignored.
const TRANSACTION_JOBS: usize = 1_024;
/// Signatures that are remembered, twice: 52 bytes each.
const REMEMBERED: usize = 100_000;
/// Invalid transactions of one gossip message after which the rest of it is not looked at: more would only cost more.
const MAX_INVALID: usize = 10;
/// How often a thread without work shows that it lives.
const BEAT: Duration = Duration::from_millis(500);
/// Signatures that one thread takes at a time: about half a millisecond.
const CHUNK: usize = 16;

struct BlockJob {
    blocks: Vec<Block>,
    source: Source,
    reply: Port<Mail<Event>>,
}

struct TransactionJob {
    transactions: Vec<Transaction>,
    origin: Origin,
    reply: Port<Mail<Event>>,
}

/// The way to the verifier threads.
#[derive(Clone)]
pub struct Verifier {
    blocks: SyncSender<BlockJob>,
    transactions: SyncSender<TransactionJob>,
}

/// The verifier threads; they end when the last [`Verifier`] is dropped.
pub struct VerifierThreads {
    threads: Vec<JoinHandle<()>>,
}

impl Verifier {
    /// Starts a pool with a thread for each core, and two threads that hand it work.
    pub fn start(network: Arc<Network>, vital: &Vital) -> io::Result<(Self, VerifierThreads)> {
        let pool = ThreadPoolBuilder::new()
            .thread_name(|i| format!("verifier-{i}"))
            .start_handler(|_| Urgency::Signatures.take());
        let pool = Arc::new(pool.build().map_err(io::Error::other)?);
        let (block_jobs, blocks) = mpsc::sync_channel(BLOCK_JOBS);
        let (transaction_jobs, transactions) = mpsc::sync_channel(TRANSACTION_JOBS);
        let seen = Arc::new(Seen::default());
        let for_blocks = Worker { network, seen, pool, vital: vital.of("verify-blocks") };
        let for_transactions = Worker { vital: vital.of("verify-txs"), ..for_blocks.clone() };
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| thread::Builder::new().name(name.into()).spawn(run);
        let threads = vec![
            spawn("verify-blocks", Box::new(move || for_blocks.check_blocks(&blocks)))?,
            spawn("verify-txs", Box::new(move || for_transactions.check_transactions(&transactions)))?,
        ];
        Ok((Self { blocks: block_jobs, transactions: transaction_jobs }, VerifierThreads { threads }))
    }

    /// Checks blocks by themselves; the answer is [`Event::BlocksChecked`].
    pub fn blocks(&self, blocks: Vec<Block>, source: Source, reply: Port<Mail<Event>>) -> Result<(), Full> {
        self.blocks.try_send(BlockJob { blocks, source, reply }).map_err(|_| Full)
    }

    /// Checks transactions by themselves; the answer is [`Event::TransactionsChecked`].
    pub fn transactions(
        &self,
        transactions: Vec<Transaction>,
        origin: Origin,
        reply: Port<Mail<Event>>,
    ) -> Result<(), Full> {
        let job = TransactionJob { transactions, origin, reply };
        self.transactions.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => Full,
        })
    }
}

impl VerifierThreads {
    /// Waits for the threads to end.
    pub fn join(self) {
        for thread in self.threads {
            // One that panicked has reported that already.
            drop(thread.join());
        }
    }
}

/// The verifier has too much to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

#[derive(Clone)]
struct Worker {
    network: Arc<Network>,
    seen: Arc<Seen>,
    pool: Arc<ThreadPool>,
    vital: Vital,
}

impl Worker {
    fn check_blocks(&self, jobs: &Receiver<BlockJob>) {
        while let Some(BlockJob { blocks, source, reply }) = self.next(jobs) {
            let results = self.pool.install(|| blocks.into_par_iter().map(|block| self.check_block(block)).collect());
            reply.post_from_thread(Mail(Event::BlocksChecked { results, source }));
        }
    }

    /// Waits for a job; none when nobody can give any.
    fn next<J>(&self, jobs: &Receiver<J>) -> Option<J> {
        loop {
            self.vital.beat();
            match jobs.recv_timeout(BEAT) {
                Err(RecvTimeoutError::Timeout) => {}
                job => return job.ok(),
            }
        }
    }

    fn check_block(&self, block: Block) -> Result<Arc<ledger::CheckedBlock>, (ledger::BlockId, ledger::BlockError)> {
        // Blocks come by the thousand; each is a sign of life.
        self.vital.beat();
        let id = block.header.id();
        check::block_alone_with(block, &self.network, |transactions| {
            let one = |tx: check::Unchecked| {
                let known = self.seen.sender(&tx.leaf);
                tx.check(&self.network, known)
            };
            transactions.into_par_iter().with_min_len(CHUNK).map(one).collect()
        })
        .map(Arc::new)
        .map_err(|error| (id, error))
    }

    fn check_transactions(&self, jobs: &Receiver<TransactionJob>) {
        while let Some(TransactionJob { transactions, origin, reply }) = self.next(jobs) {
            let results = self.check_batch(transactions);
            reply.post_from_thread(Mail(Event::TransactionsChecked { results, origin }));
        }
    }

    /// The transactions of one message, up to where it is known to be no good.
    fn check_batch(&self, transactions: Vec<Transaction>) -> Vec<Result<Arc<CheckedTransaction>, TxError>> {
        let (invalid, looked_at) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let one = |tx: Transaction| {
            if invalid.load(Ordering::Relaxed) >= MAX_INVALID {
                return None;
            }
            let checked = tx.check(&self.network, |leaf| self.seen.sender(leaf));
            match &checked {
                Ok(tx) => self.seen.insert(tx.leaf(), tx.sender()),
                Err(_) => _ = invalid.fetch_add(1, Ordering::Relaxed),
            }
            if looked_at.fetch_add(1, Ordering::Relaxed) % CHUNK == CHUNK - 1 {
                // Transactions are in no hurry, others may be: the system by itself changes threads every few
                // milliseconds only.
                thread::yield_now();
            }
            Some(checked.map(Arc::new))
        };
        self.pool.install(|| transactions.into_par_iter().with_min_len(CHUNK).filter_map(one).collect())
    }
}

/// Leaves whose signatures were checked, and whose they are: a young and an old generation, so that the oldest are
/// forgotten together.
#[derive(Default)]
struct Seen {
    generations: RwLock<[HashMap<Digest, Address>; 2]>,
}

impl Seen {
    fn sender(&self, leaf: &Digest) -> Option<Address> {
        // A map of plain data is whole whatever panicked beside it.
        let generations = self.generations.read().unwrap_or_else(PoisonError::into_inner);
        generations.iter().find_map(|generation| generation.get(leaf).copied())
    }

    fn insert(&self, leaf: Digest, sender: Address) {
        let mut generations = self.generations.write().unwrap_or_else(PoisonError::into_inner);
        generations[0].insert(leaf, sender);
        if generations[0].len() >= REMEMBERED {
            generations.swap(0, 1);
            generations[0].clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use ledger::{Amount, NetworkSpec, PublicKey, SecretKey, Signature, Transfer};

    use super::*;

    #[test]
    fn the_memory_of_signatures_is_bounded_and_keeps_the_latest() {
        let seen = Seen::default();
        let leaf = |i: usize| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&i.to_le_bytes());
            Digest(bytes)
        };
        for i in 0..3 * REMEMBERED {
            seen.insert(leaf(i), Address::ZERO);
        }
        assert!(seen.sender(&leaf(3 * REMEMBERED - 1)).is_some());
        assert!(seen.sender(&leaf(0)).is_none());
        let kept: usize = seen.generations.read().unwrap().iter().map(HashMap::len).sum();
        assert!(kept <= 2 * REMEMBERED);
    }

    fn worker() -> Worker {
        let network = Arc::new(Network::new(NetworkSpec::built_in("regtest").unwrap()).unwrap());
        let pool = Arc::new(ThreadPoolBuilder::new().num_threads(2).build().unwrap());
        let (vital, _watch) = Vital::channel();
        Worker { network, seen: Arc::default(), pool, vital }
    }

    #[test]
    fn t11_a_signature_that_was_checked_is_not_checked_again_and_neither_is_its_key() {
        let worker = worker();
        let (key, to) = (SecretKey::from_bytes([1; 32]).unwrap(), Address([2; 20]));
        let good = Transfer::sign(&key, &worker.network.chain, to, Amount::drops(1), Amount::ZERO, 0, Vec::new());
        let forgery = Transaction::Transfer(Transfer { amount: Amount::drops(2), ..good.clone() });
        assert!(worker.check_batch(vec![forgery.clone()])[0].is_err());
        let no_key = Transaction::Transfer(Transfer { from: PublicKey::ZERO, ..good });
        assert!(worker.check_batch(vec![no_key.clone()])[0].is_err());
        // As if they had been good: only a check of the signature or a look at the key could tell the difference.
        for bad in [forgery, no_key] {
            worker.seen.insert(bad.leaf(), key.address());
            let checked = worker.check_batch(vec![bad]).remove(0).unwrap();
            assert_eq!(checked.sender(), key.address());
        }
    }

    #[test]
    fn t01_a_message_of_bad_signatures_costs_ten_checks_and_not_two_thousand() {
        let worker = worker();
        let network = worker.network.clone();
        let key = SecretKey::from_bytes([1; 32]).unwrap();
        let pay = |i: u64, signature: Option<Signature>| {
            let (to, amount) = (Address([2; 20]), Amount::drops(i + 1));
            let good = Transfer::sign(&key, &network.chain, to, amount, Amount::ZERO, i, Vec::new());
            Transaction::Transfer(Transfer { signature: signature.unwrap_or(good.signature), ..good })
        };
        let Transaction::Transfer(other) = pay(5_000, None) else { panic!("it is a transfer") };
        let bad = worker.check_batch((0..2_000).map(|i| pay(i, Some(other.signature))).collect());
        // Each of two threads may look at one more before it hears of the tenth.
        assert!(
            (MAX_INVALID..=MAX_INVALID + 1).contains(&bad.len()) && bad.iter().all(Result::is_err),
            "{}",
            bad.len()
        );
        let good = worker.check_batch((0..500).map(|i| pay(i, None)).collect());
        assert!(good.len() == 500 && good.iter().all(Result::is_ok));
    }
}

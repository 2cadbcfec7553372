//! Filling a store with blocks from a file, from another store or from a node: the chain machine decides what becomes of
//! each, exactly as in a running node.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use ledger::{Block, BlockError, BlockId, ChainSource, CheckedBlock, Network, Tip, check};
use machines::chain::{Chain, Effect, Event, Source};
use machines::{Now, PeerId};
use store::{Reader, Store, StoreError, Write};
use thiserror::Error;

/// Bytes of blocks that are kept with one commit: a commit waits for the disk.
const BATCH_BYTES: usize = 4 << 20;
/// The same for small blocks.
const BATCH_BLOCKS: usize = 1_000;

/// Why a store cannot be filled.
#[derive(Debug, Error)]
pub enum FillError {
    /// A block breaks a rule.
    #[error("block {id} is refused: {error}")]
    Refused {
        /// The block.
        id: BlockId,
        /// The rule.
        error: BlockError,
    },
    /// What was given is no block.
    #[error("there is a block that cannot be read: {0}")]
    Unreadable(postcard::Error),
    /// The blocks do not lead to where they should.
    #[error("the blocks do not lead to block {0}: some are missing")]
    Gap(BlockId),
    /// The store cannot be written or read.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The same, in the words of the chain.
    #[error("{0}")]
    View(String),
}

/// What is checked of each block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Everything: it may come from anybody.
    Nobody,
    /// Not signatures and work: it was checked before it was kept in a store of this machine.
    OurStore,
}

/// A store that is being filled.
pub struct Filling {
    store: Store,
    reader: Reader,
    chain: Chain,
    network: Arc<Network>,
    trust: Trust,
    batch: Vec<Block>,
    bytes: usize,
}

impl Filling {
    /// Goes on from what `store` holds.
    pub fn new(store: Store, network: Arc<Network>, trust: Trust) -> Result<Self, FillError> {
        let reader = store.reader();
        let tip = reader.snapshot()?.tip().map_err(view)?;
        let chain = Chain::new(network.clone(), tip);
        Ok(Self { store, reader, chain, network, trust, batch: Vec::new(), bytes: 0 })
    }

    /// Takes the next block: postcard of it, after its parent.
    pub fn block(&mut self, bytes: &[u8]) -> Result<(), FillError> {
        self.batch.push(postcard::from_bytes(bytes).map_err(FillError::Unreadable)?);
        self.bytes += bytes.len();
        if self.bytes >= BATCH_BYTES || self.batch.len() >= BATCH_BLOCKS { self.flush() } else { Ok(()) }
    }

    /// Keeps records of peers and of the faucet.
    pub fn records(&mut self, records: &[Write]) -> Result<(), FillError> {
        Ok(self.store.write(records)?)
    }

    /// Keeps what is left, and gives where the chain ends. `end`, if named, must be there.
    pub fn finish(mut self, end: Option<BlockId>) -> Result<Tip, FillError> {
        self.flush()?;
        let snapshot = self.reader.snapshot()?;
        match end {
            Some(end) if snapshot.header(&end).map_err(view)?.is_none() => Err(FillError::Gap(end)),
            _ => snapshot.tip().map_err(view),
        }
    }

    /// Takes in what has gathered.
    pub fn flush(&mut self) -> Result<(), FillError> {
        self.bytes = 0;
        let mut blocks = std::mem::take(&mut self.batch);
        let snapshot = self.reader.snapshot()?;
        let mut failed = None;
        blocks.retain(|block| match snapshot.header(&block.header.id()) {
            Ok(known) => known.is_none(),
            Err(error) => {
                failed = Some(error);
                true
            }
        });
        drop(snapshot);
        if let Some(error) = failed {
            return Err(view(error));
        }
        if blocks.is_empty() {
            return Ok(());
        }
        let results = check_all(blocks, &self.network, self.trust);
        // Nobody is to be asked again: what is refused ends the filling.
        self.on(Event::BlocksChecked { results, source: Source::Sync(PeerId([0; 32])) })
    }

    /// Feeds an event to the machine and does what it wants done to the store.
    fn on(&mut self, event: Event) -> Result<(), FillError> {
        let mut next = Some(event);
        while let Some(event) = next.take() {
            let effects = match self.store.staged() {
                Some(staged) => self.chain.on(now(), event, &staged),
                None => self.chain.on(now(), event, &self.reader.snapshot()?),
            };
            for effect in effects {
                match effect {
                    Effect::Commit(commit) => self.store.commit(&commit)?,
                    Effect::Stage(part) => self.store.stage(&part)?,
                    Effect::Abandon => self.store.abandon()?,
                    Effect::GoOn => next = Some(Event::GoOn),
                    Effect::SyncRefused { id, error, .. } => return Err(FillError::Refused { id, error }),
                    Effect::Broken(why) => return Err(FillError::View(why)),
                    // There are no peers, clients or miners to hear of the rest.
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

fn view(error: ledger::ViewError) -> FillError {
    FillError::View(error.0)
}

fn now() -> Now {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    Now { mono: 0, unix }
}

type Checked = Result<Arc<CheckedBlock>, (BlockId, BlockError)>;

/// Checks blocks by themselves, on all cores.
fn check_all(blocks: Vec<Block>, network: &Network, trust: Trust) -> Vec<Checked> {
    let check = |block: Block| {
        let id = block.header.id();
        let checked = match trust {
            Trust::Nobody => check::block_alone(block, network, |_| None),
            Trust::OurStore => CheckedBlock::kept(block, network),
        };
        checked.map(Arc::new).map_err(|error| (id, error))
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let share = blocks.len().div_ceil(cores).max(1);
    let mut shares: Vec<Vec<Block>> = Vec::new();
    let mut blocks = blocks.into_iter().peekable();
    while blocks.peek().is_some() {
        shares.push(blocks.by_ref().take(share).collect());
    }
    std::thread::scope(|scope| {
        let check = &check;
        let threads: Vec<_> = shares
            .into_iter()
            .map(|share| scope.spawn(move || share.into_iter().map(check).collect::<Vec<_>>()))
            .collect();
        let joined = threads.into_iter().flat_map(|thread| match thread.join() {
            Ok(results) => results,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.collect()
    })
}

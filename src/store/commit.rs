//! A [`Commit`] into rows, in the order of its fields: keep, disconnect, connect, accounts.
//!
//! Trusts the rules but not the order: a commit that does not continue what is stored is refused as a whole.

use std::collections::HashMap;
use std::fmt::Display;

use ledger::{Address, BlockId, CheckedBlock, Commit, Connect, Height, Network, NewBlock, PublicKey};
use redb::{ReadableTable, WriteTransaction};

use crate::rows::{Rows, Tables};
use crate::sealed::{SEAL, seal};
use crate::tables::{
    EraKey, MINED, MainRow, POSITION, Position, account_row, block_position, era, era_key, header_row, lookup_key,
    missing_header, row_id,
};
use crate::{StoreError, body};

pub(crate) fn write(tx: &WriteTransaction, network: &Network, commit: &Commit) -> Result<(), StoreError> {
    let tables = Tables::open(tx)?;
    let top = Top::read(&tables)?;
    let mut writing =
        Writing { tables, network, top, rows: Rows::default(), kept: HashMap::new(), miners: HashMap::new() };
    writing.keep(&commit.keep)?;
    for id in &commit.disconnect {
        writing.disconnect(id)?;
    }
    for connect in &commit.connect {
        writing.connect(connect)?;
    }
    let Writing { mut tables, mut rows, top, .. } = writing;
    if (top.id, top.at.height) != (commit.tip.id, commit.tip.height) {
        let (left, said) = (top.id, commit.tip.id);
        return Err(StoreError::misfit(format!("it ends at block {left} but says that the tip is {said}")));
    }
    for (address, account) in &commit.accounts {
        match account {
            Some(account) => rows.accounts.add.push((address.0, account_row(address, account))),
            None => rows.accounts.remove.push(address.0),
        }
    }
    rows.write(&mut tables)
}

/// The end of the chain while blocks leave and join.
struct Top {
    at: Position,
    id: BlockId,
    /// Transactions up to and with it.
    count: u64,
}

impl Top {
    fn read(tables: &Tables) -> Result<Self, StoreError> {
        let (height, row) = match tables.main.last()? {
            Some((height, row)) => {
                let height = u64::from_be_bytes(*height.value());
                (height, MainRow::decode(height, row.value())?)
            }
            None => return Err(StoreError::damaged("there is no chain")),
        };
        Self::new(tables, height, row)
    }

    fn at(tables: &Tables, height: Height) -> Result<Self, StoreError> {
        let row =
            tables.main.get(&height.to_be_bytes())?.map(|row| MainRow::decode(height, row.value())).transpose()?;
        Self::new(tables, height, row.ok_or_else(|| StoreError::damaged(format!("the chain has no block {height}")))?)
    }

    fn new(tables: &Tables, height: Height, row: MainRow) -> Result<Self, StoreError> {
        let at = Position::new(height, row.index);
        let id = tables.headers.get(&at.key())?.map(|row| row_id(row.value())).ok_or_else(|| missing_header(at))?;
        Ok(Self { at, id, count: row.count })
    }
}

/// What leads to a block's transactions, and to what they and the block did to accounts.
struct Lookups {
    ids: Vec<EraKey>,
    accounts: Vec<EraKey>,
}

struct Writing<'t> {
    tables: Tables<'t>,
    network: &'t Network,
    top: Top,
    rows: Rows,
    /// Where the blocks of this commit are.
    kept: HashMap<BlockId, Position>,
    /// To derive an address costs 10 µs, and few miners make many blocks.
    miners: HashMap<PublicKey, Address>,
}

impl Writing<'_> {
    fn keep(&mut self, blocks: &[NewBlock]) -> Result<(), StoreError> {
        let highest = self.tables.headers.last()?.map_or(0, |(key, _)| Position::from_key(key.value()).height);
        let mut next: HashMap<Height, u32> = HashMap::with_capacity(blocks.len());
        self.kept.reserve(blocks.len());
        for NewBlock { block, work } in blocks {
            let height = block.header().height;
            let index = match next.get(&height) {
                Some(index) => *index,
                None if height > highest => 0,
                None => self.blocks_at(height)?,
            };
            let at = Position::new(height, index);
            next.insert(height, index + 1);
            if self.kept.insert(block.id(), at).is_some() {
                return Err(StoreError::misfit(format!("block {} is to be kept twice", block.id())));
            }
            self.rows.headers.add.push((at.key(), header_row(at, block, *work)));
            self.rows.bodies.add.push((at.key(), body::encode(at, block)?));
            self.rows.block_ids.add.push((lookup_key(&block.id().0, at), ()));
        }
        Ok(())
    }

    /// How many blocks of this height are stored.
    fn blocks_at(&self, height: Height) -> Result<u32, StoreError> {
        let (first, last) = (Position::new(height, 0).key(), Position::new(height, u32::MAX).key());
        let newest = self.tables.headers.range::<&[u8; POSITION]>(&first..=&last)?.next_back().transpose()?;
        Ok(newest.map_or(0, |(key, _)| Position::from_key(key.value()).index + 1))
    }

    /// The tip leaves the chain: its rows are found by reading its body.
    fn disconnect(&mut self, id: &BlockId) -> Result<(), StoreError> {
        let Top { at, id: top, .. } = self.top;
        if top != *id || at.height == 0 {
            return Err(StoreError::misfit(format!("block {id} cannot leave the chain, whose tip is {top}")));
        }
        let row = self.tables.bodies.get(&at.key())?;
        let row = row.ok_or_else(|| StoreError::damaged(format!("block {id} has no body")))?;
        let body = body::decode(body::opened(at, row.value())?)?;
        drop(row);
        let block = CheckedBlock::kept(body, self.network).map_err(|error| unusable(id, error))?;
        let below = Top::at(&self.tables, at.height - 1)?;
        let Lookups { ids, accounts } = self.lookups(&block, below.count)?;
        self.rows.tx_ids.remove.extend(ids);
        self.rows.history.remove.extend(accounts);
        self.rows.main.remove.push(at.height.to_be_bytes());
        self.rows.undo.remove.push(at.key());
        self.top = below;
        Ok(())
    }

    fn connect(&mut self, Connect { block, undo }: &Connect) -> Result<(), StoreError> {
        let (id, height) = (block.id(), block.header().height);
        let follows = block.header().previous == self.top.id && self.top.at.height.checked_add(1) == Some(height);
        if !follows {
            return Err(StoreError::misfit(format!("block {id} does not follow the tip {}", self.top.id)));
        }
        let at = match self.kept.get(&id) {
            Some(at) => *at,
            None => block_position(&self.tables.block_ids, &self.tables.headers, &id)?
                .ok_or_else(|| StoreError::misfit(format!("block {id} is to join the chain but is not kept")))?,
        };
        let Lookups { ids, accounts } = self.lookups(block, self.top.count)?;
        self.rows.tx_ids.add.extend(ids.into_iter().map(|key| (key, ())));
        self.rows.history.add.extend(accounts.into_iter().map(|key| (key, ())));
        let count = self.top.count + block.transactions().len() as u64;
        self.rows.main.add.push((height.to_be_bytes(), MainRow { index: at.index, count }.encode(height)));
        let mut undo = postcard::to_extend(undo, vec![0; SEAL]).map_err(|error| unusable(&id, error))?;
        seal(&at.key(), &mut undo);
        self.rows.undo.add.push((at.key(), undo));
        self.top = Top { at, id, count };
        Ok(())
    }

    /// The lookup keys of a block of the chain, before which the chain has `before` transactions.
    fn lookups(&mut self, block: &CheckedBlock, before: u64) -> Result<Lookups, StoreError> {
        let (height, count) = (block.header().height, block.transactions().len());
        let mut keys = Lookups { ids: Vec::with_capacity(count), accounts: Vec::with_capacity(2 * count + 1) };
        for (index, tx) in (0..).zip(block.transactions()) {
            let (era, at) = (era(before + u64::from(index)), Position::new(height, index));
            keys.ids.push(era_key(era, &tx.id().0, at));
            keys.accounts.extend([tx.sender(), tx.to()].map(|address| era_key(era, &address.0, at)));
        }
        let miner = self.miner(block)?;
        keys.accounts.push(era_key(era(before + count as u64), &miner.0, Position::new(height, MINED)));
        Ok(keys)
    }

    fn miner(&mut self, block: &CheckedBlock) -> Result<Address, StoreError> {
        let key = block.header().miner;
        if let Some(address) = self.miners.get(&key) {
            return Ok(*address);
        }
        let address = key.address().map_err(|error| unusable(&block.id(), error))?;
        self.miners.insert(key, address);
        Ok(address)
    }
}

fn unusable(id: &BlockId, error: impl Display) -> StoreError {
    StoreError::damaged(format!("block {id}: {error}"))
}

//! The tables, their keys and their rows: the format on disk.
//!
//! Keys that grow are appended, which a B-tree does fast at any size: what belongs to a block or a transaction is keyed
//! by its [`Position`]. What is looked up by hash goes through small tables of 8 bytes of the hash and a position; a
//! reader compares with the row found there, so two hashes with the same first bytes do no harm. Integers are
//! big-endian, so that keys sort as numbers. Rows with a content of ours are [sealed](crate::sealed). A change of anything here needs
//! a new [`crate::SCHEMA`].
//!
//! Lookups of transactions and accounts begin with an [`era`]: random keys are slow in a large tree, where each touches
//! a page of its own, so only the newest era is written to. A reader asks the eras one after another, the newest first:
//! some 2 µs for each 65 536 transactions of the chain.

use ledger::{
    Account, Address, Amount, BlockId, CheckedBlock, CompactTarget, Digest, Header, Height, PublicKey, Signature,
    StoredHeader, Work,
};
use redb::{ReadableTable, TableDefinition};

use crate::StoreError;
use crate::sealed::{SEAL, opened, seal};

/// Bytes of a hash or an address that a lookup key holds.
const PREFIX: usize = 8;
/// Bytes of an encoded [`Position`].
pub(crate) const POSITION: usize = 12;
/// Bytes of a lookup key.
pub(crate) const LOOKUP: usize = PREFIX + POSITION;
/// Bytes of a lookup key of an era.
pub(crate) const ERA_LOOKUP: usize = 4 + LOOKUP;
/// Transactions of an era, as a power of two. Larger: more pages written per block. Smaller: more eras to ask.
const ERA_BITS: u32 = 16;
/// Bytes of a header's row.
pub(crate) const HEADER: usize = SEAL + 253;
/// Bytes of a row of the chain.
pub(crate) const MAIN_ROW: usize = SEAL + 12;
/// Bytes of an account's row.
pub(crate) const ACCOUNT: usize = SEAL + 16;

/// A key made of a position.
pub(crate) type PositionKey = [u8; POSITION];
/// A key made of the first bytes of a hash or an address, and a position.
pub(crate) type LookupKey = [u8; LOOKUP];
/// A [`LookupKey`] behind its era.
pub(crate) type EraKey = [u8; ERA_LOOKUP];

pub(crate) type Table<const K: usize, V> = TableDefinition<'static, &'static [u8; K], V>;

/// `schema`: u32. `chain`: the id of genesis. `accounts`: the [`crate::sealed::AccountsDigest`].
pub(crate) const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
/// Where [`META`] has the digest of all accounts.
pub(crate) const ACCOUNTS_KEY: &str = "accounts";
/// Headers of all branches: height ‖ how many blocks of this height came before → [`header_row`].
pub(crate) const HEADERS: Table<POSITION, &[u8; HEADER]> = TableDefinition::new("headers");
/// Whole blocks of all branches by the key of their header → seal ‖ postcard of the block.
pub(crate) const BODIES: Table<POSITION, &[u8]> = TableDefinition::new("bodies");
/// First bytes of a block's id ‖ key of its header.
pub(crate) const BLOCK_IDS: Table<LOOKUP, ()> = TableDefinition::new("block_ids");
/// The chain: height → seal ‖ which of the blocks at this height ‖ number of transactions up to and with it.
pub(crate) const MAIN: Table<8, &[u8; MAIN_ROW]> = TableDefinition::new("main");
/// What undoes a block of the chain, by the key of its header → seal ‖ postcard of the undo.
pub(crate) const UNDO: Table<POSITION, &[u8]> = TableDefinition::new("undo");
/// Era ‖ first bytes of a transaction's id ‖ height ‖ index in its block. Only of the chain.
pub(crate) const TX_IDS: Table<ERA_LOOKUP, ()> = TableDefinition::new("tx_ids");
/// Era ‖ first bytes of an address ‖ height ‖ index of the transaction, or [`MINED`]. Only of the chain.
pub(crate) const HISTORY: Table<ERA_LOOKUP, ()> = TableDefinition::new("history");
/// Address → seal ‖ balance ‖ nonce.
pub(crate) const ACCOUNTS: Table<20, &[u8; ACCOUNT]> = TableDefinition::new("accounts");
/// Peer → opaque record.
pub(crate) const PEERS: Table<32, &[u8]> = TableDefinition::new("peers");
/// The faucet's records: opaque under opaque names.
pub(crate) const FAUCET: TableDefinition<&[u8], &[u8]> = TableDefinition::new("faucet");

/// Stands for the index of a transaction where a miner is paid, which happens after all transactions.
pub(crate) const MINED: u32 = u32::MAX;

/// Where something is: a height, and which of several things at that height.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub height: Height,
    pub index: u32,
}

impl Position {
    pub fn new(height: Height, index: u32) -> Self {
        Self { height, index }
    }

    pub fn key(self) -> PositionKey {
        let mut key = [0; POSITION];
        key[..8].copy_from_slice(&self.height.to_be_bytes());
        key[8..].copy_from_slice(&self.index.to_be_bytes());
        key
    }

    pub fn from_key(key: &PositionKey) -> Self {
        Self { height: u64::from_be_bytes(part(key, 0)), index: u32::from_be_bytes(part(key, 8)) }
    }
}

/// The key under which `hash`, a hash or an address, leads to `at`.
pub(crate) fn lookup_key(hash: &[u8], at: Position) -> LookupKey {
    let mut key = [0; LOOKUP];
    key[..PREFIX].copy_from_slice(&hash[..PREFIX]);
    key[PREFIX..].copy_from_slice(&at.key());
    key
}

/// Where a lookup key leads.
pub(crate) fn looked_up(key: &LookupKey) -> Position {
    Position::from_key(&part(key, PREFIX))
}

/// The smallest and the largest key that `hash` can have.
pub(crate) fn lookup_range(hash: &[u8]) -> (LookupKey, LookupKey) {
    (lookup_key(hash, Position::new(0, 0)), lookup_key(hash, Position::new(u64::MAX, u32::MAX)))
}

/// The era of the transaction with this number, counted from genesis.
pub(crate) fn era(number: u64) -> u32 {
    u32::try_from(number >> ERA_BITS).unwrap_or(u32::MAX)
}

/// The key under which `hash`, the id of a transaction or an address, leads to `at` in `era`.
pub(crate) fn era_key(era: u32, hash: &[u8], at: Position) -> EraKey {
    let mut key = [0; ERA_LOOKUP];
    key[..4].copy_from_slice(&era.to_be_bytes());
    key[4..].copy_from_slice(&lookup_key(hash, at));
    key
}

/// Where the key of an era leads.
pub(crate) fn era_looked_up(key: &EraKey) -> Position {
    Position::from_key(&part(key, 4 + PREFIX))
}

/// A row of [`MAIN`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MainRow {
    /// Which of the blocks at this height.
    pub index: u32,
    /// Transactions of the chain up to and with this block.
    pub count: u64,
}

impl MainRow {
    /// The row of the chain at `height`.
    pub fn encode(self, height: Height) -> [u8; MAIN_ROW] {
        let mut row = [0; MAIN_ROW];
        row[SEAL..SEAL + 4].copy_from_slice(&self.index.to_be_bytes());
        row[SEAL + 4..].copy_from_slice(&self.count.to_be_bytes());
        seal(&height.to_be_bytes(), &mut row);
        row
    }

    pub fn decode(height: Height, row: &[u8; MAIN_ROW]) -> Result<Self, StoreError> {
        let row = opened(&height.to_be_bytes(), row, format_args!("the place of block {height}"))?;
        Ok(Self { index: u32::from_be_bytes(part(row, 0)), count: u64::from_be_bytes(part(row, 4)) })
    }
}

pub(crate) fn account_row(address: &Address, account: &Account) -> [u8; ACCOUNT] {
    let mut row = [0; ACCOUNT];
    row[SEAL..SEAL + 8].copy_from_slice(&account.balance.as_drops().to_be_bytes());
    row[SEAL + 8..].copy_from_slice(&account.nonce.to_be_bytes());
    seal(&address.0, &mut row);
    row
}

pub(crate) fn account(address: &Address, row: &[u8; ACCOUNT]) -> Result<Account, StoreError> {
    let row = opened(&address.0, row, format_args!("account {address}"))?;
    let (balance, nonce) = (u64::from_be_bytes(part(row, 0)), u64::from_be_bytes(part(row, 8)));
    Ok(Account { balance: Amount::drops(balance), nonce })
}

/// seal ‖ id ‖ previous ‖ root ‖ signature ‖ work ‖ miner ‖ time ‖ nonce ‖ version ‖ target ‖ number of transactions. The
/// height is in the key.
pub(crate) fn header_row(at: Position, block: &CheckedBlock, work: Work) -> [u8; HEADER] {
    header_row_of(at, block.header(), &block.id(), block.signature(), work, block.transactions().len() as u32)
}

pub(crate) fn header_row_of(
    at: Position,
    header: &Header,
    id: &BlockId,
    signature: &Signature,
    work: Work,
    transactions: u32,
) -> [u8; HEADER] {
    let fields: [&[u8]; 11] = [
        &id.0,
        &header.previous.0,
        &header.root.0,
        &signature.0,
        &work.to_bytes(),
        &header.miner.0,
        &header.time.to_be_bytes(),
        &header.nonce.to_be_bytes(),
        &header.version.to_be_bytes(),
        &header.target.0.to_be_bytes(),
        &transactions.to_be_bytes(),
    ];
    let mut row = [0; HEADER];
    let mut end = SEAL;
    for field in fields {
        row[end..end + field.len()].copy_from_slice(field);
        end += field.len();
    }
    debug_assert_eq!(end, HEADER);
    seal(&at.key(), &mut row);
    row
}

/// The id in a header's row, which may be damaged: for comparing.
pub(crate) fn row_id(row: &[u8; HEADER]) -> BlockId {
    BlockId(part(row, SEAL))
}

pub(crate) fn stored_header(at: Position, row: &[u8; HEADER]) -> Result<StoredHeader, StoreError> {
    let row = opened(&at.key(), row, format_args!("a header at height {}", at.height))?;
    Ok(StoredHeader {
        header: Header {
            version: u32::from_be_bytes(part(row, 241)),
            height: at.height,
            previous: BlockId(part(row, 32)),
            root: Digest(part(row, 64)),
            time: u64::from_be_bytes(part(row, 225)),
            target: CompactTarget(u32::from_be_bytes(part(row, 245))),
            miner: PublicKey(part(row, 192)),
            nonce: u64::from_be_bytes(part(row, 233)),
        },
        signature: Signature(part(row, 96)),
        work: Work::from_bytes(part(row, 160)),
        transactions: u32::from_be_bytes(part(row, 249)),
    })
}

/// Where the block with this id is kept.
pub(crate) fn block_position(
    ids: &impl ReadableTable<&'static [u8; LOOKUP], ()>,
    headers: &impl ReadableTable<&'static [u8; POSITION], &'static [u8; HEADER]>,
    id: &BlockId,
) -> Result<Option<Position>, StoreError> {
    let (first, last) = lookup_range(&id.0);
    for entry in ids.range::<&[u8; LOOKUP]>(&first..=&last)? {
        let at = looked_up(entry?.0.value());
        let row = headers.get(&at.key())?.ok_or_else(|| missing_header(at))?;
        if row_id(row.value()) == *id {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

pub(crate) fn missing_header(at: Position) -> StoreError {
    StoreError::damaged(format!("no header {} at height {}", at.index, at.height))
}

/// `N` bytes from `at` on; both are constants of a fixed layout.
fn part<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut part = [0; N];
    part.copy_from_slice(&bytes[at..at + N]);
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_heights_and_then_as_indexes() {
        let sorted = [(0, 0), (0, 1), (0, u32::MAX), (1, 0), (255, 7), (256, 0), (u64::MAX, 0)];
        let keys: Vec<_> = sorted.iter().map(|&(height, index)| Position::new(height, index).key()).collect();
        assert!(keys.is_sorted());
        for (key, (height, index)) in keys.iter().zip(sorted) {
            assert_eq!(Position::from_key(key), Position::new(height, index));
        }
    }

    #[test]
    fn a_header_row_gives_back_every_field() {
        let header = Header {
            version: 0x0102_0304,
            height: 7,
            previous: BlockId([1; 32]),
            root: Digest([2; 32]),
            time: 0x1112_1314_1516_1718,
            target: CompactTarget(0x1e0f_fff1),
            miner: PublicKey([3; 33]),
            nonce: 0x2122_2324_2526_2728,
        };
        let (id, signature) = (BlockId([4; 32]), Signature([5; 64]));
        let work = Work::from_bytes([6; 32]);
        let at = Position::new(7, 1);
        let row = header_row_of(at, &header, &id, &signature, work, 0x3132_3334);
        assert_eq!(row_id(&row), id);
        let stored = StoredHeader { header, signature, work, transactions: 0x3132_3334 };
        assert_eq!(stored_header(at, &row).unwrap(), stored);
        assert!(stored_header(Position::new(7, 2), &row).is_err(), "it is the row of its place");
    }
}

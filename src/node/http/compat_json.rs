//! What the compatible interface calls a block, a transaction and an account: fields in the recorded order, numbers
//! as minimal hex bytes, coordinates and signatures as unpadded hex, times in nanoseconds.

use ledger::{
    Account, Address, BlockId, CheckedTransaction, Digest, PublicKey, Signature, StoredHeader, Transaction, TxId,
};
use serde::Serialize;
use store::Located;
use utoipa::ToSchema;

/// The original names the miner's node here. This network has no such names.
const EXTRA: &str = "barreleye";
const NANOS_PER_MS: u64 = 1_000_000;
/// Height and time of a transaction that is in no block.
const PENDING: i64 = -1;

/// What asks the faucet to pay.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct FaucetRequest {
    /// Who is to be paid.
    #[expect(dead_code, reason = "only describes the body, which is read as the original reads it")]
    account_address: String,
}

/// `{"block": …}`
#[derive(Debug, Serialize, ToSchema)]
pub struct BlockData {
    /// The block.
    pub block: BlockJson,
}

/// `{"blocks": […], "totalCount": …}`
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlocksData {
    /// Newest first.
    pub blocks: Vec<BlockJson>,
    /// All that there are.
    pub total_count: u64,
}

/// `{"transaction": …}`
#[derive(Debug, Serialize, ToSchema)]
pub struct TransactionData {
    /// The transaction.
    pub transaction: TransactionJson,
}

/// `{"transactions": […], "totalCount": …}`
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TransactionsData {
    /// Newest first.
    pub transactions: Vec<TransactionJson>,
    /// All that there are.
    pub total_count: u64,
}

/// `{"account": …}`
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountData {
    /// The account.
    pub account: AccountJson,
}

/// A block.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlockJson {
    hash: String,
    version: u32,
    data_hash: String,
    prev_block_hash: String,
    height: u64,
    timestamp: u64,
    signer: String,
    extra: &'static str,
    signature: SignatureJson,
    tx_count: usize,
    transactions: Vec<String>,
}

impl BlockJson {
    /// A stored block with the ids of its transactions. Genesis has no parent and no data, which the original shows as
    /// zeros; ours keeps the digest of the network's numbers there.
    pub fn new(id: &BlockId, stored: &StoredHeader, transactions: &[TxId]) -> Self {
        let header = &stored.header;
        let unless_genesis = |bytes: [u8; 32]| if header.height == 0 { Digest::ZERO } else { Digest(bytes) };
        Self {
            hash: id.to_hex(),
            version: header.version,
            data_hash: unless_genesis(header.root.0).to_hex(),
            prev_block_hash: unless_genesis(header.previous.0).to_hex(),
            height: header.height,
            timestamp: header.time.saturating_mul(NANOS_PER_MS),
            signer: header.miner.address().unwrap_or(Address::ZERO).to_hex(),
            extra: EXTRA,
            signature: SignatureJson::new(&stored.signature),
            tx_count: transactions.len(),
            transactions: transactions.iter().map(TxId::to_hex).collect(),
        }
    }
}

/// A transaction of either kind.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TransactionJson {
    /// Its id.
    pub hash: String,
    /// Minimal hex bytes.
    pub nonce: String,
    /// −1 while it waits.
    pub block_height: i64,
    /// Nanoseconds; −1 while it waits.
    pub timestamp: i64,
    /// Who pays.
    pub from: String,
    /// Who receives.
    pub to: String,
    /// Whole Barrel, as minimal hex bytes.
    pub value: String,
    /// Attached data.
    pub data: String,
    /// The key.
    pub signer: PointJson,
    /// The signature.
    pub signature: SignatureJson,
}

impl TransactionJson {
    /// A transaction in a block.
    pub fn located(located: &Located, id: TxId) -> Self {
        let time = located.time.saturating_mul(NANOS_PER_MS);
        Self {
            block_height: i64::try_from(located.height).unwrap_or(i64::MAX),
            timestamp: i64::try_from(time).unwrap_or(i64::MAX),
            ..Self::new(&located.transaction, id)
        }
    }

    /// A transaction that waits.
    pub fn pending(tx: &CheckedTransaction) -> Self {
        Self::new(tx.transaction(), tx.id())
    }

    fn new(tx: &Transaction, id: TxId) -> Self {
        let (from, signer, data) = match tx {
            Transaction::Transfer(tx) => (tx.from.address().unwrap_or(Address::ZERO), tx.from, tx.data.clone()),
            Transaction::Barreleye(tx) => (tx.from, tx.signer, vec![tx.data]),
        };
        Self {
            hash: id.to_hex(),
            nonce: minimal_hex(tx.nonce()),
            block_height: PENDING,
            timestamp: PENDING,
            from: from.to_hex(),
            to: tx.to().to_hex(),
            value: minimal_hex(tx.amount().whole_barrels()),
            data: hex::encode(data),
            signer: PointJson::new(&signer),
            signature: SignatureJson::new(tx.signature()),
        }
    }
}

/// A point of the curve.
#[derive(Debug, Serialize, ToSchema)]
pub struct PointJson {
    /// Unpadded hex.
    pub x: String,
    /// Unpadded hex.
    pub y: String,
}

impl PointJson {
    fn new(key: &PublicKey) -> Self {
        let (x, y) = key.coordinates().unwrap_or(([0; 32], [0; 32]));
        Self { x: unpadded_hex(&x), y: unpadded_hex(&y) }
    }
}

/// A signature.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignatureJson {
    /// Unpadded hex.
    pub r: String,
    /// Unpadded hex.
    pub s: String,
}

impl SignatureJson {
    fn new(signature: &Signature) -> Self {
        let (r, s) = signature.integers();
        Self { r: unpadded_hex(&r), s: unpadded_hex(&s) }
    }
}

/// An account.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountJson {
    address: String,
    nonce: String,
    balance: String,
}

impl AccountJson {
    /// `next_nonce` is the one that the next transaction needs, behind those that wait.
    pub fn new(address: &Address, account: &Account, next_nonce: u64) -> Self {
        Self {
            address: address.to_hex(),
            nonce: minimal_hex(next_nonce),
            balance: minimal_hex(account.balance.whole_barrels()),
        }
    }
}

/// Big-endian bytes without leading zeros, at least one, as hex: `00`, `05`, `0100`.
pub fn minimal_hex(number: u64) -> String {
    let bytes = number.to_be_bytes();
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len() - 1);
    hex::encode(&bytes[first..])
}

/// An integer as hex digits without leading zeros, which may be an odd number of them.
fn unpadded_hex(bytes: &[u8; 32]) -> String {
    let digits = hex::encode(bytes);
    match digits.trim_start_matches('0') {
        "" => "0".into(),
        digits => digits.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_minimal_whole_bytes() {
        for (number, text) in [(0, "00"), (5, "05"), (10, "0a"), (255, "ff"), (256, "0100"), (1 << 24, "01000000")] {
            assert_eq!(minimal_hex(number), text);
        }
    }

    #[test]
    fn coordinates_and_signatures_are_unpadded() {
        let mut bytes = [0; 32];
        assert_eq!(unpadded_hex(&bytes), "0");
        bytes[30] = 0x0a;
        bytes[31] = 0xbc;
        assert_eq!(unpadded_hex(&bytes), "abc");
    }
}

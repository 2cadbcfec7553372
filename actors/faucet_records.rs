//! The faucet's records as the store keeps them, and what the chain says of them at a start.

use ledger::Network;
use machines::faucet::{Change, Phase, Record};
use store::{Snapshot, StoreError, Write};
use thiserror::Error;

/// Why the faucet's records cannot be read.
#[derive(Debug, Error)]
pub enum FaucetRecordError {
    /// What is stored cannot be read.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// A record is not what this program writes.
    #[error(
        "a record of the faucet cannot be read ({0}): what it owes would be forgotten, so the node does not start. \
         Keep a copy of the data directory, then start with an empty one"
    )]
    Record(String),
}

/// A change as the store takes it.
pub(crate) fn write(change: &Change) -> Result<Write, String> {
    let failed = |error: postcard::Error| format!("{change:?} cannot be encoded: {error}");
    Ok(match change {
        Change::Put(record) => Write::PutFaucet {
            key: postcard::to_stdvec(&record.key()).map_err(failed)?,
            value: postcard::to_stdvec(record).map_err(failed)?,
        },
        Change::Delete(key) => Write::DeleteFaucet { key: postcard::to_stdvec(key).map_err(failed)? },
    })
}

/// Everything that the faucet kept, with each claim as far as the chain says now.
pub fn faucet_records(snapshot: &Snapshot, network: &Network) -> Result<Vec<Record>, FaucetRecordError> {
    let mut records = Vec::new();
    for (_, value) in snapshot.faucet()? {
        let mut record = postcard::from_bytes(&value).map_err(|error| FaucetRecordError::Record(error.to_string()))?;
        if let Record::Claim(_, claim) = &mut record {
            let located = snapshot.transaction(&claim.payout.id(&network.chain))?;
            claim.phase = match (located, claim.phase) {
                (Some(at), _) => Phase::Confirmed(at.height),
                (None, Phase::Confirmed(_)) => Phase::Reserved,
                (None, phase) => phase,
            };
        }
        records.push(record);
    }
    Ok(records)
}

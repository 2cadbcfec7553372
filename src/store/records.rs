//! Records of peers and faucet claims: opaque bytes under the name that their owner gives them.

use redb::WriteTransaction;

use crate::tables::{CLAIMS, PEERS};
use crate::{Snapshot, StoreError};

/// A record under its name.
type Named<Name> = (Name, Vec<u8>);

/// A record to keep or to forget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Keeps a peer, in place of what was kept of it.
    PutPeer {
        /// Its public key.
        id: [u8; 32],
        /// What is kept of it.
        value: Vec<u8>,
    },
    /// Forgets a peer, known or not.
    DeletePeer {
        /// Its public key.
        id: [u8; 32],
    },
    /// Keeps a faucet claim, in place of what was kept of it.
    PutClaim {
        /// Its number.
        id: u64,
        /// What is kept of it.
        value: Vec<u8>,
    },
    /// Forgets a faucet claim, known or not.
    DeleteClaim {
        /// Its number.
        id: u64,
    },
}

pub(crate) fn write(tx: &WriteTransaction, writes: &[Write]) -> Result<(), StoreError> {
    let mut peers = tx.open_table(PEERS)?;
    let mut claims = tx.open_table(CLAIMS)?;
    for write in writes {
        match write {
            Write::PutPeer { id, value } => drop(peers.insert(id, value.as_slice())?),
            Write::DeletePeer { id } => drop(peers.remove(id)?),
            Write::PutClaim { id, value } => drop(claims.insert(&id.to_be_bytes(), value.as_slice())?),
            Write::DeleteClaim { id } => drop(claims.remove(&id.to_be_bytes())?),
        }
    }
    Ok(())
}

impl Snapshot {
    /// All peers, by id.
    pub fn peers(&self) -> Result<Vec<Named<[u8; 32]>>, StoreError> {
        let rows = self.table(PEERS)?.range_owned::<&[u8; 32]>(..)?;
        rows.map(|row| row.map(|(id, value)| (*id.value(), value.value().to_vec())).map_err(Into::into)).collect()
    }

    /// All claims, by number.
    pub fn claims(&self) -> Result<Vec<Named<u64>>, StoreError> {
        let rows = self.table(CLAIMS)?.range_owned::<&[u8; 8]>(..)?;
        let claim = |(id, value): (redb::OwnedAccessGuard<_>, redb::OwnedAccessGuard<&[u8]>)| {
            let id: redb::OwnedAccessGuard<&[u8; 8]> = id;
            (u64::from_be_bytes(*id.value()), value.value().to_vec())
        };
        rows.map(|row| row.map(claim).map_err(Into::into)).collect()
    }
}

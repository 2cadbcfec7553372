//! Records of peers and of the faucet: opaque bytes under the name that their owner gives them.

use redb::WriteTransaction;

use crate::tables::{FAUCET, PEERS};
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
    /// Keeps a record of the faucet, in place of the one of the same name.
    PutFaucet {
        /// Its name.
        key: Vec<u8>,
        /// What it holds.
        value: Vec<u8>,
    },
    /// Forgets a record of the faucet, known or not.
    DeleteFaucet {
        /// Its name.
        key: Vec<u8>,
    },
}

pub(crate) fn write(tx: &WriteTransaction, writes: &[Write]) -> Result<(), StoreError> {
    let mut peers = tx.open_table(PEERS)?;
    let mut faucet = tx.open_table(FAUCET)?;
    for write in writes {
        match write {
            Write::PutPeer { id, value } => drop(peers.insert(id, value.as_slice())?),
            Write::DeletePeer { id } => drop(peers.remove(id)?),
            Write::PutFaucet { key, value } => drop(faucet.insert(key.as_slice(), value.as_slice())?),
            Write::DeleteFaucet { key } => drop(faucet.remove(key.as_slice())?),
        }
    }
    Ok(())
}

impl Snapshot {
    /// All records, as they are written.
    pub fn records(&self) -> Result<Vec<Write>, StoreError> {
        let peers = self.peers()?.into_iter().map(|(id, value)| Write::PutPeer { id, value });
        let faucet = self.faucet()?.into_iter().map(|(key, value)| Write::PutFaucet { key, value });
        Ok(peers.chain(faucet).collect())
    }

    /// All peers, by id.
    pub fn peers(&self) -> Result<Vec<Named<[u8; 32]>>, StoreError> {
        let rows = self.table(PEERS)?.range_owned::<&[u8; 32]>(..)?;
        rows.map(|row| row.map(|(id, value)| (*id.value(), value.value().to_vec())).map_err(Into::into)).collect()
    }

    /// All records of the faucet, by name.
    pub fn faucet(&self) -> Result<Vec<Named<Vec<u8>>>, StoreError> {
        let rows = self.table(FAUCET)?.range_owned::<&[u8]>(..)?;
        rows.map(|row| row.map(|(key, value)| (key.value().to_vec(), value.value().to_vec())).map_err(Into::into))
            .collect()
    }
}

//! Older formats: one transaction brings a data directory to today's, or leaves it as it was.
//!
//! | format | what it had otherwise |
//! |---|---|
//! | 1 | a table `claims` in place of the faucet's records. A claim lived for an hour, and is let go |
//! | 2 | no checksums: rows had the same content without a seal, and there was no digest of the accounts |

use redb::{ReadableTable, TableDefinition, WriteTransaction};

use crate::StoreError;
use crate::open::{SCHEMA, SCHEMA_KEY};
use crate::sealed::{AccountsDigest, SEAL, seal};
use crate::tables::{
    ACCOUNT, ACCOUNTS, ACCOUNTS_KEY, BODIES, FAUCET, HEADER, HEADERS, MAIN, MAIN_ROW, META, POSITION, Table, UNDO,
};

/// Of format 1: claims, opaque.
const CLAIMS_1: Table<8, &[u8]> = TableDefinition::new("claims");

/// Brings a database of this older format to today's.
pub(crate) fn from(format: u32, tx: &WriteTransaction) -> Result<(), StoreError> {
    if format < 2 {
        tx.delete_table(CLAIMS_1)?;
        tx.open_table(FAUCET)?;
    }
    if format < 3 {
        seal_all(tx)?;
    }
    tx.open_table(META)?.insert(SCHEMA_KEY, SCHEMA.to_be_bytes().as_slice())?;
    Ok(())
}

/// Gives each row its seal, by writing the table anew.
macro_rules! reseal {
    ($tx:ident, $old:ty, $table:ident, $key:ident, |$row:ident| $empty:expr, |$sealed:ident| $value:expr) => {
        let old: Table<$key, $old> = TableDefinition::new(concat!(stringify!($table), " of format 2"));
        let named: Table<$key, $old> = TableDefinition::new(redb::TableHandle::name(&$table));
        $tx.rename_table(named, old)?;
        let (rows, mut table) = ($tx.open_table(old)?, $tx.open_table($table)?);
        for entry in rows.iter()? {
            let (key, $row) = entry?;
            let $row = $row.value();
            let mut $sealed = $empty;
            $sealed[SEAL..].copy_from_slice(&$row[..]);
            seal(key.value(), &mut $sealed);
            table.insert(key.value(), $value)?;
        }
        drop((rows, table));
        $tx.delete_table(old)?;
    };
}

fn seal_all(tx: &WriteTransaction) -> Result<(), StoreError> {
    const HEIGHT: usize = 8;
    const ADDRESS: usize = 20;
    reseal!(tx, &[u8; HEADER - SEAL], HEADERS, POSITION, |row| [0; HEADER], |sealed| &sealed);
    reseal!(tx, &[u8; MAIN_ROW - SEAL], MAIN, HEIGHT, |row| [0; MAIN_ROW], |sealed| &sealed);
    reseal!(tx, &[u8; ACCOUNT - SEAL], ACCOUNTS, ADDRESS, |row| [0; ACCOUNT], |sealed| &sealed);
    reseal!(tx, &[u8], BODIES, POSITION, |row| vec![0; SEAL + row.len()], |sealed| sealed.as_slice());
    reseal!(tx, &[u8], UNDO, POSITION, |row| vec![0; SEAL + row.len()], |sealed| sealed.as_slice());
    let mut digest = AccountsDigest::default();
    for entry in tx.open_table(ACCOUNTS)?.iter()? {
        let (address, row) = entry?;
        digest.toggle(address.value(), row.value());
    }
    tx.open_table(META)?.insert(ACCOUNTS_KEY, digest.0.as_slice())?;
    Ok(())
}

//! Rows with a checksum: a disk that gives back other bytes than were written is found out where they are read.
//!
//! redb has checksums of its pages but looks at them only after a crash. A sealed row begins with [`SEAL`] bytes of
//! SHA-256 over its key and content, so a row that turns up under another key is found out too. It is no protection
//! against anybody who can write to the file.

use std::fmt::Display;

use sha2::{Digest, Sha256};

use crate::StoreError;

/// Bytes of a checksum: one damaged row in four billion passes.
pub(crate) const SEAL: usize = 4;

/// The checksum of a row.
pub(crate) fn seal_of(key: &[u8], content: &[u8]) -> [u8; SEAL] {
    let digest = Sha256::new().chain_update(key).chain_update(content).finalize();
    let mut seal = [0; SEAL];
    seal.copy_from_slice(&digest[..SEAL]);
    seal
}

/// Puts the checksum into the place that the first bytes of `row` leave for it.
pub(crate) fn seal(key: &[u8], row: &mut [u8]) {
    let (place, content) = row.split_at_mut(SEAL);
    place.copy_from_slice(&seal_of(key, content));
}

/// The content of a sealed row; `what` names it if it is damaged.
pub(crate) fn opened<'a>(key: &[u8], row: &'a [u8], what: impl Display) -> Result<&'a [u8], StoreError> {
    match row.split_at_checked(SEAL) {
        Some((seal, content)) if seal == seal_of(key, content) => Ok(content),
        _ => Err(StoreError::damaged(format!("{what} is not what was written"))),
    }
}

/// A digest of all accounts that a single change of one brings up to date: whatever disappears, appears or changes on
/// the disk without a commit makes a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct AccountsDigest(pub [u8; 32]);

impl AccountsDigest {
    /// Adds an account's row, or takes it away again.
    pub fn toggle(&mut self, address: &[u8], row: &[u8]) {
        let digest = Sha256::new().chain_update(address).chain_update(row).finalize();
        self.0.iter_mut().zip(digest).for_each(|(sum, byte)| *sum ^= byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_opens_under_its_key_only_and_only_unchanged() {
        let mut row = vec![0; SEAL];
        row.extend(b"content");
        seal(b"key", &mut row);
        assert_eq!(opened(b"key", &row, "it").unwrap(), b"content");
        assert!(opened(b"another", &row, "it").is_err());
        for at in 0..row.len() {
            let mut changed = row.clone();
            changed[at] ^= 1;
            assert!(opened(b"key", &changed, "it").is_err(), "byte {at}");
        }
        assert!(opened(b"key", &row[..3], "it").unwrap_err().to_string().contains("it is not what was written"));
    }

    #[test]
    fn a_digest_forgets_what_is_taken_away() {
        let mut digest = AccountsDigest::default();
        digest.toggle(b"a", b"1");
        let one = digest;
        digest.toggle(b"b", b"2");
        assert_ne!(digest, one);
        digest.toggle(b"b", b"2");
        assert_eq!(digest, one);
    }
}

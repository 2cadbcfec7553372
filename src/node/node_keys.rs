//! The keys of a node: who mines, who pays from the faucet, who this node is among its peers.
//!
//! A key is read from 64 hex digits or from a key file (docs/keyfile.md). Keys that are not given are made once and kept.

use std::path::Path;

use ledger::SecretKey;
use libp2p::identity::Keypair;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::keyfile::KeyFile;
use crate::passphrase::Source;
use crate::private_file::{self, PrivateFileError};

/// The miner's key in the data directory, used when none is given.
pub const MINER_KEY: &str = "miner.key";
/// The node's identity in the data directory; its peer id follows from it.
pub const IDENTITY_KEY: &str = "identity.key";

/// Reads a key from a file with 64 hex digits, or from an encrypted key file, which others may read too.
pub fn read(path: &Path, passphrase_file: Option<&Path>) -> Result<SecretKey, Failure> {
    let text = private_file::read_unless_exposed(path, |text| !is_key_file(text))?;
    let name = path.display();
    if !is_key_file(&text) {
        return text.trim().parse().map_err(|error| Failure::usage(format!("{name}: {error}, or a key file")));
    }
    let file = KeyFile::from_json(&text).map_err(|error| Failure::from(error).about(name))?;
    let opened = Source::file_or_terminal(passphrase_file)
        .open(&path.display().to_string(), |passphrase| file.open(passphrase).map_err(Failure::from));
    opened.map(|secret| secret.key).map_err(|failure| failure.about(path.display()))
}

/// Looks at a file with a secret as a start would, and opens no key file.
pub fn check(path: &Path) -> Result<(), Failure> {
    Ok(private_file::read_unless_exposed(path, |text| !is_key_file(text)).map(drop)?)
}

fn is_key_file(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// The miner's key of a data directory; made when there is none.
pub fn miner(data_dir: &Path) -> Result<SecretKey, Failure> {
    let path = data_dir.join(MINER_KEY);
    make_once(&path, || Zeroizing::new(hex::encode(&random_key().to_bytes()[..])))?;
    read(&path, None)
}

/// The identity of a data directory; made when there is none.
pub fn identity(data_dir: &Path) -> Result<Keypair, Failure> {
    let path = data_dir.join(IDENTITY_KEY);
    let text = make_once(&path, || Zeroizing::new(hex::encode(rand::random::<[u8; 32]>())))?;
    let mut seed = Zeroizing::new([0; 32]);
    let bad = || Failure::usage(format!("{} must hold 64 hex digits: remove it to get a new identity", path.display()));
    hex::decode_to_slice(text.trim(), &mut seed[..]).map_err(|_| bad())?;
    Keypair::ed25519_from_bytes(&mut seed[..]).map_err(|_| bad())
}

/// A new key from the system's randomness.
pub fn random_key() -> SecretKey {
    loop {
        let bytes = Zeroizing::new(rand::random::<[u8; 32]>());
        // Fails once in 2¹²⁸ tries.
        if let Ok(key) = SecretKey::from_bytes(*bytes) {
            return key;
        }
    }
}

fn make_once(path: &Path, make: impl FnOnce() -> Zeroizing<String>) -> Result<Zeroizing<String>, Failure> {
    match private_file::read(path) {
        Err(PrivateFileError::Missing(_)) => {}
        other => return Ok(other?),
    }
    match private_file::create(path, Zeroizing::new(format!("{}\n", *make())).as_bytes()) {
        // Another process was faster: its key counts.
        Ok(()) | Err(PrivateFileError::Exists(_)) => Ok(private_file::read(path)?),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyfile::CHEAP;
    use crate::passphrase::Passphrase;
    use crate::secret::Secret;

    #[test]
    fn a_data_directory_keeps_its_keys() {
        let dir = tempfile::tempdir().unwrap();
        let (key, identity_key) = (miner(dir.path()).unwrap(), identity(dir.path()).unwrap());
        assert_eq!(miner(dir.path()).unwrap().to_bytes(), key.to_bytes());
        assert_eq!(identity(dir.path()).unwrap().public(), identity_key.public());
        let other = tempfile::tempdir().unwrap();
        assert_ne!(identity(other.path()).unwrap().public(), identity_key.public());
    }

    #[test]
    fn a_key_may_be_hex_or_a_key_file_that_others_can_read() {
        let dir = tempfile::tempdir().unwrap();
        let key = random_key();
        let (plain, sealed, pass) = (dir.path().join("a"), dir.path().join("b"), dir.path().join("p"));
        private_file::create(&plain, format!("0x{}\n", hex::encode(key.to_bytes())).as_bytes()).unwrap();
        let file = KeyFile::seal(&Secret::from(key.clone()), &Passphrase::new("open").unwrap(), CHEAP).unwrap();
        std::fs::write(&sealed, file.to_json().unwrap()).unwrap();
        private_file::create(&pass, b"open\n").unwrap();
        assert_eq!(read(&plain, None).unwrap().to_bytes(), key.to_bytes());
        assert_eq!(read(&sealed, Some(&pass)).unwrap().to_bytes(), key.to_bytes());
    }

    #[test]
    fn o13_a_key_of_another_length_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("short");
        private_file::create(&path, b"abcd").unwrap();
        let error = read(&path, None).unwrap_err();
        assert!(error.to_string().contains("short: a secret key is 64 hex digits"), "{error}");
        assert_eq!(error.exit_code(), 2);
    }
}

//! The keys of a person: one key file for each alias in the `wallet` directory of a data directory.
//!
//! No file is ever replaced but by [`Wallet::seal_again`], and that only by one that was opened before.

use std::fs;
use std::path::{Path, PathBuf};

use ledger::Address;

use crate::failure::Failure;
use crate::keyfile::{Cost, KeyFile};
use crate::passphrase::Passphrase;
use crate::private_file::{self, PrivateFileError};
use crate::secret::Secret;

/// A key of the wallet, or why its file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its name.
    pub alias: String,
    /// Its file.
    pub file: Result<KeyFile, Failure>,
}

/// A directory of key files.
pub struct Wallet {
    dir: PathBuf,
}

impl Wallet {
    /// The wallet of a data directory, which need not exist yet.
    pub fn of(data_dir: &Path) -> Self {
        Self { dir: data_dir.join("wallet") }
    }

    /// Keeps a key file under a new alias.
    pub fn add(&self, alias: &str, file: &KeyFile) -> Result<PathBuf, Failure> {
        let path = self.path(alias)?;
        private_file::create_dir(&self.dir)?;
        match private_file::create(&path, file.to_json()?.as_bytes()) {
            Err(PrivateFileError::Exists(_)) => Err(taken(alias)),
            other => Ok(other.map(|()| path)?),
        }
    }

    /// Whether an alias can be used for a new key.
    pub fn check_free(&self, alias: &str) -> Result<(), Failure> {
        match self.path(alias)?.exists() {
            true => Err(taken(alias)),
            false => Ok(()),
        }
    }

    /// The key file of an alias.
    pub fn get(&self, alias: &str) -> Result<KeyFile, Failure> {
        let path = self.path(alias)?;
        // It is encrypted: a copy that others can read is still a key file.
        match private_file::read_unless_exposed(&path, |_| false) {
            Ok(text) => KeyFile::from_json(&text).map_err(|error| Failure::from(error).about(path.display())),
            Err(PrivateFileError::Missing(_)) => Err(self.missing(alias)),
            Err(error) => Err(error.into()),
        }
    }

    /// All aliases with their key files, by name; a file that cannot be read does not hide the others.
    pub fn list(&self) -> Result<Vec<Kept>, Failure> {
        let unreadable = |error: std::io::Error| Failure::storage(format!("{}: {error}", self.dir.display()));
        let entries = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(unreadable)?,
        };
        let mut aliases = Vec::new();
        for entry in entries {
            let name = entry.map_err(unreadable)?.file_name();
            let alias = name.to_str().and_then(|name| name.strip_suffix(".json")).filter(|alias| is_alias(alias));
            aliases.extend(alias.map(String::from));
        }
        aliases.sort();
        Ok(aliases.into_iter().map(|alias| Kept { file: self.get(&alias), alias }).collect())
    }

    /// An address, or that of an alias.
    pub fn resolve(&self, account: &str) -> Result<Address, Failure> {
        match account.parse() {
            Ok(address) => Ok(address),
            Err(_) if is_alias(account) && self.path(account)?.exists() => Ok(self.get(account)?.address()),
            Err(error) => Err(Failure::Missing(format!(
                "'{account}' is neither a key of the wallet in {} nor an address ({error})",
                self.dir.display()
            ))),
        }
    }

    /// Gives a key another alias.
    pub fn rename(&self, alias: &str, to: &str) -> Result<(), Failure> {
        match private_file::rename(&self.path(alias)?, &self.path(to)?) {
            Err(PrivateFileError::Exists(_)) => Err(taken(to)),
            Err(PrivateFileError::Missing(_)) => Err(self.missing(alias)),
            other => Ok(other?),
        }
    }

    /// Puts `secret` under another passphrase. The old file stays until the new one is whole and opens.
    pub fn seal_again(&self, alias: &str, secret: &Secret, passphrase: &Passphrase, cost: Cost) -> Result<(), Failure> {
        let path = self.path(alias)?;
        let text = KeyFile::seal(secret, passphrase, cost)?.to_json()?;
        let opened = KeyFile::from_json(&text)?.open(passphrase)?;
        match opened.key.public() == secret.key.public() && self.get(alias)?.public_key() == secret.key.public() {
            true => Ok(private_file::replace(&path, text.as_bytes())?),
            false => Err(Failure::internal(format!("'{alias}' is another key now: nothing was changed, try again"))),
        }
    }

    /// Removes a key for good.
    pub fn remove(&self, alias: &str) -> Result<(), Failure> {
        match private_file::remove(&self.path(alias)?) {
            Err(PrivateFileError::Missing(_)) => Err(self.missing(alias)),
            other => Ok(other?),
        }
    }

    /// Where a key is kept.
    pub fn path(&self, alias: &str) -> Result<PathBuf, Failure> {
        match is_alias(alias) {
            true => Ok(self.dir.join(format!("{alias}.json"))),
            false => Err(Failure::usage(format!("'{alias}' cannot be a key's name: use 1 to 32 of a-z, 0-9, - and _"))),
        }
    }

    fn missing(&self, alias: &str) -> Failure {
        Failure::Missing(format!(
            "there is no key '{alias}' in {}: see barreleye wallet list, or make it with barreleye wallet new {alias}",
            self.dir.display()
        ))
    }
}

fn taken(alias: &str) -> Failure {
    Failure::usage(format!("there is a key '{alias}' already: choose another name"))
}

fn is_alias(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    (1..=32).contains(&text.len()) && text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_forms;
    use crate::keyfile::CHEAP;

    fn secret(text: &str) -> Secret {
        key_forms::parse(text).unwrap()
    }

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(text).unwrap()
    }

    fn sealed(text: &str) -> KeyFile {
        KeyFile::seal(&secret(text), &passphrase("p"), CHEAP).unwrap()
    }

    #[test]
    fn keys_are_kept_under_their_alias_and_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let wallet = Wallet::of(dir.path());
        assert!(wallet.list().unwrap().is_empty());
        let (first, second) = (sealed("1"), sealed("2"));
        wallet.add("bob", &first).unwrap();
        wallet.add("alice", &second).unwrap();
        let error = wallet.add("bob", &second).unwrap_err();
        assert!(error.to_string().contains("there is a key 'bob' already"), "{error}");
        assert!(wallet.rename("alice", "bob").unwrap_err().to_string().contains("there is a key 'bob' already"));
        assert_eq!(
            wallet.list().unwrap(),
            [
                Kept { alias: "alice".into(), file: Ok(second.clone()) },
                Kept { alias: "bob".into(), file: Ok(first.clone()) },
            ]
        );
        assert_eq!(wallet.resolve("bob").unwrap(), first.address());
        assert_eq!(wallet.resolve(&second.address().to_string()).unwrap(), second.address());
        wallet.rename("bob", "carol").unwrap();
        assert_eq!(wallet.get("carol").unwrap(), first);
        assert_eq!(wallet.get("bob").unwrap_err().exit_code(), 66);
        wallet.remove("carol").unwrap();
        assert_eq!(wallet.remove("carol").unwrap_err().exit_code(), 66);
    }

    #[test]
    fn another_passphrase_replaces_the_first_and_keeps_key_and_words() {
        let dir = tempfile::tempdir().unwrap();
        let wallet = Wallet::of(dir.path());
        let words = "legal winner thank year wave sausage worth useful legal winner thank yellow";
        wallet.add("alice", &sealed(words)).unwrap();
        wallet.seal_again("alice", &secret(words), &passphrase("q"), CHEAP).unwrap();
        let file = wallet.get("alice").unwrap();
        assert_eq!(*file.open(&passphrase("q")).unwrap().words.unwrap().phrase(), words);
        assert!(file.open(&passphrase("p")).is_err());
        assert_eq!(wallet.seal_again("alice", &secret("1"), &passphrase("r"), CHEAP).unwrap_err().exit_code(), 70);
        assert_eq!(wallet.get("alice").unwrap(), file, "another key never replaces one");
    }

    #[test]
    fn a_damaged_file_is_listed_beside_the_others() {
        let dir = tempfile::tempdir().unwrap();
        let wallet = Wallet::of(dir.path());
        wallet.add("alice", &sealed("1")).unwrap();
        fs::write(wallet.path("bob").unwrap(), "{").unwrap();
        fs::write(dir.path().join("wallet/notes.txt"), "not a key").unwrap();
        let list = wallet.list().unwrap();
        assert_eq!(list.len(), 2);
        assert!(list[0].file.is_ok());
        assert!(
            list[1].file.as_ref().unwrap_err().to_string().contains("bob.json: the key file is damaged"),
            "{list:?}"
        );
    }

    #[test]
    fn an_alias_cannot_leave_the_wallet() {
        let wallet = Wallet::of(Path::new("/nonexistent"));
        for bad in ["", "../x", "a/b", "a.b", "A", &"x".repeat(33)] {
            let error = wallet.check_free(bad).unwrap_err();
            assert!(error.to_string().contains("cannot be a key's name"), "{error}");
        }
    }
}

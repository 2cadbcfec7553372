//! The keys of a person: one keystore per alias in the `wallet` directory of a data directory.

use std::fs;
use std::path::{Path, PathBuf};

use ledger::{Address, SecretKey};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::keystore::{Cost, Keystore};
use crate::private_file::{self, PrivateFileError};

/// Order of the curve, big-endian: secret keys are numbers below it.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc,
    0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];
/// More digits than any number that a wallet ever showed: a 256-bit number has 78.
const MAX_DIGITS: usize = 256;

/// A directory of keystores.
pub struct Wallet {
    dir: PathBuf,
}

impl Wallet {
    /// The wallet of a data directory, which need not exist yet.
    pub fn of(data_dir: &Path) -> Self {
        Self { dir: data_dir.join("wallet") }
    }

    /// Keeps `key` under a new alias.
    pub fn add(&self, alias: &str, key: &SecretKey, passphrase: &str, cost: Cost) -> Result<PathBuf, Failure> {
        let path = self.path(alias)?;
        let keystore = Keystore::seal(key, passphrase, cost).map_err(Failure::usage)?;
        private_file::create_dir(&self.dir).map_err(Failure::storage)?;
        match private_file::create(&path, keystore.to_json().as_bytes()) {
            Ok(()) => Ok(path),
            Err(PrivateFileError::Exists(_)) => {
                Err(Failure::usage(format!("there is a key '{alias}' already: choose another name")))
            }
            Err(error) => Err(Failure::storage(error)),
        }
    }

    /// Whether an alias can be used for a new key.
    pub fn check_free(&self, alias: &str) -> Result<(), Failure> {
        match self.path(alias)?.exists() {
            true => Err(Failure::usage(format!("there is a key '{alias}' already: choose another name"))),
            false => Ok(()),
        }
    }

    /// The keystore of an alias.
    pub fn get(&self, alias: &str) -> Result<Keystore, Failure> {
        let path = self.path(alias)?;
        match private_file::read(&path) {
            Ok(text) => {
                Keystore::from_json(&text).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
            }
            Err(PrivateFileError::Missing(_)) => Err(Failure::usage(format!(
                "there is no key '{alias}' in {}: see barreleye wallet list, or make it with barreleye wallet new {alias}",
                self.dir.display()
            ))),
            Err(error) => Err(Failure::usage(error)),
        }
    }

    /// All aliases with their addresses, by name.
    pub fn list(&self) -> Result<Vec<(String, Address)>, Failure> {
        let entries = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(|error| Failure::storage(format!("{}: {error}", self.dir.display())))?,
        };
        let names = entries.flatten().map(|entry| PathBuf::from(entry.file_name()));
        let mut aliases: Vec<String> = names
            .filter(|name| name.extension().is_some_and(|extension| extension == "json"))
            .filter_map(|name| name.file_stem().and_then(|stem| stem.to_str().map(String::from)))
            .collect();
        aliases.sort();
        aliases.into_iter().map(|alias| self.get(&alias).map(|keystore| (alias, keystore.address))).collect()
    }

    /// An address, or that of an alias.
    pub fn resolve(&self, account: &str) -> Result<Address, Failure> {
        match account.parse() {
            Ok(address) => Ok(address),
            Err(_) if is_alias(account) => Ok(self.get(account)?.address),
            Err(error) => Err(Failure::usage(format!("'{account}' is neither an address ({error}) nor a key's name"))),
        }
    }

    fn path(&self, alias: &str) -> Result<PathBuf, Failure> {
        match is_alias(alias) {
            true => Ok(self.dir.join(format!("{alias}.json"))),
            false => Err(Failure::usage(format!("'{alias}' cannot be a key's name: use 1 to 32 of a-z, 0-9, - and _"))),
        }
    }
}

fn is_alias(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    (1..=32).contains(&text.len()) && text.chars().all(allowed)
}

/// Reads a secret key as people have it: hex with or without `0x`, leading zeros may be missing.
pub fn parse_key(text: &str) -> Result<SecretKey, Failure> {
    let text = text.trim();
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    if digits.is_empty() || digits.len() > 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(Failure::usage("a secret key is at most 64 hex digits, with or without 0x"));
    }
    let padded = Zeroizing::new(format!("{digits:0>64}"));
    padded.parse().map_err(Failure::usage)
}

/// Reads a key the way Barreleye Scan does: it shows a new key as a decimal number, and later takes those digits for
/// hex, modulo the order of the curve. Only this reading leads to the account that it showed.
pub fn parse_scan_decimal(text: &str) -> Result<SecretKey, Failure> {
    let digits = text.trim();
    if digits.is_empty() || digits.len() > MAX_DIGITS || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(Failure::usage("a key of Barreleye Scan is a decimal number: digits only"));
    }
    let mut number = Zeroizing::new([0; 32]);
    for digit in digits.bytes() {
        *number = times_sixteen_plus(&number, digit - b'0');
    }
    SecretKey::from_bytes(*number).map_err(Failure::usage)
}

/// `number` · 16 + `digit`, modulo the order; `number` is below it.
fn times_sixteen_plus(number: &[u8; 32], digit: u8) -> [u8; 32] {
    let mut wide = [0u8; 33];
    let mut carry = u16::from(digit);
    for (i, byte) in number.iter().enumerate().rev() {
        let value = (u16::from(*byte) << 4) + carry;
        wide[i + 1] = value as u8;
        carry = value >> 8;
    }
    wide[0] = carry as u8;
    // Below 16 times the order, so this ends soon.
    while wide[0] != 0 || wide[1..] >= ORDER[..] {
        let mut borrow = 0;
        for i in (0..33).rev() {
            let minus = if i == 0 { 0 } else { i16::from(ORDER[i - 1]) };
            let value = i16::from(wide[i]) - minus - borrow;
            wide[i] = value.rem_euclid(256) as u8;
            borrow = i16::from(value < 0);
        }
    }
    let mut reduced = [0; 32];
    reduced.copy_from_slice(&wide[1..]);
    reduced
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost { memory_kib: 64, passes: 1, lanes: 1 };

    #[test]
    fn keys_are_kept_under_their_alias_and_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let wallet = Wallet::of(dir.path());
        assert_eq!(wallet.list().unwrap(), []);
        let (first, second) = (parse_key("1").unwrap(), parse_key("2").unwrap());
        wallet.add("bob", &first, "p", CHEAP).unwrap();
        wallet.add("alice", &second, "p", CHEAP).unwrap();
        let error = wallet.add("bob", &second, "p", CHEAP).unwrap_err();
        assert!(error.to_string().contains("there is a key 'bob' already"), "{error}");
        assert_eq!(wallet.list().unwrap(), [("alice".into(), second.address()), ("bob".into(), first.address())]);
        assert_eq!(wallet.resolve("bob").unwrap(), first.address());
        assert_eq!(wallet.resolve(&second.address().to_string()).unwrap(), second.address());
        assert_eq!(wallet.get("bob").unwrap().open("p").unwrap().to_bytes(), first.to_bytes());
    }

    #[test]
    fn an_alias_cannot_leave_the_wallet() {
        let wallet = Wallet::of(Path::new("/nonexistent"));
        for bad in ["", "../x", "a/b", "a.b", "A", &"x".repeat(33)] {
            let error = wallet.check_free(bad).unwrap_err();
            assert!(error.to_string().contains("cannot be a key's name"), "{error}");
        }
    }

    #[test]
    fn hex_keys_may_lack_prefix_and_zeros() {
        let key = parse_key(&format!("{:064x}", 0x0abc)).unwrap();
        for text in ["abc", "0xabc", "0X0ABC\n", " 0abc "] {
            assert_eq!(parse_key(text).unwrap().to_bytes(), key.to_bytes(), "{text}");
        }
        for bad in ["", "0x", "0", "xyz", &"f".repeat(64), &"1".repeat(65)] {
            assert!(parse_key(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_decimal_reading_takes_digits_for_hex_modulo_the_order() {
        assert_eq!(parse_scan_decimal("10").unwrap().to_bytes(), parse_key("10").unwrap().to_bytes());
        // 16⁶⁴ mod n = 2²⁵⁶ − n, known from the curve.
        let one_and_64_zeros = format!("1{}", "0".repeat(64));
        let expected = "14551231950b75fc4402da1732fc9bebf";
        assert_eq!(parse_scan_decimal(&one_and_64_zeros).unwrap().to_bytes(), parse_key(expected).unwrap().to_bytes());
        // A typical one: 77 digits; the value is from another implementation of big numbers.
        let typical = "73514296380120941568350742186093547829610358274619530487261950837465291038475";
        let expected = "941568350742186093e702df6f4d5f569df2871fc892261f5d274ce276f6de3";
        assert_eq!(parse_scan_decimal(typical).unwrap().to_bytes(), parse_key(expected).unwrap().to_bytes());
        for bad in ["", "0", "12a", "-1"] {
            assert!(parse_scan_decimal(bad).is_err(), "{bad}");
        }
    }
}

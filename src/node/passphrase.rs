//! Where a passphrase comes from: a file, a descriptor, or the person at the terminal. Never the command line and never
//! the environment, which other processes on the machine can read.

use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::private_file;

/// Where programs of the past put it. Whoever sets it must learn that nobody reads it.
const VARIABLE: &str = "BARRELEYE_PASSPHRASE";
/// Longer than anybody types or generates.
const MAX_BYTES: usize = 4096;
/// NFKC makes a text at most so many times longer in UTF-8.
const MOST_GROWTH: usize = 11;
/// How often a person may mistype before the command ends.
const TRIES: usize = 3;

/// A passphrase that is not empty, in the one Unicode form (NFKC) that all keyboards lead to. Wiped when dropped.
pub struct Passphrase(Zeroizing<String>);

/// Why a text is no passphrase.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PassphraseError {
    /// Nothing to protect a key with.
    #[error("the passphrase must not be empty")]
    Empty,
    /// More than anybody types.
    #[error("the passphrase is longer than {MAX_BYTES} bytes: is it the right file?")]
    TooLong,
}

impl Passphrase {
    /// The passphrase that this text means.
    pub fn new(text: &str) -> Result<Self, PassphraseError> {
        match text.len() {
            0 => Err(PassphraseError::Empty),
            1..=MAX_BYTES => {
                // Room for all of it, so that it is never moved and no copy stays behind.
                let mut one_form = Zeroizing::new(String::with_capacity(text.len() * MOST_GROWTH));
                one_form.extend(text.nfkc());
                Ok(Self(one_form))
            }
            _ => Err(PassphraseError::TooLong),
        }
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Who is asked for a passphrase.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Source {
    /// The person at the terminal.
    #[default]
    Terminal,
    /// A file that only its owner may read.
    File(PathBuf),
    /// A descriptor that this process was started with.
    Descriptor(u32),
}

impl Source {
    /// The file, if there is one, else the terminal.
    pub fn file_or_terminal(file: Option<&Path>) -> Self {
        file.map_or(Self::Terminal, |file| Self::File(file.into()))
    }

    /// Asks for the passphrase of something that exists and gives it to `open`, until it fits. A person may try three
    /// times, a file is right or wrong.
    pub fn open<T>(&self, what: &str, open: impl Fn(&Passphrase) -> Result<T, Failure>) -> Result<T, Failure> {
        let mut tries = 1;
        loop {
            let result = self.read(&format!("Passphrase of {what}: ")).and_then(|passphrase| open(&passphrase));
            match result {
                Err(Failure::Denied(why)) if *self == Self::Terminal && tries < TRIES => {
                    eprintln!("{why}, try again");
                    tries += 1;
                }
                result => return result,
            }
        }
    }

    /// A new passphrase; a person types it twice.
    pub fn new_passphrase(&self, what: &str) -> Result<Passphrase, Failure> {
        let first = self.read(&format!("New passphrase of {what}: "))?;
        if *self == Self::Terminal && self.read("Once more: ")?.as_bytes() != first.as_bytes() {
            return Err(Failure::usage("the two passphrases differ: nothing was changed, try again"));
        }
        Ok(first)
    }

    fn read(&self, prompt: &str) -> Result<Passphrase, Failure> {
        let text = match self {
            Self::Terminal => ask(prompt)?,
            Self::File(path) => private_file::read(path).map_err(Failure::from)?,
            Self::Descriptor(number) => from_descriptor(*number)?,
        };
        Passphrase::new(text.trim_end_matches(['\r', '\n'])).map_err(Failure::usage)
    }
}

fn ask(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    if std::env::var_os(VARIABLE).is_some() && !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!(
            "{VARIABLE} is not read, other processes could see it: give --passphrase-file FILE or --passphrase-fd N"
        )));
    }
    rpassword::prompt_password(prompt).map(Zeroizing::new).map_err(|error| {
        Failure::usage(format!(
            "there is no terminal to ask for the passphrase on ({error}): give --passphrase-file FILE or --passphrase-fd N"
        ))
    })
}

fn from_descriptor(number: u32) -> Result<Zeroizing<String>, Failure> {
    let failed = |error| Failure::usage(format!("cannot read the passphrase from descriptor {number}: {error}"));
    let mut text = Zeroizing::new(String::with_capacity(MAX_BYTES + 2));
    let file = File::open(format!("/dev/fd/{number}")).map_err(failed)?;
    file.take(MAX_BYTES as u64 + 2).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_typed_on_two_keyboards_is_one_passphrase() {
        let (composed, decomposed) = ("\u{d55c}\u{ae00}", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}");
        let bytes = |text| Passphrase::new(text).unwrap().as_bytes().to_vec();
        assert_eq!(bytes(composed), bytes(decomposed));
        assert_eq!(bytes(" two  spaces "), b" two  spaces ", "nothing else is changed");
    }

    #[test]
    fn the_longest_passphrase_fits_without_moving_and_a_longer_one_is_refused() {
        let widest = "\u{fdfa}".repeat(MAX_BYTES / 3);
        let passphrase = Passphrase::new(&widest).unwrap();
        assert!(passphrase.0.len() > 10 * widest.len() && passphrase.0.len() <= MOST_GROWTH * widest.len());
        assert_eq!(Passphrase::new(&"x".repeat(MAX_BYTES + 1)).err(), Some(PassphraseError::TooLong));
        assert_eq!(Passphrase::new("").err(), Some(PassphraseError::Empty));
    }

    #[test]
    fn a_file_is_tried_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("passphrase");
        private_file::create(&path, "a b \r\n".as_bytes()).unwrap();
        let tries = std::cell::Cell::new(0);
        let source = Source::file_or_terminal(Some(&path));
        let error = source.open("it", |passphrase| -> Result<(), Failure> {
            tries.set(tries.get() + 1);
            assert_eq!(passphrase.as_bytes(), b"a b ");
            Err(Failure::Denied("wrong".into()))
        });
        assert_eq!((error.unwrap_err().exit_code(), tries.get()), (77, 1));
    }
}

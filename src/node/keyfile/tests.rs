//! Key files against files that were made without this program, and against every kind of damage.

use ledger::SecretKey;
use serde::Deserialize;
use serde_json::Value;

use super::*;
use crate::words::Words;

#[derive(Deserialize)]
struct Vectors {
    files: Vec<Sealed>,
    refused: Vec<Refused>,
    words: Vec<Phrase>,
}

#[derive(Deserialize)]
struct Sealed {
    name: String,
    passphrase: String,
    also_opens_with: Option<String>,
    secret_key: String,
    words: Option<String>,
    file: Value,
}

#[derive(Deserialize)]
struct Refused {
    name: String,
    error: String,
    file: Value,
}

#[derive(Deserialize)]
struct Phrase {
    words: String,
    secret_key: String,
    address: Address,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("vectors.json")).unwrap()
}

fn secret() -> Secret {
    Secret::from(SecretKey::from_bytes([7; 32]).unwrap())
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text).unwrap()
}

#[test]
fn files_that_another_program_made_open_and_are_written_the_same() {
    for vector in vectors().files {
        let file = KeyFile::from_json(&vector.file.to_string()).unwrap();
        let again: Value = serde_json::from_str(&file.to_json().unwrap()).unwrap();
        assert_eq!(again, vector.file, "{}", vector.name);
        for text in [Some(&vector.passphrase), vector.also_opens_with.as_ref()].into_iter().flatten() {
            let secret = file.open(&passphrase(text)).unwrap();
            assert_eq!(hex::encode(secret.key.to_bytes()), vector.secret_key, "{}", vector.name);
            assert_eq!(secret.words.map(|words| words.phrase().to_string()), vector.words, "{}", vector.name);
        }
        assert_eq!(file.has_words(), vector.words.is_some());
        assert_eq!(file.open(&passphrase("another")).unwrap_err(), KeyFileError::WrongPassphrase);
    }
}

#[test]
fn every_file_that_must_be_refused_is_refused_for_its_reason() {
    let vectors = vectors();
    assert!(vectors.refused.len() > 20);
    for vector in vectors.refused {
        let error = KeyFile::from_json(&vector.file.to_string()).unwrap_err();
        let kind = match &error {
            KeyFileError::NotOne(_) => "not_one",
            KeyFileError::Newer(_) => "newer",
            KeyFileError::Unknown(_) => "unknown",
            KeyFileError::Work(_) => "work",
            KeyFileError::Damaged(_) => "damaged",
            KeyFileError::WrongPassphrase | KeyFileError::Machine(_) => "later",
        };
        assert_eq!(kind, vector.error, "{}: {error}", vector.name);
    }
}

#[test]
fn words_lead_to_the_keys_that_other_wallets_derive() {
    for vector in vectors().words {
        let secret = Secret::from_words(Words::parse(&vector.words).unwrap()).unwrap();
        assert_eq!(hex::encode(secret.key.to_bytes()), vector.secret_key);
        assert_eq!(secret.key.address(), vector.address);
    }
}

#[test]
fn a_key_file_gives_the_secret_back_only_for_its_passphrase_and_never_shows_it() {
    let with_words = Secret::from_words(Words::random()).unwrap();
    for secret in [secret(), with_words] {
        let text = KeyFile::seal(&secret, &passphrase("correct horse"), CHEAP).unwrap().to_json().unwrap();
        let file = KeyFile::from_json(&text).unwrap();
        assert_eq!((file.address(), file.public_key()), (secret.key.address(), secret.key.public()));
        let opened = file.open(&passphrase("correct horse")).unwrap();
        assert_eq!(*opened.to_bytes(), *secret.to_bytes());
        assert_eq!(file.open(&passphrase("correct hors")).unwrap_err(), KeyFileError::WrongPassphrase);
        assert!(!text.contains(&hex::encode(secret.key.to_bytes())));
    }
}

#[test]
fn no_two_files_of_one_key_are_sealed_alike() {
    let seal = || KeyFile::seal(&secret(), &passphrase("p"), CHEAP).unwrap();
    let (one, other) = (seal(), seal());
    assert_ne!(one.salt, other.salt);
    assert_ne!(one.nonce, other.nonce);
}

#[test]
fn a_file_that_is_cut_anywhere_is_damaged_or_none() {
    let text = KeyFile::seal(&secret(), &passphrase("p"), CHEAP).unwrap().to_json().unwrap();
    let whole = text.trim_end().len();
    for cut in 0..whole {
        let error = KeyFile::from_json(&text[..cut]).unwrap_err();
        assert!(matches!(error, KeyFileError::Damaged(_)), "cut at {cut}: {error}");
    }
}

#[test]
fn a_header_of_another_file_does_not_open_even_with_a_right_checksum() {
    let sealed = KeyFile::seal(&secret(), &passphrase("p"), CHEAP).unwrap();
    let other = SecretKey::from_bytes([8; 32]).unwrap();
    let renamed = KeyFile { address: other.address(), public_key: other.public(), ..sealed };
    let read = KeyFile::from_json(&renamed.to_json().unwrap()).unwrap();
    assert_eq!(read.open(&passphrase("p")).unwrap_err(), KeyFileError::WrongPassphrase);
}

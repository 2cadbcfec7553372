//! A secret key, encrypted with a passphrase: Argon2id makes the key of XChaCha20-Poly1305.
//!
//! The file says by itself how it was made, so parameters can change. A checksum over everything tells a damaged file
//! from a wrong passphrase; without it both look the same.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use ledger::{Address, PublicKey, SecretKey};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

/// The version that this program writes, and the newest that it reads.
const VERSION: u32 = 1;

/// Most that a file may ask for, so that a hostile file cannot take all memory or an hour: 1 GiB, 64 passes, 16 lanes.
const MOST: Cost = Cost { memory_kib: 1 << 20, passes: 64, lanes: 16 };

/// How much work a try of a passphrase is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub passes: u32,
    /// Parts that could be computed in parallel.
    pub lanes: u32,
}

impl Default for Cost {
    /// 64 MiB and three passes: a tenth of a second here, and a card with many cores runs out of memory first.
    fn default() -> Self {
        Self { memory_kib: 64 * 1024, passes: 3, lanes: 1 }
    }
}

/// An encrypted key, as its file has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keystore {
    version: u32,
    /// The address of the key, readable without the passphrase.
    pub address: Address,
    /// The public key.
    pub public_key: PublicKey,
    kdf: String,
    cost: Cost,
    salt: String,
    cipher: String,
    nonce: String,
    ciphertext: String,
    checksum: String,
}

/// Why a keystore does not open.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeystoreError {
    /// Not the text of a keystore.
    #[error("this is not a keystore: {0}")]
    NotOne(String),
    /// Written by a newer program.
    #[error("the keystore has version {0}, this program knows version {VERSION}: upgrade it")]
    Newer(u32),
    /// Bytes changed since it was written.
    #[error("the keystore is damaged ({0}): restore it from a copy")]
    Damaged(String),
    /// The file is as it was written, the passphrase is another.
    #[error("wrong passphrase")]
    WrongPassphrase,
    /// Nothing to protect the key with.
    #[error("the passphrase must not be empty")]
    EmptyPassphrase,
}

const KDF: &str = "argon2id";
const CIPHER: &str = "xchacha20poly1305";

impl Keystore {
    /// Encrypts `key`.
    pub fn seal(key: &SecretKey, passphrase: &str, cost: Cost) -> Result<Self, KeystoreError> {
        if passphrase.is_empty() {
            return Err(KeystoreError::EmptyPassphrase);
        }
        let (salt, nonce): ([u8; 32], [u8; 24]) = (rand::random(), rand::random());
        let secret = Zeroizing::new(key.to_bytes());
        let public_key = key.public();
        let ciphertext = cipher(passphrase, &salt, cost)?
            .encrypt(&XNonce::from(nonce), Payload { msg: &secret[..], aad: &public_key.0 })
            .map_err(|_| KeystoreError::Damaged("encryption failed".into()))?;
        let mut keystore = Self {
            version: VERSION,
            address: key.address(),
            public_key,
            kdf: KDF.into(),
            cost,
            salt: hex::encode(salt),
            cipher: CIPHER.into(),
            nonce: hex::encode(nonce),
            ciphertext: hex::encode(ciphertext),
            checksum: String::new(),
        };
        keystore.checksum = keystore.compute_checksum();
        Ok(keystore)
    }

    /// Decrypts the key.
    pub fn open(&self, passphrase: &str) -> Result<SecretKey, KeystoreError> {
        self.check_undamaged()?;
        let salt: [u8; 32] = bytes("salt", &self.salt)?;
        let nonce: [u8; 24] = bytes("nonce", &self.nonce)?;
        let ciphertext: [u8; 48] = bytes("ciphertext", &self.ciphertext)?;
        let secret = cipher(passphrase, &salt, self.cost)?
            .decrypt(&XNonce::from(nonce), Payload { msg: &ciphertext, aad: &self.public_key.0 })
            .map(Zeroizing::new)
            .map_err(|_| KeystoreError::WrongPassphrase)?;
        let secret: Zeroizing<[u8; 32]> = Zeroizing::new(
            secret.as_slice().try_into().map_err(|_| KeystoreError::Damaged("wrong length of the key".into()))?,
        );
        let key = SecretKey::from_bytes(*secret).map_err(|error| KeystoreError::Damaged(error.to_string()))?;
        if key.public() != self.public_key || key.address() != self.address {
            return Err(KeystoreError::Damaged("the key inside belongs to another address".into()));
        }
        Ok(key)
    }

    /// Reads the text of a keystore file. Whether the passphrase fits is known only by [`Keystore::open`].
    pub fn from_json(text: &str) -> Result<Self, KeystoreError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let not_one = |error: serde_json::Error| KeystoreError::NotOne(error.to_string());
        match serde_json::from_str::<Versioned>(text).map_err(not_one)?.version {
            newer if newer > VERSION => Err(KeystoreError::Newer(newer)),
            _ => serde_json::from_str(text).map_err(|error| KeystoreError::Damaged(error.to_string())),
        }
    }

    /// The text of a keystore file.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    fn check_undamaged(&self) -> Result<(), KeystoreError> {
        if self.kdf != KDF || self.cipher != CIPHER {
            return Err(KeystoreError::Damaged(format!("{} with {} is unknown", self.kdf, self.cipher)));
        }
        let Cost { memory_kib, passes, lanes } = self.cost;
        if memory_kib > MOST.memory_kib || passes > MOST.passes || lanes > MOST.lanes {
            return Err(KeystoreError::Damaged("it asks for more work than any keystore of ours".into()));
        }
        match self.compute_checksum() == self.checksum {
            true => Ok(()),
            false => Err(KeystoreError::Damaged("the checksum does not match".into())),
        }
    }

    /// Poly1305 under a fixed key: finds accidents, needs no secret, protects from nobody.
    fn compute_checksum(&self) -> String {
        let unchecked = Self { checksum: String::new(), ..self.clone() };
        let text = serde_json::to_string(&unchecked).unwrap_or_default();
        let fixed = XChaCha20Poly1305::new(&[0; 32].into());
        let tag = fixed.encrypt(&XNonce::from([0; 24]), Payload { msg: &[], aad: text.as_bytes() });
        hex::encode(tag.unwrap_or_default())
    }
}

fn cipher(passphrase: &str, salt: &[u8], cost: Cost) -> Result<XChaCha20Poly1305, KeystoreError> {
    let failed = |error: argon2::Error| KeystoreError::Damaged(format!("{KDF}: {error}"));
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32)).map_err(failed)?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, &mut key[..])
        .map_err(failed)?;
    Ok(XChaCha20Poly1305::new(&(*key).into()))
}

fn bytes<const N: usize>(name: &str, text: &str) -> Result<[u8; N], KeystoreError> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).map_err(|error| KeystoreError::Damaged(format!("{name}: {error}")))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost { memory_kib: 64, passes: 1, lanes: 1 };

    fn key() -> SecretKey {
        SecretKey::from_bytes([7; 32]).unwrap()
    }

    #[test]
    fn a_keystore_gives_the_key_back_only_for_its_passphrase() {
        let text = Keystore::seal(&key(), "correct horse", CHEAP).unwrap().to_json();
        let keystore = Keystore::from_json(&text).unwrap();
        assert_eq!(keystore.address, key().address());
        assert_eq!(keystore.open("correct horse").unwrap().to_bytes(), key().to_bytes());
        assert_eq!(keystore.open("correct hors").unwrap_err(), KeystoreError::WrongPassphrase);
        assert!(!text.contains(&hex::encode(key().to_bytes())));
    }

    #[test]
    fn a_damaged_keystore_is_not_taken_for_a_wrong_passphrase() {
        let sealed = Keystore::seal(&key(), "p", CHEAP).unwrap();
        let flip = |text: &str| format!("{}{}", if text.starts_with('0') { '1' } else { '0' }, &text[1..]);
        let damaged = [
            Keystore { salt: flip(&sealed.salt), ..sealed.clone() },
            Keystore { nonce: flip(&sealed.nonce), ..sealed.clone() },
            Keystore { ciphertext: flip(&sealed.ciphertext), ..sealed.clone() },
            Keystore { address: Address([1; 20]), ..sealed.clone() },
            Keystore { cost: Cost { memory_kib: 65, ..CHEAP }, ..sealed.clone() },
            Keystore { cost: Cost { memory_kib: u32::MAX, ..CHEAP }, ..sealed.clone() },
        ];
        for keystore in damaged {
            let error = keystore.open("p").unwrap_err();
            assert!(matches!(error, KeystoreError::Damaged(_)), "{error}");
        }
    }

    #[test]
    fn a_newer_version_and_a_text_that_is_none_are_named() {
        let text = Keystore::seal(&key(), "p", CHEAP).unwrap().to_json().replace("\"version\": 1", "\"version\": 2");
        assert_eq!(Keystore::from_json(&text).unwrap_err(), KeystoreError::Newer(2));
        assert!(matches!(Keystore::from_json("{}"), Err(KeystoreError::NotOne(_))));
        assert_eq!(Keystore::seal(&key(), "", CHEAP).unwrap_err(), KeystoreError::EmptyPassphrase);
    }
}

//! A secret key in a file, encrypted with a passphrase: docs/keyfile.md, word for word.
//!
//! Argon2id makes a key of the passphrase, XChaCha20-Poly1305 seals the secret. The file says by itself how it was
//! made, so numbers can grow. Everything that can be said without the passphrase is said before it is asked: a checksum
//! tells a damaged file from a wrong passphrase, and a file that asks for absurd work is refused before any is done.

mod written;

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use ledger::{Address, PublicKey};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::passphrase::Passphrase;
use crate::secret::{KEY_BYTES, Secret};

/// The version that this program writes, and the newest that it reads.
pub const VERSION: u32 = 1;

/// Most that a file may ask for: a hostile one takes a quarter of a GiB and some seconds, not the machine.
const MOST: Cost = Cost { memory_kib: 256 * 1024, passes: 10, lanes: 4 };
/// Argon2 needs so much for each lane.
const LEAST_KIB_A_LANE: u32 = 8;
/// Bytes that Poly1305 puts behind what is sealed.
const TAG: usize = 16;

/// How much work a try of a passphrase is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub passes: u32,
    /// Parts that could be computed in parallel.
    pub lanes: u32,
}

impl Default for Cost {
    /// 64 MiB and three passes: a tenth of a second here, some in a browser, and a card with many cores runs out of
    /// memory first.
    fn default() -> Self {
        Self { memory_kib: 64 * 1024, passes: 3, lanes: 1 }
    }
}

impl Cost {
    fn is_sane(&self) -> bool {
        (1..=MOST.passes).contains(&self.passes)
            && (1..=MOST.lanes).contains(&self.lanes)
            && (LEAST_KIB_A_LANE * self.lanes..=MOST.memory_kib).contains(&self.memory_kib)
    }
}

/// An encrypted key. Whatever is in it was checked as far as that goes without the passphrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    address: Address,
    public_key: PublicKey,
    cost: Cost,
    salt: [u8; 32],
    nonce: [u8; 24],
    sealed: Vec<u8>,
}

/// Why a key file does not open.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyFileError {
    /// Not the text of a key file.
    #[error("this is not a key file: {0}")]
    NotOne(String),
    /// Written by a newer program.
    #[error("the key file has version {0}, this program knows version {VERSION}: install a newer Barreleye")]
    Newer(u64),
    /// Made by functions that are not known here.
    #[error("the key file was made with {0}, which this program does not know: open it with the one that made it")]
    Unknown(String),
    /// It asks for less than Argon2 takes, or for more than any key file needs.
    #[error(
        "the key file asks for {memory_kib} KiB, {passes} passes and {lanes} lanes; at most {max} KiB, {} passes and {} \
         lanes are allowed: it was not made by Barreleye",
        MOST.passes, MOST.lanes, memory_kib = .0.memory_kib, passes = .0.passes, lanes = .0.lanes, max = MOST.memory_kib
    )]
    Work(Cost),
    /// It is not as it was written.
    #[error("the key file is damaged ({0}): restore it from a copy, or import its words")]
    Damaged(String),
    /// The file is as it was written, the passphrase is another.
    #[error("wrong passphrase")]
    WrongPassphrase,
    /// This machine cannot do the work.
    #[error("cannot compute the key: {0}")]
    Machine(String),
}

impl KeyFile {
    /// Encrypts a secret.
    pub fn seal(secret: &Secret, passphrase: &Passphrase, cost: Cost) -> Result<Self, KeyFileError> {
        let mut file = Self {
            address: secret.key.address(),
            public_key: secret.key.public(),
            cost,
            salt: rand::random(),
            nonce: rand::random(),
            sealed: Vec::new(),
        };
        let (plain, header) = (secret.to_bytes(), file.header());
        let payload = Payload { msg: &plain, aad: header.as_bytes() };
        let sealed = file.cipher(passphrase)?.encrypt(&XNonce::from(file.nonce), payload);
        file.sealed = sealed.map_err(|error| KeyFileError::Machine(error.to_string()))?;
        Ok(file)
    }

    /// Decrypts the secret.
    pub fn open(&self, passphrase: &Passphrase) -> Result<Secret, KeyFileError> {
        let header = self.header();
        let payload = Payload { msg: &self.sealed, aad: header.as_bytes() };
        let opened = self.cipher(passphrase)?.decrypt(&XNonce::from(self.nonce), payload);
        let plain = opened.map(Zeroizing::new).map_err(|_| KeyFileError::WrongPassphrase)?;
        let secret = Secret::from_bytes(&plain).map_err(|error| KeyFileError::Damaged(error.to_string()))?;
        match secret.key.public() == self.public_key {
            true => Ok(secret),
            false => Err(KeyFileError::Damaged("the key inside belongs to another address".into())),
        }
    }

    /// The address of the key, known without the passphrase.
    pub fn address(&self) -> Address {
        self.address
    }

    /// The public key, known without the passphrase.
    pub fn public_key(&self) -> PublicKey {
        self.public_key
    }

    /// Whether the key comes from words, which are sealed beside it.
    pub fn has_words(&self) -> bool {
        self.sealed.len() > KEY_BYTES + TAG
    }

    /// What is sealed together with the secret, so that none of it can be exchanged.
    fn header(&self) -> String {
        let Cost { memory_kib, passes, lanes } = self.cost;
        let (salt, nonce) = (hex::encode(self.salt), hex::encode(self.nonce));
        let (address, public_key) = (self.address, self.public_key);
        format!(
            "barreleye key {VERSION} {address} {public_key} {} {memory_kib} {passes} {lanes} {salt} {} {nonce}",
            written::KDF,
            written::CIPHER
        )
    }

    fn cipher(&self, passphrase: &Passphrase) -> Result<XChaCha20Poly1305, KeyFileError> {
        let Cost { memory_kib, passes, lanes } = self.cost;
        let failed = |error: argon2::Error| KeyFileError::Machine(error.to_string());
        let params = Params::new(memory_kib, passes, lanes, Some(32)).map_err(failed)?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), &self.salt, &mut key[..])
            .map_err(failed)?;
        Ok(XChaCha20Poly1305::new(&(*key).into()))
    }
}

/// Little work, for tests that are not about the work.
#[cfg(test)]
pub const CHEAP: Cost = Cost { memory_kib: 64, passes: 1, lanes: 1 };

#[cfg(test)]
mod tests;

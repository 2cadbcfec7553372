//! Keys, signatures and the addresses that belong to a key.

use std::fmt;
use std::str::FromStr;

use secp256k1::{Message, ecdsa};
use thiserror::Error;

use crate::encode::sha256;
use crate::hex_bytes::{self, ParseHexError, hex_bytes};
use crate::{Address, Digest};

hex_bytes!(
    /// A secp256k1 public key, compressed. Bytes from outside: whether they are a point is known only when used.
    PublicKey, 33
);
hex_bytes!(
    /// An ECDSA signature, 64 bytes compact. Only the low form of `s` verifies.
    Signature, 64
);

/// Why a key or signature cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The text is not hex of the right length.
    #[error("a secret key is 64 hex digits: {0}")]
    Hex(#[from] ParseHexError),
    /// Zero, or not below the order of the curve.
    #[error("the secret key is zero or not below the order of the curve")]
    OutOfRange,
    /// The bytes are not a point of the curve.
    #[error("the public key is not a point of the curve")]
    NotAPoint,
    /// The signature does not belong to the key and the message, or is not in its low form.
    #[error("the signature is not valid for the key")]
    BadSignature,
}

/// A secp256k1 secret key. Wiped when dropped, never printed.
pub struct SecretKey(secp256k1::SecretKey);

impl SecretKey {
    /// The key with these 32 big-endian bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, KeyError> {
        secp256k1::SecretKey::from_secret_bytes(bytes).map(Self).map_err(|_| KeyError::OutOfRange)
    }

    /// The 32 big-endian bytes, for a keystore.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_secret_bytes()
    }

    /// The public key.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.public_key().serialize())
    }

    /// The address of the public key.
    pub fn address(&self) -> Address {
        addresses(&self.0.public_key()).0[0]
    }

    /// Signs a digest: deterministic (RFC 6979), low `s`.
    pub fn sign(&self, digest: &Digest) -> Signature {
        Signature(ecdsa::sign(Message::from_digest(digest.0), &self.0).serialize_compact())
    }
}

impl FromStr for SecretKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::from_bytes(hex_bytes::parse(text)?)
    }
}

impl Clone for SecretKey {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl Drop for SecretKey {
    fn drop(&mut self) {
        self.0.non_secure_erase();
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "SecretKey of {}", self.address())
    }
}

/// The three addresses that wallets have derived from one key: ours (padded), then with leading zero bytes of the
/// coordinates dropped, then with leading zero digits dropped. They are the same for most keys.
pub struct Addresses(pub [Address; 3]);

impl PublicKey {
    /// The key at the coordinates `x` and `y`, 32 bytes big-endian each.
    pub fn from_coordinates(x: &[u8; 32], y: &[u8; 32]) -> Result<Self, KeyError> {
        let mut bytes = [4; 65];
        bytes[1..33].copy_from_slice(x);
        bytes[33..].copy_from_slice(y);
        let point = secp256k1::PublicKey::from_byte_array_uncompressed(bytes).map_err(|_| KeyError::NotAPoint)?;
        Ok(Self(point.serialize()))
    }

    /// The coordinates `x` and `y`, 32 bytes big-endian each.
    pub fn coordinates(&self) -> Result<([u8; 32], [u8; 32]), KeyError> {
        Ok(coordinates(&self.point()?))
    }

    /// The address: first 20 bytes of SHA-256(x ‖ y), both padded.
    pub fn address(&self) -> Result<Address, KeyError> {
        Ok(addresses(&self.point()?).0[0])
    }

    /// All addresses under which wallets of the original chain may know this key (rule T6).
    pub fn addresses(&self) -> Result<Addresses, KeyError> {
        Ok(addresses(&self.point()?))
    }

    /// Checks `signature` over `digest`. A high `s` is refused: normalising first would make signatures malleable.
    pub fn verify(&self, digest: &Digest, signature: &Signature) -> Result<(), KeyError> {
        verify(&self.point()?, digest, signature)
    }

    /// Checks that `signature` over `digest` is by this key and gives the key's addresses, for the price of one.
    pub fn verify_and_derive(&self, digest: &Digest, signature: &Signature) -> Result<Addresses, KeyError> {
        let point = self.point()?;
        verify(&point, digest, signature)?;
        Ok(addresses(&point))
    }

    fn point(&self) -> Result<secp256k1::PublicKey, KeyError> {
        secp256k1::PublicKey::from_byte_array_compressed(self.0).map_err(|_| KeyError::NotAPoint)
    }
}

impl Signature {
    /// The signature with integers `r` and `s`, 32 bytes big-endian each; a high `s` becomes its low twin.
    pub fn from_integers(r: &[u8; 32], s: &[u8; 32]) -> Result<Self, KeyError> {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(r);
        bytes[32..].copy_from_slice(s);
        let mut signature = ecdsa::Signature::from_compact(&bytes).map_err(|_| KeyError::BadSignature)?;
        signature.normalize_s();
        Ok(Self(signature.serialize_compact()))
    }

    /// The integers `r` and `s`, 32 bytes big-endian each.
    pub fn integers(&self) -> ([u8; 32], [u8; 32]) {
        let (r, s) = self.0.split_at(32);
        (r.try_into().unwrap_or([0; 32]), s.try_into().unwrap_or([0; 32]))
    }
}

fn verify(point: &secp256k1::PublicKey, digest: &Digest, signature: &Signature) -> Result<(), KeyError> {
    let signature = ecdsa::Signature::from_compact(&signature.0).map_err(|_| KeyError::BadSignature)?;
    ecdsa::verify(&signature, Message::from_digest(digest.0), point).map_err(|_| KeyError::BadSignature)
}

fn coordinates(point: &secp256k1::PublicKey) -> ([u8; 32], [u8; 32]) {
    let bytes = point.serialize_uncompressed();
    let mut xy = ([0; 32], [0; 32]);
    xy.0.copy_from_slice(&bytes[1..33]);
    xy.1.copy_from_slice(&bytes[33..]);
    xy
}

fn addresses(point: &secp256k1::PublicKey) -> Addresses {
    let (x, y) = coordinates(point);
    let padded = to_address(&[&x, &y]);
    // A leading zero digit is the only way in which the three can differ, and 7 keys in 8 have none.
    if x[0] >= 0x10 && y[0] >= 0x10 {
        return Addresses([padded; 3]);
    }
    let digits = format!("{}{}", hex::encode(x).trim_start_matches('0'), hex::encode(y).trim_start_matches('0'));
    Addresses([padded, to_address(&[without_zeros(&x), without_zeros(&y)]), to_address(&[&pairs(&digits)])])
}

fn to_address(parts: &[&[u8]]) -> Address {
    let mut address = Address::ZERO;
    address.0.copy_from_slice(&sha256(parts).0[..20]);
    address
}

/// `bytes` without leading zero bytes, at least one byte.
pub(crate) fn without_zeros(bytes: &[u8]) -> &[u8] {
    let first = bytes.iter().position(|&b| b != 0).unwrap_or(bytes.len() - 1);
    &bytes[first..]
}

/// Hex digits as bytes, in pairs from the left; a digit that is left over is a byte of its own (Barreleye Scan).
fn pairs(digits: &str) -> Vec<u8> {
    let value = |d: u8| (d as char).to_digit(16).unwrap_or(0) as u8;
    digits.as_bytes().chunks(2).map(|pair| pair.iter().fold(0, |byte, &d| byte << 4 | value(d))).collect()
}

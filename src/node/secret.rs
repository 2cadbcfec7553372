//! What a wallet keeps of a key: the secret itself, and the words that it comes from, if it comes from words.
//!
//! Wiped from memory when dropped, never printed by itself.

use ledger::{KeyError, SecretKey};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::words::{Words, WordsError};

/// Bytes of a secret key.
pub const KEY_BYTES: usize = 32;
/// Most bytes that words stand for: 24 of them.
const MAX_ENTROPY_BYTES: usize = 32;

/// A secret key, with its words.
#[derive(Debug)]
pub struct Secret {
    /// The key.
    pub key: SecretKey,
    /// The words that lead to it.
    pub words: Option<Words>,
}

/// Why bytes are not a secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SecretError {
    /// Less than a key.
    #[error("{0} bytes are no key")]
    Length(usize),
    /// Not a key of the curve.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// What stands behind the key are no words.
    #[error(transparent)]
    Words(#[from] WordsError),
    /// The words belong to another key.
    #[error("the words lead to another key")]
    OtherWords,
}

impl Secret {
    /// The key that `words` lead to.
    pub fn from_words(words: Words) -> Result<Self, WordsError> {
        Ok(Self { key: words.key()?, words: Some(words) })
    }

    /// The bytes that a key file seals: the key, then what its words stand for.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_BYTES + MAX_ENTROPY_BYTES));
        bytes.extend_from_slice(&Zeroizing::new(self.key.to_bytes())[..]);
        if let Some(words) = &self.words {
            bytes.extend_from_slice(&words.entropy());
        }
        bytes
    }

    /// Reads what [`Secret::to_bytes`] gave.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SecretError> {
        let (key, entropy) = bytes.split_first_chunk::<KEY_BYTES>().ok_or(SecretError::Length(bytes.len()))?;
        let key = SecretKey::from_bytes(*key)?;
        if entropy.is_empty() {
            return Ok(Self { key, words: None });
        }
        let secret = Self::from_words(Words::from_entropy(entropy)?)?;
        match secret.key.public() == key.public() {
            true => Ok(secret),
            false => Err(SecretError::OtherWords),
        }
    }
}

impl From<SecretKey> for Secret {
    fn from(key: SecretKey) -> Self {
        Self { key, words: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_another_key_or_length_are_refused() {
        let secret = Secret::from_words(Words::random()).unwrap();
        let bytes = secret.to_bytes();
        assert_eq!(*Secret::from_bytes(&bytes).unwrap().to_bytes(), *bytes);
        assert_eq!(Secret::from_bytes(&bytes[..31]).unwrap_err(), SecretError::Length(31));
        assert!(matches!(Secret::from_bytes(&bytes[..40]).unwrap_err(), SecretError::Words(_)));
        assert!(matches!(Secret::from_bytes(&[0; 32]).unwrap_err(), SecretError::Key(_)));
        let other = Secret::from_words(Words::random()).unwrap().to_bytes();
        let mixed = [&bytes[..KEY_BYTES], &other[KEY_BYTES..]].concat();
        assert_eq!(Secret::from_bytes(&mixed).unwrap_err(), SecretError::OtherWords);
    }
}

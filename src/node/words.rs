//! A key as words that can be written on paper: BIP39 in English without a passphrase of its own, and from there the
//! key at the BIP44 path below, which any common wallet can give back.

use std::fmt;

use bip32::{ExtendedPrivateKey, PrivateKey, PrivateKeyBytes};
use bip39::{Language, Mnemonic};
use ledger::SecretKey;
use thiserror::Error;
use zeroize::Zeroizing;

/// No coin number is registered for Barreleye; with 60 the words give the same secret key in the wallets that most
/// people have.
const PATH: &str = "m/44'/60'/0'/0/0";
/// 12 words: 128 bits, which is what a key of this curve is worth.
const NEW_ENTROPY_BYTES: usize = 16;
/// Longer than any 24 words.
const MAX_TEXT: usize = 1024;

/// A key on the way to the one at the path. Wiped when dropped.
struct OnTheWay(secp256k1::SecretKey);

impl PrivateKey for OnTheWay {
    type PublicKey = secp256k1::PublicKey;

    fn from_bytes(bytes: &PrivateKeyBytes) -> bip32::Result<Self> {
        PrivateKey::from_bytes(bytes).map(Self)
    }

    fn to_bytes(&self) -> PrivateKeyBytes {
        PrivateKey::to_bytes(&self.0)
    }

    fn derive_child(&self, tweak: PrivateKeyBytes) -> bip32::Result<Self> {
        self.0.derive_child(tweak).map(Self)
    }

    fn public_key(&self) -> Self::PublicKey {
        PrivateKey::public_key(&self.0)
    }
}

impl Drop for OnTheWay {
    fn drop(&mut self) {
        self.0.non_secure_erase();
    }
}

/// Words that lead to a key. Wiped when dropped.
pub struct Words(Mnemonic);

/// Why words lead to no key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WordsError {
    /// Too few or too many.
    #[error("there are {0} words; backup words are 12, 15, 18, 21 or 24")]
    Count(usize),
    /// A word that no wallet uses. The word itself is not repeated: it may be almost right.
    #[error("word {0} is not on the English list of backup words (BIP39): check its spelling")]
    Unknown(usize),
    /// Each word is right, their last bits say that something is wrong.
    #[error("the words do not belong together: one of them is another, or two changed places")]
    Checksum,
    /// Happens to one seed in 2¹²⁷.
    #[error("the words lead to no key: {0}")]
    NoKey(String),
}

impl Words {
    /// New words from the system's randomness.
    pub fn random() -> Self {
        loop {
            let entropy = Zeroizing::new(rand::random::<[u8; NEW_ENTROPY_BYTES]>());
            // It cannot fail with this number of bytes.
            if let Ok(words) = Self::from_entropy(&entropy[..]) {
                return words;
            }
        }
    }

    /// Reads words as people write them: any case, any white space.
    pub fn parse(text: &str) -> Result<Self, WordsError> {
        let mut plain = Zeroizing::new(String::with_capacity(MAX_TEXT));
        for word in text.split_whitespace() {
            if plain.len() + word.len() + 1 > MAX_TEXT {
                return Err(WordsError::Count(text.split_whitespace().count()));
            }
            if !plain.is_empty() {
                plain.push(' ');
            }
            word.chars().for_each(|c| plain.push(c.to_ascii_lowercase()));
        }
        Mnemonic::parse_in_normalized(Language::English, &plain).map(Self).map_err(WordsError::from)
    }

    /// The words that stand for these bytes.
    pub fn from_entropy(entropy: &[u8]) -> Result<Self, WordsError> {
        Mnemonic::from_entropy_in(Language::English, entropy).map(Self).map_err(WordsError::from)
    }

    /// The bytes that the words stand for.
    pub fn entropy(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0.to_entropy())
    }

    /// The words, with one space between.
    pub fn phrase(&self) -> Zeroizing<String> {
        let mut phrase = Zeroizing::new(String::with_capacity(MAX_TEXT));
        for word in self.0.words() {
            if !phrase.is_empty() {
                phrase.push(' ');
            }
            phrase.push_str(word);
        }
        phrase
    }

    /// The key that they lead to.
    pub fn key(&self) -> Result<SecretKey, WordsError> {
        let failed = |error: &dyn fmt::Display| WordsError::NoKey(error.to_string());
        let seed = Zeroizing::new(self.0.to_seed_normalized(""));
        let path = PATH.parse().map_err(|error: bip32::Error| failed(&error))?;
        let extended =
            ExtendedPrivateKey::<OnTheWay>::derive_from_path(&seed[..], &path).map_err(|error| failed(&error))?;
        let bytes = Zeroizing::new(extended.private_key().to_bytes());
        SecretKey::from_bytes(*bytes).map_err(|error| failed(&error))
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} words", self.0.word_count())
    }
}

impl From<bip39::Error> for WordsError {
    fn from(error: bip39::Error) -> Self {
        match error {
            bip39::Error::BadWordCount(count) => Self::Count(count),
            bip39::Error::BadEntropyBitCount(bits) => Self::Count(bits * 3 / 32),
            bip39::Error::UnknownWord(index) => Self::Unknown(index + 1),
            // One language is known here, so no text fits two.
            bip39::Error::InvalidChecksum | bip39::Error::AmbiguousLanguages(_) => Self::Checksum,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "legal winner thank year wave sausage worth useful legal winner thank yellow";

    #[test]
    fn words_are_read_as_people_write_them_and_read_back() {
        let spread = format!("  {}\n", GOOD.to_uppercase().replace(' ', " \n\t"));
        assert_eq!(*Words::parse(&spread).unwrap().phrase(), GOOD);
        let new = Words::random();
        assert_eq!(new.phrase().split(' ').count(), 12);
        assert_eq!(*Words::from_entropy(&new.entropy()).unwrap().phrase(), *new.phrase());
        assert_ne!(*Words::random().phrase(), *new.phrase());
        assert_eq!(format!("{new:?}"), "12 words", "they are secret");
    }

    #[test]
    fn what_is_wrong_with_words_is_said_without_repeating_them() {
        let error = |text: &str| Words::parse(text).unwrap_err();
        assert_eq!(error(""), WordsError::Count(0));
        assert_eq!(error(&GOOD[..GOOD.len() - 7]), WordsError::Count(11));
        assert_eq!(error(&GOOD.replace("sausage", "sausages")), WordsError::Unknown(6));
        assert_eq!(error(&GOOD.replace("thank yellow", "yellow thank")), WordsError::Checksum);
        assert_eq!(error(&"legal ".repeat(5_000)), WordsError::Count(5_000));
        assert!(!error(&GOOD.replace("sausage", "sausages")).to_string().contains("sausage"));
    }
}

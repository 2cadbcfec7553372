//! Every form in which people have a key, told apart by what it looks like: hex, the digits of Barreleye Scan, words.
//!
//! Key files are another thing: they need a passphrase, see [`crate::keyfile`].

use ledger::{KeyError, SecretKey};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::words::{Words, WordsError};

/// Order of the curve, big-endian: secret keys are numbers below it.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc,
    0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];
/// More digits than any number that a wallet ever showed: a 256-bit number has 78.
const MAX_DIGITS: usize = 256;

/// Why a text is no key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyFormError {
    /// It looks like none of the forms.
    #[error(
        "this is no key: a secret key is at most 64 hex digits, with or without 0x; a key of Barreleye Scan is a decimal \
         number; backup words are 12 to 24 English words; a key file begins with {{"
    )]
    NoForm,
    /// Zero, or above the order of the curve.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Words that are wrong.
    #[error(transparent)]
    Words(#[from] WordsError),
}

/// Reads a key in any form.
///
/// Barreleye Scan shows a new key as a decimal number and later takes those digits for hex, modulo the order of the
/// curve; only this reading leads to the account that it showed. With up to 64 digits it is the same as hex, so nobody
/// has to say which one a number is.
pub fn parse(text: &str) -> Result<Secret, KeyFormError> {
    let text = text.trim();
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let all = |test: fn(&u8) -> bool| !digits.is_empty() && digits.bytes().all(|byte| test(&byte));
    if all(u8::is_ascii_hexdigit) && digits.len() <= 64 {
        let padded = Zeroizing::new(format!("{digits:0>64}"));
        return Ok(Secret::from(padded.parse::<SecretKey>()?));
    }
    if all(u8::is_ascii_digit) && digits.len() == text.len() && digits.len() <= MAX_DIGITS {
        return Ok(Secret::from(scan_decimal(digits)?));
    }
    match text.split_whitespace().nth(1) {
        Some(_) => Ok(Secret::from_words(Words::parse(text)?)?),
        None => Err(KeyFormError::NoForm),
    }
}

fn scan_decimal(digits: &str) -> Result<SecretKey, KeyError> {
    let mut number = Zeroizing::new([0; 32]);
    for digit in digits.bytes() {
        *number = times_sixteen_plus(&number, digit - b'0');
    }
    SecretKey::from_bytes(*number)
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

    fn key(text: &str) -> [u8; 32] {
        parse(text).unwrap().key.to_bytes()
    }

    #[test]
    fn hex_keys_may_lack_prefix_and_zeros() {
        let expected = key(&format!("{:064x}", 0x0abc));
        for text in ["abc", "0xabc", "0X0ABC\n", " 0abc "] {
            assert_eq!(key(text), expected, "{text}");
        }
        for bad in
            ["", "0x", "xyz", &"1".repeat(257), &format!("0x{}", "1".repeat(65)), &format!("a{}", "1".repeat(64))]
        {
            assert_eq!(parse(bad).unwrap_err(), KeyFormError::NoForm, "{bad}");
        }
        for bad in ["0", &"f".repeat(64), &"0".repeat(77)] {
            assert!(matches!(parse(bad).unwrap_err(), KeyFormError::Key(_)), "{bad}");
        }
    }

    #[test]
    fn decimal_digits_are_read_as_hex_modulo_the_order() {
        assert_eq!(scan_decimal("10").unwrap().to_bytes(), key("10"), "a short number is the same both ways");
        // 16⁶⁴ mod n = 2²⁵⁶ − n, known from the curve.
        let one_and_64_zeros = format!("1{}", "0".repeat(64));
        assert_eq!(key(&one_and_64_zeros), key("14551231950b75fc4402da1732fc9bebf"));
        // A typical one: 77 digits; the value is from another implementation of big numbers.
        let typical = "73514296380120941568350742186093547829610358274619530487261950837465291038475";
        assert_eq!(key(typical), key("941568350742186093e702df6f4d5f569df2871fc892261f5d274ce276f6de3"));
    }

    #[test]
    fn words_are_told_from_other_forms() {
        let words = "legal winner thank year wave sausage worth useful legal winner thank yellow";
        let secret = parse(words).unwrap();
        assert_eq!(*secret.words.unwrap().phrase(), words);
        assert_eq!(parse("legal winner").unwrap_err(), KeyFormError::Words(WordsError::Count(2)));
        assert_eq!(parse("legal").unwrap_err(), KeyFormError::NoForm);
    }
}

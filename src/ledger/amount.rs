//! Money. Only checked arithmetic: an amount that does not fit is an error, never another amount.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// An amount of money in drops; 1 Barrel is 100 000 000 drops.
///
/// Prints and reads as decimal Barrel (`1.5`); travels as the number of drops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(u64);

/// Why a text is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ParseAmountError {
    /// Something else than digits and one point.
    #[error("'{0}' is not a decimal amount of Barrel, such as 12 or 0.5")]
    NotDecimal(String),
    /// More than eight decimals.
    #[error("a Barrel has 8 decimals, '{0}' has more")]
    TooFine(String),
    /// More than fits.
    #[error("'{0}' is more Barrel than can exist")]
    TooLarge(String),
}

const DECIMALS: usize = 8;
const DROPS_PER_BARREL: u64 = 100_000_000;

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// One Barrel.
    pub const BARREL: Self = Self(DROPS_PER_BARREL);

    /// An amount of `drops`.
    pub const fn drops(drops: u64) -> Self {
        Self(drops)
    }

    /// An amount of whole Barrel, if it fits.
    pub const fn barrels(barrels: u64) -> Option<Self> {
        match barrels.checked_mul(DROPS_PER_BARREL) {
            Some(drops) => Some(Self(drops)),
            None => None,
        }
    }

    /// The amount in drops.
    pub const fn as_drops(self) -> u64 {
        self.0
    }

    /// Whole Barrel, rounded down, as the compatible API shows it.
    pub const fn whole_barrels(self) -> u64 {
        self.0 / DROPS_PER_BARREL
    }

    /// The sum, if it fits.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The difference, if it is not negative.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(rest) => Some(Self(rest)),
            None => None,
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let text = format!("{}.{:08}", self.0 / DROPS_PER_BARREL, self.0 % DROPS_PER_BARREL);
        f.pad(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl FromStr for Amount {
    type Err = ParseAmountError;

    fn from_str(text: &str) -> Result<Self, ParseAmountError> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) || (text.contains('.') && fraction.is_empty()) {
            return Err(ParseAmountError::NotDecimal(text.into()));
        }
        if fraction.len() > DECIMALS {
            return Err(ParseAmountError::TooFine(text.into()));
        }
        format!("{whole}{fraction:0<DECIMALS$}").parse().map(Self).map_err(|_| ParseAmountError::TooLarge(text.into()))
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() { to.collect_str(self) } else { to.serialize_u64(self.0) }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if !from.is_human_readable() {
            return u64::deserialize(from).map(Self);
        }
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_print_and_read_exactly() {
        for (drops, text) in [
            (0, "0"),
            (1, "0.00000001"),
            (DROPS_PER_BARREL, "1"),
            (150_000_000, "1.5"),
            (u64::MAX, "184467440737.09551615"),
        ] {
            assert_eq!(Amount::drops(drops).to_string(), text);
            assert_eq!(text.parse(), Ok(Amount::drops(drops)));
        }
    }

    #[test]
    fn texts_that_are_no_amount_are_refused() {
        for bad in ["", "-1", "+1", ".5", "1.", "1e3", "0x10", "1.2.3", " 1"] {
            assert_eq!(bad.parse::<Amount>(), Err(ParseAmountError::NotDecimal(bad.into())), "{bad}");
        }
        assert_eq!("0.000000001".parse::<Amount>(), Err(ParseAmountError::TooFine("0.000000001".into())));
        assert_eq!(
            "184467440737.09551616".parse::<Amount>(),
            Err(ParseAmountError::TooLarge("184467440737.09551616".into()))
        );
    }
}

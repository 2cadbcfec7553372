//! Numbers that JSON cannot carry exactly, as decimal texts; and how texts are described in the OpenAPI document.

use std::fmt;

use ledger::Amount;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// An amount in drops, a decimal string; 1 Barrel is 100 000 000 drops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Drops(pub Amount);

/// A whole number as a decimal string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Number(pub u64);

impl From<Amount> for Drops {
    fn from(amount: Amount) -> Self {
        Self(amount)
    }
}

impl From<u64> for Number {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        whole(&text).map(Self).ok_or_else(|| D::Error::custom(format!("'{text}' is {NO_NUMBER}")))
    }
}

impl Serialize for Drops {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Number(self.0.as_drops()).serialize(to)
    }
}

impl<'de> Deserialize<'de> for Drops {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Number::deserialize(from).map(|number| Self(Amount::drops(number.0)))
    }
}

/// What is wrong with a text that is no such number.
pub(crate) const NO_NUMBER: &str = "not a whole number in decimal digits that fits in 64 bits";

/// Digits only: no sign, no point, no exponent.
pub(crate) fn whole(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Texts of the OpenAPI document: each stands in for a type that this crate only carries.
pub mod schema {
    use super::{PartialSchema, RefOr, Schema, ToSchema, text};

    macro_rules! texts {
        ($($(#[$doc:meta])* $name:ident $pattern:literal $example:literal $description:literal)*) => {$(
            $(#[$doc])*
            #[derive(Debug)]
            pub struct $name;

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    text($pattern, $example, $description)
                }
            }

            impl ToSchema for $name {}
        )*};
    }

    texts! {
        /// The id of a block or a transaction.
        Id "^[0-9a-f]{64}$" "2f6d7a1c0b5e4f3a9d8c7b6a5f4e3d2c1b0a99887766554433221100ffeeddcc" "64 hex digits"
        /// An address.
        Address "^0x[0-9a-f]{40}$" "0x1cbec052f4d6d606eb214f6df776f2e274c2f491" "40 hex digits behind 0x"
        /// A compressed public key.
        PublicKey "^[0-9a-f]{66}$" "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5" "a compressed public key, 66 hex digits"
        /// A compact signature.
        Signature "^[0-9a-f]{128}$" "" "a compact signature, 128 hex digits"
        /// Bytes.
        Hex "^([0-9a-f]{2})*$" "0102" "bytes as hex digits"
        /// A compact target.
        Target "^[0-9a-f]{8}$" "1e0fffff" "a compact target, 8 hex digits"
        /// Cumulative work.
        Work "^[0-9]+$" "1048576" "hashes, a decimal string"
    }

    // The parameters of paths and queries are read in more forms than answers are written in.
    texts! {
        /// The id of a block or a transaction, as it may be written in a path.
        AnyId "^(0[xX])?[0-9a-fA-F]{64}$" "2f6d7a1c0b5e4f3a9d8c7b6a5f4e3d2c1b0a99887766554433221100ffeeddcc" "64 hex digits, with or without 0x"
        /// An address, as it may be written in a path.
        AnyAddress "^(0[xX])?[0-9a-fA-F]{40}$" "0x1cbec052f4d6d606eb214f6df776f2e274c2f491" "40 hex digits, with or without 0x"
        /// A height or the id of a block.
        BlockName "^([0-9]{1,19}|(0[xX])?[0-9a-fA-F]{64})$" "1" "the height of a block of the chain, or the id of any block"
    }
}

impl PartialSchema for Drops {
    fn schema() -> RefOr<Schema> {
        text("^[0-9]{1,20}$", "150000000", "drops, a decimal string; 1 Barrel is 100000000 drops")
    }
}

impl ToSchema for Drops {}

impl PartialSchema for Number {
    fn schema() -> RefOr<Schema> {
        text("^[0-9]{1,20}$", "4503599627370496", "a whole number, a decimal string")
    }
}

impl ToSchema for Number {}

fn text(pattern: &str, example: &str, description: &str) -> RefOr<Schema> {
    let mut text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).description(Some(description));
    if !example.is_empty() {
        text = text.examples([example]);
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_travel_as_drops_in_a_decimal_string() {
        let amount = Drops(Amount::drops(u64::MAX));
        let text = serde_json::to_string(&amount).unwrap();
        assert_eq!(text, "\"18446744073709551615\"");
        assert_eq!(serde_json::from_str::<Drops>(&text).unwrap(), amount);
        for bad in ["1", "\"\"", "\"-1\"", "\"+1\"", "\"1.5\"", "\"0x1\"", "\"18446744073709551616\""] {
            assert!(serde_json::from_str::<Drops>(bad).is_err(), "{bad}");
        }
    }
}

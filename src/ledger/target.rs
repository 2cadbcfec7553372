//! Targets and work: how hard a block was to find.

use std::fmt;

use ruint::aliases::U256;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::BlockId;

/// A 256-bit target in 32 bits: an exponent (bytes) above a 23-bit mantissa, as in Bitcoin's `nBits`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CompactTarget(#[serde(with = "text")] pub u32);

/// Why 32 bits are not a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TargetError {
    /// The sign bit is set.
    #[error("the target is negative")]
    Negative,
    /// The target has more than 256 bits.
    #[error("the target does not fit in 256 bits")]
    Overflow,
    /// The target is zero, which no hash can meet.
    #[error("the target is zero")]
    Zero,
}

/// Expected number of hashes, of a block or summed over a branch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Work(pub U256);

impl CompactTarget {
    /// The full target, 1 … 2²⁵⁶ − 1.
    pub fn expand(self) -> Result<U256, TargetError> {
        let exponent = (self.0 >> 24) as usize;
        let mantissa = U256::from(self.0 & 0x007f_ffff);
        if self.0 & 0x0080_0000 != 0 && !mantissa.is_zero() {
            return Err(TargetError::Negative);
        }
        let target = if exponent <= 3 {
            mantissa >> (8 * (3 - exponent))
        } else {
            let shift = 8 * (exponent - 3);
            if !mantissa.is_zero() && mantissa.bit_len() + shift > 256 {
                return Err(TargetError::Overflow);
            }
            if shift >= 256 { U256::ZERO } else { mantissa << shift }
        };
        if target.is_zero() { Err(TargetError::Zero) } else { Ok(target) }
    }

    /// The largest compact target that is not above `target`.
    pub fn floor(target: U256) -> Self {
        let mut exponent = target.bit_len().div_ceil(8);
        let mut mantissa: u32 = if exponent <= 3 {
            (target << (8 * (3 - exponent))).to::<u32>()
        } else {
            (target >> (8 * (exponent - 3))).to::<u32>()
        };
        if mantissa & 0x0080_0000 != 0 {
            mantissa >>= 8;
            exponent += 1;
        }
        Self((exponent as u32) << 24 | mantissa)
    }

    /// Whether the block with this id was hard enough to find (rule B1).
    pub fn is_met_by(self, id: &BlockId) -> bool {
        self.expand().is_ok_and(|target| U256::from_be_bytes(id.0) <= target)
    }

    /// The expected number of hashes for this target: 2²⁵⁶ / (target + 1).
    pub fn work(self) -> Result<Work, TargetError> {
        let target = self.expand()?;
        Ok(match target.checked_add(U256::from(1)) {
            Some(above) => Work(!target / above + U256::from(1)),
            None => Work(U256::from(1)),
        })
    }
}

impl fmt::Debug for CompactTarget {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl Work {
    /// No work.
    pub const ZERO: Self = Self(U256::ZERO);

    /// The sum, if it fits in 256 bits.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// 32 bytes big-endian, for storage and the wire.
    pub fn to_bytes(self) -> [u8; 32] {
        self.0.to_be_bytes()
    }

    /// From 32 bytes big-endian.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(U256::from_be_bytes(bytes))
    }

    /// As a floating-point number of hashes, for people.
    pub fn to_f64(self) -> f64 {
        f64::from(self.0)
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Serialize for Work {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() { to.collect_str(self) } else { crate::Digest(self.to_bytes()).serialize(to) }
    }
}

impl<'de> Deserialize<'de> for Work {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if from.is_human_readable() {
            let text = String::deserialize(from)?;
            return text.parse().map(Self).map_err(serde::de::Error::custom);
        }
        crate::Digest::deserialize(from).map(|bytes| Self::from_bytes(bytes.0))
    }
}

/// `1e0fffff` for people, four bytes for machines.
mod text {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bits: &u32, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() { to.serialize_str(&format!("{bits:08x}")) } else { to.serialize_u32(*bits) }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
        if !from.is_human_readable() {
            return u32::deserialize(from);
        }
        let text = String::deserialize(from)?;
        crate::hex_bytes::parse(&text)
            .map(u32::from_be_bytes)
            .map_err(|_| serde::de::Error::custom(format!("'{text}' is not a compact target of 8 hex digits")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b25_targets_that_are_negative_too_large_or_zero_are_refused() {
        assert_eq!(CompactTarget(0x01fe_dcba).expand(), Err(TargetError::Negative));
        assert_eq!(CompactTarget(0xff12_3456).expand(), Err(TargetError::Overflow));
        assert_eq!(CompactTarget(0x2100_ffff).expand().map(|t| t.bit_len()), Ok(256));
        assert_eq!(CompactTarget(0x2101_0000).expand(), Err(TargetError::Overflow));
        for zero in [0, 0x0100_0000, 0x0112_3456 & 0xff00_0000, 0x2000_0000, 0x0080_0000] {
            assert_eq!(CompactTarget(zero).expand(), Err(TargetError::Zero), "{zero:08x}");
        }
    }

    #[test]
    fn a_compact_target_survives_expanding() {
        for bits in [0x207f_ffff, 0x1e0f_ffff, 0x1f00_ffff, 0x1d00_8000, 0x0312_3456, 0x0401_0000] {
            let full = CompactTarget(bits).expand().unwrap();
            assert_eq!(CompactTarget::floor(full), CompactTarget(bits));
        }
        assert_eq!(CompactTarget::floor(U256::from(0x80)), CompactTarget(0x0200_8000));
    }

    #[test]
    fn work_is_the_expected_number_of_hashes() {
        assert_eq!(CompactTarget(0x207f_ffff).work().unwrap(), Work(U256::from(2)));
        assert_eq!(CompactTarget(0x1d00_ffff).work().unwrap(), Work(U256::from(0x1_0001_0001u64)));
    }
}

//! One encoding for each value (rule T5): postcard, and nothing that postcard would encode differently is accepted.
//!
//! postcard by itself takes trailing bytes and integers with padding. So what was decoded is encoded again and compared
//! with what came, byte by byte, without keeping the second encoding.

use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::CodecError;

/// Encodes a value.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, CodecError> {
    postcard::to_stdvec(value).map_err(|error| CodecError::Malformed(error.to_string()))
}

/// Decodes a value from all of `bytes` and refuses any encoding but the canonical one.
pub fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    let (value, rest) =
        postcard::take_from_bytes::<T>(bytes).map_err(|error| CodecError::Malformed(error.to_string()))?;
    if !rest.is_empty() {
        return Err(CodecError::Trailing(rest.len()));
    }
    match postcard::serialize_with_flavor(&value, Compare { expected: bytes }) {
        Ok(true) => Ok(value),
        Ok(false) | Err(_) => Err(CodecError::NotCanonical),
    }
}

/// Takes an encoding and only compares it.
struct Compare<'a> {
    expected: &'a [u8],
}

impl Flavor for Compare<'_> {
    type Output = bool;

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.try_extend(&[byte])
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.expected = self.expected.strip_prefix(bytes).ok_or(postcard::Error::SerializeBufferFull)?;
        Ok(())
    }

    fn finalize(self) -> postcard::Result<bool> {
        Ok(self.expected.is_empty())
    }
}

//! A native transfer as it travels between the command line, other wallets and a node: JSON with exact numbers, or
//! the hex of the very bytes that a block commits to.

use ledger::{Address, Amount, MAX_DATA_BYTES, PublicKey, Signature, Transaction, Transfer, TxId};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

use crate::text::whole;
use crate::{Problem, schema};

/// Bytes before the data: kind, key, receiver, amount, fee, nonce, length of the data.
const BEFORE_DATA: usize = 1 + 33 + 20 + 8 + 8 + 8 + 4;
const SIGNATURE: usize = 64;

/// A signed native transfer. Amounts are decimal strings in drops: JSON numbers are not exact everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferJson {
    /// The signing key, compressed, 66 hex digits.
    #[schema(value_type = schema::PublicKey)]
    pub from: PublicKey,
    /// The receiver.
    #[schema(value_type = schema::AnyAddress)]
    pub to: Address,
    /// Drops that are moved.
    #[schema(pattern = "^[0-9]{1,20}$")]
    pub amount: String,
    /// Drops for the miner.
    #[schema(pattern = "^[0-9]{1,20}$")]
    pub fee: String,
    /// The account's next nonce, a decimal string.
    #[schema(pattern = "^[0-9]{1,20}$")]
    pub nonce: String,
    /// Attached data as hex.
    #[schema(pattern = "^([0-9a-fA-F]{2}){0,1024}$")]
    pub data: String,
    /// The signature, 128 hex digits.
    #[schema(value_type = schema::Signature)]
    pub signature: Signature,
}

/// The bytes that a block commits to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HexForm {
    /// As hex.
    #[schema(value_type = schema::Hex)]
    pub hex: String,
}

/// A transfer of the original chain: the texts that its wallets post to `/txs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BarreleyeForm {
    /// The texts.
    pub barreleye: BarreleyeTexts,
}

/// Numbers are hex, with or without `0x`; coordinates and signature may lack leading zeros.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the names are those of the original")]
pub struct BarreleyeTexts {
    pub nonce: String,
    pub from: String,
    pub to: String,
    pub value: String,
    pub data: String,
    pub signer_x: String,
    pub signer_y: String,
    pub signature_r: String,
    pub signature_s: String,
}

/// A signed transfer in any of its three forms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Posted {
    /// The bytes of a native transfer.
    Hex(HexForm),
    /// A transfer of the original chain.
    Barreleye(BarreleyeForm),
    /// The fields of a native transfer.
    Json(TransferJson),
}

impl<'de> Deserialize<'de> for Posted {
    /// The field that only one form has decides; so an error speaks of that form.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(from)?;
        let has = |field| value.get(field).is_some();
        let form = if has("hex") {
            serde_json::from_value(value).map(Self::Hex)
        } else if has("barreleye") {
            serde_json::from_value(value).map(Self::Barreleye)
        } else {
            serde_json::from_value(value).map(Self::Json)
        };
        form.map_err(|error| {
            let forms = "send from, to, amount, fee, nonce, data and signature, or hex, or barreleye";
            D::Error::custom(format!("{error}: {forms}"))
        })
    }
}

/// A transfer was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Submitted {
    /// Its id.
    #[schema(value_type = schema::Id)]
    pub id: TxId,
}

/// Several transfers at once, in the order in which they are to be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// At most a hundred.
    #[schema(min_items = 1, max_items = 100)]
    pub transactions: Vec<Posted>,
}

/// What became of each transfer of a batch, in its order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BatchReply {
    /// One for each.
    pub transactions: Vec<BatchItem>,
}

/// What became of a transfer of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum BatchItem {
    /// It was taken.
    Taken(Submitted),
    /// It was refused.
    Refused(Problem),
}

/// Why something is not a native transfer.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum TransferFormError {
    /// A number that is none, or does not fit.
    #[error("{field}: '{text}' is not a whole number in decimal digits that fits in 64 bits")]
    Number {
        /// Which one.
        field: &'static str,
        /// What stands there.
        text: String,
    },
    /// Not hex.
    #[error("{field}: {error}")]
    Hex {
        /// Where.
        field: &'static str,
        /// Why.
        error: hex::FromHexError,
    },
    /// The bytes are too few, too many or of another kind.
    #[error("the bytes are not those of one native transfer")]
    Bytes,
    /// More data than a transfer may carry.
    #[error("{0} bytes of data, the limit is {MAX_DATA_BYTES}")]
    DataTooLong(usize),
}

impl From<&Transfer> for TransferJson {
    fn from(tx: &Transfer) -> Self {
        Self {
            from: tx.from,
            to: tx.to,
            amount: tx.amount.as_drops().to_string(),
            fee: tx.fee.as_drops().to_string(),
            nonce: tx.nonce.to_string(),
            data: hex::encode(&tx.data),
            signature: tx.signature,
        }
    }
}

impl TryFrom<TransferJson> for Transfer {
    type Error = TransferFormError;

    fn try_from(json: TransferJson) -> Result<Self, TransferFormError> {
        Ok(Self {
            from: json.from,
            to: json.to,
            amount: Amount::drops(number("amount", &json.amount)?),
            fee: Amount::drops(number("fee", &json.fee)?),
            nonce: number("nonce", &json.nonce)?,
            data: data(&json.data)?,
            signature: json.signature,
        })
    }
}

/// Attached data from its hex form.
pub fn data(text: &str) -> Result<Vec<u8>, TransferFormError> {
    let bytes = hex::decode(text).map_err(|error| TransferFormError::Hex { field: "data", error })?;
    match bytes.len() {
        long if long > MAX_DATA_BYTES => Err(TransferFormError::DataTooLong(long)),
        _ => Ok(bytes),
    }
}

/// The hex form of a transfer: the bytes that a block commits to.
pub fn to_hex(tx: &Transfer) -> String {
    hex::encode(Transaction::Transfer(tx.clone()).encode())
}

/// Reads the hex form. There is exactly one form of each transfer.
pub fn from_hex(text: &str) -> Result<Transfer, TransferFormError> {
    let bytes = hex::decode(text).map_err(|error| TransferFormError::Hex { field: "hex", error })?;
    if bytes.len() < BEFORE_DATA + SIGNATURE || bytes[0] != 0 {
        return Err(TransferFormError::Bytes);
    }
    let mut rest = &bytes[1..];
    let (from, to) = (take::<33>(&mut rest)?, take::<20>(&mut rest)?);
    let [amount, fee, nonce] =
        [take::<8>(&mut rest)?, take::<8>(&mut rest)?, take::<8>(&mut rest)?].map(u64::from_le_bytes);
    let length = u32::from_le_bytes(take::<4>(&mut rest)?) as usize;
    if length > MAX_DATA_BYTES {
        return Err(TransferFormError::DataTooLong(length));
    }
    let (data, mut rest) = rest.split_at_checked(length).ok_or(TransferFormError::Bytes)?;
    let signature = Signature(take::<SIGNATURE>(&mut rest)?);
    if !rest.is_empty() {
        return Err(TransferFormError::Bytes);
    }
    Ok(Transfer {
        from: PublicKey(from),
        to: Address(to),
        amount: Amount::drops(amount),
        fee: Amount::drops(fee),
        nonce,
        data: data.to_vec(),
        signature,
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], TransferFormError> {
    let (first, after) = rest.split_first_chunk::<N>().ok_or(TransferFormError::Bytes)?;
    *rest = after;
    Ok(*first)
}

fn number(field: &'static str, text: &str) -> Result<u64, TransferFormError> {
    whole(text).ok_or_else(|| TransferFormError::Number { field, text: text.into() })
}

#[cfg(test)]
mod tests {
    use ledger::{BlockId, SecretKey};

    use super::*;

    fn transfer(data: Vec<u8>) -> Transfer {
        let key = SecretKey::from_bytes([9; 32]).unwrap();
        let (amount, fee) = (Amount::drops(u64::MAX), Amount::drops(1));
        Transfer::sign(&key, &BlockId([1; 32]), Address([2; 20]), amount, fee, 1 << 52, data)
    }

    #[test]
    fn both_forms_give_the_same_transfer_back() {
        for tx in [transfer(vec![]), transfer(vec![0xab; MAX_DATA_BYTES])] {
            assert_eq!(from_hex(&to_hex(&tx)), Ok(tx.clone()));
            let text = serde_json::to_string(&TransferJson::from(&tx)).unwrap();
            let json: TransferJson = serde_json::from_str(&text).unwrap();
            assert_eq!(Transfer::try_from(json), Ok(tx));
        }
    }

    #[test]
    fn every_shorter_or_longer_form_is_refused() {
        let text = to_hex(&transfer(vec![1, 2, 3]));
        for cut in (0..text.len()).step_by(2) {
            assert!(from_hex(&text[..cut]).is_err(), "{cut} digits of {}", text.len());
        }
        assert_eq!(from_hex(&format!("{text}00")), Err(TransferFormError::Bytes));
        assert_eq!(from_hex(&format!("01{}", &text[2..])), Err(TransferFormError::Bytes));
    }

    #[test]
    fn numbers_that_are_none_are_refused_by_name() {
        let json = TransferJson::from(&transfer(vec![]));
        for bad in ["", "-1", "+1", "1.5", "0x1", "18446744073709551616"] {
            let error = Transfer::try_from(TransferJson { amount: bad.into(), ..json.clone() }).unwrap_err();
            assert_eq!(error, TransferFormError::Number { field: "amount", text: bad.into() });
        }
    }
}

//! `POST /txs`: a transfer of the original chain, checked in the recorded order, then by the rules that the original
//! left out. Gives the transaction to submit, and the answer that echoes the request.

use ledger::{
    Account, AccountSource, Address, BarreleyeTransfer, Network, PublicKey, Signature, Transaction, TxError, TxId,
    ViewError,
};

use super::State;
use super::body::{Fields, hex_bytes, without_prefix};
use super::compat_json::{PointJson, SignatureJson, TransactionJson, minimal_hex};
use super::reply::Refusal;

/// The texts of a request, without prefixes.
#[derive(Debug)]
pub struct TransferRequest {
    nonce: String,
    from: String,
    to: String,
    value: String,
    data: String,
    signer_x: String,
    signer_y: String,
    signature_r: String,
    signature_s: String,
}

/// A request whose shape is right; only the nonce is open.
#[derive(Debug)]
pub struct Shaped {
    unsigned: BarreleyeTransfer,
    asked_nonce: Option<u64>,
}

impl Shaped {
    /// Who pays.
    pub fn from(&self) -> Address {
        self.unsigned.from
    }
}

/// The transfer that a body asks for, with its request. Its signature is checked.
pub fn read(state: &State, fields: &Fields) -> Result<(TransferRequest, BarreleyeTransfer), Refusal> {
    let request = TransferRequest::read(fields)?;
    let network = state.node.network();
    let snapshot = state.node.reader().snapshot()?;
    let shaped = request.shape(|address| snapshot.account(address))?;
    let from = shaped.from();
    let stored = snapshot.account(&from)?.map_or(network.nonce_base, |account| account.nonce);
    let next_nonce = state.node.pool().next_nonce(&from).unwrap_or(stored);
    let transfer = shaped.with_nonce(next_nonce, network).map_err(Refusal::bad)?;
    Ok((request, transfer))
}

impl TransferRequest {
    /// The fields of a body.
    pub fn read(fields: &Fields) -> Result<Self, Refusal> {
        let stripped = |name| fields.text(name).map(|text| without_prefix(&text));
        Ok(Self {
            nonce: stripped("nonce")?,
            from: stripped("from")?,
            to: stripped("to")?,
            value: fields.text("value")?,
            data: stripped("data")?,
            signer_x: stripped("signerX")?,
            signer_y: stripped("signerY")?,
            signature_r: stripped("signatureR")?,
            signature_s: fields.text("signatureS")?,
        })
    }

    /// Checks everything but nonce and signature. The order up to the data is the original's.
    pub fn shape(
        &self,
        account: impl FnOnce(&Address) -> Result<Option<Account>, ViewError>,
    ) -> Result<Shaped, Refusal> {
        let x = integer(&self.signer_x, "invalid signer invalid signerX")?;
        let y = integer(&self.signer_y, "invalid signer invalid signerY")?;
        let r = integer(&self.signature_r, "invalid signature invalid signatureR")?;
        let s = integer(&self.signature_s, "invalid signature invalid signatureS")?;
        let from = hex_bytes(&self.from).map_err(|error| Refusal::bad(format!("invalid from {error}")))?;
        let to = hex_bytes(&self.to).map_err(|error| Refusal::bad(format!("invalid to {error}")))?;
        let from_address = address(&from)?;
        if from == to {
            return Err(Refusal::bad("from and to must be different"));
        }
        let value = value(&self.value).ok_or_else(|| Refusal::bad("invalid value"))?;
        let account = account(&from_address)?.ok_or_else(|| Refusal::new(404, "not found account"))?;
        if value > account.balance.whole_barrels() {
            return Err(Refusal::bad("insufficient balance"));
        }
        let data = hex_bytes(&self.data).map_err(|error| Refusal::bad(format!("invalid data {error}")))?;
        let to_address = address(&to)?;
        let [data] = data[..] else {
            return Err(Refusal::bad("data must be exactly one byte, such as ab: the signed text has no lengths"));
        };
        let signer = match (x, y) {
            (Some(x), Some(y)) => PublicKey::from_coordinates(&x, &y).map_err(Refusal::bad)?,
            _ => return Err(Refusal::bad("the public key is not a point of the curve")),
        };
        let signature = match (r, s) {
            (Some(r), Some(s)) => Signature::from_integers(&r, &s).map_err(Refusal::bad)?,
            _ => return Err(Refusal::bad("the signature is not valid for the key")),
        };
        let unsigned =
            BarreleyeTransfer { nonce: 0, from: from_address, to: to_address, value, data, signer, signature };
        Ok(Shaped { unsigned, asked_nonce: u64::from_str_radix(&self.nonce, 16).ok() })
    }

    /// The answer: the request's own texts.
    pub fn echo(&self, id: TxId, nonce: u64) -> TransactionJson {
        TransactionJson {
            hash: id.to_hex(),
            nonce: minimal_hex(nonce),
            block_height: -1,
            timestamp: -1,
            from: self.from.clone(),
            to: self.to.clone(),
            value: self.value.clone(),
            data: self.data.clone(),
            signer: PointJson { x: self.signer_x.clone(), y: self.signer_y.clone() },
            signature: SignatureJson { r: self.signature_r.clone(), s: self.signature_s.clone() },
        }
    }
}

impl Shaped {
    /// The transaction with the nonce that was signed: the request's own, else the account's next one, which the
    /// original takes whatever the request says. Refused if the signature fits neither.
    pub fn with_nonce(self, next_nonce: u64, network: &Network) -> Result<BarreleyeTransfer, TxError> {
        let attempt = |nonce| {
            let transfer = BarreleyeTransfer { nonce, ..self.unsigned.clone() };
            Transaction::Barreleye(transfer.clone()).check(network, |_| None).map(|_| transfer)
        };
        match self.asked_nonce.filter(|asked| *asked != next_nonce) {
            None => attempt(next_nonce),
            Some(asked) => match attempt(asked) {
                Err(TxError::Key(_)) => attempt(next_nonce),
                signed => signed,
            },
        }
    }
}

/// An integer of at most 256 bits; none if it is one, but larger.
fn integer(text: &str, message: &str) -> Result<Option<[u8; 32]>, Refusal> {
    if text.is_empty() || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(Refusal::bad(message));
    }
    let digits = text.trim_start_matches('0');
    if digits.len() > 64 {
        return Ok(None);
    }
    let mut bytes = [0; 32];
    hex::decode_to_slice(format!("{digits:0>64}"), &mut bytes).map_err(|_| Refusal::bad(message))?;
    Ok(Some(bytes))
}

fn address(bytes: &[u8]) -> Result<Address, Refusal> {
    bytes.try_into().map(Address).map_err(|_| Refusal::bad("invalid address length"))
}

/// Decimal, or hex behind `0x`. No sign: the original lost it and moved 1 for "-1".
fn value(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    let unsigned = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if unsigned { u64::from_str_radix(digits, radix).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decimal_or_hex_behind_a_prefix_and_never_signed() {
        for (text, number) in [("2", 2), ("0x10", 16), ("007", 7), ("18446744073709551615", u64::MAX), ("0", 0)] {
            assert_eq!(value(text), Some(number), "{text}");
        }
        for bad in ["", "0x", "-1", "+1", "1.5", "ff", "0xzz", "18446744073709551617", "1 "] {
            assert_eq!(value(bad), None, "{bad}");
        }
    }
}

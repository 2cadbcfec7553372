//! A key with coins: signs transfers of both kinds.

use ledger::{Address, Amount, BarreleyeTransfer, Network, PublicKey, SecretKey, Signature, Transfer, barreleye_hash};
use serde_json::{Value, json};

/// A key.
pub struct Wallet {
    /// Its secret.
    pub key: SecretKey,
}

impl Wallet {
    /// The key that follows from `seed`.
    pub fn new(seed: u64, number: u64) -> Self {
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..16].copy_from_slice(&number.to_le_bytes());
        Self { key: SecretKey::from_bytes(bytes).expect("it is below the order and not zero") }
    }

    /// Its address.
    pub fn address(&self) -> Address {
        self.key.address()
    }

    /// A native transfer; `sequence` counts the account's transactions from 0.
    pub fn pay(&self, network: &Network, to: Address, drops: u64, sequence: u64) -> Transfer {
        let nonce = network.nonce_base + sequence;
        Transfer::sign(&self.key, &network.chain, to, Amount::drops(drops), Amount::ZERO, nonce, Vec::new())
    }

    /// A transfer of the original chain from any account, signed by this key, as a wallet posts it.
    pub fn pay_from(&self, from: Address, to: Address, barrels: u64, nonce: u64) -> Value {
        let digest = barreleye_hash(nonce, &from, &to, barrels, &[0xab]);
        let signature = self.key.sign(&digest);
        compatible(&BarreleyeTransfer {
            nonce,
            from,
            to,
            value: barrels,
            data: 0xab,
            signer: self.key.public(),
            signature,
        })
    }
}

fn compatible(tx: &BarreleyeTransfer) -> Value {
    let (x, y) = coordinates(&tx.signer);
    let (r, s) = integers(&tx.signature);
    json!({
        "nonce": format!("{:x}", tx.nonce),
        "from": tx.from.to_string(),
        "to": tx.to.to_string(),
        "value": tx.value.to_string(),
        "data": "ab",
        "signerX": x,
        "signerY": y,
        "signatureR": r,
        "signatureS": s,
    })
}

fn coordinates(key: &PublicKey) -> (String, String) {
    let (x, y) = key.coordinates().expect("it is a point");
    (hex::encode(x), hex::encode(y))
}

fn integers(signature: &Signature) -> (String, String) {
    let (r, s) = signature.integers();
    (hex::encode(r), hex::encode(s))
}

//! One test for each rule of `docs/rules.md` that the ledger checks, named after the rule: at the limit, one beyond
//! it, and the text of the error. Cases of the form b09 or b30 break a rule in one particular way.
//!
//! A block or transaction with a forged id cannot be written down: no type carries an id from outside, it is computed
//! from the contents (`golden.rs`, `an_id_is_always_recomputed_from_the_header`).

#![allow(clippy::unwrap_used, clippy::panic, reason = "only tests")]

#[path = "../common/mod.rs"]
mod common;

mod blocks;
mod networks;
mod transactions;

use common::{Chain, network, spec};
use ledger::{Network, NetworkSpec, Signature, Transaction, Transfer};
use ruint::aliases::U256;

fn chain() -> Chain {
    Chain::new(network())
}

fn chain_with(change: impl FnOnce(&mut NetworkSpec)) -> Chain {
    let mut spec = spec();
    change(&mut spec);
    Chain::new(Network::new(spec).unwrap())
}

/// The error of a transaction that is checked by itself.
fn refused(chain: &Chain, tx: Transaction) -> String {
    tx.check(&chain.network, |_| None).unwrap_err().to_string()
}

fn taken(chain: &Chain, tx: Transaction) -> bool {
    tx.check(&chain.network, |_| None).is_ok()
}

fn edit(tx: &Transaction, change: impl FnOnce(&mut Transfer)) -> Transaction {
    match tx.clone() {
        Transaction::Transfer(mut transfer) => {
            change(&mut transfer);
            Transaction::Transfer(transfer)
        }
        Transaction::Barreleye(_) => panic!("not a native transfer"),
    }
}

/// The same signature with the other half of `s`.
fn with_high_s(signature: &Signature) -> Signature {
    let order = U256::from_str_radix("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16).unwrap();
    let (r, s) = signature.integers();
    let high: [u8; 32] = (order - U256::from_be_bytes(s)).to_be_bytes();
    Signature([r, high].concat().try_into().unwrap())
}

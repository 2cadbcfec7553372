//! Compatibility with the wallets of the original chain: its keys, addresses, hashes and signatures, as its own
//! packages produced them (`data/barreleye-vectors.json`).
//!
//! The file's `headers` and `dataHashes` describe the blocks of the original chain. They do not apply here: our blocks
//! have proof of work, a Merkle tree and another header, and nobody but nodes reads them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "only tests")]

mod common;

use common::barreleye;
use ledger::{
    Address, BarreleyeTransfer, KeyError, Network, PublicKey, SecretKey, Signature, Transaction, TxError,
    barreleye_hash,
};
use ruint::aliases::U256;
use serde_json::Value;
use sha2::Digest as _;

fn vectors() -> Value {
    serde_json::from_str(include_str!("data/barreleye-vectors.json")).unwrap()
}

fn list(name: &str, at_least: usize) -> Vec<Value> {
    let list = vectors()[name].as_array().unwrap().clone();
    assert!(list.len() >= at_least, "{name} lost entries");
    list
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} is missing in {value}"))
}

/// An integer as the original's API writes it: hex without padding.
fn integer(value: &Value, name: &str) -> [u8; 32] {
    U256::from_str_radix(text(value, name), 16).unwrap().to_be_bytes()
}

fn number(value: &Value, name: &str) -> u64 {
    text(value, name).parse().unwrap()
}

fn address(value: &Value, name: &str) -> Address {
    text(value, name).parse().unwrap()
}

fn data(value: &Value) -> Vec<u8> {
    hex::decode(text(value, "data_hex")).unwrap()
}

fn signer(value: &Value) -> PublicKey {
    PublicKey::from_coordinates(&integer(value, "signerX"), &integer(value, "signerY")).unwrap()
}

fn network() -> Network {
    Network::built_in("main").unwrap()
}

#[test]
fn every_key_gives_the_vectors_coordinates_and_addresses() {
    let mut differ = 0;
    for vector in list("keys", 15) {
        let note = text(&vector, "note");
        let key: SecretKey = text(&vector, "privateKey").parse().unwrap();
        let (x, y) = key.public().coordinates().unwrap();
        assert_eq!(hex::encode(x), text(&vector, "x_padded32"), "{note}");
        assert_eq!(hex::encode(y), text(&vector, "y_padded32"), "{note}");
        assert_eq!((x, y), (integer(&vector, "x_api"), integer(&vector, "y_api")), "{note}");
        assert_eq!(PublicKey::from_coordinates(&x, &y).unwrap(), key.public(), "{note}");

        let ours = address(&vector, "addressIfPadded_NOT_USED");
        assert_eq!(key.address(), ours, "{note}");
        assert_eq!(key.public().address().unwrap(), ours, "{note}");
        let all = key.public().addresses().unwrap().0;
        assert_eq!(all[0], ours, "{note}");
        assert_eq!(all[1], address(&vector, "address"), "{note}");
        differ += usize::from(all[0] != all[1]);
    }
    assert!(differ >= 7, "the vectors must hold keys whose addresses differ");
}

#[test]
fn t6_the_address_of_barreleye_scan_reads_the_digits_without_zeros_in_pairs() {
    let (mut odd, mut differ) = (0, 0);
    for vector in list("keys", 15) {
        // The API texts have no leading zero digits. Put together, an odd number of digits leaves one over at the end,
        // which is a byte of its own.
        let digits = format!("{}{}", text(&vector, "x_api"), text(&vector, "y_api"));
        let mut bytes = Vec::new();
        for pair in digits.as_bytes().chunks(2) {
            bytes.push(u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap());
        }
        let scan = Address(sha2::Sha256::digest(&bytes)[..20].try_into().unwrap());
        let key: SecretKey = text(&vector, "privateKey").parse().unwrap();
        let all = key.public().addresses().unwrap().0;
        assert_eq!(all[2], scan, "{}", text(&vector, "note"));
        odd += digits.len() % 2;
        differ += usize::from(all[2] != all[1]);
    }
    assert!(odd >= 2 && differ >= 2, "the vectors must hold keys with a zero digit: {odd}, {differ}");
}

#[test]
fn bad_private_keys_are_refused() {
    let vectors = vectors();
    let bad = vectors["badPrivateKeys"].as_object().unwrap();
    assert_eq!(bad.len(), 8);
    for text in bad.keys() {
        // The one difference on purpose: key files and `wallet import` take the prefix that other tools write.
        if let Some(digits) = text.strip_prefix("0x") {
            let (with, without) = (text.parse::<SecretKey>().unwrap(), digits.parse::<SecretKey>().unwrap());
            assert_eq!(with.to_bytes(), without.to_bytes());
            continue;
        }
        let error = text.parse::<SecretKey>().unwrap_err().to_string();
        let expected = match text.as_str() {
            t if t.starts_with("zz") => "a secret key is 64 hex digits: 'z' is not a hex digit".into(),
            t if t.len() == 64 => "the secret key is zero or not below the order of the curve".into(),
            t => format!("a secret key is 64 hex digits: expected 64 hex digits, got {}", t.len()),
        };
        assert_eq!(error, expected, "{text:?}");
    }
}

#[test]
fn every_transaction_hash_is_the_originals() {
    for vector in list("transactions", 19).iter().chain(&list("preimageAmbiguity", 2)) {
        let (nonce, value) = (number(vector, "nonce_dec"), number(vector, "value_dec"));
        let hash = barreleye_hash(nonce, &address(vector, "from"), &address(vector, "to"), value, &data(vector));
        assert_eq!(hash.to_hex(), text(vector, "hash"), "{}", text(vector, "note"));
    }
}

#[test]
fn every_signature_verifies_in_its_low_form_and_its_sender_is_an_address_of_the_key() {
    let half = "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0".parse::<ledger::Digest>().unwrap().0;
    let mut high = 0;
    for vector in list("transactions", 19).iter().chain(&list("preimageAmbiguity", 2)) {
        let note = text(vector, "note");
        let (r, s, other) = (integer(vector, "r"), integer(vector, "s"), integer(vector, "s_high_alternative"));
        let digest = text(vector, "hash").parse().unwrap();
        let signature = Signature::from_integers(&r, &s).unwrap();
        assert_eq!(signer(vector).verify(&digest, &signature), Ok(()), "{note}");
        let owned = signer(vector).addresses().unwrap().0;
        assert!(owned.contains(&address(vector, "from")), "{note}");

        // Either half of s is stored as the same bytes, and only those verify.
        assert_eq!(Signature::from_integers(&r, &other).unwrap(), signature, "{note}");
        let low = s.min(other);
        assert!(low <= half && s.max(other) > half, "{note}");
        assert_eq!(signature.integers(), (r, low), "{note}");
        let stored_high = Signature([r, s.max(other)].concat().try_into().unwrap());
        assert_eq!(signer(vector).verify(&digest, &stored_high), Err(KeyError::BadSignature), "{note}");
        high += usize::from(s > other);
    }
    assert!(high >= 3, "the vectors must hold high and low signatures");
}

#[test]
fn integers_that_are_no_signature_are_refused() {
    let n = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141".parse::<ledger::Digest>().unwrap().0;
    let one = U256::from(1).to_be_bytes();
    assert!(Signature::from_integers(&one, &one).is_ok());
    assert_eq!(Signature::from_integers(&n, &one), Err(KeyError::BadSignature));
    assert_eq!(Signature::from_integers(&one, &n), Err(KeyError::BadSignature));
    assert_eq!(Signature::from_integers(&[0xff; 32], &one), Err(KeyError::BadSignature));
}

#[test]
fn t6_a_wallets_transfer_is_taken_exactly_if_its_data_is_one_byte_and_it_moves_something() {
    let (mut taken, mut refused) = (0, 0);
    for vector in list("transactions", 19) {
        let note = text(&vector, "note");
        let transfer = BarreleyeTransfer {
            nonce: number(&vector, "nonce_dec"),
            from: address(&vector, "from"),
            to: address(&vector, "to"),
            value: number(&vector, "value_dec"),
            data: data(&vector).first().copied().unwrap_or(0),
            signer: signer(&vector),
            signature: Signature::from_integers(&integer(&vector, "r"), &integer(&vector, "s")).unwrap(),
        };
        let result = Transaction::Barreleye(transfer.clone()).check(&network(), |_| None);
        let expected = match (transfer.value, data(&vector).len()) {
            (0, _) => Err("the amount must be more than 0"),
            (184_467_440_738.., _) => Err("the amount is more than can exist"),
            // A transfer holds one byte of data and no other number of them. With any byte in that place, the text is
            // not the one that was signed.
            (_, 0 | 2..) => Err("the signature is not valid for the key"),
            (_, 1) => Ok(text(&vector, "hash").to_owned()),
        };
        match expected {
            Ok(id) => {
                let checked = result.unwrap_or_else(|error| panic!("{note}: {error}"));
                assert_eq!(checked.id().to_hex(), id, "{note}");
                assert_eq!(checked.sender(), transfer.from, "{note}");
                taken += 1;
            }
            Err(reason) => {
                assert_eq!(result.unwrap_err().to_string(), reason, "{note}");
                refused += 1;
            }
        }
    }
    assert!(taken >= 9 && refused >= 6, "{taken} taken, {refused} refused");
}

#[test]
fn t6_the_same_signed_text_cannot_be_read_as_another_value() {
    let pair = list("preimageAmbiguity", 2);
    assert_eq!(text(&pair[0], "hash"), text(&pair[1], "hash"), "the pair is one signed text");
    let (a, b) = (&pair[0], &pair[1]);
    assert_eq!((number(a, "value_dec"), data(a)), (1, vec![2]));
    assert_eq!((number(b, "value_dec"), data(b)), (258, vec![]));
    let read = |vector: &Value, value, data| {
        let transfer = BarreleyeTransfer {
            nonce: number(vector, "nonce_dec"),
            from: address(vector, "from"),
            to: address(vector, "to"),
            value,
            data,
            signer: signer(vector),
            signature: Signature::from_integers(&integer(vector, "r"), &integer(vector, "s")).unwrap(),
        };
        Transaction::Barreleye(transfer).check(&network(), |_| None)
    };
    // Whichever of the two was signed, only value 1 with data 02 has that text and one byte of data.
    assert!(read(a, 1, 2).is_ok());
    assert!(read(b, 1, 2).is_ok());
    for data in 0..=255 {
        assert_eq!(read(a, 258, data).unwrap_err(), TxError::Key(KeyError::BadSignature), "data {data:02x}");
        assert_eq!(read(b, 258, data).unwrap_err(), TxError::Key(KeyError::BadSignature), "data {data:02x}");
    }
}

#[test]
fn t6_all_three_addresses_of_a_key_may_send_and_no_fourth() {
    let mut tried = 0;
    for vector in list("keys", 15) {
        let key: SecretKey = text(&vector, "privateKey").parse().unwrap();
        let to = Address([0x44; 20]);
        for from in key.public().addresses().unwrap().0 {
            let checked = Transaction::Barreleye(barreleye(&key, from, to, 1, 7)).check(&network(), |_| None);
            assert_eq!(checked.unwrap().sender(), from, "{}", text(&vector, "note"));
            tried += 1;
        }
        let foreign = Address([0x45; 20]);
        let error = Transaction::Barreleye(barreleye(&key, foreign, to, 1, 7)).check(&network(), |_| None);
        assert_eq!(error.unwrap_err().to_string(), format!("the signing key does not own {foreign}"));
    }
    assert_eq!(tried, 45);
}

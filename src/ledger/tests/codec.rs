//! What travels and is kept comes back as it was, in the one canonical form (rule T5), and amounts read as they print.
//!
//! postcard by itself takes padded integers and bytes after the end; whoever decodes from outside must encode again
//! and compare, and these tests show that this finds every such text.

#![allow(clippy::unwrap_used, reason = "only tests")]

mod common;

use std::fmt::Debug;

use common::{address, barrels, key, network};
use ledger::apply::Undo;
use ledger::{
    Account, Address, Amount, BarreleyeTransfer, Block, BlockId, CompactTarget, Digest, Header, ParseAmountError,
    PublicKey, Signature, Tip, Transaction, Transfer, TxId, Work,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use ruint::aliases::U256;
use serde::Serialize;
use serde::de::DeserializeOwned;

fn bytes<const N: usize>() -> impl Strategy<Value = [u8; N]> {
    vec(any::<u8>(), N).prop_map(|bytes| bytes.try_into().unwrap())
}

/// Integers whose length in bytes is as likely as any other.
fn integer() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0u32..64).prop_map(|(n, shift)| n >> shift)
}

fn amount() -> impl Strategy<Value = Amount> {
    integer().prop_map(Amount::drops)
}

fn addresses() -> impl Strategy<Value = Address> {
    bytes().prop_map(Address)
}

fn keys() -> impl Strategy<Value = PublicKey> {
    bytes().prop_map(PublicKey)
}

fn signature() -> impl Strategy<Value = Signature> {
    bytes().prop_map(Signature)
}

fn transfer() -> impl Strategy<Value = Transaction> {
    (keys(), addresses(), amount(), amount(), integer(), vec(any::<u8>(), 0..40), signature()).prop_map(
        |(from, to, amount, fee, nonce, data, signature)| {
            Transaction::Transfer(Transfer { from, to, amount, fee, nonce, data, signature })
        },
    )
}

fn barreleye() -> impl Strategy<Value = Transaction> {
    (integer(), addresses(), addresses(), integer(), any::<u8>(), keys(), signature()).prop_map(
        |(nonce, from, to, value, data, signer, signature)| {
            Transaction::Barreleye(BarreleyeTransfer { nonce, from, to, value, data, signer, signature })
        },
    )
}

fn transaction() -> impl Strategy<Value = Transaction> {
    prop_oneof![transfer(), barreleye()]
}

fn header() -> impl Strategy<Value = Header> {
    (any::<u32>(), integer(), bytes(), bytes(), integer(), any::<u32>(), keys(), any::<u64>()).prop_map(
        |(version, height, previous, root, time, target, miner, nonce)| Header {
            version,
            height,
            previous: BlockId(previous),
            root: Digest(root),
            time,
            target: CompactTarget(target),
            miner,
            nonce,
        },
    )
}

fn block() -> impl Strategy<Value = Block> {
    (header(), signature(), vec(transaction(), 0..5)).prop_map(|(header, signature, transactions)| Block {
        header,
        signature,
        transactions,
    })
}

fn account() -> impl Strategy<Value = Account> {
    (amount(), integer()).prop_map(|(balance, nonce)| Account { balance, nonce })
}

fn undo() -> impl Strategy<Value = Undo> {
    vec((addresses(), option::of(account())), 0..5).prop_map(Undo)
}

fn work() -> impl Strategy<Value = Work> {
    bytes().prop_map(|bytes| Work(U256::from_be_bytes::<32>(bytes)))
}

fn tip() -> impl Strategy<Value = Tip> {
    (bytes(), integer(), work(), integer()).prop_map(|(id, height, work, time)| Tip {
        id: BlockId(id),
        height,
        work,
        time,
    })
}

/// Through postcard and through JSON, and no byte may follow, be missing or be changed without being noticed.
fn returns<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> Result<(), TestCaseError> {
    let packed = postcard::to_stdvec(value).unwrap();
    prop_assert_eq!(&postcard::from_bytes::<T>(&packed).unwrap(), value);
    let text = serde_json::to_string(value).unwrap();
    prop_assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), value);
    if let Some((_, shorter)) = packed.split_last() {
        prop_assert!(postcard::from_bytes::<T>(&packed[..shorter.len()]).is_err(), "a byte is missing");
    }
    let longer = [&packed[..], &[0]].concat();
    prop_assert!(!canonical::<T>(&longer), "a byte follows");
    Ok(())
}

/// T5, as the wire checks it: decode, encode again, compare.
fn canonical<T: Serialize + DeserializeOwned>(packed: &[u8]) -> bool {
    postcard::from_bytes::<T>(packed).is_ok_and(|value| postcard::to_stdvec(&value).unwrap() == packed)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_type_comes_back_as_it_was(
        tx in transaction(),
        block in block(),
        undo in undo(),
        tip in tip(),
        account in account(),
        id in bytes(),
    ) {
        returns(&tx)?;
        returns(&block)?;
        returns(&block.header)?;
        returns(&undo)?;
        returns(&tip)?;
        returns(&account)?;
        returns(&TxId(id))?;
    }

    #[test]
    fn t5_a_changed_byte_is_malformed_or_another_value(tx in transaction(), at in any::<prop::sample::Index>(), flip in 1u8..) {
        let packed = postcard::to_stdvec(&tx).unwrap();
        let mut changed = packed.clone();
        changed[at.index(packed.len())] ^= flip;
        if canonical::<Transaction>(&changed) {
            prop_assert_ne!(postcard::from_bytes::<Transaction>(&changed).unwrap(), tx);
        }
    }

    #[test]
    fn t5_a_padded_integer_is_malformed(account in account()) {
        // The balance as a varint that is one byte longer than it must be.
        let packed = postcard::to_stdvec(&account).unwrap();
        let end = packed.iter().position(|byte| byte & 0x80 == 0).unwrap();
        prop_assume!(end < 8);
        let mut padded = packed.clone();
        padded[end] |= 0x80;
        padded.insert(end + 1, 0);
        prop_assert_eq!(postcard::from_bytes::<Account>(&padded).unwrap(), account, "postcard takes it");
        prop_assert!(!canonical::<Account>(&padded));
        prop_assert!(canonical::<Account>(&packed));
    }

    #[test]
    fn two_transactions_never_share_their_bytes(a in transaction(), b in transaction()) {
        prop_assume!(a != b);
        prop_assert_ne!(a.encode(), b.encode());
        prop_assert_ne!(a.leaf(), b.leaf());
    }

    #[test]
    fn a_transaction_in_postcard_is_at_most_four_bytes_longer_than_rule_b4_counts(tx in transaction()) {
        // So a message for the largest block needs little more room than the block's limit.
        prop_assert!(postcard::to_stdvec(&tx).unwrap().len() <= tx.encode().len() + 4);
        prop_assert_eq!(tx.size(), tx.encode().len());
    }

    #[test]
    fn bytes_of_any_kind_never_make_the_checks_panic(tx in transaction(), block in block()) {
        let network = network();
        let _ = tx.check(&network, |_| None);
        let _ = ledger::check::block_alone(block.clone(), &network, |_| None);
        let _ = ledger::CheckedBlock::kept(block, &network);
    }

    #[test]
    fn garbage_never_makes_decoding_panic(garbage in vec(any::<u8>(), 0..300)) {
        let _ = canonical::<Block>(&garbage);
        let _ = canonical::<Transaction>(&garbage);
        let _ = canonical::<Undo>(&garbage);
    }

    #[test]
    fn an_amount_reads_as_it_prints(drops in integer()) {
        let amount = Amount::drops(drops);
        prop_assert_eq!(amount.to_string().parse(), Ok(amount));
        let (whole, fraction) = (drops / 100_000_000, drops % 100_000_000);
        prop_assert_eq!(format!("{whole}.{fraction:08}").parse(), Ok(amount));
        prop_assert_eq!(amount.whole_barrels(), whole);
    }

    #[test]
    fn a_text_is_an_amount_exactly_if_it_is_digits_and_at_most_eight_decimals(text in "[0-9]{0,4}[.]?[0-9]{0,10}") {
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
        let result = text.parse::<Amount>();
        if whole.is_empty() || fraction.is_empty() {
            prop_assert_eq!(result, Err(ParseAmountError::NotDecimal(text)));
        } else if fraction.len() > 8 {
            prop_assert_eq!(result, Err(ParseAmountError::TooFine(text)));
        } else if whole.len() <= 11 {
            let drops = whole.parse::<u64>().unwrap() * 100_000_000 + format!("{fraction:0<8}").parse::<u64>().unwrap();
            prop_assert_eq!(result, Ok(Amount::drops(drops)));
        }
    }

    #[test]
    fn no_text_makes_reading_an_amount_panic(text in ".{0,30}") {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if text.parse::<Amount>().is_ok() {
            let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
            prop_assert!(digits(whole) && digits(fraction), "'{text}' was read");
        }
    }

    #[test]
    fn a_compact_target_is_the_largest_that_is_not_above(full in bytes::<32>(), shift in 0usize..256) {
        let full = U256::from_be_bytes(full) >> shift;
        prop_assume!(!full.is_zero());
        let compact = CompactTarget::floor(full);
        prop_assert!(compact.expand().unwrap() <= full);
        // The next mantissa; below an exponent of 3, its lowest bytes are cut off.
        let step = 1 << (8 * 3u32.saturating_sub(compact.0 >> 24));
        if compact.0 & 0x007f_ffff <= 0x007f_ffff - step
            && let Ok(above) = CompactTarget(compact.0 + step).expand()
        {
            prop_assert!(above > full);
        }
        prop_assert_eq!(CompactTarget::floor(compact.expand().unwrap()), compact);
    }

    #[test]
    fn more_work_is_never_an_easier_target(a in bytes::<32>(), b in bytes::<32>()) {
        let target = |bytes| CompactTarget::floor(U256::from_be_bytes::<32>(bytes).max(U256::from(1)));
        let (a, b) = (target(a), target(b));
        if a.expand().unwrap() <= b.expand().unwrap() {
            prop_assert!(a.work().unwrap() >= b.work().unwrap());
        }
    }
}

#[test]
fn w08_a_length_that_no_message_can_have_is_refused_without_memory() {
    // A transfer whose data claims 2⁶⁰ bytes.
    let Transaction::Transfer(mut transfer) =
        common::Chain::new(network()).pay(1, address(2), barrels(1), Amount::ZERO, 0)
    else {
        unreachable!()
    };
    transfer.data = vec![0xcc; 4];
    let packed = postcard::to_stdvec(&Transaction::Transfer(transfer)).unwrap();
    let at = packed.windows(5).position(|w| w == [4, 0xcc, 0xcc, 0xcc, 0xcc]).unwrap();
    let mut huge = packed[..at].to_vec();
    huge.extend([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10]);
    huge.extend(&packed[at + 1..]);
    assert!(postcard::from_bytes::<Transaction>(&huge).is_err());
}

#[test]
fn ids_and_addresses_read_strictly() {
    let hex = key(1).address().to_hex();
    let upper = format!("0X{}", hex.to_uppercase());
    for good in [hex.clone(), format!("0x{hex}"), upper] {
        assert_eq!(good.parse(), Ok(key(1).address()), "{good}");
    }
    assert_eq!(key(1).address().to_string(), format!("0x{hex}"));
    let error = |text: &str| text.parse::<Address>().unwrap_err().to_string();
    assert_eq!(error(&hex[1..]), "expected 40 hex digits, got 39");
    assert_eq!(error(&format!("{hex}0")), "expected 40 hex digits, got 41");
    assert_eq!(error(&format!("0x0x{}", &hex[2..])), "'x' is not a hex digit");
    assert_eq!(error(&format!(" {}", &hex[1..])), "' ' is not a hex digit");
    assert_eq!(error(&format!("é{}", &hex[2..])), "'é' is not a hex digit");
    assert_eq!(error(""), "expected 40 hex digits, got 0");
}

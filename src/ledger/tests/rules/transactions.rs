//! Rules T1 to T7, except the encoding (T5), which `codec.rs` tests, and the vectors of T6 in `vectors.rs`.

use ledger::{
    Address, Amount, BlockId, Fault, Network, NetworkSpec, OpeningBalance, PublicKey, Signature, Transaction, Transfer,
    TxError,
};

use crate::common::{Chain, address, barreleye, barrels, key};
use crate::{chain, chain_with, edit, refused, taken, with_high_s};

#[test]
fn t1_a_signature_by_another_key_is_refused() {
    let chain = chain();
    let good = chain.pay(1, address(2), barrels(1), Amount::ZERO, 0);
    assert!(taken(&chain, good.clone()));
    let stolen = edit(&good, |tx| tx.from = key(2).public());
    assert_eq!(refused(&chain, stolen), "the signature is not valid for the key");
    let unsigned = edit(&good, |tx| tx.signature = Signature::ZERO);
    assert_eq!(refused(&chain, unsigned), "the signature is not valid for the key");
    let no_key = edit(&good, |tx| tx.from = PublicKey::ZERO);
    assert_eq!(refused(&chain, no_key), "the public key is not a point of the curve");
}

#[test]
fn t1_every_field_is_signed() {
    let chain = chain();
    let good = chain.pay_with(1, address(2), barrels(1), Amount::drops(5), 0, vec![1, 2]);
    let changes: [fn(&mut Transfer); 6] = [
        |tx| tx.to = address(3),
        |tx| tx.amount = Amount::drops(tx.amount.as_drops() + 1),
        |tx| tx.fee = Amount::drops(4),
        |tx| tx.nonce += 1,
        |tx| tx.data = vec![1, 3],
        |tx| tx.data = vec![1, 2, 0],
    ];
    for (i, change) in changes.into_iter().enumerate() {
        let changed = edit(&good, change);
        assert_eq!(refused(&chain, changed), "the signature is not valid for the key", "change {i}");
    }
    let Transaction::Barreleye(wallet) = chain.pay_barreleye(1, address(2), 3, 0) else { unreachable!() };
    let changes: [fn(&mut ledger::BarreleyeTransfer); 5] = [
        |tx| tx.to = address(3),
        |tx| tx.value = 4,
        |tx| tx.nonce += 1,
        |tx| tx.data = 0xac,
        |tx| tx.signer = key(2).public(),
    ];
    for change in changes {
        let mut changed = wallet.clone();
        change(&mut changed);
        assert_eq!(refused(&chain, Transaction::Barreleye(changed)), "the signature is not valid for the key");
    }
}

#[test]
fn t1_a_key_that_does_not_own_the_account_is_refused() {
    let chain = chain();
    let theft = barreleye(&key(1), address(2), address(1), 900, chain.nonce(2));
    let error = format!("the signing key does not own {}", address(2));
    assert_eq!(refused(&chain, Transaction::Barreleye(theft.clone())), error);
    assert_eq!(TxError::NotOwner { from: theft.from }.fault(), Fault::Sender);
    let mut chain = chain;
    let before = chain.accounts.clone();
    let block = chain.block(4, vec![Transaction::Barreleye(theft)]);
    assert_eq!(chain.accept(block).unwrap_err(), format!("transaction 0: {error}"));
    assert_eq!(chain.accounts, before);
}

#[test]
fn t1_b24_a_high_s_is_refused_in_both_kinds() {
    let mut chain = chain();
    let native = chain.pay(1, address(2), barrels(1), Amount::ZERO, 0);
    let high = edit(&native, |tx| tx.signature = with_high_s(&tx.signature));
    assert_eq!(high.id(&chain.network.chain), native.id(&chain.network.chain), "the id does not cover the signature");
    assert_ne!(high.leaf(), native.leaf(), "the leaf does");
    assert_eq!(refused(&chain, high.clone()), "the signature is not valid for the key");
    let block = chain.block(4, vec![high]);
    assert_eq!(chain.accept(block).unwrap_err(), "transaction 0: the signature is not valid for the key");

    let Transaction::Barreleye(mut wallet) = chain.pay_barreleye(1, address(2), 1, 0) else { unreachable!() };
    wallet.signature = with_high_s(&wallet.signature);
    assert_eq!(refused(&chain, Transaction::Barreleye(wallet)), "the signature is not valid for the key");
}

#[test]
fn t2_only_the_next_nonce_is_taken() {
    let mut chain = chain();
    let next = chain.nonce(1);
    assert_eq!(next, chain.network.nonce_base);
    let pay = |chain: &Chain, ahead| vec![chain.pay(1, address(2), barrels(1), Amount::ZERO, ahead)];
    let gap = chain.extend(4, pay(&chain, 1)).unwrap_err();
    assert_eq!(gap, format!("transaction 0: nonce {} leaves a gap, the account's next nonce is {next}", next + 1));
    let first = pay(&chain, 0);
    chain.extend(4, first.clone()).unwrap();
    assert_eq!(chain.nonce(1), next + 1, "it rises by one");
    let again = chain.extend(4, first).unwrap_err();
    let used = format!("transaction 0: nonce {next} was used already, the account's next nonce is {}", next + 1);
    assert_eq!(again, used);
    chain.extend(4, pay(&chain, 0)).unwrap();
    for error in [TxError::NonceUsed { got: 1, next: 2 }, TxError::NonceGap { got: 2, next: 1 }] {
        assert_eq!(error.fault(), Fault::Nobody, "the sender may see another chain");
    }
}

#[test]
fn b10_a_nonce_twice_in_a_block_or_from_a_block_that_was_taken_back_is_refused() {
    let mut chain = chain();
    let base = chain.nonce(1);
    let first = chain.pay(1, address(2), barrels(1), Amount::ZERO, 0);
    let other = chain.pay(1, address(3), barrels(1), Amount::ZERO, 0);
    let second = chain.pay(1, address(2), barrels(1), Amount::ZERO, 1);
    let used = format!("transaction 1: nonce {base} was used already, the account's next nonce is {}", base + 1);
    assert_eq!(chain.extend(4, vec![first.clone(), other]).unwrap_err(), used);
    assert_eq!(chain.extend(4, vec![first.clone(), first.clone()]).unwrap_err(), used);

    chain.extend(4, vec![first.clone()]).unwrap();
    chain.disconnect();
    let gap = format!("transaction 0: nonce {} leaves a gap, the account's next nonce is {base}", base + 1);
    assert_eq!(chain.extend(4, vec![second.clone()]).unwrap_err(), gap, "its predecessor is gone");
    chain.extend(4, vec![first, second]).unwrap();
}

#[test]
fn t3_the_balance_covers_amount_and_fee_to_the_drop() {
    let mut chain = chain();
    let fee = barrels(1);
    let beyond = chain.pay(1, address(2), Amount::drops(barrels(999).as_drops() + 1), fee, 0);
    assert_eq!(
        chain.extend(4, vec![beyond]).unwrap_err(),
        "transaction 0: insufficient balance: 1000.00000001 Barrel needed, 1000 there"
    );
    let error = TxError::InsufficientBalance { needed: Amount::BARREL, balance: Amount::ZERO };
    assert_eq!(error.fault(), Fault::Nobody);
    let exact = chain.pay(1, address(2), barrels(999), fee, 0);
    chain.extend(4, vec![exact]).unwrap();
    assert_eq!((chain.balance(1), chain.balance(2)), (Amount::ZERO, barrels(1999)));

    let empty = chain.pay(9, address(2), Amount::drops(1), Amount::ZERO, 0);
    assert_eq!(
        chain.extend(4, vec![empty]).unwrap_err(),
        "transaction 0: insufficient balance: 0.00000001 Barrel needed, 0 there"
    );
    let wallet = chain.pay_barreleye(2, address(3), 2000, 0);
    assert_eq!(
        chain.extend(4, vec![wallet]).unwrap_err(),
        "transaction 0: insufficient balance: 2000 Barrel needed, 1999 there"
    );
    let wallet = chain.pay_barreleye(2, address(3), 1999, 0);
    chain.extend(4, vec![wallet]).unwrap();
}

#[test]
fn t3_b09_sums_that_do_not_fit_in_64_bits_are_refused() {
    let max = Amount::drops(u64::MAX);
    let one = Amount::drops(1);
    // Amount and fee of one transfer.
    let mut chain = chain();
    let fits = chain.pay(1, address(2), Amount::drops(u64::MAX - 1), one, 0);
    let error = chain.extend(4, vec![fits]).unwrap_err();
    assert!(error.starts_with("transaction 0: insufficient balance: 184467440737.09551615 Barrel"), "{error}");
    let beyond = chain.pay(1, address(2), max, one, 0);
    assert_eq!(chain.extend(4, vec![beyond]).unwrap_err(), "transaction 0: the amount is more than can exist");

    // The receiver's balance.
    let opening = |n, drops| OpeningBalance { address: address(n), amount: Amount::drops(drops) };
    let balances = vec![opening(1, u64::MAX - 10), opening(2, 10)];
    let mut chain = chain_with(|spec| (spec.balances, spec.reward) = (balances, Amount::ZERO));
    chain.network.spec.reward = barrels(10); // As after more rewards than N2 makes room for.
    chain.extend(3, vec![]).unwrap();
    let to_three = chain.pay(1, address(3), Amount::drops(u64::MAX - 10), Amount::ZERO, 0);
    assert_eq!(chain.extend(4, vec![to_three]).unwrap_err(), "transaction 0: the amount is more than can exist");
    let to_two = chain.pay(1, address(2), Amount::drops(u64::MAX - 10), Amount::ZERO, 0);
    chain.extend(4, vec![to_two]).unwrap();
    assert_eq!(chain.balance(2), max, "the limit itself fits");

    // The value of a compatible transfer, in drops.
    let whole = u64::MAX / Amount::BARREL.as_drops();
    assert!(taken(&chain, chain.pay_barreleye(1, address(2), whole, 0)));
    assert_eq!(refused(&chain, chain.pay_barreleye(1, address(2), whole + 1, 0)), "the amount is more than can exist");
}

#[test]
fn b4_b09_a_blocks_pay_that_does_not_fit_in_64_bits_is_refused() {
    let overflow = "the sum of money or work is more than can exist";
    let transfer = |chain: &Chain, n, fee| chain.pay(n, address(9), Amount::drops(1), Amount::drops(fee), 0);
    // N2 lets no network have such a reward; the sums are checked all the same.
    let paying = |drops| {
        let mut chain = chain();
        chain.network.spec.reward = Amount::drops(drops);
        chain
    };
    // Reward and fees.
    let mut chain = paying(u64::MAX - 5);
    assert_eq!(chain.extend(8, vec![transfer(&chain, 1, 6)]).unwrap_err(), overflow);
    chain.extend(8, vec![transfer(&chain, 1, 5)]).unwrap();
    assert_eq!(chain.balance(8), Amount::drops(u64::MAX));
    // The miner's balance.
    assert_eq!(chain.extend(8, vec![]).unwrap_err(), overflow);
    chain.extend(7, vec![]).unwrap();
    // The fees of several transfers.
    let mut chain = paying(1 << 63);
    chain.extend(1, vec![]).unwrap();
    chain.extend(2, vec![]).unwrap();
    let both = vec![transfer(&chain, 1, 1 << 63), transfer(&chain, 2, 1 << 63)];
    assert_eq!(chain.extend(8, both).unwrap_err(), overflow);
}

#[test]
fn t4_b12_nothing_is_moved_to_oneself_and_never_nothing() {
    let mut chain = chain();
    let one = Amount::drops(1);
    assert_eq!(refused(&chain, chain.pay(1, address(1), one, one, 0)), "from and to must be different");
    assert_eq!(refused(&chain, chain.pay_barreleye(1, address(1), 1, 0)), "from and to must be different");
    assert_eq!(refused(&chain, chain.pay(1, address(2), Amount::ZERO, one, 0)), "the amount must be more than 0");
    assert_eq!(refused(&chain, chain.pay_barreleye(1, address(2), 0, 0)), "the amount must be more than 0");
    // An address that nobody has seen gets an account.
    let unknown = Address([0xee; 20]);
    let pay = chain.pay(1, unknown, one, Amount::ZERO, 0);
    chain.extend(4, vec![pay]).unwrap();
    let account = chain.accounts.0[&unknown];
    assert_eq!((account.balance, account.nonce), (one, chain.network.nonce_base));
}

#[test]
fn t4_data_has_at_most_1024_bytes() {
    let chain = chain();
    let with = |bytes| chain.pay_with(1, address(2), barrels(1), Amount::ZERO, 0, vec![7; bytes]);
    assert!(taken(&chain, with(1024)));
    assert_eq!(refused(&chain, with(1025)), "1025 bytes of data, the limit is 1024");
}

#[test]
fn t6_a_network_may_take_no_compatible_transfers() {
    let chain = chain_with(|spec| spec.max_barreleye_bytes = 0);
    let error = "this network takes no transfers of the original Barreleye chain";
    assert_eq!(refused(&chain, chain.pay_barreleye(1, address(2), 1, 0)), error);
    assert!(taken(&chain, chain.pay(1, address(2), barrels(1), Amount::ZERO, 0)));
}

#[test]
fn t6_a_block_holds_so_many_bytes_of_compatible_transfers_and_no_more() {
    // Each has 155 bytes.
    let mut chain = chain_with(|spec| spec.max_barreleye_bytes = 465);
    let list = |chain: &Chain, n| (0..n).map(|i| chain.pay_barreleye(1, address(2), 1, i)).collect::<Vec<_>>();
    assert_eq!(chain.extend(4, list(&chain, 4)).unwrap_err(), "620 bytes of compatible transfers, the limit is 465");
    // Native transfers do not count.
    let mut mixed = list(&chain, 3);
    mixed.push(chain.pay(2, address(3), barrels(1), Amount::ZERO, 0));
    chain.extend(4, mixed).unwrap();
    let mut chain = chain_with(|spec| spec.max_barreleye_bytes = 464);
    assert_eq!(chain.extend(4, list(&chain, 3)).unwrap_err(), "465 bytes of compatible transfers, the limit is 464");
}

#[test]
fn t7_b23_no_transaction_of_one_network_is_taken_on_another() {
    let home = chain();
    let mut other = chain_with(|spec| spec.genesis_time_ms += 1);
    let native = home.pay(1, address(2), barrels(1), Amount::ZERO, 0);
    assert_eq!(refused(&other, native.clone()), "the signature is not valid for the key");
    let block = other.block(4, vec![native]);
    assert_eq!(other.accept(block).unwrap_err(), "transaction 0: the signature is not valid for the key");

    // A compatible transfer says nothing of its network but its nonce.
    let wallet = home.pay_barreleye(1, address(2), 1, 0);
    assert!(taken(&other, wallet.clone()));
    let (here, there) = (home.network.nonce_base, other.network.nonce_base);
    assert_ne!(here, there);
    let expected = if here < there {
        format!("transaction 0: nonce {here} was used already, the account's next nonce is {there}")
    } else {
        format!("transaction 0: nonce {here} leaves a gap, the account's next nonce is {there}")
    };
    assert_eq!(other.extend(4, vec![wallet]).unwrap_err(), expected);
}

#[test]
fn t7_nonces_start_at_the_networks_base_which_javascript_can_hold() {
    let mut bases = Vec::new();
    for name in NetworkSpec::BUILT_IN {
        let network = Network::built_in(name).unwrap();
        assert_eq!(network.nonce_base % (1 << 24), 0, "{name}");
        assert!(network.nonce_base < 1 << 53, "{name}");
        bases.push(network.nonce_base);
    }
    bases.sort_unstable();
    bases.dedup();
    assert_eq!(bases.len(), NetworkSpec::BUILT_IN.len(), "each network has its own");
    assert_eq!(ledger::nonce_base(&BlockId([0xff; 32])), ((1 << 29) - 1) << 24);
    assert_eq!(ledger::nonce_base(&BlockId::ZERO), 0);
    let chain = chain();
    assert!(chain.accounts.0.values().all(|account| account.nonce == chain.network.nonce_base));
}

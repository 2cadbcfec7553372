//! Rules B1 to B6. The golden values of rule D and of the Merkle tree stand in `difficulty.rs` and `golden.rs`.

use std::sync::Arc;

use ledger::apply::{ApplyError, Overlay, apply};
use ledger::{
    AccountSource, Address, Amount, Block, BlockError, BlockId, CompactTarget, Digest, Fault, Header, KeyError,
    Network, NetworkSpec, PublicKey, Signature, TxError, check, pow,
};
use ruint::aliases::U256;

use crate::common::{Chain, address, barrels, key, network, seal, spec};
use crate::{chain, chain_with, edit, with_high_s};

#[test]
fn b1_the_id_meets_the_target() {
    let mut chain = chain();
    let good = chain.block(4, vec![]);
    let search = pow::Search::new(&good.header).unwrap();
    let target = good.header.target.expand().unwrap();
    let lazy = (0..).find(|&nonce| U256::from_be_bytes(search.id(nonce).0) > target).unwrap();
    let header = Header { nonce: lazy, ..good.header.clone() };
    let signature = key(4).sign(&header.id().signing_digest());
    let error = chain.alone(Block { header, signature, transactions: vec![] }).unwrap_err();
    assert_eq!(error.to_string(), "the block id does not meet the target in the header");
    assert!(error.condemns_the_id());
    chain.accept(good).unwrap();
}

#[test]
fn b1_an_id_equal_to_the_target_meets_it_and_one_above_does_not() {
    let target = CompactTarget(0x1e0f_ffff);
    let full = target.expand().unwrap();
    assert!(target.is_met_by(&BlockId(full.to_be_bytes())));
    assert!(!target.is_met_by(&BlockId((full + U256::from(1)).to_be_bytes())));
    assert!(!CompactTarget(0).is_met_by(&BlockId::ZERO), "what is no target is never met");
}

#[test]
fn b1_d_another_target_than_the_rule_gives_is_refused() {
    let easiest = CompactTarget(0x207f_ff00);
    let chain = chain_with(|spec| (spec.first_target, spec.easiest_target) = (easiest, easiest));
    assert_eq!(CompactTarget(0x2100_7fff).expand(), easiest.expand(), "the same target in another form");
    for target in [0x207f_feff, 0x2100_7fff] {
        let header = Header { target: CompactTarget(target), ..chain.header(4, &[]) };
        let error = check::header_in_context(&header, chain.tip(), None, &chain.network).unwrap_err();
        assert_eq!(error.to_string(), format!("the target is {target:08x}, the difficulty rule says 207fff00"));
        assert!(error.condemns_the_id());
    }
}

#[test]
fn b1_an_unknown_version_is_refused_and_nobodys_fault() {
    let chain = chain();
    for version in [0, 2, u32::MAX] {
        let header = Header { version, ..chain.header(4, &[]) };
        let error = chain.alone(seal(header, vec![], &key(4))).unwrap_err();
        let text = format!("block version {version} is unknown, this node knows version 1: it may need an upgrade");
        assert_eq!(error.to_string(), text);
        assert_eq!((error.fault(), error.condemns_the_id()), (Fault::Nobody, false));
    }
}

#[test]
fn b2_the_height_is_the_parents_plus_one() {
    let mut chain = chain();
    chain.extend(4, vec![]).unwrap();
    for height in [0, 1, 3, u64::MAX] {
        let header = Header { height, ..chain.header(4, &[]) };
        let error = chain.accept(seal(header, vec![], &key(4))).unwrap_err();
        assert_eq!(error, format!("height {height}, the parent's height asks for 2"));
    }
    let last = Header { height: u64::MAX, ..chain.tip().clone() };
    let error = check::header_in_context(&last, &last, None, &chain.network).unwrap_err();
    assert_eq!(error, BlockError::Overflow, "there is no height after the last");
    chain.extend(4, vec![]).unwrap();
}

#[test]
fn b2_the_time_is_after_the_parents() {
    let mut chain = chain();
    let parent = chain.tip().time;
    for time in [0, parent - 1, parent] {
        let header = Header { time, ..chain.header(4, &[]) };
        let error = chain.accept(seal(header, vec![], &key(4))).unwrap_err();
        assert_eq!(error, format!("time {time} is not after the parent's time {parent}"));
    }
    let header = Header { time: parent + 1, ..chain.header(4, &[]) };
    chain.accept(seal(header, vec![], &key(4))).unwrap();
}

#[test]
fn b2_a_block_from_the_future_is_kept_aside_and_nobodys_fault() {
    for (name, limit) in [("main", 30_000), ("test", 30_000), ("dev", 3_000), ("regtest", 2_000)] {
        let network = Network::built_in(name).unwrap();
        assert_eq!(network.future_limit_ms(), limit, "{name}");
        let now = network.genesis.time;
        let at = |ahead| Header { time: now + ahead, ..network.genesis.clone() };
        assert_eq!(check::not_from_the_future(&at(limit), now, &network), Ok(()), "{name}");
        let error = check::not_from_the_future(&at(limit + 1), now, &network).unwrap_err();
        assert_eq!(error.to_string(), format!("the block is {} ms ahead of this node's clock", limit + 1));
        assert_eq!((error.fault(), error.condemns_the_id()), (Fault::Nobody, false), "{name}");
        // The same block, once the clock has moved.
        assert_eq!(check::not_from_the_future(&at(limit + 1), now + 1, &network), Ok(()), "{name}");
    }
    let network = network();
    let last = Header { time: u64::MAX, ..network.genesis.clone() };
    assert!(check::not_from_the_future(&last, 0, &network).is_err());
    assert_eq!(check::not_from_the_future(&network.genesis, u64::MAX, &network), Ok(()), "an old block is no news");
    // Three times the largest spacing does not overflow.
    let slow = NetworkSpec { spacing_ms: u64::MAX, response_ms: u64::MAX, ..spec() };
    assert_eq!(Network::new(slow).unwrap().future_limit_ms(), u64::MAX);
}

#[test]
fn b3_b07_a_body_changed_on_its_way_never_condemns_the_block() {
    let mut chain = chain_with(|spec| spec.max_block_transactions = 3);
    let transactions: Vec<_> = (0..3).map(|i| chain.pay(1, address(2), barrels(1), Amount::drops(i), i)).collect();
    let good = chain.block(4, transactions.clone());
    let [a, b, c] = &transactions[..] else { unreachable!() };
    let resigned = edit(c, |tx| tx.signature = with_high_s(&tx.signature));
    let oversized = edit(c, |tx| tx.data = vec![0; 3_000_000]);
    for (what, body) in [
        ("empty", vec![]),
        ("the last missing", vec![a, b]),
        ("two swapped", vec![b, a, c]),
        ("the last repeated, more than a block may hold", vec![a, b, c, c]),
        ("a thousand more than a block may hold", vec![a; 1003]),
        ("another signature", vec![a, b, &resigned]),
        ("larger than any block", vec![a, b, &oversized]),
    ] {
        let body = body.into_iter().cloned().collect();
        let error = chain.alone(Block { transactions: body, ..good.clone() }).unwrap_err();
        let text = "the transactions do not match the header: the block was changed on its way";
        assert_eq!(error.to_string(), text, "{what}");
        assert_eq!((error.fault(), error.condemns_the_id()), (Fault::Sender, false), "{what}");
    }
    let before = chain.accounts.clone();
    chain.accept(good).unwrap();
    assert_ne!(chain.accounts, before, "the true block is taken afterwards");
}

#[test]
fn b05_the_last_transactions_repeated_never_keep_the_root() {
    // CVE-2012-2459: with two lists of one root, the wrong one could condemn the right one.
    let chain = chain();
    let transactions: Vec<_> = (0..6).map(|i| chain.pay(1, address(2), barrels(1), Amount::drops(i), i)).collect();
    for n in 1..=6 {
        let good = chain.block(4, transactions[..n].to_vec());
        for repeated in 1..=n.min(2) {
            let mut body = good.transactions.clone();
            body.extend_from_within(n - repeated..);
            let error = chain.alone(Block { transactions: body, ..good.clone() }).unwrap_err();
            assert_eq!(error, BlockError::Mutated, "{n} transactions, {repeated} repeated");
        }
        assert!(chain.alone(good).is_ok());
    }
}

/// A block of exactly `size` bytes of miner 4, with transfers of person 1.
fn block_of(chain: &Chain, size: usize) -> Block {
    const FRAME: usize = ledger::HEADER_BYTES + 64;
    const BARE: usize = 146;
    let full = BARE + ledger::MAX_DATA_BYTES;
    let mut left = size - FRAME;
    let mut transactions = Vec::new();
    while left > 0 {
        // The last two share what is left, so that neither is too small.
        let bytes = if left >= full + BARE {
            full
        } else if left > full {
            left / 2
        } else {
            left
        };
        let nonce = transactions.len() as u64;
        transactions.push(chain.pay_with(1, address(2), Amount::drops(1), Amount::ZERO, nonce, vec![0; bytes - BARE]));
        left -= bytes;
    }
    chain.block(4, transactions)
}

#[test]
fn b4_b04_a_block_has_at_most_so_many_bytes() {
    let mut chain = chain();
    assert_eq!(chain.network.spec.max_block_bytes, 2_000_000);
    let (exact, beyond) = (block_of(&chain, 2_000_000), block_of(&chain, 2_000_001));
    assert_eq!((exact.size(), beyond.size()), (2_000_000, 2_000_001));
    let error = chain.alone(beyond).unwrap_err();
    assert_eq!(error.to_string(), "2000001 bytes, the limit is 2000000");
    assert!(error.condemns_the_id());
    assert_eq!(chain.alone(exact.clone()).unwrap().size(), 2_000_000);
    chain.accept(exact).unwrap();
}

#[test]
fn b4_a_block_has_at_most_so_many_transactions() {
    let mut chain = chain_with(|spec| spec.max_block_transactions = 3);
    let list = |chain: &Chain, n| {
        (0..n).map(|i| chain.pay(1, address(2), Amount::drops(1), Amount::ZERO, i)).collect::<Vec<_>>()
    };
    let error = chain.alone(chain.block(4, list(&chain, 4))).unwrap_err();
    assert_eq!(error.to_string(), "4 transactions, the limit is 3");
    assert!(error.condemns_the_id(), "the header commits to the number of transactions");
    chain.extend(4, list(&chain, 3)).unwrap();
}

#[test]
fn b4_b01_a_block_pays_its_miner_reward_and_fees_and_creates_nothing_else() {
    let mut chain = chain();
    let reward = chain.network.spec.reward;
    assert_eq!(reward, barrels(10));
    let before = chain.accounts.total();
    let first = chain.pay(1, address(2), barrels(5), Amount::drops(7), 0);
    let second = chain.pay(3, address(9), barrels(1), Amount::drops(4), 0);
    chain.extend(8, vec![first, second]).unwrap();
    assert_eq!(chain.balance(8), Amount::drops(reward.as_drops() + 11));
    assert_eq!(chain.accounts.total(), before + u128::from(reward.as_drops()));
    assert_eq!(chain.accounts.total(), chain.network.supply_at(1));
    // A miner that pays in its own block gets its own fee back.
    let own = chain.pay(1, address(2), barrels(1), barrels(3), 0);
    let had = chain.balance(1).as_drops();
    chain.extend(1, vec![own]).unwrap();
    assert_eq!(chain.balance(1).as_drops(), had - barrels(1).as_drops() + reward.as_drops());
    // B03: a block without transactions is a block.
    chain.extend(8, vec![]).unwrap();
    assert_eq!(chain.accounts.total(), chain.network.supply_at(3));
}

#[test]
fn b4_the_reward_is_spendable_in_the_next_block_and_not_in_its_own() {
    let mut chain = chain();
    let spend = chain.pay(8, address(2), barrels(10), Amount::ZERO, 0);
    assert_eq!(
        chain.extend(8, vec![spend.clone()]).unwrap_err(),
        "transaction 0: insufficient balance: 10 Barrel needed, 0 there"
    );
    chain.extend(8, vec![]).unwrap();
    chain.extend(4, vec![spend]).unwrap();
    assert_eq!(chain.balance(8), Amount::ZERO);
}

#[test]
fn b5_the_block_is_signed_by_the_miner_in_its_header() {
    let mut chain = chain();
    let good = chain.block(4, vec![]);
    for (what, signature) in [
        ("another key", key(5).sign(&good.header.id().signing_digest())),
        ("another block", key(4).sign(&chain.tip().id().signing_digest())),
        ("the bare id", key(4).sign(&Digest(good.header.id().0))),
        ("none", Signature::ZERO),
        ("a high s", with_high_s(&good.signature)),
    ] {
        let error = chain.alone(Block { signature, ..good.clone() }).unwrap_err();
        assert_eq!(error.to_string(), "the block is not signed by its miner", "{what}");
        assert_eq!((error.fault(), error.condemns_the_id()), (Fault::Sender, false), "{what}");
    }
    chain.accept(good).unwrap();
    let nobody = Header { miner: PublicKey::ZERO, ..chain.header(4, &[]) };
    let error = chain.accept(seal(nobody, vec![], &key(4))).unwrap_err();
    assert_eq!(error, "the block is not signed by its miner", "a miner that is no key can sign nothing");
}

#[test]
fn b5_where_miners_are_listed_nobody_else_mines() {
    let mut chain = chain_with(|spec| spec.miners = vec![key(1).public(), key(2).public()]);
    chain.extend(1, vec![]).unwrap();
    chain.extend(2, vec![]).unwrap();
    let error = chain.alone(chain.block(3, vec![])).unwrap_err();
    assert_eq!(error.to_string(), format!("{} is not a miner of this network", key(3).public()));
    assert!(error.condemns_the_id());
    let header = chain.header(3, &[]);
    let mined = seal(header, vec![], &key(1));
    assert!(matches!(chain.alone(mined), Err(BlockError::NotAMiner(_))), "the signature does not replace the key");
    assert!(network().may_mine(&key(3).public()), "without a list anybody may mine");
}

#[test]
fn b6_b08_one_bad_transaction_and_nothing_of_the_block_is_applied() {
    let mut chain = chain();
    let good: Vec<_> = (0..9).map(|i| chain.pay(1, address(2), barrels(1), Amount::ZERO, i)).collect();
    let with_last = |last| good.iter().cloned().chain([last]).collect::<Vec<_>>();
    let forged = edit(&chain.pay(3, address(2), barrels(1), Amount::ZERO, 0), |tx| tx.to = address(4));
    let unaffordable = chain.pay(3, address(2), barrels(1001), Amount::ZERO, 0);
    let gap = chain.pay(1, address(2), barrels(1), Amount::ZERO, 10);
    let base = chain.network.nonce_base;
    let before = chain.accounts.clone();
    for (last, error) in [
        (forged, "transaction 9: the signature is not valid for the key".to_owned()),
        (unaffordable, "transaction 9: insufficient balance: 1001 Barrel needed, 1000 there".to_owned()),
        (gap, format!("transaction 9: nonce {} leaves a gap, the account's next nonce is {}", base + 10, base + 9)),
    ] {
        let block = chain.block(4, with_last(last));
        assert_eq!(chain.accept(block).unwrap_err(), error);
        assert_eq!((&chain.accounts, chain.height()), (&before, 0), "{error}");
    }
    let last = chain.pay(3, address(2), barrels(1), Amount::ZERO, 0);
    chain.extend(4, with_last(last)).unwrap();
    assert_eq!(chain.balance(2), barrels(1010));
}

#[test]
fn b6_an_overlay_is_untouched_by_a_block_that_fails() {
    let chain = chain();
    let bad = chain.alone(chain.block(
        4,
        vec![
            chain.pay(1, address(2), barrels(1), Amount::ZERO, 0),
            chain.pay(3, address(2), barrels(1), Amount::ZERO, 1),
        ],
    ));
    let good = chain.alone(chain.block(4, vec![chain.pay(1, address(2), barrels(1), Amount::ZERO, 0)]));
    let mut overlay = Overlay::new(&chain.accounts);
    let error = overlay.apply(&bad.unwrap(), &chain.network).unwrap_err();
    assert!(matches!(error, ApplyError::Invalid(BlockError::Transaction { index: 1, .. })), "{error}");
    assert_eq!(overlay.touched().count(), 0);

    let undo = overlay.apply(&good.unwrap(), &chain.network).unwrap();
    assert_eq!(overlay.touched().count(), 3);
    assert_eq!(overlay.account(&address(2)).unwrap().unwrap().balance, barrels(1001));
    overlay.revert(&undo);
    for (address, account) in &chain.accounts.0 {
        assert_eq!(overlay.account(address).unwrap(), Some(*account));
    }
}

#[test]
fn b13_a_transaction_that_needs_a_later_one_is_refused() {
    let mut chain = chain();
    let fund = chain.pay(1, address(9), barrels(5), Amount::ZERO, 0);
    let spend = chain.pay(9, address(2), barrels(5), Amount::ZERO, 0);
    assert_eq!(
        chain.extend(4, vec![spend.clone(), fund.clone()]).unwrap_err(),
        "transaction 0: insufficient balance: 5 Barrel needed, 0 there"
    );
    chain.extend(4, vec![fund, spend]).unwrap();
    assert_eq!(chain.balance(2), barrels(1005));
}

#[test]
fn an_account_that_cannot_be_read_says_nothing_about_the_block() {
    struct Broken;
    impl AccountSource for Broken {
        fn account(&self, _: &Address) -> Result<Option<ledger::Account>, ledger::ViewError> {
            Err(ledger::ViewError("disk".into()))
        }
    }
    let chain = chain();
    let block = chain.alone(chain.block(4, vec![])).unwrap();
    let error = apply(&Broken, &block, &chain.network).unwrap_err();
    assert_eq!(error, ApplyError::View(ledger::ViewError("disk".into())));
}

#[test]
fn a_block_of_checked_transactions_is_refused_for_all_that_is_wrong_with_its_frame() {
    let chain = chain_with(|spec| spec.max_block_transactions = 2);
    let pay = |ahead| chain.pay(1, address(2), barrels(1), Amount::ZERO, ahead);
    let of_checked = |Block { header, signature, transactions }: Block, left_out: usize| {
        let checked = transactions.into_iter().skip(left_out);
        let checked = checked.map(|tx| Arc::new(tx.check(&chain.network, |_| None).unwrap())).collect();
        check::block_of_checked(header, signature, checked, &chain.network)
    };
    let good = chain.block(4, vec![pay(0), pay(1)]);
    assert_eq!(
        of_checked(good.clone(), 0).unwrap(),
        chain.alone(good.clone()).unwrap(),
        "the two ways lead to one block"
    );
    assert_eq!(of_checked(good.clone(), 1), Err(BlockError::Mutated));
    assert_eq!(of_checked(Block { signature: Signature::ZERO, ..good.clone() }, 0), Err(BlockError::NotSigned));
    let full = chain.block(4, vec![pay(0), pay(1), pay(2)]);
    assert_eq!(of_checked(full, 0), Err(BlockError::TooManyTransactions { got: 3, limit: 2 }));
    let lazy = (0..).map(|nonce| Header { nonce, ..good.header.clone() });
    let header = lazy.into_iter().find(|header| !header.target.is_met_by(&header.id())).unwrap();
    assert_eq!(of_checked(Block { header, ..good }, 0), Err(BlockError::NoWork));

    let small = chain_with(|spec| spec.max_block_bytes = 2_000);
    let data = |ahead| small.pay_with(1, address(2), barrels(1), Amount::ZERO, ahead, vec![7; 1_000]);
    let large = small.block(4, vec![data(0), data(1)]);
    let checked = large.transactions.iter().map(|tx| Arc::new(tx.clone().kept(&small.network).unwrap())).collect();
    let refused = check::block_of_checked(large.header, large.signature, checked, &small.network);
    assert!(matches!(refused, Err(BlockError::TooLarge { limit: 2_000, .. })), "{refused:?}");
}

#[test]
fn a_signature_that_was_checked_before_is_not_checked_again_and_only_that() {
    let chain = chain();
    let good = chain.pay(1, address(2), barrels(1), Amount::ZERO, 0);
    let (leaf, sender) = (good.leaf(), address(1));
    let resigned = edit(&good, |tx| tx.signature = with_high_s(&tx.signature));
    let known = |other: &Digest| (*other == leaf).then_some(sender);
    assert!(resigned.check(&chain.network, known).is_err(), "another signature is another leaf");
    // What needs no signature is checked even then.
    let to_self = chain.pay(1, address(1), barrels(1), Amount::ZERO, 0);
    assert_eq!(to_self.check(&chain.network, |_| Some(sender)), Err(TxError::ToSelf));
    let no_key = edit(&good, |tx| tx.from = PublicKey::ZERO);
    assert_eq!(no_key.clone().kept(&chain.network), Err(TxError::Key(KeyError::NotAPoint)));
    // Nor is the key: it cannot be one, and nobody looks.
    let checked = no_key.check(&chain.network, |_| Some(sender)).unwrap();
    assert_eq!(checked.sender(), sender);
}

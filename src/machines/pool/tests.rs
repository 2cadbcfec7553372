//! The rules of the pool, each at its limit and one beyond.

use std::collections::BTreeMap;
use std::sync::Arc;

use ledger::{BarreleyeTransfer, Signature, Transaction};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::fixture::{address, barrels, checked, key, network, pay, pay_with, spec};

/// A pool and the accounts that it sees.
struct Bench {
    pool: Pool,
    network: Arc<Network>,
    accounts: Accounts,
}

#[derive(Clone, Default)]
struct Accounts(BTreeMap<Address, Account>);

impl AccountSource for Accounts {
    fn account(&self, address: &Address) -> Result<Option<Account>, ViewError> {
        Ok(self.0.get(address).copied())
    }
}

impl Bench {
    fn new() -> Self {
        Self::with(network(), MAX_BYTES)
    }

    fn with(network: Arc<Network>, max_bytes: usize) -> Self {
        let accounts = Accounts(network.genesis_accounts().collect());
        Self { pool: Pool::with_capacity(network.clone(), max_bytes), network, accounts }
    }

    fn add(&mut self, tx: Transaction) -> Result<(), PoolError> {
        self.add_at(tx, 0)
    }

    fn add_at(&mut self, tx: Transaction, mono: u64) -> Result<(), PoolError> {
        self.pool.add(checked(&self.network, tx), mono, &self.accounts)
    }

    /// Person 1 pays person 2.
    fn tx(&self, ahead: u64, fee: u64) -> Transaction {
        pay(&self.network, 1, 2, 100, fee, ahead)
    }

    fn holds(&self, tx: &Transaction) -> bool {
        self.pool.view().get(&tx.id(&self.network.chain)).is_some()
    }

    /// The account of person `n` moves on by `used` nonces and has `balance` drops.
    fn move_on(&mut self, n: u8, used: u64, balance: u64) {
        let account = Account { balance: Amount::drops(balance), nonce: self.network.nonce_base + used };
        self.accounts.0.insert(address(n), account);
        self.pool.settle([address(n)].iter(), &self.accounts).unwrap();
    }

    fn selected(&self) -> Vec<Transaction> {
        self.pool.select().iter().map(|tx| tx.transaction().clone()).collect()
    }

    /// What the view says agrees with what is inside.
    fn check_view(&self) {
        let view = self.pool.view();
        assert_eq!(view.bytes(), view.transactions().map(|tx| tx.size()).sum::<usize>());
        assert_eq!(view.len(), self.pool.ranks.len());
        assert_eq!(view.len(), self.pool.queues.values().map(|queue| queue.entries.len()).sum::<usize>());
        assert!(self.pool.queues.values().all(|queue| !queue.entries.is_empty()), "no empty queue stays");
        assert_eq!(view.len(), self.pool.by_leaf.len());
    }
}

fn full(result: Result<(), PoolError>) -> bool {
    matches!(result, Err(PoolError::Full { .. }))
}

#[test]
fn transactions_of_an_account_are_mined_in_the_order_of_their_nonces_whatever_order_they_came_in() {
    let mut bench = Bench::new();
    let txs: Vec<_> = (0..4).map(|i| bench.tx(i, 1_000 * (i + 1))).collect();
    for i in [2, 0, 3, 1] {
        bench.add(txs[i].clone()).unwrap();
    }
    assert_eq!(bench.selected(), txs);
    assert_eq!(bench.pool.view().next_nonce(&address(1)), Some(bench.network.nonce_base + 4));
    bench.check_view();
}

#[test]
fn what_follows_a_gap_waits_for_it() {
    let mut bench = Bench::new();
    bench.add(bench.tx(1, 10)).unwrap();
    assert_eq!(bench.selected(), []);
    assert_eq!(bench.pool.view().next_nonce(&address(1)), Some(bench.network.nonce_base));
    bench.add(bench.tx(0, 10)).unwrap();
    assert_eq!(bench.selected().len(), 2);
}

#[test]
fn t04_a_nonce_gap_of_a_thousand_is_queued_and_one_more_is_refused() {
    let mut bench = Bench::new();
    let base = bench.network.nonce_base;
    bench.add(bench.tx(MAX_GAP, 10)).unwrap();
    let refused = bench.add(bench.tx(MAX_GAP + 1, 10)).unwrap_err();
    assert_eq!(refused, PoolError::GapTooWide { got: base + MAX_GAP + 1, next: base });
    assert!(refused.to_string().contains(&format!("the account's next nonce is {base}")));
    bench.add(bench.tx(0, 10)).unwrap();
    assert_eq!(bench.add(bench.tx(MAX_GAP + 1, 10)), Ok(()), "it is the gap that counts");
    let refused = bench.add(bench.tx(MAX_GAP + 2, 10)).unwrap_err();
    assert_eq!(refused, PoolError::GapTooWide { got: base + MAX_GAP + 2, next: base + 1 });
}

#[test]
fn t10_all_that_leaves_the_chain_with_a_far_reorganisation_waits_again_and_more_may_follow() {
    let (mut bench, paid) = (Bench::new(), 3 * MAX_GAP / 2);
    for i in 0..paid {
        let tx = checked(&bench.network, bench.tx(i, 0));
        assert_eq!(bench.pool.put_back(tx, 0, &bench.accounts), Ok(()), "the {i}th");
    }
    assert_eq!(bench.add(bench.tx(paid, 0)), Ok(()));
    assert_eq!(bench.pool.view().next_nonce(&address(1)), Some(bench.network.nonce_base + paid + 1));
}

#[test]
fn t2_a_used_nonce_is_refused() {
    let mut bench = Bench::new();
    bench.move_on(1, 1, 1_000);
    let base = bench.network.nonce_base;
    assert_eq!(bench.add(bench.tx(0, 10)), Err(TxError::NonceUsed { got: base, next: base + 1 }.into()));
}

#[test]
fn the_same_transaction_twice_is_known() {
    let mut bench = Bench::new();
    bench.add(bench.tx(0, 10)).unwrap();
    assert_eq!(bench.add(bench.tx(0, 10)), Err(PoolError::Known));
}

#[test]
fn t05_a_replacement_needs_a_real_rise_of_the_fee() {
    // The least rise, and a tenth of the old fee where that is more.
    for (old, least) in [(0, 10_000), (50_000, 60_000), (1_000_000, 1_100_000)] {
        let mut bench = Bench::new();
        let first = bench.tx(0, old);
        bench.add(first.clone()).unwrap();
        let too_low = bench.add(bench.tx(0, least - 1)).unwrap_err();
        assert_eq!(too_low, PoolError::FeeTooLow { needed: Amount::drops(least) });
        let better = bench.tx(0, least);
        bench.add(better.clone()).unwrap();
        assert!(bench.holds(&better) && !bench.holds(&first));
        bench.check_view();
    }
}

#[test]
fn an_account_has_a_cap_and_a_replacement_passes_at_the_cap() {
    let mut bench = Bench::new();
    for i in 0..MAX_PER_ACCOUNT as u64 {
        assert_eq!(bench.add(bench.tx(i, 0)), Ok(()));
    }
    assert_eq!(bench.add(bench.tx(0, 10_000)), Ok(()), "a replacement needs no room");
    assert_eq!(bench.add(bench.tx(MAX_PER_ACCOUNT as u64, 0)), Err(PoolError::AccountFull));
    assert!(bench.add(pay(&bench.network, 2, 1, 5, 0, 0)).is_ok(), "others are not touched");
}

#[test]
fn t3_the_whole_queue_of_an_account_is_covered_by_its_balance() {
    let mut bench = Bench::new();
    let all = barrels(1000).as_drops();
    bench.add(pay(&bench.network, 1, 2, all - 100, 50, 0)).unwrap();
    let refused = bench.add(pay(&bench.network, 1, 2, 50, 1, 1)).unwrap_err();
    let (needed, balance) = (Amount::drops(all + 1), barrels(1000));
    assert_eq!(refused, TxError::InsufficientBalance { needed, balance }.into());
    assert_eq!(bench.add(pay(&bench.network, 1, 2, 50, 0, 1)), Ok(()), "to the last drop");
    assert_eq!(bench.add(pay(&bench.network, 1, 2, all - 10_100, 10_050, 0)), Ok(()), "a replacement counts once");
}

#[test]
fn t06_a_full_pool_lets_the_lowest_fee_leave_first() {
    let one = checked(&network(), pay(&network(), 1, 2, 100, 1, 0)).size();
    let mut bench = Bench::with(network(), 3 * one);
    let [low, middle, high] =
        [(1, 1_000), (2, 2_000), (3, 3_000)].map(|(n, fee)| pay(&bench.network, n, 4, 100, fee, 0));
    for tx in [&middle, &low, &high] {
        bench.add(tx.clone()).unwrap();
    }
    assert_eq!(bench.pool.view().bytes(), 3 * one, "exactly full");
    let cheap = pay(&bench.network, 4, 1, 100, 1_000, 0);
    assert!(full(bench.add(cheap)), "the same fee does not make room");
    let better = pay(&bench.network, 4, 1, 100, 1_001, 0);
    bench.add(better.clone()).unwrap();
    assert!(!bench.holds(&low) && bench.holds(&middle) && bench.holds(&high) && bench.holds(&better));
    bench.check_view();
}

#[test]
fn t06_eight_megabytes_are_the_cap_whoever_pays_what() {
    let mut bench = Bench::new();
    for n in 1..=11 {
        bench.move_on(n, 0, barrels(1000).as_drops());
    }
    let mut add = |n: u8, fee: u64, ahead: u64| {
        let tx = pay_with(&bench.network, n, 12, 100, fee, ahead, 1_024);
        let added = bench.pool.add(Arc::new(tx.kept(&bench.network).unwrap()), 0, &bench.accounts);
        assert!(bench.pool.view().bytes() <= MAX_BYTES);
        added.is_ok()
    };
    let offered = 7_500;
    let taken = (0..offered).filter(|i| add(1 + (i % 10) as u8, 50_000 - i, i / 10)).count() as u64;
    assert!(taken < offered, "full");
    let better = (0..100).filter(|i| add(11, 60_000, *i)).count();
    assert_eq!(better, 100, "who pays more gets in");
    let view = bench.pool.view();
    assert!(view.bytes() > MAX_BYTES - 2_000 && view.len() as u64 == taken, "one cheap one left for each");
    bench.check_view();
}

#[test]
fn t12_the_same_transfer_with_another_signature_is_the_same_transaction() {
    let mut bench = Bench::new();
    let Transaction::Transfer(first) = bench.tx(0, 10) else { panic!() };
    bench.add(Transaction::Transfer(first.clone())).unwrap();
    // Whoever relays it can turn s into its high twin, which no node takes; any other signature needs the key, and
    // leads to the same id.
    let mut high = first.clone();
    let s = high_twin(&first.signature.0);
    high.signature = Signature(s);
    assert_eq!(Transaction::Transfer(high.clone()).id(&bench.network.chain), bench.tx(0, 10).id(&bench.network.chain));
    assert!(Transaction::Transfer(high).check(&bench.network, |_| None).is_err());
    let unsigned = Transaction::Transfer(ledger::Transfer { signature: Signature::ZERO, ..first });
    let another = Arc::new(unsigned.kept(&bench.network).unwrap());
    assert_eq!(bench.pool.add(another, 0, &bench.accounts), Err(PoolError::Known));
}

/// n - s for the order n of the curve.
fn high_twin(signature: &[u8; 64]) -> [u8; 64] {
    const ORDER: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    let order = hex::decode(ORDER).unwrap();
    let mut twin = *signature;
    let mut borrow = 0;
    for i in (0..32).rev() {
        let difference = i32::from(order[i]) - i32::from(signature[32 + i]) - borrow;
        borrow = i32::from(difference < 0);
        twin[32 + i] = difference.rem_euclid(256) as u8;
    }
    twin
}

#[test]
fn of_the_queue_with_the_worst_transaction_only_as_much_of_the_end_leaves_as_room_is_needed() {
    let one = checked(&network(), pay(&network(), 1, 2, 100, 1, 0)).size();
    let mut bench = Bench::with(network(), 4 * one);
    let chain: Vec<_> = [9_000, 1_000, 9_000, 9_000].iter().zip(0..).map(|(fee, i)| bench.tx(i, *fee)).collect();
    for tx in &chain {
        bench.add(tx.clone()).unwrap();
    }
    let held = |bench: &Bench| chain.iter().map(|tx| bench.holds(tx)).collect::<Vec<_>>();
    let others = (3..=5).map(|fee| pay(&bench.network, 3, 2, 100, fee * 1_000, fee - 3)).collect::<Vec<_>>();
    bench.add(others[0].clone()).unwrap();
    assert_eq!(held(&bench), [true, true, true, false], "the second was the cheapest, the last could be spared");
    assert_eq!(bench.selected().len(), 4, "all that remains can be mined");
    bench.add(others[1].clone()).unwrap();
    bench.add(others[2].clone()).unwrap();
    assert_eq!(held(&bench), [true, false, false, false], "what follows the cheapest goes before it, and nothing else");
    assert_eq!(bench.pool.view().next_nonce(&address(1)), Some(bench.network.nonce_base + 1));
    bench.check_view();
}

#[test]
fn a_transaction_that_finds_no_room_drives_nobody_out() {
    let one = checked(&network(), pay(&network(), 1, 2, 100, 1, 0)).size();
    let mut bench = Bench::with(network(), 3 * one);
    let (cheap, dear) = (pay(&bench.network, 1, 4, 100, 1_000, 0), pay(&bench.network, 2, 4, 100, 900_000, 0));
    bench.add(cheap.clone()).unwrap();
    bench.add(dear.clone()).unwrap();
    // It is better than the cheap one, but needs the room of both.
    let large = pay_with(&bench.network, 3, 4, 100, 50_000, 0, 2 * one);
    assert!(checked(&bench.network, large.clone()).size() > 2 * one);
    assert!(full(bench.add(large)));
    assert!(bench.holds(&cheap) && bench.holds(&dear));
}

#[test]
fn an_account_does_not_drive_its_own_transactions_out() {
    let one = checked(&network(), pay(&network(), 1, 2, 100, 1, 0)).size();
    let mut bench = Bench::with(network(), one);
    let first = bench.tx(0, 10);
    bench.add(first.clone()).unwrap();
    let refused = bench.add(bench.tx(1, 900_000));
    assert_eq!(refused, Err(PoolError::AccountFull), "it could not be mined without the first");
    assert!(bench.holds(&first));
}

#[test]
fn whoever_owns_the_worst_of_a_full_pool_still_gets_in_at_a_high_fee() {
    let one = checked(&network(), pay(&network(), 1, 2, 100, 1, 0)).size();
    let mut bench = Bench::with(network(), 3 * one);
    let own = bench.tx(0, 10);
    let others = [(2, 1_000), (3, 2_000)].map(|(n, fee)| pay(&bench.network, n, 4, 100, fee, 0));
    for tx in others.iter().chain([&own]) {
        bench.add(tx.clone()).unwrap();
    }
    // It is mined after the first one, so both together must pay more than the one that leaves.
    let Err(PoolError::Full { needed }) = bench.add(bench.tx(1, 1_000)) else { panic!("the pool is full") };
    let next = bench.tx(1, needed.as_drops() + 1);
    bench.add(next.clone()).unwrap();
    assert!(bench.holds(&own) && bench.holds(&next) && bench.holds(&others[1]) && !bench.holds(&others[0]));
    bench.check_view();
    // What would follow it leaves like anybody's.
    let mut bench = Bench::with(network(), 2 * one);
    let later = bench.tx(1, 10);
    for tx in [&later, &others[1]] {
        bench.add(tx.clone()).unwrap();
    }
    let first = bench.tx(0, 1_500);
    bench.add(first.clone()).unwrap();
    assert!(bench.holds(&first) && !bench.holds(&later) && bench.holds(&others[1]));
    // A replacement of the worst needs no room of others.
    let longer = pay_with(&bench.network, 1, 2, 100, 900_000, 0, one / 2);
    assert!(bench.add(longer.clone()).is_ok() && bench.holds(&longer) && !bench.holds(&first));
    bench.check_view();
}

#[test]
fn what_nobody_mined_for_three_hours_is_forgotten_with_what_follows_it() {
    let mut bench = Bench::new();
    bench.add_at(bench.tx(0, 10), 0).unwrap();
    bench.add_at(bench.tx(1, 10), 1_000).unwrap();
    bench.add_at(pay(&bench.network, 2, 1, 5, 5, 0), 1_000).unwrap();
    bench.pool.expire(EXPIRY_MS - 1);
    assert_eq!(bench.pool.view().len(), 3);
    bench.pool.expire(EXPIRY_MS);
    assert_eq!(bench.pool.view().len(), 1, "the younger one of the same account can only follow");
    bench.check_view();
}

#[test]
fn a_new_tip_takes_out_what_is_mined_and_what_cannot_be_paid_any_more() {
    let mut bench = Bench::new();
    let txs: Vec<_> = (0..4).map(|i| bench.tx(i, 0)).collect();
    for tx in &txs {
        bench.add(tx.clone()).unwrap();
    }
    bench.move_on(1, 1, 250);
    let held: Vec<_> = txs.iter().map(|tx| bench.holds(tx)).collect();
    assert_eq!(held, [false, true, true, false], "the first is mined, the last needs 300 of 250");
    assert_eq!(bench.selected(), txs[1..3]);
    bench.move_on(1, 3, 50);
    assert!(bench.pool.view().is_empty());
    bench.check_view();
}

#[test]
fn after_a_reorganisation_an_account_may_stand_lower_again() {
    let mut bench = Bench::new();
    bench.move_on(1, 1, 1_000);
    bench.add(bench.tx(1, 0)).unwrap();
    bench.move_on(1, 0, 1_000);
    assert_eq!(bench.selected(), [], "nonce 0 is missing now");
    assert_eq!(bench.pool.view().next_nonce(&address(1)), Some(bench.network.nonce_base));
    bench.add(bench.tx(0, 0)).unwrap();
    assert_eq!(bench.selected().len(), 2);
}

#[test]
fn a_block_is_filled_by_fee_per_byte() {
    let mut bench = Bench::new();
    let cheap = pay(&bench.network, 1, 4, 100, 1_000, 0);
    let dear = pay(&bench.network, 2, 4, 100, 2_000, 0);
    let long = pay_with(&bench.network, 3, 4, 100, 2_500, 0, 1_000);
    for tx in [&cheap, &long, &dear] {
        bench.add(tx.clone()).unwrap();
    }
    assert_eq!(bench.selected(), [dear, cheap, long], "a fee counts by the byte");
}

#[test]
fn b4_a_selection_fills_a_block_to_its_limits_and_not_beyond() {
    let by_count = NetworkSpec { max_block_transactions: 3, ..spec() };
    let by_bytes = NetworkSpec { max_block_bytes: 2_000, ..spec() };
    for (spec, expected) in [(by_count, 3), (by_bytes, 0)] {
        let network = Arc::new(Network::new(spec).unwrap());
        let mut bench = Bench::with(network.clone(), MAX_BYTES);
        for i in 0..20 {
            bench.add(bench.tx(i, 10)).unwrap();
        }
        let chosen = bench.pool.select();
        let size = ledger::HEADER_BYTES + 64 + chosen.iter().map(|tx| tx.size()).sum::<usize>();
        if expected > 0 {
            assert_eq!(chosen.len(), expected);
        } else {
            let one = chosen[0].size();
            assert!(size <= 2_000 && size + one > 2_000, "{size} bytes with {one} each");
        }
    }
}

#[test]
fn t6_a_selection_keeps_to_the_bytes_for_compatible_transfers() {
    let barreleye = |network: &Network, ahead: u64| {
        let (key, from, to) = (key(1), address(1), address(2));
        let unsigned = BarreleyeTransfer {
            nonce: network.nonce_base + ahead,
            from,
            to,
            value: 1,
            data: 0xab,
            signer: key.public(),
            signature: Signature::ZERO,
        };
        let signature = key.sign(&unsigned.signing_digest());
        Transaction::Barreleye(BarreleyeTransfer { signature, ..unsigned })
    };
    let one = checked(&network(), barreleye(&network(), 0)).size();
    let limited = NetworkSpec { max_barreleye_bytes: 2 * one as u32 + 1, ..spec() };
    let mut bench = Bench::with(Arc::new(Network::new(limited).unwrap()), MAX_BYTES);
    for i in 0..4 {
        bench.add(barreleye(&bench.network, i)).unwrap();
    }
    bench.add(pay(&bench.network, 2, 1, 5, 0, 0)).unwrap();
    let chosen = bench.pool.select();
    assert_eq!(chosen.iter().filter(|tx| tx.is_barreleye()).count(), 2);
    assert_eq!(chosen.len(), 3, "native ones still fit");
}

#[test]
fn a_block_announcement_finds_transactions_by_the_first_bytes_of_their_leaves() {
    let mut bench = Bench::new();
    let tx = checked(&bench.network, bench.tx(0, 10));
    bench.pool.add(tx.clone(), 0, &bench.accounts).unwrap();
    assert_eq!(bench.pool.by_short_id(&short_id(&tx)).map(|found| found.id()), Some(tx.id()));
    bench.move_on(1, 1, 1_000);
    assert!(bench.pool.by_short_id(&short_id(&tx)).is_none());
}

#[test]
fn accounts_that_cannot_be_read_are_an_error_of_their_own() {
    struct Broken;
    impl AccountSource for Broken {
        fn account(&self, _: &Address) -> Result<Option<Account>, ViewError> {
            Err(ViewError("disk".into()))
        }
    }
    let mut bench = Bench::new();
    let tx = checked(&bench.network, bench.tx(0, 10));
    assert_eq!(bench.pool.add(tx, 0, &Broken), Err(PoolError::View(ViewError("disk".into()))));
}

#[test]
fn the_next_nonce_and_the_cost_of_a_queue_are_what_a_count_gives_whatever_happened_to_it() {
    let seed = rand::random();
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let mut bench = Bench::new();
    let base = bench.network.nonce_base;
    for _ in 0..2_000 {
        let ahead = chance.random_range(0..20);
        match chance.random_range(0..8) {
            0 => bench.move_on(1, ahead, chance.random_range(0..3_000)),
            1 => bench.pool.remove(&address(1), base + ahead),
            2 => bench.pool.remove_from(&address(1), base + ahead),
            // What is refused changes nothing.
            _ => drop(bench.add(bench.tx(ahead, chance.random_range(1..30)))),
        }
        let queue = bench.pool.queues.get(&address(1));
        let counted = queue.map(|queue| {
            let nonces = queue.account.nonce..;
            nonces.into_iter().find(|nonce| !queue.entries.contains_key(nonce)).unwrap()
        });
        assert_eq!(bench.pool.view().next_nonce(&address(1)), counted, "seed {seed}");
        let cost = |queue: &Queue| queue.entries.values().map(|entry| cost(&entry.tx)).sum::<u128>();
        assert_eq!(queue.map(|queue| queue.cost), queue.map(cost), "seed {seed}");
    }
}

#[test]
fn the_view_remembers_what_came_and_left_and_says_when_it_forgot() {
    let mut bench = Bench::new();
    let seen = bench.pool.view().changes();
    let (first, second) = (bench.tx(0, 10), bench.tx(1, 10));
    bench.add(first.clone()).unwrap();
    bench.add(second.clone()).unwrap();
    bench.move_on(1, 1, 1_000_000);
    let id = |tx: &Transaction| tx.id(&bench.network.chain);
    let told: Vec<_> =
        bench.pool.view().changes_since(seen).unwrap().map(|change| (change.tx.id(), change.entered)).collect();
    assert_eq!(told, [(id(&first), true), (id(&second), true), (id(&first), false)]);
    assert_eq!(bench.pool.view().changes_since(bench.pool.view().changes()).unwrap().count(), 0);
    let fees = (0..=MAX_CHANGES as u64 / 2).map(|n| MIN_FEE_RISE.as_drops() * (n + 2) * (n + 2));
    let mut replaced = 0;
    for fee in fees {
        if bench.add(bench.tx(1, fee)).is_err() {
            break;
        }
        replaced += 1;
    }
    let view = bench.pool.view();
    assert!(view.log.len() <= MAX_CHANGES);
    assert_eq!(view.changes(), seen + 3 + 2 * replaced, "each replacement is one that left and one that came");
}

#[test]
fn the_outlook_is_what_select_takes_block_after_block() {
    let limited = NetworkSpec { max_block_transactions: 2, ..spec() };
    let mut bench = Bench::with(Arc::new(Network::new(limited).unwrap()), MAX_BYTES);
    let txs = [
        pay(&bench.network, 1, 2, 100, 5, 0),
        pay(&bench.network, 1, 2, 100, 90, 1),
        pay(&bench.network, 2, 1, 100, 50, 0),
        pay(&bench.network, 3, 1, 100, 40, 0),
        // Behind a gap.
        pay(&bench.network, 3, 1, 100, 99, 2),
    ];
    for tx in &txs {
        bench.add(tx.clone()).unwrap();
    }
    let outlook = Outlook::new(bench.pool.view(), &bench.network.spec);
    let place = |tx: &Transaction| outlook.place(&tx.id(&bench.network.chain));
    let blocks: Vec<_> = txs.iter().map(|tx| place(tx).map(|place| (place.block, place.position))).collect();
    assert_eq!(blocks, [Some((2, 3)), Some((2, 4)), Some((1, 1)), Some((1, 2)), None]);
    let selected = bench.selected();
    let first: Vec<_> = outlook.order()[..2].iter().map(|tx| tx.transaction().clone()).collect();
    assert_eq!(first, selected);
    assert!(place(&txs[1]).unwrap().behind_own && !place(&txs[0]).unwrap().behind_own);
    assert_eq!(place(&txs[3]).unwrap().ahead_bytes, txs[2].size() as u64);
    let least = fee_per_byte(&outlook.order()[1]);
    assert_eq!(outlook.fee_for(1), least + least / 10, "the next block is full");
    assert_eq!((outlook.fee_for(2), outlook.fee_for(3)), (0, 0), "the second is the last, and nothing waits behind it");
}

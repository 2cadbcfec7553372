//! Random blocks, applied and taken back (case B30): no coin appears or vanishes, and an undo restores every account.

#![allow(clippy::unwrap_used, clippy::panic, reason = "only tests")]

mod common;

use std::collections::BTreeMap;

use common::{Accounts, Chain, address, key, network};
use ledger::{Address, Amount, Transaction};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const PEOPLE: std::ops::RangeInclusive<u8> = 1..=8;

/// The rules once more in the plainest words, to compare with: balances and used nonces in wide integers.
#[derive(Clone, Default)]
struct Model {
    balances: BTreeMap<Address, i128>,
    sent: BTreeMap<Address, u64>,
}

impl Model {
    /// Moves the coins, or says that it cannot be.
    fn transfer(&mut self, from: Address, tx: &Transaction, base: u64) -> bool {
        let cost = i128::from(tx.amount().as_drops()) + i128::from(tx.fee().as_drops());
        let sent = self.sent.entry(from).or_default();
        let balance = self.balances.entry(from).or_default();
        if tx.nonce() != base + *sent || *balance < cost {
            return false;
        }
        *sent += 1;
        *balance -= cost;
        *self.balances.entry(tx.to()).or_default() += i128::from(tx.amount().as_drops());
        true
    }

    fn agrees_with(&self, accounts: &Accounts, base: u64) -> bool {
        let balances = self.balances.iter().filter(|(_, balance)| **balance > 0);
        let seen: BTreeMap<_, _> = balances.map(|(address, balance)| (*address, *balance)).collect();
        let theirs = accounts.0.iter().filter(|(_, account)| account.balance > Amount::ZERO);
        let theirs: BTreeMap<_, _> = theirs.map(|(a, account)| (*a, i128::from(account.balance.as_drops()))).collect();
        let nonces = accounts.0.iter().all(|(a, account)| account.nonce - base == self.sent.get(a).map_or(0, |n| *n));
        seen == theirs && nonces
    }
}

/// A random transfer, mostly one that could be valid; `ahead` counts the transfers of each person in this block.
fn random_transfer(chain: &Chain, rng: &mut ChaCha8Rng, ahead: &mut BTreeMap<u8, u64>) -> (Address, Transaction) {
    let (from, mut to) = (rng.random_range(PEOPLE), rng.random_range(PEOPLE));
    if from == to {
        to = to % 8 + 1;
    }
    let place = ahead.entry(from).or_default();
    let mut nonce = *place;
    *place += 1;
    if rng.random_bool(0.02) {
        nonce += 1;
    }
    let tx = if rng.random_bool(0.3) {
        chain.pay_barreleye(from, address(to), rng.random_range(1..=150), nonce)
    } else {
        let most = chain.balance(from).as_drops().max(2) / rng.random_range(1..=6);
        let amount = rng.random_range(1..=most.max(1));
        chain.pay(from, address(to), Amount::drops(amount), Amount::drops(rng.random_range(0..1_000_000)), nonce)
    };
    (address(from), tx)
}

#[test]
fn b30_after_every_random_block_the_coins_are_the_opening_balances_and_the_rewards() {
    for seed in 0..4 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut chain = Chain::new(network());
        let base = chain.network.nonce_base;
        let opening = chain.accounts.0.iter().map(|(a, account)| (*a, i128::from(account.balance.as_drops())));
        let model = Model { balances: opening.collect(), ..Model::default() };
        // The accounts and the model as they were before each block.
        let mut history = vec![(chain.accounts.clone(), model)];
        let (mut taken, mut refused, mut reverted) = (0, 0, 0);
        for step in 0..300 {
            let at = format!("seed {seed}, step {step}");
            if rng.random_bool(0.2) {
                for _ in 0..rng.random_range(1..=history.len().min(6)) {
                    if chain.height() > 0 {
                        chain.disconnect();
                        history.pop();
                        reverted += 1;
                    }
                }
                assert_eq!(chain.accounts, history.last().unwrap().0, "{at}: not as it was before the block");
            }
            let (before, model) = history.last().unwrap().clone();
            let mut ahead = BTreeMap::new();
            let list: Vec<_> =
                (0..rng.random_range(0..8)).map(|_| random_transfer(&chain, &mut rng, &mut ahead)).collect();
            let mut next = model;
            let valid = list.iter().all(|(from, tx)| next.transfer(*from, tx, base));
            let miner = rng.random_range(PEOPLE);
            let pay: u64 = list.iter().map(|(_, tx)| tx.fee().as_drops()).sum::<u64>() + 1_000_000_000;
            *next.balances.entry(key(miner).address()).or_default() += i128::from(pay);
            match chain.extend(miner, list.into_iter().map(|(_, tx)| tx).collect()) {
                Ok(()) => {
                    assert!(valid, "{at}: a block was taken that the model refuses");
                    assert!(next.agrees_with(&chain.accounts, base), "{at}: other balances than the model's");
                    history.push((chain.accounts.clone(), next));
                    taken += 1;
                }
                Err(error) => {
                    assert!(!valid, "{at}: {error}, but the model takes it");
                    assert_eq!(chain.accounts, before, "{at}: a refused block changed something");
                    refused += 1;
                }
            }
            assert_eq!(chain.accounts.total(), chain.network.supply_at(chain.height()), "{at}");
        }
        assert!(taken > 100 && refused > 20 && reverted > 50, "seed {seed}: {taken} {refused} {reverted}");
        while chain.height() > 0 {
            chain.disconnect();
        }
        assert_eq!(chain.accounts, Chain::new(network()).accounts, "seed {seed}: back at genesis");
    }
}

#[test]
fn b17_a_branch_and_back_a_hundred_times_leaves_no_trace() {
    let mut chain = Chain::new(network());
    chain.extend(5, vec![]).unwrap();
    let start = chain.accounts.clone();
    let pay = chain.pay(1, Address([0xaa; 20]), Amount::BARREL, Amount::drops(3), 0);
    let other = chain.pay_barreleye(2, Address([0xbb; 20]), 7, 0);
    let (mut left, mut right) = (None, None);
    for _ in 0..100 {
        for (miner, tx, end) in [(6, &pay, &mut left), (7, &other, &mut right)] {
            chain.extend(miner, vec![tx.clone()]).unwrap();
            chain.extend(miner, vec![]).unwrap();
            assert_eq!(end.get_or_insert_with(|| chain.accounts.clone()), &chain.accounts);
            chain.disconnect();
            chain.disconnect();
            assert_eq!(chain.accounts, start);
        }
    }
}

//! `chain verify`: replays a data directory from genesis by all rules, and compares what comes out with what is kept.
//!
//! Reads only. Exit code 74 means that something there is not what it must be.

use ledger::apply::apply;
use ledger::{Account, AccountSource, Address, BlockId, ChainSource, Header, Height, Network, Tip, ViewError, check};
use serde_json::json;
use std::collections::BTreeMap;
use store::{Snapshot, guarded};

use super::bar;
use super::place::Place;
use crate::commands::print::Out;
use crate::failure::Failure;

/// Replays the chain in `place` and compares.
pub fn verify(place: &Place, out: Out) -> Result<(), Failure> {
    let store = place.existing()?.map_err(Failure::storage)?;
    let snapshot = store.reader().snapshot().map_err(Failure::storage)?;
    let tip = snapshot.tip().map_err(Failure::storage)?;
    let bar = bar(Some(tip.height), out);
    let replayed = guarded(|| Ok(replay(&snapshot, &place.network, |height| bar.set_position(height))));
    let result = replayed
        .unwrap_or_else(|error| Err(text(error)))
        .and_then(|found| store.reader().check_accounts().map(|_| found).map_err(text));
    bar.finish_and_clear();
    let found = result.map_err(|damage| {
        let dir = place.dir.display();
        Failure::storage(format!(
            "{dir} is damaged: {damage}. Restore a backup, or make it anew of its blocks with: barreleye chain repair"
        ))
    })?;
    let (blocks, Found { transactions, accounts }) = (tip.height, found);
    let answer = json!({ "blocks": blocks, "transactions": transactions, "accounts": accounts });
    out.answer(&answer, || {
        format!("{blocks} blocks, {transactions} transactions, {accounts} accounts: all as they must be")
    })
}

/// What a whole chain has.
struct Found {
    transactions: u64,
    accounts: usize,
}

/// All accounts of the replay.
struct Accounts(BTreeMap<Address, Account>);

impl AccountSource for Accounts {
    fn account(&self, address: &Address) -> Result<Option<Account>, ViewError> {
        Ok(self.0.get(address).copied())
    }
}

fn replay(snapshot: &Snapshot, network: &Network, progress: impl Fn(Height)) -> Result<Found, String> {
    let kept = snapshot.tip().map_err(text)?;
    let mut accounts = Accounts(network.genesis_accounts().collect());
    let mut tip = network.genesis_tip();
    let (mut parent, mut grandparent): (Header, Option<Header>) = (network.genesis.clone(), None);
    let mut transactions = 0;
    for height in 1..=kept.height {
        let id = snapshot.main_id(height).map_err(text)?.ok_or_else(|| format!("no block at height {height}"))?;
        let at = |why: String| format!("block {height} {id}: {why}");
        let block = snapshot.block(&id).map_err(text)?.ok_or_else(|| at("it has no body".into()))?;
        if block.header.previous != tip.id {
            return Err(at("it does not follow the block below it".into()));
        }
        let block = check::block_alone(block, network, |_| None).map_err(|error| at(error.to_string()))?;
        if block.id() != id {
            return Err(at(format!("the body is that of {}", block.id())));
        }
        let in_context = check::header_in_context(block.header(), &parent, grandparent.as_ref(), network);
        in_context.map_err(|error| at(error.to_string()))?;
        let (changes, _) = apply(&accounts, &block, network).map_err(|error| at(error.to_string()))?;
        for (address, account) in changes {
            match account {
                Some(account) => accounts.0.insert(address, account),
                None => accounts.0.remove(&address),
            };
        }
        for tx in block.transactions() {
            let found = snapshot.transaction(&tx.id()).map_err(text)?;
            if found.is_none_or(|found| found.block != id) {
                return Err(at(format!("the index does not lead to transaction {}", tx.id())));
            }
        }
        transactions += block.transactions().len() as u64;
        tip = above(&tip, block.header(), id).ok_or_else(|| at("its work does not add up".into()))?;
        grandparent = Some(std::mem::replace(&mut parent, block.header().clone()));
        progress(height);
    }
    if tip != kept {
        return Err(format!("the tip is kept as {kept:?}, the blocks lead to {tip:?}"));
    }
    let count = snapshot.transaction_count().map_err(text)?;
    if count != transactions {
        return Err(format!("{count} transactions are counted, the blocks have {transactions}"));
    }
    same_accounts(snapshot, &accounts.0)?;
    Ok(Found { transactions, accounts: accounts.0.len() })
}

fn above(tip: &Tip, header: &Header, id: BlockId) -> Option<Tip> {
    let work = tip.work.checked_add(header.target.work().ok()?)?;
    Some(Tip { id, height: header.height, work, time: header.time })
}

fn same_accounts(snapshot: &Snapshot, replayed: &BTreeMap<Address, Account>) -> Result<(), String> {
    let mut seen = 0;
    for kept in snapshot.accounts().map_err(text)? {
        let (address, account) = kept.map_err(text)?;
        seen += 1;
        if replayed.get(&address) != Some(&account) {
            let expected = replayed.get(&address);
            return Err(format!("account {address} is kept as {account:?}, the blocks lead to {expected:?}"));
        }
    }
    match seen == replayed.len() {
        true => Ok(()),
        false => Err(format!("{seen} accounts are kept, the blocks lead to {}", replayed.len())),
    }
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use ledger::{Amount, Transfer};
    use store::Store;

    use super::*;
    use crate::cli::PlaceArgs;
    use crate::test_chain::{address, key, next_commit};

    fn verify(network: &str, dir: &Path, out: Out) -> Result<(), Failure> {
        let place = PlaceArgs { network: Some(network.into()), data_dir: Some(dir.into()), ..PlaceArgs::default() };
        super::verify(&Place::of(&place)?, out)
    }

    /// A regtest chain of three blocks, the last with a transfer; `damage` may change what the last one keeps.
    fn chain(damage: impl FnOnce(&mut ledger::Commit)) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let network = Arc::new(Network::built_in("regtest").unwrap());
        let mut store = Store::open(dir.path(), network.clone(), 1 << 20, |_| {}).unwrap();
        let mut commit = |transactions, damage: Box<dyn FnOnce(&mut ledger::Commit) + '_>| {
            let mut commit = next_commit(&store.reader().snapshot().unwrap(), &network, transactions);
            damage(&mut commit);
            store.commit(&commit).unwrap();
        };
        commit(vec![], Box::new(|_| {}));
        commit(vec![], Box::new(|_| {}));
        let (to, amount) = (address(1), Amount::BARREL);
        let tx = Transfer::sign(&key(9), &network.chain, to, amount, Amount::ZERO, network.nonce_base, vec![]);
        commit(vec![ledger::Transaction::Transfer(tx)], Box::new(damage));
        dir
    }

    #[test]
    fn a_sound_chain_is_verified() {
        verify("regtest", chain(|_| {}).path(), Out::new(false)).unwrap();
    }

    #[test]
    fn an_account_that_the_blocks_do_not_lead_to_is_damage() {
        let dir = chain(|commit| {
            let account = commit.accounts.get_mut(&address(1)).and_then(Option::as_mut).unwrap();
            account.balance = Amount::drops(u64::MAX);
        });
        let failure = verify("regtest", dir.path(), Out::new(false)).unwrap_err();
        assert_eq!(failure.exit_code(), 74);
        assert!(failure.to_string().contains(&format!("account {} is kept as", address(1))), "{failure}");
    }

    #[test]
    fn an_account_too_many_is_damage() {
        let dir = chain(|commit| {
            commit.accounts.insert(address(5), Some(Account { balance: Amount::ZERO, nonce: 0 }));
        });
        let failure = verify("regtest", dir.path(), Out::new(false)).unwrap_err();
        assert!(failure.to_string().contains("is kept as"), "{failure}");
    }

    #[test]
    fn another_network_and_an_empty_directory_are_named() {
        let failure = verify("dev", chain(|_| {}).path(), Out::new(false)).unwrap_err();
        assert_eq!(failure.exit_code(), 74);
        assert!(failure.to_string().contains("this network's chain is"), "{failure}");
        let failure = verify("dev", tempfile::tempdir().unwrap().path(), Out::new(false)).unwrap_err();
        assert_eq!(failure.exit_code(), 2);
    }
}

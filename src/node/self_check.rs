//! The look that a node takes at what is kept before it relies on it: all accounts, and the last blocks back and forth.
//!
//! Reads only. A node that finds damage does not start: it would tell wrong balances, or follow a chain of its own.

use std::time::Instant;

use ledger::Network;
use ledger::recheck::recheck;
use store::{Reader, StoreError, guarded};
use tracing::info;

use crate::failure::Failure;

/// Blocks that are taken back and applied again: those that a reorganisation is most likely to take back.
const BLOCKS: u64 = 6;

/// Looks at what is kept.
pub fn self_check(reader: &Reader, network: &Network) -> Result<(), Failure> {
    let began = Instant::now();
    let accounts = reader.check_accounts().map_err(failure)?;
    let blocks = guarded(|| Ok(recheck(&reader.snapshot()?, network, BLOCKS))).map_err(failure)?.map_err(damaged)?;
    info!(accounts, blocks, ms = began.elapsed().as_millis() as u64, "what is stored is sound");
    Ok(())
}

fn failure(error: StoreError) -> Failure {
    match error {
        StoreError::Damaged { what } => damaged(what),
        other => Failure::storage(other),
    }
}

fn damaged(why: impl std::fmt::Display) -> Failure {
    Failure::storage(format!(
        "what is stored is damaged: {why}. Make it anew of its blocks with: barreleye chain repair; or restore a backup"
    ))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ledger::{Account, Amount, Transfer};
    use store::Store;

    use super::*;
    use crate::test_chain::{address, key, next_commit};

    /// What starting says of a chain of eight blocks, of which `damage` changes one on its way to the disk.
    fn check(at: u64, damage: impl Fn(&mut ledger::Commit)) -> Result<(), Failure> {
        let dir = tempfile::tempdir().unwrap();
        let network = Arc::new(Network::built_in("regtest").unwrap());
        let mut store = Store::open(dir.path(), network.clone(), 1 << 20, |_| {}).unwrap();
        for height in 1..=8 {
            // Each block but the first passes on what the one before it paid.
            let pay = |nonce| {
                Transfer::sign(&key(9), &network.chain, address(1), Amount::BARREL, Amount::ZERO, nonce, vec![])
            };
            let paid = (height > 1).then(|| ledger::Transaction::Transfer(pay(network.nonce_base + height - 2)));
            let snapshot = store.reader().snapshot().unwrap();
            let mut commit = next_commit(&snapshot, &network, paid.into_iter().collect());
            drop(snapshot);
            if height == at {
                damage(&mut commit);
            }
            store.commit(&commit).unwrap();
        }
        self_check(&store.reader(), &network)
    }

    #[test]
    fn s15_the_last_six_blocks_are_taken_back_and_applied_again_at_the_start() {
        check(8, |_| {}).unwrap();
        let more = |commit: &mut ledger::Commit| {
            let account = commit.accounts.get_mut(&address(1)).and_then(Option::as_mut).unwrap();
            account.balance = account.balance.checked_add(Amount::drops(1)).unwrap();
        };
        let failure = check(8, more).unwrap_err();
        assert_eq!(failure.exit_code(), 74);
        assert!(failure.to_string().contains("barreleye chain repair"), "{failure}");
        let foreign = |commit: &mut ledger::Commit| {
            let undo = &mut commit.connect[0].undo.0;
            undo.push((address(5), Some(Account { balance: Amount::BARREL, nonce: 0 })));
        };
        // The undo below it puts this one right again: only what the block itself says shows it.
        let wrong = |commit: &mut ledger::Commit| {
            let before = commit.connect[0].undo.0.iter_mut().find_map(|(_, before)| before.as_mut()).unwrap();
            before.balance = before.balance.checked_add(Amount::drops(1)).unwrap();
        };
        for height in 3..=8 {
            for damage in [&foreign as &dyn Fn(&mut ledger::Commit), &wrong] {
                let failure = check(height, damage).unwrap_err().to_string();
                assert!(failure.contains("what is stored is damaged: block "), "{height}: {failure}");
            }
        }
    }
}

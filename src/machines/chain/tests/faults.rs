//! Whose fault each error is, and what becomes of the message: a table of all of them.

use ledger::{KeyError, PublicKey};

use super::*;

/// Every error of a transaction. A new one does not compile until its row is here.
fn tx_errors() -> Vec<(TxError, Verdict)> {
    let all = [
        TxError::Key(KeyError::BadSignature),
        TxError::NotOwner { from: address(1) },
        TxError::NonceUsed { got: 1, next: 2 },
        TxError::NonceGap { got: 3, next: 2 },
        TxError::InsufficientBalance { needed: Amount::ZERO, balance: Amount::ZERO },
        TxError::AmountOverflow,
        TxError::ToSelf,
        TxError::ZeroAmount,
        TxError::DataTooLong { got: 2, limit: 1 },
        TxError::NotTakenHere,
    ];
    let verdict = |error: &TxError| match error {
        // Another view of the chain.
        TxError::NonceUsed { .. } | TxError::NonceGap { .. } | TxError::InsufficientBalance { .. } => Verdict::Ignore,
        // Everybody who speaks this protocol could see it.
        TxError::Key(_)
        | TxError::NotOwner { .. }
        | TxError::AmountOverflow
        | TxError::ToSelf
        | TxError::ZeroAmount
        | TxError::DataTooLong { .. }
        | TxError::NotTakenHere => Verdict::Reject,
    };
    all.into_iter().map(|error| (error.clone(), verdict(&error))).collect()
}

#[derive(Debug, PartialEq, Eq)]
enum Consequence {
    /// Nobody is blamed, the block may come again.
    Nothing,
    /// Who sent it is blamed, the block may come again: what came was not the block.
    Blame,
    /// Who sent it is blamed, and the id is refused from now on.
    BlameAndCondemn,
}

/// Every error of a block. A new one does not compile until its row is here.
fn block_errors() -> Vec<(BlockError, Consequence)> {
    let miner: PublicKey = key(5).public();
    let all = [
        BlockError::NoWork,
        BlockError::WrongTarget { got: 1, expected: 2 },
        BlockError::UnknownVersion(2),
        BlockError::WrongHeight { got: 1, expected: 2 },
        BlockError::TimeNotAfterParent { got: 1, parent: 2 },
        BlockError::FromTheFuture { ahead_ms: 1 },
        BlockError::Mutated,
        BlockError::TooLarge { got: 2, limit: 1 },
        BlockError::TooManyTransactions { got: 2, limit: 1 },
        BlockError::TooMuchBarreleye { got: 2, limit: 1 },
        BlockError::NotSigned,
        BlockError::NotAMiner(miner),
        BlockError::UnknownParent(BlockId([1; 32])),
        BlockError::InvalidAncestor(BlockId([1; 32])),
        BlockError::Transaction { index: 0, error: TxError::NonceGap { got: 3, next: 2 } },
        BlockError::Overflow,
    ];
    let consequence = |error: &BlockError| match error {
        BlockError::UnknownVersion(_) | BlockError::FromTheFuture { .. } | BlockError::UnknownParent(_) => {
            Consequence::Nothing
        }
        BlockError::Mutated | BlockError::NotSigned => Consequence::Blame,
        BlockError::NoWork
        | BlockError::WrongTarget { .. }
        | BlockError::WrongHeight { .. }
        | BlockError::TimeNotAfterParent { .. }
        | BlockError::TooLarge { .. }
        | BlockError::TooManyTransactions { .. }
        | BlockError::TooMuchBarreleye { .. }
        | BlockError::NotAMiner(_)
        | BlockError::InvalidAncestor(_)
        | BlockError::Transaction { .. }
        | BlockError::Overflow => Consequence::BlameAndCondemn,
    };
    all.into_iter().map(|error| (error.clone(), consequence(&error))).collect()
}

#[test]
fn every_error_of_a_transaction_has_its_verdict() {
    for (error, expected) in tx_errors() {
        let mut node = Node::new();
        let origin = Origin::Gossip { from: peer(1), ticket: ticket() };
        let effects = node.on(Event::TransactionsChecked { results: vec![Err(error.clone())], origin });
        assert_eq!(verdict(&effects), Some(expected), "{error}");
        assert_eq!(blamed(&effects).len(), usize::from(expected == Verdict::Reject), "{error}");
    }
}

#[test]
fn every_error_of_a_block_has_its_consequence() {
    for (error, expected) in block_errors() {
        let mut node = Node::new();
        let block = Branch::grown(&node.network, 5, 1).blocks.remove(0);
        let results = vec![Err((block.header.id(), error.clone()))];
        let effects = node.on(Event::BlocksChecked { results, source: Source::Peer(peer(1)) });
        let blame = !blamed(&effects).is_empty();
        let condemned = tip_changed(&node.take(&[block])).is_none();
        let found = match (blame, condemned) {
            (false, false) => Consequence::Nothing,
            (true, false) => Consequence::Blame,
            (true, true) => Consequence::BlameAndCondemn,
            (false, true) => panic!("{error}: condemned and nobody's fault"),
        };
        assert_eq!(found, expected, "{error}");
    }
}

#[test]
fn an_announcement_on_an_invalid_block_is_not_passed_on_and_nobody_is_blamed() {
    let mut node = Node::new();
    let mut branch = Branch::new(&node.network);
    let invalid = branch.extend(5, vec![pay(&node.network, 9, 1, 5, 5, 0)]);
    branch.grow(5, 1);
    node.take(&[invalid]);
    // Whoever keeps it beside a better chain has not looked into it.
    for block in &branch.blocks {
        let effects = node.announce(block);
        assert_eq!((verdict(&effects), blamed(&effects).len()), (Some(Verdict::Ignore), 0), "{effects:?}");
    }
}

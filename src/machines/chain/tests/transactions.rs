//! Transactions of clients and of peers: taken, passed on, or refused with a reason.

use super::*;

#[test]
fn while_syncing_gossip_is_ignored_and_clients_are_served() {
    let mut node = Node::new();
    node.on(Event::Syncing(true));
    let tx = pay(&node.network, 1, 2, 5, 5, 0);
    assert_eq!(verdict(&node.gossip(vec![tx.clone()])), Some(Verdict::Ignore));
    assert!(!node.waits(&tx));
    node.on(Event::Syncing(false));
    assert_eq!(verdict(&node.gossip(vec![tx.clone()])), Some(Verdict::Accept));
    assert!(node.waits(&tx));
    node.on(Event::Syncing(true));
    assert!(node.submit(pay(&node.network, 2, 1, 5, 5, 0)).is_ok());
}

#[test]
fn gossip_is_passed_on_ignored_or_rejected() {
    let mut node = Node::new();
    let good = pay(&node.network, 1, 2, 5, 5, 0);
    assert_eq!(verdict(&node.gossip(vec![good.clone()])), Some(Verdict::Accept));
    assert_eq!(verdict(&node.gossip(vec![good])), Some(Verdict::Ignore), "known");
    let poor = node.gossip(vec![pay(&node.network, 9, 2, 5, 5, 0)]);
    assert_eq!(verdict(&poor), Some(Verdict::Ignore));
    assert!(blamed(&poor).is_empty(), "it may be ahead of us");
    let Transaction::Transfer(mut forged) = pay(&node.network, 1, 2, 5, 5, 1) else { panic!() };
    forged.amount = barrels(500);
    let effects = node.gossip(vec![pay(&node.network, 2, 1, 5, 5, 0), Transaction::Transfer(forged)]);
    assert_eq!(verdict(&effects), Some(Verdict::Reject));
    assert!(blamed(&effects)[0].contains("signature is not valid"), "{effects:?}");
}

#[test]
fn a_client_hears_why_its_transaction_is_refused() {
    let mut node = Node::new();
    let base = node.network.nonce_base;
    node.submit(pay(&node.network, 1, 2, 5, 5, 0)).unwrap();
    let mut branch = Branch::new(&node.network);
    branch.extend(5, vec![pay(&node.network, 1, 2, 5, 5, 0)]);
    node.take(&branch.blocks);
    let used = TxError::NonceUsed { got: base, next: base + 1 };
    assert_eq!(node.submit(pay(&node.network, 1, 3, 5, 5, 0)), Err(Refused::Pool(used.into())));
    let waiting = pay(&node.network, 1, 2, 5, 5, 1);
    node.submit(waiting.clone()).unwrap();
    assert_eq!(node.submit(waiting), Err(Refused::Pool(PoolError::Known)));
    assert_eq!(node.submit(pay(&node.network, 2, 2, 5, 5, 0)), Err(Refused::Pool(TxError::ToSelf.into())));
}

#[test]
fn a_clients_transaction_is_passed_on_at_once_and_again_until_it_is_mined() {
    let mut node = Node::new();
    let tx = pay(&node.network, 1, 2, 5, 5, 0);
    node.submit(tx.clone()).unwrap();
    let mut relayed_at = Vec::new();
    for second in 0..80 {
        node.now = at(second * 1_000);
        if node.on(Event::Tick).iter().any(|effect| matches!(effect, Effect::Relay(_))) {
            relayed_at.push(second);
        }
    }
    assert_eq!(relayed_at, [0, 10, 30, 70], "with growing waits");
    let mut branch = Branch::new(&node.network);
    branch.extend(5, vec![tx]);
    node.take(&branch.blocks);
    node.now = at(10_000_000);
    assert!(node.on(Event::Tick).is_empty());
}

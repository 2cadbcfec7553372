//! What is kept, what is forgotten, and who is refused.

use super::*;

#[test]
fn a_peer_is_kept_when_the_handshake_passes_and_not_before() {
    let mut discovery = discovery(&[], &[]);
    let effects = discovery.on(at(0), connected(1));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Save { .. } | Effect::Peers(_))));
    let effects = discovery.on(at(0), ready(1));
    let record = Record { anchor: true, ..record(1) };
    assert!(effects.contains(&Effect::Save { peer: peer(1), record }), "{effects:?}");
    assert!(effects.contains(&Effect::Peers(1)) && effects.contains(&Effect::AskAddresses { peer: peer(1) }));
    assert!(discovery.on(at(0), ready(1)).iter().all(|effect| !matches!(effect, Effect::Peers(_))), "once");
}

#[test]
fn where_a_peer_that_dialed_us_listens_is_kept_whichever_it_says_first() {
    let listens = || Event::Listens { peer: peer(1), addresses: vec![address(1)] };
    let said = || Event::Ready { peer: peer(1), dialed: None };
    for order in [[listens(), said()], [said(), listens()]] {
        let mut discovery = discovery(&[], &[]);
        let mut effects = discovery.on(at(0), came(1));
        for event in order {
            effects.extend(discovery.on(at(0), event));
        }
        let last = effects.iter().rev().find_map(|effect| match effect {
            Effect::Save { record, .. } => Some(record.addresses.clone()),
            _ => None,
        });
        assert_eq!(last, Some(vec![address(1)]));
        discovery.on(at(1), gone(1));
        assert_eq!(dialed(&tick(&mut discovery, 2_001)), [1], "and so it can be found again");
    }
}

#[test]
fn p20_whatever_is_in_the_database_the_node_starts_and_what_is_of_no_use_is_taken_out() {
    let future = Record { last_seen: u64::MAX, ..record(1) };
    let kept = vec![(peer(1), future), (peer(2), Record::default()), (peer(3), record(3))];
    let mut discovery = with(&[], kept, 3);
    assert_eq!(discovery.repairs(), Repairs { left_out: 1, repaired: 1 });
    let effects = tick(&mut discovery, 0);
    assert_eq!(effects[0], Effect::Forget { peer: peer(2) });
    assert_eq!(dialed(&effects), [1, 3]);
    assert!(!tick(&mut discovery, 1).iter().any(|effect| matches!(effect, Effect::Forget { .. })), "once");
}

#[test]
fn a_peer_of_another_network_is_forgotten_at_once_and_not_refused_and_not_dialed_when_named_again() {
    let mut discovery = discovery(&[], &[50]);
    assert_eq!(dialed(&tick(&mut discovery, 0)), [50]);
    discovery.on(at(0), connected(50));
    let effects = discovery.on(at(0), Event::WrongNetwork { peer: peer(50) });
    assert!(effects.contains(&Effect::Forget { peer: peer(50) }));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Refuse { .. })));
    discovery.on(at(0), gone(50));
    assert!(dialed(&tick(&mut discovery, DAY)).is_empty());
    assert_eq!(discovery.figures().known, 0);
    let mut discovery = discovery_that_met_a_stranger();
    for minute in 0..40 {
        assert!(dialed(&discovery.on(at(minute * MINUTE), found(&[50]))).is_empty(), "minute {minute}");
    }
}

fn discovery_that_met_a_stranger() -> Discovery {
    let mut discovery = discovery(&[], &[]);
    discovery.on(at(0), found(&[50]));
    discovery.on(at(0), connected(50));
    discovery.on(at(0), Event::WrongNetwork { peer: peer(50) });
    discovery.on(at(0), gone(50));
    discovery
}

#[test]
fn a_peer_that_cannot_be_reached_any_more_leaves_the_book() {
    let mut discovery = discovery(&[], &[50]);
    let mut now = 0;
    let mut forgotten = Vec::new();
    while now < 3 * DAY && forgotten.is_empty() {
        now += 10_000;
        let effects = tick(&mut discovery, now);
        if dialed(&effects) == [50] {
            let effects = discovery.on(at(now), failed(50));
            forgotten.extend(effects.into_iter().filter(|e| matches!(e, Effect::Forget { .. })));
        }
    }
    assert_eq!(forgotten, [Effect::Forget { peer: peer(50) }]);
    assert!((DAY..DAY + 10 * MINUTE).contains(&now), "after a day, {now} ms");
}

#[test]
fn a_failed_dial_of_a_connected_peer_says_nothing_about_it() {
    let mut discovery = discovery(&[], &[]);
    meet(&mut discovery, 0, 1);
    let effects = discovery.on(at(1), failed(1));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Save { .. } | Effect::Forget { .. })), "{effects:?}");
}

#[test]
fn a_peer_that_misbehaved_is_refused_forgotten_and_pardoned_after_ten_minutes() {
    let mut discovery = discovery(&[(Some(2), "/ip4/10.0.0.2/tcp/4100")], &[50]);
    for n in [2, 50] {
        meet(&mut discovery, 0, n);
        let effects = discovery.on(at(0), Event::Misbehaved { peer: peer(n) });
        assert!(effects.contains(&Effect::Refuse { peer: peer(n), refuse: true }));
        assert!(effects.contains(&Effect::Forget { peer: peer(n) }));
        discovery.on(at(0), gone(n));
    }
    assert!(dialed(&discovery.on(at(BAN_MS - 1), found(&[50]))).is_empty(), "found again, and still refused");
    let effects = tick(&mut discovery, BAN_MS);
    assert!(effects.contains(&Effect::Refuse { peer: peer(50), refuse: false }));
    assert_eq!(dialed(&effects), [2], "the fixed one is tried again");
    assert_eq!(dialed(&discovery.on(at(BAN_MS), found(&[50]))), [50]);
}

#[test]
fn p05_five_misbehaving_ids_of_one_ip_take_the_ip_with_them() {
    let mut discovery = discovery(&[], &[]);
    let from = "8.8.8.8".parse().unwrap();
    let mut effects = Vec::new();
    for n in 1..=5 {
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::RefuseAddress { .. })), "{n}");
        discovery.on(at(0), Event::Connected { peer: peer(n), dialed: None, from: Some(from) });
        effects = discovery.on(at(0), Event::Misbehaved { peer: peer(n) });
        discovery.on(at(0), gone(n));
    }
    assert!(effects.contains(&Effect::RefuseAddress { address: from, refuse: true }));
    assert!(tick(&mut discovery, BAN_MS).contains(&Effect::RefuseAddress { address: from, refuse: false }));
}

#[test]
fn the_operators_ban_holds_until_the_operator_lifts_it() {
    let mut discovery = discovery(&[], &[]);
    discovery.on(at(0), Event::Ban { peer: peer(1), ban: true });
    discovery.on(at(0), Event::Misbehaved { peer: peer(1) });
    let effects = tick(&mut discovery, 100 * DAY);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Refuse { .. })), "{effects:?}");
    let effects = discovery.on(at(100 * DAY), Event::Ban { peer: peer(1), ban: false });
    assert!(effects.contains(&Effect::Refuse { peer: peer(1), refuse: false }));
    assert_eq!(discovery.figures().banned, 0);
    assert_eq!(discovery.on(at(100 * DAY), Event::Ban { peer: peer(1), ban: false }), [], "it was not refused");
}

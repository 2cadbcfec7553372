//! The transitions of the discovery machine.

use super::*;
use crate::fixture::{at, peer};

const DAY: u64 = 24 * 60 * 60 * 1000;

/// Node 200, which wants three peers.
fn discovery(fixed: &[(Option<u8>, &str)], kept: &[u8]) -> Discovery {
    let record = |n: u8| Record { addresses: vec![address(n)], last_seen: at(0).unix, successes: 1, failures: 0 };
    let fixed = fixed.iter().map(|(n, address)| Fixed { peer: n.map(peer), address: (*address).into() }).collect();
    let params = Params { me: peer(200), fixed, wanted: 3, forget_after_ms: DAY };
    Discovery::new(params, kept.iter().map(|n| (peer(*n), record(*n))).collect())
}

fn address(n: u8) -> String {
    format!("/ip4/10.0.0.{n}/tcp/4100")
}

fn found(peers: &[u8]) -> Event {
    Event::Found { peers: peers.iter().map(|n| (peer(*n), vec![address(*n)])).collect() }
}

fn connected(n: u8) -> Event {
    Event::Connected { peer: peer(n), dialed: Some(address(n)) }
}

fn ready(n: u8) -> Event {
    Event::Ready { peer: peer(n), dialed: Some(address(n)) }
}

fn failed(n: u8) -> Event {
    Event::DialFailed { peer: Some(peer(n)), addresses: vec![address(n)] }
}

/// Brings peer `n` through the handshake.
fn meet(discovery: &mut Discovery, mono: u64, n: u8) -> Vec<Effect> {
    let mut effects = discovery.on(at(mono), connected(n));
    effects.extend(discovery.on(at(mono), ready(n)));
    effects
}

/// Whom it dials, by number.
fn dialed(effects: &[Effect]) -> Vec<u8> {
    let number = |effect: &Effect| match effect {
        Effect::Dial { peer, .. } => Some(peer.map_or(0, |peer| peer.0[0])),
        _ => None,
    };
    effects.iter().filter_map(number).collect()
}

fn looks_up(effects: &[Effect]) -> bool {
    effects.contains(&Effect::Lookup)
}

#[test]
fn a_fixed_peer_is_dialed_for_ever_with_growing_bounded_waits() {
    for (n, text) in [(None, "/dns4/first.example/tcp/4100"), (Some(1), "/ip4/10.0.0.1/tcp/4100")] {
        let mut discovery = discovery(&[(n, text)], &[]);
        let mut now = 0;
        for wait in [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000] {
            assert_eq!(dialed(&discovery.on(at(now), Event::Tick)).len(), 1, "{text} at {now}");
            assert!(dialed(&discovery.on(at(now), Event::Tick)).is_empty(), "one dial at a time");
            let failure = Event::DialFailed { peer: n.map(peer), addresses: vec![text.into()] };
            assert!(dialed(&discovery.on(at(now), failure)).is_empty());
            assert!(dialed(&discovery.on(at(now + wait - 1), Event::Tick)).is_empty(), "{text} before {wait}");
            now += wait;
        }
    }
}

#[test]
fn a_fixed_peer_that_answered_is_not_dialed_and_is_dialed_again_when_it_goes() {
    let mut discovery = discovery(&[(None, "/ip4/10.0.0.1/tcp/4100")], &[]);
    assert_eq!(dialed(&discovery.on(at(0), Event::Tick)), [0]);
    meet(&mut discovery, 10, 1);
    assert!(dialed(&discovery.on(at(100_000), Event::Tick)).is_empty());
    discovery.on(at(200_000), Event::Gone { peer: peer(1) });
    let effects = discovery.on(at(201_000), Event::Tick);
    assert!(effects.contains(&Effect::Dial { peer: None, addresses: vec![address(1)] }), "{effects:?}");
}

#[test]
fn a_fixed_peer_that_never_passes_the_handshake_is_dialed_with_growing_waits() {
    let mut discovery = discovery(&[(Some(1), "/ip4/10.0.0.1/tcp/4100")], &[]);
    let mut now = 0;
    for wait in [1_000, 2_000, 4_000] {
        assert_eq!(dialed(&discovery.on(at(now), Event::Tick)), [1], "at {now}");
        discovery.on(at(now), connected(1));
        discovery.on(at(now), Event::WrongNetwork { peer: peer(1) });
        discovery.on(at(now), Event::Gone { peer: peer(1) });
        assert!(dialed(&discovery.on(at(now + wait - 1), Event::Tick)).is_empty(), "before {wait}");
        now += wait;
    }
}

#[test]
fn a_dial_that_reports_nothing_is_given_up() {
    let mut discovery = discovery(&[(Some(1), "/ip4/10.0.0.1/tcp/4100")], &[]);
    assert_eq!(dialed(&discovery.on(at(0), Event::Tick)), [1]);
    assert!(dialed(&discovery.on(at(DIAL_MS - 1), Event::Tick)).is_empty());
    assert_eq!(dialed(&discovery.on(at(DIAL_MS), Event::Tick)), [1]);
}

#[test]
fn known_peers_are_dialed_before_found_ones() {
    let mut discovery = discovery(&[], &[50, 51]);
    let first = discovery.on(at(0), found(&[1, 2, 3, 4, 5, 6]));
    assert_eq!(dialed(&first)[..2], [50, 51]);
    assert_eq!(dialed(&first).len(), 5, "three are missing, and two more in case");
}

#[test]
fn with_enough_peers_nobody_is_dialed_or_looked_for() {
    let mut discovery = discovery(&[], &[50, 51]);
    for n in 1..=3 {
        meet(&mut discovery, 0, n);
    }
    assert_eq!(discovery.state(), &State::Connected { ready: 3 });
    let mut later = discovery.on(at(1_000_000), found(&[4, 5]));
    later.extend(discovery.on(at(1_000_001), Event::Tick));
    assert!(dialed(&later).is_empty() && !looks_up(&later), "{later:?}");
    let effects = discovery.on(at(1_000_002), Event::Gone { peer: peer(1) });
    assert_eq!(discovery.state(), &State::Searching { ready: 2, wanted: 3 });
    assert!(effects.contains(&Effect::Peers(2)) && dialed(&effects).len() == 3, "{effects:?}");
}

#[test]
fn a_peer_is_kept_when_the_handshake_passes_and_not_before() {
    let mut discovery = discovery(&[], &[]);
    let effects = discovery.on(at(0), connected(1));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Save { .. } | Effect::Peers(_))));
    let effects = discovery.on(at(0), ready(1));
    let record = Record { addresses: vec![address(1)], last_seen: at(0).unix, successes: 1, failures: 0 };
    assert!(effects.contains(&Effect::Save { peer: peer(1), record }), "{effects:?}");
    assert!(effects.contains(&Effect::Peers(1)) && effects.contains(&Effect::AskAddresses { peer: peer(1) }));
    assert!(discovery.on(at(0), ready(1)).iter().all(|effect| !matches!(effect, Effect::Peers(_))), "once");
}

#[test]
fn where_a_peer_that_dialed_us_listens_is_kept_whichever_it_says_first() {
    let listens = || Event::Listens { peer: peer(1), addresses: vec![address(1)] };
    let said = || Event::Ready { peer: peer(1), dialed: None };
    let came = || Event::Connected { peer: peer(1), dialed: None };
    for order in [[listens(), said()], [said(), listens()]] {
        let mut discovery = discovery(&[], &[]);
        let mut effects = discovery.on(at(0), came());
        for event in order {
            effects.extend(discovery.on(at(0), event));
        }
        let last = effects.iter().rev().find_map(|effect| match effect {
            Effect::Save { record, .. } => Some(record.addresses.clone()),
            _ => None,
        });
        assert_eq!(last, Some(vec![address(1)]));
        discovery.on(at(1), Event::Gone { peer: peer(1) });
        assert_eq!(dialed(&discovery.on(at(2), Event::Tick)), Vec::<u8>::new(), "under way since it went");
        assert_eq!(discovery.figures().dialing, 1, "and so it can be found again");
    }
}

#[test]
fn a_peer_of_another_network_is_forgotten_at_once_and_not_refused() {
    let mut discovery = discovery(&[], &[50]);
    assert_eq!(dialed(&discovery.on(at(0), Event::Tick)), [50]);
    discovery.on(at(0), connected(50));
    let effects = discovery.on(at(0), Event::WrongNetwork { peer: peer(50) });
    assert_eq!(effects, [Effect::Forget { peer: peer(50) }]);
    discovery.on(at(0), Event::Gone { peer: peer(50) });
    assert!(dialed(&discovery.on(at(DAY), Event::Tick)).is_empty());
    assert_eq!(discovery.figures().known, 0);
}

#[test]
fn a_known_peer_that_takes_the_connection_and_drops_it_is_not_tried_at_each_tick() {
    let mut discovery = discovery(&[], &[50]);
    assert_eq!(dialed(&discovery.on(at(0), Event::Tick)), [50]);
    discovery.on(at(0), connected(50));
    let effects = discovery.on(at(0), Event::Gone { peer: peer(50) });
    assert!(matches!(&effects[..], [Effect::Save { record, .. }] if record.failures == 1), "{effects:?}");
    assert!(dialed(&discovery.on(at(1_999), Event::Tick)).is_empty());
    assert_eq!(dialed(&discovery.on(at(2_000), Event::Tick)), [50]);
}

#[test]
fn a_peer_that_cannot_be_reached_any_more_leaves_the_book() {
    let mut discovery = discovery(&[], &[50]);
    let mut now = 0;
    let mut forgotten = Vec::new();
    while now < 3 * DAY && forgotten.is_empty() {
        now += 60_000;
        let effects = discovery.on(at(now), Event::Tick);
        if dialed(&effects) == [50] {
            let effects = discovery.on(at(now), failed(50));
            forgotten.extend(effects.into_iter().filter(|e| matches!(e, Effect::Forget { .. })));
        }
    }
    assert_eq!(forgotten, [Effect::Forget { peer: peer(50) }]);
    assert!((DAY..DAY + 10 * 60_000).contains(&now), "after a day, {now} ms");
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
        discovery.on(at(0), Event::Gone { peer: peer(n) });
    }
    assert!(dialed(&discovery.on(at(BAN_MS - 1), found(&[50]))).is_empty(), "found again, and still refused");
    let effects = discovery.on(at(BAN_MS), Event::Tick);
    assert!(effects.contains(&Effect::Refuse { peer: peer(50), refuse: false }));
    assert_eq!(dialed(&effects), [2], "the fixed one is tried again");
    assert_eq!(dialed(&discovery.on(at(BAN_MS), found(&[50]))), [50]);
}

#[test]
fn the_operators_ban_holds_until_the_operator_lifts_it() {
    let mut discovery = discovery(&[], &[]);
    discovery.on(at(0), Event::Ban { peer: peer(1), ban: true });
    discovery.on(at(0), Event::Misbehaved { peer: peer(1) });
    let effects = discovery.on(at(100 * DAY), Event::Tick);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Refuse { .. })), "{effects:?}");
    let effects = discovery.on(at(100 * DAY), Event::Ban { peer: peer(1), ban: false });
    assert!(effects.contains(&Effect::Refuse { peer: peer(1), refuse: false }));
    assert_eq!(discovery.figures().banned, 0);
    assert_eq!(discovery.on(at(100 * DAY), Event::Ban { peer: peer(1), ban: false }), [], "it was not refused");
}

#[test]
fn the_refused_are_capped_and_the_one_next_to_be_pardoned_makes_room() {
    let mut discovery = discovery(&[], &[]);
    let id = |i: u64| {
        let mut bytes = [1; 32];
        bytes[..8].copy_from_slice(&i.to_le_bytes());
        PeerId(bytes)
    };
    for i in 0..MAX_BANNED as u64 {
        discovery.on(at(i), Event::Misbehaved { peer: id(i) });
    }
    assert_eq!(discovery.figures().banned, MAX_BANNED);
    let effects = discovery.on(at(2_000), Event::Misbehaved { peer: id(5_000) });
    assert!(effects.contains(&Effect::Refuse { peer: id(0), refuse: false }), "{effects:?}");
    assert_eq!(discovery.figures().banned, MAX_BANNED);
}

#[test]
fn an_announcement_follows_the_first_routing_update_and_then_every_four_minutes() {
    let announces = |effects: &[Effect]| effects.contains(&Effect::Announce);
    let mut discovery = discovery(&[], &[]);
    assert!(!announces(&discovery.on(at(0), Event::Tick)), "it would reach nobody");
    assert!(announces(&discovery.on(at(5_000), Event::RoutingUpdated)));
    assert!(!announces(&discovery.on(at(5_500), Event::RoutingUpdated)), "not for each of many at once");
    assert!(announces(&discovery.on(at(6_000), Event::RoutingUpdated)), "somebody new would not know");
    assert!(!announces(&discovery.on(at(6_000 + ANNOUNCE_MS - 1), Event::Tick)));
    assert!(announces(&discovery.on(at(6_000 + ANNOUNCE_MS), Event::Tick)));
}

#[test]
fn while_peers_are_missing_lookups_go_on_with_growing_bounded_waits() {
    let mut discovery = discovery(&[], &[]);
    assert!(!looks_up(&discovery.on(at(0), Event::Tick)), "nobody to ask");
    let mut last = 0;
    assert!(looks_up(&meet(&mut discovery, 0, 1)));
    let mut waits = Vec::new();
    for now in (100..300_000).step_by(100) {
        if looks_up(&discovery.on(at(now), Event::Tick)) {
            waits.push(now - last);
            last = now;
        }
    }
    assert_eq!(waits[..7], [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000]);
    assert!(waits[7..].iter().all(|wait| *wait == MAX_LOOKUP_MS));
    discovery.on(at(300_000), Event::RoutingUpdated);
    assert!(looks_up(&discovery.on(at(300_500), Event::Tick)), "a routing update makes it worth another try at once");
}

#[test]
fn this_node_never_dials_itself() {
    let mut discovery = discovery(&[(Some(200), "/ip4/10.0.0.200/tcp/4100")], &[200]);
    let mut effects = discovery.on(at(0), Event::Tick);
    effects.extend(discovery.on(at(0), found(&[200])));
    effects.extend(discovery.on(at(0), Event::Dial(Fixed { peer: Some(peer(200)), address: address(200) })));
    assert!(dialed(&effects).is_empty(), "{effects:?}");
}

#[test]
fn the_operator_may_dial_anybody_at_once() {
    let mut discovery = discovery(&[], &[]);
    let effects = discovery.on(at(0), Event::Dial(Fixed { peer: None, address: address(9) }));
    assert_eq!(effects, [Effect::Dial { peer: None, addresses: vec![address(9)] }]);
}

#[test]
fn candidates_are_capped_and_their_addresses_too() {
    let mut discovery = discovery(&[], &[]);
    for n in 1..=3 {
        meet(&mut discovery, 0, n);
    }
    let many = |i: u32| {
        let mut id = [7; 32];
        id[..4].copy_from_slice(&i.to_le_bytes());
        (PeerId(id), (0..50).map(|n| format!("/ip4/10.1.0.{n}/tcp/1")).collect::<Vec<_>>())
    };
    discovery.on(at(0), Event::Found { peers: (0..1_000).map(many).collect() });
    assert_eq!(discovery.figures().candidates, MAX_CANDIDATES);
    let effects = discovery.on(at(0), Event::Gone { peer: peer(1) });
    let most = effects.iter().map(|e| if let Effect::Dial { addresses, .. } = e { addresses.len() } else { 0 }).max();
    assert_eq!(most, Some(MAX_ADDRESSES));
}

#[test]
fn lonely_searching_connected_and_back() {
    let mut discovery = discovery(&[], &[]);
    assert_eq!(discovery.state(), &State::Lonely { since: 0 });
    meet(&mut discovery, 10, 1);
    assert_eq!(discovery.state(), &State::Searching { ready: 1, wanted: 3 });
    meet(&mut discovery, 20, 2);
    meet(&mut discovery, 30, 3);
    assert_eq!(discovery.state(), &State::Connected { ready: 3 });
    for n in 1..=3 {
        discovery.on(at(40), Event::Gone { peer: peer(n) });
    }
    assert_eq!(discovery.state(), &State::Lonely { since: 40 });
}

#[test]
fn a_dial_that_led_nowhere_new_says_nothing_of_the_peer() {
    let mut discovery = discovery(&[], &[1]);
    assert_eq!(dialed(&discovery.on(at(0), Event::Tick)), [1]);
    let effects = discovery.on(at(1), Event::NotDialed { peer: Some(peer(1)), addresses: vec![address(1)] });
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Save { .. } | Effect::Forget { .. })));
    assert_eq!(dialed(&effects), [1], "it may be tried again at once");
}

#[test]
fn a_fixed_address_whose_peer_is_connected_already_is_not_dialed_again() {
    let mut discovery = discovery(&[(None, &address(2))], &[]);
    assert_eq!(dialed(&discovery.on(at(0), Event::Tick)), [0]);
    discovery.on(at(1), Event::Connected { peer: peer(2), dialed: None });
    discovery.on(at(2), Event::NotDialed { peer: Some(peer(2)), addresses: vec![address(2)] });
    for now in [1_000, 60_000, 600_000] {
        assert_eq!(dialed(&discovery.on(at(now), Event::Tick)), [0; 0]);
    }
}

//! Whom it dials, how often, and whom never.

use std::collections::VecDeque;

use super::*;

/// The first time at or after `from` at which somebody is dialed.
fn next_dial(discovery: &mut Discovery, from: u64) -> u64 {
    (from..from + DAY).step_by(100).find(|now| !dialed(&tick(discovery, *now)).is_empty()).unwrap()
}

#[test]
fn a_fixed_peer_is_dialed_for_ever_with_growing_bounded_waits() {
    for (n, text) in [(None, "/dns4/first.example/tcp/4100"), (Some(1), "/ip4/10.0.0.1/tcp/4100")] {
        let mut discovery = discovery(&[(n, text)], &[]);
        let (mut last, mut waits) = (0, Vec::new());
        for now in (0..5 * MINUTE).step_by(100) {
            if dialed(&tick(&mut discovery, now)).is_empty() {
                continue;
            }
            assert!(dialed(&tick(&mut discovery, now)).is_empty(), "one dial at a time");
            let failure = Event::DialFailed { peer: n.map(peer), addresses: vec![text.into()] };
            assert!(dialed(&discovery.on(at(now), failure)).is_empty());
            waits.push(now - std::mem::replace(&mut last, now));
        }
        assert!(waits.len() >= 11 && waits[0] == 0, "{text}: {waits:?}");
        for (wait, longest) in
            waits[1..].iter().zip([1_000, 2_000, 4_000, 8_000, 16_000].into_iter().chain([25_000; 9]))
        {
            assert!((longest * 3 / 4..=longest + 100).contains(wait), "{text}: {waits:?}");
        }
    }
}

#[test]
fn p17_a_bootstrap_node_that_comes_up_after_ten_minutes_is_dialed_within_a_minute() {
    let text = "/ip4/10.0.0.1/tcp/4100";
    let mut discovery = discovery(&[(None, text)], &[]);
    for now in (0..10 * MINUTE).step_by(100) {
        if !dialed(&tick(&mut discovery, now)).is_empty() {
            discovery.on(at(now), Event::DialFailed { peer: None, addresses: vec![text.into()] });
        }
    }
    assert!(next_dial(&mut discovery, 10 * MINUTE) <= 11 * MINUTE);
}

#[test]
fn a_fixed_peer_that_answered_is_not_dialed_and_is_dialed_again_when_it_goes() {
    let mut discovery = discovery(&[(None, "/ip4/10.0.0.1/tcp/4100")], &[]);
    assert_eq!(dialed(&tick(&mut discovery, 0)), [0]);
    meet(&mut discovery, 10, 1);
    assert!(dialed(&tick(&mut discovery, 100_000)).is_empty());
    discovery.on(at(200_000), gone(1));
    let effects = tick(&mut discovery, 201_000);
    assert!(effects.contains(&Effect::Dial { peer: None, addresses: vec![address(1)] }), "{effects:?}");
}

#[test]
fn a_fixed_peer_that_never_passes_the_handshake_or_leaves_at_once_is_dialed_with_growing_waits() {
    for passes in [false, true] {
        let mut discovery = discovery(&[(Some(1), "/ip4/10.0.0.1/tcp/4100")], &[]);
        let mut now = 0;
        for wait in [1_000, 2_000, 4_000, 8_000] {
            let dials = (now..).step_by(100).find(|now| dialed(&tick(&mut discovery, *now)).contains(&1)).unwrap();
            now = dials;
            discovery.on(at(now), connected(1));
            if passes {
                discovery.on(at(now), ready(1));
            }
            discovery.on(at(now), gone(1));
            let early = ticks(&mut discovery, now, now + wait * 3 / 4);
            assert!(dialed(early.iter().map(|(_, effect)| effect)).is_empty(), "before {wait}, passes: {passes}");
            now += wait * 3 / 4;
        }
    }
}

#[test]
fn a_dial_that_reports_nothing_is_given_up() {
    let mut discovery = discovery(&[(Some(1), "/ip4/10.0.0.1/tcp/4100")], &[]);
    assert_eq!(dialed(&tick(&mut discovery, 0)), [1]);
    assert!(dialed(&tick(&mut discovery, DIAL_MS - 1)).is_empty());
    assert_eq!(dialed(&tick(&mut discovery, DIAL_MS)), [1]);
}

#[test]
fn known_peers_are_dialed_before_found_ones() {
    let mut discovery = discovery(&[], &[50, 51]);
    let first = discovery.on(at(0), found(&[1, 2, 3, 4, 5, 6]));
    assert_eq!(dialed(&first)[..2], [50, 51]);
    assert_eq!(dialed(&first).len(), 5, "three are missing, and two more in case");
}

#[test]
fn p19_after_a_restart_the_peers_connected_last_are_dialed_first() {
    let mut discovery = with(&[], Vec::new(), 8);
    let mut kept = std::collections::BTreeMap::new();
    let mut keep = |effects: Vec<Effect>| {
        for effect in effects {
            if let Effect::Save { peer, record } = effect {
                kept.insert(peer, record);
            }
        }
    };
    for n in 1..=20 {
        keep(meet(&mut discovery, u64::from(n), n));
        if n != 3 && n != 7 {
            keep(discovery.on(at(u64::from(n)), gone(n)));
        }
    }
    // It is killed: nobody is told goodbye. What was kept is all that the next life has.
    let mut discovery = starting(at(1_000), &[], kept.into_iter().collect(), 2);
    assert_eq!(dialed(&tick(&mut discovery, 1_000))[..2], [7, 3], "seen before the others, but connected");
}

/// How many dials an hour brings, each answered at once as `answer` says, and whatever else there is.
fn dials_in_an_hour(
    discovery: &mut Discovery,
    answer: impl Fn(Option<PeerId>, Vec<String>) -> Vec<Event>,
) -> (u64, u64) {
    let (mut dials, mut others) = (0, 0);
    for now in (0..60 * MINUTE).step_by(100) {
        let mut open: VecDeque<_> = tick(discovery, now).into();
        while let Some(effect) = open.pop_front() {
            let Effect::Dial { peer, addresses } = effect else {
                others += u64::from(effect != Effect::TellPresent);
                continue;
            };
            dials += 1;
            assert!(dials < 100_000, "a busy loop at {now} ms");
            for event in answer(peer, addresses) {
                open.extend(discovery.on(at(now), event));
            }
        }
    }
    (dials, others)
}

#[test]
fn p18_when_all_peers_are_lost_there_is_one_dial_a_second_at_most_and_no_busy_loop() {
    let kept: Vec<u8> = (1..=150).collect();
    let mut discovery = discovery(&[(None, "/ip4/10.1.0.1/tcp/1"), (None, "/ip4/10.1.0.2/tcp/1")], &kept);
    let failed = |peer, addresses| vec![Event::DialFailed { peer, addresses }];
    let (dials, others) = dials_in_an_hour(&mut discovery, failed);
    assert!((600..=16 + 3_600).contains(&dials), "{dials} dials in an hour: it tries on, and not too hard");
    assert!(others <= dials, "{others} other effects: a record for each failure, and nobody is there to be asked");
}

#[test]
fn p18_somebody_who_takes_us_in_and_leaves_at_once_is_not_dialed_in_a_loop() {
    for passes in [false, true] {
        let mut discovery = discovery(&[], &[50]);
        let leaves =
            |_, _| if passes { vec![connected(50), ready(50), gone(50)] } else { vec![connected(50), gone(50)] };
        let (dials, _) = dials_in_an_hour(&mut discovery, leaves);
        assert!((5..=120).contains(&dials), "{dials} dials in an hour, passes: {passes}");
    }
}

#[test]
fn p09_a_victim_whose_address_a_thousand_ids_tell_is_dialed_a_few_times_an_hour() {
    let mut discovery = discovery(&[], &[]);
    meet(&mut discovery, 0, 1);
    let (mut to_victim, mut dials) = (0, 0);
    for now in (0..60 * MINUTE).step_by(100) {
        let id = |n: u64| {
            let mut bytes = [7; 32];
            bytes[..8].copy_from_slice(&(now * 100 + n).to_le_bytes());
            PeerId(bytes)
        };
        // Each second ten new ids at the victim, and ten elsewhere, each in a range of its own.
        let lies = (0..if now % 1_000 == 0 { 20 } else { 0 }).map(|n| {
            let elsewhere = format!("/ip4/{}.{}.0.1/tcp/1", 11 + (now / 1_000 * 10 + n) % 80, (now / 5_000 + n) % 250);
            (id(n), vec![if n < 10 { format!("/ip4/8.8.8.8/tcp/{}", 1 + now % 60_000) } else { elsewhere }])
        });
        let lies = Event::Found { source: Source::Rendezvous, peers: lies.collect() };
        for effect in discovery.on(at(now), lies) {
            if let Effect::Dial { peer, addresses } = effect {
                dials += 1;
                to_victim += usize::from(addresses.iter().any(|address| address.contains("8.8.8.8")));
                discovery.on(at(now), Event::DialFailed { peer, addresses });
            }
        }
    }
    assert!((2..=12).contains(&to_victim), "{to_victim} dials to the victim");
    assert!((60..=16 + 3_600).contains(&dials), "{dials} dials");
}

#[test]
fn p09_where_a_peer_only_says_that_it_is_others_are_protected_and_where_it_was_reached_it_is_tried() {
    let mut discovery = discovery(&[], &[50]);
    let lie = "/ip4/8.8.8.8/tcp/1".to_string();
    discovery.on(at(0), Event::DialFailed { peer: Some(peer(9)), addresses: vec![lie.clone(), address(50)] });
    discovery.on(at(0), came(60));
    discovery.on(at(0), Event::Listens { peer: peer(60), addresses: vec![lie] });
    discovery.on(at(0), Event::Ready { peer: peer(60), dialed: None });
    discovery.on(at(0), gone(60));
    discovery.dials.end(&Target::Peer(peer(50)));
    let all = ticks(&mut discovery, 0, 7_000);
    assert_eq!(dialed(all.iter().map(|(_, effect)| effect)), [50]);
}

#[test]
fn w12_this_node_never_dials_itself() {
    let mut discovery = discovery(&[(Some(200), "/ip4/10.0.0.200/tcp/4100")], &[200]);
    let mut effects = tick(&mut discovery, 0);
    effects.extend(discovery.on(at(0), found(&[200])));
    effects.extend(discovery.on(at(0), Event::Dial(Fixed { peer: Some(peer(200)), address: address(200) })));
    assert!(dialed(&effects).is_empty(), "{effects:?}");
}

#[test]
fn w12_an_address_that_led_back_to_this_node_is_forgotten_for_good_whoever_claims_it() {
    let mut discovery = discovery(&[(None, &address(200))], &[]);
    assert_eq!(dialed(&tick(&mut discovery, 0)), [0]);
    let claim = |n: u8| {
        let peers = vec![(peer(n), vec![format!("{}/p2p/x", address(200))])];
        Event::Found { source: Source::Rendezvous, peers }
    };
    assert_eq!(dialed(&discovery.on(at(0), claim(8))), [8], "not known yet");
    let effects = discovery.on(at(1), Event::Ourselves { peer: Some(peer(8)), addresses: vec![address(200)] });
    assert!(dialed(&effects).is_empty());
    let mut effects = discovery.on(at(2), claim(9));
    effects.extend(ticks(&mut discovery, 3, 2 * 60 * MINUTE).into_iter().map(|(_, effect)| effect));
    assert!(dialed(&effects).is_empty(), "{effects:?}");
    let crowd = (0..1_000).map(|n| format!("/ip4/10.0.1.1/tcp/{n}")).collect();
    discovery.on(at(4), Event::Ourselves { peer: None, addresses: crowd });
    assert_eq!(discovery.own.len(), MAX_OWN);
}

#[test]
fn the_operator_may_dial_anybody_at_once() {
    let mut discovery = discovery(&[], &[]);
    let effects = discovery.on(at(0), Event::Dial(Fixed { peer: None, address: address(9) }));
    assert_eq!(effects, [Effect::Dial { peer: None, addresses: vec![address(9)] }]);
}

#[test]
fn a_dial_that_led_nowhere_new_says_nothing_of_the_peer_and_is_not_repeated_at_once() {
    let mut discovery = discovery(&[], &[1]);
    assert_eq!(dialed(&tick(&mut discovery, 0)), [1]);
    let effects = discovery.on(at(1), Event::NotDialed { peer: Some(peer(1)), addresses: vec![address(1)] });
    assert_eq!(effects, []);
    assert_eq!(dialed(&tick(&mut discovery, 1 + NOT_DIALED_MS)), [1]);
}

#[test]
fn a_fixed_address_whose_peer_is_connected_already_is_not_dialed_again() {
    let mut discovery = discovery(&[(None, &address(2))], &[]);
    assert_eq!(dialed(&tick(&mut discovery, 0)), [0]);
    discovery.on(at(1), came(2));
    discovery.on(at(2), Event::NotDialed { peer: Some(peer(2)), addresses: vec![address(2)] });
    for now in [1_000, 60_000, 600_000] {
        assert_eq!(dialed(&tick(&mut discovery, now)), [0; 0]);
    }
}

#[test]
fn fixed_peers_that_are_read_again_are_dialed_at_once_and_those_that_are_gone_never() {
    let mut discovery = discovery(&[(None, "/ip4/10.0.0.1/tcp/4100"), (None, "/ip4/10.0.0.2/tcp/4100")], &[]);
    let dials = |effects: Vec<Effect>| -> Vec<String> {
        let address = |effect| if let Effect::Dial { addresses, .. } = effect { addresses } else { vec![] };
        effects.into_iter().flat_map(address).collect()
    };
    assert_eq!(dials(tick(&mut discovery, 0)), [address(1), address(2)]);
    for n in [1, 2] {
        discovery.on(at(0), Event::DialFailed { peer: None, addresses: vec![address(n)] });
    }
    let fixed = |n: u8| Fixed { peer: None, address: address(n) };
    let mut all = dials(discovery.on(at(100), Event::Fixed(vec![fixed(2), fixed(3)])));
    assert_eq!(all, [address(3)], "the second waits as it did before");
    for now in (200..MINUTE).step_by(100) {
        all.extend(dials(tick(&mut discovery, now)));
        discovery.on(at(now), Event::DialFailed { peer: None, addresses: vec![address(2)] });
    }
    assert!(all.contains(&address(2)) && !all.contains(&address(1)), "{all:?}");
}

//! Who is kept and who makes room.

use super::*;

/// Dialed at a public address.
fn meet_at(discovery: &mut Discovery, mono: u64, n: u8, address: &str) -> Vec<Effect> {
    let dialed = Some(address.to_string());
    let mut effects = discovery.on(at(mono), Event::Connected { peer: peer(n), dialed: dialed.clone(), from: None });
    effects.extend(discovery.on(at(mono), Event::Ready { peer: peer(n), dialed }));
    effects
}

/// All outbound slots are taken, by the first peers.
fn full(wanted: u8) -> Discovery {
    let mut discovery = with(&[], Vec::new(), wanted.into());
    for n in 1..=wanted {
        meet(&mut discovery, n.into(), n);
    }
    discovery
}

/// A minute passes, in which the tip moves.
fn minute(discovery: &mut Discovery, minute: u64) -> Vec<Effect> {
    let mut effects = discovery.on(at(minute * MINUTE), Event::TipChanged);
    effects.extend(ticks(discovery, minute * MINUTE, (minute + 1) * MINUTE).into_iter().map(|(_, effect)| effect));
    effects
}

#[test]
fn with_enough_peers_nobody_is_dialed_or_looked_for() {
    let mut discovery = full(3);
    assert_eq!(discovery.state(), &State::Connected { ready: 3 });
    let mut later = discovery.on(at(1_000), found(&[4, 5]));
    later.extend(tick(&mut discovery, 60_000));
    assert!(dialed(&later).is_empty() && !looks_up(&later), "{later:?}");
    let effects = discovery.on(at(60_001), gone(1));
    assert!(effects.contains(&Effect::Peers(2)) && dialed(&effects).len() == 2, "{effects:?}");
}

#[test]
fn p22_an_attacker_with_all_inbound_slots_takes_no_outbound_one() {
    let mut discovery = with(&[], Vec::new(), 8);
    let mut dials = Vec::new();
    for n in 100..124 {
        admit(&mut discovery, 0, n);
    }
    dials.extend(dialed(&discovery.on(at(0), found(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]))));
    assert_eq!(dials.len(), 8, "all eight are looked for");
    for n in dials {
        meet(&mut discovery, 1_000, n);
    }
    for n in 124..150 {
        admit(&mut discovery, 2_000, n);
    }
    assert_eq!(discovery.figures().outbound, 8);
}

#[test]
fn p01_when_inbound_is_nearly_full_a_new_peer_takes_the_place_of_the_worst_and_the_best_stay() {
    let mut discovery = discovery(&[], &[]);
    for n in 1..=20 {
        assert!(told_to_leave(&admit(&mut discovery, n.into(), n)).is_empty(), "{n}");
    }
    for n in [18, 19] {
        discovery.on(at(100), Event::Pinged { peer: peer(n), rtt_ms: 5 });
        discovery.on(at(100), Event::Pinged { peer: peer(n), rtt_ms: 900 });
    }
    for n in [16, 20] {
        discovery.on(at(100), Event::Useful { peer: peer(n) });
    }
    // Each later than the visit of the one before.
    for (new, worst, second) in [(50, 17, 20), (51, 50, 40), (52, 51, 60)] {
        let effects = admit(&mut discovery, second * 1_000, new);
        assert_eq!(told_to_leave(&effects), [(worst, Goodbye::MakesRoom)]);
        discovery.on(at(second * 1_000), gone(worst));
    }
    assert_eq!(discovery.figures().inbound, 20);
}

/// A node with 24 inbound slots, 20 of which are taken by peers whose visit is over.
fn with_twenty_inbound() -> Discovery {
    let mut discovery = discovery(&[], &[]);
    for n in 1..=20 {
        admit(&mut discovery, n.into(), n);
    }
    discovery
}

#[test]
fn p30_who_comes_to_a_full_node_stays_until_it_was_told_of_others_or_ten_seconds() {
    let mut discovery = with_twenty_inbound();
    let start = MINUTE;
    for n in 50..53 {
        // For each an older peer leaves; those that came just now do not.
        let left = told_to_leave(&admit(&mut discovery, start, n));
        assert_eq!(left, [(70 - n, Goodbye::MakesRoom)], "20, 19, 18");
        discovery.on(at(start), gone(70 - n));
    }
    discovery.to_share(&peer(51), at(start), 32);
    assert_eq!(told_to_leave(&admit(&mut discovery, start, 53)), [(51, Goodbye::MakesRoom)], "it knows others now");
    discovery.on(at(start), gone(51));
    let until = ticks(&mut discovery, start, start + 9_900);
    assert!(told_to_leave(until.iter().map(|(_, effect)| effect)).is_empty());
    assert_eq!(
        told_to_leave(&admit(&mut discovery, start + 10_000, 54)),
        [(53, Goodbye::MakesRoom)],
        "its time is over"
    );
}

#[test]
fn p30_a_flood_of_visitors_makes_visits_shorter_and_takes_neither_the_last_slot_nor_any_old_friend() {
    let mut discovery = with_twenty_inbound();
    let mut left = Vec::new();
    for n in 50..150 {
        left.extend(told_to_leave(&admit(&mut discovery, MINUTE + u64::from(n), n)).into_iter().map(|(n, _)| n));
        assert!(discovery.figures().inbound < 24, "there is a slot for the next one");
    }
    let stay: Vec<_> = (1..=20).filter(|n| !left.contains(n)).collect();
    assert_eq!(stay, (1..=4).collect::<Vec<_>>(), "who is here longest is protected");
    let visitors: Vec<_> = left.iter().filter(|n| **n >= 50).copied().collect();
    assert!(visitors.is_sorted() && visitors.len() == 100 - 19, "the longest visit ends first: {visitors:?}");
}

#[test]
fn p30_a_peer_that_goes_on_over_a_connection_of_its_own_counts_as_inbound() {
    let mut discovery = with(&[], Vec::new(), 3);
    for n in 1..=3 {
        meet(&mut discovery, 0, n);
    }
    assert_eq!((discovery.figures().outbound, discovery.figures().inbound), (3, 0));
    let effects = discovery.on(at(1_000), came(2));
    assert_eq!((discovery.figures().outbound, discovery.figures().inbound), (2, 1));
    assert!(!effects.contains(&Effect::Peers(2)), "it is as ready as before");
    // And one that came to us and that we dialed gets a slot if one is free.
    discovery.on(at(2_000), connected(2));
    assert_eq!((discovery.figures().outbound, discovery.figures().inbound), (3, 0));
}

fn present(n: u8, dialed: bool) -> Present {
    let from = if dialed { None } else { Some([8, n, 0, 1].into()) };
    Present { peer: peer(n), dialed: dialed.then(|| address(n)), from }
}

#[test]
fn p31_news_of_connections_that_got_lost_are_made_up_for_within_ten_seconds() {
    let mut discovery = full(3);
    let asked = ticks(&mut discovery, 100, 30_100);
    let asked: Vec<_> =
        asked.into_iter().filter(|(_, effect)| *effect == Effect::TellPresent).map(|(at, _)| at).collect();
    assert_eq!(asked, [10_000, 20_000, 30_000]);
    // That 1 left, that 3 goes on over another connection and that 4 came: all lost.
    let now = vec![present(2, true), present(3, false), present(4, false)];
    let effects = discovery.on(at(30_100), Event::Present(now.clone()));
    assert!(effects.contains(&Effect::Peers(2)), "{effects:?}");
    assert_eq!((discovery.figures().outbound, discovery.figures().inbound), (1, 2));
    // Told again with its next tip.
    let effects = discovery.on(at(30_200), Event::Ready { peer: peer(4), dialed: None });
    assert!(effects.contains(&Effect::Peers(3)), "{effects:?}");
    discovery.on(at(30_300), Event::Present(now));
    assert_eq!((discovery.figures().outbound, discovery.figures().inbound), (1, 2), "no news");
}

#[test]
fn p01_a_fixed_peer_that_came_to_us_is_never_told_to_leave() {
    let mut discovery = with(&[(Some(22), &public(22))], Vec::new(), 8);
    for n in 3..=22 {
        admit(&mut discovery, n.into(), n);
    }
    assert_eq!(told_to_leave(&admit(&mut discovery, MINUTE, 50)), [(21, Goodbye::MakesRoom)]);
}

#[test]
fn two_outbound_peers_of_one_range_are_enough_except_on_a_private_network() {
    let mut discovery = with(&[], Vec::new(), 8);
    let peers = (1..=9).map(|n| (peer(n), vec![format!("/ip4/8.8.0.{n}/tcp/1")])).collect();
    assert_eq!(dialed(&discovery.on(at(0), Event::Found { source: Source::Rendezvous, peers })).len(), 2);
    let mut discovery = with(&[], Vec::new(), 8);
    assert_eq!(dialed(&discovery.on(at(0), found(&[1, 2, 3, 4, 5, 6, 7, 8, 9]))).len(), 8);
    // Who was reached elsewhere than it was thought to be passes by.
    let mut discovery = with(&[], Vec::new(), 8);
    for n in 1..=3 {
        meet_at(&mut discovery, 0, n, &format!("/ip4/8.8.0.{n}/tcp/1"));
    }
    assert_eq!(discovery.figures().outbound, 2);
}

#[test]
fn every_two_minutes_a_feeler_visits_somebody_never_reached_who_leaves_and_is_kept() {
    let mut discovery = full(3);
    discovery.on(at(0), found(&[4]));
    let mut visits = Vec::new();
    for now in (0..5 * MINUTE).step_by(100) {
        let event = if now % MINUTE == 0 { Event::TipChanged } else { Event::Tick };
        for n in dialed(&discovery.on(at(now), event)) {
            assert_eq!(discovery.figures().feeler, 1);
            visits.push((now / MINUTE, n));
            let effects = meet(&mut discovery, now, n);
            assert!(effects.iter().any(|effect| matches!(effect, Effect::Save { peer: one, record }
                if *one == peer(n) && record.reached == 1 && !record.anchor)));
        }
    }
    assert_eq!(visits, [(2, 4)], "then it is known and gone");
    let mut again = full(3);
    again.on(at(0), found(&[4]));
    let effects: Vec<_> = (0..4)
        .flat_map(|n| {
            let effects = minute(&mut again, n);
            for n in dialed(&effects) {
                meet(&mut again, 2 * MINUTE + 100, n);
            }
            effects
        })
        .collect();
    assert_eq!(told_to_leave(&effects).first(), Some(&(4, Goodbye::Enough)));
    again.on(at(5 * MINUTE), gone(4));
    assert_eq!((again.figures().feeler, again.figures().outbound, again.figures().known), (0, 3, 4));
}

#[test]
fn a_feeler_that_finds_a_free_slot_stays() {
    let mut discovery = full(3);
    discovery.on(at(0), found(&[4]));
    let effects: Vec<_> = (0..3).flat_map(|n| minute(&mut discovery, n)).collect();
    assert_eq!(dialed(&effects), [4]);
    discovery.on(at(3 * MINUTE), gone(1));
    let effects = meet(&mut discovery, 3 * MINUTE + 100, 4);
    assert!(told_to_leave(&effects).is_empty());
    assert_eq!((discovery.figures().outbound, discovery.figures().feeler), (3, 0));
}

#[test]
fn a_visitor_that_told_of_a_new_block_stays_in_place_of_one_that_never_did() {
    let mut discovery = full(3);
    discovery.on(at(100), Event::Useful { peer: peer(3) });
    meet(&mut discovery, 1_000, 9);
    discovery.on(at(2_000), Event::Useful { peer: peer(9) });
    assert_eq!(told_to_leave(&tick(&mut discovery, 40_000)), [(2, Goodbye::Enough)]);
    discovery.on(at(40_001), gone(2));
    assert_eq!(discovery.figures().outbound, 3);
}

#[test]
fn p23_a_stale_tip_brings_one_more_outbound_peer_until_it_moves() {
    let mut discovery = full(3);
    discovery.on(at(1_000), Event::TipChanged);
    discovery.on(at(1_000), found(&[4, 5, 6]));
    let before = ticks(&mut discovery, 1_000, 1_000 + STALE_MS);
    assert!(dialed(before.iter().map(|(_, effect)| effect)).len() <= 1, "a feeler at most");
    let mut discovery = full(3);
    discovery.on(at(1_000), found(&[4, 5, 6]));
    let effects = tick(&mut discovery, STALE_MS);
    let extra = *dialed(&effects).first().unwrap();
    assert!(looks_up(&effects), "and others are looked for");
    meet(&mut discovery, STALE_MS + 100, extra);
    assert_eq!(discovery.figures().outbound, 4);
    let later = ticks(&mut discovery, STALE_MS + 200, STALE_MS + 100_000);
    assert!(told_to_leave(later.iter().map(|(_, effect)| effect)).is_empty());
    discovery.on(at(STALE_MS + 100_000), Event::Useful { peer: peer(extra) });
    let effects = discovery.on(at(STALE_MS + 100_000), Event::TipChanged);
    assert_eq!(told_to_leave(&effects), [(3, Goodbye::Enough)], "who brought the tip stays, the youngest other goes");
    assert_eq!(discovery.figures().outbound, 3);
}

#[test]
fn p24_outbound_peers_that_lag_are_replaced_one_a_minute_and_four_stay() {
    let mut discovery = full(8);
    for n in [7, 8] {
        discovery.on(at(100), Event::Useful { peer: peer(n) });
    }
    let mut replaced = Vec::new();
    for minute in 1..30 {
        discovery.on(at(minute * MINUTE), Event::TipChanged);
        discovery.on(at(minute * MINUTE), found(&[100, 130, 160, 201].map(|n| n + minute as u8)));
        let mut effects = Vec::new();
        for n in 1..=8 {
            effects.extend(discovery.on(at(minute * MINUTE), Event::Lagging { peer: peer(n) }));
        }
        let gone_now = told_to_leave(&effects);
        assert!(gone_now.len() <= 1);
        for (n, why) in gone_now {
            assert_eq!(why, Goodbye::Lagging);
            replaced.push(n);
            let effects = discovery.on(at(minute * MINUTE), gone(n));
            assert!(!dialed(&effects).contains(&n), "somebody else is tried");
        }
    }
    assert_eq!(replaced, [3, 4, 5, 6], "1 and 2 are here longest, 7 and 8 told of blocks");
}

#[test]
fn p24_nobody_is_left_for_lagging_while_nobody_else_is_known() {
    let mut discovery = full(8);
    assert_eq!(told_to_leave(&discovery.on(at(MINUTE), Event::Lagging { peer: peer(8) })), []);
    admit(&mut discovery, MINUTE, 50);
    discovery.on(at(MINUTE), found(&[100]));
    assert_eq!(told_to_leave(&discovery.on(at(MINUTE), Event::Lagging { peer: peer(50) })), [], "it came to us");
}

#[test]
fn a_goodbye_that_was_lost_is_said_again() {
    let mut discovery = full(3);
    meet(&mut discovery, 1_000, 9);
    let all = ticks(&mut discovery, 1_000, 61_000);
    assert_eq!(told_to_leave(all.iter().map(|(_, effect)| effect)), vec![(9, Goodbye::Enough); 3]);
}

//! Announcing, looking, asking, and what is told to others.

use super::*;

fn effects(all: &[(u64, Effect)], of: impl Fn(&Effect) -> bool) -> Vec<u64> {
    all.iter().filter(|(_, effect)| of(effect)).map(|(at, _)| *at).collect()
}

#[test]
fn an_announcement_follows_the_first_routing_update_and_then_every_four_minutes() {
    let announces = |effects: &[Effect]| effects.contains(&Effect::Announce);
    let again = search::ANNOUNCE_MS;
    let mut discovery = discovery(&[], &[]);
    assert!(!announces(&tick(&mut discovery, 0)), "it would reach nobody");
    assert!(announces(&discovery.on(at(5_000), Event::RoutingUpdated)));
    assert!(!announces(&discovery.on(at(5_500), Event::RoutingUpdated)), "not for each of many at once");
    assert!(announces(&discovery.on(at(6_000), Event::RoutingUpdated)), "somebody new would not know");
    assert!(!announces(&tick(&mut discovery, 6_000 + again - 1)));
    assert!(announces(&tick(&mut discovery, 6_000 + again)));
}

#[test]
fn while_peers_are_missing_lookups_go_on_with_growing_bounded_waits() {
    let mut discovery = discovery(&[], &[]);
    assert!(!looks_up(&tick(&mut discovery, 0)), "nobody to ask");
    assert!(looks_up(&meet(&mut discovery, 0, 1)));
    let times = effects(&ticks(&mut discovery, 100, 300_000), |effect| *effect == Effect::Lookup);
    let mut last = 0;
    let waits: Vec<_> = times.iter().map(|at| at - std::mem::replace(&mut last, *at)).collect();
    assert_eq!(waits[..7], [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000]);
    assert!(waits[7..].iter().all(|wait| *wait == search::MAX_LOOKUP_MS));
    discovery.on(at(300_000), Event::RoutingUpdated);
    assert!(looks_up(&tick(&mut discovery, 300_500)), "a routing update makes it worth another try at once");
}

#[test]
fn a_small_network_is_connected_and_looks_on_once_a_minute_without_a_busy_loop() {
    let mut discovery = with(&[], Vec::new(), 8);
    for n in 1..=3 {
        admit(&mut discovery, 0, n);
    }
    assert_eq!(discovery.state(), &State::Searching { ready: 3, outbound: 0, wanted: 8 });
    ticks(&mut discovery, 0, MINUTE);
    let (mut lookups, mut dials, mut others) = (0, 0, 0);
    for now in (MINUTE..61 * MINUTE).step_by(100) {
        assert_eq!(discovery.state(), &State::Connected { ready: 3 }, "at {now}");
        // The rendezvous names the same three and a dead one, again and again.
        let names = (1..=4).map(|n| (peer(n), vec![public(n)])).collect();
        let named = Event::Found { source: Source::Rendezvous, peers: names };
        for effect in discovery.on(at(now), if now % MINUTE == 0 { named } else { Event::Tick }) {
            match effect {
                Effect::Lookup => lookups += 1,
                Effect::Dial { peer, addresses } => {
                    dials += 1;
                    discovery.on(at(now), Event::DialFailed { peer, addresses });
                }
                Effect::TellPresent => {}
                _ => others += 1,
            }
        }
    }
    assert_eq!(lookups, 60);
    assert!((2..=12).contains(&dials), "{dials} dials in an hour");
    assert!(others <= 3 * 31, "{others} other effects in an hour: asking the three every two minutes");
}

#[test]
fn peers_are_asked_for_others_when_they_come_and_every_two_minutes_while_some_are_missing() {
    let mut discovery = with(&[], Vec::new(), 30);
    for n in 1..=20 {
        let asks = meet(&mut discovery, 0, n);
        assert!(asks.contains(&Effect::AskAddresses { peer: peer(n) }));
    }
    let asks = |effect: &Effect| matches!(effect, Effect::AskAddresses { .. });
    let times = effects(&ticks(&mut discovery, 100, 10 * MINUTE), asks);
    assert_eq!(times.len(), MAX_ASKED * 4, "eight of them each time");
    let mut full = discovery_of_three();
    assert_eq!(effects(&ticks(&mut full, 100, STALE_MS), asks), [0; 0]);
}

fn discovery_of_three() -> Discovery {
    let mut discovery = discovery(&[], &[]);
    for n in 1..=3 {
        meet(&mut discovery, 0, n);
    }
    discovery
}

#[test]
fn candidates_are_bounded_and_their_addresses_too() {
    let mut discovery = discovery_of_three();
    let many = |i: u32| {
        let mut id = [7; 32];
        id[..4].copy_from_slice(&i.to_le_bytes());
        (PeerId(id), (0..50).map(|n| format!("/ip4/10.1.0.{n}/tcp/1")).collect::<Vec<_>>())
    };
    let peers = (0..1_000).map(many).collect();
    discovery.on(at(0), Event::Found { source: Source::Rendezvous, peers });
    assert_eq!(discovery.figures().candidates, 250);
    let effects = discovery.on(at(0), gone(1));
    let most = effects.iter().map(|e| if let Effect::Dial { addresses, .. } = e { addresses.len() } else { 0 }).max();
    assert_eq!(most, Some(MAX_ADDRESSES));
}

#[test]
fn p28_a_seed_is_asked_for_at_once_and_less_and_less_often_and_never_dialed() {
    let mut discovery = discovery(&[(None, "/dnsaddr/seed.example"), (Some(7), "/dnsaddr/two.example/p2p/x")], &[]);
    let all = ticks(&mut discovery, 0, 4 * 60 * MINUTE);
    assert!(dialed(all.iter().map(|(_, effect)| effect)).is_empty());
    for name in ["seed.example", "two.example"] {
        let times = effects(&all, |effect| *effect == Effect::ResolveSeed { name: name.into() });
        assert_eq!(times[0], 0);
        let waits: Vec<_> = times.windows(2).map(|two| two[1] - two[0]).collect();
        for (wait, longest) in waits.iter().zip([1, 2, 4, 8, 16, 30, 30, 30]) {
            assert!((longest * MINUTE * 3 / 4..=longest * MINUTE + 100).contains(wait), "{waits:?}");
        }
        assert!(waits.len() >= 8);
    }
    let peers = vec![(peer(1), vec![address(1)])];
    assert_eq!(dialed(&discovery.on(at(0), Event::Found { source: Source::Seed, peers })), [1]);
}

#[test]
fn p28_with_enough_peers_no_seed_is_asked_for_and_when_all_are_lost_it_is_soon() {
    let mut discovery = with(&[(None, "/dnsaddr/seed.example")], Vec::new(), 2);
    let asks = |effect: &Effect| matches!(effect, Effect::ResolveSeed { .. });
    ticks(&mut discovery, 0, 60 * MINUTE);
    for n in [1, 2] {
        meet(&mut discovery, 60 * MINUTE, n);
        discovery.on(at(60 * MINUTE), Event::TipChanged);
    }
    let mut all = Vec::new();
    for minute in 60..180 {
        discovery.on(at(minute * MINUTE), Event::TipChanged);
        all.extend(ticks(&mut discovery, minute * MINUTE, (minute + 1) * MINUTE));
    }
    assert_eq!(effects(&all, asks), [0; 0]);
    for n in [1, 2] {
        discovery.on(at(180 * MINUTE), gone(n));
    }
    assert_eq!(
        effects(&ticks(&mut discovery, 180 * MINUTE, 182 * MINUTE), asks).len(),
        2,
        "at once, and after a minute"
    );
}

#[test]
fn what_is_told_to_others_is_a_bounded_choice_of_peers_that_worked_lately_and_each_asker_hears_another() {
    let mut kept: Vec<_> = (1..=150).map(|n| (peer(n), record(n))).collect();
    kept[0].1.last_seen = at(0).unix - DAY;
    kept[1].1.failures = 1;
    let mut discovery = with(&[], kept, 3);
    let mut told = |asker: u8, now: u64| discovery.to_share(&peer(asker), at(now), 32);
    let (one, two) = (told(101, 0), told(102, 0));
    assert_eq!(one.len(), 32);
    assert_ne!(one, two);
    assert_eq!(one, told(101, 1_000), "asking again tells nothing new on the same day");
    assert!(one.iter().chain(&two).all(|(peer, _)| peer.0[0] > 2));
    assert!(one.iter().any(|(peer, _)| peer.0[0] > 75), "not only the first of the book");
    assert!(!discovery.to_share(&peer(101), at(0), 200).iter().any(|(one, _)| *one == peer(101)), "not about itself");
}

#[test]
fn lonely_searching_connected_and_back() {
    let mut discovery = discovery(&[], &[]);
    assert_eq!(discovery.state(), &State::Lonely { since: 0 });
    meet(&mut discovery, 10, 1);
    assert_eq!(discovery.state(), &State::Searching { ready: 1, outbound: 1, wanted: 3 });
    admit(&mut discovery, 20, 2);
    assert_eq!(discovery.state(), &State::Searching { ready: 2, outbound: 1, wanted: 3 });
    meet(&mut discovery, 30, 3);
    assert_eq!(discovery.state(), &State::Connected { ready: 3 });
    for n in 1..=3 {
        discovery.on(at(40), gone(n));
    }
    assert_eq!(discovery.state(), &State::Lonely { since: 40 });
}

//! Peers that keep this node waiting for headers, or claim more than they have.

use super::*;

#[test]
fn h11_while_the_header_peer_is_silent_another_one_is_asked_and_takes_over() {
    let mut bench = Bench::new();
    let (best, second) = (grown(5), grown(4));
    let first = header_ask(&bench.status(0, 1, &best), 1);
    bench.status(0, 2, &second);
    assert!(!asks_headers(&bench.on(SHORT_PATIENCE_MS - 1, Event::Tick)));
    let effects = bench.on(SHORT_PATIENCE_MS, Event::Tick);
    header_ask(&effects, 2);
    bench.serve(SHORT_PATIENCE_MS, effects, &second.store());
    assert_eq!(bench.store.tip().unwrap(), second.tip());
    assert!(!asks_headers(&bench.on(HEADERS_MS - 1, Event::Tick)), "one question at a time");
    assert!(bench.misbehaved.is_empty(), "silence is no offence");
    assert_eq!(bench.syncer.peers.failures(&peer(1), HEADERS_MS), 0, "and nobody is blamed before its time is over");
    bench.on(HEADERS_MS, Event::Tick);
    assert_eq!(bench.syncer.peers.failures(&peer(1), HEADERS_MS), 1);
    assert!(bench.on(HEADERS_MS, Event::Headers { ask: first, headers: best.headers[1..].to_vec() }).is_empty());
    assert!(!asks_headers(&bench.on(HEADERS_MS + PENALTY_MS - 1, Event::Tick)));
    assert!(asks_headers(&bench.on(HEADERS_MS + PENALTY_MS, Event::Tick)), "and has a chance again later");
}

#[test]
fn h11_headers_that_lost_a_race_are_used_and_not_asked_again() {
    let mut bench = Bench::new();
    let (best, second) = (grown(60), grown(40));
    let first = header_ask(&bench.status(0, 1, &best), 1);
    bench.status(0, 2, &second);
    let effects = bench.on(SHORT_PATIENCE_MS, Event::Tick);
    let ask = header_ask(&effects, 2);
    let asks = block_asks(&bench.on(600, Event::Headers { ask, headers: second.headers[1..].to_vec() }));
    assert!(!asks.is_empty());
    // While bodies come, the slow one tells of twenty more.
    let mut todo = bench.on(700, Event::Headers { ask: first, headers: best.headers[1..].to_vec() });
    todo.extend(asks.into_iter().map(|(ask, peer, ids)| Effect::AskBlocks { ask, peer, ids }));
    bench.headers_wanted_after.clear();
    bench.serve(800, todo, &best.store());
    assert_eq!(bench.store.tip().unwrap(), best.tip());
    assert_eq!(bench.headers_wanted_after, [best.tip().id], "only what may follow");
}

#[test]
fn when_the_best_peer_goes_with_its_headers_half_told_a_shorter_branch_is_fetched_meanwhile() {
    let (mut bench, best) = (Bench::new(), grown(START_HEADERS + 50));
    let other = Branch::grown(&network(), 6, 40);
    let ask = header_ask(&bench.status(0, 1, &best), 1);
    bench.on(1, Event::Headers { ask, headers: best.headers[1..=START_HEADERS].to_vec() });
    bench.status(2, 2, &other);
    let effects = bench.on(3, Event::Gone { peer: peer(1) });
    let ask = header_ask(&effects, 2);
    let effects = bench.on(4, Event::Headers { ask, headers: other.headers[1..].to_vec() });
    assert!(!asks_headers(&effects), "not the same again");
    bench.serve(5, effects, &other.store());
    assert_eq!(bench.store.tip().unwrap(), other.tip());
}

impl Bench {
    /// Peer 1 shows a part of the best branch and goes, then peer 2 a shorter part of another one: parts of both are held
    /// at 6 002. Gives how many headers of each.
    fn holds_both(&mut self, best: &Branch, other: &Branch) -> (usize, usize) {
        let (mut effects, mut shown) = (self.status(0, 1, best), 0);
        for now in [3_000, 6_000] {
            let (ask, limit) = header_question(&effects, 1);
            effects = self.on(now, Event::Headers { ask, headers: best.headers[shown + 1..=shown + limit].to_vec() });
            shown += limit;
        }
        self.status(6_000, 2, other);
        let (ask, limit) = header_question(&self.on(6_000, Event::Gone { peer: peer(1) }), 2);
        assert!(limit < shown);
        self.on(6_001, Event::Headers { ask, headers: other.headers[1..=limit].to_vec() });
        self.on(6_002, Event::Gone { peer: peer(2) });
        (shown, limit)
    }
}

#[test]
fn h11_headers_that_were_shown_are_not_lost_while_a_shorter_branch_leads() {
    // Both begin alike.
    let mut best = grown(2 * START_HEADERS);
    let mut other = best.clone();
    other.grow(6, START_HEADERS);
    best.grow(7, 7 * START_HEADERS);
    let mut bench = Bench::new();
    let (mut shown, limit) = bench.holds_both(&best, &other);
    bench.status(6_003, 1, &best);
    let effects = bench.on(6_000 + PENALTY_MS, Event::Tick);
    let Some(Effect::AskHeaders { locator, .. }) = effects.first() else { panic!("{effects:?}") };
    assert_eq!(locator[..2], [best.headers[shown].id(), other.headers[limit].id()], "it begins where it came to");
    // The other one is asked too, and answers when its branch is held no longer.
    let mut effects = effects;
    bench.status(6_100 + PENALTY_MS, 2, &other);
    let late = header_ask(&bench.on(6_500 + PENALTY_MS, Event::Tick), 2);
    while asks_headers(&effects) {
        let (ask, more) = header_question(&effects, 1);
        let headers: Vec<_> = best.headers[shown + 1..].iter().take(more).cloned().collect();
        shown += headers.len();
        effects = bench.on(6_600 + PENALTY_MS, Event::Headers { ask, headers });
    }
    assert!(matches!(bench.syncer.state(), State::Blocks { .. }));
    let headers = other.headers[limit + 1..].to_vec();
    effects.extend(bench.on(6_700 + PENALTY_MS, Event::Headers { ask: late, headers }));
    assert!(bench.misbehaved.is_empty(), "it was asked for them");
    bench.serve(6_800 + PENALTY_MS, effects, &best.store());
    assert_eq!(bench.store.tip().unwrap(), best.tip());
}

#[test]
fn h09_a_peer_that_grew_to_the_end_of_what_is_held_since_it_told_its_tip_is_no_liar() {
    let mut best = grown(2 * START_HEADERS);
    let other = Branch::grown(&network(), 6, 4 * START_HEADERS);
    best.grow(7, 4 * START_HEADERS);
    let mut bench = Bench::new();
    let (shown, _) = bench.holds_both(&best, &other);
    // It tells of one block less than what was shown, and has that when it is asked.
    let mut before = best.clone();
    before.headers.truncate(shown);
    let effects = bench.status(6_003, 3, &before);
    bench.on(6_005, Event::Headers { ask: header_ask(&effects, 3), headers: Vec::new() });
    assert!(bench.misbehaved.is_empty());
    assert!(matches!(bench.syncer.state(), State::Blocks { target, .. } if *target == shown as u64));
}

#[test]
fn h11_headers_whose_bodies_came_too_late_need_not_be_told_again() {
    let (mut bench, branch) = (Bench::new(), grown(10));
    bench.with_headers(0, 1, &branch);
    // The only peer keeps this node waiting, and is left alone for a while.
    let again = (1..600).map(|tick| tick * 100).find_map(|now| {
        let effects = bench.on(now, Event::Tick);
        asks_headers(&effects).then_some((now, effects))
    });
    let (now, effects) = again.unwrap();
    let (ask, _) = header_question(&effects, 1);
    let Some(Effect::AskHeaders { locator, .. }) = effects.first() else { panic!("{effects:?}") };
    assert_eq!(locator[0], branch.tip().id, "it has nothing more to tell");
    let effects = bench.on(now, Event::Headers { ask, headers: Vec::new() });
    assert_eq!(block_asks(&effects)[0].2[0], branch.headers[1].id());
}

#[test]
fn h11_a_header_peer_that_nobody_replaces_is_given_up_after_fifteen_seconds() {
    let (mut bench, branch) = (Bench::new(), grown(5));
    bench.status(0, 1, &branch);
    bench.on(HEADERS_MS - 1, Event::Tick);
    assert!(matches!(bench.syncer.state(), State::Headers { .. }));
    bench.on(HEADERS_MS, Event::Tick);
    assert_eq!(bench.syncer.state(), &State::Following);
}

#[test]
fn a_peer_that_fails_again_and_again_is_asked_less_and_less() {
    let (mut bench, branch) = (Bench::new(), grown(5));
    let mut ask = header_ask(&bench.status(0, 1, &branch), 1);
    let mut now = 0;
    for wait in [2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 64_000] {
        assert!(!asks_headers(&bench.on(now, Event::Failed { ask })));
        assert!(!asks_headers(&bench.status(now + wait - 1, 1, &branch)), "{wait}");
        now += wait;
        ask = header_ask(&bench.on(now, Event::Tick), 1);
    }
}

#[test]
fn h09_a_peer_that_claims_more_than_it_delivers_is_blamed_and_left_alone() {
    let (mut bench, branch) = (Bench::new(), grown(5));
    let ask = header_ask(&bench.status(0, 1, &branch), 1);
    assert!(bench.on(0, Event::Headers { ask, headers: Vec::new() }).is_empty());
    assert_eq!(bench.said, [true, false]);
    assert!(bench.misbehaved[0].1.contains("more work than it delivers"), "{:?}", bench.misbehaved);
    assert!(!asks_headers(&bench.status(PENALTY_MS - 1, 1, &branch)), "it says so again");
    assert!(asks_headers(&bench.status(PENALTY_MS, 1, &branch)));
}

#[test]
fn h09_of_a_claim_that_is_partly_true_the_true_part_is_fetched() {
    let (mut bench, branch) = (Bench::new(), grown(5));
    let mut claim = branch.tip();
    (claim.height, claim.work) = (1_000_000, claim.work.checked_add(claim.work).unwrap());
    let ask = header_ask(&bench.on(0, Event::Status { peer: peer(1), tip: claim }), 1);
    bench.status(0, 2, &branch);
    let effects = bench.on(0, Event::Headers { ask, headers: branch.headers[1..].to_vec() });
    assert_eq!((bench.misbehaved.len(), bench.misbehaved[0].0), (1, peer(1)));
    bench.serve(0, effects, &branch.store());
    assert_eq!(bench.store.tip().unwrap(), branch.tip());
}

#[test]
fn h09_blame_survives_a_reconnect() {
    let (mut bench, branch) = (Bench::new(), grown(5));
    let mut now = 0;
    for wait in [2_000, 4_000, 8_000] {
        bench.on(now, Event::Gone { peer: peer(1) });
        let ask = header_ask(&bench.status(now, 1, &branch), 1);
        bench.on(now, Event::Headers { ask, headers: Vec::new() });
        bench.on(now, Event::Gone { peer: peer(1) });
        assert!(!asks_headers(&bench.status(now + wait - 1, 1, &branch)), "it comes back as if it were new");
        now += wait;
    }
    // Also who goes instead of answering.
    bench.on(now, Event::Gone { peer: peer(1) });
    assert!(asks_headers(&bench.status(now, 1, &branch)));
    bench.on(now, Event::Gone { peer: peer(1) });
    assert!(!asks_headers(&bench.status(now + 15_999, 1, &branch)));
}

#[test]
fn known_headers_again_and_again_do_not_hold_a_node_in_the_sync() {
    let branch = grown(START_HEADERS);
    let mut bench = Bench::on_branch(&branch);
    let mut claim = branch.tip();
    claim.work = claim.work.checked_add(claim.work).unwrap();
    let effects = bench.on(0, Event::Status { peer: peer(1), tip: claim });
    let ask = header_ask(&effects, 1);
    let known = branch.headers[1..].to_vec();
    let effects = bench.on(0, Event::Headers { ask, headers: known.clone() });
    let ask = header_ask(&effects, 1);
    assert!(!asks_headers(&bench.on(0, Event::Headers { ask, headers: known })));
    assert!(!asks_headers(&bench.on(PENALTY_MS - 1, Event::Tick)));
    assert_eq!(bench.said, [true, false]);
}

#[test]
fn a_locator_has_the_tip_ten_single_steps_and_then_doubles_down_to_genesis() {
    let branch = grown(40);
    let heights = (31..=40).rev().chain([29, 25, 17, 1, 0]);
    let expected: Vec<_> = heights.map(|height: usize| branch.headers[height].id()).collect();
    assert_eq!(locator(&branch.store()).unwrap(), expected);
}

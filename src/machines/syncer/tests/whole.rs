//! Whole syncs from peers that answer, and what is seen of them.

use super::*;

#[test]
fn a_node_behind_two_peers_fetches_headers_then_bodies_and_follows() {
    let (mut bench, branch) = (Bench::new(), grown(300));
    let store = branch.store();
    assert_eq!(bench.syncer.state(), &State::Alone);
    let effects = bench.status(0, 1, &branch);
    assert!(matches!(bench.syncer.state(), State::Headers { target: 300, got: 0, .. }));
    bench.status(0, 2, &branch);
    let asked = bench.serve(1, effects, &store);
    assert_eq!(bench.store.tip(), store.tip());
    assert_eq!(asked, [peer(1), peer(2)].into(), "bodies come from both");
    assert_eq!(bench.said, [true, false], "behind once, and caught up once");
    assert!(matches!(bench.syncer.state(), State::Comparing { .. }), "the peer may have moved meanwhile");
    let effects = bench.on(1, Event::Tick);
    assert!(matches!(effects[..], [Effect::AskStatus { peer: p }] if p == peer(1)), "{effects:?}");
    bench.serve(1, effects, &store);
    assert_eq!(bench.syncer.state(), &State::Following);
    assert_eq!(bench.said, [true, false]);
    assert!(bench.misbehaved.is_empty());
}

#[test]
fn while_bodies_come_the_state_shows_how_far_it_is() {
    let (mut bench, branch) = (Bench::new(), grown(100));
    let effects = bench.with_headers(0, 1, &branch);
    let (ask, _, ids) = block_asks(&effects).remove(0);
    let count = ids.len();
    let effects = bench.on(100, Event::Blocks { ask, blocks: bodies(&branch.store(), &ids) });
    let Some(Effect::Offer { blocks, .. }) = effects.into_iter().next() else { panic!() };
    bench.take(1_000, blocks);
    let State::Blocks { done, total, height, target, per_second, .. } = bench.syncer.state() else { panic!() };
    assert_eq!((*done, *total, *height, *target), (count, 100, count as u64, 100));
    assert_eq!(*per_second, count as u64);
    assert!(bench.syncer.is_syncing());
}

#[test]
fn with_equal_or_less_work_nothing_is_asked() {
    let branch = grown(3);
    let mut bench = Bench::on_branch(&branch);
    assert!(bench.status(0, 1, &branch).is_empty());
    assert!(bench.status(0, 2, &grown(2)).is_empty());
    assert!(bench.status(0, 3, &Branch::grown(&network(), 6, 3)).is_empty(), "equal work on another branch");
    assert_eq!(bench.syncer.state(), &State::Following);
    assert!(bench.said.is_empty());
}

#[test]
fn when_the_peer_goes_in_the_middle_its_blocks_are_asked_elsewhere() {
    let (mut bench, branch) = (Bench::new(), grown(10));
    let first = block_asks(&bench.with_headers(0, 1, &branch));
    bench.status(0, 2, &branch);
    let again = block_asks(&bench.on(1, Event::Gone { peer: peer(1) }));
    assert_eq!((again[0].1, &again[0].2), (peer(2), &first[0].2));
    let rest = vec![Effect::AskBlocks { ask: again[0].0, peer: peer(2), ids: again[0].2.clone() }];
    bench.serve(1, rest, &branch.store());
    assert_eq!(bench.store.tip().unwrap(), branch.tip());
    assert_eq!(bench.said, [true, false]);
}

#[test]
fn when_the_last_peer_goes_the_sync_ends() {
    let (mut bench, branch) = (Bench::new(), grown(10));
    bench.with_headers(0, 1, &branch);
    bench.on(1, Event::Gone { peer: peer(1) });
    bench.on(BODIES_MS, Event::Tick);
    assert_eq!(bench.syncer.state(), &State::Alone);
    assert_eq!(bench.said, [true, false]);

    let mut bench = Bench::new();
    bench.status(0, 1, &branch);
    bench.on(1, Event::Gone { peer: peer(1) });
    assert_eq!((bench.syncer.state(), &bench.said[..]), (&State::Alone, &[true, false][..]));
}

#[test]
fn a_refused_block_ends_the_run_and_another_peer_is_asked() {
    let (mut bench, branch) = (Bench::new(), grown(10));
    let honest = Branch::grown(&network(), 6, 9);
    let (ask, _, ids) = block_asks(&bench.with_headers(0, 1, &branch)).remove(0);
    bench.status(0, 2, &honest);
    assert_eq!(offered(&bench.on(1, Event::Blocks { ask, blocks: bodies(&branch.store(), &ids) })).len(), 10);
    let refused = |i: usize| Event::Refused {
        from: peer(1),
        id: branch.headers[i].id(),
        error: if i == 4 { BlockError::Overflow } else { BlockError::UnknownParent(branch.headers[i].previous) },
    };
    let effects = bench.on(2, refused(4));
    let ask = header_ask(&effects, 2);
    // With the fourth went all that follow it; that is no news.
    for i in 5..=10 {
        assert!(bench.on(2, refused(i)).is_empty());
    }
    let rest = vec![Effect::AskHeaders { ask, peer: peer(2), locator: Vec::new(), limit: 200 }];
    bench.serve(3, rest, &honest.store());
    assert_eq!(bench.store.tip().unwrap(), honest.tip());
    assert!(asks_headers(&bench.on(2 + PENALTY_MS, Event::Tick)), "the first penalty, not the seventh");
}

#[test]
fn late_news_of_an_old_run_does_not_end_the_new_one() {
    let (mut bench, branch) = (Bench::new(), grown(10));
    bench.with_headers(0, 1, &branch);
    let id = branch.headers[5].id();
    bench.on(1, Event::Refused { from: peer(9), id, error: BlockError::Mutated });
    assert!(matches!(bench.syncer.state(), State::Blocks { .. }), "nothing of this run was offered yet");
}

#[test]
fn a_chain_of_more_than_one_answer_of_headers_comes_in_one_run() {
    let (mut bench, branch) = (Bench::new(), grown(START_HEADERS + 300));
    let store = branch.store();
    let effects = bench.status(0, 1, &branch);
    let ask = header_ask(&effects, 1);
    let effects = bench.on(0, Event::Headers { ask, headers: store.headers_after(&[], START_HEADERS) });
    assert!(matches!(bench.syncer.state(), State::Headers { got: START_HEADERS, .. }));
    assert!(
        matches!(&effects[..], [Effect::AskHeaders { locator, .. }] if locator[..] == [branch.headers[START_HEADERS].id(), bench.network.chain])
    );
    bench.serve(0, effects, &store);
    assert_eq!(bench.store.tip(), store.tip());
    assert_eq!(bench.said, [true, false]);
}

#[test]
fn a_chain_of_more_headers_than_are_held_comes_in_two_runs() {
    let (mut bench, branch) = (Bench::new(), grown(MAX_RUN + 10));
    let store = branch.store();
    let effects = bench.status(0, 1, &branch);
    bench.serve(0, effects, &store);
    assert_eq!(bench.store.tip(), store.tip());
    let effects = bench.on(0, Event::Tick);
    bench.serve(0, effects, &store);
    assert_eq!(bench.syncer.state(), &State::Following);
    assert_eq!(bench.said, [true, false], "the miner does not start between the runs");
}

#[test]
fn h13_a_longer_branch_that_left_ours_far_below_the_tip_is_found() {
    let mut ours = grown(40);
    let mut theirs = ours.clone();
    ours.grow(6, 30);
    theirs.grow(7, 31);
    let mut bench = Bench::on_branch(&ours);
    let effects = bench.status(0, 1, &theirs);
    let [Effect::AskHeaders { ask, locator, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((locator[0], *locator.last().unwrap()), (ours.tip().id, bench.network.chain));
    let headers = theirs.store().headers_after(locator, START_HEADERS);
    let asks = block_asks(&bench.on(0, Event::Headers { ask: *ask, headers }));
    let ids: Vec<_> = asks.into_iter().flat_map(|(_, _, ids)| ids).collect();
    let wanted: Vec<_> = theirs.headers[41..].iter().map(Header::id).collect();
    assert_eq!(ids, wanted[..16], "only what is not here already");
}

#[test]
fn a_chain_that_takes_nothing_for_a_minute_starts_the_sync_again() {
    let (mut bench, branch) = (Bench::new(), grown(10));
    let (ask, _, ids) = block_asks(&bench.with_headers(0, 1, &branch)).remove(0);
    bench.on(1, Event::Blocks { ask, blocks: bodies(&branch.store(), &ids) });
    assert!(!asks_headers(&bench.on(STUCK_MS - 1, Event::Tick)));
    assert!(asks_headers(&bench.on(STUCK_MS, Event::Tick)));
}

#[test]
fn the_chain_is_never_offered_more_than_it_can_hold() {
    let (mut bench, branch) = (Bench::new(), grown(download::MAX_OFFERED + 1_000));
    let store = branch.store();
    let mut todo = bench.with_headers(0, 1, &branch);
    let (mut count, mut waiting) = (0, Vec::new());
    while let Some(effect) = todo.pop() {
        match effect {
            Effect::AskBlocks { ask, ids, .. } => {
                todo.extend(bench.on(0, Event::Blocks { ask, blocks: bodies(&store, &ids) }));
            }
            Effect::Offer { blocks, .. } => {
                count += blocks.len();
                waiting.push(blocks);
            }
            other => panic!("{other:?}"),
        }
    }
    let most = download::MAX_OFFERED;
    assert!((most - download::REQUEST_BLOCKS..=most).contains(&count), "{count} blocks wait");
    waiting.sort_by_key(|blocks| blocks[0].header.height);
    let mut more = Vec::new();
    for blocks in waiting {
        more.extend(bench.take(1, blocks));
    }
    bench.serve(1, more, &store);
    assert_eq!(bench.store.tip(), store.tip());
}

#[test]
fn blocks_that_arrive_by_announcement_meanwhile_end_the_sync() {
    let (mut bench, branch) = (Bench::new(), grown(3));
    bench.with_headers(0, 1, &branch);
    for block in &branch.blocks {
        let block = CheckedBlock::kept(block.clone(), &bench.network).unwrap();
        bench.store.connect(Arc::new(block)).unwrap();
    }
    bench.on(1, Event::TipChanged);
    assert_eq!(bench.said, [true, false]);
}

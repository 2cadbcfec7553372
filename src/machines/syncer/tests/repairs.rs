//! What is lost on its way inside this node, what lags, and what people see.

use super::*;

#[test]
fn b22_a_changed_copy_is_its_senders_fault_and_the_sync_goes_on_with_the_true_one() {
    let mut branch = grown(9);
    let paid = crate::fixture::pay(&branch.network.clone(), 1, 2, 5, 1, 0);
    branch.extend(5, vec![paid]);
    let changes: [fn(&mut Block); 2] =
        [|block| block.signature = ledger::Signature([7; 64]), |block| block.transactions.clear()];
    for change in changes {
        let mut bench = Bench::new();
        let (ask, _, ids) = block_asks(&bench.with_headers(0, 1, &branch)).remove(0);
        bench.status(0, 2, &branch);
        let mut changed = branch.blocks.clone();
        change(&mut changed[9]);
        let effects = bench.on(1, Event::Blocks { ask, blocks: changed });
        assert!(offered(&effects).is_empty());
        assert!(matches!(&bench.misbehaved[..], [(who, _)] if *who == peer(1)), "not whose headers they are");
        let (ask, who, again) = block_asks(&effects).remove(0);
        assert_eq!((who, &again), (peer(2), &ids));
        let effects = bench.on(2, Event::Blocks { ask, blocks: branch.blocks.clone() });
        assert_eq!(offered(&effects).len(), 10);
        assert!(matches!(bench.syncer.state(), State::Blocks { .. }), "the same run");
    }
}

#[test]
fn an_offer_that_did_not_reach_the_chain_starts_the_sync_again_a_second_later() {
    let (mut bench, branch) = (Bench::new(), grown(10));
    let (ask, _, ids) = block_asks(&bench.with_headers(0, 1, &branch)).remove(0);
    bench.on(1, Event::Blocks { ask, blocks: bodies(&branch.store(), &ids) });
    bench.on(2, Event::NotTaken);
    assert!(!asks_headers(&bench.on(1_001, Event::Tick)));
    assert!(asks_headers(&bench.on(1_002, Event::Tick)));
    assert!(bench.misbehaved.is_empty());
}

#[test]
fn a_tip_whose_news_is_lost_is_seen_with_the_next_tick() {
    let (mut bench, branch) = (Bench::new(), grown(3));
    bench.with_headers(0, 1, &branch);
    for block in &branch.blocks {
        let block = CheckedBlock::kept(block.clone(), &bench.network).unwrap();
        bench.store.connect(Arc::new(block)).unwrap();
    }
    bench.on(100, Event::Tick);
    assert_eq!(bench.said, [true, false]);
}

#[test]
fn a_peer_that_is_gone_without_a_word_is_forgotten_after_two_minutes() {
    let (mut bench, branch) = (Bench::new(), grown(3));
    bench.with_headers(0, 1, &branch);
    for second in 1..120 {
        bench.on(second * 1_000, Event::Tick);
        assert_ne!(bench.syncer.state(), &State::Alone);
    }
    bench.on(120_000, Event::Tick);
    bench.on(130_000, Event::Tick);
    assert_eq!(bench.syncer.state(), &State::Alone);
}

#[test]
fn a_peer_that_does_not_come_up_to_our_tip_of_five_minutes_ago_lags() {
    let branch = grown(20);
    let mut bench = Bench::on_branch(&branch);
    let behind = |blocks| grown(blocks).tip();
    for second in 0..900_u64 {
        let now = second * 1_000;
        // One stands still, one is slow but gets there, one is always a block behind a tip that stands still.
        bench.on(now, Event::Status { peer: peer(1), tip: behind(3) });
        bench.on(now, Event::Status { peer: peer(2), tip: if second < 299 { behind(10) } else { branch.tip() } });
        bench.on(now, Event::Status { peer: peer(3), tip: branch.tip() });
        bench.on(now, Event::Tick);
    }
    assert_eq!(bench.lagging, [peer(1), peer(1)], "told again after five minutes more");
}

#[test]
fn how_far_a_sync_is_can_be_seen_with_its_rate_and_the_time_that_is_left() {
    let (mut bench, branch) = (Bench::new(), grown(100));
    assert_eq!(bench.syncer.progress(at(0)), Progress::resting("Alone", 0));
    let mut effects = bench.with_headers(0, 1, &branch);
    let mut done = 0;
    for second in 1..=2 {
        let (ask, _, ids) = block_asks(&effects).remove(0);
        done += ids.len() as u64;
        let offer = bench.on(second * 1_000, Event::Blocks { ask, blocks: bodies(&branch.store(), &ids) });
        let Some(Effect::Offer { blocks, .. }) = offer.into_iter().find(|e| matches!(e, Effect::Offer { .. })) else {
            panic!("nothing offered")
        };
        effects = bench.take(second * 1_000, blocks);
        if block_asks(&effects).is_empty() {
            break;
        }
    }
    let progress = bench.syncer.progress(at(2_000));
    assert_eq!((progress.phase, progress.height, progress.target), ("Blocks", done, 100));
    assert_eq!((progress.done, progress.total), (done, 100));
    assert!(progress.per_second > 0 && progress.remaining_s.is_some() && progress.sources == 1, "{progress:?}");
}

#[test]
fn while_headers_come_their_progress_is_seen_too() {
    let (mut bench, branch) = (Bench::new(), grown(START_HEADERS + 500));
    let ask = header_ask(&bench.status(0, 1, &branch), 1);
    let headers = branch.headers[1..=START_HEADERS].to_vec();
    bench.on(1_000, Event::Headers { ask, headers });
    let progress = bench.syncer.progress(at(1_000));
    assert_eq!((progress.phase, progress.done, progress.total), ("Headers", 200, 700));
    assert_eq!((progress.per_second, progress.remaining_s), (200, Some(2)));
}

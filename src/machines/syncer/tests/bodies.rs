//! Bodies that come late, in any order, in part, wrong, or never.

use super::*;

#[test]
fn h10_bodies_that_a_peer_withholds_are_asked_of_another_and_the_first_answer_counts() {
    let (mut bench, branch) = (Bench::new(), grown(10));
    let first = block_asks(&bench.with_headers(0, 1, &branch));
    assert_eq!(first.len(), 1, "all ten fit into one question");
    assert!(block_asks(&bench.status(1, 2, &branch)).is_empty());
    assert!(block_asks(&bench.on(PATIENCE_MS - 1, Event::Tick)).is_empty());
    let again = block_asks(&bench.on(PATIENCE_MS, Event::Tick));
    assert_eq!((again[0].1, &again[0].2), (peer(2), &first[0].2));
    assert!(block_asks(&bench.on(PATIENCE_MS + 1, Event::Tick)).is_empty(), "of each only once");
    let all = bodies(&branch.store(), &first[0].2);
    let effects = bench.on(PATIENCE_MS + 2, Event::Blocks { ask: again[0].0, blocks: all.clone() });
    assert_eq!(offered(&effects), (1..=10).collect::<Vec<_>>());
    assert_eq!(bench.syncer.peers.failures(&peer(1), PATIENCE_MS + 2), 0, "nobody is blamed before its time is over");
    assert!(bench.misbehaved.is_empty());
}

#[test]
fn h10_a_peer_that_withholds_bodies_is_left_alone_when_its_time_is_over_although_others_delivered_them() {
    let (mut bench, branch) = (Bench::new(), grown(40));
    let (store, first) = (branch.store(), block_asks(&bench.with_headers(0, 1, &branch)));
    let others = block_asks(&bench.status(1, 2, &branch));
    let (ask, _, ids) = &others[0];
    let more = block_asks(&bench.on(2, Event::Blocks { ask: *ask, blocks: bodies(&store, ids) }));
    assert!(more.iter().all(|(_, who, ids)| *who == peer(2) && !ids.contains(&first[0].2[0])), "new ones first");
    for (ask, _, ids) in more {
        bench.on(3, Event::Blocks { ask, blocks: bodies(&store, &ids) });
    }
    // Who has delivered waits half a second for who has not.
    assert!(block_asks(&bench.on(SHORT_PATIENCE_MS - 1, Event::Tick)).is_empty());
    let (ask, who, ids) = block_asks(&bench.on(SHORT_PATIENCE_MS, Event::Tick)).remove(0);
    assert_eq!((who, ids[0]), (peer(2), branch.headers[1].id()));
    assert!(!offered(&bench.on(SHORT_PATIENCE_MS, Event::Blocks { ask, blocks: bodies(&store, &ids) })).is_empty());
    assert_eq!(bench.syncer.peers.failures(&peer(1), BODIES_MS - 1), 0);
    bench.on(BODIES_MS, Event::Tick);
    assert_eq!(bench.syncer.peers.failures(&peer(1), BODIES_MS), 1);
}

#[test]
fn bodies_that_lost_a_race_show_that_their_peer_delivers() {
    let (mut bench, branch) = (Bench::new(), grown(40));
    let (store, first) = (branch.store(), block_asks(&bench.with_headers(0, 1, &branch)));
    let (ask, _, ids) = block_asks(&bench.status(1, 2, &branch)).remove(0);
    bench.on(2, Event::Blocks { ask, blocks: bodies(&store, &ids) });
    for (ask, _, ids) in block_asks(&bench.on(SHORT_PATIENCE_MS, Event::Tick)) {
        bench.on(SHORT_PATIENCE_MS, Event::Blocks { ask, blocks: bodies(&store, &ids) });
    }
    assert!(!bench.syncer.peers.pace(&peer(1), 600).is_proven());
    let (ask, _, ids) = &first[0];
    assert!(offered(&bench.on(600, Event::Blocks { ask: *ask, blocks: bodies(&store, ids) })).is_empty(), "twice");
    assert!(bench.syncer.peers.pace(&peer(1), 600).is_proven());
}

#[test]
fn who_has_not_delivered_is_asked_for_what_somebody_is_asked_for_who_has() {
    let (mut bench, branch) = (Bench::new(), grown(600));
    let (ask, _, ids) = block_asks(&bench.with_headers(0, 1, &branch)).remove(0);
    let proven = block_asks(&bench.on(100, Event::Blocks { ask, blocks: bodies(&branch.store(), &ids) }));
    assert!(proven.len() > 1);
    let mut tried = Vec::new();
    for n in 2..=20 {
        tried.extend(block_asks(&bench.status(101, n, &branch)).into_iter().map(|(_, who, ids)| (who, ids)));
    }
    assert_eq!(tried.len(), proven.len(), "each question is tried with one of them at a time");
    for ((_, tried), (_, who, ids)) in tried.iter().zip(&proven) {
        assert!(ids.starts_with(tried) && *who == peer(1));
    }
}

#[test]
fn h10_bodies_that_nobody_delivers_are_given_up_and_the_pause_is_no_longer_each_time() {
    let (mut bench, branch) = (Bench::new(), grown(10));
    bench.with_headers(0, 1, &branch);
    assert!(block_asks(&bench.on(BODIES_MS - 1, Event::Tick)).is_empty());
    assert!(block_asks(&bench.on(BODIES_MS, Event::Tick)).is_empty(), "nobody else has them");
    assert!(!bench.syncer.is_syncing());
    let mut asked = Vec::new();
    for mono in (BODIES_MS..300_000).step_by(100) {
        for effect in bench.on(mono, Event::Tick) {
            match effect {
                Effect::AskHeaders { ask, .. } => {
                    let headers = branch.headers[1..].to_vec();
                    if !block_asks(&bench.on(mono, Event::Headers { ask, headers })).is_empty() {
                        asked.push(mono);
                    }
                }
                Effect::AskBlocks { .. } => asked.push(mono),
                Effect::AskStatus { .. } => {
                    bench.status(mono, 1, &branch);
                }
                _ => {}
            }
        }
    }
    assert!((2..=14).contains(&asked.len()), "asked at {asked:?}");
}

#[test]
fn blocks_that_come_out_of_order_are_offered_in_order() {
    let (mut bench, branch) = (Bench::new(), grown(64));
    let store = branch.store();
    let mut asks = block_asks(&bench.with_headers(0, 1, &branch));
    for n in 2..=4 {
        asks.extend(block_asks(&bench.status(0, n, &branch)));
    }
    assert_eq!(asks.iter().map(|(_, _, ids)| ids.len()).collect::<Vec<_>>(), [16; 4], "a small first question each");
    let mut heights = Vec::new();
    for (ask, _, ids) in asks.iter().rev() {
        assert!(heights.is_empty(), "nothing before the lowest");
        heights = offered(&bench.on(1, Event::Blocks { ask: *ask, blocks: bodies(&store, ids) }));
    }
    assert_eq!(heights, (1..=64).collect::<Vec<_>>());
}

#[test]
fn of_an_answer_with_fewer_blocks_the_rest_is_asked_again() {
    let (mut bench, branch) = (Bench::new(), grown(10));
    let (ask, _, ids) = block_asks(&bench.with_headers(0, 1, &branch)).remove(0);
    let effects = bench.on(1, Event::Blocks { ask, blocks: bodies(&branch.store(), &ids[..4]) });
    assert_eq!(offered(&effects), [1, 2, 3, 4]);
    assert_eq!(block_asks(&effects)[0].2, ids[4..]);
}

#[test]
fn h08_bodies_of_another_chain_than_the_headers_are_an_offence_and_asked_elsewhere() {
    let (branch, other) = (grown(10), Branch::grown(&network(), 6, 10));
    let mut swapped = branch.blocks.clone();
    swapped.swap(3, 4);
    let too_many = [&branch.blocks[..], &other.blocks[..1]].concat();
    for wrong in [other.blocks.clone(), swapped, too_many] {
        let mut bench = Bench::new();
        let (ask, _, ids) = block_asks(&bench.with_headers(0, 1, &branch)).remove(0);
        bench.status(0, 2, &branch);
        let effects = bench.on(1, Event::Blocks { ask, blocks: wrong });
        assert!(offered(&effects).is_empty());
        assert_eq!((block_asks(&effects)[0].1, &block_asks(&effects)[0].2), (peer(2), &ids));
        assert!(matches!(&bench.misbehaved[..], [(who, _)] if *who == peer(1)));
    }
}

#[test]
fn a_peer_of_another_branch_that_has_none_of_the_blocks_is_honest() {
    let (mut bench, branch) = (Bench::new(), grown(600));
    let mut asks = block_asks(&bench.with_headers(0, 1, &branch));
    asks.extend(block_asks(&bench.status(0, 2, &Branch::grown(&network(), 6, 600))));
    let (of_other, of_leader): (Vec<_>, Vec<_>) = asks.into_iter().partition(|(_, who, _)| *who == peer(2));
    assert!(!of_other.is_empty(), "with as much work it may have them");
    for (ask, ..) in of_other {
        bench.on(1, Event::Blocks { ask, blocks: Vec::new() });
    }
    assert!(bench.misbehaved.is_empty());
    assert_eq!(bench.syncer.peers.failures(&peer(2), 1), 0, "it need not have what another one's headers tell of");
    let todo = of_leader.into_iter().map(|(ask, peer, ids)| Effect::AskBlocks { ask, peer, ids });
    assert_eq!(bench.serve(2, todo.collect(), &branch.store()), [peer(1)].into(), "it is not asked again");
    assert_eq!(bench.store.tip().unwrap(), branch.tip());
}

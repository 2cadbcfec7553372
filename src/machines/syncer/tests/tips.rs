//! When peers are asked for their tip, and answers that nobody asked for.

use super::*;

#[test]
fn every_peer_is_asked_for_its_tip_every_ten_seconds() {
    let mut bench = Bench::new();
    let genesis = Branch::new(&network());
    bench.status(0, 1, &genesis);
    bench.status(5_000, 2, &genesis);
    assert!(bench.on(STATUS_MS - 1, Event::Tick).is_empty());
    assert_eq!(bench.on(STATUS_MS, Event::Tick), [Effect::AskStatus { peer: peer(1) }]);
    assert!(bench.on(STATUS_MS + 1, Event::Tick).is_empty());
    assert_eq!(bench.on(STATUS_MS + 5_000, Event::Tick), [Effect::AskStatus { peer: peer(2) }]);
}

#[test]
fn a_peer_that_announces_an_unknown_branch_is_asked_for_its_tip_but_not_for_each_announcement() {
    let mut bench = Bench::new();
    bench.status(0, 1, &Branch::new(&network()));
    assert_eq!(bench.on(1_000, Event::Behind { peer: peer(1) }), [Effect::AskStatus { peer: peer(1) }]);
    assert_eq!(bench.syncer.state(), &State::Comparing { peer: peer(1), since: 1_000 });
    assert!(bench.said.is_empty(), "asking does not stop the miner");
    assert!(bench.on(1_001, Event::Behind { peer: peer(1) }).is_empty());
    let unknown = bench.on(1_001, Event::Behind { peer: peer(9) });
    assert_eq!(unknown, [Effect::AskStatus { peer: peer(9) }], "the news that it is there was lost");
    bench.on(1_000 + COMPARING_MS, Event::Tick);
    assert_eq!(bench.syncer.state(), &State::Following, "an answer that never comes is not waited for");
}

#[test]
fn b20_headers_and_blocks_that_nobody_asked_for_are_ignored() {
    let (mut bench, branch) = (Bench::new(), grown(3));
    bench.status(0, 1, &branch);
    let before = bench.syncer.state().clone();
    let headers = branch.headers[1..].to_vec();
    assert!(bench.on(1, Event::Headers { ask: Ask(99), headers }).is_empty());
    assert!(bench.on(1, Event::Blocks { ask: Ask(99), blocks: branch.blocks.clone() }).is_empty());
    assert!(bench.on(1, Event::Failed { ask: Ask(99) }).is_empty());
    assert_eq!(bench.syncer.state(), &before);
}

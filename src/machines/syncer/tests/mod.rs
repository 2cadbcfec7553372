//! The transitions of the syncer machine, against peers that serve what a branch holds.

mod headers;
mod hostile;
mod repairs;
mod world;

use std::collections::BTreeSet;

use ledger::memory::MemoryChain;
use ledger::{Block, BlockError, CheckedBlock, Header};

use super::bodies::{BODIES_MS, STUCK_MS};
use super::hunt::{HEADERS_MS, MAX_RUN, locator};
use super::peers::PENALTY_MS;
use super::*;
use crate::fixture::{Branch, at, network, peer, seal};

/// A syncer, and a chain that takes what it offers.
struct Bench {
    syncer: Syncer,
    store: MemoryChain,
    network: Arc<Network>,
    /// What it said about being behind.
    said: Vec<bool>,
    misbehaved: Vec<(PeerId, String)>,
    lagging: Vec<PeerId>,
}

impl Bench {
    fn new() -> Self {
        Self::on_branch(&Branch::new(&network()))
    }

    fn on_branch(branch: &Branch) -> Self {
        let network = branch.network.clone();
        let syncer = Syncer::new(network.clone(), branch.tip());
        Self { syncer, store: branch.store(), network, said: Vec::new(), misbehaved: Vec::new(), lagging: Vec::new() }
    }

    /// Handles an event and gives the questions and offers.
    fn on(&mut self, mono: u64, event: Event) -> Vec<Effect> {
        let effects = self.syncer.on(at(mono), event, &self.store).unwrap();
        let (rest, news): (Vec<_>, Vec<_>) = effects
            .into_iter()
            .partition(|e| !matches!(e, Effect::Syncing(_) | Effect::Misbehaved { .. } | Effect::Lagging { .. }));
        for effect in news {
            match effect {
                Effect::Syncing(syncing) => self.said.push(syncing),
                Effect::Misbehaved { peer, why, .. } => self.misbehaved.push((peer, why)),
                Effect::Lagging { peer } => self.lagging.push(peer),
                _ => {}
            }
        }
        rest
    }

    /// Peer `n` tells the end of `branch`.
    fn status(&mut self, mono: u64, n: u8, branch: &Branch) -> Vec<Effect> {
        self.on(mono, Event::Status { peer: peer(n), tip: branch.tip() })
    }

    /// The chain takes blocks, as the chain machine tells of it.
    fn take(&mut self, mono: u64, blocks: Vec<Block>) -> Vec<Effect> {
        let count = blocks.len();
        for block in blocks {
            let block = CheckedBlock::kept(block, &self.network).unwrap();
            self.store.connect(Arc::new(block)).unwrap();
        }
        let mut effects = self.on(mono, Event::Taken { blocks: count });
        effects.extend(self.on(mono, Event::TipChanged));
        effects
    }

    /// All peers follow `branch` and answer at once until nothing is asked any more. Gives who was asked for blocks.
    fn serve(&mut self, mono: u64, effects: Vec<Effect>, branch: &MemoryChain) -> BTreeSet<PeerId> {
        let mut asked = BTreeSet::new();
        let mut todo: std::collections::VecDeque<_> = effects.into();
        while let Some(effect) = todo.pop_front() {
            let more = match effect {
                Effect::AskHeaders { ask, locator, .. } => {
                    self.on(mono, Event::Headers { ask, headers: branch.headers_after(&locator, HEADERS_PER_ANSWER) })
                }
                Effect::AskBlocks { ask, peer, ids } => {
                    asked.insert(peer);
                    self.on(mono, Event::Blocks { ask, blocks: bodies(branch, &ids) })
                }
                Effect::Offer { blocks, .. } => self.take(mono, blocks),
                Effect::AskStatus { peer } => self.on(mono, Event::Status { peer, tip: branch.tip().unwrap() }),
                Effect::Syncing(_) | Effect::Misbehaved { .. } | Effect::Lagging { .. } => Vec::new(),
            };
            todo.extend(more);
        }
        asked
    }

    /// As far as the bodies: the headers of `branch` came from peer `n`. Gives the questions for bodies.
    fn with_headers(&mut self, mono: u64, n: u8, branch: &Branch) -> Vec<Effect> {
        let effects = self.status(mono, n, branch);
        let ask = header_ask(&effects, n);
        self.on(mono, Event::Headers { ask, headers: branch.headers[1..].to_vec() })
    }
}

fn bodies(branch: &MemoryChain, ids: &[BlockId]) -> Vec<Block> {
    ids.iter().map_while(|id| branch.block(id).unwrap()).collect()
}

/// The question for headers, which must go to peer `n`.
fn header_ask(effects: &[Effect], n: u8) -> Ask {
    let asks: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::AskHeaders { ask, peer, .. } => Some((*ask, *peer)),
            _ => None,
        })
        .collect();
    assert!(matches!(asks[..], [(_, asked)] if asked == peer(n)), "{effects:?}");
    asks[0].0
}

fn asks_headers(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::AskHeaders { .. }))
}

/// The questions for blocks.
fn block_asks(effects: &[Effect]) -> Vec<(Ask, PeerId, Vec<BlockId>)> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::AskBlocks { ask, peer, ids } => Some((*ask, *peer, ids.clone())),
            _ => None,
        })
        .collect()
}

/// Heights of the blocks offered, in order.
fn offered(effects: &[Effect]) -> Vec<u64> {
    let heights = |effect: &Effect| match effect {
        Effect::Offer { blocks, .. } => blocks.iter().map(|block| block.header.height).collect(),
        _ => Vec::new(),
    };
    effects.iter().flat_map(heights).collect()
}

fn grown(count: usize) -> Branch {
    Branch::grown(&network(), 5, count)
}

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
fn h11_while_the_header_peer_is_silent_another_one_is_asked_and_takes_over() {
    let mut bench = Bench::new();
    let (best, second) = (grown(5), grown(4));
    let first = header_ask(&bench.status(0, 1, &best), 1);
    bench.status(0, 2, &second);
    assert!(!asks_headers(&bench.on(PATIENCE_MS - 1, Event::Tick)));
    let effects = bench.on(PATIENCE_MS, Event::Tick);
    header_ask(&effects, 2);
    bench.serve(PATIENCE_MS, effects, &second.store());
    assert_eq!(bench.store.tip().unwrap(), second.tip());
    assert!(bench.misbehaved.is_empty(), "silence is no offence");
    let late = bench.on(PATIENCE_MS + 1, Event::Headers { ask: first, headers: best.headers[1..].to_vec() });
    assert!(block_asks(&late).is_empty(), "it lost");
    assert!(!asks_headers(&bench.on(PATIENCE_MS + PENALTY_MS - 1, Event::Tick)));
    assert!(asks_headers(&bench.on(PATIENCE_MS + PENALTY_MS, Event::Tick)), "and has a chance again later");
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
        assert!(!asks_headers(&bench.on(now, Event::Failed { ask, why: "closed".into() })));
        assert!(!asks_headers(&bench.status(now + wait - 1, 1, &branch)), "{wait}");
        now += wait;
        ask = header_ask(&bench.on(now, Event::Tick), 1);
    }
}

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
    assert!(offered(&bench.on(PATIENCE_MS + 3, Event::Blocks { ask: first[0].0, blocks: all })).is_empty());
    assert_eq!(bench.syncer.peers.failures(&peer(1), PATIENCE_MS + 3), 1, "it is left alone for a while");
    assert!(bench.misbehaved.is_empty());
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
    let branch = grown(HEADERS_PER_ANSWER);
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
    let todo = of_leader.into_iter().map(|(ask, peer, ids)| Effect::AskBlocks { ask, peer, ids });
    assert_eq!(bench.serve(2, todo.collect(), &branch.store()), [peer(1)].into(), "it is not asked again");
    assert_eq!(bench.store.tip().unwrap(), branch.tip());
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
    let rest = vec![Effect::AskHeaders { ask, peer: peer(2), locator: Vec::new() }];
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
    let (mut bench, branch) = (Bench::new(), grown(HEADERS_PER_ANSWER + 300));
    let store = branch.store();
    let effects = bench.status(0, 1, &branch);
    let ask = header_ask(&effects, 1);
    let effects = bench.on(0, Event::Headers { ask, headers: store.headers_after(&[], HEADERS_PER_ANSWER) });
    assert!(matches!(bench.syncer.state(), State::Headers { got: HEADERS_PER_ANSWER, .. }));
    assert!(
        matches!(&effects[..], [Effect::AskHeaders { locator, .. }] if locator[..] == [branch.headers[HEADERS_PER_ANSWER].id(), bench.network.chain])
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
    let headers = theirs.store().headers_after(locator, HEADERS_PER_ANSWER);
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
    let headers = |from: usize| branch.headers[from + 1..].iter().take(HEADERS_PER_ANSWER).cloned().collect::<Vec<_>>();
    let ask = header_ask(&bench.status(0, 1, &branch), 1);
    let ask = header_ask(&bench.on(0, Event::Headers { ask, headers: headers(0) }), 1);
    let mut todo = bench.on(0, Event::Headers { ask, headers: headers(HEADERS_PER_ANSWER) });
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
    assert!(bench.on(1, Event::Failed { ask: Ask(99), why: String::new() }).is_empty());
    assert_eq!(bench.syncer.state(), &before);
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

#[test]
fn a_locator_has_the_tip_ten_single_steps_and_then_doubles_down_to_genesis() {
    let branch = grown(40);
    let heights = (31..=40).rev().chain([29, 25, 17, 1, 0]);
    let expected: Vec<_> = heights.map(|height: usize| branch.headers[height].id()).collect();
    assert_eq!(locator(&branch.store()).unwrap(), expected);
}

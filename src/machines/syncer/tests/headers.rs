//! What headers must be before anything is fetched because of them.

use ledger::apply::Undo;
use ledger::{Account, AccountSource, Address, StoredHeader, difficulty, merkle, pow};

use super::*;

/// Serves `headers` once and expects an accusation with these words, and no question for bodies.
fn refused(branch: &Branch, headers: Vec<Header>, reason: &str) {
    let mut bench = Bench::new();
    let ask = header_ask(&bench.status(0, 1, branch), 1);
    assert!(bench.on(0, Event::Headers { ask, headers }).is_empty(), "{reason}");
    assert!(matches!(&bench.misbehaved[..], [(_, why)] if why.contains(reason)), "{reason}: {:?}", bench.misbehaved);
    assert_eq!(bench.said, [true, false], "{reason}");
}

#[test]
fn h01_more_headers_than_an_answer_may_have_are_an_offence() {
    let branch = grown(START_HEADERS + 1);
    refused(&branch, branch.headers[1..].to_vec(), "more headers than");
    let mut bench = Bench::new();
    let ask = header_ask(&bench.status(0, 1, &branch), 1);
    assert!(asks_headers(&bench.on(0, Event::Headers { ask, headers: branch.headers[1..=START_HEADERS].to_vec() })));
}

#[test]
fn h02_headers_with_a_hole_are_refused() {
    let branch = grown(6);
    let mut hole = branch.headers[1..].to_vec();
    hole.remove(2);
    refused(&branch, hole, "hole after height 2");
    let mut torn = branch.headers[1..].to_vec();
    torn[3].previous = BlockId([1; 32]);
    refused(&branch, torn, "hole after height 3");
    refused(&branch, branch.headers[3..].to_vec(), "do not follow any block");
}

#[test]
fn h03_a_header_without_work_is_refused() {
    let branch = grown(6);
    let mut unworked = branch.headers[1..].to_vec();
    while unworked[5].target.is_met_by(&unworked[5].id()) {
        unworked[5].nonce += 1;
    }
    refused(&branch, unworked, "height 6: the block id does not meet the target");
}

#[test]
fn h04_real_work_for_a_target_that_the_rule_does_not_give_is_refused() {
    let branch = grown(6);
    let mut retargeted = branch.headers[5].clone();
    retargeted.target = ledger::CompactTarget(0x2000_ffff);
    let wrong_target = [&branch.headers[1..5], &[seal(retargeted, Vec::new(), 5).header]].concat();
    refused(&branch, wrong_target, "height 5: the target is");
}

#[test]
fn h05_a_time_that_is_not_after_the_parents_is_refused_and_one_millisecond_later_is_right() {
    let parent_time = grown(3).headers[3].time;
    for (time, right) in [(parent_time - 1, false), (parent_time, false), (parent_time + 1, true)] {
        let mut branch = grown(3);
        branch.extend_at(5, Vec::new(), time);
        if right {
            let mut bench = Bench::new();
            assert_eq!(block_asks(&bench.with_headers(0, 1, &branch))[0].2.len(), 4);
        } else {
            refused(&branch, branch.headers[1..].to_vec(), "height 4: time");
        }
    }
}

#[test]
fn h06_a_header_from_the_future_waits_for_its_time_and_nobody_is_punished() {
    let mut branch = grown(3);
    let limit = branch.network.future_limit_ms();
    let now = at(0).unix;
    branch.extend_at(5, Vec::new(), now + limit + 1_000);
    let mut bench = Bench::new();
    let asks = block_asks(&bench.with_headers(0, 1, &branch));
    let wanted: Vec<_> = branch.headers[1..4].iter().map(Header::id).collect();
    assert_eq!(asks[0].2, wanted, "what is before it is fetched, from it too once it may be asked");
    let mut store = grown(3).store();
    let effects = asks.into_iter().map(|(ask, peer, ids)| Effect::AskBlocks { ask, peer, ids }).collect();
    bench.serve(0, effects, &store);
    assert!(bench.misbehaved.is_empty());
    assert_eq!(bench.syncer.peers.failures(&peer(1), 0), 0);
    assert_eq!(bench.said, [true, false], "and nothing is waited for");
    // A second later it may be connected, and is asked for again.
    let later = limit + 1_000;
    let effects = bench.status(later, 1, &branch);
    store.connect(crate::fixture::checked_block(&branch.network, &branch.blocks[3])).unwrap();
    bench.serve(later, effects, &store);
    assert_eq!(bench.store.tip().unwrap(), branch.tip());
}

/// A chain whose tip, or whose every block, has another cumulative work than it really has.
struct Weighed<'a> {
    chain: &'a MemoryChain,
    tip: ledger::Work,
    blocks: Option<ledger::Work>,
}

impl AccountSource for Weighed<'_> {
    fn account(&self, address: &Address) -> Result<Option<Account>, ViewError> {
        self.chain.account(address)
    }
}

impl ChainSource for Weighed<'_> {
    fn tip(&self) -> Result<Tip, ViewError> {
        Ok(Tip { work: self.tip, ..self.chain.tip()? })
    }

    fn header(&self, id: &BlockId) -> Result<Option<StoredHeader>, ViewError> {
        let stored = self.chain.header(id)?;
        Ok(stored.map(|stored| StoredHeader { work: self.blocks.unwrap_or(stored.work), ..stored }))
    }

    fn main_id(&self, height: u64) -> Result<Option<BlockId>, ViewError> {
        self.chain.main_id(height)
    }

    fn block(&self, id: &BlockId) -> Result<Option<Block>, ViewError> {
        self.chain.block(id)
    }

    fn undo(&self, id: &BlockId) -> Result<Option<Undo>, ViewError> {
        self.chain.undo(id)
    }
}

fn work(byte: u8) -> ledger::Work {
    ledger::Work::from_bytes([byte; 32])
}

/// Headers after genesis, without bodies: solved, a second apart.
fn bare_headers(count: usize) -> Vec<Header> {
    let network = network();
    let mut headers = vec![network.genesis.clone()];
    let miner = crate::fixture::key(6).public();
    for height in 1..=count {
        let parent = &headers[height - 1];
        let target = difficulty::next_target(&network, parent, headers.iter().rev().nth(1));
        let (previous, time) = (parent.id(), parent.time + 10);
        let (root, height) = (merkle::root(&[]), height as u64);
        let mut header = Header { version: 1, height, previous, root, time, target, miner, nonce: 0 };
        header.nonce = pow::Search::new(&header).unwrap().run(0, u64::MAX).unwrap();
        headers.push(header);
    }
    headers
}

#[test]
fn h07_a_hundred_thousand_headers_of_little_work_leave_nothing_behind() {
    let headers = bare_headers(100_000);
    let store = Branch::new(&network()).store();
    let view = Weighed { chain: &store, tip: work(0x0f), blocks: None };
    let mut syncer = Syncer::new(network(), view.tip().unwrap());
    let claim = Tip { height: 100_000, id: headers[100_000].id(), time: headers[100_000].time, work: work(0xf0) };
    let heights: std::collections::HashMap<_, _> = headers.iter().map(|header| (header.id(), header.height)).collect();
    let (mut served, mut most_held, mut accused) = (0, 0, false);
    let mut effects = Vec::new();
    for second in 0..600_u64 {
        let now = at(second * 1_000);
        let mut next =
            vec![if second.is_multiple_of(10) { Event::Status { peer: peer(1), tip: claim } } else { Event::Tick }];
        while let Some(event) = next.pop() {
            effects = syncer.on(now, event, &view).unwrap();
            for effect in &effects {
                match effect {
                    Effect::AskHeaders { ask, locator, limit, .. } => {
                        let from = heights[locator.iter().find(|id| heights.contains_key(*id)).unwrap()] as usize;
                        let answer: Vec<_> = headers[from + 1..].iter().take((*limit).into()).cloned().collect();
                        served += answer.len();
                        next.push(Event::Headers { ask: *ask, headers: answer });
                    }
                    Effect::Misbehaved { .. } => accused = true,
                    Effect::AskStatus { .. } | Effect::Syncing(_) => {}
                    other => panic!("{other:?}"),
                }
            }
            most_held = most_held.max(syncer.held.longest());
        }
    }
    assert!(served >= 200_000 && accused, "{served} headers, accused: {accused}");
    assert!(most_held <= 100_000);
    // Nobody claims anything any more: what was held is gone.
    syncer.on(at(600_000), Event::Gone { peer: peer(1) }, &view).unwrap();
    assert!(syncer.held.longest() == 0 && matches!(syncer.work, Work::Idle), "{effects:?}");
    assert_eq!(store.main_chain().len(), 1, "and nothing was stored");
}

#[test]
fn h07_less_work_than_ours_in_twenty_thousand_headers_is_given_up_at_first() {
    let headers = bare_headers(MAX_RUN + START_HEADERS);
    let store = Branch::new(&network()).store();
    let view = Weighed { chain: &store, tip: work(0x0f), blocks: None };
    let mut syncer = Syncer::new(network(), view.tip().unwrap());
    let tip = Tip { height: 1_000_000, work: work(0xf0), ..view.tip().unwrap() };
    let mut effects = syncer.on(at(0), Event::Status { peer: peer(1), tip }, &view).unwrap();
    let mut rest = &headers[1..];
    while !rest.is_empty() {
        let (ask, limit) = header_question(&effects, 1);
        let (answer, later) = rest.split_at(limit);
        effects = syncer.on(at(0), Event::Headers { ask, headers: answer.to_vec() }, &view).unwrap();
        rest = later;
    }
    assert!(!asks_headers(&effects));
    assert!(syncer.held.longest() == 0 && matches!(syncer.work, Work::Idle));
}

#[test]
fn h11_a_header_peer_that_takes_too_long_altogether_is_followed_by_another_where_it_came_to() {
    let (mut bench, branch) = (Bench::new(), grown(2 * START_HEADERS));
    let (mut effects, mut got, mut now) = (bench.status(0, 1, &branch), 0, 0);
    // Each answer takes as long as it may before another one is asked, and brings fewer.
    while bench.syncer.peers.failures(&peer(1), now) == 0 {
        let (ask, limit) = header_question(&effects, 1);
        now += 14_000;
        effects = bench.on(now, Event::Headers { ask, headers: branch.headers[got + 1..=got + limit].to_vec() });
        got += limit;
    }
    // It leads since its first answer.
    assert!((14_000 + 30_000..14_000 + 30_000 + 14_000).contains(&now), "{now}");
    assert!(!asks_headers(&effects));
    let effects = bench.status(now, 2, &branch);
    header_ask(&effects, 2);
    let Some(Effect::AskHeaders { locator, .. }) = effects.first() else { panic!("{effects:?}") };
    assert_eq!(locator[0], branch.headers[got].id());
}

#[test]
fn h14_headers_on_a_block_that_is_known_to_be_invalid_are_an_offence_and_lead_nowhere() {
    let (mut bench, branch) = (Bench::new(), grown(6));
    let (ask, _, ids) = block_asks(&bench.with_headers(0, 1, &branch)).remove(0);
    bench.on(1, Event::Blocks { ask, blocks: bodies(&branch.store(), &ids) });
    bench.on(2, Event::Refused { from: peer(1), id: branch.headers[3].id(), error: BlockError::Overflow });
    let ask = header_ask(&bench.status(3, 2, &branch), 2);
    let effects = bench.on(4, Event::Headers { ask, headers: branch.headers[1..].to_vec() });
    assert!(block_asks(&effects).is_empty());
    assert!(matches!(&bench.misbehaved[..], [(who, why)] if *who == peer(2) && why.contains("invalid block")));
}

#[test]
fn h15_work_beyond_what_can_be_counted_is_an_error_and_no_wrap() {
    let branch = grown(2);
    let store = Branch::new(&network()).store();
    let view = Weighed { chain: &store, tip: work(0x0f), blocks: Some(work(0xff)) };
    let mut syncer = Syncer::new(network(), view.tip().unwrap());
    let claim = Tip { work: work(0xff), ..branch.tip() };
    let effects = syncer.on(at(0), Event::Status { peer: peer(1), tip: claim }, &view).unwrap();
    let ask = header_ask(&effects, 1);
    let effects = syncer.on(at(0), Event::Headers { ask, headers: branch.headers[1..].to_vec() }, &view).unwrap();
    let overflow = BlockError::Overflow.to_string();
    let says_so = |effect: &Effect| matches!(effect, Effect::Misbehaved { why, .. } if why.contains(&overflow));
    assert!(effects.iter().any(says_so), "{effects:?}");
    assert!(block_asks(&effects).is_empty());
}

/// A chain of any height, of which only that is known.
struct Tall(u64);

impl AccountSource for Tall {
    fn account(&self, _: &Address) -> Result<Option<Account>, ViewError> {
        Ok(None)
    }
}

impl ChainSource for Tall {
    fn tip(&self) -> Result<Tip, ViewError> {
        Ok(Tip { id: BlockId([1; 32]), height: self.0, work: ledger::Work::ZERO, time: 0 })
    }

    fn header(&self, _: &BlockId) -> Result<Option<StoredHeader>, ViewError> {
        Ok(None)
    }

    fn main_id(&self, _: u64) -> Result<Option<BlockId>, ViewError> {
        Ok(Some(BlockId([1; 32])))
    }

    fn block(&self, _: &BlockId) -> Result<Option<Block>, ViewError> {
        Ok(None)
    }

    fn undo(&self, _: &BlockId) -> Result<Option<Undo>, ViewError> {
        Ok(None)
    }
}

#[test]
fn h16_a_locator_of_ours_is_never_longer_than_the_wire_carries() {
    // A block a second for a million years; the ends of two branches come in front.
    for height in [0, 9, 10, 11, 1_000_000, 1 << 45] {
        assert!(2 + locator(&Tall(height)).unwrap().len() <= 64, "height {height}");
    }
}

#[test]
fn s05_nothing_is_asked_for_while_the_disk_is_full() {
    let branch = grown(6);
    let mut bench = Bench::new();
    bench.on(0, Event::DiskFull(true));
    assert!(bench.status(0, 1, &branch).is_empty());
    assert!(!asks_headers(&bench.on(1_000, Event::Tick)));
    assert!(asks_headers(&bench.on(1_001, Event::DiskFull(false))));
    bench.on(1_002, Event::DiskFull(true));
    assert!(!asks_headers(&bench.on(1_003, Event::Tick)), "what was under way is left");
}

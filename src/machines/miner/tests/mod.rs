//! The transitions of the miner machine.

mod serving;

use std::sync::Arc;

use ledger::{BlockId, Network, check};

use super::*;
use crate::fixture::{Branch, at, checked, key, network, pay};

struct Bench {
    miner: Miner,
    network: Arc<Network>,
}

impl Bench {
    /// A miner that may mine alone.
    fn new() -> Self {
        Self::with(true, 0)
    }

    fn with(on: bool, peers_to_mine: usize) -> Self {
        Self {
            miner: Miner::new(Params { on, key: key(5), peers_to_mine, future_limit_ms: 2_000 }, tip()),
            network: network(),
        }
    }

    fn on(&mut self, mono: u64, event: Event) -> Vec<Effect> {
        self.miner.on(at(mono), event)
    }

    /// A block on genesis.
    fn template(&self) -> Template {
        let tx = pay(&self.network, 1, 2, 5, 5, 0);
        let header = Branch::new(&self.network).extend(5, vec![tx.clone()]).header;
        Template { header, transactions: vec![checked(&self.network, tx)] }
    }

    /// Asks, gets a template, and hashes.
    fn mining() -> (Self, JobId) {
        let mut bench = Self::new();
        assert!(asks(&bench.on(0, Event::Tick)));
        let job = bench.hash(0);
        (bench, job)
    }

    fn hash(&mut self, mono: u64) -> JobId {
        let template = self.template();
        match &self.on(mono, Event::Template(template))[..] {
            [Effect::Hash { job, .. }] => *job,
            other => panic!("{other:?}"),
        }
    }
}

fn asks(effects: &[Effect]) -> bool {
    matches!(effects, [Effect::AskTemplate { miner }] if *miner == key(5).public())
}

fn stops(effects: &[Effect]) -> bool {
    matches!(effects, [Effect::Stop])
}

fn tip() -> Tip {
    Tip { id: BlockId([1; 32]), height: 1, work: ledger::Work::ZERO, time: 1 }
}

/// Each reason, how it begins and how it ends.
fn reasons() -> [(Reason, Event, Event); 3] {
    [
        (Reason::Syncing, Event::Syncing(true), Event::Syncing(false)),
        (Reason::NoPeers, Event::Peers(0), Event::Peers(1)),
        (Reason::Operator, Event::Operator { pause: true }, Event::Operator { pause: false }),
    ]
}

/// A miner that wants one peer, has it, and mines.
fn mining_with_a_peer() -> Bench {
    let mut bench = Bench::with(true, 1);
    assert!(asks(&bench.on(0, Event::Peers(1))));
    bench.hash(0);
    bench
}

#[test]
fn a_found_nonce_becomes_a_signed_block_with_the_transactions_of_its_template() {
    let (mut bench, job) = Bench::mining();
    assert!(matches!(bench.miner.state(), State::Mining { height: 1, transactions: 1, .. }));
    let nonce = bench.template().header.nonce;
    let effects = bench.on(1, Event::Found { job, nonce });
    let [Effect::Offer(mined)] = &effects[..] else { panic!("{effects:?}") };
    let Mined { header, signature, transactions } = mined.clone();
    let block = check::block_of_checked(header, signature, transactions, &bench.network).unwrap();
    assert_eq!(block.transactions().len(), 1);
    assert_eq!(bench.miner.figures().found, 1);
    assert!(matches!(bench.miner.state(), State::Asking { .. }));
}

#[test]
fn each_reason_alone_stops_the_miner_and_its_end_starts_it_again() {
    for (reason, begin, end) in reasons() {
        let mut bench = mining_with_a_peer();
        assert!(stops(&bench.on(10, begin)), "{reason:?}");
        let paused = State::Paused { reasons: [reason].into(), since: 10 };
        assert_eq!(bench.miner.state(), &paused);
        assert!(bench.on(60_000, Event::Tick).is_empty(), "{reason:?}");
        let template = bench.template();
        assert!(bench.on(60_000, Event::Template(template)).is_empty(), "{reason:?}: a template that comes late");
        assert!(asks(&bench.on(60_001, end)), "{reason:?}");
        assert_eq!(bench.miner.state(), &State::Asking { since: 60_001 });
    }
}

#[test]
fn with_all_reasons_together_only_the_end_of_the_last_resumes() {
    for last in 0..3 {
        let mut bench = mining_with_a_peer();
        for (i, (_, begin, _)) in reasons().into_iter().enumerate() {
            assert_eq!(stops(&bench.on(i as u64, begin)), i == 0);
        }
        let mut ends: Vec<_> = reasons().into_iter().map(|(reason, _, end)| (reason, end)).collect();
        let (last_reason, last_end) = ends.remove(last);
        for (reason, end) in ends {
            assert!(bench.on(10, end).is_empty(), "{reason:?}");
        }
        let paused = State::Paused { reasons: [last_reason].into(), since: 0 };
        assert_eq!(bench.miner.state(), &paused, "since the first reason");
        assert!(asks(&bench.on(11, last_end)), "{last_reason:?}");
    }
}

#[test]
fn a_reason_that_holds_already_changes_nothing() {
    for (_, begin, end) in reasons() {
        let mut bench = mining_with_a_peer();
        let twice = |event: &Event| match event {
            Event::Syncing(is) => Event::Syncing(*is),
            Event::Peers(n) => Event::Peers(*n),
            Event::Operator { pause } => Event::Operator { pause: *pause },
            other => panic!("{other:?}"),
        };
        assert!(bench.on(1, twice(&end)).is_empty());
        bench.on(2, twice(&begin));
        assert!(bench.on(3, begin).is_empty());
        assert!(asks(&bench.on(4, end)));
    }
}

#[test]
fn a_network_that_wants_peers_is_not_mined_alone() {
    let mut bench = Bench::with(true, 2);
    assert!(bench.on(0, Event::Tick).is_empty());
    assert!(bench.on(0, Event::Peers(1)).is_empty());
    assert!(matches!(bench.miner.state(), State::Paused { reasons, .. } if reasons.contains(&Reason::NoPeers)));
    assert!(asks(&bench.on(0, Event::Peers(2))));
}

#[test]
fn a_new_tip_stops_the_old_job_before_the_new_template_comes() {
    let (mut bench, old) = Bench::mining();
    let effects = bench.on(10, Event::TipChanged(tip()));
    assert!(matches!(effects[..], [Effect::Stop, Effect::AskTemplate { .. }]), "{effects:?}");
    assert_eq!(bench.miner.state(), &State::Asking { since: 10 });
    assert!(bench.on(11, Event::Found { job: old, nonce: 0 }).is_empty(), "it was found too late");
    assert_eq!(bench.miner.figures().found, 0);
}

#[test]
fn l09_a_nonce_that_was_found_before_a_sync_brought_another_tip_makes_no_block() {
    let (mut bench, old) = Bench::mining();
    let nonce = bench.template().header.nonce;
    assert!(stops(&bench.on(1, Event::Syncing(true))));
    assert!(bench.on(2, Event::Found { job: old, nonce }).is_empty(), "found for a tip that is known to be old");
    assert!(bench.on(3, Event::TipChanged(tip())).is_empty());
    assert!(asks(&bench.on(4, Event::Syncing(false))));
    assert!(bench.on(5, Event::Found { job: old, nonce }).is_empty());
    let current = bench.hash(6);
    assert!(bench.on(7, Event::Found { job: old, nonce }).is_empty());
    assert!(matches!(bench.on(8, Event::Found { job: current, nonce })[..], [Effect::Offer(_)]));
}

#[test]
fn o09_a_clock_that_was_put_back_behind_the_tip_pauses_until_it_is_right() {
    let (mut bench, _) = Bench::mining();
    let hour = 3_600_000;
    let tip = Tip { time: at(10).unix, ..tip() };
    assert_eq!(bench.on(10, Event::TipChanged(tip)).len(), 2);
    bench.hash(11);
    let put_back = |mono, by| Now { mono, unix: at(mono).unix - by };
    assert!(bench.miner.on(put_back(10, 2_000), Event::Tick).is_empty(), "a block may be so far ahead");
    assert!(stops(&bench.miner.on(put_back(10, 2_001), Event::Tick)));
    let paused = |since| State::Paused { reasons: [Reason::ClockWrong].into(), since };
    assert_eq!(bench.miner.state(), &paused(10));
    assert!(bench.miner.on(put_back(hour, hour + 2_000), Event::Tick).is_empty());
    assert_eq!(bench.miner.state(), &paused(10));
    assert!(asks(&bench.on(hour, Event::Tick)));
}

#[test]
fn a_new_tip_during_a_pause_does_not_end_it() {
    let (mut bench, _) = Bench::mining();
    bench.on(1, Event::Operator { pause: true });
    assert!(bench.on(2, Event::TipChanged(tip())).is_empty());
}

#[test]
fn a_nonce_that_was_found_while_its_job_was_refreshed_is_not_lost() {
    let (mut bench, old) = Bench::mining();
    let current = bench.hash(1_000);
    assert_ne!(old, current);
    let nonce = bench.template().header.nonce;
    assert!(matches!(bench.on(1_001, Event::Found { job: old, nonce })[..], [Effect::Offer(_)]));
    assert!(bench.on(1_002, Event::Found { job: current, nonce }).is_empty(), "one block for one parent");
}

#[test]
fn a_nonce_for_a_job_before_the_last_refresh_or_another_tip_is_ignored() {
    let (mut bench, oldest) = Bench::mining();
    let old = bench.hash(1_000);
    let current = bench.hash(2_000);
    let nonce = bench.template().header.nonce;
    assert!(bench.on(2_001, Event::Found { job: oldest, nonce }).is_empty());
    assert!(stops(&bench.on(2_002, Event::TipChanged(tip()))[..1]));
    for job in [old, current] {
        assert!(bench.on(2_003, Event::Found { job, nonce }).is_empty());
    }
}

#[test]
fn a_job_is_refreshed_every_second_and_goes_on_meanwhile() {
    let (mut bench, _) = Bench::mining();
    assert!(bench.on(REFRESH_MS - 1, Event::Tick).is_empty());
    assert!(asks(&bench.on(REFRESH_MS, Event::Tick)));
    assert!(matches!(bench.miner.state(), State::Mining { .. }));
}

#[test]
fn a_template_that_does_not_come_is_asked_for_again() {
    let mut bench = Bench::new();
    assert!(asks(&bench.on(0, Event::Tick)));
    assert!(bench.on(TEMPLATE_MS - 1, Event::Tick).is_empty());
    assert!(asks(&bench.on(TEMPLATE_MS, Event::Tick)));
}

#[test]
fn after_a_found_block_that_nobody_answers_a_template_is_asked_for() {
    let (mut bench, job) = Bench::mining();
    let nonce = bench.template().header.nonce;
    bench.on(0, Event::Found { job, nonce });
    assert!(bench.on(TEMPLATE_MS - 1, Event::Tick).is_empty());
    assert!(asks(&bench.on(TEMPLATE_MS, Event::Tick)));
}

#[test]
fn the_hash_rate_is_shown() {
    let (mut bench, _) = Bench::mining();
    bench.on(1, Event::Hashed { hashes: 500, ms: 250 });
    assert!(matches!(bench.miner.state(), State::Mining { hash_rate: 2_000, .. }));
    bench.on(1, Event::Hashed { hashes: 5, ms: 0 });
    assert!(matches!(bench.miner.state(), State::Mining { hash_rate: 5_000, .. }), "no time is no reason to fail");
}

#[test]
fn a_miner_that_is_off_ignores_everything() {
    let mut bench = Bench::with(false, 1);
    let template = bench.template();
    let events = reasons().into_iter().flat_map(|(_, begin, end)| [begin, end]).chain([
        Event::Tick,
        Event::TipChanged(tip()),
        Event::Template(template),
        Event::Found { job: JobId(0), nonce: 0 },
        Event::Hashed { hashes: 1, ms: 1 },
    ]);
    for event in events {
        assert!(bench.on(1, event).is_empty());
        assert_eq!(bench.miner.state(), &State::Off);
    }
}

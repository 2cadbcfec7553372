//! What survives a restart, a clock that steps, and a disk that refuses.

use super::*;

#[test]
fn f03_after_a_restart_limits_hold_and_the_same_bytes_are_sent_again() {
    let mut bench = Bench::new();
    let payout = bench.claim(0, 9, 1).unwrap();
    bench.restart(Now { mono: 0, unix: START + 60_000 });
    assert_eq!(bench.sent(0), std::slice::from_ref(&payout));
    assert_eq!(bench.claim(0, 9, 2), Err(time_limit(3_540)));
    assert_eq!(bench.claim(0, 10, 1), Err(time_limit(3_540)));
    assert_eq!(bench.sent(RESEND_MS - 1), []);
    assert_eq!(bench.sent(RESEND_MS), std::slice::from_ref(&payout));
    let next = bench.claim(RESEND_MS, 10, 2).unwrap();
    assert_eq!(next.nonce, payout.nonce + 1, "the reserved nonce is not given again");
}

#[test]
fn f04_a_claim_that_was_kept_is_paid_after_a_crash_wherever_that_came_and_one_that_was_not_is_not() {
    let mut bench = Bench::new();
    // Kept, and the node died before it was told so.
    let claim = bench.reserve(0, 9, 1).unwrap();
    let payout = bench.row(claim).unwrap().payout.clone();
    bench.restart(at(1_000));
    assert_eq!(bench.sent(1_000), std::slice::from_ref(&payout));
    // In a block, and the node died before it noted that: the chain says so.
    bench.connect(1_000, vec![Transaction::Transfer(payout.clone())], 0);
    bench.restart(at(2_000));
    assert_eq!(bench.phase(claim), Phase::Confirmed(1));
    assert_eq!(bench.sent(2_000 + RESEND_MS), []);
    // Not kept: as if it had never been.
    let lost = bench.reserve(3_000, 10, 2).unwrap();
    bench.kept.remove(&Key::Claim(lost));
    bench.restart(at(3_000));
    let own = Some(Account { balance: barrels(900), nonce: payout.nonce + 1 });
    let asked = Asked { own, ..bench.asked(address(10), client(2)) };
    assert_eq!(bench.try_claim(3_000, asked, Form::Compatible).unwrap().nonce, payout.nonce + 1);
}

#[test]
fn f13_a_clock_that_steps_back_a_day_locks_nobody_for_longer_than_the_interval() {
    let mut bench = Bench::new();
    bench.claim(0, 9, 1).unwrap();
    bench.restart(Now { mono: 0, unix: START - 24 * HOUR });
    assert_eq!(bench.claim(0, 9, 2), Err(time_limit(3_600)));
    assert!(bench.claim(HOUR, 9, 2).is_ok());
}

#[test]
fn f13_a_clock_that_steps_while_the_node_runs_changes_nothing() {
    let mut bench = Bench::new();
    bench.claim(0, 9, 1).unwrap();
    let level = bench.faucet.budget.level(1_000).left;
    for unix in [START - 24 * HOUR, START + 24 * HOUR] {
        let asked = bench.asked(address(9), client(2));
        let effects =
            bench.faucet.on(Now { mono: 1_000, unix }, Event::Claim { asked, form: Form::Compatible, ticket: 5 });
        assert!(matches!(&effects[..], [Effect::Answer { answer: Err(ClaimError::TimeLimit { .. }), .. }]));
        assert_eq!(bench.faucet.budget.level(1_000).left, level);
    }
}

#[test]
fn records_that_could_not_be_written_are_written_later_as_they_are_then() {
    let mut bench = Bench::new();
    let payout = bench.claim(0, 9, 1).unwrap();
    let changed =
        TipChanged { watched_joined: vec![(bench.payout_id(&payout), 1)], ..TipChanged::none(bench.branch.tip()) };
    let effects = bench.faucet.on(at(0), Event::TipChanged(changed));
    assert!(matches!(&effects[..], [Effect::Write(_)]), "{effects:?}");
    assert!(bench.faucet.on(at(1), Event::Written(Err("disk full".into()))).is_empty(), "not at once again");
    assert_eq!(bench.phase(0), Phase::Reserved);
    bench.tick(1 + RESEND_MS);
    assert_eq!(bench.phase(0), Phase::Confirmed(1));
}

//! The budget, the faucet's funds, and the alarm.

use super::*;

#[test]
fn f07_a_thousand_clients_get_no_more_than_the_budget_and_hear_when_more_comes() {
    let mut bench = Bench::with_budget(params());
    bench.funds = barrels(1_000_000);
    bench.connect(0, Vec::new(), 19);
    let reward = bench.network.spec.reward.as_drops();
    let budget = 20 * reward / 2;
    let (mut paid, mut refused) = (0, 0);
    for n in 0..1_000u32 {
        let [_, _, c, d] = n.to_be_bytes();
        let asked = bench.asked(account(n), IpAddr::from([10, 7, c, d]));
        // Bots with any computing power: whatever work is asked for is done.
        match bench.faucet.challenge(at(0), &asked) {
            Ok(challenge) => {
                let work = Work { done: challenge.bits.into(), challenge: challenge.text };
                paid += bench.try_claim(0, asked, Form::Native(Some(work))).unwrap().amount.as_drops();
            }
            Err(_) => refused += 1,
        }
    }
    assert!(paid <= budget && paid > budget * 9 / 10, "{paid} of {budget}");
    assert!(refused > 500, "{refused}");
    let error = bench.try_reserve(0, bench.asked(account(5_000), ip("10.8.0.1")), Form::Compatible).unwrap_err();
    let ClaimError::Budget { retry_after_s: 1 } = error else { panic!("{error:?}") };
    bench.connect(1, Vec::new(), 0);
    let asked = bench.asked(account(5_000), ip("10.8.0.1"));
    assert!(bench.faucet.challenge(at(1), &asked).is_ok(), "a block later there is more");
}

#[test]
fn c3_the_budget_survives_a_restart_and_a_clock_that_steps() {
    let mut bench = Bench::with_budget(params());
    bench.connect(0, Vec::new(), 99);
    for n in 0..5 {
        bench.claim(0, 9 + n, n).unwrap();
    }
    let before = bench.faucet.budget.level(0);
    assert_eq!(before.capacity - before.left, barrels(50).as_drops());
    for unix in [START, START - 24 * HOUR, START + 24 * HOUR] {
        bench.restart(Now { mono: 0, unix });
        assert_eq!(bench.faucet.budget.level(0), before);
    }
}

#[test]
fn c3_a_reorganisation_takes_along_what_its_blocks_brought() {
    let mut bench = Bench::with_budget(params());
    bench.connect(0, Vec::new(), 9);
    let (level, before) = (bench.faucet.budget.level(0), bench.branch.clone());
    let gone = bench.connect(0, Vec::new(), 4);
    bench.branch = before;
    let new: Vec<_> = (0..6).map(|_| bench.branch.extend(6, Vec::new())).collect();
    bench.tip_changed(0, &gone, &new);
    let reward = bench.network.spec.reward.as_drops();
    assert_eq!(bench.faucet.budget.level(0).capacity, level.capacity + 6 * reward / 2);
}

#[test]
fn what_is_reserved_counts_against_the_faucets_funds() {
    let each = barrels(10).as_drops() + FEE.as_drops();
    for (drops, payouts) in [(each - 1, 0), (each, 1), (3 * each - 1, 2), (3 * each, 3)] {
        let mut bench = Bench::new();
        bench.funds = Amount::drops(drops);
        let results: Vec<_> = (0..5).map(|n| bench.reserve(0, 9 + n, n)).collect();
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), payouts, "{drops} drops");
        assert!(results.iter().all(|result| matches!(result, Ok(_) | Err(ClaimError::NoFunds))), "{results:?}");
    }
}

#[test]
fn f10_low_funds_are_told_once_before_they_are_gone_and_again_when_they_are_enough() {
    let mut bench = Bench::new();
    let mut told = |funds: u64| {
        bench.funds = barrels(funds);
        bench.tick(0).into_iter().find_map(|effect| match effect {
            Effect::Funds { low, .. } => Some(low),
            _ => None,
        })
    };
    assert_eq!([1_000, 500, 201, 200, 199, 100].map(&mut told), [None, None, None, Some(true), None, None]);
    assert_eq!([250, 399, 400, 201].map(&mut told), [None, None, Some(false), None]);
    assert_eq!([200, 3, 3].map(&mut told), [Some(true), None, None]);
    assert_eq!(bench.reserve(0, 9, 1), Err(ClaimError::NoFunds), "a polite refusal");
    assert!(bench.faucet.report(at(0)).low);
    // The most that there was is kept with each claim.
    bench.funds = barrels(1_000);
    bench.claim(0, 9, 1).unwrap();
    bench.restart(at(0));
    bench.funds = barrels(150);
    assert!(
        bench.tick(0).iter().any(|effect| matches!(effect, Effect::Funds { low: true, .. })),
        "after a restart too"
    );
}

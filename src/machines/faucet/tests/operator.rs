//! What the operator decides holds, also after a restart.

use super::*;

#[test]
fn a_paused_faucet_pays_nobody_until_it_is_resumed_also_after_a_restart() {
    let mut bench = Bench::new();
    let payout = bench.claim(0, 9, 1).unwrap();
    bench.order(Order::Pause).unwrap();
    assert_eq!(bench.faucet.state(), &State::Paused);
    assert_eq!(bench.claim(0, 10, 2), Err(ClaimError::Paused));
    bench.restart(at(0));
    assert_eq!(bench.claim(0, 10, 2), Err(ClaimError::Paused));
    assert_eq!(bench.sent(0), [payout], "what is owed is paid all the same");
    bench.order(Order::Resume).unwrap();
    assert!(bench.claim(0, 10, 2).is_ok());
}

#[test]
fn an_order_is_answered_when_it_is_kept() {
    let mut bench = Bench::new();
    let effects = bench.faucet.on(at(0), Event::Order { order: Order::Pause, ticket: 7 });
    assert!(matches!(&effects[..], [Effect::Write(_)]), "{effects:?}");
    let effects = bench.faucet.on(at(0), Event::Written(Err("disk full".into())));
    let [Effect::Done { ticket: 7, answer: Err(error) }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(error.to_string(), "this holds until the node stops, but could not be kept: disk full");
}

#[test]
fn the_amount_can_be_changed_and_changed_back() {
    let mut bench = Bench::new();
    bench.order(Order::Amount(Some(barrels(3)))).unwrap();
    assert_eq!(bench.claim(0, 9, 1).unwrap().amount, barrels(3));
    bench.restart(at(0));
    assert_eq!(bench.claim(0, 10, 2).unwrap().amount, barrels(3));
    bench.order(Order::Amount(None)).unwrap();
    assert_eq!(bench.claim(0, 11, 3).unwrap().amount, barrels(10));
    assert_eq!(bench.order(Order::Amount(Some(Amount::ZERO))), Err(OrderError::NoAmount));
}

#[test]
fn who_is_denied_gets_nothing_and_who_is_allowed_meets_only_the_time_of_the_account_and_the_budget() {
    let mut bench = Bench::new();
    bench.order(Order::Deny(Entry::Account(address(9)))).unwrap();
    bench.order(Order::Deny("203.0.113.0/24".parse().unwrap())).unwrap();
    assert_eq!(bench.claim(0, 9, 1), Err(ClaimError::Denied));
    let asked = bench.asked(address(10), ip("203.0.113.7"));
    assert_eq!(bench.try_claim(0, asked, Form::Compatible), Err(ClaimError::Denied));

    // A class behind one address.
    bench.order(Order::Allow("198.51.100.7".parse().unwrap())).unwrap();
    for n in 0..30 {
        let asked = bench.asked(account(n), ip("198.51.100.7"));
        assert_eq!(bench.try_claim(0, asked, Form::Compatible).unwrap().amount, barrels(10), "pupil {n}");
    }
    let asked = bench.asked(account(0), ip("198.51.100.7"));
    assert_eq!(bench.try_claim(0, asked, Form::Compatible), Err(time_limit(3_600)), "each once");
}

#[test]
fn the_report_counts_claims_and_refusals_by_reason() {
    let mut bench = Bench::new();
    bench.claim(0, 9, 1).unwrap();
    for _ in 0..3 {
        bench.claim(0, 9, 1).unwrap_err();
    }
    bench.try_reserve(0, bench.asked(Address::ZERO, client(2)), Form::Native(None)).unwrap_err();
    bench.tick(0);
    let report = bench.faucet.report(at(0));
    assert_eq!(report.refusals, BTreeMap::from([("bad_address", 1), ("time_limit", 3)]));
    assert_eq!((report.totals.claims, report.totals.paid), (1, barrels(10)));
    assert_eq!((report.view.waiting, report.funds, report.low), (1, barrels(1_000), false));
    assert!(report.refusals.keys().all(|reason| ClaimError::REASONS.contains(reason)));
}

#[test]
fn a_client_sees_what_a_claim_would_meet_without_claiming() {
    let mut bench = Bench::new();
    let view = |bench: &Bench, to: u8, from: u8| {
        let asked = bench.asked(address(to), client(from));
        bench.faucet.view(at(1_000), client(from), Some(&asked), bench.funds)
    };
    let before = view(&bench, 9, 1);
    assert_eq!(
        (before.you, before.state, before.price.unwrap()),
        (None, "open", Price { amount: barrels(10).as_drops(), bits: 0 })
    );
    bench.claim(0, 9, 1).unwrap();
    assert_eq!(view(&bench, 9, 2).you, Some(time_limit(3_599)));
    assert_eq!(view(&bench, 10, 2).you, None);
    let unnamed = bench.faucet.view(at(1_000), client(1), None, bench.funds);
    assert_eq!(unnamed.you, Some(time_limit(3_599)), "the client alone");
}

#[test]
fn terms_that_are_read_again_hold_for_the_next_claim_and_claims_before_stay_as_they_are() {
    let mut bench = Bench::new();
    let before = bench.claim(0, 9, 1).unwrap();
    bench.faucet.on(at(0), Event::Terms(Terms { amount: barrels(2), ..params().terms }));
    assert_eq!(bench.claim(0, 10, 2).unwrap().amount, barrels(2));
    assert_eq!(before.amount, barrels(10));
    assert_eq!(bench.row(0).unwrap().payout, before);
}

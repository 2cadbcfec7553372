//! Who is paid and who is not, and that nobody is told before it is sure.

use super::*;

#[test]
fn a_claim_is_kept_before_anybody_is_told_or_paid_and_told_when_the_chain_has_it() {
    let mut bench = Bench::new();
    let claim = bench.reserve(0, 9, 1).unwrap();
    let row = bench.row(claim).unwrap().clone();
    assert_eq!((row.phase, row.at), (Phase::Reserved, START));
    let waiting = bench.tick(1_000_000);
    assert!(waiting.iter().all(|effect| matches!(effect, Effect::Keep { .. })), "nothing is sent before it is kept");
    let effects = bench.on(0, Event::Kept { claim });
    assert!(matches!(&effects[..], [Effect::Submit(_)]), "handed to the chain, nobody told: {effects:?}");
    assert!(bench.tick(TELL_MS - 1).is_empty());
    let payout = &row.payout;
    assert_eq!((payout.to, payout.amount, payout.nonce), (address(9), barrels(10), bench.network.nonce_base));
    let id = bench.payout_id(payout);
    let effects = bench.on(1, Event::Submitted { payout: id });
    assert!(matches!(&effects[..], [Effect::Answer { ticket: 1, answer: Ok(_) }]), "{effects:?}");
    let State::Open { account, waiting: 1, claims: 1, paid: 1, refused: 0 } = *bench.faucet.state() else {
        panic!("{:?}", bench.faucet.state())
    };
    assert_eq!(account, address(FAUCET));
}

#[test]
fn whoever_claims_waits_three_seconds_at_most_for_the_chain() {
    let mut bench = Bench::new();
    let claim = bench.reserve(0, 9, 1).unwrap();
    bench.on(0, Event::Kept { claim });
    let effects = bench.tick(TELL_MS);
    assert!(matches!(&effects[..], [Effect::Answer { ticket: 1, answer: Ok(_) }]), "{effects:?}");
    assert!(bench.tick(TELL_MS + 1).is_empty(), "once");
}

#[test]
fn c1_c2_a_second_claim_within_the_hour_meets_the_time_limit() {
    let mut bench = Bench::new();
    bench.claim(0, 9, 1).unwrap();
    assert_eq!(bench.claim(1_000, 10, 1), Err(time_limit(3_599)), "the same client");
    assert_eq!(bench.claim(1_001, 9, 2), Err(time_limit(3_599)), "the same account, rounded up");
    assert_eq!(bench.claim(HOUR - 1, 9, 1), Err(time_limit(1)));
    assert_eq!(time_limit(1).to_string(), "faucet time limit");
    assert!(bench.claim(HOUR, 9, 1).is_ok());
}

#[test]
fn f01_of_a_hundred_claims_for_one_account_at_once_one_is_reserved() {
    let mut bench = Bench::new();
    let results: Vec<_> = (0..100).map(|from| bench.reserve(0, 9, from)).collect();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(results[1..].iter().all(|result| *result == Err(time_limit(3_600))));
    assert_eq!(bench.rows(), 1);
}

#[test]
fn f02_of_a_hundred_claims_of_one_client_at_once_one_is_reserved() {
    let mut bench = Bench::new();
    let one = ip("192.0.2.1");
    let results: Vec<_> =
        (0..100).map(|n| bench.try_reserve(0, bench.asked(account(n), one), Form::Native(None))).collect();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(results[1..].iter().all(|result| *result == Err(time_limit(3_600))));
    assert_eq!(bench.rows(), 1);
}

#[test]
fn f05_a_range_has_its_share_and_then_hears_when_to_come_back() {
    let mut bench = Bench::new();
    let mut claim = |mono: u64, n: u32, from: &str| {
        bench.tick(mono);
        let asked = bench.asked(account(n), ip(from));
        let challenge = bench.faucet.challenge(at(mono), &asked)?;
        let solution = solve(&challenge.text, challenge.bits);
        bench.try_claim(mono, asked, Form::Native(Some(Work::new(challenge.text, solution))))
    };
    for n in 0..4 {
        claim(u64::from(n), n, &format!("198.51.100.{n}")).unwrap();
    }
    let range = "198.51.100.0/24".parse().unwrap();
    assert_eq!(claim(10, 9, "198.51.100.9"), Err(ClaimError::RangeLimit { range, retry_after_s: 3_600 }));
    assert!(claim(10, 9, "198.51.101.9").is_ok());
    assert!(claim(HOUR, 10, "198.51.100.9").is_ok(), "the first of the four is over");
}

#[test]
fn two_accounts_in_one_block_interval_get_nonces_in_a_row() {
    let mut bench = Bench::new();
    let base = bench.network.nonce_base;
    let nonces: Vec<_> = (0..3).map(|n| bench.claim(0, 9 + n, n).unwrap().nonce).collect();
    assert_eq!(nonces, [base, base + 1, base + 2]);
}

#[test]
fn a_payout_stands_behind_what_the_account_has_in_the_pool_and_on_the_chain() {
    let base = network().nonce_base;
    for (own, pool, expected) in [(5, None, 5), (5, Some(8), 8), (5, Some(3), 5)] {
        let mut bench = Bench::new();
        let own = Some(Account { balance: barrels(1000), nonce: base + own });
        let next_nonce = pool.map(|ahead| base + ahead);
        let asked = Asked { own, next_nonce, ..bench.asked(address(9), client(1)) };
        let claim = bench.try_reserve(0, asked, Form::Compatible).unwrap();
        assert_eq!(bench.row(claim).unwrap().payout.nonce, base + expected);
    }
}

#[test]
fn a_claim_that_could_not_be_kept_leaves_no_trace() {
    let mut bench = Bench::new();
    let claim = bench.reserve(0, 9, 1).unwrap();
    let nonce = bench.row(claim).unwrap().payout.nonce;
    let effects = bench.on(0, Event::NotKept { claim, why: "disk full".into() });
    let [Effect::Answer { ticket: 1, answer: Err(error) }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(error.to_string(), "the faucet cannot keep the claim: disk full");
    assert_eq!(bench.rows(), 0, "it may have been written all the same, so it is deleted");
    assert_eq!(bench.faucet.claims.owed(), 0);
    assert_eq!(bench.faucet.collectors.trace(&address(9)).unwrap().paid, 0);
    let again = bench.claim(0, 9, 1).unwrap();
    assert_eq!(again.nonce, nonce);
}

#[test]
fn the_same_claim_again_has_the_same_answer() {
    let mut bench = Bench::new();
    let native = || Form::Native(None);
    let payout = bench.try_claim(0, bench.asked(address(9), client(1)), native()).unwrap();
    let again = |bench: &mut Bench, to: u8, from: u8, form: Form| {
        let asked = bench.asked(address(to), client(from));
        match bench.claim_as(1_000, asked, form).pop() {
            Some(Effect::Answer { answer, .. }) => answer.map(|paid| paid.payout.id()),
            other => panic!("{other:?}"),
        }
    };
    let id = bench.payout_id(&payout);
    assert_eq!(again(&mut bench, 9, 1, native()).unwrap(), id);
    assert_eq!(again(&mut bench, 9, 2, native()).unwrap_err(), time_limit(3_599), "somebody else's");
    assert_eq!(again(&mut bench, 10, 1, native()).unwrap_err(), time_limit(3_599), "another account");
    assert_eq!(again(&mut bench, 9, 1, Form::Compatible).unwrap_err(), time_limit(3_599), "as the original answers");
    assert!(
        bench.try_claim(HOUR, bench.asked(address(9), client(1)), native()).is_ok(),
        "a new one after the interval"
    );
}

#[test]
fn whoever_repeats_a_claim_that_is_not_yet_kept_hears_what_comes_of_it() {
    let mut bench = Bench::new();
    let asked = bench.asked(address(9), client(1));
    let claim = bench.try_reserve(0, asked.clone(), Form::Native(None)).unwrap();
    for _ in 1..MAX_TICKETS {
        assert!(bench.claim_as(0, asked.clone(), Form::Native(None)).is_empty());
    }
    let effects = bench.claim_as(0, asked, Form::Native(None));
    assert!(matches!(&effects[..], [Effect::Answer { answer: Err(ClaimError::Busy), .. }]), "{effects:?}");
    let effects = bench.on(0, Event::Kept { claim });
    let [Effect::Submit(payout)] = &effects[..] else { panic!("{effects:?}") };
    let payout = payout.id(&bench.network.chain);
    let told = bench.on(0, Event::Submitted { payout });
    assert_eq!(told.len(), MAX_TICKETS);
    let all_paid =
        told.iter().all(|effect| matches!(effect, Effect::Answer { answer: Ok(paid), .. } if paid.claim == claim));
    assert!(all_paid, "{told:?}");
    assert_eq!(bench.rows(), 1);
}

#[test]
fn c2_at_ten_barrel_an_account_gets_nothing_and_just_below_it_does() {
    let below = Amount::drops(barrels(10).as_drops() - 1);
    for (balance, refused) in [(below, false), (barrels(10), true)] {
        let mut bench = Bench::new();
        let asked = Asked { account: Some(Account { balance, nonce: 0 }), ..bench.asked(address(9), client(1)) };
        let result = bench.try_reserve(0, asked, Form::Compatible);
        assert_eq!(result == Err(ClaimError::SufficientBalance), refused, "{balance}");
    }
    let text = "The account already has sufficient balance of 10 Barrel or more.";
    assert_eq!(ClaimError::SufficientBalance.to_string(), text, "clients of the original know this text");
}

#[test]
fn c4_an_account_that_forwards_its_coins_gets_no_more_than_its_limit_for_ever() {
    let mut bench = Bench::with(Params { terms: Terms { account_limit: barrels(25), ..params().terms }, ..params() });
    for round in 0..2 {
        bench.claim(round * HOUR, 9, round as u8).unwrap();
    }
    let received = barrels(20);
    assert_eq!(
        bench.claim(2 * HOUR, 9, 2),
        Err(ClaimError::ReceivedEnough { received }),
        "its balance is 0 all the time"
    );
    bench.restart(Now { mono: 0, unix: START + 100 * HOUR });
    assert_eq!(bench.claim(0, 9, 3), Err(ClaimError::ReceivedEnough { received }), "also after a restart");
}

#[test]
fn f11_nobody_is_paid_where_the_coins_would_be_lost_or_come_back() {
    for to in [Address::ZERO, address(FAUCET)] {
        let mut bench = Bench::new();
        let result = bench.try_reserve(0, bench.asked(to, client(1)), Form::Native(None));
        assert_eq!(result, Err(ClaimError::BadAddress), "{to}");
    }
}

#[test]
fn f12_a_faucet_that_is_off_or_behind_pays_nobody_and_goes_on_after_that() {
    let mut bench = Bench::with(Params { on: false, ..params() });
    assert_eq!(bench.reserve(0, 9, 1), Err(ClaimError::Off));
    assert_eq!(bench.faucet.state(), &State::Off);

    let mut bench = Bench::new();
    let payout = bench.claim(0, 9, 1).unwrap();
    bench.on(0, Event::Syncing(true));
    assert_eq!(bench.faucet.state(), &State::Closed);
    assert_eq!(bench.reserve(0, 10, 2), Err(ClaimError::Syncing));
    assert_eq!(bench.sent(RESEND_MS), [], "an old view of the chain would refuse it");
    bench.on(RESEND_MS, Event::Syncing(false));
    assert_eq!(bench.sent(RESEND_MS), [payout]);
}

#[test]
fn f14_claims_are_capped_and_a_flood_of_refused_ones_leaves_nothing() {
    let mut bench = Bench::new();
    bench.funds = Amount::drops(u64::MAX);
    bench.claim(0, 9, 1).unwrap();
    for n in 0..100_000 {
        // A new account each time, all from one client.
        let asked = bench.asked(account(n), client(1));
        assert_eq!(bench.try_reserve(0, asked, Form::Compatible), Err(time_limit(3_600)));
    }
    assert_eq!((bench.faucet.claims.len(), bench.faucet.collectors.traces()), (1, 1));
    for i in 1..=MAX_CLAIMS as u32 {
        let [_, _, c, d] = i.to_be_bytes();
        let result = bench.try_reserve(0, bench.asked(account(i), IpAddr::from([10, 9, c, d])), Form::Compatible);
        assert_eq!(result == Err(ClaimError::Busy), i == MAX_CLAIMS as u32, "claim {i}: {result:?}");
    }
}

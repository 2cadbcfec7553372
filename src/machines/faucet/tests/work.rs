//! Proof of work: when it is asked for, what counts, and that it counts once.

use super::*;

/// A bench that asks for some work: a quarter of its budget is left.
fn pressed() -> Bench {
    let mut bench = Bench::with_budget(params());
    let time = bench.faucet.budget.time(0);
    bench.faucet.budget.joined(0, time, 2 * barrels(1_000).as_drops());
    bench.faucet.budget.paid(time, barrels(600).as_drops());
    bench
}

fn solved(bench: &Bench, mono: u64, asked: &Asked) -> Work {
    let challenge = bench.faucet.challenge(at(mono), asked).unwrap();
    let solution = solve(&challenge.text, challenge.bits);
    Work::new(challenge.text, solution)
}

#[test]
fn in_calm_times_no_work_is_asked_for() {
    let bench = Bench::new();
    assert_eq!(bench.faucet.challenge(at(0), &bench.asked(address(9), client(1))).unwrap().bits, 0);
}

#[test]
fn under_pressure_a_claim_needs_work_and_the_compatible_interface_says_where_to_do_it() {
    let mut bench = pressed();
    let asked = bench.asked(address(9), client(1));
    for form in [Form::Compatible, Form::Native(None)] {
        let error = bench.try_reserve(0, asked.clone(), form).unwrap_err();
        assert_eq!(error, ClaimError::Work { bits: 15 });
        assert!(error.to_string().contains("web page"), "{error}");
    }
    let work = solved(&bench, 0, &asked);
    let lazy = Work::new(work.challenge.clone(), Some(0));
    assert!(lazy.done < 15);
    assert_eq!(bench.try_reserve(0, asked.clone(), Form::Native(Some(lazy))), Err(ClaimError::Work { bits: 15 }));
    assert!(bench.try_claim(0, asked, Form::Native(Some(work))).is_ok());
}

#[test]
fn f08_a_challenge_counts_once_also_after_its_claim_is_long_over() {
    let mut bench = Bench::with(Params { terms: Terms { interval_ms: 1_000, ..params().terms }, ..params() });
    let asked = bench.asked(address(9), client(1));
    let work = solved(&bench, 0, &asked);
    let first = bench.try_claim(0, asked.clone(), Form::Native(Some(work.clone()))).unwrap();
    // The interval is over, but not the challenge's life.
    for mono in [2_000, 200_000] {
        match bench.claim_as(mono, asked.clone(), Form::Native(Some(work.clone()))).pop() {
            Some(Effect::Answer { answer: Ok(paid), .. }) => assert_eq!(paid.payout.id(), bench.payout_id(&first)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(bench.rows(), 1, "the same answer, no second payout");
    let life = CHALLENGE_LIFE_S * 1000;
    assert!(life < WINDOW_MS, "a claim is remembered for longer than any challenge lives");
    let mut later = |to: u8, from: u8| {
        bench.try_reserve(life, bench.asked(address(to), client(from)), Form::Native(Some(work.clone())))
    };
    assert_eq!(later(10, 1), Err(ClaimError::Challenge), "for another account");
    assert_eq!(later(9, 2), Err(ClaimError::Challenge), "by another client");
}

#[test]
fn f08_an_expired_challenge_or_one_of_an_earlier_start_is_refused() {
    let mut bench = Bench::new();
    let asked = bench.asked(address(9), client(1));
    let work = solved(&bench, 0, &asked);
    let life = CHALLENGE_LIFE_S * 1000;
    assert_eq!(bench.try_reserve(life, asked.clone(), Form::Native(Some(work.clone()))), Err(ClaimError::Challenge));
    let mut restarted = Bench::with(Params { challenge_key: [8; 32], ..params() });
    assert_eq!(restarted.try_reserve(0, asked, Form::Native(Some(work))), Err(ClaimError::Challenge));
}

#[test]
fn a_claim_with_the_same_challenge_has_the_same_answer_after_a_restart() {
    let mut bench = Bench::new();
    let asked = bench.asked(address(9), client(1));
    let work = solved(&bench, 0, &asked);
    let first = bench.try_claim(0, asked.clone(), Form::Native(Some(work.clone()))).unwrap();
    bench.restart(Now { mono: 0, unix: START + 5_000 });
    match bench.claim_as(0, asked, Form::Native(Some(work))).pop() {
        Some(Effect::Answer { answer: Ok(paid), .. }) => assert_eq!(paid.payout.id(), bench.payout_id(&first)),
        other => panic!("{other:?}"),
    }
}

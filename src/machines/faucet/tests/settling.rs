//! From reserved to settled: the same bytes until they are in the chain, through reorganisations.

use super::*;

#[test]
fn c5_a_reorganisation_sends_the_same_payout_again() {
    let mut bench = Bench::new();
    let payout = bench.claim(0, 9, 1).unwrap();
    let before = bench.branch.clone();
    let blocks = bench.connect(1, vec![Transaction::Transfer(payout.clone())], 0);
    assert_eq!(bench.phase(0), Phase::Confirmed(1));
    assert_eq!(bench.sent(RESEND_MS), [], "it is in a block");
    bench.branch = before;
    let other: Vec<_> = (0..2).map(|_| bench.branch.extend(6, Vec::new())).collect();
    bench.tip_changed(RESEND_MS, &blocks, &other);
    assert_eq!(bench.phase(0), Phase::Reserved);
    assert_eq!(bench.sent(RESEND_MS), std::slice::from_ref(&payout));
    bench.connect(RESEND_MS, vec![Transaction::Transfer(payout)], 0);
    assert_eq!(bench.phase(0), Phase::Confirmed(3));
}

#[test]
fn f09_payouts_that_a_reorganisation_dropped_are_sent_again_in_order_and_once() {
    let mut bench = Bench::new();
    let payouts: Vec<_> = (0..5).map(|n| bench.claim(0, 9 + n, n).unwrap()).collect();
    let before = bench.branch.clone();
    let gone = bench.connect(1, payouts.iter().cloned().map(Transaction::Transfer).collect(), 1);
    bench.branch = before;
    // The other branch has the first two.
    let kept = payouts[..2].iter().cloned().map(Transaction::Transfer).collect();
    let other = [bench.branch.extend(6, kept), bench.branch.extend(6, Vec::new()), bench.branch.extend(6, Vec::new())];
    bench.tip_changed(2, &gone, &other);
    assert_eq!(bench.sent(3), payouts[2..], "the others, in the order of their nonces");
    assert_eq!(bench.sent(4), [], "once");
    let next = bench.claim(5, 20, 20).unwrap();
    assert_eq!(next.nonce, payouts[4].nonce + 1, "no nonce is given twice");
}

#[test]
fn a_reorganisation_that_keeps_the_payout_sends_nothing() {
    let mut bench = Bench::new();
    let payout = Transaction::Transfer(bench.claim(0, 9, 1).unwrap());
    let before = bench.branch.clone();
    let blocks = bench.connect(1, vec![payout.clone()], 0);
    bench.branch = before;
    let other = [bench.branch.extend(6, Vec::new()), bench.branch.extend(6, vec![payout])];
    bench.tip_changed(2, &blocks, &other);
    assert_eq!(bench.phase(0), Phase::Confirmed(2));
    assert_eq!(bench.sent(100_000), []);
}

#[test]
fn a_claim_is_forgotten_when_its_payout_is_settled_and_its_limits_and_its_hour_have_passed() {
    let mut bench = Bench::new();
    let payout = Transaction::Transfer(bench.claim(0, 9, 1).unwrap());
    bench.connect(1, vec![payout], SETTLED_DEPTH as usize - 1);
    let end = HOUR + 2 * 60_000;
    bench.tick(end);
    assert_eq!(bench.rows(), 1, "one block is missing");
    bench.connect(1, Vec::new(), 0);
    bench.tick(HOUR + 1);
    assert_eq!(bench.rows(), 1, "the budget counts it");
    bench.tick(end);
    assert_eq!(bench.rows(), 0);
    assert!(matches!(bench.faucet.state(), State::Open { waiting: 0, claims: 0, paid: 1, .. }));
}

#[test]
fn an_overtaken_payout_is_signed_anew_only_when_that_is_settled() {
    let mut bench = Bench::new();
    let old = bench.claim(0, 9, 1).unwrap();
    let id = bench.payout_id(&old);
    // The key pays somebody else with the same nonce.
    let other = pay(&bench.network, FAUCET, 3, 5, 5, 0);
    bench.connect(1, vec![other], 0);
    bench.on(1, Event::NonceUsed { payout: id });
    assert_eq!(bench.phase(0), Phase::Overtaken(1));
    assert_eq!(bench.sent(100_000), [], "the old one is hopeless now");
    bench.connect(1, Vec::new(), SETTLED_DEPTH as usize - 2);
    let next_nonce = bench.network.nonce_base + 1;
    assert!(bench.tick_with(100_000, next_nonce).is_empty(), "a reorganisation could still bring it back");
    bench.connect(1, Vec::new(), 0);
    let effects = bench.tick_with(100_000, next_nonce);
    assert!(matches!(&effects[..], [Effect::Keep { claim: 0, .. }]), "{effects:?}");
    let row = bench.row(0).unwrap().clone();
    assert_eq!((row.payout.to, row.payout.nonce, row.phase), (old.to, old.nonce + 1, Phase::Reserved));
    let effects = bench.on(100_000, Event::Kept { claim: 0 });
    assert!(matches!(&effects[..], [Effect::Submit(_)]), "kept first, and nobody waits for an answer: {effects:?}");
    bench.connect(1, vec![Transaction::Transfer(row.payout)], 0);
    assert!(matches!(bench.phase(0), Phase::Confirmed(_)));
    assert!(matches!(bench.faucet.state(), State::Open { paid: 1, waiting: 0, .. }));
}

#[test]
fn a_payout_that_was_overtaken_by_itself_is_confirmed() {
    let mut bench = Bench::new();
    let payout = bench.claim(0, 9, 1).unwrap();
    let id = bench.payout_id(&payout);
    bench.on(1, Event::NonceUsed { payout: id });
    bench.connect(1, vec![Transaction::Transfer(payout)], 20);
    assert_eq!(bench.phase(0), Phase::Confirmed(1));
    bench.on(2, Event::NonceUsed { payout: id });
    assert_eq!(bench.phase(0), Phase::Confirmed(1));
}

#[test]
fn a_new_signature_that_could_not_be_kept_does_not_lose_the_claim() {
    let mut bench = Bench::new();
    let payout = bench.claim(0, 9, 1).unwrap();
    bench.connect(1, vec![pay(&bench.network, FAUCET, 3, 5, 5, 0)], 0);
    bench.on(1, Event::NonceUsed { payout: bench.payout_id(&payout) });
    bench.connect(1, Vec::new(), SETTLED_DEPTH as usize);
    assert!(matches!(bench.tick_with(2, payout.nonce + 1)[..], [Effect::Keep { claim: 0, .. }]));
    // Whoever repeats the claim meanwhile waits with it; neither is that a reason to let it go.
    let asked = bench.asked(address(9), client(1));
    assert!(bench.claim_as(3, asked, Form::Native(None)).is_empty());
    assert!(bench.on(3, Event::NotKept { claim: 0, why: "disk full".into() }).is_empty());
    assert!(
        matches!(bench.tick_with(4, payout.nonce + 1)[..], [Effect::Keep { claim: 0, .. }]),
        "it is owed all the same"
    );
}

#[test]
fn a_write_of_which_nothing_is_heard_is_done_again_until_it_is() {
    let mut bench = Bench::new();
    let claim = bench.reserve(0, 9, 1).unwrap();
    let again = |bench: &mut Bench, mono| {
        let effects = bench.tick(mono);
        effects.iter().any(|effect| matches!(effect, Effect::Keep { claim: number, .. } if *number == claim))
    };
    assert!(!again(&mut bench, RESEND_MS - 1));
    assert!(again(&mut bench, RESEND_MS));
    assert!(!again(&mut bench, RESEND_MS + 1));
    assert!(again(&mut bench, 2 * RESEND_MS));
    let effects = bench.on(2 * RESEND_MS, Event::Kept { claim });
    assert!(matches!(&effects[..], [Effect::Submit(_)]), "{effects:?}");
    assert!(!again(&mut bench, 4 * RESEND_MS));
}

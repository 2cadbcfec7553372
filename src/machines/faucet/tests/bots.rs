//! Collectors: found, also over several steps, and people not mistaken for them.

use super::*;

const SHARE: u64 = 1_000_000;

/// Account `n` was paid at `from`.
fn feed(bench: &mut Bench, n: u32, from: IpAddr) {
    let time = bench.faucet.budget.time(0);
    bench.faucet.collectors.paid(account(n), from.into(), SHARE, time);
}

fn send(bench: &mut Bench, from: Address, to: Address, drops: u64) {
    let time = bench.faucet.budget.time(0);
    bench.faucet.collectors.moved(Move { from, to, drops }, time, |_| false);
}

fn refused(bench: &Bench, to: Address, from: IpAddr) -> Option<Address> {
    bench.faucet.collectors.refuses(Some(&to), from.into(), bench.faucet.budget.time(0))
}

/// Client `n` of a farm with `per_range` addresses in each /24.
fn farm(n: u32, per_range: u32) -> IpAddr {
    let range = n / per_range;
    IpAddr::from([100, (range >> 8) as u8, range as u8, (n % per_range) as u8])
}

const BOSS: Address = Address([9; 20]);

#[test]
fn c4_several_accounts_of_few_ranges_that_forward_all_to_one_are_refused_with_their_ranges() {
    let mut bench = Bench::new();
    for n in 0..8 {
        feed(&mut bench, n, farm(n, 4));
    }
    for n in 0..7 {
        send(&mut bench, account(n), BOSS, SHARE);
    }
    assert_eq!(refused(&bench, account(0), farm(0, 4)), None, "seven may be one person's");
    send(&mut bench, account(7), BOSS, SHARE * 3 / 4);
    for n in 0..8 {
        assert_eq!(refused(&bench, account(n), client(1)), Some(BOSS), "account {n} from elsewhere");
        assert_eq!(refused(&bench, account(1_000 + n), farm(n, 4)), Some(BOSS), "a fresh account of client {n}");
    }
    assert_eq!(refused(&bench, account(2_000), ip("100.0.0.200")), Some(BOSS), "the rest of the /24");
    assert_eq!(refused(&bench, account(2_000), ip("100.0.9.200")), None, "a range of others");
    assert_eq!(refused(&bench, BOSS, client(1)), Some(BOSS));
    let flag = bench.faucet.collectors.flag(&BOSS).unwrap();
    assert_eq!((flag.why, flag.accounts, flag.ranges), (Why::FewRanges, 8, 2));
    // Whoever joins later is refused at once.
    feed(&mut bench, 50, farm(500, 1));
    send(&mut bench, account(50), BOSS, SHARE);
    assert_eq!(refused(&bench, account(50), client(1)), Some(BOSS));
    assert_eq!(refused(&bench, account(51), farm(500, 1)), Some(BOSS));
}

#[test]
fn c4_many_accounts_from_everywhere_whom_hardly_anybody_else_pays_are_found_too() {
    let mut bench = Bench::new();
    for n in 0..MANY as u32 {
        feed(&mut bench, n, farm(n, 1));
        send(&mut bench, account(n), BOSS, SHARE);
        let flagged = bench.faucet.collectors.flag(&BOSS).map(|flag| flag.why);
        assert_eq!(flagged, (n + 1 == MANY as u32).then_some(Why::ManyAccounts), "after {} accounts", n + 1);
    }
}

#[test]
fn c4_ranges_are_refused_one_after_the_other_however_many_a_collector_has() {
    let mut bench = Bench::new();
    // One account of each range first: more than are remembered of a collector.
    for n in 0..300 {
        feed(&mut bench, n, IpAddr::from([100, 0, (n % 100) as u8, (n / 100) as u8]));
        send(&mut bench, account(n), BOSS, SHARE);
        let near = IpAddr::from([100, 0, (n % 100) as u8, 200]);
        assert_eq!(refused(&bench, account(2_000), near), (n >= 200).then_some(BOSS), "client {n}");
    }
}

#[test]
fn c4_coins_are_followed_over_four_steps_and_through_several_hands() {
    let hop = |step: u8, n: u32| {
        let mut bytes = [step; 20];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        Address(bytes)
    };
    for steps in 1..=5u8 {
        let mut bench = Bench::new();
        for n in 0..8 {
            feed(&mut bench, n, farm(n, 4));
            let mut from = account(n);
            for step in 1..steps {
                send(&mut bench, from, hop(100 + step, n), SHARE);
                from = hop(100 + step, n);
            }
            send(&mut bench, from, BOSS, SHARE);
        }
        assert_eq!(refused(&bench, account(0), client(1)).is_some(), steps <= MAX_DEPTH, "{steps} steps");
    }
    // Two collectors of four each say nothing; what they bring together does.
    let mut bench = Bench::new();
    for n in 0..8 {
        feed(&mut bench, n, farm(n, 4));
        send(&mut bench, account(n), hop(200, n / 4), SHARE);
    }
    assert_eq!(bench.faucet.collectors.flags().count(), 0);
    for half in 0..2 {
        send(&mut bench, hop(200, half), BOSS, 4 * SHARE);
    }
    assert_eq!(refused(&bench, account(0), client(1)), Some(BOSS));
    // So do coins that are split on the way.
    let mut bench = Bench::new();
    for n in 0..8 {
        feed(&mut bench, n, farm(n, 4));
        for part in 0..3 {
            send(&mut bench, account(n), hop(210, part), SHARE / 3);
        }
    }
    assert_eq!(bench.faucet.collectors.flags().count(), 3);
}

#[test]
fn honest_people_who_pay_the_same_shop_are_left_alone() {
    let shop = BOSS;
    // They buy something and keep something.
    let mut bench = Bench::new();
    for n in 0..200 {
        feed(&mut bench, n, farm(n, 2));
        send(&mut bench, account(n), shop, SHARE / 2);
    }
    assert_eq!(bench.faucet.collectors.flags().count(), 0);
    // They spend all they have, and so do customers who never saw the faucet.
    let mut bench = Bench::new();
    feed(&mut bench, 0, farm(0, 1));
    send(&mut bench, account(0), shop, SHARE);
    for n in 1..200 {
        feed(&mut bench, n, farm(n, 1));
        send(&mut bench, account(n), shop, SHARE);
        send(&mut bench, account(10_000 + n), shop, SHARE);
    }
    assert_eq!(bench.faucet.collectors.flags().count(), 0);
    // They give back what they did not need.
    let mut bench = Bench::new();
    for n in 0..50 {
        feed(&mut bench, n, farm(n, 4));
        let faucet = bench.faucet.account();
        send(&mut bench, account(n), faucet, SHARE);
    }
    assert_eq!(bench.faucet.collectors.traces(), 50);
    assert_eq!(bench.faucet.collectors.flags().count(), 0);
    // Somebody puts the coins of a few accounts together.
    let mut bench = Bench::new();
    for n in 0..7 {
        feed(&mut bench, n, farm(n, 4));
        send(&mut bench, account(n), BOSS, SHARE);
    }
    assert_eq!(bench.faucet.collectors.flags().count(), 0);
}

#[test]
fn the_operator_sees_why_and_pardons_for_good() {
    let mut bench = Bench::new();
    for n in 0..8 {
        feed(&mut bench, n, farm(n, 4));
        send(&mut bench, account(n), BOSS, SHARE);
    }
    let report = bench.faucet.report(at(0));
    assert_eq!(report.flags.len(), 1);
    assert_eq!((report.flags[0].0, report.flags[0].1.why), (BOSS, Why::FewRanges));
    assert_eq!(report.refused_count, 8 + 2, "each client, and each /24 with three of them");
    bench.order(Order::Pardon("100.0.0.0/24".parse().unwrap())).unwrap();
    assert_eq!(refused(&bench, account(77), ip("100.0.0.1")), None);
    assert_eq!(refused(&bench, account(77), ip("100.0.1.1")), Some(BOSS));
    bench.order(Order::Pardon(Entry::Account(BOSS))).unwrap();
    bench.restart(at(0));
    for n in 0..8 {
        assert_eq!(refused(&bench, account(n), farm(n, 4)), None);
    }
    feed(&mut bench, 8, farm(8, 4));
    send(&mut bench, account(8), BOSS, SHARE);
    assert_eq!(bench.faucet.collectors.flags().count(), 0, "it is not found again");
    let nobody = Entry::Account(account(5_000));
    assert_eq!(bench.order(Order::Pardon(nobody)), Err(OrderError::NothingToPardon(nobody)));
}

#[test]
fn what_was_found_out_survives_a_restart_and_a_ranges_refusal_ends_after_a_week() {
    let mut bench = Bench::new();
    let start = bench.faucet.budget.time(0);
    for n in 0..8 {
        feed(&mut bench, n, farm(n, 4));
        send(&mut bench, account(n), BOSS, SHARE);
    }
    bench.tick(0);
    bench.restart(at(0));
    assert_eq!(refused(&bench, account(3), client(1)), Some(BOSS));
    assert_eq!(refused(&bench, account(99), farm(3, 4)), Some(BOSS));
    let week = 7 * 24 * HOUR;
    assert!(bench.faucet.collectors.refuses(None, farm(3, 4).into(), start + week - 1).is_some());
    assert!(bench.faucet.collectors.refuses(None, farm(3, 4).into(), start + week).is_none());
    bench.tick(week + 1);
    assert_eq!(bench.faucet.collectors.all_refused().count(), 0);
}

#[test]
fn payments_count_when_they_are_buried_and_once_also_over_a_reorganisation_and_a_restart() {
    let mut bench = Bench::new();
    // Person 2 is paid and sends on a third: three times that would be all of it.
    let fed = bench.claim(0, 2, 1).unwrap();
    let third = fed.amount.as_drops() / 3;
    let sent = |bench: &Bench| bench.faucet.collectors.trace(&address(2)).unwrap().sent;
    let payment = pay(&bench.network, 2, 7, third, 0, 0);
    let before = bench.branch.clone();
    let gone = bench.connect(1, vec![payment.clone()], watched::DEPTH as usize - 1);
    assert_eq!(sent(&bench), 0, "not buried yet");
    bench.branch = before;
    let other: Vec<_> = (0..watched::DEPTH).map(|_| bench.branch.extend(6, Vec::new())).collect();
    bench.tip_changed(2, &gone, &other);
    bench.connect(2, vec![payment], watched::DEPTH as usize);
    assert_eq!(sent(&bench), third);
    bench.restart(at(3));
    bench.connect(3, Vec::new(), 20);
    assert_eq!(sent(&bench), third);
    bench.restart(at(4));
    assert_eq!(sent(&bench), third);
}

#[test]
fn f14_what_is_remembered_of_accounts_is_bounded() {
    let mut bench = Bench::new();
    for n in 0..MAX_TRACES as u32 + 5_000 {
        feed(&mut bench, n, farm(n, 200));
        // Dust to many: who gets less than a quarter is not followed.
        for other in 0..3 {
            send(&mut bench, account(n), account(1_000_000 + 3 * n + other), SHARE / 100);
        }
    }
    assert_eq!(bench.faucet.collectors.traces(), MAX_TRACES);
    assert!(bench.faucet.collectors.trace(&account(0)).is_none(), "the oldest made room");
    assert!(bench.faucet.collectors.trace(&account(MAX_TRACES as u32)).is_some());
}

//! The transitions of the faucet machine: everybody is paid exactly once.

use ledger::{Block, CheckedBlock};

use super::*;
use crate::fixture::{Branch, START, address, at, barrels, checked_block, key, network, pay};

const HOUR: u64 = 60 * 60 * 1000;
/// The faucet's key is that of person 1, who has 1 000 Barrel.
const FAUCET: u8 = 1;

struct Bench {
    faucet: Faucet,
    network: Arc<Network>,
    branch: Branch,
    /// Claims as they are kept.
    kept: BTreeMap<u64, Claim>,
    next_ticket: u64,
}

fn params() -> Params {
    let (amount, balance_limit) = (barrels(10), barrels(10));
    Params { on: true, key: key(FAUCET), amount, balance_limit, interval_ms: HOUR }
}

/// Address number `n` of clients.
fn client(n: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, n])
}

impl Bench {
    fn new() -> Self {
        Self::with(params())
    }

    fn with(params: Params) -> Self {
        let network = network();
        let faucet = Faucet::new(network.clone(), params, Vec::new(), network.genesis_tip(), at(0));
        Self { faucet, branch: Branch::new(&network), network, kept: BTreeMap::new(), next_ticket: 0 }
    }

    /// The node starts again with what was kept.
    fn restart(&mut self, now: Now) {
        let kept = self.kept.clone().into_iter().collect();
        self.faucet = Faucet::new(self.network.clone(), params(), kept, self.branch.tip(), now);
    }

    /// Handles an event and keeps rows as a store does, without saying so.
    fn on(&mut self, mono: u64, event: Event) -> Vec<Effect> {
        let effects = self.faucet.on(at(mono), event);
        for effect in &effects {
            match effect {
                Effect::Keep { claim, row } | Effect::Update { claim, row } => {
                    self.kept.insert(*claim, row.clone());
                }
                Effect::Forget { claim } => assert!(self.kept.remove(claim).is_some()),
                Effect::Submit(_) | Effect::Answer { .. } => {}
            }
        }
        effects
    }

    fn claim_event(&mut self, to: u8, from: u8) -> Event {
        self.next_ticket += 1;
        let (ticket, base) = (self.next_ticket, self.network.nonce_base);
        let own = Some(Account { balance: barrels(1000), nonce: base });
        Event::Claim { to: address(to), client: client(from), ticket, account: None, own, next_nonce: None }
    }

    /// Person `to` claims; gives the number and the row to keep, or why not.
    fn reserve(&mut self, mono: u64, to: u8, from: u8) -> Result<(u64, Claim), ClaimError> {
        let event = self.claim_event(to, from);
        match self.on(mono, event).pop() {
            Some(Effect::Keep { claim, row }) => Ok((claim, row)),
            Some(Effect::Answer { ticket, answer: Err(error) }) => {
                assert_eq!(ticket, self.next_ticket);
                Err(error)
            }
            other => panic!("{other:?}"),
        }
    }

    /// Person `to` claims and the row is kept; gives the payout.
    fn claim(&mut self, mono: u64, to: u8, from: u8) -> Result<Transfer, ClaimError> {
        let (claim, row) = self.reserve(mono, to, from)?;
        let effects = self.on(mono, Event::Kept { claim });
        let [Effect::Submit(Transaction::Transfer(sent)), Effect::Answer { answer: Ok(told), .. }] = &effects[..]
        else {
            panic!("{effects:?}")
        };
        assert_eq!((sent, told.transaction()), (&row.payout, &Transaction::Transfer(row.payout.clone())));
        Ok(row.payout)
    }

    /// Blocks join the chain.
    fn connect(&mut self, mono: u64, transactions: Vec<Transaction>, then_empty: usize) -> Vec<Block> {
        let mut blocks = vec![self.branch.extend(5, transactions)];
        blocks.extend((0..then_empty).map(|_| self.branch.extend(5, Vec::new())));
        self.tip_changed(mono, &[], &blocks);
        blocks
    }

    fn tip_changed(&mut self, mono: u64, gone: &[Block], new: &[Block]) -> Vec<Effect> {
        let paid = |blocks: &[Block]| -> Vec<_> {
            let checked = blocks.iter().map(|block| checked_block(&self.network, block));
            let own = |block: Arc<CheckedBlock>| {
                let own = block.transactions().iter().filter(|tx| tx.sender() == address(FAUCET)).map(|tx| tx.id());
                own.map(|id| (id, block.header().height)).collect::<Vec<_>>()
            };
            checked.flat_map(own).collect()
        };
        let changed = TipChanged {
            left: gone.len() as u64,
            joined: new.len() as u64,
            watched_left: paid(gone).into_iter().map(|(id, _)| id).collect(),
            watched_joined: paid(new),
            ..TipChanged::none(self.branch.tip())
        };
        self.on(mono, Event::TipChanged(changed))
    }

    fn tick(&mut self, mono: u64) -> Vec<Effect> {
        let next_nonce = Some(self.network.nonce_base);
        self.on(mono, Event::Tick { next_nonce })
    }

    /// What a tick hands to the chain.
    fn sent(&mut self, mono: u64) -> Vec<Transfer> {
        let transfer = |effect| match effect {
            Effect::Submit(Transaction::Transfer(payout)) => Some(payout),
            _ => None,
        };
        self.tick(mono).into_iter().filter_map(transfer).collect()
    }
}

fn time_limit(seconds: u64) -> ClaimError {
    ClaimError::TimeLimit { retry_after_s: seconds }
}

#[test]
fn a_claim_is_kept_before_anybody_is_told_or_paid() {
    let mut bench = Bench::new();
    let event = bench.claim_event(9, 1);
    let effects = bench.on(0, event);
    assert!(matches!(&effects[..], [Effect::Keep { .. }]), "{effects:?}");
    let [Effect::Keep { claim, row }] = &effects[..] else { panic!() };
    assert_eq!((row.phase, row.at), (Phase::Reserved, START));
    assert!(bench.tick(1_000_000).is_empty(), "nothing is sent before it is kept");
    let effects = bench.on(0, Event::Kept { claim: *claim });
    assert!(matches!(&effects[..], [Effect::Submit(_), Effect::Answer { ticket: 1, answer: Ok(_) }]), "{effects:?}");
    let payout = &row.payout;
    assert_eq!((payout.to, payout.amount, payout.nonce), (address(9), barrels(10), bench.network.nonce_base));
    let State::Open { account, waiting: 1, claims: 1, paid: 1, refused: 0 } = *bench.faucet.state() else {
        panic!("{:?}", bench.faucet.state())
    };
    assert_eq!(account, address(FAUCET));
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
fn c5_a_hundred_claims_for_one_address_at_once_are_one_payout() {
    let mut bench = Bench::new();
    let results: Vec<_> = (0..100).map(|from| bench.reserve(0, 9, from)).collect();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(results[1..].iter().all(|result| *result == Err(time_limit(3_600))));
    assert_eq!(bench.kept.len(), 1);
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
        let Event::Claim { to, client, ticket, account, .. } = bench.claim_event(9, 1) else { panic!() };
        let own = Some(Account { balance: barrels(1000), nonce: base + own });
        let next_nonce = pool.map(|ahead| base + ahead);
        let effects = bench.on(0, Event::Claim { to, client, ticket, account, own, next_nonce });
        let [Effect::Keep { row, .. }] = &effects[..] else { panic!("{effects:?}") };
        assert_eq!(row.payout.nonce, base + expected);
    }
}

#[test]
fn c6_after_a_restart_limits_hold_and_the_same_bytes_are_sent_again() {
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
fn c6_a_clock_that_steps_back_a_day_locks_nobody_for_longer_than_the_interval() {
    let mut bench = Bench::new();
    bench.claim(0, 9, 1).unwrap();
    bench.restart(Now { mono: 0, unix: START - 24 * HOUR });
    assert_eq!(bench.claim(0, 9, 2), Err(time_limit(3_600)));
    assert!(bench.claim(HOUR, 9, 2).is_ok());
}

#[test]
fn c6_a_clock_that_steps_while_the_node_runs_changes_nothing() {
    let mut bench = Bench::new();
    bench.claim(0, 9, 1).unwrap();
    for unix in [START - 24 * HOUR, START + 24 * HOUR] {
        let event = bench.claim_event(9, 2);
        let effects = bench.faucet.on(Now { mono: 1_000, unix }, event);
        assert!(matches!(&effects[..], [Effect::Answer { answer: Err(ClaimError::TimeLimit { .. }), .. }]));
    }
}

#[test]
fn c5_a_reorganisation_sends_the_same_payout_again() {
    let mut bench = Bench::new();
    let payout = bench.claim(0, 9, 1).unwrap();
    let before = bench.branch.clone();
    let blocks = bench.connect(1, vec![Transaction::Transfer(payout.clone())], 0);
    assert_eq!(bench.kept[&0].phase, Phase::Confirmed(1));
    assert_eq!(bench.sent(RESEND_MS), [], "it is in a block");
    bench.branch = before;
    let other: Vec<_> = (0..2).map(|_| bench.branch.extend(6, Vec::new())).collect();
    bench.tip_changed(RESEND_MS, &blocks, &other);
    assert_eq!(bench.kept[&0].phase, Phase::Reserved);
    assert_eq!(bench.sent(RESEND_MS), std::slice::from_ref(&payout));
    bench.connect(RESEND_MS, vec![Transaction::Transfer(payout)], 0);
    assert_eq!(bench.kept[&0].phase, Phase::Confirmed(3));
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
    assert_eq!(bench.kept[&0].phase, Phase::Confirmed(2));
    assert_eq!(bench.sent(100_000), []);
}

#[test]
fn a_claim_that_could_not_be_kept_frees_its_limits_and_its_nonce() {
    let mut bench = Bench::new();
    let (claim, row) = bench.reserve(0, 9, 1).unwrap();
    let effects = bench.on(0, Event::NotKept { claim, why: "disk full".into() });
    let [Effect::Answer { ticket: 1, answer: Err(error) }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(error.to_string(), "the faucet cannot keep the claim: disk full");
    let again = bench.claim(0, 9, 1).unwrap();
    assert_eq!(again.nonce, row.payout.nonce);
}

#[test]
fn what_is_reserved_counts_against_the_faucets_funds() {
    let each = barrels(10).as_drops() + FEE.as_drops();
    for (drops, payouts) in [(each - 1, 0), (each, 1), (3 * each - 1, 2), (3 * each, 3)] {
        let mut bench = Bench::new();
        let own = Some(Account { balance: Amount::drops(drops), nonce: bench.network.nonce_base });
        let mut paid = 0;
        for n in 0..5 {
            let event =
                Event::Claim { to: address(9 + n), client: client(n), ticket: 0, account: None, own, next_nonce: None };
            match &bench.on(0, event)[..] {
                [Effect::Keep { .. }] => paid += 1,
                [Effect::Answer { answer, .. }] => assert_eq!(answer.as_ref().unwrap_err(), &ClaimError::NoFunds),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(paid, payouts, "{drops} drops");
    }
}

#[test]
fn c2_at_ten_barrel_an_account_gets_nothing_and_just_below_it_does() {
    let below = Amount::drops(barrels(10).as_drops() - 1);
    for (balance, refused) in [(below, false), (barrels(10), true)] {
        let mut bench = Bench::new();
        let Event::Claim { to, client, ticket, own, next_nonce, .. } = bench.claim_event(9, 1) else { panic!() };
        let account = Some(Account { balance, nonce: 0 });
        let effects = bench.on(0, Event::Claim { to, client, ticket, account, own, next_nonce });
        let sufficient = matches!(&effects[..], [Effect::Answer { answer: Err(ClaimError::SufficientBalance), .. }]);
        assert_eq!(sufficient, refused, "{balance}");
    }
    let text = "The account already has sufficient balance of 10 Barrel or more.";
    assert_eq!(ClaimError::SufficientBalance.to_string(), text, "clients of the original know this text");
}

#[test]
fn nobody_is_paid_where_the_coins_would_be_lost_or_come_back() {
    for to in [Address::ZERO, address(FAUCET)] {
        let mut bench = Bench::new();
        let Event::Claim { client, ticket, account, own, next_nonce, .. } = bench.claim_event(9, 1) else { panic!() };
        let effects = bench.on(0, Event::Claim { to, client, ticket, account, own, next_nonce });
        assert!(matches!(&effects[..], [Effect::Answer { answer: Err(ClaimError::BadAddress), .. }]), "{effects:?}");
    }
}

#[test]
fn a_faucet_that_is_off_or_behind_pays_nobody() {
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
fn a_claim_is_forgotten_when_its_payout_is_settled_and_its_limits_have_passed() {
    let mut bench = Bench::new();
    let payout = Transaction::Transfer(bench.claim(0, 9, 1).unwrap());
    bench.connect(1, vec![payout], SETTLED_DEPTH as usize - 1);
    bench.tick(HOUR);
    assert_eq!(bench.kept.len(), 1, "one block is missing");
    bench.connect(1, Vec::new(), 0);
    bench.tick(HOUR - 1);
    assert_eq!(bench.kept.len(), 1, "its limits hold");
    let effects = bench.tick(HOUR);
    assert!(matches!(&effects[..], [Effect::Forget { claim: 0 }]), "{effects:?}");
    assert!(bench.kept.is_empty());
    assert!(matches!(bench.faucet.state(), State::Open { waiting: 0, claims: 0, paid: 1, .. }));
}

#[test]
fn an_overtaken_payout_is_signed_anew_only_when_that_is_settled() {
    let mut bench = Bench::new();
    let old = bench.claim(0, 9, 1).unwrap();
    let id = old.id(&bench.network.chain);
    // The key pays somebody else with the same nonce.
    let other = pay(&bench.network, FAUCET, 3, 5, 5, 0);
    bench.connect(1, vec![other], 0);
    bench.on(1, Event::NonceUsed { payout: id });
    assert_eq!(bench.kept[&0].phase, Phase::Overtaken(1));
    assert_eq!(bench.sent(100_000), [], "the old one is hopeless now");
    bench.connect(1, Vec::new(), SETTLED_DEPTH as usize - 2);
    let next_nonce = Some(bench.network.nonce_base + 1);
    assert!(bench.on(100_000, Event::Tick { next_nonce }).is_empty(), "a reorganisation could still bring it back");
    bench.connect(1, Vec::new(), 0);
    let effects = bench.on(100_000, Event::Tick { next_nonce });
    let [Effect::Keep { claim: 0, row }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((row.payout.to, row.payout.nonce, row.phase), (old.to, old.nonce + 1, Phase::Reserved));
    let effects = bench.on(100_000, Event::Kept { claim: 0 });
    assert!(matches!(&effects[..], [Effect::Submit(_)]), "kept first, and nobody waits for an answer: {effects:?}");
    bench.connect(1, vec![Transaction::Transfer(row.payout.clone())], 0);
    assert!(matches!(bench.kept[&0].phase, Phase::Confirmed(_)));
}

#[test]
fn a_payout_that_was_overtaken_by_itself_is_confirmed() {
    let mut bench = Bench::new();
    let payout = bench.claim(0, 9, 1).unwrap();
    let id = payout.id(&bench.network.chain);
    bench.on(1, Event::NonceUsed { payout: id });
    bench.connect(1, vec![Transaction::Transfer(payout)], 20);
    assert_eq!(bench.kept[&0].phase, Phase::Confirmed(1));
    bench.on(2, Event::NonceUsed { payout: id });
    assert_eq!(bench.kept[&0].phase, Phase::Confirmed(1));
}

#[test]
fn a_new_signature_that_could_not_be_kept_does_not_lose_the_claim() {
    let mut bench = Bench::new();
    let payout = bench.claim(0, 9, 1).unwrap();
    bench.connect(1, vec![pay(&bench.network, FAUCET, 3, 5, 5, 0)], 0);
    bench.on(1, Event::NonceUsed { payout: payout.id(&bench.network.chain) });
    bench.connect(1, Vec::new(), SETTLED_DEPTH as usize);
    let tick = || Event::Tick { next_nonce: Some(payout.nonce + 1) };
    assert!(matches!(bench.on(2, tick())[..], [Effect::Keep { claim: 0, .. }]));
    assert!(bench.on(3, Event::NotKept { claim: 0, why: "disk full".into() }).is_empty());
    assert!(matches!(bench.on(4, tick())[..], [Effect::Keep { claim: 0, .. }]), "it is owed all the same");
}

#[test]
fn claims_are_capped() {
    let mut bench = Bench::new();
    let own = Some(Account { balance: Amount::drops(u64::MAX), nonce: bench.network.nonce_base });
    for i in 0..=MAX_CLAIMS {
        let [_, _, c, d] = u32::try_from(i).unwrap().to_be_bytes();
        let mut to = [1; 20];
        to[..8].copy_from_slice(&(i as u64).to_le_bytes());
        // At once would be one transaction each; the row is what counts here.
        let event = Event::Claim {
            to: Address(to),
            client: IpAddr::from([10, 0, c, d]),
            ticket: 0,
            account: None,
            own,
            next_nonce: None,
        };
        let effects = bench.faucet.on(at(0), event);
        let busy = matches!(&effects[..], [Effect::Answer { answer: Err(ClaimError::Busy), .. }]);
        assert_eq!(busy, i == MAX_CLAIMS, "claim {i}: {effects:?}");
    }
}

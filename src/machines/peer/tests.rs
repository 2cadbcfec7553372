//! The transitions of the peer machine, and what each misbehaviour costs.

use ledger::{BlockId, Tip, Work};

use super::*;
use crate::PeerId;

fn at(mono: u64) -> Now {
    Now { mono, unix: 0 }
}

fn greeting(chain: u8, version: u32) -> Greeting {
    let tip = Tip { id: BlockId([9; 32]), height: 9, work: Work::ZERO, time: 9 };
    Greeting { version, chain: BlockId([chain; 32]), tip, agent: "test".into() }
}

fn peer() -> Peer {
    with(Score::new(0), 0)
}

/// A peer that connects with these points.
fn with(score: Score, mono: u64) -> Peer {
    Peer::new(1, BlockId([1; 32]), score, at(mono))
}

fn ready() -> Peer {
    let mut peer = peer();
    peer.on(at(0), Event::Greeted(greeting(1, 1)));
    peer
}

fn status(chain: u8, version: u32) -> Event {
    Event::Asked(Question::Status(greeting(chain, version)))
}

fn offence(offence: Offence) -> Event {
    Event::Offence { offence, what: "bad".into() }
}

/// One question of each kind.
fn questions() -> [Question; 5] {
    let status = Question::Status(greeting(1, 1));
    [status, Question::Headers, Question::Blocks { count: 1 }, Question::BlockTransactions, Question::Addresses]
}

/// Whether a question is answered.
fn answers(peer: &mut Peer, mono: u64, question: Question) -> bool {
    peer.on(at(mono), Event::Asked(question)).contains(&Effect::Answer)
}

#[test]
fn a_greeting_makes_it_ready_whoever_speaks_first() {
    let mut peer = peer();
    assert_eq!(peer.on(at(0), status(1, 1)), [Effect::Ready(greeting(1, 1)), Effect::Answer]);
    assert_eq!(peer.on(at(2), Event::Connected), [Effect::Greet]);
    assert_eq!(peer.on(at(3), Event::Greeted(greeting(1, 1))), [Effect::TipTold(greeting(1, 1).tip)]);
}

#[test]
fn w11_another_chain_or_version_hears_why_is_disconnected_and_not_banned() {
    let other_chain = Goodbye::OtherChain(BlockId([2; 32]));
    let other_version = Goodbye::OtherVersion { theirs: 2, ours: 1 };
    for (chain, version, why) in [(2, 1, other_chain), (1, 2, other_version)] {
        assert_eq!(peer().on(at(0), Event::Greeted(greeting(chain, version))), [Effect::Close(why.clone())]);
        let mut asked = peer();
        let effects = asked.on(at(0), status(chain, version));
        assert_eq!(effects, [Effect::Refuse(why.to_string()), Effect::Close(why.clone())], "in one round trip");
        assert!(!why.bans() && asked.figures().points == 0);
    }
}

#[test]
fn nothing_but_the_greeting_is_answered_before_the_handshake() {
    let mut peer = peer();
    for question in questions().into_iter().skip(1) {
        assert_eq!(peer.on(at(0), Event::Asked(question)), [Effect::Refuse("say Status first".into())]);
    }
    assert_eq!(peer.on(at(0), Event::Message(Message::Block)), [Effect::Drop]);
}

#[test]
fn p03_a_silent_peer_is_dropped_after_ten_seconds_and_not_banned() {
    let mut peer = peer();
    assert_eq!(peer.on(at(9_999), Event::Tick), []);
    assert_eq!(peer.on(at(10_000), Event::Tick), [Effect::Close(Goodbye::Silent)]);
    assert!(!Goodbye::Silent.bans());
}

#[test]
fn w15_ten_questions_for_what_is_not_here_are_answered_and_cost_nothing() {
    let mut peer = ready();
    for question in [Question::Headers, Question::Blocks { count: 256 }, Question::BlockTransactions] {
        for _ in 0..10 {
            assert!(answers(&mut peer, 0, question.clone()));
            assert_eq!(peer.on(at(0), Event::Answered { bytes: 0, below_tip: None }), []);
        }
    }
    assert!(matches!(peer.state(), State::Ready { .. }) && peer.figures().points == 0);
}

#[test]
fn w17_the_same_question_twice_at_once_is_answered_twice() {
    for question in questions() {
        let mut peer = ready();
        assert!(answers(&mut peer, 0, question.clone()) && answers(&mut peer, 0, question));
    }
}

#[test]
fn w22_a_flood_of_any_question_or_message_is_cut_off_with_a_ban() {
    let flood = |next: &dyn Fn() -> Event| {
        let mut peer = ready();
        let mut used = 0;
        for i in 0..1_000_000u64 {
            // A million in a hundred seconds.
            let effects = peer.on(at(i / 10), next());
            used += u64::from(effects.contains(&Effect::Answer) || effects.contains(&Effect::Deliver));
            if let Some(Effect::Close(why)) = effects.last() {
                assert!(why.bans());
                return used;
            }
        }
        panic!("nobody ended the flood");
    };
    let asked = questions().map(|question| flood(&|| Event::Asked(question.clone())));
    assert!(asked.iter().zip([25, 650, 450, 250, 20]).all(|(used, limit)| *used <= limit), "{asked:?}");
    let many = flood(&|| Event::Asked(Question::Blocks { count: 256 }));
    assert!(many <= 140, "{many} × 256 blocks");
    let said = [Message::Block, Message::Transactions { count: 0 }].map(|message| flood(&|| Event::Message(message)));
    assert!(said[0] <= 1_030 && said[1] <= 50_000, "{said:?}");
}

#[test]
fn the_fastest_honest_sync_is_never_refused() {
    // 100 000 headers; then 12 000 empty blocks a second, or blocks of two megabytes at 30 MB a second.
    for (count, bytes, per_second) in [(256, 256 * 300, 47), (1, 2_000_000, 15)] {
        let mut peer = ready();
        let mut asked = 0;
        for _ in 0..50 {
            assert!(answers(&mut peer, 0, Question::Headers));
            peer.on(at(0), Event::Answered { bytes: 274_000, below_tip: None });
        }
        for mono in (0..600_000).step_by(1_000 / per_second) {
            assert!(answers(&mut peer, mono, Question::Blocks { count }), "question {asked}");
            peer.on(at(mono), Event::Answered { bytes, below_tip: Some(10_000) });
            if mono % 1_000 == 0 {
                peer.on(at(mono), Event::Tick);
            }
            asked += 1;
        }
        assert!(matches!(peer.state(), State::Ready { .. }));
    }
}

#[test]
fn a_peer_gets_no_more_than_32_megabytes_a_second_and_may_still_greet() {
    let mut peer = ready();
    let mut bytes = 0;
    for mono in 0..10_000 {
        // Twenty questions a second, for 80 MB.
        if mono % 50 == 0 && answers(&mut peer, mono, Question::Blocks { count: 2 }) {
            peer.on(at(mono), Event::Answered { bytes: 4_000_000, below_tip: None });
            bytes += 4;
        }
    }
    assert!((380..=400).contains(&bytes), "{bytes} MB in 10 s");
    assert_eq!(peer.figures().served_bytes, bytes * 1_000_000);
    // However long one answer was, it counts.
    peer.on(at(10_000), Event::Answered { bytes: 8_000_000, below_tip: None });
    assert!(!answers(&mut peer, 10_000, Question::Headers), "nor anything else that is long");
    assert!(answers(&mut peer, 10_000, Question::Status(greeting(1, 1))));
}

#[test]
fn repeated_greetings_are_heard_as_often_as_honest_nodes_repeat_them() {
    let mut peer = ready();
    let told = (0..100).filter(|_| peer.on(at(0), status(1, 1)).contains(&Effect::TipTold(greeting(1, 1).tip)));
    assert_eq!(told.count(), 20, "what is not answered is not heard either");
    for second in 1..=100 {
        assert!(answers(&mut peer, second * 1_000, Question::Status(greeting(1, 1))));
    }
}

#[test]
fn t01_a_few_invalid_transactions_end_the_connection_with_a_ban() {
    let mut peer = ready();
    let invalid = || Event::Offence { offence: Offence::BreaksARule, what: "bad signature".into() };
    let closes = |effects: &[Effect]| effects.iter().any(|effect| matches!(effect, Effect::Close(_)));
    let sent = (1..=100_000).find(|_| closes(&peer.on(at(0), invalid())));
    assert_eq!(sent, Some(3));
    let why = Goodbye::Misbehaved("bad signature".into());
    assert!(why.bans());
    assert_eq!(peer.state(), &State::Closing { why });
    let more = Message::Transactions { count: 1 };
    assert_eq!(peer.on(at(0), Event::Message(more)), [Effect::Drop]);
}

#[test]
fn t13_a_burst_of_transactions_is_30_seconds_worth_and_then_paced() {
    let mut peer = ready();
    let mut send = |mono, count| {
        let effects = peer.on(at(mono), Event::Message(Message::Transactions { count }));
        assert!(effects.len() == 1, "nobody is disconnected for relaying much: {effects:?}");
        effects == [Effect::Deliver]
    };
    let burst = (0..100).filter(|_| send(0, 700)).count();
    assert_eq!(burst, 60, "42 000 transactions");
    // Twice as many as pass, for ten minutes.
    let paced = (1..=2_400).filter(|i| send(i * 250, 700)).count();
    assert_eq!(paced, 1_200, "1 400 a second");
}

#[test]
fn w02_two_messages_that_are_none_are_enough() {
    let mut peer = ready();
    assert!(matches!(peer.on(at(0), offence(Offence::Malformed))[..], [Effect::Remember(_)]));
    let why = Goodbye::Misbehaved("bad".into());
    assert_eq!(peer.on(at(0), offence(Offence::Malformed)).last(), Some(&Effect::Close(why.clone())));
    assert!(why.bans());
}

#[test]
fn who_forges_is_gone_at_once() {
    let mut peer = ready();
    peer.on(at(0), offence(Offence::Forges));
    assert!(matches!(peer.state(), State::Closing { why } if why.bans()));
}

#[test]
fn p29_who_leaves_after_each_offence_and_comes_back_is_banned_all_the_same() {
    let (liar, mut scores) = (PeerId([7; 32]), Scores::default());
    let offends = |scores: &mut Scores, mono| {
        let mut peer = with(scores.of(&liar, mono), mono);
        let effects = peer.on(at(mono), offence(Offence::BreaksARule));
        for effect in &effects {
            if let Effect::Remember(score) = effect {
                scores.remember(liar, *score);
            }
        }
        matches!(effects.last(), Some(Effect::Close(why)) if why.bans())
    };
    assert_eq!([0, 1_000, 2_000].map(|mono| offends(&mut scores, mono)), [false, false, true]);
    // Once in six minutes is forgiven.
    let mut scores = Scores::default();
    assert!((0..100).all(|n| !offends(&mut scores, n * 360_000)));
}

#[test]
fn points_are_forgiven_with_time() {
    let mut peer = ready();
    peer.on(at(0), offence(Offence::Malformed));
    assert_eq!(peer.figures().points, 50);
    peer.on(at(100_000), Event::Tick);
    assert_eq!(peer.figures().points, 40);
    peer.on(at(10_000_000), offence(Offence::Malformed));
    assert_eq!(peer.figures().points, 50, "nobody earns credit");
}

#[test]
fn a_closing_peer_gets_no_answers_and_holds_no_lease() {
    let mut peer = ready();
    let far = || Event::Answered { bytes: 1, below_tip: Some(1_000) };
    (0..3).for_each(|_| assert_eq!(peer.on(at(5), far()), []));
    assert_eq!(peer.on(at(5), far()), [Effect::Lease { number: 5, news: crate::miner::LeaseNews::Began }]);
    assert_eq!(peer.figures().lease, Some(5));
    let ended = Effect::Lease { number: 5, news: crate::miner::LeaseNews::Ended };
    assert_eq!(peer.on(at(6), Event::Disconnect(Goodbye::Operator)), [ended, Effect::Close(Goodbye::Operator)]);
    for question in questions() {
        let refused = Effect::Refuse("this connection is being closed".into());
        assert_eq!(peer.on(at(7), Event::Asked(question)), [refused]);
    }
    assert_eq!(peer.on(at(7), far()), []);
    assert_eq!(peer.on(at(7), Event::Gone), []);
}

#[test]
fn the_last_ping_is_shown() {
    let mut peer = ready();
    assert_eq!(peer.figures().ping_ms, None);
    peer.on(at(0), Event::Pinged { ms: 12 });
    assert_eq!(peer.figures().ping_ms, Some(12));
}

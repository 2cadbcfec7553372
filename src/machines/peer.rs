//! One connected peer: the handshake, its share of this node's time, and whether it behaves.
//!
//! `Handshaking → Ready → Closing`. No order of reads and writes is assumed: the peer's greeting counts whether it came
//! as an answer or inside the peer's own question. Never touches another peer's anything.

use ledger::{ChainId, Tip};
use serde::Serialize;

use crate::Now;
use crate::bucket::Bucket;

/// A peer that has not said what it is by then is dropped.
const HANDSHAKE_MS: u64 = 10_000;
/// Questions at once, and each second after that. A sync keeps four open, each of up to a megabyte.
const QUESTIONS: (u64, u64) = (400, 100);
/// Gossip messages at once, and each second after that.
const MESSAGES: (u64, u64) = (1_000, 100);
/// Points at which a peer is refused.
const MAX_POINTS: u32 = 100;
/// Every this many milliseconds one point is forgiven.
const FORGIVE_MS: u64 = 10_000;

/// What a peer says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Greeting {
    /// Version of the wire.
    pub version: u32,
    /// Its chain.
    pub chain: ChainId,
    /// The end of its chain.
    pub tip: Tip,
    /// Its software.
    pub agent: String,
}

/// What a connected peer is to this node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, strum::IntoStaticStr)]
pub enum State {
    /// It has not said what it is.
    Handshaking {
        /// Since when, on the monotonic clock.
        since: u64,
    },
    /// It is of this network.
    Ready {
        /// What it says of itself, lately.
        greeting: Greeting,
        /// Since when, on the monotonic clock.
        since: u64,
    },
    /// It is being disconnected.
    Closing {
        /// Why.
        why: Goodbye,
    },
}

/// Why a peer is disconnected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
pub enum Goodbye {
    /// It is of another network.
    #[error("it is of another network: its genesis block is {0}")]
    OtherChain(ChainId),
    /// It does not speak the protocol of this chain; of which it is, it does not say.
    #[error("it is of another network: compare the network files of both nodes")]
    OtherNetwork,
    /// It speaks another version.
    #[error("it speaks version {theirs} of the protocol, this node speaks {ours}")]
    OtherVersion {
        /// Its version.
        theirs: u32,
        /// This node's version.
        ours: u32,
    },
    /// It did not say what it is.
    #[error("it did not answer the handshake")]
    Silent,
    /// It broke rules.
    #[error("it misbehaved: {0}")]
    Misbehaved(String),
    /// Somebody here wants it gone.
    #[error("the operator disconnects it")]
    Operator,
}

impl Goodbye {
    /// Whether to refuse it for a while.
    pub fn bans(&self) -> bool {
        matches!(self, Self::Misbehaved(_))
    }
}

/// How bad something was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offence {
    /// What honest software never sends.
    Malformed,
    /// It breaks a rule of the chain.
    BreaksARule,
    /// More than its share.
    TooMuch,
}

impl Offence {
    fn points(self) -> u32 {
        match self {
            Self::Malformed => 50,
            Self::BreaksARule => 34,
            Self::TooMuch => 1,
        }
    }
}

/// What a peer's actor hears.
#[derive(Debug, strum::IntoStaticStr)]
pub enum Event {
    /// The connection is there.
    Connected,
    /// It said what it is, in an answer or in its own question.
    Greeted(Greeting),
    /// It asks something.
    Asked {
        /// Whether it asks for this node's greeting, which it may before the handshake.
        greeting: bool,
    },
    /// It passes a message on.
    Message,
    /// It did something that it should not.
    Offence {
        /// How bad.
        offence: Offence,
        /// What.
        what: String,
    },
    /// Somebody here wants it gone.
    Disconnect(Goodbye),
    /// Time passes.
    Tick,
}

/// What a peer's actor is to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// Ask for its greeting.
    Greet,
    /// It is of this network, for the first time on this connection.
    Ready(Greeting),
    /// It told its tip again.
    TipTold(Tip),
    /// Answer its question.
    Answer,
    /// Do not answer.
    Refuse(&'static str),
    /// Use its message.
    Deliver,
    /// Drop its message.
    Drop,
    /// End the connection.
    Close(Goodbye),
}

/// The machine of one connected peer.
#[derive(Debug)]
pub struct Peer {
    version: u32,
    chain: ChainId,
    state: State,
    questions: Bucket,
    messages: Bucket,
    points: u32,
    forgiven_at: u64,
}

impl Peer {
    /// A peer that just connected to a node that speaks `version` on `chain`.
    pub fn new(version: u32, chain: ChainId, now: Now) -> Self {
        Self {
            version,
            chain,
            state: State::Handshaking { since: now.mono },
            questions: Bucket::new(QUESTIONS.0, QUESTIONS.1, now.mono),
            messages: Bucket::new(MESSAGES.0, MESSAGES.1, now.mono),
            points: 0,
            forgiven_at: now.mono,
        }
    }

    /// What it is to this node.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Points for misbehaving; it is refused at 100.
    pub fn points(&self) -> u32 {
        self.points
    }

    /// Handles an event.
    pub fn on(&mut self, now: Now, event: Event) -> Vec<Effect> {
        match (&self.state, event) {
            (State::Closing { .. }, Event::Asked { .. }) => vec![Effect::Refuse("this connection is being closed")],
            (State::Closing { .. }, _) => Vec::new(),
            (_, Event::Connected) => vec![Effect::Greet],
            (_, Event::Greeted(greeting)) => self.greeted(now, greeting),
            (_, Event::Disconnect(why)) => self.close(why),
            (_, Event::Offence { offence, what }) => self.offend(now, offence, what),
            (State::Handshaking { .. }, Event::Asked { greeting: false }) => vec![Effect::Refuse("say Status first")],
            (_, Event::Asked { .. }) if self.questions.take(1, now.mono) => vec![Effect::Answer],
            (_, Event::Asked { .. }) => {
                let mut effects = vec![Effect::Refuse("too many questions, ask slower")];
                effects.extend(self.offend(now, Offence::TooMuch, "asks too much".into()));
                effects
            }
            (State::Handshaking { .. }, Event::Message) => vec![Effect::Drop],
            (_, Event::Message) if self.messages.take(1, now.mono) => vec![Effect::Deliver],
            (_, Event::Message) => {
                let mut effects = vec![Effect::Drop];
                effects.extend(self.offend(now, Offence::TooMuch, "sends too much".into()));
                effects
            }
            (State::Handshaking { since }, Event::Tick) if since.saturating_add(HANDSHAKE_MS) <= now.mono => {
                self.close(Goodbye::Silent)
            }
            (_, Event::Tick) => {
                self.forgive(now);
                Vec::new()
            }
        }
    }

    fn greeted(&mut self, now: Now, greeting: Greeting) -> Vec<Effect> {
        if greeting.chain != self.chain {
            return self.close(Goodbye::OtherChain(greeting.chain));
        }
        if greeting.version != self.version {
            return self.close(Goodbye::OtherVersion { theirs: greeting.version, ours: self.version });
        }
        let (first, since) = match &self.state {
            State::Ready { since, .. } => (false, *since),
            _ => (true, now.mono),
        };
        self.state = State::Ready { greeting: greeting.clone(), since };
        vec![if first { Effect::Ready(greeting) } else { Effect::TipTold(greeting.tip) }]
    }

    fn offend(&mut self, now: Now, offence: Offence, what: String) -> Vec<Effect> {
        self.forgive(now);
        self.points = self.points.saturating_add(offence.points());
        if self.points >= MAX_POINTS { self.close(Goodbye::Misbehaved(what)) } else { Vec::new() }
    }

    fn forgive(&mut self, now: Now) {
        let forgiven = now.mono.saturating_sub(self.forgiven_at) / FORGIVE_MS;
        self.forgiven_at += forgiven * FORGIVE_MS;
        self.points = self.points.saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX));
    }

    fn close(&mut self, why: Goodbye) -> Vec<Effect> {
        self.state = State::Closing { why: why.clone() };
        vec![Effect::Close(why)]
    }
}

#[cfg(test)]
mod tests {
    use ledger::{BlockId, Work};

    use super::*;

    fn at(mono: u64) -> Now {
        Now { mono, unix: 0 }
    }

    fn greeting(chain: u8, version: u32) -> Greeting {
        let tip = Tip { id: BlockId([9; 32]), height: 9, work: Work::ZERO, time: 9 };
        Greeting { version, chain: BlockId([chain; 32]), tip, agent: "test".into() }
    }

    fn peer() -> Peer {
        Peer::new(1, BlockId([1; 32]), at(0))
    }

    fn ready() -> Peer {
        let mut peer = peer();
        peer.on(at(0), Event::Greeted(greeting(1, 1)));
        peer
    }

    #[test]
    fn a_greeting_makes_it_ready_whoever_speaks_first() {
        let mut peer = peer();
        assert_eq!(peer.on(at(0), Event::Asked { greeting: true }), [Effect::Answer]);
        assert_eq!(peer.on(at(1), Event::Greeted(greeting(1, 1))), [Effect::Ready(greeting(1, 1))]);
        assert_eq!(peer.on(at(2), Event::Connected), [Effect::Greet]);
        assert_eq!(peer.on(at(3), Event::Greeted(greeting(1, 1))), [Effect::TipTold(greeting(1, 1).tip)]);
    }

    #[test]
    fn w11_another_chain_or_version_is_told_apart_and_not_banned() {
        let other_chain = Goodbye::OtherChain(BlockId([2; 32]));
        assert_eq!(peer().on(at(0), Event::Greeted(greeting(2, 1))), [Effect::Close(other_chain.clone())]);
        let other_version = Goodbye::OtherVersion { theirs: 2, ours: 1 };
        assert_eq!(peer().on(at(0), Event::Greeted(greeting(1, 2))), [Effect::Close(other_version.clone())]);
        assert!(!other_chain.bans() && !other_version.bans());
    }

    #[test]
    fn nothing_but_the_greeting_is_answered_before_the_handshake() {
        let mut peer = peer();
        assert_eq!(peer.on(at(0), Event::Asked { greeting: false }), [Effect::Refuse("say Status first")]);
        assert_eq!(peer.on(at(0), Event::Message), [Effect::Drop]);
    }

    #[test]
    fn p03_a_silent_peer_is_dropped_after_ten_seconds_and_not_banned() {
        let mut peer = peer();
        assert_eq!(peer.on(at(9_999), Event::Tick), []);
        assert_eq!(peer.on(at(10_000), Event::Tick), [Effect::Close(Goodbye::Silent)]);
        assert!(!Goodbye::Silent.bans());
    }

    #[test]
    fn two_hundred_questions_at_once_are_answered_and_a_flood_is_not() {
        let mut peer = ready();
        let answered =
            (0..2_000).filter(|_| peer.on(at(0), Event::Asked { greeting: false }) == [Effect::Answer]).count();
        assert_eq!(answered, 400);
        assert!(matches!(peer.state(), State::Closing { why } if why.bans()), "a flood ends the connection");
    }

    #[test]
    fn t01_a_few_broken_rules_end_the_connection_with_a_ban() {
        let mut peer = ready();
        let offence = || Event::Offence { offence: Offence::BreaksARule, what: "bad signature".into() };
        assert_eq!(peer.on(at(0), offence()), []);
        assert_eq!(peer.on(at(0), offence()), []);
        assert_eq!(peer.on(at(0), offence()), [Effect::Close(Goodbye::Misbehaved("bad signature".into()))]);
    }

    #[test]
    fn points_are_forgiven_with_time() {
        let mut peer = ready();
        peer.on(at(0), Event::Offence { offence: Offence::Malformed, what: String::new() });
        assert_eq!(peer.points(), 50);
        peer.on(at(100_000), Event::Tick);
        assert_eq!(peer.points(), 40);
    }

    #[test]
    fn a_closing_peer_gets_no_answers() {
        let mut peer = ready();
        peer.on(at(0), Event::Disconnect(Goodbye::Operator));
        assert_eq!(
            peer.on(at(0), Event::Asked { greeting: true }),
            [Effect::Refuse("this connection is being closed")]
        );
        assert_eq!(peer.on(at(0), Event::Message), []);
    }
}

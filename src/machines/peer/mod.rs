//! One connected peer: the handshake, its share of this node's time, and whether it behaves.
//!
//! `Handshaking → Ready → Closing`. No order of reads and writes is assumed: the peer's greeting counts whether it came
//! as an answer or inside the peer's own question. Never touches another peer's anything.

mod event;
mod score;
mod share;
mod sitting;
#[cfg(test)]
mod tests;

use ledger::ChainId;
use serde::Serialize;

use self::share::Share;
use self::sitting::{News, Sitting};
use crate::Now;

pub use self::event::{Effect, Event, Goodbye, Greeting, Message, Question};
pub use self::score::{Offence, Score, Scores};

/// A peer that has not said what it is by then is dropped.
const HANDSHAKE_MS: u64 = 10_000;

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

/// Figures beside the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Points for misbehaving; it is refused at 100.
    pub points: u32,
    /// How long its last answer to a ping took.
    pub ping_ms: Option<u64>,
    /// Bytes of answers that it was given.
    pub served_bytes: u64,
    /// The number of the lease that its long sync holds.
    pub lease: Option<u64>,
}

/// The machine of one connected peer.
#[derive(Debug)]
pub struct Peer {
    version: u32,
    chain: ChainId,
    state: State,
    share: Share,
    score: Score,
    sitting: Sitting,
    ping_ms: Option<u64>,
    served_bytes: u64,
}

impl Peer {
    /// A peer that just connected to a node that speaks `version` on `chain`, with the points that it has from before.
    pub fn new(version: u32, chain: ChainId, score: Score, now: Now) -> Self {
        Self {
            version,
            chain,
            state: State::Handshaking { since: now.mono },
            share: Share::new(now.mono),
            score,
            sitting: Sitting::default(),
            ping_ms: None,
            served_bytes: 0,
        }
    }

    /// What it is to this node.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Figures for people.
    pub fn figures(&self) -> Figures {
        Figures {
            points: self.score.points(),
            ping_ms: self.ping_ms,
            served_bytes: self.served_bytes,
            lease: self.sitting.lease(),
        }
    }

    /// Handles an event.
    pub fn on(&mut self, now: Now, event: Event) -> Vec<Effect> {
        match (&self.state, event) {
            (_, Event::Gone) => self.end_sitting(),
            (State::Closing { .. }, Event::Asked(_)) => {
                vec![Effect::Refuse("this connection is being closed".into())]
            }
            (State::Closing { .. }, Event::Message(_)) => vec![Effect::Drop],
            (State::Closing { .. }, _) => Vec::new(),
            (_, Event::Connected) => vec![Effect::Greet],
            (_, Event::Greeted(greeting)) => self.greeted(now, greeting),
            (_, Event::Disconnect(why)) => self.close(why),
            (_, Event::Offence { offence, what }) => {
                let enough = self.score.count(offence, now.mono);
                let mut effects = vec![Effect::Remember(self.score)];
                if enough {
                    effects.extend(self.close(Goodbye::Misbehaved(what)));
                }
                effects
            }
            (_, Event::Asked(question)) => self.asked(now, question),
            (_, Event::Answered { bytes, below_tip }) => self.answered(now, bytes, below_tip),
            (_, Event::Message(message)) => self.said(now, message),
            (_, Event::Pinged { ms }) => {
                self.ping_ms = Some(ms);
                Vec::new()
            }
            (State::Handshaking { since }, Event::Tick) if since.saturating_add(HANDSHAKE_MS) <= now.mono => {
                self.close(Goodbye::Silent)
            }
            (_, Event::Tick) => {
                self.score.forgive(now.mono);
                lease(self.sitting.tick(now.mono))
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

    fn asked(&mut self, now: Now, question: Question) -> Vec<Effect> {
        if !self.share.answers(&question, now.mono) {
            return self.excess(now, Effect::Refuse("too many questions, ask slower".into()), "asks");
        }
        match (&self.state, question) {
            (_, Question::Status(greeting)) => {
                let mut effects = self.greeted(now, greeting);
                // Whoever is of another network hears why before it is disconnected.
                match &self.state {
                    State::Closing { why } => effects.insert(0, Effect::Refuse(why.to_string())),
                    _ => effects.push(Effect::Answer),
                }
                effects
            }
            (State::Handshaking { .. }, _) => vec![Effect::Refuse("say Status first".into())],
            (_, _) => vec![Effect::Answer],
        }
    }

    fn answered(&mut self, now: Now, bytes: usize, below_tip: Option<u64>) -> Vec<Effect> {
        self.served_bytes = self.served_bytes.saturating_add(bytes as u64);
        self.share.answered(bytes, now.mono);
        lease(below_tip.and_then(|far| self.sitting.answered(now.mono, far)))
    }

    fn said(&mut self, now: Now, message: Message) -> Vec<Effect> {
        if !self.share.takes(message, now.mono) {
            return self.excess(now, Effect::Drop, "sends");
        }
        match &self.state {
            State::Handshaking { .. } => vec![Effect::Drop],
            _ => vec![Effect::Deliver],
        }
    }

    /// More than its share.
    fn excess(&mut self, now: Now, instead: Effect, what: &'static str) -> Vec<Effect> {
        let mut effects = vec![instead];
        if !self.share.tolerates(now.mono) {
            effects.extend(self.close(Goodbye::Floods(what)));
        }
        effects
    }

    fn end_sitting(&mut self) -> Vec<Effect> {
        lease(self.sitting.end())
    }

    fn close(&mut self, why: Goodbye) -> Vec<Effect> {
        self.state = State::Closing { why: why.clone() };
        let mut effects = self.end_sitting();
        effects.push(Effect::Close(why));
        effects
    }
}

fn lease(news: News) -> Vec<Effect> {
    news.into_iter().map(|(number, news)| Effect::Lease { number, news }).collect()
}

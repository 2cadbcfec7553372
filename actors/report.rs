//! What an actor shows of itself: the very enums that its machine works with.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use tracing::{debug, info};

use crate::Meter;

/// An actor as the admin endpoint shows it.
#[derive(Debug, Clone, Serialize)]
pub struct ActorReport {
    /// Its name.
    pub name: String,
    /// Its state, with its data.
    pub state: Value,
    /// Figures beside the state.
    pub figures: Value,
    /// For how many milliseconds it is in this state.
    pub since_ms: u64,
    /// Its mailbox.
    pub mailbox: MailboxReport,
    /// Messages handled since the start, by name.
    pub handled: BTreeMap<&'static str, u64>,
    /// Messages dropped since the start because the mailbox was full, by name.
    pub dropped: BTreeMap<&'static str, u64>,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// How full a mailbox is.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct MailboxReport {
    /// Messages that wait.
    pub queued: usize,
    /// Messages that may wait.
    pub capacity: usize,
}

impl ActorReport {
    /// An actor that gives no answer.
    pub fn silent(name: &str, meter: &Meter) -> Self {
        Self::new(name, Value::String("NoAnswer".into()), Value::Null, 0, meter)
    }

    pub(crate) fn new(name: &str, state: Value, figures: Value, since_ms: u64, meter: &Meter) -> Self {
        let (handled, dropped) = meter.totals();
        Self {
            name: name.into(),
            state,
            figures,
            since_ms,
            mailbox: MailboxReport { queued: meter.queued(), capacity: meter.capacity() },
            handled,
            dropped,
            last_error: meter.last_error(),
        }
    }
}

/// The moves of a state machine: each is logged once, and the time of the last one is known.
pub(crate) struct Moves {
    who: &'static str,
    /// Whether every block brings moves, which are of interest only when something is wrong.
    quiet: bool,
    at: String,
    since: u64,
}

impl Moves {
    pub fn new(who: &'static str) -> Self {
        Self { who, quiet: false, at: String::new(), since: 0 }
    }

    /// Moves that are logged for debugging only.
    pub fn quiet(who: &'static str) -> Self {
        Self { quiet: true, ..Self::new(who) }
    }

    /// Notes the name of the state after an event; logs it if it is another one.
    pub fn note<'a>(&mut self, state: impl Into<Cow<'a, str>>, mono: u64) {
        let name = state.into();
        if name == self.at {
            return;
        }
        if self.quiet {
            debug!(actor = self.who, from = %self.at, to = %name, "{} moved", self.who);
        } else if !self.at.is_empty() {
            info!(actor = self.who, from = %self.at, to = %name, "{} moved", self.who);
        }
        self.at = name.into_owned();
        self.since = mono;
    }

    /// The report of an actor in `state`.
    pub fn report(&self, state: &impl Serialize, figures: &impl Serialize, mono: u64, meter: &Meter) -> ActorReport {
        let to_value = |what: Result<Value, _>| what.unwrap_or(Value::Null);
        let state = to_value(serde_json::to_value(state));
        let figures = to_value(serde_json::to_value(figures));
        ActorReport::new(self.who, state, figures, mono.saturating_sub(self.since), meter)
    }
}

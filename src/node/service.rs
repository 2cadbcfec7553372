//! What the service manager (systemd) is told: ready, stopping, how the node is, and that it lives.
//!
//! Without a service manager all of this does nothing. The watchdog is fed by rounds: only when every vital part has got
//! something done since the last feeding. HTTP is not among them: strangers decide how busy it is.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actors::{ANSWER, Handle, PACE, Pulse};
use sd_notify::NotifyState;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tracing::{error, info, warn};

/// How often a start that takes long asks for more time.
const ASK: Duration = Duration::from_secs(5);
/// What it asks for each time: three chances to ask again.
const MORE_US: u32 = 20_000_000;
/// Time on a core between two questions without which a start hangs: asking alone takes a hundredth of it.
const WORK: Duration = Duration::from_millis(5);
/// A part that is silent for longer is named in the log, where no watchdog says how long it may be. It may hang nearly as
/// long as the watchdog allows, so a slow disk ends no node.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a round looks who is silent.
const LOOK: Duration = Duration::from_millis(50);

/// A node that is starting: asks for more time as long as it works.
pub struct Starting {
    stage: Stage,
    end: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What is being done, as the service manager shows it.
#[derive(Clone)]
pub struct Stage(Arc<Mutex<String>>);

impl Stage {
    /// Says what is being done from now on.
    pub fn at(&self, stage: impl Into<String>) {
        let stage = stage.into();
        tell(&[NotifyState::Status(&stage)]);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }
}

impl Starting {
    /// Begins to ask.
    pub fn begin() -> Self {
        let (stage, (end, ended)) = (Stage(Arc::default()), mpsc::channel());
        let shown = stage.clone();
        let answer = move |works| {
            let text = shown.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
            match works {
                true => tell(&[NotifyState::ExtendTimeoutUsec(MORE_US), NotifyState::Status(&text)]),
                false => warn!(stage = text, "the start makes no progress"),
            }
        };
        let thread = thread::Builder::new().name("starting".into()).spawn(move || ask(&ended, ASK, busy, answer));
        if let Err(error) = &thread {
            warn!(%error, "a start that takes long will be cut short by the service manager");
        }
        Self { stage, end: Some(end), thread: thread.ok() }
    }

    /// To say what is being done.
    pub fn stage(&self) -> Stage {
        self.stage.clone()
    }
}

/// Looks every so often whether the process worked since the last look, until the other end is dropped.
fn ask(ended: &mpsc::Receiver<()>, every: Duration, busy: impl Fn() -> Duration, mut answer: impl FnMut(bool)) {
    let mut before = busy();
    while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
        let now = busy();
        answer(now.saturating_sub(before) >= WORK);
        before = now;
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // It does nothing that could panic and hold anything.
            drop(thread.join());
        }
    }
}

/// Peers and clients are served from now on.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The node stops and needs no watching any more.
pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
}

/// Why the node ends: stays to be read when it has ended.
pub fn failed(why: &str) {
    tell(&[NotifyState::Status(why)]);
}

/// The configuration is read again; [`ready`] ends that.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => warn!(%error, "the service manager is not told of the reload"),
    }
}

/// Feels the pulse, feeds the watchdog and shows how the node is, until dropped. Runs on the main thread, which is a
/// vital part too.
pub async fn watch(mut pulse: Pulse, node: Handle) {
    let watchdog = sd_notify::watchdog_enabled();
    let patience = watchdog.map_or(PATIENCE, |limit| limit / 3);
    if let Some(limit) = watchdog {
        info!(seconds = limit.as_secs_f64(), "a watchdog ends this node when a part of it hangs");
    }
    let mut rounds = interval(patience.min(PACE));
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        pulse.begin();
        all_answer(&pulse, patience).await;
        tell(&[NotifyState::Watchdog, NotifyState::Status(&status(&node))]);
    }
}

/// Returns when something was heard of every part. Names the silent ones once, when `patience` is over.
async fn all_answer(pulse: &Pulse, patience: Duration) {
    let began = Instant::now();
    let mut named = false;
    loop {
        let silent = pulse.silent();
        if silent.is_empty() || began.elapsed() >= ANSWER {
            pulse.tell(silent.clone());
        }
        if silent.is_empty() {
            if named {
                info!(after_s = began.elapsed().as_secs(), "every part answers again");
            }
            return;
        }
        if !named && began.elapsed() >= patience {
            named = true;
            let text = format!("no answer from {}", silent.join(", "));
            error!(parts = silent.join(", "), "parts of this node do not answer");
            tell(&[NotifyState::Status(&text)]);
        }
        sleep(LOOK).await;
    }
}

/// How the node is, in a line.
fn status(node: &Handle) -> String {
    let (tip, sync, peers) = (*node.tips().borrow(), node.progress(), node.ready_peers());
    let peers = if peers == 1 { "1 peer".into() } else { format!("{peers} peers") };
    match sync.total {
        0 => format!("block {}, {peers}, {}", tip.height, sync.phase.to_lowercase()),
        total => format!("block {}, {peers}, {} {} of {total}", tip.height, sync.phase.to_lowercase(), sync.done),
    }
}

/// The time that this process has spent on a core.
fn busy() -> Duration {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(spent).unwrap_or_default()
}

/// Tells the service manager, if there is one. What it does not hear it will hear again.
fn tell(states: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!(%error, "the service manager cannot be told how this node is");
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn o04_a_start_that_works_gets_more_time_and_one_that_hangs_does_not() {
        let (end, ended) = mpsc::channel();
        let mut end = Some(end);
        let (looks, mut answers) = (Cell::new(0), Vec::new());
        // Works for three looks and then hangs.
        let busy = || {
            looks.set(looks.get() + 1);
            WORK * u32::min(looks.get(), 4)
        };
        let answer = |works| {
            answers.push(works);
            if answers.len() == 6 {
                end = None;
            }
        };
        ask(&ended, Duration::from_millis(1), busy, answer);
        assert_eq!(answers, [true, true, true, false, false, false]);
        assert!(u64::from(MORE_US) > 2 * ASK.as_micros() as u64, "one question that is lost costs nothing");
    }
}

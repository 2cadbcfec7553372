//! A node without one of its parts is a zombie: whatever vital part dies ends the process, and one that hangs is named.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use tracing::error;

use crate::pulse::{Found, Pulse, Signs};

/// Exit codes of the process.
pub mod exit_code {
    /// All is well.
    pub const CLEAN: i32 = 0;
    /// Wrong command line or configuration.
    pub const USAGE: i32 = 2;
    /// A fault of this program.
    pub const INTERNAL: i32 = 70;
    /// The storage does not do what it must.
    pub const STORAGE: i32 = 74;
}

/// Why the process must end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which part.
    pub part: &'static str,
    /// Why.
    pub why: String,
    /// The exit code.
    pub code: i32,
}

/// Receives failures.
pub type Watch = mpsc::Receiver<Failure>;

/// Signs of life of a part: goes on whenever the part has got something done.
pub type Beat = Arc<AtomicU64>;

/// Held by a vital part; reports when the part panics, and counts its signs of life.
#[derive(Debug, Clone)]
pub struct Vital {
    part: &'static str,
    report: mpsc::Sender<Failure>,
    beat: Beat,
    parts: Arc<Mutex<Vec<(&'static str, Beat)>>>,
    found: Found,
}

impl Vital {
    /// The guard of the first part, and where failures arrive. One is enough to end the process, so few fit.
    pub fn channel() -> (Self, Watch) {
        let (report, watch) = mpsc::channel(8);
        let first =
            Self { part: "node", report, beat: Beat::default(), parts: Arc::default(), found: Found::default() };
        (first, watch)
    }

    /// A guard for another part, which shows that it lives by [`Self::beat`], at least once a second.
    pub fn of(&self, part: &'static str) -> Self {
        self.with(part, Beat::default())
    }

    /// A guard for a part whose signs of life are counted where it works.
    pub fn with(&self, part: &'static str, beat: Beat) -> Self {
        self.lock().push((part, beat.clone()));
        let (report, parts, found) = (self.report.clone(), self.parts.clone(), self.found.clone());
        Self { part, report, beat, parts, found }
    }

    /// The part has got something done.
    pub fn beat(&self) {
        self.beat.fetch_add(1, Ordering::Relaxed);
    }

    /// Watches all parts that have a guard by now.
    pub fn pulse(&self) -> Pulse {
        Pulse::of(self.lock().clone(), self.found.clone())
    }

    /// What the pulse finds.
    pub fn signs(&self) -> Signs {
        self.found.signs()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(&'static str, Beat)>> {
        // A list that only grows is whole whatever panicked beside it.
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the process with `code`.
    pub fn fail(&self, why: impl Into<String>, code: i32) {
        let failure = Failure { part: self.part, why: why.into(), code };
        error!(part = failure.part, why = %failure.why, "this node cannot go on");
        // Full means that a failure is being handled already.
        drop(self.report.try_send(failure));
    }
}

impl Drop for Vital {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.fail("it panicked", exit_code::INTERNAL);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use actix::{Actor, Arbiter, Context, Handler, Message};

    use super::*;

    /// An actor with a fault.
    struct Faulty(Vital);

    impl Actor for Faulty {
        type Context = Context<Self>;
    }

    #[derive(Message)]
    #[rtype(result = "()")]
    struct Work;

    impl Handler<Work> for Faulty {
        type Result = ();

        fn handle(&mut self, _: Work, _: &mut Context<Self>) {
            panic!("a fault in {}", self.0.part);
        }
    }

    #[test]
    fn o01_a_part_that_panics_on_any_arbiter_or_thread_is_told_within_a_second_with_exit_code_70() {
        actix::System::new().block_on(async {
            for part in ["chain", "syncer", "miner", "discovery", "faucet"] {
                let (vital, mut watch) = Vital::channel();
                let guard = vital.of(part);
                let arbiter = Arbiter::new();
                arbiter.spawn(async move { Faulty(guard).start().try_send(Work).unwrap() });
                let failure = tokio::time::timeout(Duration::from_secs(1), watch.recv()).await.unwrap().unwrap();
                assert_eq!((failure.part, failure.code), (part, exit_code::INTERNAL));
                arbiter.stop();
            }
            let (vital, mut watch) = Vital::channel();
            let guard = vital.of("hasher");
            let thread = std::thread::spawn(move || {
                let _guard = guard;
                panic!("a fault in a thread");
            });
            let failure = tokio::time::timeout(Duration::from_secs(1), watch.recv()).await.unwrap().unwrap();
            assert_eq!((failure.part, failure.code), ("hasher", exit_code::INTERNAL));
            assert!(thread.join().is_err());
        });
    }
}

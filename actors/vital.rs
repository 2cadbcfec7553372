//! A node without one of its parts is a zombie: whatever vital part dies ends the process.

use tokio::sync::mpsc;
use tracing::error;

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

/// Held by a vital part; reports when the part panics.
#[derive(Debug, Clone)]
pub struct Vital {
    part: &'static str,
    report: mpsc::Sender<Failure>,
}

impl Vital {
    /// The guard of the first part, and where failures arrive. One is enough to end the process, so few fit.
    pub fn channel() -> (Self, Watch) {
        let (report, watch) = mpsc::channel(8);
        (Self { part: "node", report }, watch)
    }

    /// A guard for another part.
    pub fn of(&self, part: &'static str) -> Self {
        Self { part, report: self.report.clone() }
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

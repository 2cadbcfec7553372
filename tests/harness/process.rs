//! A process of the `barreleye` program: dies with the test, its log goes to a file.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::wait::{eventually, holds};

/// The program under test, unless `BARRELEYE_BIN` names another build of it.
const PROGRAM: &str = env!("CARGO_BIN_EXE_barreleye");
/// Lines of a log that a failing test shows.
const TAIL: usize = 40;

/// A command that runs the program in `dir`, `through` other words, with nothing of this process's own settings.
pub fn command(dir: &Path, through: &[String]) -> Command {
    let program = std::env::var_os("BARRELEYE_BIN").unwrap_or_else(|| PROGRAM.into());
    let mut words = through.iter().map(OsString::from).chain([program]);
    let mut command = Command::new(words.next().expect("the program is the last of them"));
    command.args(words);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BARRELEYE_") {
            command.env_remove(name);
        }
    }
    // A test's node speaks to nobody but the nodes of its test.
    command.env("BARRELEYE_MDNS", "off").env("BARRELEYE_UPNP", "off");
    command.current_dir(dir).stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub fn run(dir: &Path, arguments: &[&str]) -> Output {
    command(dir, &[]).args(arguments).output().expect("the program under test is built")
}

/// Runs the program to its end; gives what it printed, if it succeeds.
#[track_caller]
pub fn run_ok(dir: &Path, arguments: &[&str]) -> String {
    let output = run(dir, arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("it prints text")
}

/// A loopback address that belongs to this test process alone: ports on it collide with nobody's.
pub fn own_address() -> Ipv4Addr {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 64 + high % 64, middle, low.max(1))
}

/// A running process.
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts `command` with its log appended to `log`.
    pub fn start(mut command: Command, log: &Path) -> Self {
        let file = || OpenOptions::new().create(true).append(true).open(log).expect("the log can be opened");
        let child = command.stdout(file()).stderr(file()).spawn().expect("the program under test is built");
        Self { child }
    }

    /// Its number: `/proc` knows more about it.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be asked")
    }

    /// The time that it has spent on a core.
    pub fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("the process is there");
        // Behind its name in brackets: user and system time are the 12th and 13th figure, in hundredths of a second.
        let figures = stat.rsplit(')').next().unwrap_or_default();
        let ticks = figures.split_whitespace().skip(11).take(2).map(|text| text.parse::<u64>().expect("a number"));
        Duration::from_millis(10 * ticks.sum::<u64>())
    }

    /// Kills it, like a power cut as far as the process can tell, and waits until it is gone.
    pub fn kill(&mut self) {
        drop(self.child.kill());
        self.child.wait().expect("a child can be waited for");
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a child has an id");
        kill_process(id, signal).expect("the process is there");
    }

    /// Waits until it ends, and gives how and after what time.
    #[track_caller]
    pub fn end(&mut self, deadline_s: u64) -> (ExitStatus, Duration) {
        let began = Instant::now();
        let status = eventually("the process ends", deadline_s, || self.ended().ok_or_else(|| "it runs".into()));
        (status, began.elapsed())
    }

    /// Sends a signal, after which a node must end cleanly within five seconds.
    #[track_caller]
    pub fn stop(&mut self, signal: Signal) {
        self.signal(signal);
        let (status, took) = self.end(30);
        assert_eq!(status.code(), Some(0), "{signal:?} ends a node cleanly, not with {status}");
        assert!(took < Duration::from_secs(5), "{signal:?} took {took:?}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The last lines of a log.
pub fn tail(log: &PathBuf) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}

/// Whether a log has a line with `text`.
pub fn logged(log: &PathBuf, text: &str) -> Result<(), String> {
    let found = fs::read_to_string(log).unwrap_or_default().contains(text);
    holds(found, || format!("the log does not say '{text}':\n{}", tail(log)))
}

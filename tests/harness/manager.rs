//! A service manager for one node: hears what the node tells, as systemd would, and feeds nothing.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::ptrace;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use super::node::Node;

/// Where a node is told to tell.
pub struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Manager {
    /// A manager with its socket in `dir`.
    pub fn new(dir: &Path) -> Self {
        let path = dir.join("notify");
        Self { socket: UnixDatagram::bind(&path).expect("the directory is writable"), path }
    }

    /// The node will tell this manager, and be watched: each part must have answered within `ms`.
    pub fn watches(&self, node: &Node, ms: u64) {
        node.env("NOTIFY_SOCKET", &self.path.display().to_string());
        node.env("WATCHDOG_USEC", &(ms * 1_000).to_string());
    }

    /// The next message within this time, line by line.
    pub fn hears(&self, within: Duration) -> Option<Vec<String>> {
        let mut bytes = [0; 4_096];
        self.socket.set_read_timeout(Some(within.max(Duration::from_millis(1)))).expect("it is not zero");
        let length = self.socket.recv(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes[..length]).lines().map(str::to_owned).collect())
    }

    /// Waits for a line that begins like this; gives it, and what came before it.
    #[track_caller]
    pub fn until(&self, begins: &str, deadline_s: u64) -> (String, Vec<String>) {
        let end = Instant::now() + Duration::from_secs(deadline_s);
        let mut before = Vec::new();
        while let Some(lines) = self.hears(end.saturating_duration_since(Instant::now())) {
            if let Some(line) = lines.iter().find(|line| line.starts_with(begins)) {
                return (line.clone(), before);
            }
            before.extend(lines);
        }
        panic!("no '{begins}' within {deadline_s} s, but {before:?}");
    }
}

/// One thread of a process that does not go on until this is dropped; all others do. By the thread that made it.
pub struct Held(Pid);

impl Held {
    /// Holds the thread of this name.
    #[track_caller]
    pub fn thread(process: u32, name: &str) -> Self {
        let tasks = std::fs::read_dir(format!("/proc/{process}/task")).expect("the process is there");
        let named = |id: &i32| {
            let comm = std::fs::read_to_string(format!("/proc/{process}/task/{id}/comm")).unwrap_or_default();
            comm.trim() == name
        };
        let mut ids = tasks.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let thread = Pid::from_raw(ids.find(named).unwrap_or_else(|| panic!("there is no thread {name}")));
        ptrace::seize(thread, ptrace::Options::empty()).expect("a child may be traced");
        ptrace::interrupt(thread).expect("it is traced");
        waitpid(thread, Some(WaitPidFlag::__WALL)).expect("it stops");
        Self(thread)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // A process that was killed meanwhile has no thread to let go.
        let _ = ptrace::detach(self.0, None);
    }
}

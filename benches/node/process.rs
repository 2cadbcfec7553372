//! A real node as a process: started, watched and ended.

use std::error::Error;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

const PATIENCE: Duration = Duration::from_secs(300);

/// A running node; ended when dropped.
pub struct Node {
    child: Child,
    pub http: SocketAddr,
    pub p2p: u16,
}

/// How a node is started.
#[derive(Default)]
pub struct Start<'a> {
    /// Ports of the peers that it is told of.
    pub peers: Vec<u16>,
    /// Whether it mines, with all of its core.
    pub mine: bool,
    /// Whether it runs on the first core only.
    pub one_core: bool,
    /// Where its log goes, as JSON, with every new tip in it.
    pub log: Option<&'a Path>,
}

impl Node {
    pub fn start(dir: &Path, network: &Path, how: &Start) -> Result<Self, Box<dyn Error>> {
        let (http, admin, p2p) = (free_port()?, free_port()?, free_port()?);
        let program = env!("CARGO_BIN_EXE_barreleye");
        let mut command = if how.one_core { Command::new("taskset") } else { Command::new(program) };
        if how.one_core {
            command.args(["-c", "0", program]);
        }
        command
            .args(["run", "--http", &format!("127.0.0.1:{http}"), "--admin", &format!("127.0.0.1:{admin}")])
            .args(["--mdns", "off", "--upnp", "off"])
            .args(["--listen", &format!("/ip4/127.0.0.1/tcp/{p2p}"), "--network"])
            .arg(network)
            .arg("--data-dir")
            .arg(dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if how.mine {
            command.args(["--mine", "--hash-duty", "100"]);
        }
        if let Some(log) = how.log {
            command.args(["--log-format", "json"]).env("BARRELEYE_LOG", "info,actors::chain=debug");
            command.stderr(fs::File::create(log)?);
        }
        for port in &how.peers {
            command.args(["--peer", &format!("/ip4/127.0.0.1/tcp/{port}")]);
        }
        Ok(Self { child: command.spawn()?, http: SocketAddr::from(([127, 0, 0, 1], http)), p2p })
    }

    /// Asks its public interface.
    pub fn get(&self, path: &str) -> Option<serde_json::Value> {
        ureq::get(format!("http://{}{path}", self.http)).call().ok()?.body_mut().read_json().ok()
    }

    /// The height of the tip, once the node answers.
    pub fn height(&self) -> Option<u64> {
        self.get("/last-block")?.pointer("/data/block/height")?.as_u64()
    }

    /// Waits until `done`, looking at every turn; gives how long it took.
    pub fn until(&self, mut done: impl FnMut(&Self) -> bool) -> Result<Duration, Box<dyn Error>> {
        let began = Instant::now();
        while !done(self) {
            if began.elapsed() > PATIENCE {
                return Err("the node did not get there in time".into());
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
        Ok(began.elapsed())
    }

    /// Stops it the way a service manager does, and waits until it is gone.
    pub fn stop(mut self) -> Result<(), Box<dyn Error>> {
        let id = i32::try_from(self.child.id())?;
        kill_process(Pid::from_raw(id).ok_or("no process")?, Signal::TERM)?;
        self.child.wait()?;
        Ok(())
    }

    /// A line of the process's status in megabytes, such as `VmRSS`.
    pub fn memory_mb(&self, line: &str) -> Result<f64, Box<dyn Error>> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kilobytes =
            status.lines().find_map(|text| text.strip_prefix(line)?.trim_start_matches(':').split_whitespace().next());
        Ok(kilobytes.ok_or("no such line")?.parse::<f64>()? / 1024.0)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A port that nobody listens on.
pub fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

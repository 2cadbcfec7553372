//! A real node as a process: started, watched and ended.

use std::error::Error;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::chain_maker::Made;

const PATIENCE: Duration = Duration::from_secs(300);

/// A running node; ended when dropped.
pub struct Node {
    child: Child,
    pub http: SocketAddr,
    pub p2p: u16,
}

impl Node {
    pub fn start(dir: &Path, network: &Path, peer: Option<u16>) -> Result<Self, Box<dyn Error>> {
        let (http, admin, p2p) = (free_port()?, free_port()?, free_port()?);
        let mut command = Command::new(env!("CARGO_BIN_EXE_barreleye"));
        command
            .args(["run", "--http", &format!("127.0.0.1:{http}"), "--admin", &format!("127.0.0.1:{admin}")])
            .args(["--listen", &format!("/ip4/127.0.0.1/tcp/{p2p}"), "--network"])
            .arg(network)
            .arg("--data-dir")
            .arg(dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some(port) = peer {
            command.args(["--peer", &format!("/ip4/127.0.0.1/tcp/{port}")]);
        }
        Ok(Self { child: command.spawn()?, http: SocketAddr::from(([127, 0, 0, 1], http)), p2p })
    }

    /// The height of the tip, once the node answers.
    pub fn height(&self) -> Option<u64> {
        let mut answer = ureq::get(format!("http://{}/last-block", self.http)).call().ok()?;
        let body: serde_json::Value = answer.body_mut().read_json().ok()?;
        body.pointer("/data/block/height")?.as_u64()
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

/// Figures of starting a node with a chain.
pub struct StartUp {
    pub first_answer_ms: f64,
    pub idle_mb: f64,
}

/// Starts a node a few times on `made`; the median.
pub fn start_up(made: &Made) -> Result<StartUp, Box<dyn Error>> {
    let (mut times, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let node = Node::start(&made.dir, &made.network_file, None)?;
        let took = node.until(|node| node.height() == Some(made.height))?;
        times.push(took.as_secs_f64() * 1000.0);
        memory.push(node.memory_mb("VmRSS")?);
    }
    times.sort_by(f64::total_cmp);
    memory.sort_by(f64::total_cmp);
    Ok(StartUp { first_answer_ms: times[times.len() / 2], idle_mb: memory[memory.len() / 2] })
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

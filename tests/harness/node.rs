//! A node of a test: a data directory, a port, and most of the time a process.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use ledger::{Address, SecretKey};
use rustix::process::Signal;
use serde_json::Value;

use super::api::Api;
use super::place::Place;
use super::process::{Process, command, tail};
use super::wait::{eventually, holds};

/// A node that does not start within this time never will.
const START_S: u64 = 30;
/// What [`Node::until`] waits at most.
const PATIENCE_S: u64 = 60;

/// The end of a node's chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tip {
    /// Its height.
    pub height: u64,
    /// The id of its last block.
    pub id: String,
}

/// A node. Clones are the same node.
#[derive(Clone)]
pub struct Node(Arc<Inner>);

struct Inner {
    name: String,
    net: PathBuf,
    dir: PathBuf,
    place: Place,
    port: u16,
    told: Mutex<Told>,
    process: Mutex<Option<Process>>,
    api: Mutex<Option<(Api, Api)>>,
}

/// What the node is told when it starts.
#[derive(Clone, Default)]
struct Told {
    through: Vec<String>,
    arguments: Vec<String>,
    peers: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Node {
    /// A node in `net`, not started.
    pub fn new(name: &str, net: &Path, place: Place, port: u16) -> Self {
        Self(Arc::new(Inner {
            name: name.into(),
            net: net.into(),
            dir: net.join(name),
            place,
            port,
            told: Mutex::default(),
            process: Mutex::default(),
            api: Mutex::default(),
        }))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its data directory.
    pub fn dir(&self) -> PathBuf {
        self.0.dir.clone()
    }

    /// Who is paid for its blocks.
    pub fn miner(&self) -> Address {
        let key = fs::read_to_string(self.0.dir.join("miner.key")).expect("it was started");
        key.trim().parse::<SecretKey>().expect("it holds a key").address()
    }

    /// Its log.
    pub fn log(&self) -> PathBuf {
        self.0.net.join(format!("{}.log", self.0.name))
    }

    /// Where peers reach it, without its id: known before it starts.
    pub fn address(&self) -> String {
        let kind = if self.0.place.peers.is_ipv4() { "ip4" } else { "ip6" };
        format!("/{kind}/{}/tcp/{}", self.0.place.peers, self.0.port)
    }

    /// Its address without the port.
    pub fn ip(&self) -> IpAddr {
        self.0.place.peers
    }

    /// It will mine, with a twentieth of a core.
    pub fn mining(&self) -> &Self {
        self.with(&["--mine"])
    }

    /// It will be started with these arguments.
    pub fn with(&self, arguments: &[&str]) -> &Self {
        lock(&self.0.told).arguments.extend(arguments.iter().map(ToString::to_string));
        self
    }

    /// It will be started with this environment variable.
    pub fn env(&self, name: &str, value: &str) -> &Self {
        lock(&self.0.told).environment.push((name.into(), value.into()));
        self
    }

    /// It will be started through these words, such as `taskset -c 0`.
    pub fn through(&self, words: &[&str]) -> &Self {
        lock(&self.0.told).through = words.iter().map(ToString::to_string).collect();
        self
    }

    /// It will be told of `other` at its first start.
    pub fn knows(&self, other: &Node) -> &Self {
        lock(&self.0.told).peers.push(other.address());
        self
    }

    /// Starts the process and does not wait for anything.
    pub fn spawn(&self) -> &Self {
        let mut process = lock(&self.0.process);
        assert!(process.is_none(), "{} runs already", self.name());
        fs::create_dir_all(&self.0.dir).expect("the directory can be made");
        for file in ["http.address", "admin.address", "admin.cookie"] {
            drop(fs::remove_file(self.0.dir.join(file)));
        }
        let told = lock(&self.0.told).clone();
        let http = SocketAddr::from((self.0.place.desk, 0)).to_string();
        let (listen, data, network) = (self.address(), &self.0.dir, self.0.net.join("network.toml"));
        let through: Vec<_> = self.0.place.through.iter().chain(&told.through).cloned().collect();
        let mut command = command(&self.0.net, &through);
        command.arg("run").arg("--network").arg(network).arg("--data-dir").arg(data);
        for (flag, value) in [("--listen", &*listen), ("--http", &http), ("--admin", &http), ("--hash-duty", "5")] {
            if !told.arguments.iter().any(|given| given == flag) {
                command.args([flag, value]);
            }
        }
        command.args(told.arguments).envs(told.environment);
        for peer in told.peers {
            command.args(["--peer", &peer]);
        }
        *process = Some(Process::start(command, &self.log()));
        self
    }

    /// Starts the process and waits until it answers.
    #[track_caller]
    pub fn start(&self) -> &Self {
        self.spawn().answers()
    }

    /// Starts it again with nothing but its data directory: no peer is named to it.
    #[track_caller]
    pub fn restart(&self) -> &Self {
        lock(&self.0.told).peers.clear();
        self.start()
    }

    /// Waits until it answers over HTTP.
    #[track_caller]
    pub fn answers(&self) -> &Self {
        *lock(&self.0.api) = None;
        let api = eventually(format!("{} answers", self.name()), START_S, || {
            let ended = lock(&self.0.process).as_mut().and_then(Process::ended);
            if let Some(status) = ended {
                panic!("{} ended with {status}:\n{}", self.name(), tail(&self.log()));
            }
            let read = |file: &str| {
                let text = fs::read_to_string(self.0.dir.join(file)).map_err(|error| format!("{file}: {error}"))?;
                Ok::<_, String>(text.trim().to_owned())
            };
            let public = Api::new(&read("http.address")?, None);
            let admin = Api::new(&read("admin.address")?, Some(read("admin.cookie")?));
            public.get("/v1/status").granted()?;
            Ok((public, admin))
        });
        *lock(&self.0.api) = Some(api);
        self
    }

    /// Kills it without a warning, if it runs.
    pub fn crash(&self) -> &Self {
        if let Some(mut process) = lock(&self.0.process).take() {
            process.kill();
        }
        self
    }

    /// Stops it the way systemd does; it must end cleanly and in time.
    #[track_caller]
    pub fn stop(&self) -> &Self {
        let process = lock(&self.0.process).take();
        if let Some(mut process) = process {
            process.stop(Signal::TERM);
        }
        self
    }

    /// Sends its process a signal.
    pub fn signal(&self, signal: Signal) {
        lock(&self.0.process).as_ref().expect("it runs").signal(signal);
    }

    /// The number of its process: `/proc` knows more about it.
    pub fn process_id(&self) -> u32 {
        lock(&self.0.process).as_ref().expect("it runs").id()
    }

    /// The time that its process has spent on a core.
    pub fn cpu(&self) -> Duration {
        lock(&self.0.process).as_ref().expect("it runs").cpu()
    }

    /// Its process, to be ended in a way of the test's own.
    pub fn take_process(&self) -> Process {
        lock(&self.0.process).take().expect("it runs")
    }

    /// Waits until the condition holds.
    #[track_caller]
    pub fn until(&self, condition: impl Fn(&Node) -> Result<(), String>) -> &Self {
        self.until_within(PATIENCE_S, condition)
    }

    /// The same with another deadline.
    #[track_caller]
    pub fn until_within(&self, deadline_s: u64, condition: impl Fn(&Node) -> Result<(), String>) -> &Self {
        eventually(self.name(), deadline_s, || condition(self));
        self
    }

    /// What everybody may ask.
    pub fn api(&self) -> Api {
        lock(&self.0.api).clone().expect("it was started").0
    }

    /// What the operator may ask.
    pub fn admin(&self) -> Api {
        lock(&self.0.api).clone().expect("it was started").1
    }

    /// Its summary of itself.
    pub fn status(&self) -> Result<Value, String> {
        self.api().get("/v1/status").granted()
    }

    /// The end of its chain.
    pub fn tip(&self) -> Result<Tip, String> {
        let status = self.status()?;
        let (height, id) = (status["tip"]["height"].as_u64(), status["tip"]["id"].as_str());
        Ok(Tip { height: height.ok_or("no height")?, id: id.ok_or("no id")?.into() })
    }

    /// One of its actors as the admin endpoint shows it.
    pub fn actor(&self, name: &str) -> Result<Value, String> {
        self.admin().get(&format!("/admin/actors/{name}")).granted()
    }

    /// The state of one of its actors.
    pub fn state(&self, name: &str) -> Result<Value, String> {
        Ok(self.actor(name)?["state"].take())
    }

    /// Mints blocks now.
    #[track_caller]
    pub fn mint(&self, blocks: u32) -> &Self {
        self.admin().post("/admin/mint", &serde_json::json!({ "blocks": blocks })).ok();
        self
    }

    /// The id of its block at `height`.
    pub fn block_at(&self, height: u64) -> Result<String, String> {
        let answer = self.api().get(&format!("/blocks/{height}")).granted()?;
        Ok(answer["data"]["block"]["hash"].as_str().ok_or("no hash")?.into())
    }

    /// What an account has, in drops.
    #[track_caller]
    pub fn balance(&self, of: &Address) -> u64 {
        let account = self.api().get(&format!("/v1/accounts/{of}")).ok();
        account["balance"].as_str().and_then(|drops| drops.parse().ok()).expect("a balance is a number")
    }

    /// Blocks on top of a transaction, itself included; an error if it is unknown or waits.
    pub fn confirmed(&self, id: &str) -> Result<u64, String> {
        let tx = self.api().get(&format!("/v1/transactions/{id}")).granted()?;
        let confirmations = tx["confirmations"].as_u64().unwrap_or(0);
        holds(confirmations > 0, || format!("{} has {id} waiting", self.name()))?;
        Ok(confirmations)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is inside is replaced whole, so a panic elsewhere leaves it usable: the logs are still to be shown.
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

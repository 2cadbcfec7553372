//! Five nodes that hash on one core: how long a full block takes from its miner to the four others, and how long HTTP
//! takes beside that, compared with a node that has nothing to do.
//!
//! All nodes are on the first core; what feeds and asks them is on the others, where there are some. Every transaction
//! is signed, travels by gossip and is checked by each node; every block is mined, committed to the disk and relayed.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ledger::{Amount, CompactTarget, Hints, Network, NetworkSpec, SecretKey, Transaction, Transfer};
use serde_json::Value;
use wire::{
    Command, Gossip, Keypair, Multiaddr, NetConfig, NetEvent, NetHandle, PROTOCOL_VERSION, Request, Response, Status,
};

use crate::chain_maker;
use crate::process::{Node, Start};

/// The miner of a block and the others.
const NODES: usize = 5;
/// Transactions of a block: the network takes no more, and more wait all the time.
const TRANSFERS: u32 = 2_000;
/// Transactions of one message, and the time between two: a quarter more than the blocks take, and less than a node
/// takes of one peer.
const BATCH: usize = 250;
const BATCH_EVERY: Duration = Duration::from_millis(200);
/// Transactions that wait for a block.
const WAITING: u64 = 3 * TRANSFERS as u64;
/// Requests between two looks at what waits: as long as a batch takes.
const REQUESTS_PER_LOOK: usize = 10;
/// Blocks that are measured; the hundredth part of their arrivals is p99.
const BLOCKS: usize = 100;
/// Requests of a run, one each so often.
const REQUESTS: usize = 1_000;
const PAUSE: Duration = Duration::from_millis(20);
/// Longer than this it never takes on a working network.
const PATIENCE: Duration = Duration::from_secs(900);

/// What was seen.
pub struct Figures {
    /// From "found" at the miner until the tip of another node.
    pub blocks: Spread,
    /// An HTTP answer of a node that does nothing else.
    pub idle_http: Spread,
    /// An HTTP answer of one of the five.
    pub busy_http: Spread,
}

/// How long something took, milliseconds.
pub struct Spread {
    pub count: usize,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub most: f64,
}

impl Spread {
    fn of(mut times: Vec<f64>) -> Result<Self, Box<dyn Error>> {
        times.sort_by(f64::total_cmp);
        let most = *times.last().ok_or("nothing was measured")?;
        let quantile = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or(most);
        Ok(Self { count: times.len(), p50: quantile(0.5), p90: quantile(0.9), p99: quantile(0.99), most })
    }
}

/// Runs the five nodes until enough full blocks were mined.
pub fn measure(dir: &Path) -> Result<Figures, Box<dyn Error>> {
    fs::create_dir_all(dir)?;
    leave_the_first_core()?;
    let keys = chain_maker::keys()?;
    let network = Network::new(spec(&keys)?)?;
    let file = dir.join("network.toml");
    fs::write(&file, network.spec.to_toml()?)?;

    let account = keys.first().map(|key| format!("/v1/accounts/{}", key.address())).ok_or("no keys")?;
    let idle = Node::start(&dir.join("idle"), &file, &Start { one_core: true, ..Start::default() })?;
    idle.until(|node| node.height().is_some())?;
    let idle_http = Spread::of(answers(&idle, &account, REQUESTS))?;
    drop(idle);

    let logs: Vec<PathBuf> = (0..NODES).map(|node| dir.join(format!("{node}.log"))).collect();
    let mut nodes: Vec<Node> = Vec::new();
    for (i, log) in logs.iter().enumerate() {
        let peers = nodes.iter().map(|node| node.p2p).collect();
        let how = Start { peers, mine: true, one_core: true, log: Some(log) };
        nodes.push(Node::start(&dir.join(i.to_string()), &file, &how)?);
    }
    for node in &nodes {
        node.until(|node| node.height().is_some())?;
    }
    let mut feeder = Feeder::start(&network, keys, &nodes)?;
    nodes[0].until(|node| {
        feeder.feed(node);
        node.height().is_some_and(|height| height >= 5)
    })?;

    let mut busy = Vec::new();
    let began = Instant::now();
    let mut full = Vec::new();
    while full.len() < BLOCKS {
        if began.elapsed() > PATIENCE {
            return Err(format!("only {} full blocks in {PATIENCE:?}", full.len()).into());
        }
        feeder.feed(&nodes[0]);
        busy.extend(answers(&nodes[1], &account, REQUESTS_PER_LOOK));
        full = blocks(&logs)?.into_values().filter(|block| block.transactions == u64::from(TRANSFERS)).collect();
    }
    drop(nodes);
    let arrivals = blocks(&logs)?
        .into_values()
        .filter(|block| block.transactions == u64::from(TRANSFERS))
        .flat_map(|block| block.arrivals_ms)
        .collect();
    Ok(Figures { blocks: Spread::of(arrivals)?, idle_http, busy_http: Spread::of(busy)? })
}

/// What asks and feeds the nodes is not to take their core from them.
fn leave_the_first_core() -> Result<(), Box<dyn Error>> {
    let cores = thread::available_parallelism()?.get();
    if cores > 1 {
        let (others, own) = (format!("1-{}", cores - 1), std::process::id().to_string());
        let moved = process::Command::new("taskset").args(["-acp", &others, &own]).stdout(Stdio::null()).status()?;
        if !moved.success() {
            return Err("this program cannot leave the first core to the nodes".into());
        }
    }
    Ok(())
}

/// One core finds a block in about two seconds, and the difficulty follows quickly.
fn spec(keys: &[SecretKey]) -> Result<NetworkSpec, Box<dyn Error>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64;
    Ok(NetworkSpec {
        genesis_time_ms: now,
        first_target: CompactTarget(0x1e00_ffff),
        easiest_target: CompactTarget(0x1f00_ffff),
        spacing_ms: 2_000,
        response_ms: 40_000,
        max_block_transactions: TRANSFERS,
        hints: Hints { rendezvous: "bench".into(), peers_to_mine: NODES - 1, ..Hints::default() },
        ..chain_maker::spec(keys)
    })
}

/// How long a node takes to say what an account has, milliseconds each.
fn answers(node: &Node, account: &str, count: usize) -> Vec<f64> {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let began = Instant::now();
        if node.get(account).is_some() {
            times.push(began.elapsed().as_secs_f64() * 1000.0);
        }
        thread::park_timeout(PAUSE);
    }
    times
}

/// A block as the logs tell of it.
#[derive(Default)]
struct Seen {
    transactions: u64,
    arrivals_ms: Vec<f64>,
}

/// Every block that was found and became its miner's tip, with its way to the others.
fn blocks(logs: &[PathBuf]) -> Result<BTreeMap<String, Seen>, Box<dyn Error>> {
    let mut found: BTreeMap<String, (f64, u64)> = BTreeMap::new();
    let mut tips: Vec<(String, f64)> = Vec::new();
    for log in logs {
        let mut latest = None;
        for line in fs::read_to_string(log)?.lines() {
            let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
            let Some(at) = line["timestamp"].as_str().and_then(milliseconds) else { continue };
            match (line["message"].as_str(), line["id"].as_str()) {
                (Some("found a block"), _) => {
                    latest = Some((at, line["height"].clone(), line["transactions"].as_u64()))
                }
                (Some("tip" | "the chain moved to a branch with more work"), Some(id)) => {
                    match latest.take_if(|(_, height, _)| *height == line["height"]) {
                        Some((began, _, transactions)) => {
                            found.insert(id.into(), (began, transactions.unwrap_or(0)));
                        }
                        None => tips.push((id.into(), at)),
                    }
                }
                _ => {}
            }
        }
    }
    let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
    for (id, at) in tips {
        let Some((began, transactions)) = found.get(&id) else { continue };
        let block = seen.entry(id).or_default();
        block.transactions = *transactions;
        block.arrivals_ms.push(at - began);
    }
    Ok(seen)
}

/// The milliseconds of the day in a time such as `2026-01-02T03:04:05.678901Z`.
fn milliseconds(timestamp: &str) -> Option<f64> {
    let (_, time) = timestamp.trim_end_matches('Z').split_once('T')?;
    let mut seconds = 0.0;
    for part in time.split(':') {
        seconds = seconds * 60.0 + part.parse::<f64>().ok()?;
    }
    Some(seconds * 1000.0)
}

/// A peer of the nodes that passes on transactions as fast as they are mined.
struct Feeder {
    net: NetHandle,
    task: Option<JoinHandle<()>>,
    keys: Vec<SecretKey>,
    network: Network,
    fed: u64,
    fed_at: Instant,
}

impl Feeder {
    fn start(network: &Network, keys: Vec<SecretKey>, nodes: &[Node]) -> Result<Self, Box<dyn Error>> {
        let mut config = NetConfig::new(Keypair::generate_ed25519(), network.chain);
        config.rendezvous.clone_from(&network.spec.hints.rendezvous);
        config.private_addresses_ok = true;
        let agent = config.agent.clone();
        let (task, net) = wire::net(config)?;
        let (answers, chain, tip) = (net.clone(), network.chain, network.genesis_tip());
        let greet = move |event| {
            if let NetEvent::Request { request: Request::Status(_), responder, .. } = event {
                let status = Status { version: PROTOCOL_VERSION, chain, tip, agent: agent.clone(), syncing: false };
                // A full queue only delays the handshake.
                let _ = answers.try_send(Command::Respond { responder, response: Response::Status(status) });
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let task = thread::spawn(move || drop(runtime.block_on(task.run(greet))));
        for node in nodes {
            let address: Multiaddr = format!("/ip4/127.0.0.1/tcp/{}", node.p2p).parse()?;
            net.try_send(Command::Dial { peer: None, addresses: vec![address] })?;
        }
        Ok(Self { net, task: Some(task), keys, network: network.clone(), fed: 0, fed_at: Instant::now() })
    }

    /// Passes on what is missing for the next blocks, at a bounded rate: of what a node has no time for it would lose
    /// some, and with one nonce missing none of the account's later transactions can be mined.
    fn feed(&mut self, node: &Node) {
        if self.fed_at.elapsed() < BATCH_EVERY {
            return;
        }
        self.fed_at = Instant::now();
        let Some(status) = node.get("/v1/status") else { return };
        let waiting = status["pool"]["transactions"].as_u64().unwrap_or(WAITING);
        if waiting >= WAITING {
            return;
        }
        let batch: Vec<Transaction> = (0..BATCH).map(|_| self.next()).collect();
        let _ = self.net.try_send(Command::Publish(Gossip::Transactions(batch)));
    }

    fn next(&mut self) -> Transaction {
        let (count, fed) = (self.keys.len() as u64, self.fed);
        self.fed += 1;
        let (from, to) = (&self.keys[(fed % count) as usize], &self.keys[((fed + 1) % count) as usize]);
        let nonce = self.network.nonce_base + fed / count;
        let amount = Amount::drops(1);
        let signed =
            Transfer::sign(from, &self.network.chain, to.address(), amount, Amount::drops(10), nonce, Vec::new());
        Transaction::Transfer(signed)
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        let _ = self.net.try_send(Command::Stop);
        if let Some(task) = self.task.take() {
            drop(task.join());
        }
    }
}

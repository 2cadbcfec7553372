//! The interface of a node that mines, with a long chain of transactions, on one core; side by side with a bare handler
//! that answers with a constant of the same size, on the same core while the node mines there.
//!
//! What asks is on another core. Connections are kept, requests follow one another on each without a pause.

use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use actix_web::web::{self, Bytes};
use actix_web::{App, HttpResponse, HttpServer};
use ledger::{Hints, NetworkSpec};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::chain_maker;
use crate::process::{Node, Start, free_port};

/// Blocks of the chain, and transactions in each.
const BLOCKS: u64 = 20_000;
const TRANSFERS: usize = 10;
/// Connections that ask without a pause.
const CONNECTIONS: usize = 32;
const SPAN: Duration = Duration::from_secs(2);
/// Rounds, taken in turn with the bare handler, so that both see the same machine. The median counts.
const ROUNDS: usize = 3;
/// Clients that say nothing, or one byte a second.
const SLOW: usize = 256;
/// The argument with which this program is the bare handler.
const BARE: &str = "bare-handler";

/// How one path fared.
pub struct Row {
    pub what: &'static str,
    pub bytes: usize,
    pub per_s: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub bare_per_s: f64,
    pub bare_p99_ms: f64,
    /// How busy what asks was with the bare handler: near 1 it was the limit, and the bare handler could do more.
    pub asker: f64,
}

/// What was seen.
pub struct Figures {
    pub rows: Vec<Row>,
    /// One client alone, and beside the slow ones.
    pub alone_p99_ms: f64,
    pub beside_slow_p99_ms: f64,
    /// Blocks that the node mined meanwhile.
    pub mined: u64,
}

/// Is the bare handler, if this process was started as one.
pub fn bare_handler() -> Result<bool, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, name, port, bytes] = &arguments[..] else { return Ok(false) };
    if name != BARE {
        return Ok(false);
    }
    let (port, body): (u16, _) = (port.parse()?, Bytes::from(vec![b'x'; bytes.parse()?]));
    let app = move || {
        let body = body.clone();
        App::new().route(
            "/",
            web::get().to(move || {
                let body = body.clone();
                async move { HttpResponse::Ok().content_type("application/json").body(body) }
            }),
        )
    };
    actix::System::new().block_on(HttpServer::new(app).workers(1).bind(("127.0.0.1", port))?.run())?;
    Ok(true)
}

/// Makes the chain, starts the node and asks.
pub fn measure(dir: &Path) -> Result<Figures, Box<dyn Error>> {
    let made = chain_maker::make(dir, BLOCKS, TRANSFERS)?;
    // Where a network's rules end a node may choose: this one mines, and alone.
    let mut spec = NetworkSpec::from_toml(&fs::read_to_string(&made.network_file)?)?;
    spec.hints = Hints { peers_to_mine: 0, mint_only: false, ..spec.hints };
    let file = dir.join("mining.toml");
    fs::write(&file, spec.to_toml()?)?;
    pin_to_another_core()?;
    let node = Node::start(dir, &file, &Start { mine: true, one_core: true, ..Start::default() })?;
    node.until(|node| node.height().is_some_and(|height| height >= BLOCKS))?;
    settle(&node)?;
    let before = node.height().unwrap_or(0);

    let account = chain_maker::keys()?.first().map(|key| key.address()).ok_or("no keys")?;
    let paths = [
        ("last block", Asked::Always("/last-block".into())),
        ("last block, native", Asked::Always("/v1/blocks?limit=1".into())),
        ("account", Asked::Always(format!("/accounts/{}", account.to_hex()))),
        ("account, native", Asked::Always(format!("/v1/accounts/{account}"))),
        ("account, another each time", Asked::Accounts),
        ("list of blocks", Asked::Always("/blocks?page=1&size=20".into())),
        ("list of blocks, native", Asked::Always("/v1/blocks?limit=20".into())),
        ("list of transactions, native", Asked::Always("/v1/transactions?limit=20".into())),
        ("list of blocks, never asked before", Asked::Blocks),
    ];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let rows = paths.iter().map(|(what, asked)| runtime.block_on(row(&node, what, asked))).collect::<Result<_, _>>()?;
    let mined = node.height().unwrap_or(0) - before;
    let (alone_p99_ms, beside_slow_p99_ms) = runtime.block_on(beside_slow(&node))?;
    Ok(Figures { rows, alone_p99_ms, beside_slow_p99_ms, mined })
}

async fn row(node: &Node, what: &'static str, asked: &Asked) -> Result<Row, Box<dyn Error>> {
    let bytes = one(node.http, &asked.request(0)).await?;
    let bare = Bare::start(bytes)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let (mut ours_ms, mut theirs_ms) = (Vec::new(), Vec::new());
    let mut asker: f64 = 0.0;
    let constant = Asked::Always("/".into());
    for round in 0..ROUNDS as u64 {
        let mut load_of_us = load(node.http, asked, round, CONNECTIONS).await?;
        ours.push(load_of_us.per_s);
        ours_ms.append(&mut load_of_us.times_ms);
        let mut load_of_it = load(bare.address, &constant, round, CONNECTIONS).await?;
        theirs.push(load_of_it.per_s);
        theirs_ms.append(&mut load_of_it.times_ms);
        asker = asker.max(load_of_it.asker);
    }
    Ok(Row {
        what,
        bytes,
        per_s: quantile(&mut ours, 0.5),
        p50_ms: quantile(&mut ours_ms, 0.5),
        p99_ms: quantile(&mut ours_ms, 0.99),
        bare_per_s: quantile(&mut theirs, 0.5),
        bare_p99_ms: quantile(&mut theirs_ms, 0.99),
        asker,
    })
}

/// What is asked for.
enum Asked {
    /// The same path again and again.
    Always(String),
    /// One account after the other.
    Accounts,
    /// A walk through pages that nobody asked for before.
    Blocks,
}

impl Asked {
    fn request(&self, number: u64) -> Vec<u8> {
        let path = match self {
            Self::Always(path) => path.clone(),
            Self::Accounts => format!("/v1/accounts/{:040x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            Self::Blocks => format!("/v1/blocks?limit=20&before={}", 100 + number * 7919 % (BLOCKS - 100)),
        };
        format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes()
    }
}

/// How asking went.
struct Load {
    per_s: f64,
    times_ms: Vec<f64>,
    /// How busy the thread that asks was, 0 to 1.
    asker: f64,
}

async fn load(to: SocketAddr, asked: &Asked, round: u64, connections: usize) -> Result<Load, Box<dyn Error>> {
    let (began, worked) = (Instant::now(), thread_time());
    let client = |place: u64| async move {
        let (mut stream, mut buffer) = (TcpStream::connect(to).await?, Vec::with_capacity(1 << 20));
        stream.set_nodelay(true)?;
        let mut times = Vec::new();
        while began.elapsed() < SPAN {
            let request = asked.request((round * 1_000_003 + place * 10_007) + times.len() as u64);
            let sent = Instant::now();
            stream.write_all(&request).await?;
            read_answer(&mut stream, &mut buffer).await?;
            times.push(sent.elapsed().as_secs_f64() * 1000.0);
        }
        Ok::<_, std::io::Error>(times)
    };
    let all = futures::future::join_all((0..connections as u64).map(client)).await;
    let took = began.elapsed().as_secs_f64();
    let times_ms: Vec<f64> = all.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
    Ok(Load { per_s: times_ms.len() as f64 / took, times_ms, asker: (thread_time() - worked) / took })
}

/// Seconds that this thread has worked.
fn thread_time() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Reads one answer; how long its body is. One that is no success is an error.
async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> std::io::Result<usize> {
    buffer.clear();
    let mut whole = None;
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if whole.is_none() {
            let Some(head) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
            let text = String::from_utf8_lossy(&buffer[..head]);
            if !text.starts_with("HTTP/1.1 200") {
                return Err(std::io::Error::other(text.into_owned()));
            }
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            let length = length.ok_or_else(|| std::io::Error::other("an answer without a length"))?;
            whole = Some((head + 4 + length, length));
        }
        if let Some((_, length)) = whole.filter(|(whole, _)| buffer.len() >= *whole) {
            return Ok(length);
        }
    }
}

async fn one(to: SocketAddr, request: &[u8]) -> std::io::Result<usize> {
    let mut stream = TcpStream::connect(to).await?;
    stream.write_all(request).await?;
    read_answer(&mut stream, &mut Vec::new()).await
}

/// One client's p99 alone, and beside clients that are silent, send one byte a second, or do not read.
async fn beside_slow(node: &Node) -> Result<(f64, f64), Box<dyn Error>> {
    let asked = Asked::Always("/last-block".into());
    let mut alone = load(node.http, &asked, 0, 1).await?.times_ms;
    let slow: Vec<_> = (0..SLOW)
        .map(|place| {
            let to = node.http;
            tokio::spawn(async move {
                loop {
                    let Ok(mut stream) = TcpStream::connect(to).await else { continue };
                    let request: &[u8] = match place % 3 {
                        0 => b"",
                        1 => b"GET /last-block HTTP/1.1\r\nX: ",
                        _ => b"POST /txs HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n",
                    };
                    let mut alive = stream.write_all(request).await.is_ok();
                    while alive && place % 3 != 0 {
                        tokio::time::sleep(Duration::from_secs(1)).await;
                        alive = stream.write_all(b"x").await.is_ok();
                    }
                    // The node ends it; then another one comes.
                    let _ = stream.read_to_end(&mut Vec::new()).await;
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut beside = load(node.http, &asked, 1, 1).await?.times_ms;
    slow.iter().for_each(tokio::task::JoinHandle::abort);
    Ok((quantile(&mut alone, 0.99), quantile(&mut beside, 0.99)))
}

/// The chain is older than this machine's clock, so the first blocks are too easy: waits until they are seconds apart.
fn settle(node: &Node) -> Result<(), Box<dyn Error>> {
    let spans = |node: &Node| Some(node.get("/v1/statistics?blocks=5")?["interval_ms"].as_array()?.clone());
    let calm = |node: &Node| {
        spans(node)
            .is_some_and(|spans| spans.iter().all(|span| span.as_i64().is_some_and(|ms| (100..60_000).contains(&ms))))
    };
    node.until(calm).map(|_| ())
}

/// The bare handler on the first core; ended when dropped.
struct Bare {
    child: Child,
    address: SocketAddr,
}

impl Bare {
    fn start(bytes: usize) -> Result<Self, Box<dyn Error>> {
        let port = free_port()?;
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).arg(std::env::current_exe()?).args([BARE, &port.to_string(), &bytes.to_string()]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let bare = Self { child, address: SocketAddr::from(([127, 0, 0, 1], port)) };
        let began = Instant::now();
        while std::net::TcpStream::connect(bare.address).is_err() {
            if began.elapsed() > Duration::from_secs(20) {
                return Err("the bare handler does not start".into());
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Ok(bare)
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What asks must not take the core of what answers. On a machine with one core it does.
fn pin_to_another_core() -> Result<(), Box<dyn Error>> {
    if std::thread::available_parallelism()?.get() > 1 {
        let me = std::process::id().to_string();
        Command::new("taskset").args(["-cp", "1", &me]).stdout(Stdio::null()).status()?;
    }
    Ok(())
}

fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = ((values.len() as f64 * share) as usize).min(values.len().saturating_sub(1));
    values.get(place).copied().unwrap_or(f64::NAN)
}

//! A private network for one test: its file, its nodes, and what all of them must agree on.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use ledger::{Amount, CompactTarget, Hints, Network, NetworkSpec, OpeningBalance};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use super::node::{Node, Tip};
use super::place::Place;
use super::process::{self, tail};
use super::wait::{eventually, holds};
use super::wallet::Wallet;

/// Wallets with coins from the start.
pub const WALLETS: u64 = 20;
/// What each of them has, in Barrel.
pub const WEALTH: u64 = 1_000;
/// Ports of nodes stay the same over restarts, as a server's do; none is in the range of ephemeral ports.
static NEXT_PORT: AtomicU16 = AtomicU16::new(20_000);

/// A private network.
pub struct Net {
    /// What is random in this test comes from here: `BARRELEYE_SEED` makes it the same again.
    pub seed: u64,
    /// The network.
    pub network: Arc<Network>,
    dir: TempDir,
    place: Place,
    nodes: Mutex<BTreeMap<String, Node>>,
}

impl Net {
    /// Two blocks a second, found with 5 % of a core; a node mines when it has so many peers.
    pub fn fast(peers_to_mine: usize) -> Self {
        Self::with(|spec| {
            spec.hints.peers_to_mine = peers_to_mine;
        })
    }

    /// Blocks only on request.
    pub fn on_request() -> Self {
        Self::on_request_with(|_| {})
    }

    /// Blocks only on request, with other numbers.
    pub fn on_request_with(change: impl FnOnce(&mut NetworkSpec)) -> Self {
        let regtest = NetworkSpec::built_in("regtest").expect("it is built in");
        Self::with(|spec| {
            spec.first_target = regtest.first_target;
            spec.easiest_target = regtest.easiest_target;
            spec.spacing_ms = regtest.spacing_ms;
            spec.response_ms = regtest.response_ms;
            spec.hints.peers_to_mine = 0;
            spec.hints.mint_only = true;
            change(spec);
        })
    }

    /// The fast network with other numbers.
    pub fn with(change: impl FnOnce(&mut NetworkSpec)) -> Self {
        let seed = match std::env::var("BARRELEYE_SEED") {
            Ok(text) => text.parse().expect("BARRELEYE_SEED is a number"),
            Err(_) => rand::random::<u32>().into(),
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_millis() as u64;
        let balance = |number| OpeningBalance {
            address: Wallet::new(seed, number).address(),
            amount: Amount::barrels(WEALTH).expect("it fits"),
        };
        let mut spec = NetworkSpec {
            name: format!("e2e-{seed}"),
            genesis_time_ms: now - 1_000,
            // 2¹⁸ hashes, never below 2¹⁶: a tenth of a second of one core of today.
            first_target: CompactTarget(0x1e3f_ffff),
            easiest_target: CompactTarget(0x1f00_ffff),
            spacing_ms: 500,
            response_ms: 15_000,
            balances: (0..WALLETS).map(balance).collect(),
            hints: Hints { rendezvous: format!("e2e-{seed}"), ..Hints::default() },
            ..NetworkSpec::built_in("dev").expect("it is built in")
        };
        change(&mut spec);
        let dir = tempfile::Builder::new().prefix("barreleye-e2e-").tempdir().expect("a directory can be made");
        let text = spec.to_toml().expect("a spec can be written");
        fs::write(dir.path().join("network.toml"), text).expect("the directory can be written");
        let network = Arc::new(Network::new(spec).expect("the numbers make a network"));
        Self { seed, network, dir, place: Place::own(), nodes: Mutex::default() }
    }

    /// All nodes share one core.
    pub fn on_one_core(mut self) -> Self {
        self.place.use_one_core();
        self
    }

    /// The node with this name; made, but not started, when it is named first.
    pub fn node(&self, name: &str) -> Node {
        self.node_at(name, &self.place)
    }

    /// The same; it is made at `place`.
    pub fn node_at(&self, name: &str, place: &Place) -> Node {
        let mut nodes = self.nodes.lock().expect("nobody panicked here");
        let port = || NEXT_PORT.fetch_add(1, Ordering::Relaxed);
        let make = || Node::new(name, self.dir.path(), place.clone(), port());
        nodes.entry(name.into()).or_insert_with(make).clone()
    }

    /// All nodes that were named.
    pub fn nodes(&self) -> Vec<Node> {
        self.nodes.lock().expect("nobody panicked here").values().cloned().collect()
    }

    /// One of the wallets that have coins from the start.
    pub fn wallet(&self, number: u64) -> Wallet {
        assert!(number < WALLETS);
        Wallet::new(self.seed, number)
    }

    /// A wallet without coins.
    pub fn stranger(&self, number: u64) -> Wallet {
        Wallet::new(self.seed, WALLETS + number)
    }

    /// Randomness that the seed decides.
    pub fn random(&self) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(self.seed)
    }

    /// A random number below `limit`.
    pub fn pick(&self, limit: u64) -> u64 {
        self.random().random_range(0..limit)
    }

    /// The directory with everything.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The network file.
    pub fn file(&self) -> PathBuf {
        self.dir.path().join("network.toml")
    }

    /// Waits until these nodes have one tip, and gives it.
    #[track_caller]
    pub fn agree(&self, nodes: &[Node], deadline_s: u64) -> Tip {
        eventually("one tip", deadline_s, || {
            let tips: Vec<_> = nodes.iter().map(Node::tip).collect::<Result<_, _>>()?;
            holds(tips.iter().all(|tip| *tip == tips[0]), || format!("{tips:?}"))?;
            Ok(tips[0].clone())
        })
    }

    /// Waits until these nodes form one network: each is connected to all others, and they agree on a chain that grows.
    #[track_caller]
    pub fn forms(&self, nodes: &[Node], deadline_s: u64) -> Tip {
        for node in nodes {
            node.until_within(deadline_s, super::peers(nodes.len() - 1));
        }
        let first = self.agree(nodes, deadline_s);
        nodes[0].until_within(deadline_s, super::height(first.height + 3));
        self.agree(nodes, deadline_s)
    }

    /// Stops a node and replays its chain from genesis by all rules: what is kept is what follows from the blocks.
    #[track_caller]
    pub fn verify(&self, node: &Node) -> String {
        node.stop();
        let (network, data) = (self.file(), node.dir());
        let (network, data) = (network.to_string_lossy(), data.to_string_lossy());
        process::run_ok(self.dir(), &["chain", "verify", "--network", &network, "--data-dir", &data])
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        let failed = std::thread::panicking();
        for node in self.nodes() {
            if failed {
                eprintln!("---- log of {} ({})\n{}", node.name(), node.log().display(), tail(&node.log()));
            }
            node.crash();
        }
        if failed {
            self.dir.disable_cleanup(true);
            eprintln!(
                "---- again with BARRELEYE_SEED={}; everything is kept in {}",
                self.seed,
                self.dir.path().display()
            );
        }
    }
}

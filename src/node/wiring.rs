//! The wiring of a node: which actor holds whose ports, on which arbiter each runs, and in which order they stop.
//!
//! All mailboxes are made first, then the actors; so no port is ever missing. Decides nothing else.

use std::ffi::CStr;
use std::sync::Arc;
use std::time::Duration;

use actix::Arbiter;
use actors::{
    Chain, ChainPorts, Clock, Directory, Discovery, DiscoveryPorts, Door, Doors, Duty, Faucet, FaucetPorts, Handle,
    Hasher, Inbox, Miner, MinerPorts, PeerPorts, Port, Pulse, Router, Stop, Syncer, SyncerPorts, Ticker, Urgency,
    Verifier, VerifierThreads, Vital, Watch, exit_code,
};
use ledger::{ChainSource, Network, SecretKey};
use libp2p::Multiaddr;
use machines::PeerId;
use machines::pool::PoolView;
use machines::syncer::Progress;
use store::{Reader, Store};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use tracing::warn;
use wire::{Command, NetConfig, NetHandle, PROTOCOL_VERSION, Status};

use crate::failure::Failure;

/// An actor that is not gone by then is left behind: the process ends all the same.
const GRACE: Duration = Duration::from_secs(1);
/// The network task closes its connections within three seconds.
const NET_GRACE: Duration = Duration::from_millis(3_500);
/// A tip that did not move for so many blocks' time is stale: chance alone makes that happen once in 160 000 blocks.
const STALE_BLOCKS: u64 = 12;
/// Never sooner, however fast the blocks.
const MIN_STALE_MS: u64 = 60_000;
/// Ticks between two for the faucet, whose deadlines are seconds.
const FAUCET_TICKS: u64 = 10;

/// What a node is made of.
pub struct Parts {
    /// The network.
    pub network: Arc<Network>,
    /// The opened store.
    pub store: Store,
    /// The node's key towards peers, where it listens, and whom it lets in.
    pub net: NetConfig,
    /// Signs blocks and is paid for them.
    pub miner_key: SecretKey,
    /// Whether to mine.
    pub mine: bool,
    /// Percent of a core for hashing.
    pub hash_duty: u8,
    /// How the faucet pays.
    pub faucet: machines::faucet::Params,
    /// Peers that are always tried: the network's own and those of the operator.
    pub peers: Vec<Multiaddr>,
    /// Outbound peers that are wanted.
    pub wanted_peers: usize,
    /// How long a peer that once worked is kept although it cannot be reached, in milliseconds.
    pub forget_peers_ms: u64,
}

/// A node that runs.
pub struct Running {
    /// The door to it.
    pub handle: Handle,
    /// Tells when a vital part dies.
    pub watch: Watch,
    vital: Vital,
    stopping: watch::Sender<bool>,
    ticker: Ticker,
    stops: Vec<(&'static str, Port<Stop>)>,
    chain_stop: Port<Stop>,
    net: NetHandle,
    net_done: oneshot::Receiver<()>,
    arbiters: Vec<Arbiter>,
    verifier: VerifierThreads,
}

/// Starts everything. Must be called within an actix system.
pub fn start(parts: Parts) -> Result<Running, Failure> {
    let Parts { network, store, net, .. } = &parts;
    let (network, reader, clock) = (network.clone(), store.reader(), Clock::start());
    let (vital, watch_failures) = Vital::channel();
    let snapshot = reader.snapshot().map_err(Failure::storage)?;
    let tip = snapshot.tip().map_err(Failure::storage)?;
    let kept_peers = known_peers(&snapshot)?;
    let faucet_records = actors::faucet_records(&snapshot, &network).map_err(Failure::storage)?;
    drop(snapshot);

    let me = PeerId::from_multihash(&net.identity.public().to_peer_id().to_bytes())
        .ok_or_else(|| Failure::usage("the node key must be an ed25519 key; remove identity.key to get a new one"))?;
    let (agent, max_inbound) = (parts.net.agent.clone(), parts.net.max_inbound as usize);
    let (net, net_handle) = wire::net(parts.net).map_err(Failure::usage)?;

    let chain_inbox: Inbox<Chain> = Inbox::new(Chain::MAILBOX);
    let syncer_inbox: Inbox<Syncer> = Inbox::new(Syncer::MAILBOX);
    let miner_inbox: Inbox<Miner> = Inbox::new(Miner::MAILBOX);
    let discovery_inbox: Inbox<Discovery> = Inbox::new(Discovery::MAILBOX);
    let faucet_inbox: Inbox<Faucet> = Inbox::new(Faucet::MAILBOX);
    let peers = Directory::default();

    let (tip_tx, tips) = watch::channel(tip);
    let (pool_tx, pool) = watch::channel(Arc::new(PoolView::default()));
    let (unkept_tx, unkept) = watch::channel(None);
    let (stopping_tx, stopping) = watch::channel(false);
    let (syncing_tx, syncing) = watch::channel(false);
    let (progress_tx, progress) = watch::channel(Progress::resting("Alone", tip.height));
    let (ready_tx, ready_peers) = watch::channel(0);
    let (listening_tx, listening) = watch::channel(Vec::new());
    let (external_tx, external) = watch::channel(Vec::new());
    let greeting = greeting(network.clone(), reader.clone(), agent, syncing.clone());

    let thread = |error: std::io::Error| Failure::internal(format!("a thread cannot be started: {error}"));
    let (verifier, verifier_threads) = Verifier::start(network.clone(), &vital).map_err(thread)?;
    let duty = Duty::new(parts.hash_duty);
    let hasher = Hasher::start(duty.clone(), miner_inbox.port(), &vital).map_err(thread)?;

    macro_rules! door {
        ($name:literal, $inbox:ident) => {
            Door { name: $name, inspect: $inbox.port(), meter: $inbox.meter() }
        };
    }
    let handle = Handle::new(Doors {
        network: network.clone(),
        reader: reader.clone(),
        tip: tips,
        pool: pool.clone(),
        clock,
        signs: vital.signs(),
        unkept,
        syncing,
        progress,
        ready_peers,
        listening,
        external,
        actors: vec![
            door!("chain", chain_inbox),
            door!("syncer", syncer_inbox),
            door!("miner", miner_inbox),
            door!("discovery", discovery_inbox),
            door!("faucet", faucet_inbox),
        ],
        peers: peers.clone(),
        submit: chain_inbox.port(),
        offer: chain_inbox.port(),
        template: chain_inbox.port(),
        claim: faucet_inbox.port(),
        faucet: faucet_inbox.port(),
        terms: faucet_inbox.port(),
        duty,
        miner: miner_inbox.port(),
        discovery: discovery_inbox.port(),
        key: parts.miner_key.clone(),
        may_mint: network.spec.hints.mint_only || network.spec.hints.peers_to_mine == 0,
    });

    let chain_ports = ChainPorts {
        own: chain_inbox.port(),
        syncer: syncer_inbox.port(),
        miner: miner_inbox.port(),
        faucet: faucet_inbox.port(),
        discovery: discovery_inbox.port(),
        net: net_handle.clone(),
        peers: peers.clone(),
        verifier,
        tip: tip_tx,
        pool: pool_tx,
        unkept: unkept_tx,
        stopping,
    };
    let syncer_ports = SyncerPorts {
        chain: chain_inbox.port(),
        miner: miner_inbox.port(),
        faucet: faucet_inbox.port(),
        discovery: discovery_inbox.port(),
        net: net_handle.clone(),
        peers: peers.clone(),
        syncing: syncing_tx,
        progress: progress_tx,
        greeting: greeting.clone(),
    };
    let discovery_ports = DiscoveryPorts {
        miner: miner_inbox.port(),
        write: chain_inbox.port(),
        net: net_handle.clone(),
        peers: peers.clone(),
        ready: ready_tx,
    };
    let faucet_ports = FaucetPorts {
        own: faucet_inbox.port(),
        write: chain_inbox.port(),
        submit: chain_inbox.port(),
        pool: pool.clone(),
    };
    let peer_ports = PeerPorts {
        chain: chain_inbox.port(),
        syncer: syncer_inbox.port(),
        miner: miner_inbox.port(),
        discovery: discovery_inbox.port(),
        share: discovery_inbox.port(),
        directory: peers.clone(),
        net: net_handle.clone(),
        reader: reader.clone(),
        greeting,
    };
    let stops = vec![
        ("miner", miner_inbox.port()),
        ("syncer", syncer_inbox.port()),
        ("discovery", discovery_inbox.port()),
        ("faucet", faucet_inbox.port()),
    ];
    let chain_stop = chain_inbox.port();
    let ticks = vec![
        (1, chain_inbox.port()),
        (1, syncer_inbox.port()),
        (1, miner_inbox.port()),
        (1, discovery_inbox.port()),
        (FAUCET_TICKS, faucet_inbox.port()),
    ];

    let chain = Chain::new(
        machines::chain::Chain::new(network.clone(), tip).watching(parts.faucet.key.address()),
        parts.store,
        chain_ports,
        clock,
        chain_inbox.meter(),
        vital.with("chain", chain_inbox.meter().beat()),
    );
    let syncer = Syncer::new(
        machines::syncer::Syncer::new(network.clone(), tip),
        reader.clone(),
        syncer_ports,
        clock,
        syncer_inbox.meter(),
        vital.with("syncer", syncer_inbox.meter().beat()),
    );
    let miner_params = machines::miner::Params {
        on: parts.mine && !network.spec.hints.mint_only,
        key: parts.miner_key,
        peers_to_mine: network.spec.hints.peers_to_mine,
        future_limit_ms: network.future_limit_ms(),
    };
    let miner = Miner::new(
        machines::miner::Miner::new(miner_params, tip),
        MinerPorts { chain: chain_inbox.port(), hasher },
        clock,
        miner_inbox.meter(),
        vital.with("miner", miner_inbox.meter().beat()),
    );
    let discovery_params = machines::discovery::Params {
        me,
        fixed: parts.peers.iter().map(actors::fixed).collect(),
        wanted: parts.wanted_peers,
        max_inbound,
        stale_after_ms: (STALE_BLOCKS * network.spec.spacing_ms).max(MIN_STALE_MS),
        forget_after_ms: parts.forget_peers_ms,
    };
    let discovery = Discovery::new(
        machines::discovery::Discovery::new(discovery_params, kept_peers, clock.now()),
        discovery_ports,
        clock,
        discovery_inbox.meter(),
        vital.with("discovery", discovery_inbox.meter().beat()),
    );
    let faucet = Faucet::new(
        machines::faucet::Faucet::new(network.clone(), parts.faucet, faucet_records, tip, clock.now()),
        network.chain,
        reader,
        faucet_ports,
        clock,
        faucet_inbox.meter(),
        vital.with("faucet", faucet_inbox.meter().beat()),
    );
    let mut router = Router::new(network.chain, peer_ports, peers.clone(), clock, listening_tx, external_tx);

    let (chain_arbiter, net_arbiter, desk) = (Arbiter::new(), Arbiter::new(), Arbiter::new());
    for arbiter in [&chain_arbiter, &net_arbiter, &desk] {
        arbiter.spawn_fn(|| Urgency::Node.take());
    }
    chain_arbiter.spawn_fn(move || {
        name_thread(c"chain");
        chain_inbox.run(chain);
    });
    net_arbiter.spawn_fn(move || {
        name_thread(c"network");
        syncer_inbox.run(syncer);
        discovery_inbox.run(discovery);
    });
    desk.spawn_fn(move || {
        name_thread(c"desk");
        miner_inbox.run(miner);
        faucet_inbox.run(faucet);
    });
    let (net_gone, net_done) = oneshot::channel();
    let net_vital = vital.with("network", net.turns());
    net_arbiter.spawn(async move {
        if let Err(error) = net.run(move |event| router.on(event)).await {
            net_vital.fail(error.to_string(), exit_code::USAGE);
        }
        drop(net_gone);
    });
    let ticker = Ticker::start(ticks, peers, vital.of("ticker")).map_err(thread)?;
    Ok(Running {
        handle,
        watch: watch_failures,
        vital,
        stopping: stopping_tx,
        ticker,
        stops,
        chain_stop,
        net: net_handle,
        net_done,
        arbiters: vec![chain_arbiter, net_arbiter, desk],
        verifier: verifier_threads,
    })
}

impl Running {
    /// Watches every vital part.
    pub fn pulse(&self) -> Pulse {
        self.vital.pulse()
    }

    /// Says that the node is about to stop: what takes long is given up from now on.
    pub fn give_up(&self) {
        self.stopping.send_replace(true);
    }

    /// Stops everything in its order: whoever makes work first, whoever keeps it last. HTTP has stopped before.
    pub async fn stop(self) {
        self.give_up();
        self.ticker.stop();
        for (name, port) in &self.stops {
            stop(name, port).await;
        }
        // Stopping is taken also when the queue is full, so this cannot fail while the task lives.
        let _ = self.net.try_send(Command::Stop);
        if timeout(NET_GRACE, self.net_done).await.is_err() {
            warn!("the network task does not end");
        }
        stop("chain", &self.chain_stop).await;
        drop(self.handle);
        for arbiter in self.arbiters {
            arbiter.stop();
            // A thread that panicked has reported that already.
            drop(arbiter.join());
        }
        self.verifier.join();
    }
}

/// Gives the current thread the name under which `top -H` shows it.
fn name_thread(name: &CStr) {
    if let Err(error) = rustix::thread::set_name(name) {
        warn!(%error, ?name, "a thread keeps the name that it had");
    }
}

async fn stop(name: &str, port: &Port<Stop>) {
    let (gone, wait) = oneshot::channel();
    if port.post(Stop { gone }).is_err() {
        warn!(actor = name, "takes no mail any more");
    } else if timeout(GRACE, wait).await.is_err() {
        warn!(actor = name, "does not end in time");
    }
}

/// What this node says of itself to a peer, read anew each time.
fn greeting(
    network: Arc<Network>,
    reader: Reader,
    agent: String,
    syncing: watch::Receiver<bool>,
) -> Arc<dyn Fn() -> Option<Status> + Send + Sync> {
    Arc::new(move || {
        let tip = reader.snapshot().ok()?.tip().ok()?;
        let syncing = *syncing.borrow();
        Some(Status { version: PROTOCOL_VERSION, chain: network.chain, tip, agent: agent.clone(), syncing })
    })
}

/// The peers that were kept. What cannot be read is handed on empty: discovery knows what to do with any content.
fn known_peers(snapshot: &store::Snapshot) -> Result<Vec<(PeerId, machines::discovery::Record)>, Failure> {
    let rows = snapshot.peers().map_err(Failure::storage)?;
    Ok(rows.into_iter().map(|(id, bytes)| (PeerId(id), postcard::from_bytes(&bytes).unwrap_or_default())).collect())
}

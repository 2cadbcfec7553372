//! A node from start to end: opens what it needs, starts the actors and listeners, waits, and stops in order.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actors::Failure as PartFailure;
use ledger::Amount;
use libp2p::{Multiaddr, PeerId};
use store::{DEFAULT_CACHE_BYTES, Store};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{error, info, warn};
use wire::NetConfig;

use crate::config::{Config, Source};
use crate::failure::Failure;
use crate::http::Http;
use crate::prepare::{Prepared, open_http, prepare, tell_addresses};
use crate::reload::{self, Reload};
use crate::self_check::self_check;
use crate::service::{self, Starting};
use crate::stop_signal::StopSignal;
use crate::wiring::{self, Parts, Running};

/// Requests that run when the node stops get this long.
const HTTP_GRACE: Duration = Duration::from_millis(1_000);
/// Everything together must end within five seconds of a signal.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// Listening for peers begins within this time, or as soon as there is an interface.
const LISTEN_GRACE: Duration = Duration::from_secs(2);
/// Rule C2: an account with this much gets nothing from the faucet.
const FAUCET_BALANCE_LIMIT: Amount = Amount::drops(10 * Amount::BARREL.as_drops());

/// Runs a node until it is told to stop, and gives the exit code.
pub fn run(source: Source) -> Result<u8, Failure> {
    run_node(source).inspect_err(|failure| service::failed(&failure.to_string()))
}

fn run_node(source: Source) -> Result<u8, Failure> {
    let config = source.load()?;
    actix::System::new().block_on(async move {
        let deaf = |error| Failure::internal(format!("signals cannot be heard: {error}"));
        let mut stop = StopSignal::listen().map_err(deaf)?;
        let hangup = signal(SignalKind::hangup()).map_err(deaf)?;
        let starting = Starting::begin();
        let prepared = prepare(config)?;
        log_panics();
        let network = Arc::new(prepared.config.network.clone());
        let stage = starting.stage();
        stage.at("opening the database");
        let repairing = stage.clone();
        let progress = move |part: f64| {
            let percent = (part * 100.0) as u32;
            warn!(percent, "the database was not closed, repairing it");
            repairing.at(format!("repairing the database, {percent} %"));
        };
        let store = Store::open(&prepared.config.data_dir, network.clone(), DEFAULT_CACHE_BYTES, progress)
            .map_err(Failure::storage)?;
        stage.at("checking the last blocks");
        self_check(&store.reader(), &network)?;
        if stop.has_arrived().await {
            return Ok(stopped());
        }
        stage.at("starting");
        let mut running = wiring::start(parts(&prepared, network, store))?;
        if !prepared.config.listen.is_empty()
            && let Some(failure) = cannot_listen(&mut running).await
        {
            running.stop().await;
            return Ok(ended_by(&failure));
        }
        let http = match open_http(&prepared, Arc::new(running.handle.clone())) {
            Ok(http) => http,
            Err(error) => {
                running.stop().await;
                return Err(error);
            }
        };
        let Prepared { config, identity, log, .. } = &prepared;
        let (me, external, data_dir) =
            (identity.public().to_peer_id(), config.external.clone(), config.data_dir.clone());
        actix::spawn(tell(running.handle.listening(), me, external, data_dir));
        let reload = Reload::new(source, config.clone(), log.clone(), running.handle.clone());
        drop(starting);
        serve(running, http, stop, (hangup, reload)).await
    })
}

/// Says that all went as it was told.
fn stopped() -> u8 {
    info!("stopped");
    0
}

/// Waits until peers can connect, or what forbids it: a node that is about to end opens nothing else.
async fn cannot_listen(running: &mut Running) -> Option<PartFailure> {
    let mut listening = running.handle.listening();
    let first = async {
        tokio::select! {
            failure = running.watch.recv() => failure,
            Ok(()) = listening.changed() => None,
        }
    };
    // A machine without a network interface has nothing to listen on yet.
    timeout(LISTEN_GRACE, first).await.ok().flatten()
}

/// Says what ended this node, and gives the exit code.
fn ended_by(PartFailure { part, why, code }: &PartFailure) -> u8 {
    error!(part, %why, code, "stopped by a failure");
    service::failed(&format!("{part}: {why}"));
    u8::try_from(*code).unwrap_or(70)
}

/// Waits for a signal or a failure, then stops everything in order.
async fn serve(
    mut running: Running,
    http: Http,
    mut stop: StopSignal,
    (mut hangup, mut reload): (Signal, Reload),
) -> Result<u8, Failure> {
    let handles = http.handles();
    for server in http.servers {
        actix::spawn(server);
    }
    service::ready();
    let watch = actix::spawn(service::watch(running.pulse(), running.handle.clone()));
    let failure = loop {
        tokio::select! {
            () = stop.arrived() => break None,
            failure = running.watch.recv() => break failure,
            _ = hangup.recv() => reload.again(),
        }
    };
    info!("stopping");
    watch.abort();
    service::stopping();
    running.give_up();
    let stop = async {
        let graceful = handles.iter().map(|handle| handle.stop(true));
        if timeout(HTTP_GRACE, futures::future::join_all(graceful)).await.is_err() {
            futures::future::join_all(handles.iter().map(|handle| handle.stop(false))).await;
        }
        running.stop().await;
    };
    if timeout(STOP_GRACE, stop).await.is_err() {
        warn!("some parts did not end in time");
    }
    match failure {
        None => Ok(stopped()),
        Some(failure) => Ok(ended_by(&failure)),
    }
}

fn parts(prepared: &Prepared, network: Arc<ledger::Network>, store: Store) -> Parts {
    let config = &prepared.config;
    Parts {
        net: NetConfig {
            listen: config.listen.clone(),
            external: config.external.clone(),
            rendezvous: config.rendezvous.clone(),
            max_inbound: config.max_inbound,
            max_outbound: u32::try_from(config.wanted_peers).unwrap_or(u32::MAX),
            private_addresses_ok: private_addresses_ok(config, &network.spec.name),
            mdns: config.mdns,
            upnp: config.upnp,
            ..NetConfig::new(prepared.identity.clone(), network.chain)
        },
        network,
        store,
        miner_key: prepared.key.clone(),
        mine: config.mine,
        hash_duty: config.hash_duty,
        faucet: machines::faucet::Params {
            on: config.faucet,
            key: prepared.faucet_key.clone(),
            challenge_key: rand::random(),
            terms: reload::terms(config),
            balance_limit: FAUCET_BALANCE_LIMIT,
            share_percent: config.faucet_share,
        },
        peers: config.peers.clone(),
        wanted_peers: config.wanted_peers,
        forget_peers_ms: config.forget_peers_s.saturating_mul(1000),
    }
}

/// Whether private and loopback addresses count: everywhere but on the public networks, and there only if the operator
/// names one.
fn private_addresses_ok(config: &Config, network: &str) -> bool {
    let private =
        |address: &Multiaddr| !wire::address::is_usable(address, false) && wire::address::is_usable(address, true);
    let public_network = matches!(network, "main" | "test");
    !public_network || config.listen.iter().chain(&config.peers).any(private)
}

/// Tells where peers reach this node, now and whenever that changes.
async fn tell(mut listening: watch::Receiver<Vec<Multiaddr>>, me: PeerId, external: Vec<Multiaddr>, data_dir: PathBuf) {
    loop {
        let addresses: Vec<_> = external.iter().chain(listening.borrow_and_update().iter()).cloned().collect();
        if !addresses.is_empty()
            && let Err(error) = tell_addresses(&data_dir, me, &addresses)
        {
            warn!(%error, "the address file cannot be written");
        }
        if listening.changed().await.is_err() {
            return;
        }
    }
}

/// A panic is logged before the part that panicked reports that it is gone.
fn log_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        error!(panic = %info, "a part of this node panicked: please report this");
        before(info);
    }));
}

//! Everything around the actors of a node: log, keys, the operator's token, HTTP, and the files that tell others where
//! this node is.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ledger::SecretKey;
use libp2p::identity::Keypair;
use libp2p::{Multiaddr, PeerId};
use tracing::{info, warn};
use zeroize::Zeroizing;

use crate::config::Config;
use crate::failure::Failure;
use crate::http::{self, Http};
use crate::logging::{self, LogControl, LogGuard};
use crate::node_api::NodeApi;
use crate::{node_keys, private_file};

/// Where a node writes the addresses under which peers reach it, one a line.
pub const ADDRESS: &str = "address";
/// Where a node writes its operator's token.
pub const COOKIE: &str = "admin.cookie";
/// Where a node writes the address of its operator's interface.
pub const ADMIN_ADDRESS: &str = "admin.address";
/// Where a node writes the address of its explorer and API.
pub const HTTP_ADDRESS: &str = "http.address";

/// Credentials of systemd: the miner's key, the faucet's, and the passphrase of those that are key files.
const CREDENTIALS: [&str; 3] = ["miner.key", "faucet.key", "passphrase"];
/// What stands before the name of a credential that was given with all others of a directory.
const FROM_DIRECTORY: &str = "keys_";

/// What a node needs before its actors can start.
pub struct Prepared {
    /// What it was told.
    pub config: Config,
    /// Signs its blocks.
    pub key: SecretKey,
    /// Signs the faucet's payouts.
    pub faucet_key: SecretKey,
    /// Who it is among its peers.
    pub identity: Keypair,
    /// Changes the log.
    pub log: LogControl,
    /// Waits for the last lines when the node has ended.
    pub log_guard: LogGuard,
}

/// Starts the log, makes the data directory and reads the keys.
pub fn prepare(config: Config) -> Result<Prepared, Failure> {
    let (log, log_guard) = logging::start(config.log_format, &config.log).map_err(Failure::usage)?;
    for warning in &config.warnings {
        warn!("{warning}");
    }
    private_file::create_dir(&config.data_dir).map_err(Failure::storage)?;
    let [key, faucet_key, passphrase] = CREDENTIALS.map(credential);
    let passphrase_file = config.passphrase_file.clone().or(passphrase);
    let passphrase_file = passphrase_file.as_deref();
    let faucet_key = config.faucet_key.clone().or(faucet_key);
    let key = match config.key.clone().or(key) {
        Some(path) => node_keys::read(&path, passphrase_file)?,
        None => node_keys::miner(&config.data_dir)?,
    };
    let faucet_key = match faucet_key {
        Some(path) => node_keys::read(&path, passphrase_file)?,
        None => key.clone(),
    };
    let identity = node_keys::identity(&config.data_dir)?;
    info!(
        version = env!("CARGO_PKG_VERSION"),
        network = config.network.spec.name,
        chain = %config.network.chain,
        data_dir = %config.data_dir.display(),
        miner = %key.address(),
        mine = config.mine,
        faucet = config.faucet,
        "node starts"
    );
    Ok(Prepared { config, key, faucet_key, identity, log, log_guard })
}

/// The file of a credential that systemd gave to this service, if it did.
fn credential(name: &str) -> Option<PathBuf> {
    let directory = PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?);
    [directory.join(name), directory.join(format!("{FROM_DIRECTORY}{name}"))].into_iter().find(|path| path.exists())
}

/// Binds HTTP for a running node, makes the operator's token and tells where everything is. Must be called where an
/// actix system or a tokio runtime runs.
pub fn open_http(prepared: &Prepared, node: Arc<dyn NodeApi>) -> Result<Http, Failure> {
    let config = &prepared.config;
    let token = new_token(&config.data_dir)?;
    let settings = http::Settings {
        public: config.http,
        admin: config.admin,
        data_dir: config.data_dir.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        token: token.to_string(),
        log: prepared.log.clone(),
    };
    let http = http::bind(node, settings).map_err(Failure::usage)?;
    if let Some(address) = http.public {
        info!(address = %format!("http://{address}"), "explorer and API");
        let path = config.data_dir.join(HTTP_ADDRESS);
        private_file::replace(&path, format!("{address}\n").as_bytes()).map_err(Failure::storage)?;
    }
    if let Some(address) = http.admin {
        if !address.ip().is_loopback() {
            warn!(%address, "the admin interface listens beyond this machine: whoever has the token is the operator");
        }
        let path = config.data_dir.join(ADMIN_ADDRESS);
        private_file::replace(&path, format!("{address}\n").as_bytes()).map_err(Failure::storage)?;
    }
    Ok(http)
}

/// Prints where peers reach this node, and writes it to the data directory.
pub fn tell_addresses(data_dir: &Path, peer: PeerId, listening: &[Multiaddr]) -> Result<(), Failure> {
    let lines: Vec<_> = listening.iter().map(|address| format!("{address}/p2p/{peer}")).collect();
    for line in &lines {
        info!(address = %line, "peers reach this node");
    }
    let path = data_dir.join(ADDRESS);
    let failed = |error| Failure::storage(format!("{}: {error}", path.display()));
    let temporary = data_dir.join("address.new");
    fs::write(&temporary, lines.join("\n") + "\n").and_then(|()| fs::rename(&temporary, &path)).map_err(failed)
}

/// A token that only readers of the data directory know; another one at each start.
fn new_token(data_dir: &Path) -> Result<Zeroizing<String>, Failure> {
    let token = Zeroizing::new(hex::encode(rand::random::<[u8; 32]>()));
    let line = Zeroizing::new(format!("{}\n", *token));
    private_file::replace(&data_dir.join(COOKIE), line.as_bytes()).map_err(Failure::storage)?;
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_new_at_each_start_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let first = new_token(dir.path()).unwrap();
        let second = new_token(dir.path()).unwrap();
        assert_ne!(*first, *second);
        assert_eq!(private_file::read(&dir.path().join(COOKIE)).unwrap().trim(), *second);
    }

    #[test]
    fn the_address_file_names_the_peer_behind_each_address() {
        let dir = tempfile::tempdir().unwrap();
        let peer = node_keys::identity(dir.path()).unwrap().public().to_peer_id();
        tell_addresses(dir.path(), peer, &["/ip4/127.0.0.1/tcp/4100".parse().unwrap()]).unwrap();
        let text = fs::read_to_string(dir.path().join(ADDRESS)).unwrap();
        assert_eq!(text, format!("/ip4/127.0.0.1/tcp/4100/p2p/{peer}\n"));
    }
}

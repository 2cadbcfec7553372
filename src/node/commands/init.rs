//! `init`: a data directory with a commented configuration and the node's keys.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::cli::InitArgs;
use crate::commands::print::{self, Out};
use crate::config;
use crate::failure::Failure;
use crate::node_keys;
use crate::private_file;

/// Writes what is not there yet; an existing configuration is an error, existing keys are kept.
pub fn init(args: &InitArgs, out: Out) -> Result<(), Failure> {
    config::network(&args.network)?;
    private_file::create_dir(&args.data_dir)?;
    let path = args.data_dir.join(config::FILE);
    private_file::create(&path, commented(&network_setting(&args.network)?).as_bytes())?;
    let key = node_keys::miner(&args.data_dir)?;
    let identity = node_keys::identity(&args.data_dir)?;
    let (key_path, peer) = (args.data_dir.join(node_keys::MINER_KEY), identity.public().to_peer_id());
    let answer = json!({
        "configuration": path,
        "miner_key": key_path,
        "address": key.address(),
        "peer": peer.to_string(),
        "data_dir": args.data_dir,
    });
    out.answer(&answer, || {
        print::list(&[
            ("configuration", path.display().to_string()),
            ("miner's key", format!("{}  address {}", key_path.display(), key.address())),
            ("identity", peer.to_string()),
            ("start it with", format!("barreleye run --data-dir {}", args.data_dir.display())),
        ])
    })
}

/// A file's path must hold from wherever the node is started.
fn network_setting(name: &str) -> Result<String, Failure> {
    match Path::new(name).is_file() {
        true => fs::canonicalize(name).map(|path| path.display().to_string()).map_err(Failure::usage),
        false => Ok(name.into()),
    }
}

fn commented(network: &str) -> String {
    format!(
        r#"# Configuration of a Barreleye node. Lines that begin with # show the defaults.
# Environment variables (BARRELEYE_HTTP=...) and flags (--http ...) win over this file.

# dev, test, main, regtest or the path of a network file
network = {network:?}

# Where to listen for peers.
#listen = ["/ip4/0.0.0.0/tcp/4100"]

# Addresses under which others can reach this node, if it is behind a router.
#external = []

# Peers to connect to, with or without their /p2p/ part.
#peers = []

# Name under which nodes find one another; the network has one.
#rendezvous = "..."

# Look for peers on the local network by mDNS (off by itself in main, dev and regtest), and ask the router by UPnP to
# let peers in (off by itself in dev and regtest).
#mdns = true
#upnp = true

# Outbound peers that are wanted, and inbound peers that are let in.
#wanted_peers = 8
#max_inbound = 24

# Mine, with the key in this directory or another one (64 hex digits, or a key file),
# using so many percent of one core (20 in dev, 100 elsewhere).
#mine = false
#key = "/etc/barreleye/miner.key"
#hash_duty = 100

# The faucet pays in dev by itself, elsewhere only when told; from the miner's key if it has none of its own.
#faucet = false
#faucet_key = "/etc/barreleye/faucet.key"

# What a claim gets, in Barrel, and the seconds between two claims of one account or client.
#faucet_amount = "5"
#faucet_interval_s = 3600
# How much of what mining creates may be paid out, in percent, and what one account may ever get, in Barrel.
#faucet_share = 50
#faucet_account_limit = "50"

# Seconds after which a peer that worked once and cannot be reached any more is forgotten.
#forget_peers_s = 86400

# The passphrase of keys that are key files.
#passphrase_file = "/etc/barreleye/passphrase"

# The API and the explorer; an address or "off".
#http = "127.0.0.1:9000"

# The operator's interface; keep it on this machine.
#admin = "127.0.0.1:9100"

# Reverse proxies whose X-Forwarded-For counts.
#trusted_proxies = ["127.0.0.1/32"]

# text or json, and what is logged.
#log_format = "text"
#log = "info"
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{KEYS, Layer};

    #[test]
    fn the_commented_configuration_names_every_setting_and_each_is_valid() {
        let text = commented("test");
        let open: String = text
            .lines()
            .filter(|line| !line.starts_with("# "))
            .map(|line| line.trim_start_matches('#').to_owned() + "\n")
            .collect();
        let layer = Layer::from_toml(&open, "open").unwrap();
        assert_eq!(layer.network.as_deref(), Some("test"));
        for key in KEYS.iter().filter(|key| **key != "data_dir") {
            assert!(open.lines().any(|line| line.starts_with(&format!("{key} = "))), "{key} is not explained");
        }
    }

    #[test]
    fn init_makes_a_directory_that_a_node_can_start_from_and_refuses_a_second_time() {
        let dir = tempfile::tempdir().unwrap();
        let args = InitArgs { network: "test".into(), data_dir: dir.path().join("node") };
        init(&args, Out::new(false)).unwrap();
        let flags = Layer { data_dir: Some(args.data_dir.clone()), ..Layer::default() };
        let config = config::load(flags, None, &Default::default(), false).unwrap();
        assert_eq!(config.network.spec.name, "test");
        let error = init(&args, Out::new(false)).unwrap_err().to_string();
        assert!(error.contains("exists already"), "{error}");
    }
}

//! What a node is told: defaults ← `barreleye.toml` ← environment (`BARRELEYE_…`) ← flags.
//!
//! Each layer is a [`Layer`] of optional settings; later ones win. This file decides which settings exist, what they
//! are called and what they are when nobody says anything. It opens no ports and makes no files.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ipnet::IpNet;
use ledger::{Amount, Network, NetworkSpec};
use libp2p::Multiaddr;
use serde::Deserialize;

use crate::failure::Failure;

/// Where a node keeps its data when nobody says otherwise.
pub const DATA_DIR: &str = "./barreleye-data";
/// What a claim gets, as on the original chain.
const FAUCET_AMOUNT: Amount = Amount::drops(5 * Amount::BARREL.as_drops());
/// What an account may ever get from the faucet: ten claims. Who tests for longer asks the operator.
const FAUCET_ACCOUNT_LIMIT: Amount = Amount::drops(50 * Amount::BARREL.as_drops());
/// Percent of what mining creates that the faucet may pay out.
const FAUCET_SHARE: u8 = 50;
/// Outbound peers beyond this number bring nothing but traffic.
const MAX_WANTED_PEERS: usize = 32;
/// Inbound peers that one core can serve; each may have messages waiting.
const MAX_INBOUND: u32 = 256;
/// The configuration file inside the data directory.
pub const FILE: &str = "barreleye.toml";
/// Environment variables with other meanings than a setting.
const OTHER_VARIABLES: [&str; 4] = ["CONFIG", "NODE", "PASSPHRASE_FILE", "BIN"];

/// Everything that a node is told, with nothing left open.
#[derive(Debug, Clone)]
pub struct Config {
    /// The network.
    pub network: Network,
    /// Where the chain, keys and peers are kept.
    pub data_dir: PathBuf,
    /// Where to listen for peers.
    pub listen: Vec<Multiaddr>,
    /// Addresses under which others can reach this node, if it cannot know them itself.
    pub external: Vec<Multiaddr>,
    /// Peers to connect to, beside those that the network file names.
    pub peers: Vec<Multiaddr>,
    /// Name under which nodes find one another.
    pub rendezvous: String,
    /// Whether to mine.
    pub mine: bool,
    /// The miner's key file; none means the one in the data directory.
    pub key: Option<PathBuf>,
    /// Whether the faucet pays.
    pub faucet: bool,
    /// The faucet's key file; none means the miner's key.
    pub faucet_key: Option<PathBuf>,
    /// The passphrase of key files.
    pub passphrase_file: Option<PathBuf>,
    /// Where the public HTTP interface listens.
    pub http: Listener,
    /// Where the operator's HTTP interface listens.
    pub admin: Listener,
    /// Proxies whose word about the client's address counts.
    pub trusted_proxies: Vec<IpNet>,
    /// Form of the log lines.
    pub log_format: LogFormat,
    /// What is logged, as a filter of the `tracing` family.
    pub log: String,
    /// How much of a core the miner takes, in percent.
    pub hash_duty: u8,
    /// What a claim at the faucet gets.
    pub faucet_amount: Amount,
    /// Seconds between two claims of one account or client.
    pub faucet_interval_s: u64,
    /// What an account may ever get from the faucet.
    pub faucet_account_limit: Amount,
    /// How much of what mining creates the faucet may pay out, in percent.
    pub faucet_share: u8,
    /// Seconds after which a peer that worked once and cannot be reached any more is forgotten.
    pub forget_peers_s: u64,
    /// Whether to look for peers on the local network (mDNS).
    pub mdns: bool,
    /// Whether to ask the router to let peers in (UPnP).
    pub upnp: bool,
    /// Outbound peers that are wanted.
    pub wanted_peers: usize,
    /// Inbound peers that are let in.
    pub max_inbound: u32,
    /// What looked wrong on the way, to be logged.
    pub warnings: Vec<String>,
}

/// An address to listen on, or `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// Do not listen.
    Off,
    /// Listen here.
    On(SocketAddr),
}

/// Form of the log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Settings of one layer; those that it does not have are left to the layer below.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Layer {
    /// A built-in network or the path of a network file.
    pub network: Option<String>,
    /// See [`Config::data_dir`].
    pub data_dir: Option<PathBuf>,
    /// See [`Config::listen`].
    pub listen: Option<Vec<Multiaddr>>,
    /// See [`Config::external`].
    pub external: Option<Vec<Multiaddr>>,
    /// See [`Config::peers`].
    pub peers: Option<Vec<Multiaddr>>,
    /// See [`Config::rendezvous`].
    pub rendezvous: Option<String>,
    /// See [`Config::mine`].
    pub mine: Option<bool>,
    /// See [`Config::key`].
    pub key: Option<PathBuf>,
    /// See [`Config::faucet`].
    pub faucet: Option<bool>,
    /// See [`Config::faucet_key`].
    pub faucet_key: Option<PathBuf>,
    /// See [`Config::passphrase_file`].
    pub passphrase_file: Option<PathBuf>,
    /// See [`Config::http`].
    pub http: Option<Listener>,
    /// See [`Config::admin`].
    pub admin: Option<Listener>,
    /// See [`Config::trusted_proxies`].
    pub trusted_proxies: Option<Vec<IpNet>>,
    /// See [`Config::log_format`].
    pub log_format: Option<LogFormat>,
    /// See [`Config::log`].
    pub log: Option<String>,
    /// See [`Config::hash_duty`].
    pub hash_duty: Option<u8>,
    /// See [`Config::faucet_amount`].
    pub faucet_amount: Option<Amount>,
    /// See [`Config::faucet_interval_s`].
    pub faucet_interval_s: Option<u64>,
    /// See [`Config::faucet_account_limit`].
    pub faucet_account_limit: Option<Amount>,
    /// See [`Config::faucet_share`].
    pub faucet_share: Option<u8>,
    /// See [`Config::forget_peers_s`].
    pub forget_peers_s: Option<u64>,
    /// See [`Config::mdns`].
    pub mdns: Option<bool>,
    /// See [`Config::upnp`].
    pub upnp: Option<bool>,
    /// See [`Config::wanted_peers`].
    pub wanted_peers: Option<usize>,
    /// See [`Config::max_inbound`].
    pub max_inbound: Option<u32>,
}

/// The names of all settings, as the file has them.
pub const KEYS: [&str; 26] = [
    "network",
    "data_dir",
    "listen",
    "external",
    "peers",
    "rendezvous",
    "mine",
    "key",
    "faucet",
    "faucet_key",
    "passphrase_file",
    "http",
    "admin",
    "trusted_proxies",
    "log_format",
    "log",
    "hash_duty",
    "faucet_amount",
    "faucet_interval_s",
    "faucet_account_limit",
    "faucet_share",
    "forget_peers_s",
    "mdns",
    "upnp",
    "wanted_peers",
    "max_inbound",
];

impl Layer {
    /// These settings, and those of `below` where there are none.
    pub fn over(self, below: Self) -> Self {
        Self {
            network: self.network.or(below.network),
            data_dir: self.data_dir.or(below.data_dir),
            listen: self.listen.or(below.listen),
            external: self.external.or(below.external),
            peers: self.peers.or(below.peers),
            rendezvous: self.rendezvous.or(below.rendezvous),
            mine: self.mine.or(below.mine),
            key: self.key.or(below.key),
            faucet: self.faucet.or(below.faucet),
            faucet_key: self.faucet_key.or(below.faucet_key),
            passphrase_file: self.passphrase_file.or(below.passphrase_file),
            http: self.http.or(below.http),
            admin: self.admin.or(below.admin),
            trusted_proxies: self.trusted_proxies.or(below.trusted_proxies),
            log_format: self.log_format.or(below.log_format),
            log: self.log.or(below.log),
            hash_duty: self.hash_duty.or(below.hash_duty),
            faucet_amount: self.faucet_amount.or(below.faucet_amount),
            faucet_interval_s: self.faucet_interval_s.or(below.faucet_interval_s),
            faucet_account_limit: self.faucet_account_limit.or(below.faucet_account_limit),
            faucet_share: self.faucet_share.or(below.faucet_share),
            forget_peers_s: self.forget_peers_s.or(below.forget_peers_s),
            mdns: self.mdns.or(below.mdns),
            upnp: self.upnp.or(below.upnp),
            wanted_peers: self.wanted_peers.or(below.wanted_peers),
            max_inbound: self.max_inbound.or(below.max_inbound),
        }
    }

    /// The settings in the text of a configuration file.
    pub fn from_toml(text: &str, name: &str) -> Result<Self, Failure> {
        let bad = |error: toml::de::Error| Failure::usage(format!("{name}: {error}"));
        let table: toml::Table = text.parse().map_err(bad)?;
        if let Some(unknown) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(Failure::usage(format!(
                "{name}: unknown setting '{unknown}': did you mean '{}'?",
                nearest(unknown)
            )));
        }
        toml::from_str(text).map_err(bad)
    }

    /// The settings in the environment, and what looked like one but is not.
    pub fn from_environment(variables: &BTreeMap<String, String>) -> Result<(Self, Vec<String>), Failure> {
        let (mut layer, mut warnings) = (Self::default(), Vec::new());
        for (name, value) in variables {
            let Some(suffix) = name.strip_prefix("BARRELEYE_") else { continue };
            let key = suffix.to_ascii_lowercase();
            match layer.set(&key, value) {
                Some(Ok(())) => {}
                Some(Err(why)) => return Err(Failure::usage(format!("environment variable {name}: {why}"))),
                None if OTHER_VARIABLES.contains(&suffix) => {}
                None => warnings.push(format!(
                    "the environment variable {name} is no setting: did you mean BARRELEYE_{}?",
                    nearest(&key).to_ascii_uppercase()
                )),
            }
        }
        Ok((layer, warnings))
    }

    /// Sets `key` from a text; none if there is no such setting.
    fn set(&mut self, key: &str, text: &str) -> Option<Result<(), String>> {
        Some(match key {
            "network" => one(&mut self.network, text),
            "data_dir" => one(&mut self.data_dir, text),
            "listen" => list(&mut self.listen, text),
            "external" => list(&mut self.external, text),
            "peers" => list(&mut self.peers, text),
            "rendezvous" => one(&mut self.rendezvous, text),
            "mine" => switch(&mut self.mine, text),
            "key" => one(&mut self.key, text),
            "faucet" => switch(&mut self.faucet, text),
            "faucet_key" => one(&mut self.faucet_key, text),
            "passphrase_file" => one(&mut self.passphrase_file, text),
            "http" => one(&mut self.http, text),
            "admin" => one(&mut self.admin, text),
            "trusted_proxies" => list(&mut self.trusted_proxies, text),
            "log_format" => one(&mut self.log_format, text),
            "log" => one(&mut self.log, text),
            "hash_duty" => one(&mut self.hash_duty, text),
            "faucet_amount" => one(&mut self.faucet_amount, text),
            "faucet_interval_s" => one(&mut self.faucet_interval_s, text),
            "faucet_account_limit" => one(&mut self.faucet_account_limit, text),
            "faucet_share" => one(&mut self.faucet_share, text),
            "forget_peers_s" => one(&mut self.forget_peers_s, text),
            "mdns" => switch(&mut self.mdns, text),
            "upnp" => switch(&mut self.upnp, text),
            "wanted_peers" => one(&mut self.wanted_peers, text),
            "max_inbound" => one(&mut self.max_inbound, text),
            _ => return None,
        })
    }
}

/// Puts the layers together. `bare` means a command line without any argument: a development node that mines.
pub fn load(
    flags: Layer,
    file: Option<&Path>,
    environment: &BTreeMap<String, String>,
    bare: bool,
) -> Result<Config, Failure> {
    let (environment, warnings) = Layer::from_environment(environment)?;
    let above = flags.over(environment);
    let data_dir = above.data_dir.clone().unwrap_or_else(|| DATA_DIR.into());
    let read = |path: &Path| {
        let text = fs::read_to_string(path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
        Layer::from_toml(&text, &path.display().to_string())
    };
    let inside = data_dir.join(FILE);
    let below = match file {
        Some(path) => read(path)?,
        None if inside.exists() => match read(&inside)? {
            layer if layer.data_dir.is_some() => {
                let text = "data_dir cannot be set by the file inside the data directory: use --data-dir or --config";
                return Err(Failure::usage(format!("{}: {text}", inside.display())));
            }
            layer => layer,
        },
        None => Layer::default(),
    };
    finish(above.over(below), warnings, bare)
}

fn finish(layer: Layer, warnings: Vec<String>, bare: bool) -> Result<Config, Failure> {
    let network = network(layer.network.as_deref().unwrap_or("dev"))?;
    let is_dev = network.spec.name == "dev";
    let hash_duty = layer.hash_duty.unwrap_or(if is_dev { 20 } else { 100 });
    if !(1..=100).contains(&hash_duty) {
        return Err(Failure::usage(format!("hash_duty is {hash_duty}: it must be 1 to 100 percent of a core")));
    }
    let (wanted_peers, max_inbound) = (layer.wanted_peers.unwrap_or(8), layer.max_inbound.unwrap_or(24));
    if !(1..=MAX_WANTED_PEERS).contains(&wanted_peers) || max_inbound > MAX_INBOUND {
        return Err(Failure::usage(format!(
            "wanted_peers is {wanted_peers} and max_inbound {max_inbound}: \
             they must be 1 to {MAX_WANTED_PEERS} and 0 to {MAX_INBOUND}"
        )));
    }
    let faucet_share = layer.faucet_share.unwrap_or(FAUCET_SHARE);
    if !(1..=100).contains(&faucet_share) {
        return Err(Failure::usage(format!(
            "faucet_share is {faucet_share}: it must be 1 to 100 percent of what mining creates"
        )));
    }
    // A network of one machine has nobody to find outside it, and the main one's nodes are not on one LAN.
    let is_local = is_dev || network.spec.hints.mint_only;
    let is_main = network.spec.name == "main";
    let address = |port| Listener::On(SocketAddr::from(([127, 0, 0, 1], port)));
    let everywhere = || "/ip4/0.0.0.0/tcp/4100".parse().into_iter().collect();
    let mut peers: Vec<Multiaddr> = layer.peers.unwrap_or_default();
    for hint in &network.spec.hints.bootstrap {
        let peer = hint.parse().map_err(|error| Failure::usage(format!("bootstrap peer '{hint}': {error}")))?;
        peers.push(peer);
    }
    Ok(Config {
        data_dir: layer.data_dir.unwrap_or_else(|| DATA_DIR.into()),
        listen: layer.listen.unwrap_or_else(everywhere),
        external: layer.external.unwrap_or_default(),
        peers,
        rendezvous: layer.rendezvous.unwrap_or_else(|| network.spec.hints.rendezvous.clone()),
        mine: layer.mine.unwrap_or(bare && is_dev),
        key: layer.key,
        faucet: layer.faucet.unwrap_or(is_dev),
        faucet_key: layer.faucet_key,
        passphrase_file: layer.passphrase_file,
        http: layer.http.unwrap_or(address(9000)),
        admin: layer.admin.unwrap_or(address(9100)),
        trusted_proxies: layer.trusted_proxies.unwrap_or_default(),
        log_format: layer.log_format.unwrap_or(LogFormat::Text),
        log: layer.log.unwrap_or_else(|| "info".into()),
        hash_duty,
        faucet_amount: layer.faucet_amount.unwrap_or(FAUCET_AMOUNT),
        faucet_interval_s: layer.faucet_interval_s.unwrap_or(3_600),
        faucet_account_limit: layer.faucet_account_limit.unwrap_or(FAUCET_ACCOUNT_LIMIT),
        faucet_share,
        forget_peers_s: layer.forget_peers_s.unwrap_or(24 * 3_600),
        mdns: layer.mdns.unwrap_or(!is_main && !is_local),
        upnp: layer.upnp.unwrap_or(!is_local),
        wanted_peers,
        max_inbound,
        warnings,
        network,
    })
}

/// The network with a built-in name, or in a file. Anything with a `/` or a `.` is a path.
pub fn network(name: &str) -> Result<Network, Failure> {
    if !name.contains(['/', '.']) && !Path::new(name).exists() {
        return Network::built_in(name).map_err(Failure::usage);
    }
    if NetworkSpec::BUILT_IN.contains(&name) {
        return Network::built_in(name).map_err(Failure::usage);
    }
    let text = fs::read_to_string(name).map_err(|error| Failure::usage(format!("network file {name}: {error}")))?;
    let network = NetworkSpec::from_toml(&text).and_then(Network::new);
    network.map_err(|error| Failure::usage(format!("network file {name}: {error}")))
}

fn one<T: FromStr<Err: ToString>>(setting: &mut Option<T>, text: &str) -> Result<(), String> {
    *setting = Some(text.parse().map_err(|error: T::Err| format!("'{text}': {}", error.to_string()))?);
    Ok(())
}

/// Values between commas.
fn list<T: FromStr<Err: ToString>>(setting: &mut Option<Vec<T>>, text: &str) -> Result<(), String> {
    let parse = |part: &str| part.parse().map_err(|error: T::Err| format!("'{part}': {}", error.to_string()));
    *setting =
        Some(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(parse).collect::<Result<_, _>>()?);
    Ok(())
}

fn switch(setting: &mut Option<bool>, text: &str) -> Result<(), String> {
    *setting = Some(parse_switch(text)?);
    Ok(())
}

/// `on` or `off`, in the words that people use.
pub fn parse_switch(text: &str) -> Result<bool, String> {
    match text {
        "on" | "true" | "yes" | "1" => Ok(true),
        "off" | "false" | "no" | "0" => Ok(false),
        _ => Err(format!("'{text}' must be on or off")),
    }
}

impl FromStr for Listener {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            _ => text
                .parse()
                .map(Self::On)
                .map_err(|_| "must be an address with a port, such as 127.0.0.1:9000, or off".into()),
        }
    }
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("must be text or json".into()),
        }
    }
}

/// Reads a setting of the file through its `FromStr`.
macro_rules! deserialize_from_str {
    ($($name:ident),*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
deserialize_from_str!(Listener, LogFormat);

/// The setting whose name needs the fewest changes to become `typed`.
fn nearest(typed: &str) -> &'static str {
    KEYS.into_iter().min_by_key(|key| distance(&typed.replace('-', "_"), key)).unwrap_or(KEYS[0])
}

/// Edit distance: insertions, deletions and replacements.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    fn empty_dir() -> (tempfile::TempDir, Layer) {
        let dir = tempfile::tempdir().unwrap();
        let layer = Layer { data_dir: Some(dir.path().into()), ..Layer::default() };
        (dir, layer)
    }

    #[test]
    fn without_any_argument_it_is_a_development_node_that_mines() {
        let config = finish(Layer::default(), vec![], true).unwrap();
        assert_eq!(config.network.spec.name, "dev");
        assert!(config.mine && config.faucet);
        assert_eq!(config.http, Listener::On("127.0.0.1:9000".parse().unwrap()));
        assert_eq!(config.admin, Listener::On("127.0.0.1:9100".parse().unwrap()));
        assert_eq!(config.listen, ["/ip4/0.0.0.0/tcp/4100".parse().unwrap()]);
        assert_eq!((config.data_dir, config.hash_duty), (PathBuf::from("./barreleye-data"), 20));
    }

    #[test]
    fn run_mines_only_when_told_and_other_networks_have_no_faucet_by_themselves() {
        let config = finish(Layer { network: Some("test".into()), ..Layer::default() }, vec![], true).unwrap();
        assert!(!config.mine && !config.faucet);
        assert_eq!(config.hash_duty, 100);
        assert!(!finish(Layer::default(), vec![], false).unwrap().mine);
    }

    #[test]
    fn only_a_network_that_may_span_machines_is_looked_for_on_the_lan_and_behind_the_router() {
        for (network, mdns, upnp) in
            [("dev", false, false), ("regtest", false, false), ("test", true, true), ("main", false, true)]
        {
            let config = finish(Layer { network: Some(network.into()), ..Layer::default() }, vec![], false).unwrap();
            assert_eq!((config.mdns, config.upnp), (mdns, upnp), "{network}");
        }
        let off = Layer { network: Some("test".into()), mdns: Some(false), upnp: Some(false), ..Layer::default() };
        let config = finish(off, vec![], false).unwrap();
        assert!(!config.mdns && !config.upnp);
    }

    #[test]
    fn no_outbound_peer_or_too_many_peers_are_refused_with_what_would_do() {
        for layer in [
            Layer { wanted_peers: Some(0), ..Layer::default() },
            Layer { wanted_peers: Some(MAX_WANTED_PEERS + 1), ..Layer::default() },
            Layer { max_inbound: Some(MAX_INBOUND + 1), ..Layer::default() },
        ] {
            let error = finish(layer, vec![], false).unwrap_err();
            assert!(error.to_string().contains("must be 1 to 32 and 0 to 256"), "{error}");
        }
    }

    #[test]
    fn a_later_layer_wins_over_each_earlier_one() {
        let (dir, flags) = empty_dir();
        fs::write(dir.path().join(FILE), "rendezvous = \"file\"\nhash_duty = 30\nlog = \"warn\"\n").unwrap();
        let variables = environment(&[("BARRELEYE_RENDEZVOUS", "variable"), ("BARRELEYE_HASH_DUTY", "40")]);
        let flags = Layer { rendezvous: Some("flag".into()), ..flags };
        let config = load(flags, None, &variables, false).unwrap();
        assert_eq!((config.rendezvous.as_str(), config.hash_duty, config.log.as_str()), ("flag", 40, "warn"));
    }

    #[test]
    fn an_unknown_setting_is_refused_and_the_nearest_one_named() {
        for (typed, meant) in
            [("rendevous", "rendezvous"), ("data-dir", "data_dir"), ("htp", "http"), ("miner", "mine")]
        {
            let error = Layer::from_toml(&format!("{typed} = \"x\""), "f").unwrap_err();
            assert_eq!(error.to_string(), format!("f: unknown setting '{typed}': did you mean '{meant}'?"));
            assert_eq!(error.exit_code(), 2);
        }
    }

    #[test]
    fn a_wrong_value_says_where_it_stands_and_what_would_do() {
        let error = load(Layer::default(), None, &environment(&[("BARRELEYE_HTTP", "9000")]), false).unwrap_err();
        assert_eq!(
            error.to_string(),
            "environment variable BARRELEYE_HTTP: '9000': must be an address with a port, such as 127.0.0.1:9000, or off"
        );
        let error = finish(Layer { hash_duty: Some(0), ..Layer::default() }, vec![], false).unwrap_err();
        assert!(error.to_string().contains("1 to 100 percent"), "{error}");
        let error = network("mian").unwrap_err();
        assert!(error.to_string().contains("there is no network 'mian'"), "{error}");
    }

    #[test]
    fn a_variable_that_is_no_setting_is_warned_of_but_those_of_commands_are_not() {
        let variables = environment(&[("BARRELEYE_MNE", "on"), ("BARRELEYE_NODE", "x"), ("PATH", "/bin")]);
        let (layer, warnings) = Layer::from_environment(&variables).unwrap();
        assert_eq!(layer, Layer::default());
        assert_eq!(warnings, ["the environment variable BARRELEYE_MNE is no setting: did you mean BARRELEYE_MINE?"]);
    }

    #[test]
    fn lists_in_the_environment_stand_between_commas_and_every_setting_can_be_set() {
        let variables = environment(&[("BARRELEYE_PEERS", "/ip4/1.2.3.4/tcp/1, /ip4/1.2.3.4/tcp/2")]);
        assert_eq!(Layer::from_environment(&variables).unwrap().0.peers.map(|peers| peers.len()), Some(2));
        for key in KEYS {
            assert!(Layer::default().set(key, "").is_some(), "{key} cannot be set by the environment");
        }
    }

    #[test]
    fn the_file_inside_the_data_directory_cannot_move_it() {
        let (dir, flags) = empty_dir();
        fs::write(dir.path().join(FILE), "data_dir = \"/elsewhere\"\n").unwrap();
        let error = load(flags, None, &BTreeMap::new(), false).unwrap_err();
        assert!(error.to_string().contains("use --data-dir or --config"), "{error}");
    }
}

//! What a node is told: defaults ← `barreleye.toml` ← environment (`BARRELEYE_…`) ← flags.
//!
//! Each source is a [`Layer`] of optional settings; later ones win. This file decides what the settings mean and what
//! they are when nobody says anything. It opens no ports and makes no files.

mod settings;
mod shown;
mod values;

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use ledger::{Amount, Network, NetworkSpec};
use libp2p::Multiaddr;

pub use self::settings::{KEYS, Layer};
pub use self::shown::{LIVE, Origin, Setting};
pub use self::values::{Listener, LogFormat, parse_switch};
use crate::failure::Failure;
use crate::node_keys::IDENTITY_KEY;

/// Where a node keeps its data when nobody says otherwise.
pub const DATA_DIR: &str = "./barreleye-data";
/// Where the service of the package keeps its own; an instance's has `-NAME` at its end.
pub const SERVICE_DATA_DIR: &str = "/var/lib/barreleye";
/// Where the configuration of the service and of its instances is.
const SERVICE_CONFIG_DIR: &str = "/etc/barreleye";
/// The port for wallets and browsers.
pub const HTTP_PORT: u16 = 9000;
/// The operator's port. It is not 9100: Prometheus' node exporter listens there, and comes along with Prometheus.
pub const ADMIN_PORT: u16 = 9010;
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
/// The configuration that `init` writes and the package installs: every setting with its default, in comments.
pub const COMMENTED: &str = include_str!("../../../deploy/barreleye.toml");

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
    /// Which source each setting is from that is not as by itself.
    pub origins: BTreeMap<&'static str, Origin>,
}

/// Where a node's settings are from, beside the environment; can be read again while it runs.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// The command line.
    pub flags: Layer,
    /// The configuration file, if the command line names one.
    pub file: Option<PathBuf>,
    /// A command line without any argument: a development node that mines.
    pub bare: bool,
}

impl Source {
    /// For a command about a node: what nobody says is as the node has it that was started here, else the service.
    pub fn of_a_node(mut self) -> Self {
        if self.file.is_none() {
            let variable = || std::env::var_os("BARRELEYE_DATA_DIR").map(PathBuf::from);
            let named = self.flags.data_dir.clone().or_else(variable);
            let dir = named.clone().unwrap_or_else(usual_data_dir);
            self.file = of_service(&dir).filter(|file| file.exists());
            if self.file.is_some() && named.is_none() {
                self.flags.data_dir = Some(dir);
            }
        }
        self
    }

    /// Reads everything.
    pub fn load(&self) -> Result<Config, Failure> {
        let variables = std::env::vars_os();
        let environment =
            variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect();
        load(self.flags.clone(), self.file.as_deref(), &environment, self.bare)
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
    let mut origins = BTreeMap::new();
    let mut note = |layer: &Layer, origin: &Origin| {
        origins.extend(layer.given().into_iter().map(|key| (key, origin.clone())));
    };
    let (from_flags, from_environment) = (flags.clone(), environment.clone());
    let above = flags.over(environment);
    let data_dir = above.data_dir.clone().unwrap_or_else(|| DATA_DIR.into());
    let read = |path: &Path| {
        let text = fs::read_to_string(path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
        Layer::from_toml(&text, &path.display().to_string())
    };
    let inside = data_dir.join(FILE);
    let (below, read_from) = match file {
        Some(path) => (read(path)?, path.to_owned()),
        None if inside.exists() => match read(&inside)? {
            layer if layer.data_dir.is_some() => {
                let text = "data_dir cannot be set by the file inside the data directory: use --data-dir or --config";
                return Err(Failure::usage(format!("{}: {text}", inside.display())));
            }
            layer => (layer, inside),
        },
        None => (Layer::default(), inside),
    };
    // The first source comes last: it has the last word.
    note(&below, &Origin::File(read_from));
    note(&from_environment, &Origin::Environment);
    note(&from_flags, &Origin::Flag);
    Ok(Config { origins, ..finish(above.over(below), warnings, bare)? })
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
        http: layer.http.unwrap_or(address(HTTP_PORT)),
        admin: layer.admin.unwrap_or(address(ADMIN_PORT)),
        trusted_proxies: layer.trusted_proxies.unwrap_or_default(),
        log_format: layer.log_format.unwrap_or(LogFormat::Auto),
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
        origins: BTreeMap::new(),
        network,
    })
}

/// The data directory that a command about a node means when nobody names one: of a node that was started by hand here,
/// or of the service.
pub fn usual_data_dir() -> PathBuf {
    usual_of(|dir| dir.exists()).into()
}

fn usual_of(exists: impl Fn(&Path) -> bool) -> &'static str {
    // A directory that only has a wallet is no node's.
    let started_here = exists(&Path::new(DATA_DIR).join(IDENTITY_KEY));
    if !started_here && exists(Path::new(SERVICE_DATA_DIR)) { SERVICE_DATA_DIR } else { DATA_DIR }
}

/// The configuration of the service that has this data directory, where it would be.
pub fn of_service(data_dir: &Path) -> Option<PathBuf> {
    let name = match data_dir.to_str()?.strip_prefix(SERVICE_DATA_DIR)? {
        "" => FILE.to_owned(),
        instance => format!("{}.toml", instance.strip_prefix('-')?),
    };
    Some(Path::new(SERVICE_CONFIG_DIR).join(name))
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
        assert_eq!(config.admin, Listener::On("127.0.0.1:9010".parse().unwrap()));
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
    fn lists_in_the_environment_stand_between_commas() {
        let variables = environment(&[("BARRELEYE_PEERS", "/ip4/1.2.3.4/tcp/1, /ip4/1.2.3.4/tcp/2")]);
        assert_eq!(Layer::from_environment(&variables).unwrap().0.peers.map(|peers| peers.len()), Some(2));
    }

    #[test]
    fn a_command_means_the_node_that_was_started_here_else_the_service() {
        assert_eq!(usual_of(|_| true), DATA_DIR);
        assert_eq!(usual_of(|_| false), DATA_DIR);
        assert_eq!(usual_of(|place| place.starts_with(SERVICE_DATA_DIR)), SERVICE_DATA_DIR);
        let wallet_only = |place: &Path| [DATA_DIR, SERVICE_DATA_DIR].iter().any(|dir| place == Path::new(dir));
        assert_eq!(usual_of(wallet_only), SERVICE_DATA_DIR);
    }

    #[test]
    fn a_services_directory_leads_to_its_configuration_as_the_units_have_it() {
        let units =
            [include_str!("../../../deploy/barreleye.service"), include_str!("../../../deploy/barreleye@.service")];
        for (unit, name) in units.into_iter().zip(["", "-%i"]) {
            let dir = format!("{SERVICE_DATA_DIR}{name}");
            let file = of_service(Path::new(&dir)).unwrap();
            let start = format!("run --config {} --data-dir {dir}\n", file.display());
            assert!(unit.contains(&start), "{start}");
        }
        for other in ["/var/lib", "/var/lib/barreleyes", "./barreleye-data", "/var/lib/barreleye/x"] {
            assert_eq!(of_service(Path::new(other)), None, "{other}");
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

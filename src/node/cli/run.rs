//! Flags of a node, and of making one.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use libp2p::Multiaddr;

use crate::config::{self, Layer, Listener, LogFormat, Source};

/// Flags of a node.
#[derive(Debug, Default, Args)]
pub struct RunArgs {
    /// dev, test, main, regtest or the path of a network file [default: dev]
    #[arg(long, value_name = "NAME|FILE")]
    pub network: Option<String>,
    /// Where the chain, keys and peers are kept [default: ./barreleye-data]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Where to listen for peers; may be repeated [default: /ip4/0.0.0.0/tcp/4100]
    #[arg(long, value_name = "MULTIADDR", num_args = 1..)]
    pub listen: Vec<Multiaddr>,
    /// An address under which others can reach this node; may be repeated
    #[arg(long, value_name = "MULTIADDR", num_args = 1..)]
    pub external: Vec<Multiaddr>,
    /// A peer to connect to, with or without its /p2p/ part; may be repeated
    #[arg(long = "peer", value_name = "MULTIADDR", num_args = 1..)]
    pub peers: Vec<Multiaddr>,
    /// Name under which nodes find one another
    #[arg(long, value_name = "NAME")]
    pub rendezvous: Option<String>,
    /// Whether to look for peers on the local network by mDNS [default: on, but off in main, dev and regtest]
    #[arg(long, value_name = "on|off", value_parser = config::parse_switch)]
    pub mdns: Option<bool>,
    /// Whether to ask the router by UPnP to let peers in [default: on, but off in dev and regtest]
    #[arg(long, value_name = "on|off", value_parser = config::parse_switch)]
    pub upnp: Option<bool>,
    /// Mine
    #[arg(long)]
    pub mine: bool,
    /// The miner's key: a file with 64 hex digits, or a key file [default: miner.key in the data directory]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// The faucet's key [default: the miner's]
    #[arg(long, value_name = "FILE")]
    pub faucet_key: Option<PathBuf>,
    /// Whether the faucet pays [default: on in dev, off elsewhere]
    #[arg(long, value_name = "on|off", value_parser = config::parse_switch)]
    pub faucet: Option<bool>,
    /// A file with the passphrase of the key files
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Where the API and the explorer listen, or off [default: 127.0.0.1:9000]
    #[arg(long, value_name = "ADDR")]
    pub http: Option<Listener>,
    /// Where the operator's interface listens, or off [default: 127.0.0.1:9010]
    #[arg(long, value_name = "ADDR")]
    pub admin: Option<Listener>,
    /// The configuration file [default: barreleye.toml in the data directory]
    #[arg(long, value_name = "FILE", env = "BARRELEYE_CONFIG")]
    pub config: Option<PathBuf>,
    /// Form of the log lines [default: auto, which is the journal under systemd, else text]
    #[arg(long, value_name = "auto|text|json|journal")]
    pub log_format: Option<LogFormat>,
    /// How much of a core the miner takes [default: 20 in dev, 100 elsewhere]
    #[arg(long, value_name = "PERCENT")]
    pub hash_duty: Option<u8>,
}

impl RunArgs {
    /// Where the settings of this command line are from.
    pub fn source(&self, bare: bool) -> Source {
        Source { flags: self.layer(), file: self.config.clone(), bare }
    }

    /// The layer of the flags.
    pub fn layer(&self) -> Layer {
        let given = |list: &Vec<Multiaddr>| (!list.is_empty()).then(|| list.clone());
        Layer {
            network: self.network.clone(),
            data_dir: self.data_dir.clone(),
            listen: given(&self.listen),
            external: given(&self.external),
            peers: given(&self.peers),
            rendezvous: self.rendezvous.clone(),
            mdns: self.mdns,
            upnp: self.upnp,
            mine: self.mine.then_some(true),
            key: self.key.clone(),
            faucet: self.faucet,
            faucet_key: self.faucet_key.clone(),
            passphrase_file: self.passphrase_file.clone(),
            http: self.http,
            admin: self.admin,
            log_format: self.log_format,
            hash_duty: self.hash_duty,
            // The rest is for the file and the environment.
            ..Layer::default()
        }
    }
}

/// What can be done with a configuration. The flags are those of `run`: what they say counts too. Without any it is that
/// of the node that was started here, else of the service.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Read it as a node would that starts now
    #[command(
        after_help = "Example:\n  barreleye config check\n  barreleye config check --config /etc/barreleye/barreleye.toml"
    )]
    Check(Box<RunArgs>),
    /// Every setting with its value, and which source that is from
    #[command(after_help = "Example:\n  barreleye config show --data-dir ./barreleye-data")]
    Show(Box<RunArgs>),
}

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// dev, test, main, regtest or the path of a network file
    #[arg(long, value_name = "NAME|FILE", default_value = "dev")]
    pub network: String,
    /// Where the chain, keys and peers will be kept
    #[arg(long, value_name = "DIR", default_value = config::DATA_DIR)]
    pub data_dir: PathBuf,
}

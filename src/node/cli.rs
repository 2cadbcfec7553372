//! The command line: names and help of every command. What they do stands in [`crate::commands`].

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use ledger::{Address, Amount};
use libp2p::Multiaddr;

use crate::config::{self, Layer, Listener, LogFormat};

/// A blockchain node: your own coin network with explorer and faucet.
#[derive(Debug, Parser)]
#[command(name = "barreleye", version, args_conflicts_with_subcommands = true, max_term_width = 110)]
#[command(
    after_help = "Without arguments: a development node in ./barreleye-data that mines, with an open faucet, the \
explorer and the API on http://127.0.0.1:9000.\n\nExit codes: 0 clean, 2 usage or configuration, 70 internal fault, 74 storage."
)]
pub struct Cli {
    /// What to do; nothing means to run a node.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Flags of the node.
    #[command(flatten)]
    pub run: RunArgs,
}

/// Everything that the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a node
    #[command(after_help = "Example:\n  barreleye run --network test --mine --peer /ip4/203.0.113.7/tcp/4100")]
    Run(Box<RunArgs>),
    /// Write a commented configuration and a node key
    #[command(after_help = "Example:\n  barreleye init --network test --data-dir /var/lib/barreleye")]
    Init(InitArgs),
    /// Ask a running node how it is
    #[command(after_help = "Example:\n  barreleye status --node http://127.0.0.1:9000")]
    Status(ClientArgs),
    /// The peers of a running node
    #[command(after_help = "Example:\n  barreleye peers --data-dir ./barreleye-data")]
    Peers(AdminArgs),
    /// Each actor of a running node: state, mailbox, counters
    #[command(after_help = "Example:\n  barreleye actors --watch")]
    Actors(ActorsArgs),
    /// Pause or resume the miner of a running node
    #[command(subcommand, after_help = "Example:\n  barreleye miner pause")]
    Miner(MinerCommand),
    /// Change what a running node logs
    #[command(after_help = "Example:\n  barreleye log debug\n  barreleye log info,actors::syncer=trace")]
    Log(LogArgs),
    /// Keys: make, list, show, import, export, sign
    #[command(subcommand, after_help = "Example:\n  barreleye wallet new alice")]
    Wallet(WalletCommand),
    /// The balance of an address or of a key in the wallet
    #[command(
        after_help = "Example:\n  barreleye balance alice\n  barreleye balance 0xf4bcd665c2595fb3253ade200bb80d7e5ddd9ca2"
    )]
    Balance(BalanceArgs),
    /// Sign a transfer with a key of the wallet and post it
    #[command(
        after_help = "Example:\n  barreleye send alice --to 0xf4bcd665c2595fb3253ade200bb80d7e5ddd9ca2 --amount 1.5"
    )]
    Send(SendArgs),
    /// Get coins from a node's faucet
    #[command(subcommand, after_help = "Example:\n  barreleye faucet claim alice")]
    Faucet(FaucetCommand),
    /// Make blocks on request, now (dev and regtest)
    #[command(after_help = "Example:\n  barreleye mint 3")]
    Mint(MintArgs),
    /// Show a transaction
    #[command(after_help = "Example:\n  barreleye tx 7c038d25e32fe4bc7a6bfc8227abaa59f65fd3eda03aa7235061655cc72abb17")]
    Tx(TxArgs),
    /// Show a block by its height or id; without either the newest
    #[command(after_help = "Example:\n  barreleye block 12")]
    Block(BlockArgs),
    /// Make or read a network file
    #[command(subcommand, after_help = "Example:\n  barreleye genesis new my-coin --reward 5 > my-coin.toml")]
    Genesis(GenesisCommand),
    /// Check a data directory
    #[command(subcommand, after_help = "Example:\n  barreleye chain verify --data-dir ./barreleye-data")]
    Chain(ChainCommand),
}

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
    /// The miner's key: a file with 64 hex digits or a keystore [default: miner.key in the data directory]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// The faucet's key [default: the miner's]
    #[arg(long, value_name = "FILE")]
    pub faucet_key: Option<PathBuf>,
    /// Whether the faucet pays [default: on in dev, off elsewhere]
    #[arg(long, value_name = "on|off", value_parser = config::parse_switch)]
    pub faucet: Option<bool>,
    /// A file with the passphrase of the keystores
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Where the API and the explorer listen, or off [default: 127.0.0.1:9000]
    #[arg(long, value_name = "ADDR")]
    pub http: Option<Listener>,
    /// Where the operator's interface listens, or off [default: 127.0.0.1:9100]
    #[arg(long, value_name = "ADDR")]
    pub admin: Option<Listener>,
    /// The configuration file [default: barreleye.toml in the data directory]
    #[arg(long, value_name = "FILE", env = "BARRELEYE_CONFIG")]
    pub config: Option<PathBuf>,
    /// Form of the log lines [default: text]
    #[arg(long, value_name = "text|json")]
    pub log_format: Option<LogFormat>,
    /// How much of a core the miner takes [default: 20 in dev, 100 elsewhere]
    #[arg(long, value_name = "PERCENT")]
    pub hash_duty: Option<u8>,
}

impl RunArgs {
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

/// How to reach a node's public interface.
#[derive(Debug, Args)]
pub struct ClientArgs {
    /// The node to ask
    #[arg(long, value_name = "URL", env = "BARRELEYE_NODE", default_value = "http://127.0.0.1:9000")]
    pub node: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// How to reach a node's operator interface.
#[derive(Debug, Args)]
pub struct AdminArgs {
    /// The node's admin address [default: the one that the node wrote to its data directory, else 127.0.0.1:9100]
    #[arg(long, value_name = "ADDR")]
    pub admin: Option<String>,
    /// The node's data directory, where its admin.cookie is
    #[arg(long, value_name = "DIR", env = "BARRELEYE_DATA_DIR", default_value = config::DATA_DIR)]
    pub data_dir: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `actors`.
#[derive(Debug, Args)]
pub struct ActorsArgs {
    /// Show it again every second until Ctrl-C
    #[arg(long)]
    pub watch: bool,
    /// How to reach the node.
    #[command(flatten)]
    pub admin: AdminArgs,
}

/// What the miner can be told.
#[derive(Debug, Subcommand)]
pub enum MinerCommand {
    /// Stop mining until resumed
    #[command(after_help = "Example:\n  barreleye miner pause")]
    Pause(AdminArgs),
    /// Mine again
    #[command(after_help = "Example:\n  barreleye miner resume")]
    Resume(AdminArgs),
}

/// Arguments of `log`.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// error, warn, info, debug, trace, or a filter such as info,wire=debug
    pub filter: String,
    /// How to reach the node.
    #[command(flatten)]
    pub admin: AdminArgs,
}

/// Where the wallet is and how it opens.
#[derive(Debug, Args)]
pub struct WalletArgs {
    /// The data directory; keys are in its wallet directory
    #[arg(long, value_name = "DIR", env = "BARRELEYE_DATA_DIR", default_value = config::DATA_DIR)]
    pub data_dir: PathBuf,
    /// A file with the passphrase [default: BARRELEYE_PASSPHRASE, else ask]
    #[arg(long, value_name = "FILE", env = "BARRELEYE_PASSPHRASE_FILE")]
    pub passphrase_file: Option<PathBuf>,
}

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub enum WalletCommand {
    /// Make a key
    #[command(after_help = "Example:\n  barreleye wallet new alice")]
    New {
        /// Name of the key
        alias: String,
        /// The wallet.
        #[command(flatten)]
        wallet: WalletArgs,
    },
    /// List the keys
    #[command(after_help = "Example:\n  barreleye wallet list")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// The wallet.
        #[command(flatten)]
        wallet: WalletArgs,
    },
    /// Show address and public key
    #[command(after_help = "Example:\n  barreleye wallet show alice")]
    Show {
        /// Name of the key
        alias: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// The wallet.
        #[command(flatten)]
        wallet: WalletArgs,
    },
    /// Take over a secret key from a file, or from standard input
    #[command(
        after_help = "Example:\n  barreleye wallet import alice --from key.hex\n  barreleye wallet import alice --scan-decimal < key.txt\n\n\
The key may be hex with or without 0x and leading zeros. Barreleye Scan shows a new key as a decimal number and later reads\nthose digits as hex: --scan-decimal reads a number that way, so that the same account appears here."
    )]
    Import {
        /// Name of the key
        alias: String,
        /// The file with the key [default: standard input]
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
        /// Read decimal digits the way Barreleye Scan does: as hex, modulo the order of the curve
        #[arg(long)]
        scan_decimal: bool,
        /// The wallet.
        #[command(flatten)]
        wallet: WalletArgs,
    },
    /// Print the secret key
    #[command(after_help = "Example:\n  barreleye wallet export alice > alice.hex")]
    Export {
        /// Name of the key
        alias: String,
        /// The wallet.
        #[command(flatten)]
        wallet: WalletArgs,
    },
    /// Sign a native transfer without any node
    #[command(
        after_help = "Example:\n  barreleye wallet sign alice --network main --to 0xf4bcd665c2595fb3253ade200bb80d7e5ddd9ca2 --amount 2 --nonce 5764607523034234880"
    )]
    Sign {
        /// Name of the key
        alias: String,
        /// The transfer.
        #[command(flatten)]
        transfer: TransferArgs,
        /// The network on which it will be valid
        #[arg(long, value_name = "NAME|FILE", default_value = "dev")]
        network: String,
        /// The account's next nonce, as a node shows it
        #[arg(long)]
        nonce: u64,
        /// Print the bytes as hex instead of JSON
        #[arg(long)]
        hex: bool,
        /// The wallet.
        #[command(flatten)]
        wallet: WalletArgs,
    },
}

/// What a transfer moves.
#[derive(Debug, Args)]
pub struct TransferArgs {
    /// Who receives the coins
    #[arg(long)]
    pub to: Address,
    /// How much, in Barrel, such as 1.5
    #[arg(long)]
    pub amount: Amount,
    /// What the miner receives on top, in Barrel
    #[arg(long, default_value = "0")]
    pub fee: Amount,
    /// Anything to attach, as hex
    #[arg(long, value_name = "HEX", default_value = "")]
    pub data: String,
}

/// Arguments of `balance`.
#[derive(Debug, Args)]
pub struct BalanceArgs {
    /// An address, or the name of a key in the wallet
    pub account: String,
    /// The data directory with the wallet
    #[arg(long, value_name = "DIR", env = "BARRELEYE_DATA_DIR", default_value = config::DATA_DIR)]
    pub data_dir: PathBuf,
    /// How to reach the node.
    #[command(flatten)]
    pub client: ClientArgs,
}

/// Arguments of `send`.
#[derive(Debug, Args)]
pub struct SendArgs {
    /// Name of the key that pays
    pub alias: String,
    /// The transfer.
    #[command(flatten)]
    pub transfer: TransferArgs,
    /// The nonce [default: the one that the node gives]
    #[arg(long)]
    pub nonce: Option<u64>,
    /// The wallet.
    #[command(flatten)]
    pub wallet: WalletArgs,
    /// How to reach the node.
    #[command(flatten)]
    pub client: ClientArgs,
}

/// What can be asked of a faucet.
#[derive(Debug, Subcommand)]
pub enum FaucetCommand {
    /// Ask for coins
    #[command(after_help = "Example:\n  barreleye faucet claim 0xf4bcd665c2595fb3253ade200bb80d7e5ddd9ca2")]
    Claim(BalanceArgs),
}

/// Arguments of `mint`.
#[derive(Debug, Args)]
pub struct MintArgs {
    /// How many blocks
    #[arg(default_value_t = 1)]
    pub blocks: u32,
    /// How to reach the node.
    #[command(flatten)]
    pub admin: AdminArgs,
}

/// Arguments of `tx`.
#[derive(Debug, Args)]
pub struct TxArgs {
    /// The transaction's id
    pub id: String,
    /// How to reach the node.
    #[command(flatten)]
    pub client: ClientArgs,
}

/// Arguments of `block`.
#[derive(Debug, Args)]
pub struct BlockArgs {
    /// A height or an id
    pub block: Option<String>,
    /// How to reach the node.
    #[command(flatten)]
    pub client: ClientArgs,
}

/// What can be done with network files.
#[derive(Debug, Subcommand)]
pub enum GenesisCommand {
    /// Print a new network file
    #[command(
        after_help = "Example:\n  barreleye genesis new my-coin --reward 5 --balance 0xf4bcd665c2595fb3253ade200bb80d7e5ddd9ca2=1000 > my-coin.toml\n  barreleye run --network my-coin.toml --mine"
    )]
    New(Box<GenesisArgs>),
    /// Check a network and print its identity and numbers
    #[command(after_help = "Example:\n  barreleye genesis show my-coin.toml")]
    Show {
        /// dev, test, main, regtest or the path of a network file
        #[arg(default_value = "dev")]
        network: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Arguments of `genesis new`.
#[derive(Debug, Args)]
pub struct GenesisArgs {
    /// Name, 1 to 32 of a-z, 0-9 and -
    pub name: String,
    /// The built-in network whose numbers are taken where nothing else is said
    #[arg(long, default_value = "main")]
    pub like: String,
    /// Intended time between blocks, in milliseconds
    #[arg(long, value_name = "MS")]
    pub spacing: Option<u64>,
    /// What each block pays its miner, in Barrel
    #[arg(long)]
    pub reward: Option<Amount>,
    /// Coins that exist from the start: ADDRESS=BARREL; may be repeated
    #[arg(long = "balance", value_name = "ADDRESS=BARREL")]
    pub balances: Vec<String>,
    /// A public key that may mine; may be repeated, none means everybody
    #[arg(long = "miner", value_name = "KEY")]
    pub miners: Vec<ledger::PublicKey>,
    /// A peer that new nodes ask first; may be repeated
    #[arg(long = "bootstrap", value_name = "MULTIADDR")]
    pub bootstrap: Vec<Multiaddr>,
    /// Connected peers that a node wants before it mines
    #[arg(long, value_name = "N")]
    pub peers_to_mine: Option<usize>,
}

/// What can be done with a data directory.
#[derive(Debug, Subcommand)]
pub enum ChainCommand {
    /// Replay everything from genesis and compare
    #[command(
        after_help = "Example:\n  barreleye chain verify --data-dir ./barreleye-data\n\nThe node must not run. Exit code 74 means damage."
    )]
    Verify {
        /// dev, test, main, regtest or the path of a network file
        #[arg(long, value_name = "NAME|FILE", env = "BARRELEYE_NETWORK", default_value = "dev")]
        network: String,
        /// The data directory
        #[arg(long, value_name = "DIR", env = "BARRELEYE_DATA_DIR", default_value = config::DATA_DIR)]
        data_dir: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn every_command_parses_and_shows_an_example() {
        fn walk(command: &clap::Command, path: &str) {
            for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
                let name = format!("{path} {}", sub.get_name());
                let help = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains("Example:\n  barreleye "), "{name} has no example");
                walk(sub, &name);
            }
        }
        let mut command = Cli::command();
        command.build();
        command.clone().debug_assert();
        walk(&command, "barreleye");
    }

    #[test]
    fn the_word_run_may_be_left_out() {
        for arguments in
            [&["barreleye", "run", "--network", "test", "--mine"][..], &["barreleye", "--network", "test", "--mine"]]
        {
            let cli = Cli::parse_from(arguments);
            let layer = match cli.command {
                Some(Command::Run(run)) => run.layer(),
                _ => cli.run.layer(),
            };
            assert_eq!((layer.network.as_deref(), layer.mine), (Some("test"), Some(true)));
        }
    }
}

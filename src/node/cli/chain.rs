//! Commands on files: networks and data directories. They need no node.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ledger::Amount;
use libp2p::Multiaddr;

use crate::config;

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

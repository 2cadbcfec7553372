//! Commands on files: networks and data directories. They need no node.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ledger::Amount;
use libp2p::Multiaddr;

use crate::config::{self, Layer, Source};

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

/// The data directory of a network.
#[derive(Debug, Default, Args)]
pub struct PlaceArgs {
    /// dev, test, main, regtest or the path of a network file [default: what the configuration says, else dev]
    #[arg(long, value_name = "NAME|FILE")]
    pub network: Option<String>,
    /// The data directory [default: ./barreleye-data, else /var/lib/barreleye]
    #[arg(long, value_name = "DIR", env = "BARRELEYE_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// The node's configuration [default: barreleye.toml in the data directory; a service's is in /etc/barreleye]
    #[arg(long, value_name = "FILE", env = "BARRELEYE_CONFIG")]
    pub config: Option<PathBuf>,
    /// The admin address of the node that has it open [default: the one that the node wrote there]
    #[arg(long, value_name = "ADDR")]
    pub admin: Option<String>,
}

impl PlaceArgs {
    /// What a node of this directory is told.
    pub fn source(&self) -> Source {
        let data_dir = self.data_dir.clone().unwrap_or_else(config::usual_data_dir);
        let flags = Layer { network: self.network.clone(), data_dir: Some(data_dir), ..Layer::default() };
        Source { flags, file: self.config.clone(), bare: false }.of_a_node()
    }
}

/// What can be done with a data directory.
#[derive(Debug, Subcommand)]
pub enum ChainCommand {
    /// Replay everything from genesis and compare
    #[command(
        after_help = "Example:\n  barreleye chain verify --data-dir ./barreleye-data\n\nThe node must not run. Exit code 74 means damage."
    )]
    Verify {
        /// Which.
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Write all blocks to a file, also while the node runs
    #[command(after_help = "Example:\n  barreleye chain export --to chain.barreleye --data-dir ./barreleye-data")]
    Export {
        /// The file; it must not be there
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// Which.
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Take blocks from a file that export wrote, checking each by all rules
    #[command(
        after_help = "Example:\n  barreleye chain import chain.barreleye --data-dir ./barreleye-data\n\nThe node must not run. What is there already stays; cut off, it goes on when it is called again."
    )]
    Import {
        /// The file
        #[arg(value_name = "FILE")]
        from: PathBuf,
        /// Which.
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Copy all that is kept to another directory, also while the node runs
    #[command(
        after_help = "Example:\n  barreleye chain backup --to /var/backups/barreleye/2026-11-21\n\nTo restore, stop the node and put the copy's chain.redb into its data directory."
    )]
    Backup {
        /// The directory of the copy; it must not have a chain
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
        /// Which.
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Give unused pages back to the disk
    #[command(after_help = "Example:\n  barreleye chain compact --data-dir ./barreleye-data\n\nThe node must not run.")]
    Compact {
        /// Which.
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Make a damaged database anew of the blocks that can be read
    #[command(
        after_help = "Example:\n  barreleye chain repair --data-dir ./barreleye-data\n\nThe node must not run. The damaged file stays beside the new one; what is missing comes back from the network."
    )]
    Repair {
        /// Which.
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Show what takes how much of the disk, also while the node runs
    #[command(after_help = "Example:\n  barreleye chain tables --data-dir ./barreleye-data")]
    Tables {
        /// Which.
        #[command(flatten)]
        place: PlaceArgs,
    },
}

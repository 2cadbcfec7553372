//! Commands for whoever runs a node: they use its operator interface.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::config;

/// How to reach a node's operator interface.
#[derive(Debug, Args)]
pub struct AdminArgs {
    /// The node's admin address [default: the one that the node wrote to its data directory, else 127.0.0.1:9010]
    #[arg(long, value_name = "ADDR")]
    pub admin: Option<String>,
    /// The node's data directory, where its admin.cookie is [default: ./barreleye-data, else /var/lib/barreleye]
    #[arg(long, value_name = "DIR", env = "BARRELEYE_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
}

impl AdminArgs {
    /// The node's data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.data_dir.clone().unwrap_or_else(config::usual_data_dir)
    }
}

/// Arguments of `actors`.
#[derive(Debug, Args)]
pub struct ActorsArgs {
    /// A view of the whole node that stays: actors, mail a second, peers, sync, last blocks; q ends it
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

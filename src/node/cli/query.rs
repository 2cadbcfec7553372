//! Commands that ask a node over its public interface.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{WaitArgs, WalletDir};

/// How to reach a node's public interface.
#[derive(Debug, Args)]
pub struct ClientArgs {
    /// The node to ask
    #[arg(long, value_name = "URL", env = "BARRELEYE_NODE", default_value = "http://127.0.0.1:9000")]
    pub node: String,
}

/// Arguments of `balance`, `account` and `faucet claim`.
#[derive(Debug, Args)]
pub struct AccountArgs {
    /// An address, or the name of a key in the wallet
    pub account: String,
    /// The wallet.
    #[command(flatten)]
    pub wallet: WalletDir,
    /// How to reach the node.
    #[command(flatten)]
    pub client: ClientArgs,
}

/// Arguments of `history`.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// Whose.
    #[command(flatten)]
    pub account: AccountArgs,
    /// How many at most, newest first
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
}

/// What can be asked about the network of a node.
#[derive(Debug, Subcommand)]
pub enum NetworkCommand {
    /// Show the rules of the network
    #[command(after_help = "Example:\n  barreleye network show")]
    Show {
        /// How to reach the node.
        #[command(flatten)]
        client: ClientArgs,
    },
    /// Write what a machine without network needs for signing: the chain, and the nonces of accounts
    #[command(
        after_help = "Example:\n  barreleye network export alice --out network.json\n  barreleye sign alice --network network.json --to 0xf4bcd665c2595fb3253ade200bb80d7e5ddd9ca2 --amount 2 --out payment.json\n  barreleye submit payment.json"
    )]
    Export {
        /// Accounts whose next nonce is wanted: addresses, or names of keys in the wallet
        accounts: Vec<String>,
        /// Write it to a new file
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// The wallet.
        #[command(flatten)]
        wallet: WalletDir,
        /// How to reach the node.
        #[command(flatten)]
        client: ClientArgs,
    },
}

/// Arguments of `tx`.
#[derive(Debug, Args)]
pub struct TxArgs {
    /// The transaction's id
    pub id: String,
    /// Waiting.
    #[command(flatten)]
    pub wait: WaitArgs,
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

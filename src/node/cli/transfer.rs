//! Commands that move coins.

use std::path::PathBuf;

use clap::Args;
use ledger::{Amount, ChainId};

use super::{ClientArgs, WalletArgs};

/// What a transfer moves.
#[derive(Debug, Args)]
pub struct TransferArgs {
    /// Who receives the coins: an address, or the name of a key in the wallet
    #[arg(long, value_name = "ACCOUNT")]
    pub to: String,
    /// How much, in Barrel, such as 1.5
    #[arg(long, value_name = "BARREL")]
    pub amount: Amount,
    /// Anything to attach, as hex
    #[arg(long, value_name = "HEX", default_value = "")]
    pub data: String,
}

/// How long to wait for a transaction.
#[derive(Debug, Args)]
pub struct WaitArgs {
    /// Wait until the transaction has so many confirmations
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "1", value_parser = confirmations)]
    pub wait: Option<u64>,
    /// Give up waiting after so many seconds, with exit code 75
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub timeout: u64,
}

/// An id or a file behind `--wait` would be taken for its number.
fn confirmations(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| "it is no number of confirmations; what else the command needs stands before --wait".into())
}

/// Arguments of `send`.
#[derive(Debug, Args)]
pub struct SendArgs {
    /// Name of the key that pays
    pub alias: String,
    /// The transfer.
    #[command(flatten)]
    pub transfer: TransferArgs,
    /// What the miner receives on top, in Barrel [default: what gets into the next block]
    #[arg(long, value_name = "BARREL")]
    pub fee: Option<Amount>,
    /// The nonce [default: the one that the node gives]
    #[arg(long)]
    pub nonce: Option<u64>,
    /// Do not ask whether to send
    #[arg(long)]
    pub yes: bool,
    /// Waiting.
    #[command(flatten)]
    pub wait: WaitArgs,
    /// The wallet.
    #[command(flatten)]
    pub wallet: WalletArgs,
    /// How to reach the node.
    #[command(flatten)]
    pub client: ClientArgs,
}

/// Arguments of `sign`.
#[derive(Debug, Args)]
pub struct SignArgs {
    /// Name of the key that pays
    pub alias: String,
    /// The transfer.
    #[command(flatten)]
    pub transfer: TransferArgs,
    /// What the miner receives on top, in Barrel
    #[arg(long, value_name = "BARREL", default_value = "0")]
    pub fee: Amount,
    /// Where it will be valid: dev, test, main, regtest, a network file, or what barreleye network export wrote
    #[arg(long, value_name = "NAME|FILE", required_unless_present = "chain")]
    pub network: Option<String>,
    /// Where it will be valid, by the id of the chain: 64 hex digits, as barreleye status shows it
    #[arg(long, value_name = "ID", conflicts_with = "network")]
    pub chain: Option<ChainId>,
    /// The account's next nonce [default: the one that barreleye network export wrote]
    #[arg(long)]
    pub nonce: Option<u64>,
    /// Write the signed transaction to a new file
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print the bytes as hex instead of JSON; with --json as {"hex": …}
    #[arg(long)]
    pub hex: bool,
    /// The wallet.
    #[command(flatten)]
    pub wallet: WalletArgs,
}

/// Arguments of `submit`.
#[derive(Debug, Args)]
pub struct SubmitArgs {
    /// The file that barreleye sign wrote, JSON or hex [default: standard input]
    pub file: Option<PathBuf>,
    /// Waiting.
    #[command(flatten)]
    pub wait: WaitArgs,
    /// How to reach the node.
    #[command(flatten)]
    pub client: ClientArgs,
}

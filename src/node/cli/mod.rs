//! The command line: names and help of every command, by noun. What they do stands in [`crate::commands`].

mod chain;
mod faucet;
#[cfg(test)]
mod manual;
mod operator;
mod query;
mod run;
mod transfer;
mod wallet;

use clap::{Parser, Subcommand};

pub use chain::{ChainCommand, GenesisArgs, GenesisCommand, PlaceArgs};
pub use faucet::{AmountArgs, ClaimArgs, EntryArgs, FaucetCommand};
pub use operator::{ActorsArgs, AdminArgs, LogArgs, MinerCommand, MintArgs};
pub use query::{AccountArgs, BlockArgs, ClientArgs, HistoryArgs, NetworkCommand, TxArgs};
pub use run::{ConfigCommand, InitArgs, RunArgs};
pub use transfer::{SendArgs, SignArgs, SubmitArgs, TransferArgs, WaitArgs};
pub use wallet::{ExportForm, WalletArgs, WalletCommand, WalletDir};

/// A blockchain node: your own coin network with explorer and faucet.
#[derive(Debug, Parser)]
#[command(name = "barreleye", version, args_conflicts_with_subcommands = true, max_term_width = 110)]
#[command(
    after_help = "Without arguments: a development node in ./barreleye-data that mines, with an open faucet, the \
explorer and the API on http://127.0.0.1:9000.\n\n\
Exit codes: 0 clean, 2 usage or configuration, 65 refused or damaged, 66 not there, 69 no node answers, \
70 internal fault, 74 storage, 75 not now, 77 wrong passphrase."
)]
pub struct Cli {
    /// What to do; nothing means to run a node.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Print JSON, also of an error
    #[arg(long, global = true)]
    pub json: bool,
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
    /// Check a configuration, or show it with where each value is from
    #[command(subcommand, after_help = "Example:\n  barreleye config show --config /etc/barreleye/barreleye.toml")]
    Config(ConfigCommand),
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
    /// Keys: make, list, show, import, export, back up
    #[command(subcommand, after_help = "Example:\n  barreleye wallet new alice")]
    Wallet(WalletCommand),
    /// The balance of an address or of a key in the wallet
    #[command(
        after_help = "Example:\n  barreleye balance alice\n  barreleye balance 0xf4bcd665c2595fb3253ade200bb80d7e5ddd9ca2"
    )]
    Balance(AccountArgs),
    /// All that a node knows of an account: balance, nonces
    #[command(after_help = "Example:\n  barreleye account alice")]
    Account(AccountArgs),
    /// The transactions of an account, newest first
    #[command(after_help = "Example:\n  barreleye history alice --limit 50")]
    History(HistoryArgs),
    /// Sign a transfer with a key of the wallet and post it
    #[command(
        after_help = "Example:\n  barreleye send alice --to 0xf4bcd665c2595fb3253ade200bb80d7e5ddd9ca2 --amount 1.5 --wait"
    )]
    Send(SendArgs),
    /// Sign a transfer without any node, to submit it later
    #[command(
        after_help = "Example:\n  barreleye sign alice --network network.json --to 0xf4bcd665c2595fb3253ade200bb80d7e5ddd9ca2 --amount 2 --out payment.json\n\n\
network.json is what barreleye network export wrote where there is a node. Without it give --network or --chain, and --nonce."
    )]
    Sign(SignArgs),
    /// Post a transfer that was signed before
    #[command(after_help = "Example:\n  barreleye submit payment.json --wait")]
    Submit(SubmitArgs),
    /// Get coins from a node's faucet, and look after your own
    #[command(subcommand, after_help = "Example:\n  barreleye faucet claim alice")]
    Faucet(FaucetCommand),
    /// The network of a node: its rules, and what signing without a node needs
    #[command(subcommand, after_help = "Example:\n  barreleye network export alice --out network.json")]
    Network(NetworkCommand),
    /// Make blocks on request, now (dev and regtest)
    #[command(after_help = "Example:\n  barreleye mint 3")]
    Mint(MintArgs),
    /// Show a transaction, or wait for it
    #[command(after_help = "Example:\n  barreleye tx 7c038d25e32fe4bc7a6bfc8227abaa59f65fd3eda03aa7235061655cc72abb17")]
    Tx(TxArgs),
    /// Show a block by its height or id; without either the newest
    #[command(after_help = "Example:\n  barreleye block 12")]
    Block(BlockArgs),
    /// Make or read a network file
    #[command(subcommand, after_help = "Example:\n  barreleye genesis new my-coin --reward 5 > my-coin.toml")]
    Genesis(GenesisCommand),
    /// Look after a data directory: check, back up, move, repair
    #[command(subcommand, after_help = "Example:\n  barreleye chain verify --data-dir ./barreleye-data")]
    Chain(ChainCommand),
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

//! Commands for the faucet: claiming from it, and looking after it.

use clap::{Args, Subcommand};
use ledger::Amount;

use super::{AccountArgs, AdminArgs, WaitArgs};

/// What can be asked of a faucet, and told to one's own.
#[derive(Debug, Subcommand)]
pub enum FaucetCommand {
    /// Ask for coins; the work that the faucet asks of many visitors is done here
    #[command(
        after_help = "Example:\n  barreleye faucet claim alice --wait\n\nExit code 75 means: not now. The reason and the seconds to wait are printed; with --retry they are waited for."
    )]
    Claim(ClaimArgs),
    /// Show your faucet: budget, funds, claims, refusals by reason, collectors and why
    #[command(after_help = "Example:\n  barreleye faucet status --data-dir ./barreleye-data")]
    Status(AdminArgs),
    /// Pay nobody until resumed; what is owed is paid
    #[command(after_help = "Example:\n  barreleye faucet pause")]
    Pause(AdminArgs),
    /// Pay again
    #[command(after_help = "Example:\n  barreleye faucet resume")]
    Resume(AdminArgs),
    /// Set what a claim gets in calm times
    #[command(after_help = "Example:\n  barreleye faucet amount 2.5\n  barreleye faucet amount default")]
    Amount(AmountArgs),
    /// Let an account or address range meet no limits but the account's interval and the budget
    #[command(after_help = "Example:\n  barreleye faucet allow 198.51.100.7")]
    Allow(EntryArgs),
    /// Give an account or address range nothing
    #[command(after_help = "Example:\n  barreleye faucet deny 203.0.113.0/24")]
    Deny(EntryArgs),
    /// Take an account or address range off both lists
    #[command(after_help = "Example:\n  barreleye faucet forget 203.0.113.0/24")]
    Forget(EntryArgs),
    /// Say that a collector, an account or refused ranges were a mistake
    #[command(after_help = "Example:\n  barreleye faucet pardon 0xf4bcd665c2595fb3253ade200bb80d7e5ddd9ca2")]
    Pardon(EntryArgs),
}

/// Arguments of `faucet claim`.
#[derive(Debug, Args)]
pub struct ClaimArgs {
    /// Who gets the coins.
    #[command(flatten)]
    pub account: AccountArgs,
    /// When the faucet says to come back later, wait and ask again
    #[arg(long)]
    pub retry: bool,
    /// Waiting.
    #[command(flatten)]
    pub wait: WaitArgs,
}

/// Arguments of `faucet amount`.
#[derive(Debug, Args)]
pub struct AmountArgs {
    /// In Barrel, or `default` for the configured one
    #[arg(value_parser = amount_or_default)]
    pub amount: Setting,
    /// How to reach the node.
    #[command(flatten)]
    pub admin: AdminArgs,
}

/// An amount, or none for the configured one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting(pub Option<Amount>);

/// An account or an address range.
#[derive(Debug, Args)]
pub struct EntryArgs {
    /// 0x and 40 hex digits, or a range such as 203.0.113.0/24
    #[arg(value_name = "ACCOUNT|RANGE")]
    pub entry: String,
    /// How to reach the node.
    #[command(flatten)]
    pub admin: AdminArgs,
}

fn amount_or_default(text: &str) -> Result<Setting, String> {
    match text {
        "default" => Ok(Setting(None)),
        _ => text.parse().map(|amount| Setting(Some(amount))).map_err(|error| format!("{error}, or default")),
    }
}

//! Commands on keys. They need no node, and no secret is ever among their arguments.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::config;
use crate::passphrase::Source;

/// Where the wallet is and how it opens.
#[derive(Debug, Args)]
pub struct WalletArgs {
    /// The data directory; keys are in its wallet directory
    #[arg(long, value_name = "DIR", env = "BARRELEYE_DATA_DIR", default_value = config::DATA_DIR)]
    pub data_dir: PathBuf,
    /// A file with the passphrase, instead of asking for it on the terminal
    #[arg(long, value_name = "FILE", env = "BARRELEYE_PASSPHRASE_FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// A descriptor from which the passphrase is read; wins over the file
    #[arg(long, value_name = "N")]
    pub passphrase_fd: Option<u32>,
}

impl WalletArgs {
    /// Who is asked for the passphrase.
    pub fn passphrase(&self) -> Source {
        source(self.passphrase_fd, &self.passphrase_file)
    }
}

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub enum WalletCommand {
    /// Make a key with twelve backup words
    #[command(after_help = "Example:\n  barreleye wallet new alice\n  barreleye wallet words alice")]
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
        /// The wallet.
        #[command(flatten)]
        wallet: WalletDir,
    },
    /// Show address and public key
    #[command(after_help = "Example:\n  barreleye wallet show alice")]
    Show {
        /// Name of the key
        alias: String,
        /// The wallet.
        #[command(flatten)]
        wallet: WalletDir,
    },
    /// Take over a key: secret key, backup words or key file, from a file or from standard input
    #[command(
        after_help = "Example:\n  barreleye wallet import alice --from alice.json\n  barreleye wallet import alice        (and type the words, or paste the key)\n\n\
What is given may be: 64 hex digits, with or without 0x and leading zeros; the decimal number that Barreleye Scan \
shows for a new key; 12 to 24 English backup words; a key file of this wallet or of the browser's, which keeps its passphrase."
    )]
    Import {
        /// Name of the key
        alias: String,
        /// The file with the key [default: ask on the terminal, or read standard input]
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
        /// The wallet.
        #[command(flatten)]
        wallet: WalletArgs,
    },
    /// Print a key for another wallet: its encrypted key file, or the secret key itself
    #[command(
        after_help = "Example:\n  barreleye wallet export alice --to alice.json\n  barreleye wallet export alice --form secret-key\n\n\
The key file opens in the browser's wallet with the same passphrase."
    )]
    Export {
        /// Name of the key
        alias: String,
        /// What is printed
        #[arg(long, value_enum, default_value_t = ExportForm::KeyFile)]
        form: ExportForm,
        /// Write it to a new file that only you can read
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
        /// The wallet.
        #[command(flatten)]
        wallet: WalletArgs,
    },
    /// Show the backup words of a key, to write them on paper
    #[command(after_help = "Example:\n  barreleye wallet words alice")]
    Words {
        /// Name of the key
        alias: String,
        /// The wallet.
        #[command(flatten)]
        wallet: WalletArgs,
    },
    /// Give a key another name
    #[command(after_help = "Example:\n  barreleye wallet alias alice savings")]
    Alias {
        /// Its name
        alias: String,
        /// The new one
        to: String,
        /// The wallet.
        #[command(flatten)]
        wallet: WalletDir,
    },
    /// Change the passphrase of a key
    #[command(after_help = "Example:\n  barreleye wallet passphrase alice")]
    Passphrase {
        /// Name of the key
        alias: String,
        /// A file with the new passphrase, instead of asking for it
        #[arg(long, value_name = "FILE")]
        new_passphrase_file: Option<PathBuf>,
        /// A descriptor from which the new passphrase is read
        #[arg(long, value_name = "N")]
        new_passphrase_fd: Option<u32>,
        /// The wallet.
        #[command(flatten)]
        wallet: WalletArgs,
    },
    /// Remove a key for good
    #[command(
        after_help = "Example:\n  barreleye wallet remove alice\n\nIts coins are lost unless you have its words, its secret key or a copy of its key file."
    )]
    Remove {
        /// Name of the key
        alias: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// The wallet.
        #[command(flatten)]
        wallet: WalletDir,
    },
    /// Sign a transfer without any node; the same as barreleye sign
    #[command(
        after_help = "Example:\n  barreleye wallet sign alice --network network.json --to 0xf4bcd665c2595fb3253ade200bb80d7e5ddd9ca2 --amount 2"
    )]
    Sign(super::SignArgs),
}

impl WalletCommand {
    /// Who is asked for a new passphrase.
    pub fn new_passphrase(file: &Option<PathBuf>, descriptor: Option<u32>) -> Source {
        source(descriptor, file)
    }
}

/// Where the wallet is, for what needs no passphrase.
#[derive(Debug, Args)]
pub struct WalletDir {
    /// The data directory; keys are in its wallet directory
    #[arg(long, value_name = "DIR", env = "BARRELEYE_DATA_DIR", default_value = config::DATA_DIR)]
    pub data_dir: PathBuf,
}

/// In which form a key leaves the wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportForm {
    /// Encrypted, as the wallet keeps it
    KeyFile,
    /// 64 hex digits, readable for everybody
    SecretKey,
}

fn source(descriptor: Option<u32>, file: &Option<PathBuf>) -> Source {
    descriptor.map_or_else(|| Source::file_or_terminal(file.as_deref()), Source::Descriptor)
}

//! What signing needs to know of a network, in a file that can be carried to a machine without one.

use std::path::Path;

use ledger::{Address, Amount, ChainId};
use serde::{Deserialize, Serialize};

use crate::cli::SignArgs;
use crate::config;
use crate::failure::Failure;
use crate::private_file;

/// The version of the file that this program writes and reads.
pub const VERSION: u32 = 1;

/// A chain, and where some accounts stand on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offline {
    /// Says what this file is.
    pub barreleye_network: u32,
    /// The network's name.
    pub network: String,
    /// The id of the chain: signatures are valid on no other.
    pub chain: ChainId,
    /// Accounts that may be asked for.
    pub accounts: Vec<OfflineAccount>,
}

/// Where an account stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfflineAccount {
    /// Whose.
    pub address: Address,
    /// The nonce of its next transaction, a decimal string.
    pub next_nonce: String,
    /// What it has, in Barrel.
    pub balance: Amount,
}

impl Offline {
    /// The network that the arguments name.
    pub fn of(args: &SignArgs) -> Result<Self, Failure> {
        let unnamed = |network: &str, chain| Self {
            barreleye_network: VERSION,
            network: network.into(),
            chain,
            accounts: Vec::new(),
        };
        match (&args.chain, &args.network) {
            (Some(chain), _) => Ok(unnamed("", *chain)),
            (None, Some(name)) if is_json(Path::new(name))? => Self::read(Path::new(name)),
            (None, Some(name)) => Ok(unnamed(name, config::network(name)?.chain)),
            (None, None) => Err(Failure::usage("name the network with --network or its chain with --chain")),
        }
    }

    /// The next nonce of an account.
    pub fn nonce(&self, address: &Address) -> Result<u64, Failure> {
        let unknown = || {
            Failure::usage(format!(
                "the next nonce of {address} is not known here: give it with --nonce, or name the account in barreleye \
                 network export"
            ))
        };
        let account = self.accounts.iter().find(|account| account.address == *address).ok_or_else(unknown)?;
        account.next_nonce.parse().map_err(|_| unknown())
    }

    fn read(path: &Path) -> Result<Self, Failure> {
        let text = private_file::read_unless_exposed(path, |_| false)?;
        let bad = |why: String| {
            Failure::refused(format!("{}: {why}: write it again with barreleye network export", path.display()))
        };
        let read: Self = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
        match read.barreleye_network {
            VERSION => Ok(read),
            other => Err(bad(format!("it has version {other}, this program knows version {VERSION}"))),
        }
    }
}

/// Network files are TOML, this one is JSON.
fn is_json(path: &Path) -> Result<bool, Failure> {
    if !path.is_file() {
        return Ok(false);
    }
    Ok(private_file::read_unless_exposed(path, |_| false)?.trim_start().starts_with('{'))
}

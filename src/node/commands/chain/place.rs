//! The data directory that a command is about.

use std::path::PathBuf;
use std::sync::Arc;

use ledger::Network;
use store::{FILE, Store, StoreError};

use crate::cli::{AdminArgs, PlaceArgs};
use crate::commands::node::Operator;
use crate::config;
use crate::failure::Failure;

/// Enough for reading and writing blocks in order.
const CACHE_BYTES: usize = 64 << 20;

/// The data directory of a network.
pub struct Place {
    /// The network.
    pub network: Arc<Network>,
    /// The directory.
    pub dir: PathBuf,
    /// Where the operator's interface of its node is, if that was said.
    admin: Option<String>,
}

impl Place {
    /// What the arguments name.
    pub fn of(args: &PlaceArgs) -> Result<Self, Failure> {
        let network = Arc::new(config::network(&args.network)?);
        Ok(Self { network, dir: args.data_dir.clone(), admin: args.admin.clone() })
    }

    /// The database in it.
    pub fn file(&self) -> PathBuf {
        self.dir.join(FILE)
    }

    /// The chain that is there, if no node has it open.
    pub fn existing(&self) -> Result<Result<Store, StoreError>, Failure> {
        if !self.file().exists() {
            let dir = self.dir.display();
            return Err(Failure::usage(format!("there is no chain in {dir}: name its directory with --data-dir")));
        }
        Ok(self.open())
    }

    /// The chain that is there, or a new one.
    pub fn open(&self) -> Result<Store, StoreError> {
        Store::open(&self.dir, self.network.clone(), CACHE_BYTES, |_| {})
    }

    /// The node that has the directory open.
    pub fn node(&self) -> Result<Operator, Failure> {
        Operator::of(&AdminArgs { admin: self.admin.clone(), data_dir: self.dir.clone() })
    }
}

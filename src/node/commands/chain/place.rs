//! The data directory that a command is about.

use std::os::unix::fs::{MetadataExt, chown};
use std::path::PathBuf;
use std::sync::Arc;

use ledger::Network;
use store::{FILE, Store, StoreError};

use crate::cli::{AdminArgs, PlaceArgs};
use crate::commands::node::Operator;
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
        let config = args.source().load()?;
        Ok(Self { network: Arc::new(config.network), dir: config.data_dir, admin: args.admin.clone() })
    }

    /// The database in it.
    pub fn file(&self) -> PathBuf {
        self.dir.join(FILE)
    }

    /// The chain that is there, if no node has it open.
    pub fn existing(&self) -> Result<Result<Store, StoreError>, Failure> {
        let dir = self.dir.display();
        match self.file().try_exists() {
            Ok(true) => Ok(self.open()),
            Ok(false) => Err(Failure::usage(format!("there is no chain in {dir}: name its directory with --data-dir"))),
            Err(error) => Err(Failure::usage(format!("{dir}: {error}: only its owner and root may look, try sudo"))),
        }
    }

    /// The chain that is there, or a new one.
    pub fn open(&self) -> Result<Store, StoreError> {
        Store::open(&self.dir, self.network.clone(), CACHE_BYTES, |_| {})
    }

    /// Gives what was made in the directory to the owner of the directory: a command of root's would else leave a chain
    /// that the service cannot open.
    pub fn hand_over(&self) -> Result<(), Failure> {
        let about = |error| Failure::storage(format!("{}: {error}", self.file().display()));
        let (dir, file) = (self.dir.metadata().map_err(about)?, self.file().metadata().map_err(about)?);
        if (dir.uid(), dir.gid()) == (file.uid(), file.gid()) {
            return Ok(());
        }
        chown(self.file(), Some(dir.uid()), Some(dir.gid())).map_err(about)
    }

    /// The node that has the directory open.
    pub fn node(&self) -> Result<Operator, Failure> {
        Operator::of(&AdminArgs { admin: self.admin.clone(), data_dir: Some(self.dir.clone()) })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::export::export;
    use super::super::import::import;
    use super::super::repair::repair;
    use super::*;
    use crate::commands::print::Out;
    use crate::test_chain::next_commit;

    const SOMEBODY: u32 = 4242;

    fn place(dir: &Path) -> Place {
        Place::of(&PlaceArgs { network: Some("regtest".into()), data_dir: Some(dir.into()), ..PlaceArgs::default() })
            .unwrap()
    }

    #[test]
    fn what_root_makes_in_a_directory_belongs_to_the_owner_of_the_directory() {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: only root can give files away");
            return;
        }
        let (dir, out) = (tempfile::tempdir().unwrap(), Out::new(true));
        let (old, new, file) = (dir.path().join("old"), dir.path().join("new"), dir.path().join("blocks"));
        for place in [&old, &new] {
            std::fs::create_dir(place).unwrap();
            chown(place, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
        }
        let (old, new) = (place(&old), place(&new));
        let mut store = old.open().unwrap();
        let commit = next_commit(&store.reader().snapshot().unwrap(), &old.network, vec![]);
        store.commit(&commit).unwrap();
        drop(store);
        repair(&old, out).unwrap();
        export(&old, &file, out).unwrap();
        import(&new, &file, out).unwrap();
        for place in [old, new] {
            let made = place.file().metadata().unwrap();
            assert_eq!((made.uid(), made.gid()), (SOMEBODY, SOMEBODY), "{}", place.file().display());
        }
    }
}

//! `chain backup`: a copy of what is kept, at one moment, that a node can be started with. Works beside a running node.
//!
//! The copy is made of the blocks, each applied by the rules again: what is damaged in the original is not copied but
//! told. It has peers and the faucet's records too, but no keys.

use std::fs;
use std::path::Path;

use serde_json::json;
use store::{FILE, Store};

use super::entries::Entries;
use super::import::{Records, failure, fill};
use super::place::Place;
use crate::commands::print::Out;
use crate::failure::Failure;
use crate::filling::{Filling, Trust};
use crate::private_file;

/// Enough for writing blocks in order.
const CACHE_BYTES: usize = 64 << 20;

/// Copies what is kept in `place` to a new directory `to`.
pub fn backup(place: &Place, to: &Path, out: Out) -> Result<(), Failure> {
    if to.join(FILE).exists() {
        let text = "there is a chain already: name a directory that is not there yet";
        return Err(Failure::usage(format!("{}: {text}", to.display())));
    }
    let mut entries = Entries::of(place)?;
    private_file::create_dir(to).map_err(Failure::storage)?;
    let half = to.join("unfinished");
    drop(fs::remove_dir_all(&half));
    let store = Store::open(&half, place.network.clone(), CACHE_BYTES, |_| {}).map_err(Failure::storage)?;
    let filling = Filling::new(store, place.network.clone(), Trust::OurStore).map_err(failure)?;
    let filled = fill(&mut entries, filling, Records::Keep, out);
    let about = |error: std::io::Error| Failure::storage(format!("{}: {error}", to.display()));
    let tip = match filled {
        Ok(tip) => tip,
        Err(error) => {
            fs::remove_dir_all(&half).map_err(about)?;
            return Err(error);
        }
    };
    // Whoever finds a chain in a backup finds all of it.
    fs::rename(half.join(FILE), to.join(FILE)).and_then(|()| fs::remove_dir(&half)).map_err(about)?;
    fs::File::open(to).and_then(|dir| dir.sync_all()).map_err(about)?;
    let bytes = fs::metadata(to.join(FILE)).map_err(about)?.len();
    let answer = json!({ "dir": to, "height": tip.height, "tip": tip.id.to_hex(), "bytes": bytes });
    out.answer(&answer, || {
        let (height, mb, dir) = (tip.height, bytes.div_ceil(1_000_000), to.display());
        format!("{height} blocks in {dir}, {mb} MB. Keep identity.key and miner.key of the data directory too")
    })
}

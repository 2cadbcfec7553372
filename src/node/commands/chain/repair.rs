//! `chain repair`: makes a database anew of the blocks that can be read in a damaged one. What cannot comes back from
//! the network, and the damaged file stays beside the new one.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use store::{Entry, FILE, Store, StoreError};

use super::entries::Entries;
use super::import::failure;
use super::place::Place;
use super::{bar, beside};
use crate::commands::print::Out;
use crate::failure::Failure;
use crate::filling::{FillError, Filling, Trust};

/// Enough for writing blocks in order.
const CACHE_BYTES: usize = 64 << 20;

/// What could be made of a damaged database.
struct Repaired {
    height: u64,
    /// Why it is not more, if that was not all.
    stopped_by: Option<String>,
}

/// Makes the database of `place` anew.
pub fn repair(place: &Place, out: Out) -> Result<(), Failure> {
    let damaged = place.existing()?;
    let half = place.dir.join("repair.unfinished");
    drop(fs::remove_dir_all(&half));
    let new = Store::open(&half, place.network.clone(), CACHE_BYTES, |_| {}).map_err(Failure::storage)?;
    let repaired = match damaged {
        Ok(store) => {
            let filling = Filling::new(new, place.network.clone(), Trust::Nobody).map_err(failure)?;
            salvage(&store, filling, out)?
        }
        Err(StoreError::Damaged { what }) => {
            drop(new);
            Repaired { height: 0, stopped_by: Some(what) }
        }
        Err(error) => return Err(Failure::storage(error)),
    };
    let old = unused(&place.dir.join(format!("{FILE}.damaged")));
    let about = |error: std::io::Error| Failure::storage(format!("{}: {error}", place.dir.display()));
    fs::rename(place.file(), &old).map_err(about)?;
    fs::rename(half.join(FILE), place.file()).and_then(|()| fs::remove_dir(&half)).map_err(about)?;
    place.hand_over()?;
    fs::File::open(&place.dir).and_then(|dir| dir.sync_all()).map_err(about)?;
    let Repaired { height, stopped_by } = repaired;
    let answer = json!({ "height": height, "stopped_by": stopped_by, "old": old });
    out.answer(&answer, || {
        let kept = format!("{height} blocks. What was there before is {}: remove it when all is well", old.display());
        match &stopped_by {
            Some(why) => format!("{kept}. The rest comes back from the network: {why}"),
            None => format!("{kept}. Nothing is missing"),
        }
    })
}

/// Takes blocks as far as they can be read and are valid, and whatever records can be read.
fn salvage(store: &Store, mut filling: Filling, out: Out) -> Result<Repaired, Failure> {
    let mut entries = Entries::of_store(store).map_err(Failure::storage)?;
    let bar = bar(entries.height, out);
    let stopped_by = loop {
        let entry = match entries.next_entry() {
            Ok(entry) => entry,
            Err(why) => break Some(why.to_string()),
        };
        match entry {
            Entry::Block(block) => match filling.block(&block) {
                Ok(()) => bar.inc(1),
                Err(error @ (FillError::Store(_) | FillError::View(_))) => return Err(failure(error)),
                Err(error) => break Some(error.to_string()),
            },
            Entry::Record(record) => {
                filling.flush().and_then(|()| filling.records(&[record])).map_err(failure)?;
            }
            Entry::End { .. } => break None,
        }
    };
    bar.finish_and_clear();
    let stopped_by = match (filling.flush(), stopped_by) {
        (Ok(()), stopped_by) => stopped_by,
        (Err(error @ (FillError::Store(_) | FillError::View(_))), _) => return Err(failure(error)),
        (Err(error), _) => Some(error.to_string()),
    };
    let tip = filling.finish(None).map_err(failure)?;
    Ok(Repaired { height: tip.height, stopped_by })
}

/// A name that no file has.
fn unused(path: &Path) -> PathBuf {
    let mut name = path.to_owned();
    let mut number = 1;
    while name.exists() {
        number += 1;
        name = beside(path, &format!(".{number}"));
    }
    name
}

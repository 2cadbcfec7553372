//! `chain import`: takes blocks from a file into a data directory, each by all rules. What is there already stays.
//!
//! Cut off, it goes on where it was when it is called again.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use ledger::Tip;
use serde_json::json;
use store::Entry;

use super::bar;
use super::entries::Entries;
use super::place::Place;
use crate::commands::print::Out;
use crate::failure::Failure;
use crate::filling::{FillError, Filling, Trust};
use crate::private_file;

/// Takes the file `from` into `place`.
pub fn import(place: &Place, from: &Path, out: Out) -> Result<(), Failure> {
    let file = File::open(from).map_err(|error| Failure::Missing(format!("{}: {error}", from.display())))?;
    let mut entries = Entries::of_stream(Box::new(BufReader::new(file)), None)?.checked(place)?;
    private_file::create_dir(&place.dir).map_err(Failure::storage)?;
    let store = place.open().map_err(Failure::storage)?;
    place.hand_over()?;
    let filling = Filling::new(store, place.network.clone(), Trust::Nobody).map_err(failure)?;
    let tip = fill(&mut entries, filling, Records::Leave, out)?;
    let answer = json!({ "height": tip.height, "tip": tip.id.to_hex() });
    out.answer(&answer, || format!("{} blocks, up to {}", tip.height, tip.id))
}

/// What becomes of records of peers and of the faucet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Records {
    /// They are kept.
    Keep,
    /// They are not: whoever made the file could name peers, or claims that nobody made.
    Leave,
}

/// Takes all entries into a store, up to the tip that the last one names.
pub fn fill(entries: &mut Entries, mut filling: Filling, records: Records, out: Out) -> Result<Tip, Failure> {
    let bar = bar(entries.height, out);
    let mut kept = Vec::new();
    loop {
        match entries.next_entry()? {
            Entry::Block(block) => {
                filling.block(&block).map_err(failure)?;
                bar.inc(1);
            }
            Entry::Record(record) if records == Records::Keep => kept.push(record),
            Entry::Record(_) => {}
            Entry::End { id, .. } => {
                filling.flush().and_then(|()| filling.records(&kept)).map_err(failure)?;
                bar.finish_and_clear();
                return filling.finish(Some(id)).map_err(failure);
            }
        }
    }
}

/// A block that is refused is the file's fault, the rest that of the disk.
pub fn failure(error: FillError) -> Failure {
    match error {
        FillError::Store(_) | FillError::View(_) => Failure::storage(error),
        FillError::Refused { .. } | FillError::Unreadable(_) | FillError::Gap(_) => Failure::refused(error),
    }
}

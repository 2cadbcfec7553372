//! `chain export`: all blocks of the chain in one file, which `chain import` takes anywhere.
//!
//! Works beside a running node too. The file has no peers and no records of the faucet: it can be given to anybody.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;

use serde_json::json;
use store::{ArchiveError, ArchiveWriter, Entry};

use super::entries::Entries;
use super::place::Place;
use super::{bar, beside};
use crate::commands::print::Out;
use crate::failure::Failure;

/// Writes the chain of `place` to the file `to`.
pub fn export(place: &Place, to: &Path, out: Out) -> Result<(), Failure> {
    if to.exists() {
        return Err(Failure::usage(format!("{} is there already: name another file", to.display())));
    }
    let mut entries = Entries::of(place)?;
    // Whoever finds the file under its name finds all of it.
    let half = beside(to, ".part");
    let about = |error: &dyn std::fmt::Display| Failure::storage(format!("{}: {error}", half.display()));
    let file = File::create(&half).map_err(|error| about(&error))?;
    let written = write(&mut entries, place, BufWriter::new(file), out);
    let (height, bytes) = written.inspect_err(|_| drop(fs::remove_file(&half)))?;
    fs::rename(&half, to).map_err(|error| about(&error))?;
    let answer = json!({ "file": to, "height": height, "bytes": bytes });
    out.answer(&answer, || format!("{height} blocks in {}, {} MB", to.display(), bytes.div_ceil(1_000_000)))
}

/// Gives the height of the chain and the bytes of the file.
fn write(entries: &mut Entries, place: &Place, file: BufWriter<File>, out: Out) -> Result<(u64, u64), Failure> {
    let failed = |error: ArchiveError| Failure::storage(format!("the export cannot be written: {error}"));
    let mut archive = ArchiveWriter::new(file, place.network.chain).map_err(failed)?;
    let bar = bar(entries.height, out);
    loop {
        match entries.next_entry()? {
            Entry::Block(block) => {
                archive.block(&block).map_err(failed)?;
                bar.inc(1);
            }
            Entry::Record(_) => {}
            Entry::End { height, id } => {
                bar.finish_and_clear();
                let file = archive.end(height, id).map_err(failed)?;
                let file = file.into_inner().map_err(|error| failed(error.into_error().into()))?;
                file.sync_all().map_err(|error| failed(error.into()))?;
                let bytes = file.metadata().map_err(|error| failed(error.into()))?.len();
                return Ok((height, bytes));
            }
        }
    }
}

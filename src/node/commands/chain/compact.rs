//! `chain compact`: gives pages that the database no longer needs back to the disk. It never has to be done.

use std::fs;

use serde_json::json;

use super::place::Place;
use crate::commands::print::Out;
use crate::failure::Failure;

/// Makes the database of `place` as small as it can be.
pub fn compact(place: &Place, out: Out) -> Result<(), Failure> {
    let size = || {
        let found = fs::metadata(place.file()).map(|file| file.len());
        found.map_err(|error| Failure::storage(format!("{}: {error}", place.file().display())))
    };
    let store = place.existing()?.map_err(Failure::storage)?;
    let before = size()?;
    store.compact().map_err(Failure::storage)?;
    let after = size()?;
    out.answer(&json!({ "bytes_before": before, "bytes": after }), || {
        format!("{} MB, before {} MB", after.div_ceil(1_000_000), before.div_ceil(1_000_000))
    })
}

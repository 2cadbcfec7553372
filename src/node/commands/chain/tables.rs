//! `chain tables`: what takes how much of the disk. Works beside a running node.

use serde_json::{Value, json};
use store::StoreError;

use super::place::Place;
use crate::commands::print::{self, Out};
use crate::failure::Failure;
use crate::http::TABLES_PATH;

/// Shows how much each table of `place` holds.
pub fn tables(place: &Place, out: Out) -> Result<(), Failure> {
    let answer = match place.existing()? {
        Ok(store) => {
            let usage = store.reader().usage().map_err(Failure::storage)?;
            json!({ "tables": usage, "free_bytes": store.free_bytes().map_err(Failure::storage)? })
        }
        Err(StoreError::InUse { .. }) => place.node()?.get(TABLES_PATH)?,
        Err(error) => return Err(Failure::storage(error)),
    };
    out.answer(&answer, || text(&answer))
}

fn text(answer: &Value) -> String {
    let number = |row: &Value, name: &str| row[name].as_u64().unwrap_or_default();
    let megabytes = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6);
    let columns = |row: &Value| {
        let (content, all) = (number(row, "content_bytes"), number(row, "bytes"));
        vec![print::text(row, "/name"), number(row, "rows").to_string(), megabytes(content), megabytes(all)]
    };
    let rows: Vec<_> = answer["tables"].as_array().into_iter().flatten().map(columns).collect();
    let free = megabytes(number(answer, "free_bytes"));
    format!("{}\n\n{free} MB are free on the disk", print::table(&["table", "rows", "content MB", "MB"], &rows))
}

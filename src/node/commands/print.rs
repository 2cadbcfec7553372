//! Printing for people and for programs.

use std::io::{self, ErrorKind, Write};

use client::{InPool, Transaction};
use serde::Serialize;
use serde_json::Value;

use crate::failure::Failure;

/// Where answers go: text for people or JSON for programs. What stands beside an answer, such as progress, goes to
/// standard error, and with JSON nowhere: a program reads one answer, or one error.
#[derive(Debug, Clone, Copy)]
pub struct Out {
    json: bool,
}

impl Out {
    /// Answers for programs, if `json`.
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether a program reads.
    pub fn is_json(self) -> bool {
        self.json
    }

    /// Prints an answer.
    pub fn answer(self, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), Failure> {
        if !self.json {
            return line(text());
        }
        line(serde_json::to_string_pretty(value).map_err(Failure::internal)?)
    }

    /// Tells people something beside the answer.
    pub fn note(self, text: impl AsRef<str>) {
        if !self.json {
            eprintln!("{}", text.as_ref());
        }
    }

    /// Tells why there is no answer.
    pub fn failure(self, failure: &Failure) {
        match self.json {
            true => eprintln!("{}", failure.to_json()),
            false => eprintln!("barreleye: {failure}"),
        }
    }
}

/// Where a transaction is, in words.
pub fn state(tx: &Transaction) -> String {
    match (&tx.block, &tx.pool) {
        (Some(block), _) if tx.confirmations == 1 => format!("in block {}, 1 confirmation", block.height),
        (Some(block), _) => format!("in block {}, {} confirmations", block.height, tx.confirmations),
        (None, Some(InPool { position: Some(position), of, .. })) => format!("waiting, place {position} of {of}"),
        (None, _) => "waiting".into(),
    }
}

/// Names and values below one another.
pub fn list(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let rows: Vec<_> = rows.iter().map(|(name, value)| format!("{name:<width$}  {value}")).collect();
    rows.join("\n")
}

/// Prints `text` and a line end. Whoever stops reading has read enough.
pub fn line(text: impl AsRef<str>) -> Result<(), Failure> {
    match writeln!(io::stdout(), "{}", text.as_ref()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::storage(format!("cannot print: {error}"))),
        _ => Ok(()),
    }
}

/// The text at a place of an answer, or `-`.
pub fn text(value: &Value, place: &str) -> String {
    match value.pointer(place) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => "-".into(),
        Some(other) => other.to_string(),
    }
}

/// The name of a state: states are texts, or objects with one key that names them.
pub fn variant(state: &Value) -> String {
    let name = state.as_object().and_then(|map| map.keys().next());
    name.cloned().unwrap_or_else(|| state.as_str().unwrap_or("-").into())
}

/// How long ago, in the largest fitting unit.
pub fn ago(unix_ms: u64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let seconds = (now.as_millis() as u64).saturating_sub(unix_ms) / 1000;
    format!("{} ago", span(seconds))
}

/// Seconds in the largest fitting unit.
pub fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Rows below a heading, each column as wide as its widest cell but the last.
pub fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([heading[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    let row = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut lines = vec![row(&mut heading.iter().copied())];
    lines.extend(rows.iter().map(|cells| row(&mut cells.iter().map(String::as_str))));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [vec!["chain".into(), "1".into()], vec!["x".into(), "following".into()]];
        assert_eq!(table(&["name", "state"], &rows), "name   state\nchain  1\nx      following");
    }

    #[test]
    fn states_are_named_and_missing_texts_are_dashes() {
        let value = serde_json::json!({"other": 3});
        assert_eq!(variant(&serde_json::json!({"Mining": {"height": 3}})), "Mining");
        assert_eq!(variant(&serde_json::json!("Off")), "Off");
        assert_eq!((text(&value, "/none"), text(&value, "/other")), ("-".into(), "3".into()));
    }
}

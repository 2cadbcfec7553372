//! `chain`: looking after a data directory. Each command is a way of its blocks from one place to another, or a look at
//! them.
//!
//! | file | noun |
//! |---|---|
//! | `place` | the data directory of a network, and the node that may have it open |
//! | `entries` | where blocks come from: a directory, a running node, a file |
//! | `export`, `import`, `backup`, `repair` | where they go |
//! | `verify`, `tables`, `compact` | a directory by itself |

mod backup;
mod compact;
mod entries;
mod export;
mod import;
mod place;
mod repair;
mod tables;
mod verify;

use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::ChainCommand;
use crate::commands::print::Out;
use crate::failure::Failure;

use self::place::Place;

/// Does what `command` says.
pub fn perform(command: ChainCommand, out: Out) -> Result<(), Failure> {
    match command {
        ChainCommand::Verify { place } => verify::verify(&Place::of(&place)?, out),
        ChainCommand::Export { to, place } => export::export(&Place::of(&place)?, &to, out),
        ChainCommand::Import { from, place } => import::import(&Place::of(&place)?, &from, out),
        ChainCommand::Backup { to, place } => backup::backup(&Place::of(&place)?, &to, out),
        ChainCommand::Compact { place } => compact::compact(&Place::of(&place)?, out),
        ChainCommand::Repair { place } => repair::repair(&Place::of(&place)?, out),
        ChainCommand::Tables { place } => tables::tables(&Place::of(&place)?, out),
    }
}

/// How far blocks are, of so many; shown only on a terminal, and not to programs.
fn bar(blocks: Option<u64>, out: Out) -> ProgressBar {
    if out.is_json() {
        return ProgressBar::hidden();
    }
    let template = match blocks {
        Some(_) => "{bar:40} block {pos} of {len}, {per_sec}, {eta} left",
        None => "{spinner} block {pos}, {per_sec}",
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = blocks.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    bar.with_style(style)
}

/// The path with more at its end.
fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(more);
    name.into()
}

//! The files of the project, read as text.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

/// The project's folder.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What a file says.
pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every source file of the project, relative to its root.
pub fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open: VecDeque<PathBuf> = ["src", "actors", "tests", "benches"].map(PathBuf::from).into();
    while let Some(dir) = open.pop_front() {
        for entry in fs::read_dir(root().join(&dir)).expect("the room is there") {
            let entry = entry.expect("the room can be read");
            let path = dir.join(entry.file_name());
            if entry.file_type().expect("an entry has a type").is_dir() {
                // What the web application's packages bring along is not the project's.
                if entry.file_name() != "node_modules" {
                    open.push_back(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    assert!(found.len() > 100, "only {} source files were found", found.len());
    found.sort();
    found
}

//! `docs/rules.md` speaks of the code that is there: every rule is named in the code, and every test it names exists.

#![allow(clippy::unwrap_used, reason = "only tests")]

use std::fs;
use std::path::{Path, PathBuf};

/// The rules whose checks are the ledger's own.
const LEDGER: [&str; 14] = ["T1", "T2", "T3", "T4", "T6", "T7", "B1", "B2", "B3", "B4", "B5", "B6", "D", "F2"];
const ALL: [&str; 20] = [
    "T1", "T2", "T3", "T4", "T5", "T6", "T7", "B1", "B2", "B3", "B4", "B5", "B6", "D", "F1", "F2", "C1", "C2", "C5",
    "C6",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Id, where, test of every line of a table of rules.
fn rules() -> Vec<(String, String, String)> {
    let text = fs::read_to_string(root().join("docs/rules.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| id"));
    let row = |line: &str| {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
        assert_eq!(cells.len(), 4, "{line}");
        (cells[0].clone(), cells[2].clone(), cells[3].clone())
    };
    rows.map(row).collect()
}

/// What stands between backticks.
fn names(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The text of every source file in `folder`.
fn sources(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_rule_is_in_the_document_once() {
    let rules = rules();
    for id in ALL {
        assert_eq!(rules.iter().filter(|rule| rule.0 == id).count(), 1, "{id}");
    }
}

#[test]
fn every_file_and_test_that_the_document_names_exists() {
    let mut code = String::new();
    sources(&root().join("src"), &mut code);
    for (id, places, tests) in rules() {
        let mut files = 0;
        for file in names(&places).filter(|name| name.ends_with(".rs")) {
            assert!(root().join("src").join(file).is_file(), "{id}: there is no {file}");
            files += 1;
        }
        assert!(files > 0, "{id}: where is it checked?");
        for test in names(&tests).filter(|name| name.contains('_')) {
            assert!(code.contains(&format!("fn {test}(")), "{id}: there is no test {test}");
        }
        if LEDGER.contains(&id.as_str()) {
            assert!(names(&tests).any(|name| name.contains('_')), "{id} has no test");
        }
    }
}

#[test]
fn every_rule_of_the_ledger_is_named_where_it_is_checked() {
    let mut code = String::new();
    for entry in fs::read_dir(root().join("src/ledger")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            code.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
    let words: Vec<_> = code.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    for id in LEDGER {
        assert!(words.contains(&id), "no comment of the ledger names {id}");
    }
}

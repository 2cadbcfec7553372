//! docs/cases.md against the tests: every case has a test named after it or says why it cannot apply, and every test
//! that is named after a case is in the table.

use std::collections::{BTreeMap, BTreeSet};

use crate::sources::{read, root, sources};

/// The groups of cases that the table covers whole: letter, first and last number.
const GROUPS: [(char, u32, u32); 10] = [
    ('O', 1, 15),
    ('A', 1, 17),
    ('W', 1, 24),
    ('H', 1, 21),
    ('P', 1, 28),
    ('L', 1, 11),
    ('B', 14, 22),
    ('T', 1, 13),
    ('F', 1, 14),
    ('S', 1, 19),
];

/// How a row begins that has no test.
const DOES_NOT_APPLY: &str = "does not apply: ";

/// The tests of each case by the table; none means that it does not apply.
fn table() -> BTreeMap<String, Vec<String>> {
    let text = read(&root().join("docs/cases.md"));
    let mut rows = BTreeMap::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, id, _, tests, _] = cells[..] else { continue };
        if !is_case(id) {
            continue;
        }
        let named: Vec<String> = tests.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        assert!(
            !named.is_empty() || tests.len() > DOES_NOT_APPLY.len() + 20 && tests.starts_with(DOES_NOT_APPLY),
            "{id}: names no test and gives no reason"
        );
        assert!(rows.insert(id.to_owned(), named).is_none(), "{id} is twice in the table");
    }
    rows
}

fn is_case(id: &str) -> bool {
    let mut chars = id.chars();
    chars.next().is_some_and(|c| c.is_ascii_uppercase()) && id.len() == 3 && chars.all(|c| c.is_ascii_digit())
}

/// Names of all functions of the project that begin like a case.
fn named_after_cases() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for path in sources() {
        for line in read(&root().join(path)).lines() {
            let line = line.trim_start();
            let line = line.strip_prefix("async ").unwrap_or(line);
            let Some(name) = line.strip_prefix("fn ").and_then(|rest| rest.split('(').next()) else { continue };
            if name.split_once('_').is_some_and(|(id, _)| is_case(&id.to_ascii_uppercase())) {
                names.insert(name.to_owned());
            }
        }
    }
    names
}

#[test]
fn every_case_has_a_row_with_tests_or_a_reason() {
    let rows = table();
    for (group, first, last) in GROUPS {
        for number in first..=last {
            let id = format!("{group}{number:02}");
            assert!(rows.contains_key(&id), "{id} is not in docs/cases.md");
        }
    }
}

#[test]
fn every_test_of_the_table_exists_and_is_named_after_its_case() {
    let names = named_after_cases();
    for (id, tests) in table() {
        for test in tests {
            assert!(names.contains(&test), "{id}: there is no test {test}");
            assert!(test.starts_with(&format!("{}_", id.to_ascii_lowercase())), "{test} is not named after {id}");
        }
    }
}

#[test]
fn every_test_named_after_a_case_is_in_the_table() {
    let rows = table();
    for name in named_after_cases() {
        let id = name[..3].to_ascii_uppercase();
        let covered = GROUPS.iter().any(|(group, first, last)| {
            id.starts_with(*group) && id[1..].parse().is_ok_and(|number: u32| (*first..=*last).contains(&number))
        });
        if covered {
            assert!(rows.get(&id).is_some_and(|tests| tests.contains(&name)), "{name} is not in the row of {id}");
        }
    }
}

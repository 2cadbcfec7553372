//! The rules of ARCHITECTURE.md that a program can check: who depends on whom, what each room may name, and the shape of
//! every file. Reads manifests, Cargo.lock and sources as text; starts nothing.

#![allow(clippy::panic, reason = "only tests")]

mod cases;
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sources::{read, root, sources};

/// Each room with the rooms that it may use. A room uses nothing that is not in its row.
const ROOMS: [(&str, &str, &[&str]); 8] = [
    ("ledger", "src/ledger", &[]),
    ("client", "src/client", &["ledger"]),
    ("store", "src/store", &["ledger"]),
    ("wire", "src/wire", &["ledger"]),
    ("machines", "src/machines", &["ledger"]),
    ("actors", "actors", &["ledger", "store", "wire", "machines"]),
    ("node", ".", &["ledger", "client", "store", "wire", "machines", "actors"]),
    ("simulation", "tests/sim", &["ledger", "machines"]),
];

/// Libraries that belong to few rooms: a library with its family, and who may depend on it.
const BELONGS_TO: [(&str, &[&str]); 5] = [
    ("redb", &["store"]),
    ("libp2p", &["wire", "node"]),
    ("tokio", &["wire", "actors", "node"]),
    ("actix", &["actors", "node"]),
    ("ureq", &["client", "node"]),
];

/// Runtimes, networks and databases, by the beginning of their names.
const NOT_PURE: [&str; 12] =
    ["actix", "async-std", "hyper", "libp2p", "mio", "polling", "redb", "reqwest", "smol", "socket2", "tokio", "ureq"];

/// The actors: module and type.
const ACTORS: [(&str, &str); 6] = [
    ("chain", "Chain"),
    ("syncer", "Syncer"),
    ("miner", "Miner"),
    ("discovery", "Discovery"),
    ("peer", "Peer"),
    ("faucet", "Faucet"),
];

fn table(path: &Path) -> toml::Table {
    read(path).parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What a manifest depends on: to build, and in addition to test.
fn dependencies(dir: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let manifest = table(&root().join(dir).join("Cargo.toml"));
    assert!(!manifest.contains_key("target"), "{dir}: dependencies of one platform are not looked at here");
    let names = |section: &str| {
        let section = manifest.get(section).and_then(toml::Value::as_table);
        section.map(|all| all.keys().cloned().collect()).unwrap_or_default()
    };
    let to_build: BTreeSet<String> = names("dependencies");
    (to_build.union(&names("build-dependencies")).cloned().collect(), names("dev-dependencies"))
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str().to_string_lossy().contains("test")) || path.ends_with("fixture.rs")
}

/// The code of a file without comments, and without the tests at its end.
fn code(path: &Path) -> String {
    let text = read(&root().join(path));
    let inline_tests = text.match_indices("#[cfg(test)]\nmod ").map(|(at, _)| at).find(|at| {
        // `mod tests;` is another file; what follows it here is code.
        text[*at..].lines().nth(1).is_some_and(|line| line.ends_with('{'))
    });
    let code = &text[..inline_tests.unwrap_or(text.len())];
    code.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
}

/// Everything that a file takes from its own crate: the words of each `crate::…` or `super::…` path or group.
fn taken_from_own_crate(code: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let rest = &code[at + start.len()..];
            let end = if rest.starts_with('{') {
                rest.find(';').unwrap_or(rest.len())
            } else {
                rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':' || c == '{')).unwrap_or(rest.len())
            };
            let parts = rest[..end].split(|c: char| !(c.is_alphanumeric() || c == '_'));
            words.extend(parts.filter(|word| !word.is_empty()).map(str::to_owned));
        }
    }
    words
}

#[test]
fn dependencies_run_one_way() {
    let own: BTreeSet<&str> = ROOMS.iter().map(|(name, ..)| *name).collect();
    for (room, dir, allowed) in ROOMS {
        let (to_build, to_test) = dependencies(dir);
        for used in to_build.union(&to_test).filter(|name| own.contains(name.as_str())) {
            assert!(allowed.contains(&used.as_str()), "{room} must not depend on {used}");
        }
    }
}

#[test]
fn every_member_of_the_workspace_is_a_known_room() {
    let manifest = table(&root().join("Cargo.toml"));
    let members = manifest["workspace"]["members"].as_array().expect("members are a list");
    let members: BTreeSet<_> = members.iter().filter_map(toml::Value::as_str).collect();
    assert_eq!(members, ROOMS.iter().map(|(_, dir, _)| *dir).collect());
}

#[test]
fn a_runtime_a_network_or_a_database_is_named_only_where_it_belongs() {
    for (room, dir, _) in ROOMS {
        let (to_build, to_test) = dependencies(dir);
        for (library, rooms) in BELONGS_TO {
            let family = |name: &&String| *name == library || name.starts_with(&format!("{library}-"));
            let used: Vec<_> = to_build.union(&to_test).filter(family).collect();
            assert!(used.is_empty() || rooms.contains(&room), "{room} must not depend on {used:?}");
        }
    }
}

#[test]
fn no_way_leads_from_the_machines_or_the_ledger_to_a_runtime_a_network_or_a_database() {
    let lock = table(&root().join("Cargo.lock"));
    let mut edges: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in lock["package"].as_array().expect("packages are a list") {
        let name = package["name"].as_str().expect("a package has a name");
        let to = package.get("dependencies").and_then(toml::Value::as_array);
        // A dependency with several versions is written "name version".
        let to = to.into_iter().flatten().filter_map(|dep| dep.as_str()?.split(' ').next());
        edges.entry(name).or_default().extend(to);
    }
    for start in ["barreleye-machines", "barreleye-ledger"] {
        assert!(edges.contains_key(start), "{start} is not in Cargo.lock");
        let mut seen = BTreeSet::from([start]);
        let mut open = vec![vec![start]];
        while let Some(way) = open.pop() {
            let last = *way.last().expect("a way has a start");
            assert!(!NOT_PURE.iter().any(|family| last.starts_with(family)), "this way must not be: {way:?}");
            for next in edges.get(last).into_iter().flatten() {
                if seen.insert(next) {
                    open.push(way.iter().copied().chain([*next]).collect());
                }
            }
        }
    }
}

#[test]
fn what_is_hashed_is_not_left_to_a_serializer() {
    let (to_build, _) = dependencies("src/ledger");
    for serializer in ["postcard", "bincode", "serde_json", "borsh"] {
        assert!(!to_build.contains(serializer), "the ledger encodes by hand, without {serializer}");
    }
}

#[test]
fn machines_and_ledger_read_no_clock_no_file_and_make_no_randomness() {
    let banned = [
        "Instant::",
        "SystemTime",
        "std::fs",
        "std::env",
        "std::io",
        "std::thread",
        "std::process",
        "TcpStream",
        "UdpSocket",
        "async fn",
        "rand::rng",
        "rand::random",
        "thread_rng",
        "OsRng",
        "SysRng",
    ];
    let pure = |path: &&PathBuf| path.starts_with("src/machines") || path.starts_with("src/ledger");
    for path in sources().iter().filter(pure).filter(|path| !is_test(path)) {
        let code = code(path);
        for word in banned {
            assert!(!code.contains(word), "{} uses {word}", path.display());
        }
    }
}

#[test]
fn no_actor_knows_another() {
    for (module, own) in ACTORS {
        let (file, parts) = (format!("actors/{module}.rs"), format!("actors/{module}/"));
        let is_its = |path: &&PathBuf| **path == *file || path.starts_with(&parts);
        for path in sources().iter().filter(is_its) {
            let taken = taken_from_own_crate(&code(path));
            assert!(taken.contains("Mail"), "{}: its imports are not seen", path.display());
            for (other_module, other) in ACTORS.iter().filter(|(_, other)| *other != own) {
                for word in [other_module.to_string(), other.to_string(), format!("{other}Ports")] {
                    assert!(!taken.contains(&word), "{} takes {word} from another actor", path.display());
                }
            }
        }
    }
}

#[test]
fn the_mailboxes_are_as_large_as_the_page_says() {
    let page = read(&root().join("ARCHITECTURE.md"));
    for (module, actor) in ACTORS {
        let code = code(&PathBuf::from(format!("actors/{module}.rs")));
        let capacity = code.split("MAILBOX: usize = ").nth(1).and_then(|rest| rest.split(';').next());
        let capacity = capacity.unwrap_or_else(|| panic!("{actor} states no capacity")).replace('_', "");
        let row = page.lines().find(|line| line.starts_with(&format!("| `{actor}`")));
        let row = row.unwrap_or_else(|| panic!("{actor} is not in the table of ARCHITECTURE.md"));
        assert_eq!(row.split('|').nth(2).map(str::trim), Some(capacity.as_str()), "{actor}");
    }
}

#[test]
fn an_actors_address_is_held_only_behind_a_port() {
    for path in sources().iter().filter(|path| !path.ends_with("actors/port.rs") && !is_test(path)) {
        for word in ["Addr<", "Recipient<", ".recipient()", "actix::Addr", "actix::Recipient"] {
            let code = code(path);
            let found = code.match_indices(word).any(|(at, _)| {
                // SocketAddr and the like are other words.
                !word.starts_with(char::is_uppercase) || !code[..at].ends_with(|c: char| c.is_alphanumeric())
            });
            assert!(!found, "{} uses {word}: only actors/port.rs may", path.display());
        }
    }
}

#[test]
fn only_the_store_opens_a_table_and_only_the_wire_holds_the_swarm() {
    for path in sources().iter().filter(|path| !is_test(path)) {
        let code = code(path);
        assert!(path.starts_with("src/store") || !code.contains("redb::"), "{} uses redb", path.display());
        assert!(path.starts_with("src/wire") || !code.contains("Swarm"), "{} uses the swarm", path.display());
    }
}

#[test]
fn every_file_begins_by_saying_what_it_is_for() {
    for path in sources() {
        assert!(read(&root().join(&path)).starts_with("//! "), "{} does not begin with //!", path.display());
    }
}

#[test]
fn a_test_is_left_out_only_if_the_long_set_runs_it() {
    assert!(read(&root().join("tests/run")).contains("--run-ignored all"), "tests/run --long leaves tests out");
    let left_out = concat!("#[", "ignore = ");
    for path in sources() {
        for line in read(&root().join(&path)).lines().filter(|line| line.contains(left_out)) {
            assert!(line.contains("./tests/run --long"), "{}: {line}", path.display());
        }
    }
}

#[test]
fn nobody_sends_unbounded_waits_for_a_while_or_leaves_something_open() {
    // Written in parts, so that this file does not contain them.
    let banned =
        [concat!(".do_", "send("), concat!("thread::", "sleep"), concat!("todo", "!("), concat!("#[", "ignore]")];
    for path in sources() {
        let text = read(&root().join(&path));
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for word in banned {
                assert!(!line.contains(word), "{}: {line}", path.display());
            }
        }
    }
}

#[test]
fn o01_every_actor_but_a_peers_is_guarded_as_vital() {
    for (module, name) in ACTORS.into_iter().filter(|(module, _)| *module != "peer") {
        let text = read(&root().join(format!("actors/{module}.rs")));
        let fields = text.split(&format!("pub struct {name} {{")).nth(1).and_then(|rest| rest.split('}').next());
        let held = fields.is_some_and(|fields| fields.contains("vital: Vital,"));
        assert!(held, "actors/{module}.rs: {name} holds no Vital: a panic in it would leave a node without it");
    }
}

/// The settings of a unit of deploy, by name; of those that come more than once, the last.
fn unit(name: &str) -> BTreeMap<String, String> {
    let text = read(&root().join("deploy").join(name));
    let pairs = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

#[test]
fn o05_a_unit_that_fails_again_and_again_is_tried_slowly_and_then_given_up() {
    for name in ["barreleye.service", "barreleye@.service"] {
        let unit = unit(name);
        let number = |key: &str| unit[key].parse::<u64>().unwrap_or_else(|error| panic!("{name}: {key}: {error}"));
        let (pause, burst, interval) =
            (number("RestartSec"), number("StartLimitBurst"), number("StartLimitIntervalSec"));
        assert!(pause >= 5 && burst >= 5, "{name}: a short fault must not end a service for good");
        assert!(burst * (pause + 10) < interval, "{name}: {burst} starts never fall into {interval} s");
        assert_eq!(unit["RestartPreventExitStatus"], "2 65 66 74 77", "{name}: what needs a person is not tried again");
    }
}

#[test]
fn the_two_units_are_the_same_but_for_the_name_of_the_instance() {
    let body = |name: &str| {
        let text = read(&root().join("deploy").join(name));
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>()
    };
    let instance: Vec<_> = body("barreleye@.service")
        .into_iter()
        .map(|line| {
            line.replace("/etc/barreleye/%i.toml", "/etc/barreleye/barreleye.toml")
                .replace("-%i", "")
                .replace(" %i", "")
        })
        .collect();
    assert_eq!(body("barreleye.service"), instance);
}

#[test]
fn every_alert_says_what_to_do() {
    let rules = read(&root().join("deploy/prometheus/alerts.yml"));
    let tests = read(&root().join("deploy/prometheus/alerts.test.yml"));
    let guide = read(&root().join("docs/operating.md"));
    let alerts: Vec<_> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() >= 12, "{alerts:?}");
    for alert in alerts {
        assert!(guide.contains(&format!("\n### {alert}\n")), "{alert} is not explained in docs/operating.md");
        assert!(tests.contains(&format!("alertname: {alert}\n")), "{alert} is not tested");
    }
}

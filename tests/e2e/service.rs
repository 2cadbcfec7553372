//! A node as a service: what it tells its manager, and what it never tells. A real systemd runs the real unit in
//! `tests/service/run`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::manager::{Held, Manager};
use crate::harness::process::logged;
use crate::harness::{Net, Terminal, eventually, height};

/// The thread of each vital part, and a part that stands for it.
const THREADS: [(&str, &str); 7] = [
    ("chain", "chain"),
    ("network", "network"),
    ("desk", "faucet"),
    ("ticker", "ticker"),
    ("hasher", "hasher"),
    ("verify-blocks", "verify-blocks"),
    ("verify-txs", "verify-txs"),
];

#[test]
fn a_node_is_ready_when_it_answers_and_says_that_it_stops() {
    let net = Net::on_request();
    let (node, manager) = (net.node("node"), Manager::new(net.dir()));
    manager.watches(&node, 30_000);
    node.spawn();
    manager.until("READY=1", 30);
    let address = fs::read_to_string(node.dir().join("http.address")).unwrap();
    let public = crate::harness::Api::new(address.trim(), None);
    public.get("/v1/status").ok();
    let (status, _) = manager.until("STATUS=block 0, 0 peers", 30);
    assert!(status.ends_with("alone"), "{status}");
    let mut process = node.take_process();
    process.signal(Signal::TERM);
    manager.until("STOPPING=1", 10);
    assert_eq!(process.end(10).0.code(), Some(0));
}

#[test]
fn o02_whatever_part_hangs_the_watchdog_is_not_fed_and_the_part_is_named() {
    let net = Net::fast(0);
    let (node, manager) = (net.node("node"), Manager::new(net.dir()));
    manager.watches(&node, 4_500);
    node.mining().start();
    manager.until("WATCHDOG=1", 30);
    for (thread, part) in THREADS {
        let held = Held::thread(node.process_id(), thread);
        // The round that was under way may have heard of this part before.
        let mut told = Vec::new();
        while !told.last().is_some_and(|status: &String| status.contains(part)) {
            let (status, before) = manager.until("STATUS=no answer from ", 30);
            told.extend(before);
            told.push(status);
        }
        let fed = told.iter().filter(|line| *line == "WATCHDOG=1").count();
        assert!(fed <= 1, "{thread} hangs and the watchdog was fed: {told:?}");
        let later = manager.hears(Duration::from_millis(2_000));
        assert_eq!(later, None, "{thread} hangs");
        drop(held);
        manager.until("WATCHDOG=1", 30);
    }
    let held = Held::thread(node.process_id(), "barreleye");
    let began = Instant::now();
    let mut fed = 0;
    while let Some(lines) = manager.hears(Duration::from_millis(4_500)) {
        fed += lines.iter().filter(|line| *line == "WATCHDOG=1").count();
        assert!(began.elapsed() < Duration::from_secs(10), "the main thread hangs and tells {lines:?}");
    }
    assert!(fed <= 1, "the main thread hangs and the watchdog was fed {fed} times");
    drop(held);
    manager.until("WATCHDOG=1", 30);
}

#[test]
fn o13_credentials_are_found_by_themselves_and_bad_ones_are_refused_by_name() {
    let net = Net::on_request();
    let good = net.dir().join("credentials");
    fs::create_dir(&good).unwrap();
    let write = |name: &str, text: &str, mode: u32| {
        let path = good.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let key = "0".repeat(63) + "7";
    write("keys_miner.key", &key, 0o400);
    write("faucet.key", &key, 0o400);
    let node = net.node("node");
    node.env("CREDENTIALS_DIRECTORY", &good.display().to_string());
    let address = key.parse::<ledger::SecretKey>().unwrap().address();
    node.start().stop();
    logged(&node.log(), &address.to_string()).unwrap();
    assert!(!node.dir().join("miner.key").exists(), "a key that is given is not made");
    for (name, text, mode, why) in [
        ("keys_miner.key", "abcd", 0o400, "a secret key is 64 hex digits"),
        ("keys_miner.key", key.as_str(), 0o444, "everybody on this machine can read"),
    ] {
        write(name, &key, 0o600);
        write(name, text, mode);
        node.spawn();
        let (status, _) = node.take_process().end(30);
        assert_eq!(status.code(), Some(2), "{why}");
        eventually("the log says why", 5, || logged(&node.log(), why));
        logged(&node.log(), name).unwrap();
    }
}

#[test]
fn o15_two_services_on_one_machine_collide_loudly() {
    let net = Net::on_request();
    let first = net.node("first");
    first.start();
    for flag in ["--http", "--admin"] {
        let second = net.node(&format!("second{flag}"));
        let file = if flag == "--http" { "http.address" } else { "admin.address" };
        let taken = fs::read_to_string(first.dir().join(file)).unwrap();
        second.with(&[flag, taken.trim()]).spawn();
        assert_eq!(second.take_process().end(30).0.code(), Some(2));
        logged(&second.log(), &format!("cannot listen on {}", taken.trim())).unwrap();
    }
    first.mint(1).until(height(1));
}

#[test]
fn a_changed_configuration_takes_effect_as_far_as_it_can_and_the_rest_is_named() {
    let net = Net::on_request();
    let (node, other) = (net.node("node"), net.node("other"));
    other.start();
    let file = net.dir().join("node.toml");
    fs::write(&file, "hash_duty = 30\n").unwrap();
    node.with(&["--config", file.to_str().unwrap()]).start();
    let text = format!("log = \"debug\"\nmax_inbound = 5\nfaucet_amount = \"2\"\npeers = [\"{}\"]\n", other.address());
    fs::write(&file, text).unwrap();
    node.signal(Signal::HUP);
    node.until(crate::harness::peers(1));
    let logged = |text: &str| eventually(text.to_owned(), 10, || logged(&node.log(), text));
    logged("these settings need a restart");
    logged("max_inbound");
    logged("DEBUG");
    assert_eq!(node.api().get("/v1/faucet").ok()["full_amount"], "200000000");
    fs::write(&file, "log = \"loud\"\npeer = []\n").unwrap();
    node.signal(Signal::HUP);
    logged("unknown setting 'peer': did you mean 'peers'?");
    node.mint(1).until(height(1));
}

#[test]
fn o11_a_node_whose_log_nobody_reads_goes_on() {
    let net = Net::on_request();
    let node = net.node("node");
    let mut command = crate::harness::process::command(net.dir(), &[]);
    let (network, data) = (net.file(), node.dir());
    let here = format!("{}:0", crate::harness::process::own_address());
    command.args(["run", "--network"]).arg(network).arg("--data-dir").arg(&data);
    command.args(["--http", &here, "--admin", &here, "--listen", &node.address()]);
    // A pipe holds 64 KiB, and nobody takes anything out of this one: the first line finds no room.
    let (reader, mut pipe) = std::io::pipe().unwrap();
    std::io::Write::write_all(&mut pipe, &vec![b'.'; 64 * 1024]).unwrap();
    let mut child = command.env("BARRELEYE_LOG", "trace").stderr(pipe).spawn().unwrap();
    let address = eventually("it listens", 30, || {
        fs::read_to_string(data.join("http.address")).map_err(|error| error.to_string())
    });
    let api = crate::harness::Api::new(address.trim(), None);
    for _ in 0..2_000 {
        api.get("/v1/status").ok();
    }
    let id = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw).unwrap();
    rustix::process::kill_process(id, Signal::TERM).unwrap();
    let began = Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    drop(reader);
}

#[test]
fn the_view_of_the_actors_shows_a_node_that_moves_and_ends_with_a_key() {
    let net = Net::fast(0);
    let node = net.node("node");
    node.mining().start().until(height(1));
    let data = node.dir().display().to_string();
    let mut terminal = Terminal::screen(net.dir(), &["actors", "--watch", "--data-dir", &data]);
    for text in ["mail/s", "chain", "syncer", "miner", "discovery", "faucet", "blocks"] {
        terminal.sees(text);
    }
    terminal.types("q");
    assert_eq!(terminal.ends().1, 0);
}

#[test]
fn alerts_and_dashboard_ask_for_numbers_that_a_node_has() {
    let net = Net::fast(0);
    let node = net.node("node");
    node.mining().with(&["--faucet", "on"]).start().until(height(1));
    let page = node.admin().get("/metrics").body.as_str().unwrap().to_owned();
    let text = |file: &str| fs::read_to_string(format!("{}/deploy/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let asked = text("prometheus/alerts.yml") + &text("grafana/barreleye.json") + &text("../docs/operating.md");
    let words = asked.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_name = |word: &&str| {
        let rest = word.strip_prefix("barreleye_").or_else(|| word.strip_prefix("process_")).unwrap_or_default();
        // Not the names of packages.
        rest.starts_with(|c: char| c.is_ascii_lowercase())
    };
    let names: std::collections::BTreeSet<_> = words.filter(is_name).collect();
    assert!(names.len() > 30, "{names:?}");
    for name in names {
        // Drops are counted from the first one on.
        let found = name == "barreleye_mailbox_dropped_messages_total" || page.contains(&format!("\n{name}"));
        assert!(found, "nobody tells {name}:\n{page}");
    }
}

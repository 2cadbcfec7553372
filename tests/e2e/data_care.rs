//! Looking after what is kept: exports, backups beside a running node, repairs; a chain that came any of these ways is
//! the same chain.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Output;

use ledger::Amount;
use serde_json::Value;

use crate::harness::net::WEALTH;
use crate::harness::process::{logged, run};
use crate::harness::{Net, Node, height};

const WEALTH_DROPS: u64 = WEALTH * Amount::BARREL.as_drops();

/// A node whose chain has 40 blocks with transfers.
fn traded(net: &Net) -> Node {
    let node = net.node("original");
    node.start();
    for round in 0..5 {
        for number in 0..6 {
            let to = net.wallet(number + 7).address();
            node.api().transfer(&net.wallet(number).pay(&net.network, to, 1 + number * 1_000, round)).ok();
        }
        node.mint(8);
    }
    node.until(height(40));
    node
}

/// `barreleye chain …` on the directory of a node.
fn run_chain(net: &Net, node: &Node, words: &[&str]) -> Output {
    let (network, data) = (net.file(), node.dir());
    let place = ["--network", network.to_str().unwrap(), "--data-dir", data.to_str().unwrap()];
    run(net.dir(), &[&["chain"], words, &place, &["--json"]].concat())
}

/// The same; gives what it answers programs.
#[track_caller]
fn chain(net: &Net, node: &Node, words: &[&str]) -> Value {
    let output = run_chain(net, node, words);
    assert!(output.status.success(), "{words:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Everything that is kept of the chain, as its file says it.
fn exported(net: &Net, node: &Node, name: &str) -> Vec<u8> {
    let file = net.dir().join(name);
    chain(net, node, &["export", "--to", file.to_str().unwrap()]);
    fs::read(file).unwrap()
}

#[test]
fn an_import_of_an_export_gives_the_same_chain_and_accounts() {
    let net = Net::on_request();
    let original = traded(&net);
    let beside = exported(&net, &original, "beside-a-running-node");
    original.stop();
    let file = net.dir().join("chain.barreleye");
    let answer = chain(&net, &original, &["export", "--to", file.to_str().unwrap()]);
    assert_eq!(answer["height"], 40);
    assert_eq!(fs::read(&file).unwrap(), beside, "a running node gives the same");

    let copy = net.node("copy");
    let answer = chain(&net, &copy, &["import", file.to_str().unwrap()]);
    assert_eq!(answer["height"], 40);
    assert_eq!(exported(&net, &copy, "copy.barreleye"), beside);
    let again = chain(&net, &copy, &["import", file.to_str().unwrap()]);
    assert_eq!(again, answer, "what is there already stays");
    assert!(net.verify(&copy).contains("all as they must be"));
    original.start();
    copy.start();
    for number in 0..20 {
        let address = net.wallet(number).address();
        assert_eq!(copy.balance(&address), original.balance(&address), "wallet {number}");
    }

    let mut damaged = beside;
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    let bad = net.dir().join("damaged.barreleye");
    fs::write(&bad, damaged).unwrap();
    let other = net.node("other");
    let output = run_chain(&net, &other, &["import", bad.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(65), "{output:?}");
}

#[test]
fn a_backup_beside_a_running_node_is_what_it_had_and_a_node_starts_with_it() {
    let net = Net::on_request_with(|spec| spec.reward = Amount::barrels(100).unwrap());
    let original = crate::faucet::faucet(&net);
    let client = net.stranger(0).address();
    original.api().claim(&client, Some("10.0.2.1")).ok();
    original.mint(1);
    let (tip, paid) = (original.tip().unwrap(), original.balance(&client));
    assert!(paid > 0);
    let to = net.dir().join("restored");
    let answer = chain(&net, &original, &["backup", "--to", to.to_str().unwrap()]);
    assert_eq!((answer["height"].as_u64(), answer["tip"].as_str()), (Some(tip.height), Some(&*tip.id)));
    original.mint(2).stop();

    // The directory of the backup is that of a node. It knows what its faucet has paid to whom.
    let restored = net.node("restored");
    let key = net.dir().join("faucet.key");
    restored.with(&["--faucet", "on", "--faucet-key", key.to_str().unwrap()]);
    restored.env("BARRELEYE_TRUSTED_PROXIES", "127.0.0.0/8").start();
    assert_eq!(restored.tip().unwrap(), tip);
    assert_eq!(restored.balance(&client), paid);
    let again = restored.api().claim(&client, Some("10.0.2.2"));
    assert_eq!((again.status, again.reason()), (400, "faucet time limit"), "{again:?}");
    restored.mint(1).until(height(tip.height + 1)).stop();
    assert!(net.verify(&restored).contains("all as they must be"));

    let output = run_chain(&net, &original, &["backup", "--to", to.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2), "a backup never replaces one");
}

#[test]
fn tables_say_what_takes_the_disk_also_of_a_running_node_and_compacting_gives_some_of_it_back() {
    let net = Net::on_request();
    let node = traded(&net);
    let running = chain(&net, &node, &["tables"]);
    node.stop();
    let stopped = chain(&net, &node, &["tables"]);
    let bodies = |answer: &Value| {
        let table = answer["tables"].as_array().unwrap().iter().find(|table| table["name"] == "bodies").cloned();
        table.unwrap()
    };
    assert_eq!(bodies(&stopped)["rows"], 41);
    assert!(bodies(&stopped)["content_bytes"].as_u64().unwrap() > 41 * 200);
    assert_eq!(bodies(&running)["rows"], bodies(&stopped)["rows"]);
    assert!(stopped["free_bytes"].as_u64().unwrap() > 0);
    let answer = chain(&net, &node, &["compact"]);
    assert!(answer["bytes"].as_u64().unwrap() < answer["bytes_before"].as_u64().unwrap(), "{answer}");
    assert!(net.verify(&node).contains("all as they must be"));
}

#[test]
fn s07_a_database_with_a_changed_account_is_refused_and_made_anew_of_the_blocks_that_can_be_read() {
    let net = Net::on_request();
    let node = traded(&net);
    node.stop();
    let sound = exported(&net, &node, "sound");
    let database = node.dir().join("chain.redb");
    let bytes = fs::read(&database).unwrap();
    // What a wallet that neither paid nor was paid has, and its nonce: only its own row holds the two.
    let untouched = [WEALTH_DROPS.to_be_bytes(), net.network.nonce_base.to_be_bytes()].concat();
    let places: Vec<_> = (0..bytes.len() - 16).filter(|at| bytes[*at..at + 16] == untouched).collect();
    assert!(!places.is_empty());
    let mut file = fs::OpenOptions::new().write(true).open(&database).unwrap();
    for at in places {
        file.seek(SeekFrom::Start(at as u64)).unwrap();
        file.write_all(&(WEALTH_DROPS + 1).to_be_bytes()).unwrap();
    }
    drop(file);
    node.spawn();
    let (status, _) = node.take_process().end(30);
    assert_eq!(status.code(), Some(74), "no node tells a wrong balance");
    logged(&node.log(), "barreleye chain repair").unwrap();

    let answer = chain(&net, &node, &["repair"]);
    assert_eq!((answer["height"].as_u64(), &answer["stopped_by"]), (Some(40), &Value::Null), "{answer}");
    assert!(Path::new(answer["old"].as_str().unwrap()).exists());
    assert_eq!(exported(&net, &node, "repaired"), sound);
    node.start().mint(1).until(height(41));
}

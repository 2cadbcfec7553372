//! What the operator sees and steers, and that nobody else does.

use serde_json::{Value, json};

use crate::harness::process::{run, run_ok};
use crate::harness::wait::holds;
use crate::harness::{Net, eventually, height, mines, peers};

const ACTORS: [&str; 5] = ["chain", "syncer", "miner", "discovery", "faucet"];

#[test]
fn without_the_cookie_the_operators_interface_says_nothing() {
    let net = Net::on_request();
    let node = net.node("node");
    node.start();
    for path in ["/admin/actors", "/admin/actors/chain", "/admin/peers"] {
        for token in [None, Some("wrong")] {
            let answer = node.admin().with_token(token).get(path);
            assert_eq!(answer.status, 401, "{path} with {token:?}: {answer:?}");
            assert!(answer.reason().contains("admin.cookie"), "{answer:?}");
        }
    }
    let minted = node.admin().with_token(None).post("/admin/mint", &json!({ "blocks": 1 }));
    assert_eq!((minted.status, node.tip().unwrap().height), (401, 0));
    assert_eq!(node.api().get("/admin/actors").status, 404, "the public listener has no such thing");
    node.admin().get("/admin/actors").ok();
}

#[test]
fn the_cookie_is_another_one_after_each_start() {
    let net = Net::on_request();
    let node = net.node("node");
    let old = node.start().admin();
    node.stop().restart();
    let token = |api: &crate::harness::Api| api.get("/admin/actors").status;
    assert_eq!(token(&node.admin()), 200);
    assert_eq!(token(&old), 0, "its listener is gone");
    let address = node.admin().url().to_owned();
    assert_ne!(old.url(), address);
}

#[test]
fn every_actor_shows_state_mailbox_and_counters_and_the_table_shows_the_same() {
    let net = Net::fast(0);
    let (node, other) = (net.node("node"), net.node("other"));
    node.mining().start().until(height(2));
    other.knows(&node).start().until(peers(1));
    let answer = node.admin().get("/admin/actors").ok();
    let actors = answer["actors"].as_array().unwrap();
    let names: Vec<_> = actors.iter().map(|actor| actor["name"].as_str().unwrap()).collect();
    assert_eq!(names, ACTORS);
    for actor in actors {
        let state = &actor["state"];
        assert!(state.is_string() || state.as_object().is_some_and(|map| map.len() == 1), "{actor}");
        assert!(*state != "NoAnswer", "{actor}");
        let mailbox = &actor["mailbox"];
        assert!(mailbox["capacity"].as_u64() > Some(0) && mailbox["queued"].is_u64(), "{actor}");
        assert!(actor["handled"].as_object().is_some_and(|map| !map.is_empty()), "{actor}");
        assert!(actor["dropped"].is_object() && actor["since_ms"].is_u64(), "{actor}");
    }
    assert!(actors[3]["state"].get("Searching").is_some_and(|data| data["ready"] == 1), "{}", actors[3]);

    let data = node.dir();
    let data = data.to_str().unwrap();
    let table = run_ok(net.dir(), &["actors", "--data-dir", data]);
    let first: Vec<_> = table.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(first, [&["actor"][..], &ACTORS].concat(), "{table}");
    for word in ["mailbox", "handled", "dropped", "state", "Searching", "Mining"] {
        assert!(table.contains(word), "{word} is not in\n{table}");
    }
    let json: Value = serde_json::from_str(&run_ok(net.dir(), &["actors", "--json", "--data-dir", data])).unwrap();
    assert_eq!(json["actors"].as_array().map(Vec::len), Some(ACTORS.len()));

    let list = run_ok(net.dir(), &["peers", "--data-dir", data]);
    assert!(list.contains("Ready") && list.lines().count() == 2, "{list}");
    let peer = &node.admin().get("/admin/peers").ok()["peers"][0];
    assert!(list.contains(peer["id"].as_str().unwrap()), "{list}");
    assert_eq!(peer["outbound"], false, "{peer}");
}

#[test]
fn the_miner_pauses_and_resumes_as_the_operator_says() {
    let net = Net::fast(0);
    let node = net.node("node");
    node.mining().start().until(mines);
    let data = node.dir();
    let data = data.to_str().unwrap();
    let printed = run_ok(net.dir(), &["miner", "pause", "--data-dir", data]);
    assert!(printed.contains("Paused") && printed.contains("Operator"), "{printed}");
    let state = node.state("miner").unwrap();
    assert_eq!(state["Paused"]["reasons"], json!(["Operator"]), "{state}");
    let stands = eventually("the last block of before", 10, || {
        let before = node.tip()?;
        node.actor("chain")?;
        let after = node.tip()?;
        holds(before == after, || "it moves".into()).map(|()| after.height)
    });
    let printed = run_ok(net.dir(), &["miner", "resume", "--data-dir", data]);
    assert!(!printed.contains("Paused"), "{printed}");
    node.until(mines).until(height(stands + 2));
}

#[test]
fn status_says_what_the_node_is_and_what_it_lacks() {
    let net = Net::fast(1);
    let node = net.node("node");
    node.start();
    let api = node.api();
    let printed = run_ok(net.dir(), &["status", "--node", api.url()]);
    assert!(printed.contains(&net.network.chain.to_string()), "{printed}");
    assert!(printed.contains("not ready: 0 peers, this network wants at least 1"), "{printed}");
    let json: Value = serde_json::from_str(&run_ok(net.dir(), &["status", "--json", "--node", api.url()])).unwrap();
    assert_eq!(json["tip"]["height"], 0);
    assert_eq!((api.get("/livez").status, api.get("/readyz").status), (200, 503));

    node.stop();
    let output = run(net.dir(), &["status", "--node", api.url()]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(69), "{text}");
    assert!(text.contains("no answer from") && text.contains("is it running?"), "{text}");
}

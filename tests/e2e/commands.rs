//! The client commands against real nodes: what they print for programs, and what they do through a payment's life.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Stdio};

use barreleye::cli::Cli;
use clap::CommandFactory;
use serde_json::{Value, json};

use crate::harness::process::{command, run, run_ok};
use crate::harness::wait::holds;
use crate::harness::{Net, Node, Terminal, eventually};

/// The key of one of the network's wallets, imported as `rich`.
fn rich(net: &Net, number: u64) {
    let secret = hex::encode(net.wallet(number).key.to_bytes());
    private(net.dir(), "rich.hex", &secret);
    private(net.dir(), "pass", "a passphrase");
    run_ok(net.dir(), &["wallet", "import", "rich", "--from", "rich.hex", "--passphrase-file", "pass"]);
}

fn private(dir: &Path, name: &str, text: &str) {
    fs::write(dir.join(name), text).unwrap();
    fs::set_permissions(dir.join(name), fs::Permissions::from_mode(0o600)).unwrap();
}

/// A network whose blocks are made on request, with a node, a key that has coins, and the node's address.
fn start() -> (Net, Node, String) {
    let net = Net::on_request();
    rich(&net, 0);
    let node = net.node("node");
    node.start().mint(1);
    let url = node.api().url().to_owned();
    (net, node, url)
}

fn spawn(dir: &Path, arguments: &[&str]) -> Child {
    let mut command = command(dir, &[]);
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// A payment of the rich wallet that waits for its block as `wait` tells.
fn sends<'a>(to: &'a str, amount: &'a str, wait: &[&'a str], url: &'a str) -> Vec<&'a str> {
    let pays = ["send", "rich", "--to", to, "--amount", amount, "--yes", "--wait"];
    [&pays[..], wait, &["--passphrase-file", "pass", "--node", url]].concat()
}

/// What a command printed, after it ended well: the answer, and what stood beside it.
#[track_caller]
fn ended(child: Child) -> (String, String) {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn waiting(node: &Node) -> Result<(), String> {
    let pool = node.status()?["pool"]["transactions"].as_u64();
    holds(pool == Some(1), || format!("{pool:?} wait"))
}

/// The shapes of docs/command-line.md by the command that has them.
fn documented() -> Vec<(String, Value)> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/command-line.md")).unwrap();
    let sections = text.split("\n### `").skip(1);
    let shape = |section: &str| {
        let (name, rest) = section.split_once('`').unwrap();
        let json = rest.split("```json\n").nth(1).and_then(|rest| rest.split("\n```").next());
        (name.to_owned(), serde_json::from_str(json.unwrap_or_else(|| panic!("{name} has no shape"))).unwrap())
    };
    sections.map(shape).collect()
}

fn compare(place: &str, wanted: &Value, got: &Value) {
    match (wanted, got) {
        (Value::Null, _) | (_, Value::Null) => {}
        (Value::String(any), _) if any == "…" => {}
        (Value::Object(wanted), Value::Object(got)) => {
            let names = |map: &serde_json::Map<String, Value>| map.keys().cloned().collect::<BTreeSet<_>>();
            assert_eq!(names(wanted), names(got), "the fields of {place}");
            for (name, value) in wanted {
                compare(&format!("{place}/{name}"), value, &got[name]);
            }
        }
        (Value::Array(wanted), Value::Array(got)) => {
            let one = wanted.first().unwrap_or(&Value::Null);
            got.iter().for_each(|got| compare(&format!("{place}[]"), one, got));
        }
        (Value::String(_), Value::String(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::Bool(_), Value::Bool(_)) => {}
        _ => panic!("{place} is {got}, documented is {wanted}"),
    }
}

#[test]
fn every_command_prints_the_documented_shape_and_every_command_is_documented() {
    let (net, node, url) = start();
    let data = node.dir().display().to_string();
    let network = net.file().display().to_string();
    let to = net.stranger(0).address().to_string();
    let mut documented = documented();
    let names: BTreeSet<String> = documented.iter().map(|(name, _)| name.clone()).collect();
    let mut check = |name: &str, arguments: &[&str]| -> Value {
        let printed = run_ok(net.dir(), &[arguments, &["--json"]].concat());
        let got: Value = serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{name}: {error}: {printed}"));
        let at =
            documented.iter().position(|(other, _)| other == name).unwrap_or_else(|| panic!("{name} is not there"));
        compare(name, &documented.remove(at).1, &got);
        got
    };
    let pass = ["--passphrase-file", "pass"];
    let node_at = ["--node", &url];
    let with = |words: &[&'static str], more: &[&[&str]]| -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).chain(more.concat().into_iter().map(String::from)).collect()
    };
    fn words(list: &[String]) -> Vec<&str> {
        list.iter().map(String::as_str).collect()
    }

    check("wallet new", &["wallet", "new", "alice", "--passphrase-file", "pass"]);
    private(net.dir(), "key", "abc");
    check("wallet import", &["wallet", "import", "number", "--from", "key", "--passphrase-file", "pass"]);
    check("wallet list", &["wallet", "list"]);
    check("wallet show", &["wallet", "show", "alice"]);
    check("wallet export", &["wallet", "export", "alice"]);
    check(
        "wallet export --form secret-key",
        &words(&with(&["wallet", "export", "alice", "--form", "secret-key"], &[&pass])),
    );
    check("wallet export --to", &["wallet", "export", "alice", "--to", "alice.json"]);
    check("wallet words", &words(&with(&["wallet", "words", "alice"], &[&pass])));
    check("wallet alias", &["wallet", "alias", "number", "other"]);
    check(
        "wallet passphrase",
        &words(&with(&["wallet", "passphrase", "other", "--new-passphrase-file", "pass"], &[&pass])),
    );
    check("wallet remove", &["wallet", "remove", "other", "--yes"]);

    let sent =
        check("send", &words(&with(&["send", "rich", "--amount", "1.5", "--yes", "--to"], &[&[&to], &pass, &node_at])));
    node.mint(1);
    check("balance", &words(&with(&["balance", "rich"], &[&node_at])));
    check("account", &words(&with(&["account", "rich"], &[&node_at])));
    let history = check("history", &words(&with(&["history", "rich"], &[&node_at])));
    assert_eq!(history["items"][0]["amount"], "150000000", "{history}");
    assert_eq!(history["items"][0]["transaction"]["id"], sent["id"], "{history}");
    let export = check("network export", &words(&with(&["network", "export", "rich"], &[&node_at])));
    check("network export --out", &words(&with(&["network", "export", "rich", "--out", "network.json"], &[&node_at])));
    assert_eq!(
        serde_json::from_str::<Value>(&fs::read_to_string(net.dir().join("network.json")).unwrap()).unwrap(),
        export
    );
    let sign = ["sign", "rich", "--amount", "2", "--network", "network.json", "--to"];
    check("sign", &words(&with(&sign, &[&[&to], &pass])));
    check("sign --out", &words(&with(&sign, &[&[&to, "--out", "payment.json"], &pass])));
    let mut submit = spawn(net.dir(), &["submit", "payment.json", "--json", "--wait", "--node", &url]);
    node.until(waiting).mint(1);
    assert!(submit.wait().unwrap().success());
    let (printed, beside) = ended(submit);
    assert_eq!(beside, "", "a program gets the answer and nothing else");
    let at = documented.iter().position(|(name, _)| name == "submit").unwrap();
    compare("submit", &documented.remove(at).1, &serde_json::from_str(&printed).unwrap());

    let mut check = |name: &str, arguments: &[&str]| {
        let printed = run_ok(net.dir(), &[arguments, &["--json"]].concat());
        let at =
            documented.iter().position(|(other, _)| other == name).unwrap_or_else(|| panic!("{name} is not there"));
        compare(name, &documented.remove(at).1, &serde_json::from_str(&printed).unwrap());
    };
    check("tx", &["tx", sent["id"].as_str().unwrap(), "--node", &url]);
    check("block", &["block", "--node", &url]);
    check("status", &["status", "--node", &url]);
    check("network show", &["network", "show", "--node", &url]);
    check("peers", &["peers", "--data-dir", &data]);
    check("actors", &["actors", "--data-dir", &data]);
    check("miner pause", &["miner", "pause", "--data-dir", &data]);
    check("miner resume", &["miner", "resume", "--data-dir", &data]);
    check("faucet pause", &["faucet", "pause", "--data-dir", &data]);
    check("faucet resume", &["faucet", "resume", "--data-dir", &data]);
    check("faucet amount", &["faucet", "amount", "2.5", "--data-dir", &data]);
    check("faucet allow", &["faucet", "allow", &to, "--data-dir", &data]);
    check("faucet deny", &["faucet", "deny", "203.0.113.0/24", "--data-dir", &data]);
    check("faucet status", &["faucet", "status", "--data-dir", &data]);
    check("faucet forget", &["faucet", "forget", "203.0.113.0/24", "--data-dir", &data]);
    check("log", &["log", "info", "--data-dir", &data]);
    check("mint", &["mint", "2", "--data-dir", &data]);
    check("init", &["init", "--data-dir", "new-node"]);
    check("config check", &["config", "check", "--data-dir", "new-node"]);
    check("config show", &["config", "show", "--data-dir", "new-node"]);
    check("genesis new", &["genesis", "new", "my-coin"]);
    check("genesis show", &["genesis", "show", "dev"]);
    let place = ["--network", &network, "--data-dir", &data];
    check("chain export", &[&["chain", "export", "--to", "chain.barreleye"][..], &place[..]].concat());
    check("chain backup", &[&["chain", "backup", "--to", "backup"][..], &place[..]].concat());
    check("chain tables", &[&["chain", "tables"][..], &place[..]].concat());
    node.stop();
    check("chain verify", &[&["chain", "verify"][..], &place[..]].concat());
    check("chain compact", &[&["chain", "compact"][..], &place[..]].concat());
    check("chain repair", &[&["chain", "repair"][..], &place[..]].concat());
    check("chain import", &[&["chain", "import", "chain.barreleye"][..], &place[..]].concat());
    // They need a faucet with coins, and somebody to pardon.
    documented.retain(|(name, _)| name != "faucet claim" && name != "faucet pardon");
    assert!(documented.is_empty(), "documented but not tried: {documented:?}");

    fn leaves(command: &clap::Command, path: &str, found: &mut Vec<String>) {
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            let path = format!("{path} {}", sub.get_name()).trim().to_owned();
            match sub.has_subcommands() {
                true => leaves(sub, &path, found),
                false => found.push(path),
            }
        }
    }
    let mut all = Vec::new();
    leaves(&Cli::command(), "", &mut all);
    // A node prints no answer, and one name is another's.
    all.retain(|name| name != "run" && name != "wallet sign");
    let missing: Vec<_> = all.into_iter().filter(|name| !names.contains(name)).collect();
    assert!(missing.is_empty(), "not documented: {missing:?}");
}

#[test]
fn a_payment_is_sent_to_a_name_and_watched_until_it_has_its_confirmations() {
    let (net, node, url) = start();
    run_ok(net.dir(), &["wallet", "new", "bob", "--passphrase-file", "pass"]);
    let send = sends("bob", "0.00000001", &["3"], &url);
    let child = spawn(net.dir(), &send);
    node.until(waiting).mint(3);
    let (answer, progress) = ended(child);
    assert!(answer.contains("is in block 2, 3 confirmations"), "{answer}");
    assert!(progress.contains("waiting for the next block") && progress.contains(" is posted"), "{progress}");
    assert_eq!(run_ok(net.dir(), &["balance", "bob", "--node", &url]), "0.00000001 Barrel\n");
}

#[test]
fn what_is_signed_without_a_node_is_posted_later_once() {
    let (net, node, url) = start();
    let to = net.stranger(0).address().to_string();
    run_ok(net.dir(), &["network", "export", "rich", "--out", "network.json", "--node", &url]);
    node.stop();
    let sign =
        ["sign", "rich", "--to", &to, "--amount", "2.5", "--passphrase-file", "pass", "--network", "network.json"];
    let said = run_ok(net.dir(), &[&sign[..], &["--out", "payment.json"]].concat());
    let hex = run_ok(net.dir(), &[&sign[..], &["--hex"]].concat());
    let late = run(net.dir(), &["submit", "payment.json", "--node", &url]);
    assert_eq!(late.status.code(), Some(69), "{late:?}");

    node.restart();
    let url = node.api().url().to_owned();
    let id = run_ok(net.dir(), &["submit", "payment.json", "--node", &url]);
    assert!(said.contains(id.trim()), "{said} {id}");
    fs::write(net.dir().join("payment.hex"), hex).unwrap();
    assert_eq!(run_ok(net.dir(), &["submit", "payment.hex", "--node", &url]), id, "it is the same transaction");
    node.mint(1);
    assert_eq!(run_ok(net.dir(), &["balance", &to, "--node", &url]), "2.5 Barrel\n");
    assert_eq!(run_ok(net.dir(), &["submit", "payment.hex", "--node", &url]), id, "and is paid once");

    let other = run_ok(
        net.dir(),
        &[
            "sign",
            "rich",
            "--to",
            &to,
            "--amount",
            "1",
            "--passphrase-file",
            "pass",
            "--network",
            "dev",
            "--nonce",
            "1",
        ],
    );
    fs::write(net.dir().join("other.json"), other).unwrap();
    let refused = run(net.dir(), &["submit", "other.json", "--node", &url]);
    let text = String::from_utf8(refused.stderr).unwrap();
    assert_eq!((refused.status.code(), text.contains("signed for another chain")), (Some(65), true), "{text}");
    let unknown = run(
        net.dir(),
        &["sign", "rich", "--to", &to, "--amount", "1", "--network", "dev", "--passphrase-file", "pass"],
    );
    let text = String::from_utf8(unknown.stderr).unwrap();
    assert_eq!((unknown.status.code(), text.contains("give it with --nonce")), (Some(2), true), "{text}");
}

#[test]
fn a_wait_tells_of_a_replaced_block_and_goes_on_until_the_payment_is_confirmed_again() {
    let net = Net::on_request();
    rich(&net, 0);
    let (light, heavy) = (net.node("light"), net.node("heavy"));
    light.start();
    heavy.start().mint(4);
    let url = light.api().url().to_owned();
    let to = net.stranger(0).address().to_string();
    let send = sends(&to, "1", &["2"], &url);
    let mut child = spawn(net.dir(), &send);
    // Its lines are read as they come: the other branch must win after the first block was seen.
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
    let mut told = |part: &str| loop {
        let line = lines.next().unwrap_or_else(|| panic!("it never said '{part}'")).unwrap();
        if line.contains(part) {
            break;
        }
    };
    told("waiting for the next block");
    light.mint(1);
    told("in block 1, 1 of 2 confirmations");
    light.admin().post("/admin/peers/dial", &json!({ "address": heavy.address() })).ok();
    told("block 1 was replaced by another branch");
    light.until(waiting).mint(1);
    told("in block 5, 1 of 2 confirmations");
    light.mint(1);
    let (answer, _) = ended(child);
    assert!(answer.contains("is in block 5, 2 confirmations"), "{answer}");
}

#[test]
fn a_wait_that_takes_too_long_says_how_to_go_on_and_a_silent_node_is_not_the_end_of_it() {
    let (net, node, url) = start();
    let to = net.stranger(0).address().to_string();
    let send = sends(&to, "1", &["--timeout", "0"], &url);
    let output = run(net.dir(), &send);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), text.contains("look again with barreleye tx ")), (Some(75), true), "{text}");
    let id = text.split("barreleye tx ").nth(1).unwrap().split(' ').next().unwrap();
    assert_eq!(run(net.dir(), &["tx", &"0".repeat(64), "--node", &url]).status.code(), Some(66));

    let mut child = spawn(net.dir(), &["tx", id, "--wait", "--node", &url]);
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
    let mut told = |part: &str| loop {
        let line = lines.next().unwrap_or_else(|| panic!("it never said '{part}'")).unwrap();
        if line.contains(part) {
            break;
        }
    };
    told("waiting for the next block");
    node.stop();
    told("the node does not answer");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn nothing_is_sent_without_a_yes_and_no_more_than_there_is() {
    let (net, node, url) = start();
    let to = net.stranger(0).address().to_string();
    let send = |amount: &'static str| {
        [&["send", "rich", "--to", &to, "--passphrase-file", "pass", "--node", &url, "--amount", amount][..]].concat()
    };
    let refused = run(net.dir(), &send("1"));
    let text = String::from_utf8(refused.stderr).unwrap();
    assert_eq!((refused.status.code(), text.contains("add --yes")), (Some(2), true), "{text}");
    let mut terminal = Terminal::run(net.dir(), &send("1.25"));
    terminal.sees("Send 1.25 Barrel to ");
    terminal.sees("998.75 Barrel of 'rich' are left then. [y/N] ");
    terminal.types("no");
    assert_eq!(terminal.ends().1, 2);
    let too_much = run(net.dir(), &[&send("1000.00000001")[..], &["--yes"]].concat());
    let text = String::from_utf8(too_much.stderr).unwrap();
    assert_eq!((too_much.status.code(), text.contains("'rich' has 1000 Barrel")), (Some(65), true), "{text}");
    for bad in ["1,5", "0.000000001", "-1", "1e3"] {
        let output = run(net.dir(), &send(bad));
        assert_eq!(output.status.code(), Some(2), "{bad}: {output:?}");
    }
    assert_eq!(node.status().unwrap()["pool"]["transactions"], 0);
    let mut terminal = Terminal::run(net.dir(), &send("1"));
    terminal.sees("[y/N] ");
    terminal.types("y");
    assert_eq!(terminal.ends().1, 0);
    eventually("it is posted", 10, || waiting(&node));
}

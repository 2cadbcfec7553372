//! Starting where one cannot, and stopping at any moment.

use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use crate::harness::process::{logged, own_address};
use crate::harness::wait::holds;
use crate::harness::{Net, eventually, height, mines};

#[test]
fn s09_a_second_process_on_the_same_directory_says_so_and_ends_with_74() {
    let net = Net::on_request();
    let node = net.node("node");
    node.start();
    let (network, data, here) = (net.file(), node.dir(), own_address());
    let (network, data) = (network.to_str().unwrap(), data.to_str().unwrap());
    let (listen, any) = (format!("/ip4/{here}/tcp/0"), format!("{here}:0"));
    let arguments =
        ["run", "--network", network, "--data-dir", data, "--listen", &listen, "--http", &any, "--admin", &any];
    let output = crate::harness::process::run(net.dir(), &arguments);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(74), "{text}");
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("barreleye: ") && last.contains(data), "it names the directory: {text}");
    node.mint(1).until(height(1));
}

#[test]
fn a_port_that_is_taken_is_named_and_ends_the_start_with_2() {
    let net = Net::on_request();
    let taken = TcpListener::bind((own_address(), 0)).unwrap();
    let taken = taken.local_addr().unwrap();
    for flag in ["--http", "--admin"] {
        let node = net.node(&format!("node{flag}"));
        node.with(&[flag, &taken.to_string()]);
        node.spawn();
        let mut process = node.take_process();
        let (status, _) = process.end(30);
        assert_eq!(status.code(), Some(2), "{flag}");
        logged(&node.log(), &format!("cannot listen on {taken}")).unwrap();
        logged(&node.log(), &format!("choose another address with {flag}")).unwrap();
    }
    let node = net.node("peers");
    let other = net.node("other");
    other.start();
    node.with(&["--listen", &other.address()]).spawn();
    let (status, _) = node.take_process().end(30);
    assert_eq!(status.code(), Some(2));
    logged(&node.log(), &other.address()).unwrap();
    assert!(logged(&node.log(), "explorer and API").is_err(), "nobody is sent to a node that ends at once");
}

#[test]
fn l10_a_pause_of_mining_does_not_delay_the_stop() {
    let net = Net::fast(0);
    let node = net.node("node");
    node.mining();
    for paused in [true, false] {
        node.start().until(mines);
        node.admin().post("/admin/miner/pause", &json!({})).ok();
        if paused {
            node.until(|node| holds(node.state("miner")?.get("Paused").is_some(), || "it mines".into()));
        }
        let mut process = node.take_process();
        process.signal(Signal::TERM);
        let (status, took) = process.end(30);
        assert_eq!(status.code(), Some(0));
        assert!(took <= Duration::from_secs(2), "it took {took:?}");
    }
}

#[test]
fn s11_a_signal_after_any_line_of_a_start_ends_it_cleanly_and_the_next_start_works() {
    let net = Net::fast(0);
    let node = net.node("node");
    node.mining().start().until(height(2)).stop();
    let lines = || fs::read_to_string(node.log()).unwrap_or_default().lines().count();
    // The lines of a whole start, to the last one that each start has.
    let whole = fs::read_to_string(node.log()).unwrap();
    let last = 1 + whole.lines().position(|line| line.contains("explorer and API")).unwrap();
    assert!(last >= 3, "a start tells of its stages: {whole}");
    for number in 1..=last {
        let before = lines();
        node.spawn();
        let mut process = node.take_process();
        // Nothing is waited for between the line and the signal but the look at the log.
        eventually(format!("line {number}"), 30, || holds(lines() >= before + number, || "it starts".into()));
        process.signal(Signal::TERM);
        let (status, took) = process.end(30);
        assert_eq!(status.code(), Some(0), "after line {number} of {last}");
        assert!(took < Duration::from_secs(5), "after line {number} it took {took:?}");
    }
    node.start().until(height(3)).stop();
    assert!(net.verify(&node).contains("all as they must be"));
}

//! The first minute of a stranger: a node without any argument, coins from its faucet, Ctrl-C, and on again.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use ledger::Network;
use rustix::process::Signal;
use tempfile::tempdir;

use crate::harness::process::{Process, command, own_address, tail};
use crate::harness::wait::holds;
use crate::harness::{Api, Wallet, eventually};

/// A bare node's defaults are fixed ports; two of them, or a stranger's, must not meet on this machine.
fn start(dir: &Path) -> (Process, Api) {
    let data = dir.join("barreleye-data");
    drop(fs::remove_file(data.join("http.address")));
    let mut command = command(dir, &[]);
    let here = own_address();
    command.env("BARRELEYE_HTTP", format!("{here}:0")).env("BARRELEYE_ADMIN", format!("{here}:0"));
    command.env("BARRELEYE_LISTEN", format!("/ip4/{here}/tcp/0"));
    let log = dir.join("log");
    let mut process = Process::start(command, &log);
    let api = eventually("it answers", 30, || {
        if let Some(status) = process.ended() {
            panic!("it ended with {status}:\n{}", tail(&log));
        }
        let address = fs::read_to_string(data.join("http.address")).map_err(|error| error.to_string())?;
        let api = Api::new(address.trim(), None);
        api.get("/livez").granted().map(|_| api)
    });
    (process, api)
}

fn last_block(api: &Api) -> Result<(u64, String), String> {
    let block = api.get("/last-block").granted()?["data"]["block"].take();
    Ok((block["height"].as_u64().ok_or("no height")?, block["hash"].as_str().ok_or("no hash")?.into()))
}

fn above(api: &Api, height: u64) -> Result<(), String> {
    let (now, _) = last_block(api)?;
    holds(now > height, || format!("height {now}, wanted more than {height}"))
}

#[test]
fn a_bare_node_has_blocks_within_ten_seconds_pays_from_its_faucet_ends_cleanly_and_goes_on_where_it_was() {
    let dir = tempdir().unwrap();
    let began = Instant::now();
    let (mut process, mut api) = start(dir.path());
    eventually("it has blocks", 10, || above(&api, 1));
    println!("two blocks {:.1?} after the start", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(10));

    let dev = Network::built_in("dev").unwrap();
    assert_eq!(api.get("/v1/status").ok()["chain"], dev.chain.to_string());
    let to = Wallet::new(rand::random(), 0).address();
    let claimed = eventually("the faucet has coins", 10, || api.claim(&to, None).granted());
    let id = claimed["data"]["transaction"]["hash"].as_str().unwrap().to_owned();
    eventually("the claim is paid", 30, || {
        let account = api.get(&format!("/accounts/{to}")).granted()?;
        holds(account["data"]["account"]["balance"] == "05", || account.to_string())
    });
    assert_eq!(api.get(&format!("/txs/{id}")).ok()["data"]["transaction"]["hash"], id.as_str());

    for signal in [Signal::INT, Signal::TERM] {
        let (height, shown) = last_block(&api).unwrap();
        process.stop(signal);
        (process, api) = start(dir.path());
        let there = api.get(&format!("/blocks/{height}")).ok();
        assert_eq!(there["data"]["block"]["hash"], shown.as_str(), "it was shown before {signal:?}");
        assert_eq!(api.get(&format!("/txs/{id}")).ok()["data"]["transaction"]["hash"], id.as_str());
        eventually("it mines on", 30, || above(&api, height));
    }
    process.stop(Signal::TERM);
}

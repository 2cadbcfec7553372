//! `network`: the rules of a node's network, and what signing without a node needs of it.

use std::path::Path;

use client::{Client, NetworkInfo};
use serde_json::json;

use crate::cli::{ClientArgs, WalletDir};
use crate::commands::node;
use crate::commands::offline::{self, Offline, OfflineAccount};
use crate::commands::print::{self, Out};
use crate::failure::Failure;
use crate::private_file;
use crate::wallet::Wallet;

/// Prints the rules in numbers.
pub fn show(args: &ClientArgs, out: Out) -> Result<(), Failure> {
    let network = node::public(args).network()?;
    out.answer(&network, || text(&network))
}

fn text(network: &NetworkInfo) -> String {
    let who = match network.miners.len() {
        _ if network.mint_only => "nobody, blocks come by barreleye mint".into(),
        0 => "everybody".into(),
        some => format!("{some} keys"),
    };
    print::list(&[
        ("network", network.name.clone()),
        ("chain", network.chain.to_string()),
        ("genesis", print::ago(network.genesis_time)),
        ("interval", format!("{} ms between blocks", network.interval_ms)),
        ("reward", format!("{} Barrel for each block", network.reward.0)),
        ("least fee", format!("{} Barrel", network.minimum_fee.0)),
        ("nonces", format!("start at {}", network.nonce_base)),
        ("who may mine", who),
    ])
}

/// Writes the chain and the nonces of `accounts`.
pub fn export(
    accounts: &[String],
    file: Option<&Path>,
    wallet: &WalletDir,
    args: &ClientArgs,
    out: Out,
) -> Result<(), Failure> {
    let (wallet, client) = (Wallet::of(&wallet.data_dir), node::public(args));
    let status = client.status()?;
    let accounts = accounts.iter().map(|account| stand(&wallet, &client, account)).collect::<Result<_, _>>()?;
    let (barreleye_network, network, chain) = (offline::VERSION, status.network, status.chain);
    let offline = Offline { barreleye_network, network, chain, accounts };
    let text = serde_json::to_string_pretty(&offline).map_err(Failure::internal)?;
    let Some(path) = file else { return print::line(text) };
    private_file::create(path, (text + "\n").as_bytes())?;
    out.answer(&json!({ "file": path }), || format!("written to {}", path.display()))
}

fn stand(wallet: &Wallet, client: &Client, account: &str) -> Result<OfflineAccount, Failure> {
    let address = wallet.resolve(account)?;
    let account = client.account(&address)?;
    Ok(OfflineAccount { address, next_nonce: account.next_nonce.to_string(), balance: account.balance.0 })
}

//! `genesis`: making and reading network files.

use std::time::{SystemTime, UNIX_EPOCH};

use ledger::{Network, NetworkSpec, OpeningBalance};
use serde_json::{Value, json};

use crate::cli::GenesisArgs;
use crate::commands::print::Out;
use crate::config;
use crate::failure::Failure;

/// Prints a network file, whose genesis is now.
pub fn new(args: GenesisArgs, out: Out) -> Result<(), Failure> {
    let network = Network::new(spec(args)?).map_err(Failure::usage)?;
    let text = network.spec.to_toml().map_err(Failure::internal)?;
    out.answer(&network_json(&network), || format!("# chain {}\n{}", network.chain, text.trim_end()))
}

fn spec(args: GenesisArgs) -> Result<NetworkSpec, Failure> {
    let mut spec = NetworkSpec::built_in(&args.like).map_err(Failure::usage)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(Failure::usage)?;
    spec.genesis_time_ms = now.as_millis() as u64;
    spec.hints.rendezvous = format!("barreleye-{}", args.name);
    spec.name = args.name;
    if let Some(spacing) = args.spacing {
        // The difficulty keeps following over the same number of blocks.
        spec.response_ms = (spec.response_ms / spec.spacing_ms).saturating_mul(spacing);
        spec.spacing_ms = spacing;
    }
    spec.reward = args.reward.unwrap_or(spec.reward);
    spec.balances = args.balances.iter().map(|text| opening_balance(text)).collect::<Result<_, _>>()?;
    spec.miners = args.miners;
    spec.hints.bootstrap = args.bootstrap.iter().map(ToString::to_string).collect();
    spec.hints.peers_to_mine = args.peers_to_mine.unwrap_or(spec.hints.peers_to_mine);
    Ok(spec)
}

fn opening_balance(text: &str) -> Result<OpeningBalance, Failure> {
    let bad = |why: String| Failure::usage(format!("--balance {text}: {why}; write ADDRESS=BARREL"));
    let (address, amount) = text.split_once('=').ok_or_else(|| bad("there is no =".into()))?;
    Ok(OpeningBalance {
        address: address.parse().map_err(|error| bad(format!("{error}")))?,
        amount: amount.parse().map_err(|error| bad(format!("{error}")))?,
    })
}

/// Prints what a network is.
pub fn show(name: &str, out: Out) -> Result<(), Failure> {
    let network = config::network(name)?;
    let text = network.spec.to_toml().map_err(Failure::internal)?;
    out.answer(&network_json(&network), || {
        format!("# chain      {}\n# nonces     start at {}\n{}", network.chain, network.nonce_base, text.trim_end())
    })
}

fn network_json(network: &Network) -> Value {
    json!({ "chain": network.chain, "nonce_base": network.nonce_base.to_string(), "spec": network.spec })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(name: &str) -> GenesisArgs {
        GenesisArgs {
            name: name.into(),
            like: "main".into(),
            spacing: Some(5_000),
            reward: Some("2.5".parse().unwrap()),
            balances: vec![format!("0x{}=1000", "ab".repeat(20))],
            miners: vec![],
            bootstrap: vec!["/ip4/203.0.113.7/tcp/4100".parse().unwrap()],
            peers_to_mine: None,
        }
    }

    #[test]
    fn a_new_network_file_reads_back_as_the_same_chain() {
        let network = Network::new(spec(args("my-coin")).unwrap()).unwrap();
        let read = Network::new(NetworkSpec::from_toml(&network.spec.to_toml().unwrap()).unwrap()).unwrap();
        assert_eq!(read, network);
        assert_eq!((read.spec.spacing_ms, read.spec.response_ms), (5_000, 300_000));
        assert_ne!(network.chain, Network::built_in("main").unwrap().chain);
    }

    #[test]
    fn a_wrong_opening_balance_says_how_to_write_one() {
        for bad in ["abc", "0x12=1", "=", &format!("{}=-1", "ab".repeat(20))] {
            let error = opening_balance(bad).unwrap_err().to_string();
            assert!(error.ends_with("write ADDRESS=BARREL"), "{error}");
        }
    }
}

//! Conditions on a node.

use super::node::Node;
use super::wait::holds;

/// Its chain has this height.
pub fn height(wanted: u64) -> impl Fn(&Node) -> Result<(), String> {
    move |node| {
        let tip = node.tip()?;
        holds(tip.height >= wanted, || format!("height {} of {wanted}", tip.height))
    }
}

/// At least so many peers passed its handshake.
pub fn peers(wanted: usize) -> impl Fn(&Node) -> Result<(), String> {
    move |node| {
        let status = node.status()?;
        holds(status["peers"].as_u64() >= Some(wanted as u64), || format!("{} peers of {wanted}", status["peers"]))
    }
}

/// Its miner looks for a block.
pub fn mines(node: &Node) -> Result<(), String> {
    let state = node.state("miner")?;
    holds(state.get("Mining").is_some(), || format!("the miner is {state}"))
}

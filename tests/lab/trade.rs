//! Payments while lines are cut.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::harness::wait::holds;
use crate::harness::{Net, Node, Schedule};

/// Between two payments of one wallet.
const PAUSE: Duration = Duration::from_millis(500);
/// What each is, in drops.
pub const DROPS: u64 = 1_000;

/// Pays from a wallet to a stranger again and again at one node, until it is over. Gives the ids.
pub fn trade(net: &Net, node: &Node, wallet: u64, over: &AtomicBool) -> Vec<String> {
    let (from, to, schedule) = (net.wallet(wallet), net.stranger(wallet).address(), Schedule::start());
    let mut ids = Vec::new();
    let mut turn = 0;
    while !over.load(Ordering::Relaxed) {
        let transfer = from.pay(&net.network, to, DROPS, ids.len() as u64);
        let answer = node.api().transfer(&transfer);
        // A node that says it is busy is asked again: the same payment, at the next turn.
        if answer.status != 503 {
            ids.push(answer.ok()["id"].as_str().expect("an id is text").to_owned());
        }
        turn += 1;
        schedule.at(PAUSE * turn);
    }
    ids
}

/// All of a wallet's payments are in the chain of a node.
pub fn arrived(net: &Net, node: &Node, wallet: u64, ids: &[String]) -> Result<(), String> {
    let (got, wanted) = (node.balance(&net.stranger(wallet).address()), ids.len() as u64 * DROPS);
    holds(got == wanted, || format!("{} has {got} of {wanted} from wallet {wallet}", node.name()))?;
    ids.last().map_or(Ok(()), |id| node.confirmed(id).map(drop))
}

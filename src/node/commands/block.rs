//! `block`: a block by height or id, or the newest.

use client::Block;

use crate::cli::BlockArgs;
use crate::commands::node;
use crate::commands::print::{self, Out};
use crate::failure::Failure;

/// Prints the block.
pub fn block(args: &BlockArgs, out: Out) -> Result<(), Failure> {
    let client = node::public(&args.client);
    let name = match &args.block {
        Some(name) if !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric()) => name.clone(),
        Some(name) => return Err(Failure::usage(format!("'{name}' is neither a height nor a block's id"))),
        None => client.status()?.tip.id.to_string(),
    };
    let block = client.block(&name)?;
    out.answer(&block, || text(&block))
}

fn text(block: &Block) -> String {
    let summary = &block.summary;
    let state = match block.in_chain {
        true => format!("in the chain, {} confirmations", block.confirmations),
        false => "not in the chain: another branch has more work".into(),
    };
    let rows = [
        ("block", summary.height.to_string()),
        ("id", summary.id.to_string()),
        ("previous", summary.parent.to_string()),
        ("time", print::ago(summary.time)),
        ("state", state),
        ("miner", summary.miner.to_string()),
        ("reward", format!("{} Barrel and {} Barrel of fees", summary.reward.0, summary.fees.0)),
        ("contains", format!("{} transactions, {} bytes", summary.transactions, summary.bytes)),
    ];
    block.transaction_ids.iter().fold(print::list(&rows), |all, id| format!("{all}\n  {id}"))
}

//! `miner`, `log`, `mint`: steering a running node.

use serde_json::json;

use crate::cli::{AdminArgs, LogArgs, MintArgs};
use crate::commands::node::Operator;
use crate::commands::print::{self, Out};
use crate::failure::Failure;

/// On dev a block takes a tenth of a second; a request may take a minute.
const BLOCKS_PER_REQUEST: u32 = 100;

/// Pauses or resumes the miner.
pub fn miner(args: &AdminArgs, action: &str, out: Out) -> Result<(), Failure> {
    let answer = Operator::of(args)?.post(&format!("/admin/miner/{action}"), &json!({}))?;
    out.answer(&answer, || format!("miner: {}", print::text(&answer, "/miner")))
}

/// Changes what is logged.
pub fn log(args: &LogArgs, out: Out) -> Result<(), Failure> {
    let answer = Operator::of(&args.admin)?.put("/admin/log", &json!({ "filter": args.filter }))?;
    out.answer(&answer, || format!("the node logs by {}", print::text(&answer, "/filter")))
}

/// Makes blocks now, and prints the id of each as it is there.
pub fn mint(args: &MintArgs, out: Out) -> Result<(), Failure> {
    let client = Operator::of(&args.admin)?;
    let mut left = args.blocks;
    let mut all = Vec::new();
    while left > 0 {
        let blocks = left.min(BLOCKS_PER_REQUEST);
        let answer = client.post("/admin/mint", &json!({ "blocks": blocks }))?;
        let ids = answer["blocks"].as_array().cloned().unwrap_or_default();
        match out.is_json() {
            true => all.extend(ids),
            false => ids.iter().filter_map(|id| id.as_str()).try_for_each(print::line)?,
        }
        left -= blocks;
    }
    if out.is_json() { out.answer(&json!({ "blocks": all }), String::new) } else { Ok(()) }
}

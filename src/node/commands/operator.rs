//! `miner`, `log`, `mint`: steering a running node.

use serde_json::json;

use crate::cli::{AdminArgs, LogArgs, MintArgs};
use crate::client::Client;
use crate::commands::print;
use crate::failure::Failure;

/// On dev a block takes a tenth of a second; a request may take a minute.
const BLOCKS_PER_REQUEST: u32 = 100;

/// Pauses or resumes the miner.
pub fn miner(args: &AdminArgs, action: &str) -> Result<(), Failure> {
    let answer = Client::admin(args)?.post(&format!("/admin/miner/{action}"), &json!({}))?.ok()?;
    match args.json {
        true => print::json(&answer),
        false => print::line(format!("miner: {}", print::text(&answer, "/miner"))),
    }
}

/// Changes what is logged.
pub fn log(args: &LogArgs) -> Result<(), Failure> {
    let answer = Client::admin(&args.admin)?.put("/admin/log", &json!({ "filter": args.filter }))?.ok()?;
    match args.admin.json {
        true => print::json(&answer),
        false => print::line(format!("the node logs by {}", print::text(&answer, "/filter"))),
    }
}

/// Makes blocks now, and prints the id of each as it is there.
pub fn mint(args: &MintArgs) -> Result<(), Failure> {
    let client = Client::admin(&args.admin)?;
    let mut left = args.blocks;
    let mut all = Vec::new();
    while left > 0 {
        let blocks = left.min(BLOCKS_PER_REQUEST);
        let answer = client.post("/admin/mint", &json!({ "blocks": blocks }))?.ok()?;
        let ids = answer["blocks"].as_array().cloned().unwrap_or_default();
        match args.admin.json {
            true => all.extend(ids),
            false => ids.iter().filter_map(|id| id.as_str()).try_for_each(print::line)?,
        }
        left -= blocks;
    }
    if args.admin.json { print::json(&json!({ "blocks": all })) } else { Ok(()) }
}

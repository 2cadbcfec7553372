//! `miner`, `log`, `mint`: steering a running node.

use serde_json::json;

use crate::cli::{AdminArgs, LogArgs, MintArgs};
use crate::client::Client;
use crate::commands::print;
use crate::failure::Failure;

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

/// Makes blocks now.
pub fn mint(args: &MintArgs) -> Result<(), Failure> {
    let answer = Client::admin(&args.admin)?.post("/admin/mint", &json!({ "blocks": args.blocks }))?.ok()?;
    if args.admin.json {
        return print::json(&answer);
    }
    let ids = answer["blocks"].as_array().cloned().unwrap_or_default();
    ids.iter().filter_map(|id| id.as_str()).try_for_each(print::line)
}

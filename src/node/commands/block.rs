//! `block`: a block by height or id, or the newest.

use crate::cli::BlockArgs;
use crate::client::Client;
use crate::commands::print;
use crate::failure::Failure;

/// Prints the block.
pub fn block(args: &BlockArgs) -> Result<(), Failure> {
    let path = match &args.block {
        None => "/last-block".into(),
        Some(block) if block.bytes().all(|c| c.is_ascii_hexdigit()) && !block.is_empty() => format!("/blocks/{block}"),
        Some(block) => return Err(Failure::usage(format!("'{block}' is neither a height nor a block's id"))),
    };
    let answer = Client::public(&args.client).get(&path)?.ok()?;
    let block = &answer["data"]["block"];
    if args.client.json {
        return print::json(block);
    }
    let text = |place| print::text(block, place);
    let time_ms = block["timestamp"].as_u64().unwrap_or(0) / 1_000_000;
    print::line(format!("block     {}", text("/height")))?;
    print::line(format!("id        {}", text("/hash")))?;
    print::line(format!("previous  {}", text("/prevBlockHash")))?;
    print::line(format!("time      {}", print::ago(time_ms)))?;
    print::line(format!("miner     0x{}", text("/signer")))?;
    print::line(format!("contains  {} transactions", text("/txCount")))?;
    let ids = block["transactions"].as_array().cloned().unwrap_or_default();
    ids.iter().filter_map(|id| id.as_str()).try_for_each(|id| print::line(format!("  {id}")))
}

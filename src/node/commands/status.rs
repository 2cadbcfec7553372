//! `status`: a short summary of a running node.

use crate::cli::ClientArgs;
use crate::client::Client;
use crate::commands::print;
use crate::failure::Failure;

/// Prints how the node is.
pub fn status(args: &ClientArgs) -> Result<(), Failure> {
    let status = Client::public(args).get("/v1/status")?.ok()?;
    if args.json {
        return print::json(&status);
    }
    let text = |place| print::text(&status, place);
    let time = status.pointer("/tip/time").and_then(serde_json::Value::as_u64).unwrap_or(0);
    print::line(format!("network  {} ({})", text("/network"), text("/chain")))?;
    print::line(format!("tip      block {}, {}  {}", text("/tip/height"), print::ago(time), text("/tip/id")))?;
    print::line(format!("pool     {} transactions, {} bytes", text("/pool/transactions"), text("/pool/bytes")))?;
    print::line(format!("peers    {}", text("/peers")))?;
    let reasons = status.pointer("/reasons").and_then(serde_json::Value::as_array).cloned().unwrap_or_default();
    let reasons: Vec<_> = reasons.iter().filter_map(|reason| reason.as_str()).collect();
    let state = match status["ready"].as_bool() {
        Some(true) => "ready".to_owned(),
        _ => format!("not ready: {}", reasons.join("; ")),
    };
    print::line(format!("state    {state}"))
}

//! `status`: a short summary of a running node.

use serde_json::Value;

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
    let time = status.pointer("/tip/time").and_then(Value::as_u64).unwrap_or(0);
    print::line(format!("network  {} ({})", text("/network"), text("/chain")))?;
    print::line(format!("tip      block {}, {}  {}", text("/tip/height"), print::ago(time), text("/tip/id")))?;
    print::line(format!("pool     {} transactions, {} bytes", text("/pool/transactions"), text("/pool/bytes")))?;
    print::line(format!("peers    {}", text("/peers")))?;
    print::line(format!("sync     {}", sync(&status["sync"])))?;
    let reasons = status.pointer("/reasons").and_then(Value::as_array).cloned().unwrap_or_default();
    let reasons: Vec<_> = reasons.iter().filter_map(|reason| reason.as_str()).collect();
    let state = match status["ready"].as_bool() {
        Some(true) => "ready".to_owned(),
        _ => format!("not ready: {}", reasons.join("; ")),
    };
    print::line(format!("state    {state}"))
}

/// How far the sync is, in words.
fn sync(progress: &Value) -> String {
    let number = |name: &str| progress[name].as_u64().unwrap_or(0);
    let phase = print::text(progress, "/phase");
    if number("total") == 0 {
        return phase;
    }
    let left = match progress["remaining_s"].as_u64() {
        Some(seconds) => format!("{} left", print::span(seconds)),
        None => "nothing moves".to_owned(),
    };
    format!(
        "{phase} {} of {}, {} a second from {} peers, {left}",
        number("done"),
        number("total"),
        number("per_second"),
        number("sources")
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_sync_is_told_with_its_rate_and_what_is_left() {
        let mut progress = json!({
            "phase": "Blocks", "height": 12_000, "target": 50_000, "done": 12_000, "total": 50_000,
            "per_second": 850, "remaining_s": 45, "sources": 3
        });
        assert_eq!(sync(&progress), "Blocks 12000 of 50000, 850 a second from 3 peers, 45 s left");
        progress["remaining_s"] = Value::Null;
        assert!(sync(&progress).ends_with("nothing moves"));
        assert_eq!(sync(&json!({ "phase": "Following", "total": 0 })), "Following");
    }
}

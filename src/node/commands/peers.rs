//! `peers`: the connected peers of a running node.

use crate::cli::AdminArgs;
use crate::commands::node::Operator;
use crate::commands::print::{self, Out};
use crate::failure::Failure;

/// Prints one line for each peer.
pub fn peers(args: &AdminArgs, out: Out) -> Result<(), Failure> {
    let peers = Operator::of(args)?.get("/admin/peers")?;
    out.answer(&peers, || table(&peers))
}

fn table(peers: &serde_json::Value) -> String {
    let list = peers["peers"].as_array().cloned().unwrap_or_default();
    let row = |peer: &serde_json::Value| {
        let direction = if peer["outbound"] == true { "out" } else { "in" };
        let since = peer["since_ms"].as_u64().map_or_else(|| "-".into(), |ms| print::span(ms / 1000));
        let text = |place| print::text(peer, place);
        let ping = peer["ping_ms"].as_u64().map_or_else(|| "-".into(), |ms| format!("{ms} ms"));
        let (height, agent) = (text("/state/Ready/greeting/tip/height"), text("/state/Ready/greeting/agent"));
        vec![
            text("/id"),
            direction.into(),
            print::variant(&peer["state"]),
            height,
            text("/points"),
            ping,
            since,
            agent,
            text("/address"),
        ]
    };
    let rows: Vec<_> = list.iter().map(row).collect();
    print::table(&["peer", "way", "state", "height", "points", "ping", "since", "agent", "address"], &rows)
}

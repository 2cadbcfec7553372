//! `status`: a short summary of a running node.

use client::{Status, SyncState};

use crate::cli::ClientArgs;
use crate::commands::node;
use crate::commands::print::{self, Out};
use crate::failure::Failure;

/// Prints how the node is.
pub fn status(args: &ClientArgs, out: Out) -> Result<(), Failure> {
    let status = node::public(args).status()?;
    out.answer(&status, || text(&status))
}

fn text(status: &Status) -> String {
    let tip = &status.tip;
    let state = if status.ready { "ready".into() } else { format!("not ready: {}", status.reasons.join("; ")) };
    print::list(&[
        ("network", format!("{} ({})", status.network, status.chain)),
        ("tip", format!("block {}, {}  {}", tip.height, print::ago(tip.time), tip.id)),
        ("pool", format!("{} transactions, {} bytes", status.pool.transactions, status.pool.bytes)),
        ("peers", status.peers.to_string()),
        ("sync", sync(&status.sync)),
        ("state", state),
    ])
}

/// How far the sync is, in words.
fn sync(sync: &SyncState) -> String {
    let SyncState { phase, done, total, per_second, remaining_s, sources, .. } = sync;
    if *total == 0 {
        return phase.clone();
    }
    let left = match remaining_s {
        Some(seconds) => format!("{} left", print::span(*seconds)),
        None => "nothing moves".to_owned(),
    };
    format!("{phase} {done} of {total}, {per_second} a second from {sources} peers, {left}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sync_is_told_with_its_rate_and_what_is_left() {
        let mut state = SyncState {
            phase: "Blocks".into(),
            height: 12_000,
            target: 50_000,
            done: 12_000,
            total: 50_000,
            per_second: 850,
            remaining_s: Some(45),
            sources: 3,
        };
        assert_eq!(sync(&state), "Blocks 12000 of 50000, 850 a second from 3 peers, 45 s left");
        state.remaining_s = None;
        assert!(sync(&state).ends_with("nothing moves"));
        assert_eq!(sync(&SyncState { phase: "Following".into(), total: 0, ..state }), "Following");
    }
}

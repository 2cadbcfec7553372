//! A full sync over loopback: one process serves, another starts with nothing. Both share this machine.

use std::error::Error;
use std::fs;
use std::path::Path;

use crate::chain_maker::Made;
use crate::process::{Node, Start};

/// Figures of a sync, from the first block that arrived to the last.
pub struct Figures {
    pub blocks_per_s: f64,
    pub transactions_per_s: f64,
    pub peak_mb: f64,
}

/// Syncs `made` into the empty directory `into`.
pub fn measure(made: &Made, into: &Path) -> Result<Figures, Box<dyn Error>> {
    fs::create_dir_all(into)?;
    let server = Node::start(&made.dir, &made.network_file, &Start::default())?;
    server.until(|node| node.height() == Some(made.height))?;
    let client = Node::start(into, &made.network_file, &Start { peers: vec![server.p2p], ..Start::default() })?;
    let mut first = 0;
    client.until(|node| {
        first = node.height().unwrap_or(0);
        first > 0
    })?;
    let took = client.until(|node| node.height() == Some(made.height))?;
    let part = (made.height - first) as f64 / made.height as f64;
    let seconds = took.as_secs_f64();
    Ok(Figures {
        blocks_per_s: (made.height - first) as f64 / seconds,
        transactions_per_s: made.transactions as f64 * part / seconds,
        peak_mb: client.memory_mb("VmHWM")?,
    })
}

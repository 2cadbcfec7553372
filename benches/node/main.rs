//! Figures of a node, each beside the limit that it is measured against, in one run: `cargo bench --bench node`.
//!
//! Nothing here is a test: it prints what it saw. Figures of a shared machine are noisy; the ratios are worth more.

mod chain_maker;
mod limits;
mod process;
mod sync;

use std::error::Error;

/// Blocks of the chain without transactions.
const EMPTY_BLOCKS: u64 = 20_000;
/// Blocks of the chain with transactions, and transactions in each.
const FULL_BLOCKS: u64 = 100;
const TRANSFERS: usize = 2_000;

fn main() -> Result<(), Box<dyn Error>> {
    let cores = std::thread::available_parallelism()?.get();
    println!("cores                                 {cores}");

    let (raw, searched) = limits::hashes();
    println!("raw double SHA-256, one core          {raw:>12.0} /s");
    println!(
        "hashing, one core                     {searched:>12.0} /s   {:.2} of raw (to reach: 0.90)",
        searched / raw
    );

    let signatures = limits::signatures(cores);
    println!("signature checks, all cores           {signatures:>12.0} /s   the limit of a sync of transfers");

    let dir = tempfile::tempdir()?;
    let empty = chain_maker::make(&dir.path().join("empty"), EMPTY_BLOCKS, 0)?;
    let figures = process::start_up(&empty)?;
    println!("first HTTP answer, {EMPTY_BLOCKS} blocks       {:>12.0} ms   (to reach: 150)", figures.first_answer_ms);
    println!("memory, idle, {EMPTY_BLOCKS} blocks            {:>12.1} MB   (to reach: 50)", figures.idle_mb);

    let blocks = sync::measure(&empty, &dir.path().join("empty-copy"))?;
    println!("sync of empty blocks                  {:>12.0} blocks/s   (to reach: 8000)", blocks.blocks_per_s);

    let full = chain_maker::make(&dir.path().join("full"), FULL_BLOCKS, TRANSFERS)?;
    let transfers = sync::measure(&full, &dir.path().join("full-copy"))?;
    let ratio = transfers.transactions_per_s / signatures;
    println!(
        "sync of transfers                     {:>12.0} tx/s   {ratio:.2} of the signature limit (to reach: 0.60)",
        transfers.transactions_per_s
    );
    println!("memory of the syncing node, at most   {:>12.1} MB", transfers.peak_mb);
    Ok(())
}

//! Figures of a node, each beside the limit that it is measured against, in one run: `cargo bench --bench node`, or only some
//! of them: `cargo bench --bench node -- relay` (`hashing`, `start`, `sync`, `relay`, `api`).
//!
//! Nothing here is a test: it prints what it saw. Figures of a shared machine are noisy; the ratios are worth more.

mod api;
mod chain_maker;
mod limits;
mod process;
mod relay;
mod start;
mod sync;

use std::error::Error;
use std::path::Path;

use self::relay::Spread;

/// Blocks of the chain without transactions.
const EMPTY_BLOCKS: u64 = 20_000;
/// Blocks of the long chain with which a node starts.
const LONG_BLOCKS: u64 = 100_000;
/// Blocks of the chain with transactions, and transactions in each.
const FULL_BLOCKS: u64 = 100;
const TRANSFERS: usize = 2_000;

fn main() -> Result<(), Box<dyn Error>> {
    if api::bare_handler()? {
        return Ok(());
    }
    // Cargo adds `--bench`; anything else names the parts that are wanted.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let is_wanted = |part: &str| wanted.is_empty() || wanted.iter().any(|name| name == part);
    let cores = std::thread::available_parallelism()?.get();
    println!("cores                                 {cores}");
    let dir = tempfile::tempdir()?;
    if is_wanted("hashing") {
        hashing();
    }
    if is_wanted("start") {
        start(dir.path())?;
    }
    if is_wanted("sync") {
        sync(dir.path(), cores)?;
    }
    if is_wanted("relay") {
        relay(dir.path())?;
    }
    if is_wanted("api") {
        api(dir.path())?;
    }
    Ok(())
}

fn hashing() {
    let (raw, searched) = limits::hashes();
    println!("raw double SHA-256, one core          {raw:>12.0} /s");
    println!(
        "hashing, one core                     {searched:>12.0} /s   {:.2} of raw (to reach: 0.90)",
        searched / raw
    );
}

fn start(dir: &Path) -> Result<(), Box<dyn Error>> {
    for (blocks, ms, mb) in [(EMPTY_BLOCKS, 150, 50), (LONG_BLOCKS, 200, 100)] {
        let made = chain_maker::make(&dir.join(format!("start-{blocks}")), blocks, 0)?;
        let start::Figures { stopped, killed } = start::measure(&made)?;
        let file = std::fs::metadata(made.dir.join("chain.redb"))?.len();
        println!("{blocks} blocks, bytes of the file for each {:>9}", file / blocks);
        println!("  first HTTP answer                   {:>12.0} ms   (to reach: {ms})", stopped.first_answer_ms);
        println!("  memory, idle                        {:>12.1} MB   (to reach: {mb})", stopped.idle_mb);
        let ratio = killed.first_answer_ms / stopped.first_answer_ms;
        println!(
            "  first HTTP answer after kill -9     {:>12.0} ms   {ratio:.2} of that (to reach: 2.0)",
            killed.first_answer_ms
        );
        println!("  memory after kill -9                {:>12.1} MB", killed.idle_mb);
    }
    Ok(())
}

fn sync(dir: &Path, cores: usize) -> Result<(), Box<dyn Error>> {
    let signatures = limits::signatures(cores);
    println!("signature checks, all cores           {signatures:>12.0} /s   the limit of a sync of transfers");

    let empty = chain_maker::make(&dir.join("empty"), EMPTY_BLOCKS, 0)?;
    let blocks = sync::measure(&empty, &dir.join("empty-copy"))?;
    println!("sync of empty blocks                  {:>12.0} blocks/s   (to reach: 8000)", blocks.blocks_per_s);

    let full = chain_maker::make(&dir.join("full"), FULL_BLOCKS, TRANSFERS)?;
    let transfers = sync::measure(&full, &dir.join("full-copy"))?;
    let ratio = transfers.transactions_per_s / signatures;
    println!(
        "sync of transfers                     {:>12.0} tx/s   {ratio:.2} of the signature limit (to reach: 0.60)",
        transfers.transactions_per_s
    );
    println!("memory of the syncing node, at most   {:>12.1} MB", transfers.peak_mb);
    Ok(())
}

fn relay(dir: &Path) -> Result<(), Box<dyn Error>> {
    let figures = relay::measure(&dir.join("relay"))?;
    println!("five nodes that hash on one core, blocks of 2000 transactions; milliseconds:");
    println!("                                        p50     p90     p99     most   of");
    print_spread("block, found until another's tip", &figures.blocks);
    print_spread("HTTP, an idle node on that core", &figures.idle_http);
    print_spread("HTTP, one of the five", &figures.busy_http);
    println!("block to another node, p99            {:>12.0} ms   (to reach: 300)", figures.blocks.p99);
    let ratio = figures.busy_http.p99 / figures.idle_http.p99;
    println!("HTTP p99 of one of the five           {ratio:>12.1} of that of the idle one   (to reach: 3.0)");
    Ok(())
}

fn print_spread(what: &str, Spread { count, p50, p90, p99, most }: &Spread) {
    println!("{what:<35} {p50:>8.1}{p90:>8.1}{p99:>8.1}{most:>9.1}   {count}");
}

fn api(dir: &Path) -> Result<(), Box<dyn Error>> {
    let figures = api::measure(&dir.join("api"))?;
    println!("interface of a node that mines, one core; it mined {} blocks meanwhile:", figures.mined);
    println!(
        "                                       bytes   answers/s    p50 ms    p99 ms    bare/s   p99 ms   of bare   asker"
    );
    for row in &figures.rows {
        println!(
            "{:<36} {:>7} {:>11.0} {:>9.2} {:>9.2} {:>9.0} {:>8.2} {:>9.2} {:>7.2}",
            row.what,
            row.bytes,
            row.per_s,
            row.p50_ms,
            row.p99_ms,
            row.bare_per_s,
            row.bare_p99_ms,
            row.per_s / row.bare_per_s,
            row.asker
        );
    }
    println!(
        "to reach: last block and account 0.50 of the bare handler, a list 3000 answers/s. The bare handler could do more"
    );
    println!("where the asker was busy all the time (1.00).");
    println!("one client, p99                       {:>12.2} ms", figures.alone_p99_ms);
    println!("one client beside 256 slow ones, p99  {:>12.2} ms", figures.beside_slow_p99_ms);
    Ok(())
}

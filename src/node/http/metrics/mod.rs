//! `/metrics`: numbers for Prometheus. Everything but what is counted as answers leave is taken when it is asked for, so
//! the numbers are never older than the question.
//!
//! Names follow Prometheus: `barreleye_PART_WHAT_UNIT`, base units, `_total` for what only grows. The alert rules of
//! `deploy/prometheus` and docs/operating.md rest on them.

mod process;
mod sample;

use std::time::{Instant, SystemTime};

use actix_web::HttpResponse;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use ledger::Amount;
use machines::faucet::{ClaimError, Report};
use machines::miner::Reason;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use serde_json::Value;
use store::{StoreError, TableSize};
use tracing::warn;

use self::sample::{Labels, Sample, counter, encode, flag, gauge};
use super::{Shared, State};

/// What OpenMetrics readers expect.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Bounds of how long answers take, in seconds.
const BOUNDS: [f64; 10] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0];

/// Answers as they leave: how many by status, at most one entry for each status that there is, and how long they took.
#[derive(Debug, Clone)]
pub struct Answers {
    by_status: Family<Labels, Counter>,
    took: Histogram,
    started: SystemTime,
}

impl Default for Answers {
    fn default() -> Self {
        Self { by_status: Family::default(), took: Histogram::new(BOUNDS), started: SystemTime::now() }
    }
}

impl Answers {
    fn register(&self, registry: &mut Registry) {
        registry.register("http_responses", "Answers by status", self.by_status.clone());
        registry.register("http_response_duration_seconds", "Time until an answer began", self.took.clone());
    }
}

/// Counts an answer.
pub async fn count<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let (state, began) = (request.app_data::<Shared>().cloned(), Instant::now());
    let result = next.call(request).await;
    let status = match &result {
        Ok(response) => response.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    if let Some(state) = state {
        state.answers.by_status.get_or_create(&vec![("status".into(), status.as_str().into())]).inc();
        state.answers.took.observe(began.elapsed().as_secs_f64());
    }
    result
}

/// The page.
pub async fn page(state: Shared) -> HttpResponse {
    let (actors, health) = (state.node.actors().await, state.node.health());
    let mut samples = chain(&state);
    samples.push(flag("node_live", "Whether every vital part answers", health.live));
    samples.push(flag("node_ready", "Whether the node can be relied on", health.ready));
    samples.extend(sync(&state));
    samples.extend(actors.iter().flat_map(actor));
    if let Ok(report) = state.node.faucet_report().await {
        samples.extend(faucet(&report));
    }
    samples.extend(process::samples(state.answers.started));
    samples.extend(process::disk(&state.data_dir));
    match stored(&state) {
        Ok(stored) => samples.extend(stored),
        Err(error) => warn!(%error, "the page of metrics lacks what the database holds"),
    }
    match encode(&samples, &state.answers) {
        Ok(page) => HttpResponse::Ok().content_type(CONTENT_TYPE).body(page),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

fn chain(state: &State) -> Vec<Sample> {
    let (pool, tip) = (state.node.pool(), state.node.tip());
    let spacing = state.node.network().spec.spacing_ms as f64 / 1_000.0;
    vec![
        gauge("pool_transactions", "Transactions that wait", pool.len() as f64),
        gauge("pool_bytes", "Their size", pool.bytes() as f64),
        gauge("chain_height", "Height of the tip", tip.height as f64),
        gauge("chain_tip_timestamp_seconds", "Unix time in the tip's header", tip.time as f64 / 1_000.0),
        gauge("chain_work_hashes", "Expected hashes behind the tip", tip.work.to_f64()),
        gauge("chain_block_interval_seconds", "Intended time between two blocks", spacing),
    ]
}

/// What the database holds. What its tables take in bytes is not known without a walk through all of it, which grows with
/// the chain: `chain tables` is for that.
fn stored(state: &State) -> Result<Vec<Sample>, StoreError> {
    let reader = state.node.reader();
    let count = reader.snapshot()?.transaction_count()?;
    let rows = |table: TableSize| {
        gauge("store_table_rows", "Rows of a table of the database", table.rows as f64).with("table", table.name)
    };
    let mut samples: Vec<_> = reader.tables()?.into_iter().map(rows).collect();
    samples.push(gauge("chain_transactions", "Transactions in the chain", count as f64));
    Ok(samples)
}

fn sync(state: &State) -> Vec<Sample> {
    let sync = state.node.progress();
    let behind = sync.target.saturating_sub(sync.height);
    vec![
        flag("sync_active", "Whether headers or blocks are being fetched", sync.total > 0),
        gauge("sync_fetched", "Headers or blocks of this sync that are here", sync.done as f64),
        gauge("sync_wanted", "Headers or blocks that this sync is to fetch; 0 without one", sync.total as f64),
        gauge("sync_behind_blocks", "Blocks that peers have and this node has not", behind as f64),
        gauge("sync_sources", "Peers that are asked now", sync.sources as f64),
    ]
}

/// Mailbox and counters of an actor, as its report has them, and what is particular to it.
fn actor(actor: &Value) -> Vec<Sample> {
    let name = actor["name"].as_str().unwrap_or_default();
    let number = |place: &str| actor.pointer(place).and_then(Value::as_f64).unwrap_or(0.0);
    let mut samples = vec![
        gauge("mailbox_messages", "Mail that waits", number("/mailbox/queued")).with("actor", name),
        gauge("mailbox_capacity_messages", "Mail that may wait", number("/mailbox/capacity")).with("actor", name),
    ];
    for (field, name_of, help) in [
        ("handled", "mailbox_handled_messages", "Mail that was handled"),
        ("dropped", "mailbox_dropped_messages", "Mail that found no room"),
    ] {
        for (kind, count) in actor[field].as_object().into_iter().flatten() {
            let sample = counter(name_of, help, count.as_f64().unwrap_or(0.0));
            samples.push(sample.with("actor", name).with("message", kind.as_str()));
        }
    }
    match name {
        "chain" => samples.extend([
            counter("chain_reorganisations", "Reorganisations since the start", number("/figures/reorganisations")),
            counter(
                "chain_deep_reorganisations",
                "Those that took back more than six blocks",
                number("/figures/deep_reorganisations"),
            ),
            gauge(
                "chain_deepest_reorganisation_blocks",
                "Blocks that the deepest one took back",
                number("/figures/deepest_reorganisation"),
            ),
            gauge("chain_orphan_blocks", "Blocks whose parent is unknown", number("/figures/orphans")),
        ]),
        "discovery" => {
            let peers = |direction: &str| {
                let count = number(&format!("/figures/{direction}"));
                gauge("peers", "Peers that passed the handshake", count).with("direction", direction)
            };
            samples.extend(["inbound", "outbound", "feeler"].map(peers));
            samples.push(gauge("peers_known", "Peers in the peer database", number("/figures/known")));
            samples.push(gauge("peers_banned", "Peers that are refused", number("/figures/banned")));
        }
        "miner" => samples.extend(mining(&actor["state"], number("/figures/found"))),
        _ => {}
    }
    samples
}

fn mining(state: &Value, found: f64) -> Vec<Sample> {
    let rate = state.pointer("/Mining/hash_rate").and_then(Value::as_f64).unwrap_or(0.0);
    let named = |reason: &Value, name: &str| reason == name || reason.get(name).is_some();
    let paused = |name: &str| {
        let reasons = state.pointer("/Paused/reasons").and_then(Value::as_array);
        reasons.is_some_and(|reasons| reasons.iter().any(|reason| named(reason, name)))
    };
    let mut samples = vec![
        flag("mining_active", "Whether this node hashes", state.get("Mining").is_some()),
        gauge("mining_hashes_per_second", "Its hash rate, of late", rate),
        counter("mining_blocks_found", "Blocks found since the start", found),
    ];
    let pause = |name: &&str| flag("mining_paused", "Whether this holds mining up", paused(name)).with("reason", *name);
    samples.extend(Reason::NAMES.iter().map(pause));
    samples
}

/// The faucet as its report has it; nothing of one that is off.
fn faucet(report: &Report) -> Vec<Sample> {
    if report.view.state == "off" {
        return Vec::new();
    }
    let barrels = |drops: u64| drops as f64 / Amount::BARREL.as_drops() as f64;
    let (view, totals) = (&report.view, &report.totals);
    let mut samples = vec![
        flag("faucet_open", "Whether the faucet pays", view.state == "open"),
        gauge("faucet_budget_left_barrels", "Barrel that the faucet may pay now", barrels(view.level.left)),
        gauge("faucet_budget_capacity_barrels", "Barrel that it may pay in an hour", barrels(view.level.capacity)),
        gauge("faucet_funds_barrels", "Barrel of its account", barrels(report.funds.as_drops())),
        flag("faucet_funds_low", "Whether that is too little", report.low),
        gauge(
            "faucet_amount_barrels",
            "Barrel that a new client gets now",
            barrels(view.price.map_or(0, |price| price.amount)),
        ),
        gauge(
            "faucet_work_bits",
            "Work that a new client does now",
            f64::from(view.price.map_or(0, |price| price.bits)),
        ),
        gauge("faucet_waiting_payouts", "Payouts that are in no block", view.waiting as f64),
        gauge("faucet_collectors", "Collectors that were found", report.flags.len() as f64),
        gauge("faucet_refused_ranges", "Address ranges that are refused", report.refused_count as f64),
        counter("faucet_claims", "Claims that were reserved, over all time", totals.claims as f64),
        counter("faucet_paid_barrels", "Barrel that were paid, over all time", barrels(totals.paid.as_drops())),
    ];
    samples.extend(ClaimError::REASONS.iter().map(|reason| {
        let count = report.refusals.get(reason).copied().unwrap_or(0);
        counter("faucet_refusals", "Claims refused since the start", count as f64).with("reason", *reason)
    }));
    samples
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_actors_report_becomes_gauges_and_counters() {
        let report = json!({
            "name": "chain",
            "mailbox": {"queued": 3, "capacity": 64},
            "handled": {"Tick": 7, "Block": 2},
            "dropped": {},
            "figures": {"reorganisations": 4, "deep_reorganisations": 1, "deepest_reorganisation": 9},
        });
        let page = encode(&actor(&report), &Answers::default()).unwrap();
        for line in [
            "barreleye_mailbox_messages{actor=\"chain\"} 3.0",
            "barreleye_mailbox_handled_messages_total{actor=\"chain\",message=\"Tick\"} 7.0",
            "barreleye_chain_deep_reorganisations_total 1.0",
            "barreleye_chain_deepest_reorganisation_blocks 9.0",
        ] {
            let found = page.lines().any(|have| have.replace("{}", "") == line);
            assert!(found, "{line} is not in {page}");
        }
        assert!(page.ends_with("# EOF\n"), "{page}");
    }

    #[test]
    fn a_miner_that_is_paused_says_by_what() {
        let state =
            json!({"Paused": {"reasons": ["NoPeers", "DiskFull", {"Serving": {"peer": "x", "until": 1}}], "since": 0}});
        let on = |samples: Vec<Sample>| -> Vec<String> {
            let yes = samples.into_iter().filter(|sample| sample.value == sample::Number::Gauge(1.0));
            yes.map(|sample| sample.labels.first().map_or(sample.name, |(_, value)| value).to_owned()).collect()
        };
        assert_eq!(on(mining(&state, 0.0)), ["NoPeers", "DiskFull", "Serving"]);
        assert_eq!(on(mining(&json!({"Mining": {"hash_rate": 5}}), 0.0)), ["mining_active"]);
    }

    #[test]
    fn names_follow_the_rules_of_prometheus() {
        let report = |name: &str| json!({"name": name, "handled": {"Tick": 1}, "dropped": {"Tick": 1}, "state": {}});
        let mut samples: Vec<_> =
            ["chain", "discovery", "miner"].iter().flat_map(|name| actor(&report(name))).collect();
        samples.extend(process::samples(SystemTime::now()));
        for Sample { name, help, .. } in samples {
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
            assert!(!name.ends_with("_total") && !name.starts_with("barreleye_"), "{name}: the page adds that");
            assert!(!["_ms", "_kib", "_percent"].iter().any(|unit| name.ends_with(unit)), "{name}: base units");
            assert!(!help.is_empty() && !help.ends_with('.'), "{name}: {help}");
        }
    }
}

//! `/metrics`: numbers for Prometheus. Everything but the counts of answers is taken when it is asked for, so the
//! numbers are never older than the question.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64};

use actix_web::HttpResponse;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use ledger::{Amount, ChainSource};
use machines::faucet::{ClaimError, Report};
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use serde_json::Value;

use super::{Shared, State};

/// What OpenMetrics readers expect.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels = Vec<(String, String)>;

/// A number of the page.
#[derive(Debug, Clone, PartialEq)]
struct Sample {
    name: &'static str,
    help: &'static str,
    labels: Labels,
    value: Number,
}

/// Whether a number only grows.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Number {
    Counter(u64),
    Gauge(f64),
}

/// Answers by status, counted as they leave. At most one entry for each status that there is.
#[derive(Debug, Clone, Default)]
pub struct Answers(Family<Labels, Counter>);

/// Counts an answer.
pub async fn count<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let state = request.app_data::<Shared>().cloned();
    let result = next.call(request).await;
    let status = match &result {
        Ok(response) => response.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    if let Some(state) = state {
        state.answers.0.get_or_create(&vec![("status".into(), status.as_str().into())]).inc();
    }
    result
}

/// The page.
pub async fn page(state: Shared) -> HttpResponse {
    let (actors, health) = (state.node.actors().await, state.node.health().await);
    let mut samples = chain_samples(&state);
    samples.push(gauge("peers", "Peers that passed the handshake", state.node.peer_count() as f64));
    let sync = state.node.progress();
    samples.push(gauge("sync_done", "Headers or blocks of this sync that are here", sync.done as f64));
    samples.push(gauge("sync_total", "Headers or blocks that this sync is to fetch; 0 without one", sync.total as f64));
    samples.push(gauge("live", "Whether every vital part answers", f64::from(u8::from(health.live))));
    samples.push(gauge("ready", "Whether the node can be relied on", f64::from(u8::from(health.ready))));
    samples.extend(actors.iter().flat_map(actor_samples));
    if let Ok(report) = state.node.faucet_report().await {
        samples.extend(faucet_samples(&report));
    }
    match encode(&samples, &state.answers) {
        Ok(page) => HttpResponse::Ok().content_type(CONTENT_TYPE).body(page),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

fn chain_samples(state: &State) -> Vec<Sample> {
    let pool = state.node.pool();
    let mut samples = vec![
        gauge("pool_transactions", "Transactions that wait", pool.len() as f64),
        gauge("pool_bytes", "Their size", pool.bytes() as f64),
    ];
    if let Ok(snapshot) = state.node.reader().snapshot() {
        if let Ok(tip) = snapshot.tip() {
            samples.push(gauge("tip_height", "Height of the tip", tip.height as f64));
            samples.push(gauge("tip_time_seconds", "Unix time in the tip's header", tip.time as f64 / 1000.0));
            samples.push(gauge("tip_work", "Expected hashes behind the tip", tip.work.to_f64()));
        }
        if let Ok(count) = snapshot.transaction_count() {
            samples.push(gauge("chain_transactions", "Transactions in the chain", count as f64));
        }
    }
    samples
}

/// Mailbox and counters of an actor, as its report has them.
fn actor_samples(actor: &Value) -> Vec<Sample> {
    let name = actor["name"].as_str().unwrap_or_default().to_owned();
    let labels = || vec![("actor".to_owned(), name.clone())];
    let number = |place| actor.pointer(place).and_then(Value::as_f64).unwrap_or(0.0);
    let mut samples = vec![
        Sample { labels: labels(), ..gauge("mailbox_queued", "Mail that waits", number("/mailbox/queued")) },
        Sample { labels: labels(), ..gauge("mailbox_capacity", "Mail that may wait", number("/mailbox/capacity")) },
    ];
    for (field, name, help) in
        [("handled", "mail_handled", "Mail that was handled"), ("dropped", "mail_dropped", "Mail that found no room")]
    {
        for (kind, count) in actor[field].as_object().into_iter().flatten() {
            let labels = labels().into_iter().chain([("message".to_owned(), kind.clone())]).collect();
            let value = Number::Counter(count.as_u64().unwrap_or(0));
            samples.push(Sample { name, help, labels, value });
        }
    }
    samples
}

/// The faucet as its report has it; nothing of one that is off.
fn faucet_samples(report: &Report) -> Vec<Sample> {
    if report.view.state == "off" {
        return Vec::new();
    }
    let barrels = |drops: u64| drops as f64 / Amount::BARREL.as_drops() as f64;
    let (view, totals) = (&report.view, &report.totals);
    let counter = |name, help, value| Sample { value: Number::Counter(value), ..gauge(name, help, 0.0) };
    let mut samples = vec![
        gauge("faucet_open", "Whether the faucet pays", f64::from(u8::from(view.state == "open"))),
        gauge("faucet_budget_left", "Barrel that the faucet may pay now", barrels(view.level.left)),
        gauge("faucet_budget_capacity", "Barrel that it may pay in an hour", barrels(view.level.capacity)),
        gauge("faucet_funds", "Barrel of its account", barrels(report.funds.as_drops())),
        gauge("faucet_funds_low", "Whether that is too little", f64::from(u8::from(report.low))),
        gauge(
            "faucet_amount",
            "Barrel that a new client gets now",
            barrels(view.price.map_or(0, |price| price.amount)),
        ),
        gauge(
            "faucet_work_bits",
            "Work that a new client does now",
            f64::from(view.price.map_or(0, |price| price.bits)),
        ),
        gauge("faucet_waiting", "Payouts that are in no block", view.waiting as f64),
        gauge("faucet_collectors", "Collectors that were found", report.flags.len() as f64),
        gauge("faucet_refused_ranges", "Address ranges that are refused", report.refused_count as f64),
        counter("faucet_claims", "Claims that were reserved, over all time", totals.claims),
        gauge("faucet_paid", "Barrel that were paid, over all time", barrels(totals.paid.as_drops())),
    ];
    samples.extend(ClaimError::REASONS.iter().map(|reason| Sample {
        labels: vec![("reason".into(), (*reason).into())],
        ..counter(
            "faucet_refusals",
            "Claims refused since the start",
            report.refusals.get(reason).copied().unwrap_or(0),
        )
    }));
    samples
}

fn gauge(name: &'static str, help: &'static str, value: f64) -> Sample {
    Sample { name, help, labels: Vec::new(), value: Number::Gauge(value) }
}

fn encode(samples: &[Sample], answers: &Answers) -> Result<String, std::fmt::Error> {
    let mut registry = Registry::with_prefix("barreleye");
    registry.register("http_answers", "Answers by status", answers.0.clone());
    let mut by_name: BTreeMap<&str, Vec<&Sample>> = BTreeMap::new();
    for sample in samples {
        by_name.entry(sample.name).or_default().push(sample);
    }
    for (name, samples) in by_name {
        let counters: Family<Labels, Counter<u64, AtomicU64>> = Family::default();
        let gauges: Family<Labels, Gauge<f64, AtomicU64>> = Family::default();
        let mut counts = false;
        for sample in &samples {
            match sample.value {
                Number::Counter(value) => {
                    counts = true;
                    counters.get_or_create(&sample.labels).inc_by(value);
                }
                Number::Gauge(value) => {
                    gauges.get_or_create(&sample.labels).set(value);
                }
            }
        }
        let help = samples.first().map_or("", |sample| sample.help);
        if counts { registry.register(name, help, counters) } else { registry.register(name, help, gauges) }
    }
    let version: Gauge<i64, AtomicI64> = Gauge::default();
    version.set(1);
    let build = registry.sub_registry_with_label(("version".into(), env!("CARGO_PKG_VERSION").into()));
    build.register("build", "The running version", version);
    let mut page = String::new();
    text::encode(&mut page, &registry)?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actors_report_becomes_gauges_and_counters() {
        let report = serde_json::json!({
            "name": "chain",
            "mailbox": {"queued": 3, "capacity": 64},
            "handled": {"Tick": 7, "Block": 2},
            "dropped": {},
        });
        let page = encode(&actor_samples(&report), &Answers::default()).unwrap();
        assert!(page.contains("barreleye_mailbox_queued{actor=\"chain\"} 3"), "{page}");
        assert!(page.contains("barreleye_mail_handled_total{actor=\"chain\",message=\"Tick\"} 7"), "{page}");
        assert!(page.ends_with("# EOF\n"), "{page}");
    }
}

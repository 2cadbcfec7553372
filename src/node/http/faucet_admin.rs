//! The faucet for its operator: all of it, and the switches.

use actix_web::HttpResponse;
use actix_web::web::{self, Json, ServiceConfig};
use client::{Drops, FaucetCollector, FaucetRange, FaucetReport};
use machines::faucet::{Entry, Order, Report, Why};
use serde::Deserialize;
use serde_json::json;

use super::admin::read;
use super::body::Received;
use super::problem::{Answer, Problem};
use super::{Shared, faucet};

/// The paths below `/admin`.
pub fn routes(app: &mut ServiceConfig) {
    app.route("/faucet", web::get().to(report))
        .route("/faucet/pause", web::post().to(|state: Shared| order(state, Order::Pause)))
        .route("/faucet/resume", web::post().to(|state: Shared| order(state, Order::Resume)))
        .route("/faucet/amount", web::put().to(amount))
        .route("/faucet/allow", web::post().to(|state: Shared, body: Received| listed(state, body, Order::Allow)))
        .route("/faucet/deny", web::post().to(|state: Shared, body: Received| listed(state, body, Order::Deny)))
        .route("/faucet/forget", web::post().to(|state: Shared, body: Received| listed(state, body, Order::Forget)))
        .route("/faucet/pardon", web::post().to(|state: Shared, body: Received| listed(state, body, Order::Pardon)));
}

async fn report(state: Shared) -> Answer<FaucetReport> {
    Ok(Json(shown(state.node.faucet_report().await?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AmountBody {
    amount: Option<Drops>,
}

async fn amount(state: Shared, body: Received) -> Result<HttpResponse, Problem> {
    let body: AmountBody = read(body, "{\"amount\": \"500000000\"} or null for the configured one")?;
    order(state, Order::Amount(body.amount.map(|drops| drops.0))).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryBody {
    entry: String,
}

async fn listed(state: Shared, body: Received, say: fn(Entry) -> Order) -> Result<HttpResponse, Problem> {
    let body: EntryBody = read(body, "{\"entry\": \"0x…\"} or {\"entry\": \"192.0.2.0/24\"}")?;
    order(state, say(body.entry.parse().map_err(Problem::malformed)?)).await
}

async fn order(state: Shared, order: Order) -> Result<HttpResponse, Problem> {
    state.node.order_faucet(order).await?;
    Ok(HttpResponse::Ok().json(json!({ "done": true })))
}

fn shown(report: Report) -> FaucetReport {
    let collectors = report.flags.into_iter().map(|(account, flag)| FaucetCollector {
        account,
        why: match flag.why {
            Why::FewRanges => "few_ranges".into(),
            Why::ManyAccounts => "many_accounts".into(),
        },
        accounts: flag.accounts,
        ranges: flag.ranges,
        others: flag.others,
        found: flag.at,
    });
    let ranges = report.refused.into_iter().map(|(range, refused)| FaucetRange {
        range: range.to_string(),
        collector: refused.collector,
        until: refused.until,
    });
    let texts = |entries: &std::collections::BTreeSet<Entry>| entries.iter().map(Entry::to_string).collect();
    FaucetReport {
        status: faucet::status(report.view),
        funds: report.funds.into(),
        most_funds: report.totals.most_funds.into(),
        low: report.low,
        claims: report.totals.claims,
        paid: report.totals.paid.into(),
        refusals: report.refusals.into_iter().map(|(reason, count)| (reason.to_owned(), count)).collect(),
        allowed: texts(&report.switches.allowed),
        denied: texts(&report.switches.denied),
        amount: report.switches.amount.map(Drops::from),
        collectors: collectors.collect(),
        refused_ranges: ranges.collect(),
        refused_range_count: report.refused_count,
        traced_accounts: report.traces,
    }
}

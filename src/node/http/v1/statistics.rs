//! `/v1/statistics`: numbers of the last blocks, for charts.

use actix_web::web::Query;
use actix_web::{HttpRequest, HttpResponse, get};
use client::Statistics;
use serde::Deserialize;
use utoipa::IntoParams;

use super::view::difficulty;
use super::{Problem, Problems, Shared, name, page};

/// Blocks of the longest chart.
const MAX_BLOCKS: u64 = 2_016;
/// Blocks of a chart that names no length.
const BLOCKS: u64 = 144;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct StatisticsQuery {
    /// How many, 1 to 2016; other numbers are moved there.
    blocks: Option<u64>,
}

/// Numbers of the last mined blocks, lowest first.
#[utoipa::path(
    tag = "network",
    params(StatisticsQuery),
    responses((status = 200, body = Statistics, description = "one entry for each block"), Problems)
)]
#[get("/v1/statistics")]
pub async fn get_statistics(
    state: Shared,
    request: HttpRequest,
    query: Query<StatisticsQuery>,
) -> Result<HttpResponse, Problem> {
    page(&state, name(&request), || {
        let wanted = query.blocks.unwrap_or(BLOCKS).clamp(1, MAX_BLOCKS) as usize;
        // One more: the first block's interval begins at the one before.
        let mut headers = state.node.reader().snapshot()?.headers_below(u64::MAX, wanted + 1)?;
        headers.reverse();
        let mut headers: Vec<_> = headers.into_iter().map(|(_, stored)| stored).collect();
        // Nobody mined the genesis block: its time is the network's, long before its first node started.
        headers.retain(|stored| stored.header.height > 0);
        let before = if headers.len() > wanted { 1 } else { 0 };
        let shown = &headers[before..];
        let mut previous = headers.first().map_or(0, |first| first.header.time);
        let interval = |time: u64| {
            let interval = time as i64 - previous as i64;
            previous = time;
            interval
        };
        let intervals: Vec<i64> = shown.iter().map(|stored| stored.header.time).map(interval).collect();
        let (mut seconds, mut work, mut transactions) = (0.0, 0.0, 0);
        if let (Some(first), Some(last)) = (headers.first(), headers.last()) {
            seconds = last.header.time.saturating_sub(first.header.time) as f64 / 1000.0;
            work = last.work.to_f64() - first.work.to_f64();
            transactions = headers[1..].iter().map(|stored| u64::from(stored.transactions)).sum();
        }
        let rate = |sum: f64| if seconds > 0.0 { sum / seconds } else { 0.0 };
        Ok(Statistics {
            height: shown.iter().map(|stored| stored.header.height).collect(),
            time: shown.iter().map(|stored| stored.header.time).collect(),
            interval_ms: intervals,
            difficulty: shown.iter().map(difficulty).collect(),
            transactions: shown.iter().map(|stored| stored.transactions).collect(),
            hash_rate: rate(work),
            transaction_rate: rate(transactions as f64),
            mean_interval_ms: seconds * 1000.0 / headers.len().saturating_sub(1).max(1) as f64,
            intended_interval_ms: state.node.network().spec.spacing_ms,
        })
    })
}

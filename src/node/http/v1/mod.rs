//! The native interface: exact amounts as decimal strings in drops, errors as `application/problem+json`.
//!
//! Every answer is a type of crate `client`. A route is named once, at its handler; the router and the OpenAPI document
//! both take it from there.
//!
//! | file | noun |
//! |---|---|
//! | `status`, `network`, `peers`, `statistics` | the node and its network |
//! | `blocks`, `transactions`, `accounts`, `csv`, `proof`, `search` | what is in the chain |
//! | `pool` | what waits, why, and what fees it takes |
//! | `submit` | handing in transfers |
//! | `view` | what is stored, as it is shown |

mod accounts;
mod blocks;
mod csv;
mod network;
mod peers;
mod pool;
mod proof;
mod search;
mod statistics;
mod status;
mod submit;
mod transactions;
mod view;

pub use pool::Outlooks;
pub use status::{pool_size, tip_info};
pub use view::{Facts, difficulty, sender};

use actix_web::HttpResponse;
use actix_web::web::Bytes;
use serde::Serialize;

use super::at_tip::name;
use super::problem::{Answer, Problem, Problems};
use super::{Routes, Shared, State};

/// Entries of a page that names no size.
const PAGE: u64 = 20;
/// Entries of the largest page.
const MAX_PAGE: u64 = 100;

/// The paths under `/v1`.
pub fn routes(app: &mut Routes) {
    app.service(status::get_status)
        .service(network::get_network)
        .service(network::get_supply)
        .service(blocks::list_blocks)
        .service(blocks::get_block)
        .service(blocks::list_block_transactions)
        .service(blocks::list_headers)
        .service(transactions::list_transactions)
        .service(transactions::get_transaction)
        .service(submit::submit)
        .service(submit::submit_batch)
        .service(accounts::get_account)
        .service(accounts::list_account_transactions)
        .service(statistics::get_statistics)
        .service(search::search)
        .service(proof::get_proof)
        .service(csv::export_account)
        .service(pool::get_pool)
        .service(pool::get_fees)
        .service(pool::get_waiting)
        .service(peers::get_peers);
}

/// How many entries a page has that was asked for with `limit`.
fn clamp(limit: Option<u64>) -> usize {
    limit.unwrap_or(PAGE).clamp(1, MAX_PAGE) as usize
}

/// An answer that holds as long as the tip does, from those that are kept if it was made before.
fn page<T: Serialize>(
    state: &State,
    name: &str,
    make: impl FnOnce() -> Result<T, Problem>,
) -> Result<HttpResponse, Problem> {
    let render = || {
        let text = serde_json::to_vec(&make()?);
        text.map(Bytes::from).map_err(|error| Problem::new(500, "/problems/internal", "Internal fault", error))
    };
    let body = state.pages.get(state.node.tip().id, name, render)?;
    Ok(HttpResponse::Ok().content_type("application/json").body(body))
}

//! The HTTP interface: a public listener for wallets and people, an admin listener for the operator.
//!
//! Reads take a snapshot and wait for nobody; whatever changes something goes to the actors.

mod admin;
mod body;
mod client_address;
mod compat;
mod compat_json;
mod compat_transfer;
mod explorer;
mod health;
mod limits;
mod metrics;
mod reply;
mod server;
#[cfg(test)]
mod tests;
mod v1;

pub use server::{Http, HttpError, Settings, bind};

use std::sync::Arc;

use ipnet::IpNet;

use crate::node_api::NodeApi;

/// What every handler sees.
pub struct State {
    /// The node.
    node: Arc<dyn NodeApi>,
    /// Proxies whose word about the client's address counts.
    trusted_proxies: Vec<IpNet>,
    /// Answers so far.
    answers: metrics::Answers,
}

/// [`State`] as actix-web hands it out.
type Shared = actix_web::web::Data<State>;

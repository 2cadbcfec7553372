//! The HTTP interface: a public listener for wallets and people, an admin listener for the operator.
//!
//! Reads take a snapshot and wait for nobody; whatever changes something goes to the actors.

mod admin;
mod assets;
mod at_tip;
mod body;
mod chain_admin;
mod client_address;
mod compat;
mod compat_json;
mod compat_transfer;
mod descriptors;
mod events;
mod faucet;
mod faucet_admin;
mod health;
mod limits;
mod line;
mod metrics;
mod openapi;
mod problem;
mod reference;
mod reply;
mod server;
#[cfg(test)]
mod tests;
mod v1;
mod visitors;

pub use chain_admin::{EXPORT_HEIGHT, EXPORT_PATH, TABLES_PATH};
pub use server::{Http, HttpError, Settings, bind};

use std::path::PathBuf;
use std::sync::Arc;

use ipnet::IpNet;
use ledger::{Account, AccountSource, Address, ViewError};
use store::StoreError;

use crate::node_api::NodeApi;

/// What every handler sees.
pub struct State {
    /// The node.
    node: Arc<dyn NodeApi>,
    /// Proxies whose word about the client's address counts.
    trusted_proxies: Vec<IpNet>,
    /// Where the database is, for the room on its disk.
    data_dir: PathBuf,
    /// Answers so far.
    answers: metrics::Answers,
    /// Answers that hold as long as the tip does.
    pages: at_tip::Pages,
    /// Accounts at the tip.
    accounts: at_tip::Accounts,
    /// What blocks say only when they are read whole.
    facts: v1::Facts,
    /// What the next blocks will probably hold.
    outlooks: v1::Outlooks,
    /// Streams of what happens.
    events: events::Events,
    /// Copies of the whole chain.
    exports: chain_admin::Exports,
    /// What this interface is.
    document: openapi::Document,
}

impl State {
    fn new(node: Arc<dyn NodeApi>, trusted_proxies: Vec<IpNet>, data_dir: PathBuf) -> Self {
        Self {
            node,
            events: events::Events::new(trusted_proxies.clone()),
            trusted_proxies,
            data_dir,
            answers: Default::default(),
            pages: at_tip::Pages::pages(),
            accounts: at_tip::Accounts::accounts(),
            facts: Default::default(),
            outlooks: Default::default(),
            exports: Default::default(),
            document: openapi::Document::new(),
        }
    }

    /// An account at the tip.
    fn account<E: From<StoreError> + From<ViewError>>(&self, address: &Address) -> Result<Option<Account>, E> {
        let tip = self.node.tip().id;
        self.accounts.get(tip, address, || Ok(self.node.reader().snapshot()?.account(address)?))
    }
}

/// Where handlers are registered: for the router and the OpenAPI document at once.
pub(crate) type Routes<'s> = utoipa_actix_web::service_config::ServiceConfig<'s>;

/// [`State`] as actix-web hands it out.
type Shared = actix_web::web::Data<State>;

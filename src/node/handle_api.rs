//! The actors' handle as the HTTP interface sees it: the same answers, in the interface's own words.

use std::net::IpAddr;
use std::sync::Arc;

use actors::{ActorReport, ClaimFailure, Handle, MintError, SubmitError, Unavailable};
use futures::FutureExt;
use ledger::{Address, BlockId, Network, Tip, Transaction, TxId};
use libp2p::Multiaddr;
use machines::PeerId;
use machines::faucet::{Challenge, Form, Order, OrderError, Paid, Report, View};
use machines::pool::{PoolError, PoolView};
use machines::syncer::Progress;
use serde_json::Value;
use store::Reader;
use tokio::sync::watch;

use crate::node_api::{Answer, ClaimRefused, Health, MinerOrder, NodeApi, Refused};

impl NodeApi for Handle {
    fn network(&self) -> &Arc<Network> {
        Handle::network(self)
    }

    fn reader(&self) -> &Reader {
        Handle::reader(self)
    }

    fn tips(&self) -> &watch::Receiver<Tip> {
        Handle::tips(self)
    }

    fn pools(&self) -> &watch::Receiver<Arc<PoolView>> {
        Handle::pools(self)
    }

    fn mono(&self) -> u64 {
        Handle::mono(self)
    }

    fn peer_count(&self) -> usize {
        self.ready_peers()
    }

    fn external(&self) -> Vec<String> {
        Handle::external(self).iter().map(|(address, _)| address.to_string()).collect()
    }

    fn progress(&self) -> Progress {
        Handle::progress(self)
    }

    fn submit(&self, tx: Transaction) -> Answer<'_, Result<TxId, Refused>> {
        Handle::submit(self, tx).map(|result| result.map_err(Refused::from)).boxed_local()
    }

    fn claim(&self, to: Address, client: IpAddr, form: Form) -> Answer<'_, Result<Paid, ClaimRefused>> {
        Handle::claim(self, to, client, form).map(|result| result.map_err(ClaimRefused::from)).boxed_local()
    }

    fn faucet(&self, client: IpAddr, to: Option<Address>) -> Answer<'_, Result<View, Refused>> {
        Handle::faucet(self, client, to).map(|result| result.map_err(Refused::from)).boxed_local()
    }

    fn challenge(&self, to: Address, client: IpAddr) -> Answer<'_, Result<Challenge, ClaimRefused>> {
        Handle::challenge(self, to, client).map(|result| result.map_err(ClaimRefused::from)).boxed_local()
    }

    fn faucet_report(&self) -> Answer<'_, Result<Report, Refused>> {
        Handle::faucet_report(self).map(|result| result.map_err(Refused::from)).boxed_local()
    }

    fn order_faucet(&self, order: Order) -> Answer<'_, Result<(), Refused>> {
        let followed = |result: Result<Result<(), OrderError>, Unavailable>| match result? {
            Ok(()) => Ok(()),
            Err(error @ OrderError::NotKept(_)) => Err(Refused::Unavailable(error.to_string())),
            Err(error) => Err(Refused::Invalid(error.to_string())),
        };
        Handle::order_faucet(self, order).map(followed).boxed_local()
    }

    fn mint(&self, blocks: u32) -> Answer<'_, Result<Vec<BlockId>, Refused>> {
        Handle::mint(self, blocks).map(|result| result.map_err(Refused::from)).boxed_local()
    }

    fn miner(&self, order: MinerOrder) -> Answer<'_, Result<Value, Refused>> {
        let state = |report: ActorReport| report.state;
        let pause = order == MinerOrder::Pause;
        self.pause_miner(pause).map(move |result| result.map(state).map_err(Refused::from)).boxed_local()
    }

    fn actors(&self) -> Answer<'_, Vec<Value>> {
        Handle::actors(self).map(|reports| reports.iter().map(to_json).collect()).boxed_local()
    }

    fn peers(&self) -> Answer<'_, Vec<Value>> {
        Handle::peers(self).map(|reports| reports.iter().map(to_json).collect()).boxed_local()
    }

    fn ban(&self, peer: PeerId, ban: bool) -> Result<(), Refused> {
        Handle::ban(self, peer, ban).map_err(Refused::from)
    }

    fn dial(&self, address: &Multiaddr) -> Result<(), Refused> {
        Handle::dial(self, address).map_err(Refused::from)
    }

    fn health(&self) -> Health {
        let actors::Health { live, ready, reasons } = Handle::health(self);
        Health { live, ready, reasons }
    }
}

impl From<ClaimFailure> for ClaimRefused {
    fn from(failure: ClaimFailure) -> Self {
        match failure {
            ClaimFailure::Rule(error) => Self::Rule(error),
            ClaimFailure::Unavailable(why) => Self::Unavailable(why.to_string()),
        }
    }
}

impl From<Unavailable> for Refused {
    fn from(why: Unavailable) -> Self {
        Self::Unavailable(why.to_string())
    }
}

impl From<SubmitError> for Refused {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Pool(known @ PoolError::Known) => Self::Known(known.to_string()),
            SubmitError::Pool(PoolError::View(error)) => Self::Unavailable(error.to_string()),
            SubmitError::Pool(error) => Self::Invalid(error.to_string()),
            SubmitError::Unavailable(why) => why.into(),
        }
    }
}

impl From<MintError> for Refused {
    fn from(error: MintError) -> Self {
        match error {
            MintError::Unavailable(why) => why.into(),
            other => Self::Invalid(other.to_string()),
        }
    }
}

/// Reports are plain data; one that cannot be shown is shown as nothing.
fn to_json(report: &impl serde::Serialize) -> Value {
    serde_json::to_value(report).unwrap_or(Value::Null)
}

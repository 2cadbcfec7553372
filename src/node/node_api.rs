//! What the HTTP interface needs of a running node. The actors' handle provides it; tests provide a node without any.

use std::net::IpAddr;
use std::sync::Arc;

use futures::future::LocalBoxFuture;
use ledger::{Address, BlockId, Network, Tip, Transaction, TxId};
use libp2p::Multiaddr;
use machines::PeerId;
use machines::faucet::{Challenge, ClaimError, Form, Order, Paid, Report, View};
use machines::pool::PoolView;
use machines::syncer::Progress;
use serde::Serialize;
use serde_json::Value;
use store::Reader;
use thiserror::Error;
use tokio::sync::watch;

/// An answer that takes a while.
pub type Answer<'a, T> = LocalBoxFuture<'a, T>;

/// Why the node does not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refused {
    /// Asking again will not help.
    #[error("{0}")]
    Invalid(String),
    /// The transaction waits or is in the chain already.
    #[error("{0}")]
    Known(String),
    /// It cannot now: busy, starting or stopping.
    #[error("{0}")]
    Unavailable(String),
}

/// Why the faucet does not pay.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ClaimRefused {
    /// A rule of the faucet.
    #[error("{0}")]
    Rule(#[from] ClaimError),
    /// Nobody could decide: busy, starting or stopping.
    #[error("{0}")]
    Unavailable(String),
}

/// What the operator tells the miner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MinerOrder {
    /// Stop until told otherwise.
    Pause,
    /// Go on.
    Resume,
}

/// Whether the node works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Every vital part answers.
    pub live: bool,
    /// It follows the network and can be relied on.
    pub ready: bool,
    /// Why not, if not.
    pub reasons: Vec<String>,
}

/// A running node.
pub trait NodeApi: Send + Sync + 'static {
    /// The network.
    fn network(&self) -> &Arc<Network>;
    /// What is kept.
    fn reader(&self) -> &Reader;
    /// The end of the chain; changes can be waited for.
    fn tips(&self) -> &watch::Receiver<Tip>;
    /// What waits; changes can be waited for.
    fn pools(&self) -> &watch::Receiver<Arc<PoolView>>;
    /// The moment on the clock by which the pool counts.
    fn mono(&self) -> u64;
    /// The end of the chain.
    fn tip(&self) -> Tip {
        *self.tips().borrow()
    }
    /// What waits.
    fn pool(&self) -> Arc<PoolView> {
        self.pools().borrow().clone()
    }
    /// How many peers passed the handshake.
    fn peer_count(&self) -> usize;
    /// Where others can reach this node, as multiaddresses.
    fn external(&self) -> Vec<String>;
    /// How far the sync is.
    fn progress(&self) -> Progress;
    /// Checks a transaction and puts it into the pool.
    fn submit(&self, tx: Transaction) -> Answer<'_, Result<TxId, Refused>>;
    /// Asks the faucet to pay.
    fn claim(&self, to: Address, client: IpAddr, form: Form) -> Answer<'_, Result<Paid, ClaimRefused>>;
    /// How the faucet stands for a client, and for an account if one is named.
    fn faucet(&self, client: IpAddr, to: Option<Address>) -> Answer<'_, Result<View, Refused>>;
    /// Work for a claim.
    fn challenge(&self, to: Address, client: IpAddr) -> Answer<'_, Result<Challenge, ClaimRefused>>;
    /// All of the faucet, for its operator.
    fn faucet_report(&self) -> Answer<'_, Result<Report, Refused>>;
    /// Steers the faucet.
    fn order_faucet(&self, order: Order) -> Answer<'_, Result<(), Refused>>;
    /// Makes blocks now.
    fn mint(&self, blocks: u32) -> Answer<'_, Result<Vec<BlockId>, Refused>>;
    /// Steers the miner; gives its state.
    fn miner(&self, order: MinerOrder) -> Answer<'_, Result<Value, Refused>>;
    /// Every actor as it is.
    fn actors(&self) -> Answer<'_, Vec<Value>>;
    /// Every connected peer.
    fn peers(&self) -> Answer<'_, Vec<Value>>;
    /// Refuses a peer from now on, or no longer.
    fn ban(&self, peer: PeerId, ban: bool) -> Result<(), Refused>;
    /// Connects to a peer.
    fn dial(&self, address: &Multiaddr) -> Result<(), Refused>;
    /// Whether it works.
    fn health(&self) -> Health;
}

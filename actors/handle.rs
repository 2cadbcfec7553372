//! The door of a running node: what HTTP and the operator may ask of its actors.
//!
//! Reads go to the store and to what the actors publish, never through a mailbox that a commit may hold up.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ledger::pow::Search;
use ledger::{Address, Block, BlockId, Network, SecretKey, Tip, Transaction, TxId};
use machines::chain::{Accepted, Refused, Template};
use machines::discovery::Fixed;
use machines::faucet::{Challenge, ClaimError, Form, Order, OrderError, Paid, Report, Terms, View};
use machines::peer::Goodbye;
use machines::pool::{PoolError, PoolView};
use machines::syncer::Progress;
use machines::{PeerId, discovery, faucet, miner, peer};
use serde::Serialize;
use serde_json::Value;
use store::Reader;
use thiserror::Error;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use wire::{Multiaddr, Protocol, Reach};

use crate::{
    ANSWER, ActorReport, AskFaucet, Claim, Clock, Directory, Duty, Inspect, Mail, MakeTemplate, Meter, OfferBlock,
    Port, Question, Signs, Submit, translate,
};

/// A client waits this long for a commit at most.
const PATIENCE: Duration = Duration::from_secs(8);
/// Nonces that are tried before looking whether anybody still waits.
const MINT_SLICE: u64 = 1 << 22;
/// Blocks of one mint.
pub const MAX_MINT: u32 = 1_000;

/// The node takes no mail now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unavailable {
    /// Too much waits.
    #[error("the node is busy, try again in a moment")]
    Busy,
    /// Nothing can be kept.
    #[error("the disk of this node is full: it takes nothing until there is room again")]
    Full,
    /// It is stopping.
    #[error("the node is stopping")]
    Stopping,
}

/// Why a transaction is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SubmitError {
    /// By the rules or the pool.
    #[error("{0}")]
    Pool(#[from] PoolError),
    /// Nobody could decide.
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
}

/// Why a claim is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ClaimFailure {
    /// By a rule of the faucet.
    #[error("{0}")]
    Rule(#[from] ClaimError),
    /// Nobody could decide.
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
}

/// Why no block was minted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MintError {
    /// Not on this network.
    #[error("blocks are minted on request only on dev, regtest and networks with mint_only")]
    NotHere,
    /// Too many, or none.
    #[error("mint between 1 and {MAX_MINT} blocks at a time")]
    Count,
    /// The rules refuse it.
    #[error("the minted block is refused: {0}")]
    Refused(String),
    /// Nobody could decide.
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
}

/// Whether the node works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Every vital part lives.
    pub live: bool,
    /// It follows the network and can be relied on.
    pub ready: bool,
    /// Why not, if not.
    pub reasons: Vec<String>,
}

/// A connected peer.
#[derive(Debug, Clone, Serialize)]
pub struct PeerReport {
    /// Its id.
    pub id: String,
    /// Its address.
    pub address: String,
    /// Whether this node dialed.
    pub outbound: bool,
    /// What it is to this node.
    pub state: Value,
    /// Points for misbehaving; refused at 100.
    pub points: u64,
    /// How long its last answer to a ping took, in milliseconds; none before the first.
    pub ping_ms: Option<u64>,
    /// For how many milliseconds it is in this state.
    pub since_ms: u64,
}

/// An actor to look at: its name, its mail slots and its counters.
#[derive(Clone)]
pub struct Door {
    /// Its name.
    pub name: &'static str,
    /// For a look at its state.
    pub inspect: Port<Inspect>,
    /// Its counters.
    pub meter: Arc<Meter>,
}

/// Everything that wiring gives a handle.
pub struct Doors {
    /// The network.
    pub network: Arc<Network>,
    /// What is stored.
    pub reader: Reader,
    /// The end of the chain.
    pub tip: watch::Receiver<Tip>,
    /// The pool.
    pub pool: watch::Receiver<Arc<PoolView>>,
    /// The clock by which the pool counts.
    pub clock: Clock,
    /// Which parts live.
    pub signs: Signs,
    /// Why nothing can be kept now, if so.
    pub unkept: watch::Receiver<Option<String>>,
    /// Whether this node is behind.
    pub syncing: watch::Receiver<bool>,
    /// How far a sync is.
    pub progress: watch::Receiver<Progress>,
    /// Peers that passed the handshake.
    pub ready_peers: watch::Receiver<usize>,
    /// Where this node listens.
    pub listening: watch::Receiver<Vec<Multiaddr>>,
    /// Where others reach the node, and how it knows.
    pub external: watch::Receiver<Vec<(Multiaddr, Reach)>>,
    /// The vital actors.
    pub actors: Vec<Door>,
    /// The connected peers.
    pub peers: Directory,
    /// The chain takes transactions.
    pub submit: Port<Submit>,
    /// The chain takes blocks.
    pub offer: Port<OfferBlock>,
    /// The chain tells what to mine.
    pub template: Port<MakeTemplate>,
    /// The faucet takes claims.
    pub claim: Port<Claim>,
    /// The faucet takes questions and orders.
    pub faucet: Port<AskFaucet>,
    /// The faucet takes other terms.
    pub terms: Port<Mail<faucet::Event>>,
    /// How much is hashed.
    pub duty: Duty,
    /// The miner takes orders.
    pub miner: Port<Mail<miner::Event>>,
    /// Discovery takes orders.
    pub discovery: Port<Mail<discovery::Event>>,
    /// Signs minted blocks.
    pub key: SecretKey,
    /// Whether the operator may mint.
    pub may_mint: bool,
}

/// The door of a running node. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    doors: Arc<Doors>,
}

impl Handle {
    /// A handle through these doors.
    pub fn new(doors: Doors) -> Self {
        Self { doors: Arc::new(doors) }
    }

    /// The network.
    pub fn network(&self) -> &Arc<Network> {
        &self.doors.network
    }

    /// What is stored.
    pub fn reader(&self) -> &Reader {
        &self.doors.reader
    }

    /// The end of the chain; changes can be waited for.
    pub fn tips(&self) -> &watch::Receiver<Tip> {
        &self.doors.tip
    }

    /// The pool; changes can be waited for.
    pub fn pools(&self) -> &watch::Receiver<Arc<PoolView>> {
        &self.doors.pool
    }

    /// The moment on the clock by which the pool counts.
    pub fn mono(&self) -> u64 {
        self.doors.clock.now().mono
    }

    /// Whether this node is behind its peers.
    pub fn syncing(&self) -> bool {
        *self.doors.syncing.borrow()
    }

    /// How far a sync is.
    pub fn progress(&self) -> Progress {
        self.doors.progress.borrow().clone()
    }

    /// Peers that passed the handshake.
    pub fn ready_peers(&self) -> usize {
        *self.doors.ready_peers.borrow()
    }

    /// Where this node listens; changes can be waited for.
    pub fn listening(&self) -> watch::Receiver<Vec<Multiaddr>> {
        self.doors.listening.clone()
    }

    /// Where others reach this node, and how it knows.
    pub fn external(&self) -> Vec<(Multiaddr, Reach)> {
        self.doors.external.borrow().clone()
    }

    /// Hands in a transaction; it waits in the pool when this returns.
    pub async fn submit(&self, transaction: Transaction) -> Result<TxId, SubmitError> {
        match self.hand_in(&self.doors.submit, |reply| Submit { transaction, reply }).await? {
            Ok(Accepted::Transaction(id)) => Ok(id),
            Err(Refused::Pool(error)) => Err(error.into()),
            Err(Refused::Full) => Err(Unavailable::Full.into()),
            // A transaction is never answered as a block.
            Ok(Accepted::Block(_)) | Err(Refused::Block(_) | Refused::Busy | Refused::Moving) => {
                Err(Unavailable::Busy.into())
            }
        }
    }

    /// Claims coins; the payout is kept durably and in the pool when this returns.
    pub async fn claim(&self, to: Address, client: IpAddr, form: Form) -> Result<Paid, ClaimFailure> {
        let answer = self.hand_in(&self.doors.claim, |reply| Claim { to, client, form, reply }).await?;
        Ok(answer?)
    }

    /// How the faucet stands for a client, and for an account if one is named.
    pub async fn faucet(&self, client: IpAddr, to: Option<Address>) -> Result<View, Unavailable> {
        self.ask_faucet(|reply| Question::View { client, to, reply }).await
    }

    /// Work for a claim, or why it would be refused whatever work is done.
    pub async fn challenge(&self, to: Address, client: IpAddr) -> Result<Challenge, ClaimFailure> {
        Ok(self.ask_faucet(|reply| Question::Challenge { to, client, reply }).await??)
    }

    /// All of the faucet, for its operator.
    pub async fn faucet_report(&self) -> Result<Report, Unavailable> {
        self.ask_faucet(|reply| Question::Report { reply }).await
    }

    /// Steers the faucet; the order is kept durably when this returns.
    pub async fn order_faucet(&self, order: Order) -> Result<Result<(), OrderError>, Unavailable> {
        self.ask_faucet(|reply| Question::Order { order, reply }).await
    }

    async fn ask_faucet<T>(&self, question: impl FnOnce(oneshot::Sender<T>) -> Question) -> Result<T, Unavailable> {
        self.hand_in(&self.doors.faucet, |reply| AskFaucet { question: question(reply) }).await
    }

    /// Makes `blocks` blocks now, one after another, and gives their ids.
    pub async fn mint(&self, blocks: u32) -> Result<Vec<BlockId>, MintError> {
        if !self.doors.may_mint {
            return Err(MintError::NotHere);
        }
        if blocks == 0 || blocks > MAX_MINT {
            return Err(MintError::Count);
        }
        let mut ids = Vec::new();
        for _ in 0..blocks {
            ids.push(self.mint_one().await?);
        }
        Ok(ids)
    }

    async fn mint_one(&self) -> Result<BlockId, MintError> {
        let miner = self.doors.key.public();
        let template = self.hand_in(&self.doors.template, |reply| MakeTemplate { miner, reply }).await?;
        let key = self.doors.key.clone();
        let block = tokio::task::spawn_blocking(move || solve(template, &key)).await;
        let block = block.ok().flatten().ok_or_else(|| MintError::Refused("no nonce meets the target".into()))?;
        match self.hand_in(&self.doors.offer, |reply| OfferBlock { block, reply }).await? {
            Ok(Accepted::Block(id)) => Ok(id),
            Ok(Accepted::Transaction(_)) => Err(Unavailable::Busy.into()),
            Err(error) => Err(MintError::Refused(error.to_string())),
        }
    }

    /// Pauses or resumes the miner and shows it.
    pub async fn pause_miner(&self, pause: bool) -> Result<ActorReport, Unavailable> {
        self.doors.miner.post(Mail(miner::Event::Operator { pause })).map_err(|_| Unavailable::Busy)?;
        self.actor("miner").await.ok_or(Unavailable::Stopping)
    }

    /// Refuses a peer from now on, or no longer.
    pub fn ban(&self, peer: PeerId, ban: bool) -> Result<(), Unavailable> {
        if ban && let Some(entry) = self.doors.peers.get(&peer) {
            entry.event.tell(Mail(peer::Event::Disconnect(Goodbye::Operator)));
        }
        self.doors.discovery.post(Mail(discovery::Event::Ban { peer, ban })).map_err(|_| Unavailable::Busy)
    }

    /// Connects to a peer.
    pub fn dial(&self, address: &Multiaddr) -> Result<(), Unavailable> {
        self.doors.discovery.post(Mail(discovery::Event::Dial(fixed(address)))).map_err(|_| Unavailable::Busy)
    }

    /// Keeps these peers connected from now on, and no others.
    pub fn fix_peers(&self, addresses: &[Multiaddr]) -> Result<(), Unavailable> {
        let peers = addresses.iter().map(fixed).collect();
        self.doors.discovery.post(Mail(discovery::Event::Fixed(peers))).map_err(|_| Unavailable::Busy)
    }

    /// Hashes so many percent of the time from now on.
    pub fn set_hash_duty(&self, percent: u8) {
        self.doors.duty.set(percent);
    }

    /// Pays by these terms from now on.
    pub fn set_faucet_terms(&self, terms: Terms) -> Result<(), Unavailable> {
        self.doors.terms.post(Mail(faucet::Event::Terms(terms))).map_err(|_| Unavailable::Busy)
    }

    /// Every vital actor as it is.
    pub async fn actors(&self) -> Vec<ActorReport> {
        let doors = self.doors.actors.iter();
        futures::future::join_all(doors.map(look)).await
    }

    /// One vital actor as it is.
    pub async fn actor(&self, name: &str) -> Option<ActorReport> {
        let door = self.doors.actors.iter().find(|door| door.name == name)?;
        Some(look(door).await)
    }

    /// Every connected peer.
    pub async fn peers(&self) -> Vec<PeerReport> {
        let entries = self.doors.peers.all();
        let looks = entries.iter().map(|entry| ask(&entry.inspect, |reply| Inspect { reply }));
        let reports = futures::future::join_all(looks).await;
        reports.into_iter().flatten().map(peer_report).collect()
    }

    /// Whether every vital part lives, and whether the node can be relied on.
    pub fn health(&self) -> Health {
        let silent = self.doors.signs.silent();
        let mut reasons: Vec<_> = silent.iter().map(|part| format!("{part} does not answer")).collect();
        let live = reasons.is_empty();
        reasons.extend(self.doors.unkept.borrow().clone());
        if self.syncing() {
            reasons.push("catching up with the network".into());
        }
        let wanted = self.doors.network.spec.hints.peers_to_mine;
        if self.ready_peers() < wanted {
            reasons.push(format!("{} peers, this network wants at least {wanted}", self.ready_peers()));
        }
        Health { live, ready: reasons.is_empty(), reasons }
    }

    /// Posts mail with a reply and waits for it.
    async fn hand_in<M, T>(&self, port: &Port<M>, mail: impl FnOnce(oneshot::Sender<T>) -> M) -> Result<T, Unavailable>
    where
        M: actix::Message<Result = ()> + crate::mail::Named + Send,
    {
        let (reply, answer) = oneshot::channel();
        if port.post(mail(reply)).is_err() {
            return Err(if port.connected() { Unavailable::Busy } else { Unavailable::Stopping });
        }
        match timeout(PATIENCE, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) | Err(_) => Err(Unavailable::Busy),
        }
    }
}

/// A peer that is always tried.
pub fn fixed(address: &Multiaddr) -> Fixed {
    let peer = address.iter().find_map(|part| match part {
        Protocol::P2p(peer) => translate::peer_id(&peer),
        _ => None,
    });
    Fixed { peer, address: address.to_string() }
}

/// Searches the nonce of a template and signs the block.
fn solve(template: Template, key: &SecretKey) -> Option<Block> {
    let mut header = template.header;
    let search = Search::new(&header).ok()?;
    let mut first = 0;
    header.nonce = loop {
        match search.run(first, MINT_SLICE) {
            Some(nonce) => break nonce,
            None => first = first.checked_add(MINT_SLICE)?,
        }
    };
    let signature = key.sign(&header.id().signing_digest());
    let transactions = template.transactions.iter().map(|tx| tx.transaction().clone()).collect();
    Some(Block { header, signature, transactions })
}

async fn look(door: &Door) -> ActorReport {
    let report = ask(&door.inspect, |reply| Inspect { reply }).await;
    report.unwrap_or_else(|| ActorReport::silent(door.name, &door.meter))
}

/// Asks an actor; none when it gives no answer in time.
async fn ask<M, T>(port: &Port<M>, mail: impl FnOnce(oneshot::Sender<T>) -> M) -> Option<T>
where
    M: actix::Message<Result = ()> + crate::mail::Named + Send,
{
    let (reply, answer) = oneshot::channel();
    port.post(mail(reply)).ok()?;
    timeout(ANSWER, answer).await.ok()?.ok()
}

fn peer_report(report: ActorReport) -> PeerReport {
    let text = |key: &str| report.figures.get(key).and_then(Value::as_str).unwrap_or_default().to_string();
    PeerReport {
        id: text("id"),
        address: text("address"),
        outbound: report.figures.get("outbound").and_then(Value::as_bool).unwrap_or_default(),
        points: report.figures.get("points").and_then(Value::as_u64).unwrap_or_default(),
        ping_ms: report.figures.get("ping_ms").and_then(Value::as_u64),
        since_ms: report.since_ms,
        state: report.state,
    }
}

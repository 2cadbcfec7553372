//! The one task that owns the swarm. It routes: what the swarm tells becomes a [`NetEvent`], a [`Command`] becomes a
//! call. It never waits for anybody but the network, and does no work that grows with the chain.

mod commands;
mod events;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::StreamExt;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId, Swarm};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, MissedTickBehavior};

use crate::behaviour::{self, Behaviour};
use crate::external::External;
use crate::gossip::Unjudged;
use crate::limits::*;
use crate::names::{Names, rendezvous_key};
use crate::peers::Peers;
use crate::rendezvous::Rendezvous;
use crate::requests::{Failed, Requests};
use crate::seeds::Seeds;
use crate::serving::Serving;
use crate::{Command, NetConfig, NetEvent, Reach, Verdict, WireError, address};

/// The network task before it runs.
pub struct Net {
    pub(crate) config: NetConfig,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) stop: Arc<Notify>,
    pub(crate) turns: Arc<AtomicU64>,
}

impl Net {
    /// The node's own id.
    pub fn local_peer(&self) -> PeerId {
        self.config.identity.public().to_peer_id()
    }

    /// Goes on with every turn of the task, ten times a second at least: it lives.
    pub fn turns(&self) -> Arc<AtomicU64> {
        self.turns.clone()
    }

    /// Listens and runs until [`Command::Stop`], or until all handles are gone. Must be polled by a tokio runtime with
    /// time and network. `on_event` is called within the task: it passes on and returns.
    pub async fn run(mut self, on_event: impl FnMut(NetEvent)) -> Result<(), WireError> {
        let mut driver = Driver::new(&self.config, on_event)?;
        driver.listen(&self.config)?;
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(COMMANDS_PER_TURN);
        loop {
            self.turns.fetch_add(1, Ordering::Relaxed);
            tokio::select! {
                event = driver.swarm.select_next_some() => driver.on_swarm(event),
                count = self.commands.recv_many(&mut batch, COMMANDS_PER_TURN) => {
                    if count == 0 {
                        break;
                    }
                    for command in batch.drain(..) {
                        driver.on_command(command);
                    }
                }
                answer = driver.seeds.next() => driver.on_seeds(answer),
                _ = ticks.tick() => driver.on_tick(),
                () = self.stop.notified() => break,
            }
        }
        driver.stop().await;
        Ok(())
    }
}

struct Driver<F> {
    swarm: Swarm<Behaviour>,
    names: Names,
    on_event: F,
    private_ok: bool,
    deadlines: crate::Deadlines,
    peers: Peers,
    requests: Requests,
    serving: Serving,
    unjudged: Unjudged,
    rendezvous: Rendezvous,
    external: External,
    seeds: Seeds,
    /// Dials that were ordered; those of rendezvous queries are not among them.
    dials: HashMap<ConnectionId, Vec<Multiaddr>>,
}

impl<F: FnMut(NetEvent)> Driver<F> {
    fn new(config: &NetConfig, on_event: F) -> Result<Self, WireError> {
        let names = Names::new(&config.chain);
        let swarm = behaviour::swarm(config, &names)?;
        let key = rendezvous_key(&config.rendezvous, &config.chain);
        let rendezvous = Rendezvous::new(key, *swarm.local_peer_id(), config.private_addresses_ok);
        Ok(Self {
            swarm,
            names,
            on_event,
            private_ok: config.private_addresses_ok,
            deadlines: config.deadlines,
            peers: Peers::default(),
            requests: Requests::default(),
            serving: Serving::default(),
            unjudged: Unjudged::default(),
            rendezvous,
            external: External::new(config.private_addresses_ok),
            seeds: Seeds::new(config.name_servers.clone(), config.private_addresses_ok),
            dials: HashMap::new(),
        })
    }

    fn listen(&mut self, config: &NetConfig) -> Result<(), WireError> {
        for address in &config.external {
            self.reachable(address.clone(), Reach::Configured);
        }
        for address in &config.listen {
            is_free(address)?;
            self.swarm
                .listen_on(address.clone())
                .map_err(|error| WireError::Listen { address: address.clone(), reason: reason_of(&error) })?;
        }
        Ok(())
    }

    fn tell(&mut self, event: NetEvent) {
        (self.on_event)(event);
    }

    fn on_tick(&mut self) {
        let now = Instant::now();
        for Failed { peer, ticket, error } in self.requests.expire(now) {
            self.tell(NetEvent::Response { peer, ticket, result: Err(error) });
        }
        for id in self.unjudged.expire(now) {
            self.report(&id, Verdict::Ignore);
        }
        for id in self.peers.twins(now, &self.swarm.local_peer_id().clone()) {
            self.swarm.close_connection(id);
        }
        for peer in self.peers.strangers(now, self.deadlines.identify) {
            self.disconnect(&peer, "did not show the protocol of this chain in time");
        }
        for change in self.external.expire(now) {
            self.on_external(Some(change));
        }
        let result = self.rendezvous.tick(now, &mut self.swarm.behaviour_mut().kad);
        self.announced(result);
    }

    async fn stop(&mut self) {
        self.rendezvous.stop(&mut self.swarm.behaviour_mut().kad);
        for peer in self.peers.ids() {
            self.disconnect(&peer, "this node stops");
        }
        let deadline = Instant::now() + STOP_DEADLINE;
        while !self.peers.is_empty() {
            match tokio::time::timeout_at(deadline, self.swarm.select_next_some()).await {
                Ok(event) => self.on_swarm(event),
                Err(_) => break,
            }
        }
    }
}

/// Whether nobody listens at an address. The transport shares ports, so it would join another node there silently.
fn is_free(address: &Multiaddr) -> Result<(), WireError> {
    let port = address.iter().find_map(|part| if let Protocol::Tcp(port) = part { Some(port) } else { None });
    let (Some(ip), Some(port)) = (address::ip(address), port) else { return Ok(()) };
    std::net::TcpListener::bind((ip, port))
        .map(drop)
        .map_err(|error| WireError::Listen { address: address.clone(), reason: error.to_string() })
}

/// The innermost reason of an error: what the layers above say adds nothing for an operator.
fn reason_of(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests;

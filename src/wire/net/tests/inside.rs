//! A node whose network task is turned by the test itself, so that its tables can be looked at.

use std::time::Duration;

use futures::StreamExt;
use libp2p::{Multiaddr, PeerId};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, timeout};

use crate::limits::TICK;
use crate::net::Driver;
use crate::{NetConfig, NetEvent};

type Listener = Box<dyn FnMut(NetEvent) + Send>;

pub struct Inside {
    pub driver: Driver<Listener>,
    pub events: UnboundedReceiver<NetEvent>,
    pub id: PeerId,
    pub address: Multiaddr,
}

impl Inside {
    pub async fn start(config: NetConfig) -> Self {
        let (sender, events) = unbounded_channel();
        let mut driver = Driver::new(&config, Box::new(move |event| drop(sender.send(event))) as Listener).unwrap();
        driver.listen(&config).unwrap();
        let id = *driver.swarm.local_peer_id();
        let mut inside = Self { driver, events, id, address: Multiaddr::empty() };
        inside.until(|driver| driver.swarm.listeners().next().is_some()).await;
        inside.address = inside.driver.swarm.listeners().next().unwrap().clone();
        inside
    }

    /// One event of the swarm, or a tick.
    pub async fn turn(&mut self) {
        if let Ok(event) = timeout(TICK, self.driver.swarm.select_next_some()).await {
            self.driver.on_swarm(event);
        }
        self.driver.on_tick();
    }

    /// Runs until the tables look as they should.
    pub async fn until(&mut self, mut done: impl FnMut(&mut Driver<Listener>) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !done(&mut self.driver) {
            self.turn().await;
            assert!(Instant::now() < deadline, "the tables never looked as they should");
        }
    }

    /// Runs while something else happens.
    pub async fn during<T>(&mut self, what: impl Future<Output = T>) -> T {
        tokio::pin!(what);
        loop {
            tokio::select! {
                done = &mut what => return done,
                () = self.turn() => {}
            }
        }
    }

    pub fn full_address(&self) -> Multiaddr {
        self.address.clone().with_p2p(self.id).unwrap()
    }
}

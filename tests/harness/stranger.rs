//! A peer that is no node of ours: passes the handshake, then says what the test tells it to.

use std::thread::{self, JoinHandle};

use wire::{
    Command, Gossip, Keypair, Multiaddr, NetConfig, NetEvent, NetHandle, PROTOCOL_VERSION, Request, Response, Status,
};

use super::net::Net;
use super::node::Node;

/// A peer with a voice of its own. Says of itself that its chain has only genesis.
pub struct Stranger {
    net: NetHandle,
    thread: Option<JoinHandle<()>>,
}

impl Stranger {
    /// Connects to a node.
    pub fn meets(net: &Net, node: &Node) -> Self {
        let network = net.network.clone();
        let mut config = NetConfig::new(Keypair::generate_ed25519(), network.chain);
        config.rendezvous.clone_from(&network.spec.hints.rendezvous);
        config.private_addresses_ok = true;
        let agent = config.agent.clone();
        let (task, handle) = wire::net(config).expect("the configuration is good");
        let answers = handle.clone();
        let greet = move |event| {
            if let NetEvent::Request { request: Request::Status(_), responder, .. } = event {
                let (chain, tip) = (network.chain, network.genesis_tip());
                let status = Status { version: PROTOCOL_VERSION, chain, tip, agent: agent.clone(), syncing: false };
                let response = Response::Status(status);
                answers.try_send(Command::Respond { responder, response }).expect("nothing else is to do");
            }
        };
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be made").block_on(task.run(greet)).expect("it listens nowhere");
        };
        let thread = thread::spawn(run);
        let address: Multiaddr = node.address().parse().expect("it is an address");
        let stranger = Self { net: handle, thread: Some(thread) };
        stranger.tell(Command::Dial { peer: None, addresses: vec![address] });
        stranger
    }

    /// Its id.
    pub fn id(&self) -> String {
        self.net.local_peer().to_string()
    }

    /// Tells everybody something.
    pub fn says(&self, gossip: Gossip) {
        self.tell(Command::Publish(gossip));
    }

    fn tell(&self, command: Command) {
        self.net.try_send(command).expect("it has little to do");
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        // The task may have ended by itself.
        let _ = self.net.try_send(Command::Stop);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

//! A node for these tests: mailboxes with or without room, and of its actors only those that a test starts.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use actix::dev::ToEnvelope;
use actix::{Actor, Context, Handler, Message};
use ledger::{
    Address, Amount, Block, Header, Network, NetworkSpec, SecretKey, Tip, Transaction, Transfer, difficulty, merkle,
    pow,
};
use machines::faucet::Form;
use machines::peer::Score;
use machines::pool::PoolView;
use machines::syncer::Progress;
use machines::{PeerId, chain, discovery, faucet, miner, syncer};
use store::Store;
use tempfile::TempDir;
use tokio::sync::{oneshot, watch};
use tokio::time::{interval, timeout};
use wire::{Keypair, Net, NetConfig, NetHandle, PROTOCOL_VERSION, RequestError, Status};

use crate::delivery::Delivery;
use crate::directory::Entry;
use crate::link::Link;
use crate::mail::Named;
use crate::peer::Peer;
use crate::translate::{self, Purpose};
use crate::{
    AskFaucet, Chain, Claim, Clock, Directory, Discovery, Doors, Duty, Faucet, Handle, Hasher, Inbox, Inspect, Mail,
    MakeTemplate, Meter, Miner, MinerPorts, OfferBlock, PeerPorts, Port, Question, Router, Stop, Submit, Syncer,
    SyncerPorts, Tick, Vital, Write,
};

/// Nothing here takes longer.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// Slots of a mailbox with room.
pub const ROOM: usize = 64;
/// A client.
pub const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A mailbox whose actor does not run, and whether its ports find room in it.
pub struct Slots<A: Actor> {
    pub inbox: Inbox<A>,
    pub full: bool,
}

impl<A: Actor<Context = Context<A>>> Slots<A> {
    pub fn empty() -> Self {
        Self { inbox: Inbox::new(ROOM), full: false }
    }

    pub fn full() -> Self {
        Self { inbox: Inbox::new(1), full: true }
    }

    /// A port that has found out whether there is room. Each has a free slot of its own, so each is filled by itself.
    pub fn port<M>(&self) -> Port<M>
    where
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
        M: Filler,
    {
        let port = self.inbox.port();
        while self.full && port.post(M::filler()).is_ok() {}
        port
    }

    pub fn meter(&self) -> Arc<Meter> {
        self.inbox.meter()
    }
}

/// Mail of which there may be any amount.
pub trait Filler: Message<Result = ()> + Named + Send + 'static {
    fn filler() -> Self;
}

macro_rules! fillers {
    ($($mail:ty: $filler:expr),* $(,)?) => {$(
        impl Filler for $mail {
            fn filler() -> Self {
                $filler
            }
        }
    )*};
}

fillers! {
    Mail<chain::Event>: Mail(chain::Event::Tick),
    Mail<syncer::Event>: Mail(syncer::Event::Tick),
    Mail<miner::Event>: Mail(miner::Event::Tick),
    Mail<discovery::Event>: Mail(discovery::Event::Tick),
    Mail<faucet::Event>: Mail(faucet::Event::Tick { next_nonce: None, own: None }),
    Mail<machines::peer::Event>: Mail(machines::peer::Event::Tick),
    Delivery: Delivery::Response { purpose: Purpose::Addresses, result: Err(RequestError::Timeout) },
    Tick: Tick {},
    Inspect: Inspect { reply: oneshot::channel().0 },
    Stop: Stop { gone: oneshot::channel().0 },
    Write: Write { writes: Vec::new(), done: None },
    Submit: Submit { transaction: transfer(&regtest()), reply: oneshot::channel().0 },
    OfferBlock: OfferBlock { block: first_block(&regtest()).0, reply: oneshot::channel().0 },
    MakeTemplate: MakeTemplate { miner: key().public(), reply: oneshot::channel().0 },
    Claim: Claim { to: Address::ZERO, client: HERE, form: Form::Compatible, reply: oneshot::channel().0 },
    AskFaucet: AskFaucet { question: Question::Report { reply: oneshot::channel().0 } },
}

/// What was dropped of a kind of mail.
pub fn dropped(meter: &Meter, name: &str) -> u64 {
    meter.totals().1.get(name).copied().unwrap_or(0)
}

pub fn handled(meter: &Meter, name: &str) -> u64 {
    meter.totals().0.get(name).copied().unwrap_or(0)
}

/// Waits until it holds, and does something before each look.
pub async fn until(what: &str, mut before: impl FnMut(), holds: impl Fn() -> bool) {
    let looks = async {
        let mut looks = interval(Duration::from_millis(5));
        while !holds() {
            looks.tick().await;
            before();
        }
    };
    timeout(PATIENCE, looks).await.unwrap_or_else(|_| panic!("never: {what}"));
}

pub fn run(test: impl Future<Output = ()>) {
    actix::System::new().block_on(test);
}

/// A node of which only those parts run that a test starts.
pub struct Node {
    pub network: Arc<Network>,
    pub store: Store,
    pub clock: Clock,
    pub vital: Vital,
    pub peers: Directory,
    pub net: NetHandle,
    pub chain: Slots<Chain>,
    pub syncer: Slots<Syncer>,
    pub miner: Slots<Miner>,
    pub discovery: Slots<Discovery>,
    pub faucet: Slots<Faucet>,
    _dir: TempDir,
}

impl Node {
    /// A node with room in all mailboxes, and its network task, which does not run yet.
    pub fn new() -> (Self, Net) {
        let network = Arc::new(regtest());
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), network.clone(), 1 << 20, |_| {}).unwrap();
        let (task, net) = wire::net(config(&network)).unwrap();
        let node = Self {
            store,
            clock: Clock::start(),
            vital: Vital::channel().0,
            peers: Directory::default(),
            net,
            chain: Slots::empty(),
            syncer: Slots::empty(),
            miner: Slots::empty(),
            discovery: Slots::empty(),
            faucet: Slots::empty(),
            _dir: dir,
            network,
        };
        (node, task)
    }

    pub fn greeting(&self) -> Arc<dyn Fn() -> Option<Status> + Send + Sync> {
        let status = status(&self.network);
        Arc::new(move || Some(status.clone()))
    }

    pub fn peer_ports(&self) -> PeerPorts {
        PeerPorts {
            chain: self.chain.port(),
            syncer: self.syncer.port(),
            miner: self.miner.port(),
            discovery: self.discovery.port(),
            // Nobody but the network can make a request, so this one keeps its free slot.
            share: self.discovery.inbox.port(),
            directory: self.peers.clone(),
            net: self.net.clone(),
            reader: self.store.reader(),
            greeting: self.greeting(),
        }
    }

    pub fn router(&self) -> Router {
        let (listening, external) = (watch::channel(Vec::new()).0, watch::channel(Vec::new()).0);
        Router::new(self.network.chain, self.peer_ports(), self.peers.clone(), self.clock, listening, external)
    }

    /// Runs the actor of a peer that passed the handshake.
    pub fn run_peer(&self) -> Entry {
        let (peer, now) = (stranger(), self.clock.now());
        let slots: Slots<Peer> = Slots::empty();
        let (entry, meter) = (entry(&slots), slots.meter());
        let machine = machines::peer::Peer::new(PROTOCOL_VERSION, self.network.chain, Score::new(now.mono), now);
        slots.inbox.run(Peer::new(machine, peer, self.peer_ports(), self.clock, meter));
        let greeting = translate::greeting(status(&self.network));
        entry.event.tell(Mail(machines::peer::Event::Greeted(greeting)));
        entry
    }

    /// Runs the syncer; gives its meter and how to tell it something.
    pub fn run_syncer(&mut self) -> (Arc<Meter>, impl Fn(syncer::Event) + use<>, Port<Tick>) {
        let inbox = std::mem::replace(&mut self.syncer, Slots::empty()).inbox;
        let (meter, port, tick) = (inbox.meter(), inbox.port(), inbox.port());
        let tip = self.network.genesis_tip();
        let ports = SyncerPorts {
            chain: self.chain.port(),
            miner: self.miner.port(),
            faucet: self.faucet.port(),
            discovery: self.discovery.port(),
            net: self.net.clone(),
            peers: self.peers.clone(),
            syncing: watch::channel(false).0,
            progress: watch::channel(Progress::resting("Alone", 0)).0,
            greeting: self.greeting(),
        };
        let machine = machines::syncer::Syncer::new(self.network.clone(), tip);
        let (reader, vital) = (self.store.reader(), self.vital.clone());
        inbox.run(Syncer::new(machine, reader, ports, self.clock, meter.clone(), vital));
        (meter, move |event| port.tell(Mail(event)), tick)
    }

    /// Runs the miner, which may mine alone; gives its meter and how to tell it something.
    pub fn run_miner(&mut self) -> (Arc<Meter>, impl Fn(miner::Event) + use<>) {
        let inbox = std::mem::replace(&mut self.miner, Slots::empty()).inbox;
        let (meter, port) = (inbox.meter(), inbox.port());
        let params = miner::Params { on: true, key: key(), peers_to_mine: 0, future_limit_ms: 2_000 };
        let machine = machines::miner::Miner::new(params, self.network.genesis_tip());
        let hasher = Hasher::start(Duty::new(100), inbox.port(), &self.vital).unwrap();
        let ports = MinerPorts { chain: self.chain.port(), hasher };
        inbox.run(Miner::new(machine, ports, self.clock, meter.clone(), self.vital.clone()));
        (meter, move |event| port.tell(Mail(event)))
    }

    /// What clients and the operator come through.
    pub fn handle(&self) -> Handle {
        let tip = self.network.genesis_tip();
        Handle::new(Doors {
            network: self.network.clone(),
            reader: self.store.reader(),
            tip: watch::channel(tip).1,
            pool: watch::channel(Arc::new(PoolView::default())).1,
            signs: self.vital.signs(),
            unkept: watch::channel(None).1,
            clock: self.clock,
            syncing: watch::channel(false).1,
            progress: watch::channel(Progress::resting("Alone", 0)).1,
            ready_peers: watch::channel(0).1,
            listening: watch::channel(Vec::new()).1,
            external: watch::channel(Vec::new()).1,
            actors: Vec::new(),
            peers: self.peers.clone(),
            submit: self.chain.port(),
            offer: self.chain.port(),
            template: self.chain.port(),
            claim: self.faucet.port(),
            faucet: self.faucet.port(),
            terms: self.faucet.port(),
            duty: Duty::new(100),
            miner: self.miner.port(),
            discovery: self.discovery.port(),
            key: key(),
            may_mint: true,
        })
    }

    /// Orders that wait for the network task.
    pub fn orders(&self) -> usize {
        self.net.queue().0
    }
}

pub fn config(network: &Network) -> NetConfig {
    NetConfig {
        listen: vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()],
        private_addresses_ok: true,
        ..NetConfig::new(Keypair::generate_ed25519(), network.chain)
    }
}

pub fn regtest() -> Network {
    Network::new(NetworkSpec::built_in("regtest").unwrap()).unwrap()
}

pub fn transfer(network: &Network) -> Transaction {
    let (to, amount) = (Address([2; 20]), Amount::drops(1));
    Transaction::Transfer(Transfer::sign(&key(), &network.chain, to, amount, Amount::ZERO, 0, Vec::new()))
}

pub fn key() -> SecretKey {
    SecretKey::from_bytes([1; 32]).unwrap()
}

pub fn stranger() -> PeerId {
    let wire_peer = wire::PeerId::from(Keypair::ed25519_from_bytes([7; 32]).unwrap().public());
    translate::peer_id(&wire_peer).unwrap()
}

pub fn status(network: &Network) -> Status {
    let (chain, tip) = (network.chain, network.genesis_tip());
    Status { version: PROTOCOL_VERSION, chain, tip, agent: "test".into(), syncing: false }
}

/// The ways into the mailbox of a peer's actor.
pub fn entry(slots: &Slots<Peer>) -> Entry {
    Entry {
        deliver: slots.port(),
        event: slots.port(),
        inspect: slots.port(),
        stop: slots.port(),
        tick: slots.port(),
        link: Link { address: "/ip4/8.8.8.8/tcp/4100".parse().unwrap(), outbound: false },
    }
}

/// An empty block on genesis, and the chain that ends in it.
pub fn first_block(network: &Network) -> (Block, Tip) {
    let parent = &network.genesis;
    let mut header = Header {
        version: 1,
        height: 1,
        previous: parent.id(),
        root: merkle::root(&[]),
        time: parent.time + network.spec.spacing_ms,
        target: difficulty::next_target(network, parent, None),
        miner: key().public(),
        nonce: 0,
    };
    header.nonce = pow::Search::new(&header).unwrap().run(0, u64::MAX).unwrap();
    let (id, signature) = (header.id(), key().sign(&header.id().signing_digest()));
    let work = network.genesis_tip().work.checked_add(header.target.work().unwrap()).unwrap();
    let tip = Tip { id, height: 1, work, time: header.time };
    (Block { header, signature, transactions: Vec::new() }, tip)
}

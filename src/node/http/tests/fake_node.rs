//! A node without actors: what is asked of it is done at once, by the store and the pool themselves.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::ready;
use ledger::{
    AccountSource, Address, Amount, BarreleyeTransfer, BlockId, CheckedBlock, Commit, Network, NetworkSpec,
    OpeningBalance, SecretKey, Signature, Tip, Transaction, Transfer, TxId,
};
use libp2p::Multiaddr;
use machines::PeerId;
use machines::faucet::{Challenge, ClaimError, Form, Order, Paid, Report, View};
use machines::pool::{Pool, PoolError, PoolView};
use machines::syncer::Progress;
use serde_json::{Value, json};
use store::{Reader, Store};
use tempfile::TempDir;
use tokio::sync::watch;

use super::fake_faucet::FakeFaucet;
use crate::node_api::{Answer, ClaimRefused, Health, MinerOrder, NodeApi, Refused};
use crate::test_chain::next_commit;
pub use crate::test_chain::{address, key};

/// The node, and what a test may do to it.
pub struct FakeNode {
    inner: Arc<Inner>,
}

struct Inner {
    network: Arc<Network>,
    reader: Reader,
    store: Mutex<Store>,
    pool: Mutex<Pool>,
    tips: watch::Sender<Tip>,
    seen_tips: watch::Receiver<Tip>,
    pools: watch::Sender<Arc<PoolView>>,
    seen_pools: watch::Receiver<Arc<PoolView>>,
    commits: Mutex<Vec<Commit>>,
    claims: Mutex<Vec<(Address, IpAddr)>>,
    faucet: Mutex<FakeFaucet>,
    refuses_claims: Mutex<Option<ClaimError>>,
    paused: Mutex<bool>,
    _dir: TempDir,
}

impl FakeNode {
    /// Persons 1 to 4 have 1 000 Barrel each; accounts of the recorded exchanges have what they had there.
    pub fn new() -> Self {
        let whole = |n| Amount::barrels(n).unwrap();
        let persons = (1..=4).map(|n| OpeningBalance { address: address(n), amount: whole(1_000) });
        let recorded = [
            ("1cbec052f4d6d606eb214f6df776f2e274c2f491", 3),
            ("f4bcd665c2595fb3253ade200bb80d7e5ddd9ca2", 48),
            ("916879942fa59738133f7d6d031891689acca989", 2),
            ("1e4f5ff2f09df766411402b52e146fb666abdc44", 70),
        ];
        let recorded =
            recorded.map(|(text, n)| OpeningBalance { address: text.parse().unwrap(), amount: whole(n) }).into_iter();
        let regtest = NetworkSpec::built_in("regtest").unwrap();
        let spec = NetworkSpec { name: "http".into(), balances: persons.chain(recorded).collect(), ..regtest };
        let network = Arc::new(Network::new(spec).unwrap());
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), network.clone(), 1 << 20, |_| {}).unwrap();
        let (tips, seen_tips) = watch::channel(network.genesis_tip());
        let (pools, seen_pools) = watch::channel(Arc::default());
        Self {
            inner: Arc::new(Inner {
                tips,
                seen_tips,
                pools,
                seen_pools,
                reader: store.reader(),
                store: Mutex::new(store),
                pool: Mutex::new(Pool::new(network.clone())),
                commits: Mutex::default(),
                claims: Mutex::default(),
                faucet: Mutex::new(FakeFaucet::new(&network, network.genesis_tip())),
                refuses_claims: Mutex::default(),
                paused: Mutex::default(),
                network,
                _dir: dir,
            }),
        }
    }

    pub fn shared(&self) -> Arc<dyn NodeApi> {
        self.inner.clone()
    }

    pub fn network(&self) -> &Network {
        &self.inner.network
    }

    /// The next nonce of an address, without the pool.
    pub fn nonce(&self, address: &Address) -> u64 {
        let account = self.inner.reader.snapshot().unwrap().account(address).unwrap();
        account.map_or(self.inner.network.nonce_base, |account| account.nonce)
    }

    /// From now on every claim is refused for this reason.
    pub fn refuse_claims(&self, error: ClaimError) {
        *self.inner.refuses_claims.lock().unwrap() = Some(error);
    }

    /// Who claimed, from where.
    pub fn claims(&self) -> Vec<(Address, IpAddr)> {
        self.inner.claims.lock().unwrap().clone()
    }

    /// How many transactions wait.
    pub fn waiting(&self) -> usize {
        self.inner.pool.lock().unwrap().view().len()
    }

    /// A compatible transfer, `ahead` after the next nonce of person `n`.
    pub fn barreleye(&self, n: u8, to: Address, value: u64, ahead: u64) -> BarreleyeTransfer {
        let nonce = self.nonce(&address(n)) + ahead;
        barreleye(&key(n), address(n), to, value, nonce)
    }

    /// A native transfer, `ahead` after the next nonce of person `n`.
    pub fn native(&self, n: u8, to: Address, amount: Amount, ahead: u64) -> Transfer {
        let nonce = self.nonce(&address(n)) + ahead;
        Transfer::sign(&key(n), &self.inner.network.chain, to, amount, Amount::drops(1), nonce, vec![1, 2])
    }

    /// Mines a block with these transactions and keeps it.
    pub fn mine(&self, transactions: Vec<Transaction>) -> BlockId {
        let commit = next_commit(&self.inner.reader.snapshot().unwrap(), &self.inner.network, transactions);
        let tip = commit.tip.id;
        self.keep(commit, &[]);
        tip
    }

    /// Leaves all own blocks for those of `other`, which has more work. What only the own ones had waits again.
    pub fn adopt(&self, other: &FakeNode) {
        let (own, theirs) = (self.inner.commits.lock().unwrap().clone(), other.inner.commits.lock().unwrap().clone());
        let accounts = other.inner.reader.snapshot().unwrap();
        let touched = own.iter().chain(&theirs).flat_map(|commit| commit.accounts.keys());
        let commit = Commit {
            keep: theirs.iter().flat_map(|commit| commit.keep.clone()).collect(),
            disconnect: own.iter().rev().map(|commit| commit.tip.id).collect(),
            connect: theirs.iter().flat_map(|commit| commit.connect.clone()).collect(),
            accounts: touched.map(|address| (*address, accounts.account(address).unwrap())).collect(),
            tip: theirs.last().unwrap().tip,
        };
        let left: Vec<_> = own.iter().flat_map(|commit| &commit.connect).map(|connect| connect.block.clone()).collect();
        self.keep(commit, &left);
    }

    fn keep(&self, commit: Commit, left: &[Arc<CheckedBlock>]) {
        self.inner.store.lock().unwrap().commit(&commit).unwrap();
        let snapshot = self.inner.reader.snapshot().unwrap();
        let mut pool = self.inner.pool.lock().unwrap();
        pool.settle(commit.accounts.keys(), &snapshot).unwrap();
        for tx in left.iter().flat_map(|block| block.transactions()) {
            pool.put_back(tx.clone(), 0, &snapshot).unwrap();
        }
        self.inner.pools.send_replace(Arc::new(pool.view().clone()));
        drop(pool);
        self.inner.tips.send_replace(commit.tip);
        self.inner.commits.lock().unwrap().push(commit);
    }
}

/// A compatible transfer with data `ab`, signed by `key` whether it owns `from` or not.
pub fn barreleye(key: &SecretKey, from: Address, to: Address, value: u64, nonce: u64) -> BarreleyeTransfer {
    let signer = key.public();
    let unsigned = BarreleyeTransfer { nonce, from, to, value, data: 0xab, signer, signature: Signature::ZERO };
    BarreleyeTransfer { signature: key.sign(&unsigned.signing_digest()), ..unsigned }
}

fn now<T: 'static>(value: T) -> Answer<'static, T> {
    ready(value).boxed_local()
}

impl NodeApi for Inner {
    fn network(&self) -> &Arc<Network> {
        &self.network
    }

    fn reader(&self) -> &Reader {
        &self.reader
    }

    fn tips(&self) -> &watch::Receiver<Tip> {
        &self.seen_tips
    }

    fn pools(&self) -> &watch::Receiver<Arc<PoolView>> {
        &self.seen_pools
    }

    fn mono(&self) -> u64 {
        0
    }

    fn external(&self) -> Vec<String> {
        vec!["/ip4/203.0.113.7/tcp/4100".into()]
    }

    fn progress(&self) -> Progress {
        Progress::resting("Following", 0)
    }

    fn peer_count(&self) -> usize {
        1
    }

    fn submit(&self, tx: Transaction) -> Answer<'_, Result<TxId, Refused>> {
        let add = || {
            let tx = tx.check(&self.network, |_| None).map_err(|error| Refused::Invalid(error.to_string()))?;
            let snapshot = self.reader.snapshot().unwrap();
            let id = tx.id();
            let mut pool = self.pool.lock().unwrap();
            pool.add(Arc::new(tx), 0, &snapshot).map_err(|error| match error {
                PoolError::Known => Refused::Known(error.to_string()),
                _ => Refused::Invalid(error.to_string()),
            })?;
            self.pools.send_replace(Arc::new(pool.view().clone()));
            Ok(id)
        };
        now(add())
    }

    fn claim(&self, to: Address, client: IpAddr, form: Form) -> Answer<'_, Result<Paid, ClaimRefused>> {
        if let Some(error) = self.refuses_claims.lock().unwrap().clone() {
            return now(Err(error.into()));
        }
        self.claims.lock().unwrap().push((to, client));
        now(self.faucet.lock().unwrap().claim(to, client, form).map_err(ClaimRefused::from))
    }

    fn faucet(&self, client: IpAddr, to: Option<Address>) -> Answer<'_, Result<View, Refused>> {
        now(Ok(self.faucet.lock().unwrap().view(client, to)))
    }

    fn challenge(&self, to: Address, client: IpAddr) -> Answer<'_, Result<Challenge, ClaimRefused>> {
        now(self.faucet.lock().unwrap().challenge(to, client).map_err(ClaimRefused::from))
    }

    fn faucet_report(&self) -> Answer<'_, Result<Report, Refused>> {
        now(Ok(self.faucet.lock().unwrap().report()))
    }

    fn order_faucet(&self, order: Order) -> Answer<'_, Result<(), Refused>> {
        now(self.faucet.lock().unwrap().order(order).map_err(|error| Refused::Invalid(error.to_string())))
    }

    fn mint(&self, blocks: u32) -> Answer<'_, Result<Vec<BlockId>, Refused>> {
        now(match blocks {
            0 => Err(Refused::Invalid("mint between 1 and 1000 blocks at a time".into())),
            _ => Ok(vec![BlockId::ZERO; blocks as usize]),
        })
    }

    fn miner(&self, order: MinerOrder) -> Answer<'_, Result<Value, Refused>> {
        *self.paused.lock().unwrap() = order == MinerOrder::Pause;
        now(Ok(json!(if order == MinerOrder::Pause { "Paused" } else { "Mining" })))
    }

    fn actors(&self) -> Answer<'_, Vec<Value>> {
        let mailbox = json!({ "queued": 0, "capacity": 64 });
        now(vec![json!({ "name": "chain", "state": "Following", "mailbox": mailbox, "handled": { "Tick": 3 } })])
    }

    fn peers(&self) -> Answer<'_, Vec<Value>> {
        let greeting = json!({ "agent": "barreleye/0.1", "tip": { "height": 7 } });
        let ready = json!({ "Ready": { "greeting": greeting, "since": 0 } });
        let peer = |state| json!({ "id": "12D3KooW", "address": "/ip4/192.0.2.9", "outbound": true, "state": state, "since_ms": 5 });
        now(vec![peer(json!("Closing")), peer(ready)])
    }

    fn ban(&self, _: PeerId, _: bool) -> Result<(), Refused> {
        Ok(())
    }

    fn dial(&self, _: &Multiaddr) -> Result<(), Refused> {
        Err(Refused::Unavailable("the node is busy, try again in a moment".into()))
    }

    fn health(&self) -> Health {
        Health { live: true, ready: false, reasons: vec!["catching up with the network".into()] }
    }
}

//! Finding other nodes over Kademlia: everybody announces one key of the chain and looks it up.
//!
//! Nothing else is stored: of all that strangers offer, only provider records of that one key, with usable addresses.
//! What is found is a hint. A query may dial by itself; whoever answers must still show the sync protocol.

use std::collections::HashMap;
use std::time::Instant as StdInstant;

use libp2p::core::Endpoint;
use libp2p::kad::store::{MemoryStore, MemoryStoreConfig, RecordStore};
use libp2p::kad::{self, Mode, ProviderRecord, QueryId, RecordKey, StoreInserts};
use libp2p::swarm::{ConnectionId, NetworkBehaviour};
use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use crate::address;
use crate::admission::Range;
use crate::limits::*;
use crate::names::Names;

/// Kademlia with a store in memory.
pub(crate) type Kad = kad::Behaviour<MemoryStore>;

/// Makes the behaviour. It serves others from the start: a node that waits for proof that it can be reached never
/// becomes part of the table, and with few nodes the table stays empty.
pub(crate) fn behaviour(local: PeerId, names: &Names) -> Kad {
    let mut config = kad::Config::new(names.kad());
    config
        .set_query_timeout(QUERY_DEADLINE)
        .set_record_filtering(StoreInserts::FilterBoth)
        .set_provider_record_ttl(Some(PROVIDER_TTL))
        .set_provider_publication_interval(Some(PROVIDER_RENEWAL))
        .set_replication_interval(None)
        .set_publication_interval(None)
        .set_periodic_bootstrap_interval(Some(REFRESH));
    let store = MemoryStoreConfig {
        max_records: 0,
        max_value_bytes: 0,
        max_provided_keys: 1,
        max_providers_per_key: MAX_PROVIDERS,
    };
    let mut kad = Kad::with_config(local, MemoryStore::with_config(local, store), config);
    kad.set_mode(Some(Mode::Server));
    kad
}

/// What this node does under its rendezvous key.
pub(crate) struct Rendezvous {
    key: RecordKey,
    local: PeerId,
    private_ok: bool,
    announced: Announced,
    lookup: Option<QueryId>,
    /// From where the kept providers announced themselves.
    origins: HashMap<PeerId, Range>,
}

/// Whether this node wants to be found.
enum Announced {
    No,
    /// Announced; when last, and whether somebody new was met since.
    Yes {
        at: Instant,
        again: bool,
    },
}

/// What a lookup has found so far.
pub(crate) struct Found {
    pub(crate) providers: Vec<(PeerId, Vec<Multiaddr>)>,
    pub(crate) done: bool,
}

impl Rendezvous {
    pub(crate) fn new(key: RecordKey, local: PeerId, private_ok: bool) -> Self {
        Self { key, local, private_ok, announced: Announced::No, lookup: None, origins: HashMap::new() }
    }

    /// Announces this node.
    pub(crate) fn announce(&mut self, now: Instant, kad: &mut Kad) -> Result<(), String> {
        self.announced = Announced::Yes { at: now, again: false };
        kad.start_providing(self.key.clone()).map(|_| ()).map_err(|error| error.to_string())
    }

    /// Somebody new can be told.
    pub(crate) fn met_somebody(&mut self) {
        if let Announced::Yes { again, .. } = &mut self.announced {
            *again = true;
        }
    }

    /// Announces again, some time after somebody new was met.
    pub(crate) fn tick(&mut self, now: Instant, kad: &mut Kad) -> Result<(), String> {
        match self.announced {
            Announced::Yes { at, again: true } if at + ANNOUNCE_PAUSE <= now => self.announce(now, kad),
            _ => Ok(()),
        }
    }

    /// Others keep the record until it expires; this node does not renew it.
    pub(crate) fn stop(&mut self, kad: &mut Kad) {
        self.announced = Announced::No;
        kad.stop_providing(&self.key);
    }

    /// Starts a lookup unless one is under way.
    pub(crate) fn look_up(&mut self, kad: &mut Kad) {
        if self.lookup.is_none() {
            self.lookup = Some(kad.get_providers(self.key.clone()));
        }
    }

    /// Stores a provider record that a stranger sent from `from`, if it is of this key, says where its sender is, and
    /// there is room: one place is always left for this node's own record.
    pub(crate) fn store(&mut self, kad: &mut Kad, mut record: ProviderRecord, from: Option<Range>) -> bool {
        if record.key != self.key || address::peer_key(&record.provider).is_none() {
            return false;
        }
        record.addresses = address::usable_of(&record.provider, &record.addresses, self.private_ok);
        if record.addresses.is_empty() {
            return false;
        }
        let store = kad.store_mut();
        let now = StdInstant::now();
        // The store takes nobody when it is full, so those who are gone must leave first.
        for old in store.providers(&self.key).into_iter().filter(|old| old.is_expired(now)) {
            store.remove_provider(&self.key, &old.provider);
        }
        let kept: Vec<PeerId> = store.providers(&self.key).into_iter().map(|kept| kept.provider).collect();
        self.origins.retain(|peer, _| kept.contains(peer));
        if !kept.contains(&record.provider) {
            let strangers = kept.iter().filter(|peer| **peer != self.local).count();
            let neighbours = self.origins.values().filter(|origin| Some(**origin) == from).count();
            let crowded = !self.private_ok && (from.is_none() || neighbours >= MAX_PROVIDERS_PER_RANGE);
            if strangers >= MAX_PROVIDERS - 1 || crowded {
                return false;
            }
        }
        if let Some(from) = from {
            self.origins.entry(record.provider).or_insert(from);
        }
        store.add_provider(record).is_ok()
    }

    /// What a step of a query means, if it is the lookup.
    pub(crate) fn progressed(
        &mut self,
        kad: &mut Kad,
        id: QueryId,
        result: &kad::QueryResult,
        last: bool,
    ) -> Option<Found> {
        if self.lookup != Some(id) {
            return None;
        }
        let mut providers = Vec::new();
        if let kad::QueryResult::GetProviders(Ok(kad::GetProvidersOk::FoundProviders { providers: ids, .. })) = result {
            let mut stored: HashMap<PeerId, Vec<Multiaddr>> =
                kad.store_mut().providers(&self.key).into_iter().map(|p| (p.provider, p.addresses)).collect();
            let strangers = ids.iter().filter(|peer| **peer != self.local && address::peer_key(peer).is_some());
            for peer in strangers.take(MAX_PROVIDERS_PER_ANSWER) {
                let mut known = stored.remove(peer).unwrap_or_default();
                known.extend(addresses_of(kad, *peer));
                providers.push((*peer, address::usable_of(peer, &known, self.private_ok)));
            }
        }
        if last {
            self.lookup = None;
        }
        Some(Found { providers, done: last })
    }
}

/// Adds addresses of a peer to the routing table without letting its list grow.
pub(crate) fn add_addresses(kad: &mut Kad, peer: &PeerId, addresses: &[Multiaddr]) {
    let key = kad::KBucketKey::from(*peer);
    let known = kad
        .kbucket(*peer)
        .and_then(|bucket| bucket.iter().find(|entry| *entry.node.key == key).map(|entry| entry.node.value.len()))
        .unwrap_or(0);
    for address in addresses.iter().take(MAX_ADDRESSES_PER_PEER.saturating_sub(known)) {
        kad.add_address(peer, address.clone());
    }
}

/// Peers in the routing table.
pub(crate) fn known_peers(kad: &mut Kad) -> usize {
    kad.kbuckets().map(|bucket| bucket.num_entries()).sum()
}

/// What the routing table and the queries under way know of a peer's addresses. The library tells them only to whoever
/// is about to dial, and forgets those of a query when it ends; so it is asked as if for a dial.
fn addresses_of(kad: &mut Kad, peer: PeerId) -> Vec<Multiaddr> {
    let unused = ConnectionId::new_unchecked(usize::MAX);
    kad.handle_pending_outbound_connection(unused, Some(peer), &[], Endpoint::Dialer).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::rendezvous_key;
    use ledger::BlockId;

    fn node() -> PeerId {
        crate::Keypair::generate_ed25519().public().to_peer_id()
    }

    fn setup(private_ok: bool) -> (Rendezvous, Kad, RecordKey) {
        let (local, chain) = (node(), BlockId([7; 32]));
        let key = rendezvous_key("test", &chain);
        (Rendezvous::new(key.clone(), local, private_ok), behaviour(local, &Names::new(&chain)), key)
    }

    fn record(key: &RecordKey, provider: PeerId, address: &str) -> ProviderRecord {
        let mut record = ProviderRecord::new(key.clone(), provider, vec![address.parse().unwrap()]);
        record.expires = Some(StdInstant::now() + PROVIDER_TTL);
        record
    }

    fn range(n: u8) -> Option<Range> {
        Range::of(&format!("/ip4/1.1.{n}.1/tcp/1").parse().unwrap())
    }

    #[test]
    fn p06_records_of_foreign_keys_are_not_stored_and_the_own_announcement_works() {
        let (mut rendezvous, mut kad, key) = setup(false);
        for n in 0..1_100_u32 {
            let foreign = RecordKey::new(&n.to_le_bytes());
            assert!(!rendezvous.store(&mut kad, record(&foreign, node(), "/ip4/8.8.8.8/tcp/1"), range(1)));
        }
        rendezvous.announce(Instant::now(), &mut kad).unwrap();
        assert_eq!(kad.store_mut().providers(&key).len(), 1);
    }

    #[test]
    fn p06_the_own_record_is_never_crowded_out() {
        let (mut rendezvous, mut kad, key) = setup(true);
        let stored = (0..2 * MAX_PROVIDERS)
            .filter(|_| rendezvous.store(&mut kad, record(&key, node(), "/ip4/10.0.0.1/tcp/1"), range(1)))
            .count();
        assert_eq!(stored, MAX_PROVIDERS - 1);
        rendezvous.announce(Instant::now(), &mut kad).unwrap();
        let kept = kad.store_mut().providers(&key);
        assert!(kept.len() == MAX_PROVIDERS && kept.iter().any(|kept| kept.provider == rendezvous.local));
        assert_eq!(rendezvous.origins.len(), MAX_PROVIDERS - 1);
    }

    #[test]
    fn p07_twenty_five_fake_providers_from_one_place_leave_room_and_expired_ones_make_room() {
        let (mut rendezvous, mut kad, key) = setup(false);
        let fakes: Vec<PeerId> = (0..25).map(|_| node()).collect();
        let stored = fakes.iter().enumerate().filter(|(n, fake)| {
            // What they claim costs them nothing; from where they come does.
            let claim = format!("/ip4/8.8.{n}.8/tcp/1");
            rendezvous.store(&mut kad, record(&key, **fake, &claim), range(8))
        });
        assert_eq!(stored.count(), MAX_PROVIDERS_PER_RANGE);
        assert!(rendezvous.store(&mut kad, record(&key, fakes[0], "/ip4/8.8.8.8/tcp/2"), range(8)), "they may renew");
        let real = node();
        assert!(rendezvous.store(&mut kad, record(&key, real, "/ip4/9.9.9.9/tcp/1"), range(9)));
        assert!(kad.store_mut().providers(&key).iter().any(|p| p.provider == real));

        let (mut rendezvous, mut kad, key) = setup(false);
        for _ in 0..MAX_PROVIDERS {
            let mut old = record(&key, node(), "/ip4/8.8.8.8/tcp/1");
            old.expires = Some(StdInstant::now());
            kad.store_mut().add_provider(old).unwrap();
        }
        rendezvous.store(&mut kad, record(&key, real, "/ip4/9.9.9.9/tcp/1"), range(9));
        let kept: Vec<PeerId> = kad.store_mut().providers(&key).iter().map(|p| p.provider).collect();
        assert_eq!(kept, vec![real]);
    }

    #[test]
    fn p09_a_record_without_a_usable_address_is_not_stored() {
        let (mut rendezvous, mut kad, key) = setup(false);
        assert!(!rendezvous.store(&mut kad, record(&key, node(), "/ip4/10.0.0.1/tcp/22"), range(1)));
        let (mut rendezvous, mut kad, key) = setup(true);
        assert!(rendezvous.store(&mut kad, record(&key, node(), "/ip4/10.0.0.1/tcp/22"), range(1)));
    }

    #[test]
    fn p09_of_a_record_with_a_hundred_addresses_of_victims_ten_are_kept() {
        let (mut rendezvous, mut kad, key) = setup(false);
        let mut crowd = record(&key, node(), "/ip4/8.8.8.8/tcp/1");
        crowd.addresses = (1..=100).map(|n| format!("/ip4/9.9.9.{n}/tcp/22").parse().unwrap()).collect();
        assert!(rendezvous.store(&mut kad, crowd, range(1)));
        assert_eq!(kad.store_mut().providers(&key)[0].addresses.len(), MAX_ADDRESSES_PER_PEER);
    }

    #[test]
    fn a_peer_has_at_most_ten_addresses_in_the_table_however_often_it_tells_new_ones() {
        let (_, mut kad, _) = setup(true);
        let peer = node();
        for port in 1..100 {
            let told: Multiaddr = format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap();
            add_addresses(&mut kad, &peer, &[told]);
        }
        assert_eq!(addresses_of(&mut kad, peer).len(), MAX_ADDRESSES_PER_PEER);
        assert_eq!(known_peers(&mut kad), 1);
    }

    #[test]
    fn a_new_acquaintance_causes_one_announcement_after_a_pause_and_none_before_the_first() {
        let (mut rendezvous, mut kad, key) = setup(true);
        let start = Instant::now();
        rendezvous.met_somebody();
        rendezvous.tick(start, &mut kad).unwrap();
        assert_eq!(kad.store_mut().providers(&key).len(), 0, "nothing is announced unasked");
        rendezvous.announce(start, &mut kad).unwrap();
        let queries = kad.iter_queries().count();
        rendezvous.met_somebody();
        rendezvous.met_somebody();
        rendezvous.tick(start + ANNOUNCE_PAUSE / 2, &mut kad).unwrap();
        assert_eq!(kad.iter_queries().count(), queries);
        rendezvous.tick(start + ANNOUNCE_PAUSE, &mut kad).unwrap();
        rendezvous.tick(start + ANNOUNCE_PAUSE * 3, &mut kad).unwrap();
        assert_eq!(kad.iter_queries().count(), queries + 1);
    }
}

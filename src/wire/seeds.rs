//! Nodes that the name service lists: the TXT records `dnsaddr=…` under `_dnsaddr.` and the name of a seed.
//!
//! A lookup has a deadline, and its answer is cut: only entries that name a peer and a usable address count, and one
//! that leads to another name is not followed. Whoever runs the seed is believed no more than any other stranger.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use libp2p::{Multiaddr, PeerId};
use tokio::time::timeout;

use crate::address;
use crate::limits::{MAX_SEED_ADDRESSES, MAX_SEED_LOOKUPS, SEED_DEADLINE};

/// Lookups under way.
pub(crate) struct Seeds {
    servers: Vec<SocketAddr>,
    private_ok: bool,
    deadline: Duration,
    names: HashSet<String>,
    lookups: FuturesUnordered<BoxFuture<'static, Answer>>,
}

/// How a lookup ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) name: String,
    pub(crate) found: Vec<(PeerId, Vec<Multiaddr>)>,
    pub(crate) error: Option<String>,
}

impl Seeds {
    pub(crate) fn new(servers: Vec<SocketAddr>, private_ok: bool) -> Self {
        Self { servers, private_ok, deadline: SEED_DEADLINE, names: HashSet::new(), lookups: FuturesUnordered::new() }
    }

    /// Starts a lookup, unless that name is looked up already. At once answered when there are too many.
    pub(crate) fn resolve(&mut self, name: String) -> Option<Answer> {
        if self.names.contains(&name) {
            return None;
        }
        if self.names.len() == MAX_SEED_LOOKUPS {
            let error = Some("too many names are looked up at once; it is asked again later".into());
            return Some(Answer { name, found: Vec::new(), error });
        }
        self.names.insert(name.clone());
        let (servers, private_ok, deadline) = (self.servers.clone(), self.private_ok, self.deadline);
        let lookup = async move {
            let result = match timeout(deadline, texts(&name, &servers)).await {
                Ok(Ok(texts)) => Ok(entries(&texts, private_ok)),
                Ok(Err(reason)) => Err(reason),
                Err(_) => Err("the name service does not answer".into()),
            };
            let error = match &result {
                Ok(found) if found.is_empty() => Some(format!("_dnsaddr.{name} lists no usable address of a peer")),
                Ok(_) => None,
                Err(reason) => Some(reason.clone()),
            };
            Answer { name, found: result.unwrap_or_default(), error }
        };
        self.lookups.push(lookup.boxed());
        None
    }

    /// The next lookup that ends; never while none is under way.
    pub(crate) async fn next(&mut self) -> Answer {
        match self.lookups.next().await {
            Some(answer) => {
                self.names.remove(&answer.name);
                answer
            }
            None => std::future::pending().await,
        }
    }
}

/// The texts under a name.
async fn texts(name: &str, servers: &[SocketAddr]) -> Result<Vec<String>, String> {
    let resolver = resolver(servers).map_err(|error| format!("the name service cannot be used: {error}"))?;
    // With a dot at its end a name is asked for as it is, without the search list of this machine.
    let question = format!("_dnsaddr.{}.", name.trim_end_matches('.'));
    let answer = resolver.txt_lookup(question).await.map_err(|error| error.to_string())?;
    let text = |data: &RData| match data {
        RData::TXT(text) => String::from_utf8(text.txt_data.concat()).ok(),
        _ => None,
    };
    Ok(answer.answers().iter().filter_map(|record| text(&record.data)).collect())
}

fn resolver(servers: &[SocketAddr]) -> Result<TokioResolver, hickory_resolver::net::NetError> {
    let builder = if servers.is_empty() {
        TokioResolver::builder_tokio()?
    } else {
        let at = |server: &SocketAddr| {
            let mut config = NameServerConfig::udp_and_tcp(server.ip());
            config.connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].into();
            config.connections.iter_mut().for_each(|connection| connection.port = server.port());
            config
        };
        let config = ResolverConfig::from_parts(None, Vec::new(), servers.iter().map(at).collect());
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
    };
    builder.build()
}

/// The peers and usable addresses that the texts name, at most [`MAX_SEED_ADDRESSES`].
fn entries(texts: &[String], private_ok: bool) -> Vec<(PeerId, Vec<Multiaddr>)> {
    let mut found: Vec<(PeerId, Vec<Multiaddr>)> = Vec::new();
    let addresses = texts.iter().filter_map(|text| text.strip_prefix("dnsaddr=")?.parse::<Multiaddr>().ok());
    let named = addresses.filter_map(|address| {
        let peer = address::named_peer(&address).filter(|peer| address::peer_key(peer).is_some())?;
        let address = address::usable_of(&peer, [&address], private_ok).pop()?;
        Some((peer, address))
    });
    for (peer, address) in named.take(MAX_SEED_ADDRESSES) {
        match found.iter_mut().find(|(known, _)| *known == peer) {
            Some((_, addresses)) => addresses.push(address),
            None => found.push((peer, vec![address])),
        }
    }
    found
}

#[cfg(test)]
#[path = "seeds_tests.rs"]
mod tests;

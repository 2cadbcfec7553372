//! How much each client has open at once: so that no single one keeps all others out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use ipnet::IpNet;

/// Bits of an IPv6 address that name a client: a household or a host has all addresses below them.
const V6_PREFIX: u8 = 64;

/// Counts what clients have open. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Visitors(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Of one client.
    each: usize,
    /// Of all together.
    all: usize,
    /// Whose connections carry the requests of many.
    exempt: Vec<IpNet>,
    /// At most as many entries as there are slots.
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// One thing that a client has open; dropped when it ends.
#[derive(Debug)]
pub struct Slot {
    client: IpAddr,
    visitors: Visitors,
}

impl Visitors {
    /// At most `each` for one client and `all` together; for the proxies of `exempt` only the latter.
    pub fn new(each: usize, all: usize, exempt: Vec<IpNet>) -> Self {
        Self(Arc::new(Inner { each, all, exempt, open: Mutex::default() }))
    }

    /// A slot for a client; none if it has enough, or all together.
    pub fn enter(&self, client: IpAddr) -> Option<Slot> {
        let client = client.to_canonical();
        let each = if self.0.exempt.iter().any(|net| net.contains(&client)) { self.0.all } else { self.0.each };
        let client = prefix(client);
        let mut open = self.open();
        let (own, all) = (open.get(&client).copied().unwrap_or(0), open.values().sum::<usize>());
        if own >= each || all >= self.0.all {
            return None;
        }
        open.insert(client, own + 1);
        Some(Slot { client, visitors: self.clone() })
    }

    fn open(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, usize>> {
        // Nothing under the lock panics half way.
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.visitors.open();
        match open.get_mut(&self.client) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.remove(&self.client)),
        }
    }
}

fn prefix(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(_) => client,
        IpAddr::V6(_) => IpNet::new(client, V6_PREFIX).map_or(client, |net| net.network()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a04_no_client_takes_more_than_its_share_and_all_together_no_more_than_there_is() {
        let visitors = Visitors::new(2, 5, vec!["10.0.0.0/8".parse().unwrap()]);
        let mut held: Vec<_> = (0..2).map(|_| visitors.enter(ip("192.0.2.1")).unwrap()).collect();
        assert!(visitors.enter(ip("192.0.2.1")).is_none());
        assert!(visitors.enter(ip("::ffff:192.0.2.1")).is_none(), "the same client");
        held.push(visitors.enter(ip("2001:db8::1")).unwrap());
        held.push(visitors.enter(ip("2001:db8::2:2")).unwrap());
        assert!(visitors.enter(ip("2001:db8::3:3:3")).is_none(), "the same network");
        held.push(visitors.enter(ip("10.0.0.1")).unwrap());
        assert!(visitors.enter(ip("10.0.0.1")).is_none(), "all are taken");
        held.clear();
        let proxied: Vec<_> = (0..5).map(|_| visitors.enter(ip("10.0.0.1")).unwrap()).collect();
        assert_eq!(visitors.open().len(), 1);
        drop(proxied);
        assert!(visitors.open().is_empty(), "nobody is remembered");
    }
}

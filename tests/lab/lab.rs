//! A laboratory: hosts, the switch between them, and nodes on them.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::harness::{Net, Node};
use crate::plain;
use crate::space::{Family, Space, sweep};
use crate::switch::{Line, Switch};

/// A laboratory. Its fields end in this order: nodes, hosts, switch.
pub struct Lab {
    /// The network of its nodes.
    pub net: Net,
    hosts: BTreeMap<String, Space>,
    /// What joins its hosts.
    pub switch: Switch,
}

impl Lab {
    /// A laboratory for the nodes of `net`; none, and a line that says why, where this machine allows none.
    pub fn open(net: Net) -> Option<Self> {
        Self::open_for(net, Family::V4)
    }

    /// The same, if hosts may have such addresses.
    pub fn open_for(net: Net, family: Family) -> Option<Self> {
        sweep();
        match Space::new(family) {
            Ok(_) => {
                println!("BARRELEYE_SEED={}", net.seed);
                let switch = Switch::new(net.seed);
                Some(Self { net, hosts: BTreeMap::new(), switch })
            }
            Err(why) => {
                println!("skipped: network namespaces are not allowed here: {why}");
                None
            }
        }
    }

    /// The node with this name, on a host of its own with an IPv4 address.
    pub fn node(&mut self, name: &str) -> Node {
        self.node_with(name, Family::V4)
    }

    /// The same on a host with such addresses.
    pub fn node_with(&mut self, name: &str, family: Family) -> Node {
        if !self.hosts.contains_key(name) {
            let (host, device) = Space::new(family).expect("one could be made a moment ago");
            self.switch.join(&host.addresses(), device);
            self.hosts.insert(name.into(), host);
        }
        self.net.node_at(name, &self.hosts[name].place())
    }

    /// The addresses of a node's host.
    pub fn addresses(&self, node: &Node) -> Vec<IpAddr> {
        self.hosts[node.name()].addresses()
    }

    /// Gives connections of a node's host, before it starts, little room for what is not acknowledged yet: a few seconds
    /// of trade fill it.
    pub fn small_buffers(&self, node: &Node) {
        self.hosts[node.name()].set("net/ipv4/tcp_wmem", "4096 8192 8192").expect("every host has that number");
    }

    /// The lines between these nodes and those are like this, or like all others again.
    pub fn line(&self, these: &[Node], those: &[Node], line: Option<Line>) {
        for one in these {
            for other in those {
                self.switch.set(one.ip(), other.ip(), line);
            }
        }
    }

    /// How many bytes a second a connection of plain TCP carries from one node's host to another's, on average over so
    /// long.
    pub fn plain_tcp(&self, from: &Node, to: &Node, time: Duration) -> u64 {
        plain::bytes_a_second(&self.hosts[from.name()], &self.hosts[to.name()], time)
    }

    /// Says what the lines and the nodes' TCP have done since `began`.
    pub fn report(&self, began: Instant) {
        println!("after {:.1?}: {:?}", began.elapsed(), self.switch.count());
        for node in self.net.nodes() {
            let [sent, again] = segments(&node).unwrap_or_default();
            println!("{}: {sent} TCP segments sent, {again} of them again", node.name());
        }
    }
}

/// TCP segments that the host of a node has sent, and sent again.
fn segments(node: &Node) -> Option<[u64; 2]> {
    let table = fs::read_to_string(format!("/proc/{}/net/snmp", node.process_id())).ok()?;
    let mut lines = table.lines().filter_map(|line| line.strip_prefix("Tcp:"));
    let (names, values) = (lines.next()?, lines.next()?);
    let value = |wanted| {
        let (_, value) = names.split_whitespace().zip(values.split_whitespace()).find(|(name, _)| *name == wanted)?;
        value.parse().ok()
    };
    Some([value("OutSegs")?, value("RetransSegs")?])
}

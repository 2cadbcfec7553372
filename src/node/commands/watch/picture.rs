//! What the view shows: a node at one moment, and what it did since the moment before.

use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;

use client::{BlockSummary, Blocks, Client, Status};
use serde_json::Value;

use crate::cli::AdminArgs;
use crate::commands::node::Operator;
use crate::commands::print;
use crate::failure::Failure;
use crate::prepare::HTTP_ADDRESS;

/// Blocks that are shown.
const BLOCKS: usize = 8;

/// Whom to ask: the operator's interface, and the public one if there is one.
pub struct Source {
    operator: Operator,
    public: Option<Client>,
    before: Option<(Instant, BTreeMap<String, u64>)>,
}

/// A node at one moment.
#[derive(Default)]
pub struct Picture {
    pub status: Option<Status>,
    pub actors: Vec<Actor>,
    pub peers: Vec<Peer>,
    pub blocks: Vec<BlockSummary>,
}

/// One actor.
#[derive(Debug, Clone, PartialEq)]
pub struct Actor {
    pub name: String,
    /// The name of its state, and what the state holds.
    pub state: String,
    pub data: String,
    pub since_s: u64,
    pub queued: u64,
    pub capacity: u64,
    /// Messages a second since the picture before.
    pub rate: f64,
    pub dropped: u64,
    pub last_error: Option<String>,
}

/// One peer.
#[derive(Debug, Clone, PartialEq)]
pub struct Peer {
    pub id: String,
    pub outbound: bool,
    pub state: String,
    pub height: String,
    pub since_s: u64,
    pub agent: String,
}

impl Source {
    /// The node whose data directory the arguments name.
    pub fn of(args: &AdminArgs) -> Result<Self, Failure> {
        let public = fs::read_to_string(args.data_dir().join(HTTP_ADDRESS)).ok();
        let public = public.map(|address| Client::new(address.trim()));
        Ok(Self { operator: Operator::of(args)?, public, before: None })
    }

    /// The node as it is now.
    pub fn picture(&mut self) -> Result<Picture, Failure> {
        let answer = self.operator.get("/admin/actors")?;
        let now = Instant::now();
        let before = self.before.take();
        let (mut actors, mut handled) = (Vec::new(), BTreeMap::new());
        for report in list(&answer, "actors") {
            let mut actor = actor(report);
            let total = sum(&report["handled"]);
            if let Some((at, counts)) = &before {
                let new = total.saturating_sub(counts.get(&actor.name).copied().unwrap_or(total));
                actor.rate = new as f64 / now.duration_since(*at).as_secs_f64().max(0.001);
            }
            handled.insert(actor.name.clone(), total);
            actors.push(actor);
        }
        self.before = Some((now, handled));
        let peers = self.operator.get("/admin/peers")?;
        // A node without its public interface shows its actors and peers all the same.
        let status = self.public.as_ref().and_then(|client| client.status().ok());
        let blocks = self.public.as_ref().and_then(|client| {
            let page: Blocks = client.read(&format!("/v1/blocks?limit={BLOCKS}")).ok()?;
            Some(page.blocks)
        });
        let peers = list(&peers, "peers").map(peer).collect();
        Ok(Picture { status, actors, peers, blocks: blocks.unwrap_or_default() })
    }
}

fn list<'a>(answer: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    answer[name].as_array().into_iter().flatten()
}

fn sum(counters: &Value) -> u64 {
    counters.as_object().into_iter().flat_map(|map| map.values()).filter_map(Value::as_u64).sum()
}

fn actor(report: &Value) -> Actor {
    let number = |place| report.pointer(place).and_then(Value::as_u64).unwrap_or(0);
    let state = &report["state"];
    let data = state.as_object().and_then(|map| map.values().next());
    Actor {
        name: print::text(report, "/name"),
        state: print::variant(state),
        data: data.map(fields).unwrap_or_default(),
        since_s: number("/since_ms") / 1_000,
        queued: number("/mailbox/queued"),
        capacity: number("/mailbox/capacity"),
        rate: 0.0,
        dropped: sum(&report["dropped"]),
        last_error: report["last_error"].as_str().map(str::to_owned),
    }
}

/// The data of a state in a line.
fn fields(data: &Value) -> String {
    match data {
        Value::Object(map) => {
            let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            map.iter().map(|(name, value)| format!("{name} {}", plain(value))).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

fn peer(report: &Value) -> Peer {
    let text = |place| print::text(report, place);
    Peer {
        id: text("/id"),
        outbound: report["outbound"] == true,
        state: print::variant(&report["state"]),
        height: text("/state/Ready/greeting/tip/height"),
        since_s: report["since_ms"].as_u64().unwrap_or(0) / 1_000,
        agent: text("/state/Ready/greeting/agent"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_report_is_read_with_the_data_of_its_state() {
        let report = json!({
            "name": "miner", "state": {"Mining": {"height": 7, "hash_rate": 900}}, "since_ms": 3_500,
            "mailbox": {"queued": 2, "capacity": 64}, "handled": {"Tick": 5}, "dropped": {"Tick": 1, "Other": 2},
            "last_error": null,
        });
        let actor = actor(&report);
        assert_eq!((actor.state.as_str(), actor.data.as_str()), ("Mining", "hash_rate 900, height 7"));
        assert_eq!((actor.since_s, actor.queued, actor.capacity, actor.dropped), (3, 2, 64, 3));
    }
}

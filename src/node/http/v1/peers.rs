//! `/v1/peers`: the node's place in the network, without anybody's address.

use actix_web::get;
use actix_web::web::Json;
use client::{PeerDirection, PeerInfo, Peers};
use serde_json::Value;

use super::status::sync;
use super::{Answer, Problems, Shared};

/// Most bytes of what a peer says of itself that are passed on.
const MAX_AGENT: usize = 64;

/// Connected peers that passed the handshake. Their addresses are nobody's business.
#[utoipa::path(tag = "network", responses((status = 200, body = Peers, description = "who is connected"), Problems))]
#[get("/v1/peers")]
pub async fn get_peers(state: Shared) -> Answer<Peers> {
    let peers: Vec<PeerInfo> = state.node.peers().await.iter().filter_map(info).collect();
    let outbound = peers.iter().filter(|peer| peer.direction == PeerDirection::Out).count();
    Ok(Json(Peers {
        inbound: peers.len() - outbound,
        outbound,
        peers,
        sync: sync(&state.node.progress()),
        external: state.node.external(),
    }))
}

/// What the report of a peer's actor says; none before the handshake.
fn info(report: &Value) -> Option<PeerInfo> {
    let greeting = report.pointer("/state/Ready/greeting")?;
    let agent = greeting["agent"].as_str().unwrap_or_default().chars().filter(|c| !c.is_control()).take(MAX_AGENT);
    Some(PeerInfo {
        agent: agent.collect(),
        height: greeting.pointer("/tip/height")?.as_u64()?,
        direction: if report["outbound"] == true { PeerDirection::Out } else { PeerDirection::In },
        since_ms: report["since_ms"].as_u64().unwrap_or(0),
    })
}

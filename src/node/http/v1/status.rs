//! `/v1/status`: how the node is.

use actix_web::get;
use actix_web::web::Json;
use client::{PoolSize, Status, SyncState, TipInfo};
use ledger::Tip;
use machines::syncer::Progress;

use super::{Answer, Problems, Shared, State};

/// How the node is: its tip, its pool, its peers, and whether it can be relied on.
#[utoipa::path(tag = "node", responses((status = 200, body = Status, description = "how the node stands"), Problems))]
#[get("/v1/status")]
pub async fn get_status(state: Shared) -> Answer<Status> {
    let health = state.node.health();
    let snapshot = state.node.reader().snapshot()?;
    let (network, tip) = (state.node.network(), ledger::ChainSource::tip(&snapshot)?);
    Ok(Json(Status {
        version: env!("CARGO_PKG_VERSION").into(),
        network: network.spec.name.clone(),
        chain: network.chain,
        nonce_base: network.nonce_base.into(),
        tip: tip_info(&tip),
        transactions: snapshot.transaction_count()?,
        pool: pool_size(&state),
        peers: state.node.peer_count(),
        external: state.node.external(),
        sync: sync(&state.node.progress()),
        live: health.live,
        ready: health.ready,
        reasons: health.reasons,
    }))
}

/// The end of the chain.
pub fn tip_info(tip: &Tip) -> TipInfo {
    TipInfo { id: tip.id, height: tip.height, time: tip.time, work: tip.work }
}

/// How much waits.
pub fn pool_size(state: &State) -> PoolSize {
    let pool = state.node.pool();
    PoolSize { transactions: pool.len(), bytes: pool.bytes() }
}

/// How far a sync is.
pub fn sync(progress: &Progress) -> SyncState {
    let Progress { phase, height, target, done, total, per_second, remaining_s, sources } = *progress;
    SyncState { phase: phase.into(), height, target, done, total, per_second, remaining_s, sources }
}

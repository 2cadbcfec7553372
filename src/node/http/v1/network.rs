//! `/v1/network` and `/v1/supply`: the rules in numbers, and how many coins there are.

use actix_web::get;
use actix_web::web::Json;
use client::{Limits, NetworkInfo, Supply};
use ledger::{Amount, MAX_DATA_BYTES};

use super::{Answer, Problems, Shared};

/// Bytes of a native transfer without data: kind, key, receiver, amount, fee, nonce, length of the data, signature.
pub const TRANSFER_BYTES: usize = 1 + 33 + 20 + 8 + 8 + 8 + 4 + 64;

/// The network's rules in numbers.
#[utoipa::path(tag = "network", responses((status = 200, body = NetworkInfo, description = "the rules"), Problems))]
#[get("/v1/network")]
pub async fn get_network(state: Shared) -> Answer<NetworkInfo> {
    let network = state.node.network();
    let spec = &network.spec;
    Ok(Json(NetworkInfo {
        name: spec.name.clone(),
        chain: network.chain,
        genesis_time: spec.genesis_time_ms,
        interval_ms: spec.spacing_ms,
        response_ms: spec.response_ms,
        reward: spec.reward.into(),
        drops_per_barrel: Amount::BARREL.as_drops().into(),
        nonce_base: network.nonce_base.into(),
        minimum_fee: Amount::ZERO.into(),
        first_target: spec.first_target,
        easiest_target: spec.easiest_target,
        future_limit_ms: network.future_limit_ms(),
        limits: Limits {
            block_bytes: spec.max_block_bytes,
            block_transactions: spec.max_block_transactions,
            barreleye_bytes: spec.max_barreleye_bytes,
            data_bytes: MAX_DATA_BYTES,
            transfer_bytes: TRANSFER_BYTES,
        },
        miners: spec.miners.clone(),
        peers_to_mine: spec.hints.peers_to_mine,
        mint_only: spec.hints.mint_only,
    }))
}

/// How many coins there are at the tip.
#[utoipa::path(
    tag = "network",
    responses((status = 200, body = Supply, description = "the coins that exist"), Problems)
)]
#[get("/v1/supply")]
pub async fn get_supply(state: Shared) -> Answer<Supply> {
    let (spec, height) = (&state.node.network().spec, state.node.tip().height);
    // Rule N2: the opening balances and a billion rewards fit.
    let opening = spec.balances.iter().fold(0, |sum: u64, balance| sum.saturating_add(balance.amount.as_drops()));
    let issued = opening.saturating_add(spec.reward.as_drops().saturating_mul(height));
    Ok(Json(Supply {
        height,
        issued: Amount::drops(issued).into(),
        opening: Amount::drops(opening).into(),
        reward: spec.reward.into(),
        maximum: None,
    }))
}

//! The faucet for everybody: how it stands, work for it, claims; and the one path of the compatible interface.

use std::net::IpAddr;

use actix_web::web::{Json, Query};
use actix_web::{HttpRequest, HttpResponse, get, post};
use client::schema::AnyAddress;
use client::{FaucetBudget, FaucetChallenge, FaucetClaim, FaucetPayout, FaucetRefusal, FaucetState, FaucetStatus};
use ledger::{Address, Amount};
use machines::faucet::{ClaimError, Form, View, Work};
use serde::Deserialize;
use utoipa::IntoParams;

use super::body::{Fields, Received, hex_bytes, whole, without_prefix};
use super::compat::content_type;
use super::compat_json::{FaucetRequest, TransactionData, TransactionJson};
use super::problem::{Answer, Problem, Problems};
use super::reply::{Envelope, Refusal, Refusals, envelope};
use super::{Routes, Shared, State, client_address};
use crate::node_api::ClaimRefused;

/// The paths.
pub fn routes(app: &mut Routes) {
    app.service(get_faucet).service(get_faucet_challenge).service(claim_from_faucet).service(compat_faucet);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ForAccount {
    /// The account that a claim would be for.
    #[param(inline, value_type = Option<AnyAddress>)]
    address: Option<String>,
}

/// How the faucet stands for whoever asks: what a claim gets and costs, and what it would meet.
#[utoipa::path(
    tag = "faucet",
    params(ForAccount),
    responses((status = 200, body = FaucetStatus, description = "what a claim would meet now"), Problems)
)]
#[get("/v1/faucet")]
pub async fn get_faucet(state: Shared, request: HttpRequest, query: Query<ForAccount>) -> Answer<FaucetStatus> {
    let to = query.address.as_deref().map(address).transpose()?;
    let view = state.node.faucet(client_of(&state, &request)?, to).await?;
    Ok(Json(status(view)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ChallengeFor {
    /// The account that the claim is for.
    #[param(inline, value_type = AnyAddress)]
    address: String,
}

/// Work for a claim of this client for this account. It counts once and for five minutes.
#[utoipa::path(
    tag = "faucet",
    params(ChallengeFor),
    responses((status = 200, body = FaucetChallenge, description = "the work to do"), Problems)
)]
#[get("/v1/faucet/challenge")]
pub async fn get_faucet_challenge(
    state: Shared,
    request: HttpRequest,
    query: Query<ChallengeFor>,
) -> Answer<FaucetChallenge> {
    let to = address(&query.address)?;
    let challenge = state.node.challenge(to, client_of(&state, &request)?).await?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let expires = u64::try_from(now.as_millis()).unwrap_or(u64::MAX).saturating_add(challenge.left_ms);
    Ok(Json(FaucetChallenge {
        challenge: challenge.text,
        bits: challenge.bits,
        expires,
        expires_in_s: challenge.left_ms / 1000,
        algorithm: "sha256".into(),
    }))
}

/// Claims coins. The same claim again (same account and challenge; or, without a challenge, same account and client
/// within the interval) has the same answer. Refusals carry a `reason`: off, paused, syncing, busy, no_funds, budget,
/// bad_address, time_limit, range_limit, sufficient_balance, received_enough, denied, collector, work, challenge,
/// not_kept.
#[utoipa::path(
    tag = "faucet",
    request_body = FaucetClaim,
    responses((status = 202, body = FaucetPayout, description = "the payout waits for a block"), Problems)
)]
#[post("/v1/faucet/claims")]
pub async fn claim_from_faucet(state: Shared, request: HttpRequest, body: Received) -> Result<HttpResponse, Problem> {
    let claim: FaucetClaim = serde_json::from_slice(&whole(body)?).map_err(Problem::malformed)?;
    let work = match (claim.challenge, claim.solution) {
        (Some(challenge), solution) => Some(Work::new(challenge, solution.map(|number| number.0))),
        (None, Some(_)) => return Err(Problem::malformed("a solution needs its challenge: send both")),
        (None, None) => None,
    };
    let paid = state.node.claim(claim.address, client_of(&state, &request)?, Form::Native(work)).await?;
    let transaction = paid.payout.transaction();
    Ok(HttpResponse::Accepted().json(FaucetPayout {
        claim: paid.claim.into(),
        transaction: paid.payout.id(),
        amount: transaction.amount().into(),
        fee: transaction.fee().into(),
    }))
}

/// Asks the faucet to pay. There is no place for work here: when that is needed, this is refused.
#[utoipa::path(
    tag = "compatible",
    request_body = FaucetRequest,
    responses((status = 200, body = Envelope<TransactionData>, description = "the transaction"), Refusals)
)]
#[post("/faucet")]
pub async fn compat_faucet(state: Shared, request: HttpRequest, body: Received) -> HttpResponse {
    let claimed = async { claim(&state, &request, &whole(body)?).await };
    envelope(claimed.await.map(|transaction| TransactionData { transaction }))
}

async fn claim(state: &State, request: &HttpRequest, body: &[u8]) -> Result<TransactionJson, Refusal> {
    let fields = Fields::read(content_type(request), body, "dto.FaucetRequest")?;
    let text = without_prefix(&fields.text("accountAddress")?);
    let bytes = hex_bytes(&text).map_err(|error| Refusal::bad(format!("invalid AccountAddress {error}")))?;
    let to = Address(bytes.try_into().map_err(|_| Refusal::bad("invalid address length"))?);
    let client = client_of(state, request).map_err(|problem| Refusal::bad(&problem))?;
    match state.node.claim(to, client, Form::Compatible).await {
        Ok(paid) => Ok(TransactionJson::pending(&paid.payout)),
        Err(ClaimRefused::Unavailable(why)) => Err(Refusal::new(503, why).retry_after(1)),
        Err(ClaimRefused::Rule(error)) => {
            // The original answers what it refuses with 400.
            let status = match http_status(&error) {
                422 | 429 => 400,
                other => other,
            };
            let refusal = Refusal::new(status, &error);
            Err(match error.retry_after_s() {
                Some(seconds) => refusal.retry_after(seconds),
                None => refusal,
            })
        }
    }
}

/// Whose request this is.
fn client_of(state: &State, request: &HttpRequest) -> Result<IpAddr, Problem> {
    let client = client_address::of(request, &state.trusted_proxies);
    client.ok_or_else(|| Problem::malformed("the faucet needs to know the client's address"))
}

fn address(text: &str) -> Result<Address, Problem> {
    text.parse().map_err(Problem::malformed)
}

/// A view as it is sent.
pub fn status(view: View) -> FaucetStatus {
    let drops = |drops| Amount::drops(drops).into();
    FaucetStatus {
        on: view.state != "off",
        state: match view.state {
            "open" => FaucetState::Open,
            "closed" => FaucetState::Closed,
            "paused" => FaucetState::Paused,
            _ => FaucetState::Off,
        },
        account: view.account,
        amount: drops(view.price.map_or(0, |price| price.amount)),
        full_amount: view.full_amount.into(),
        interval_s: view.interval_ms / 1000,
        balance_limit: view.balance_limit.into(),
        account_limit: view.account_limit.into(),
        budget: FaucetBudget {
            left: drops(view.level.left),
            capacity: drops(view.level.capacity),
            refill_per_hour: drops(view.refill_per_hour),
            share_percent: view.share_percent,
        },
        work_bits: view.price.map_or(0, |price| price.bits),
        waiting: view.waiting,
        claims: view.claims,
        you: view.you.map(|error| FaucetRefusal {
            reason: error.reason().into(),
            retry_after_s: error.retry_after_s(),
            detail: error.to_string(),
        }),
    }
}

/// The status of a refusal.
fn http_status(error: &ClaimError) -> u16 {
    match error {
        ClaimError::Off | ClaimError::Denied | ClaimError::Collector { .. } => 403,
        ClaimError::TimeLimit { .. } | ClaimError::RangeLimit { .. } => 429,
        ClaimError::BadAddress
        | ClaimError::SufficientBalance
        | ClaimError::ReceivedEnough { .. }
        | ClaimError::Work { .. }
        | ClaimError::Challenge => 422,
        ClaimError::Paused
        | ClaimError::Syncing
        | ClaimError::Busy
        | ClaimError::NoFunds
        | ClaimError::Budget { .. } => 503,
        ClaimError::NotKept(_) => 500,
    }
}

impl From<ClaimRefused> for Problem {
    fn from(refused: ClaimRefused) -> Self {
        let error = match refused {
            ClaimRefused::Unavailable(why) => {
                return Self::new(503, "/problems/unavailable", "Unavailable", why)
                    .because("unavailable")
                    .retry_after(1);
            }
            ClaimRefused::Rule(error) => error,
        };
        let problem = Self::new(http_status(&error), "/problems/faucet", "The faucet does not pay", &error);
        let problem = problem.because(error.reason());
        match error.retry_after_s() {
            Some(seconds) => problem.retry_after(seconds),
            None => problem,
        }
    }
}

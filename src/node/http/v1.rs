//! The native interface: exact amounts as decimal strings in drops, errors as `application/problem+json`.
//!
//! As much of it as the command line needs.

use actix_web::http::StatusCode;
use actix_web::web::{self, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use ledger::{Account, AccountSource, Address, Amount, ChainSource, Transaction, Transfer, TxId, ViewError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::StoreError;

use super::body::{Received, whole};
use super::reply::Refusal;
use super::{Shared, State};
use crate::native_transfer::{self, TransferJson};
use crate::node_api::Refused;

/// The paths under `/v1`.
pub fn routes(app: &mut ServiceConfig) {
    let get =
        |path: &str, route: actix_web::Route| web::resource(path).route(route).default_service(web::to(other_method));
    app.service(
        web::scope("/v1")
            .service(get("/status", web::get().to(status)))
            .service(get("/accounts/{address}", web::get().to(account)))
            .service(get("/transactions", web::post().to(post_transaction)))
            .service(get("/transactions/{id}", web::get().to(transaction)))
            .default_service(web::to(not_found)),
    );
}

/// Why a request is not granted (RFC 9457). The type is stable; the detail is for people.
#[derive(Debug, Serialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
}

impl Problem {
    /// A problem of `kind`, a path that names it for ever.
    pub fn new(status: u16, kind: &'static str, title: &'static str, detail: impl ToString) -> Self {
        Self { kind, title, status, detail: detail.to_string() }
    }

    /// The request has the wrong form.
    pub fn malformed(detail: impl ToString) -> Self {
        Self::new(400, "/problems/malformed", "Malformed request", detail)
    }

    /// What is asked for is not there.
    pub fn not_found(detail: impl ToString) -> Self {
        Self::new(404, "/problems/not-found", "Not found", detail)
    }

    /// The answer.
    pub fn reply(&self) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(self).unwrap_or_default();
        HttpResponse::build(status).content_type("application/problem+json").body(body)
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Invalid(why) => Self::new(422, "/problems/refused", "Refused", why),
            Refused::Known(why) => Self::new(409, "/problems/known", "Known already", why),
            Refused::Unavailable(why) => Self::new(503, "/problems/unavailable", "Unavailable", why),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal.status() {
            413 => Self::new(413, "/problems/too-large", "Body too large", refusal.message()),
            _ => Self::malformed(refusal.message()),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a read failed");
        Self::new(500, "/problems/storage", "Storage fault", error)
    }
}

impl From<ViewError> for Problem {
    fn from(error: ViewError) -> Self {
        tracing::error!(%error, "a read failed");
        Self::new(500, "/problems/storage", "Storage fault", error)
    }
}

/// `value`, or why not.
pub fn answer(result: Result<Value, Problem>) -> HttpResponse {
    match result {
        Ok(value) => HttpResponse::Ok().json(value),
        Err(problem) => problem.reply(),
    }
}

async fn not_found() -> HttpResponse {
    Problem::not_found("there is nothing at this path").reply()
}

async fn other_method(request: HttpRequest) -> HttpResponse {
    let detail = format!("{} is not possible here", request.method());
    Problem::new(405, "/problems/method", "Method not allowed", detail).reply()
}

async fn status(state: Shared) -> HttpResponse {
    let health = state.node.health().await;
    let find = || {
        let snapshot = state.node.reader().snapshot()?;
        let (tip, network, pool) = (snapshot.tip()?, state.node.network(), state.node.pool());
        Ok(json!({
            "version": env!("CARGO_PKG_VERSION"),
            "network": network.spec.name,
            "chain": network.chain,
            "nonce_base": network.nonce_base.to_string(),
            "tip": { "id": tip.id, "height": tip.height, "time": tip.time, "work": tip.work },
            "transactions": snapshot.transaction_count()?,
            "pool": { "transactions": pool.len(), "bytes": pool.bytes() },
            "peers": state.node.peer_count(),
            "external": state.node.external(),
            "sync": state.node.progress(),
            "live": health.live,
            "ready": health.ready,
            "reasons": health.reasons,
        }))
    };
    answer(find())
}

async fn account(state: Shared, path: Path<String>) -> HttpResponse {
    let find = || {
        let address: Address = path.parse().map_err(Problem::malformed)?;
        let snapshot = state.node.reader().snapshot()?;
        let base = state.node.network().nonce_base;
        let stored = snapshot.account(&address)?;
        let account = stored.unwrap_or(Account { balance: Amount::ZERO, nonce: base });
        let next_nonce = state.node.pool().next_nonce(&address).unwrap_or(account.nonce);
        Ok(json!({
            "address": address,
            "exists": stored.is_some(),
            "balance": drops(account.balance),
            "nonce": account.nonce.to_string(),
            "sequence": account.nonce.saturating_sub(base),
            "next_nonce": next_nonce.to_string(),
        }))
    };
    answer(find())
}

async fn transaction(state: Shared, path: Path<String>) -> HttpResponse {
    let find = || {
        let id: TxId = path.parse().map_err(Problem::malformed)?;
        let snapshot = state.node.reader().snapshot()?;
        if let Some(found) = snapshot.transaction(&id)? {
            let confirmations = snapshot.tip()?.height.saturating_sub(found.height) + 1;
            let block = json!({ "id": found.block, "height": found.height, "index": found.index, "time": found.time });
            return Ok(transaction_json(&found.transaction, id, block, confirmations));
        }
        let waiting = state.node.pool().get(&id).ok_or_else(|| Problem::not_found(format!("no transaction {id}")))?;
        Ok(transaction_json(waiting.transaction(), id, Value::Null, 0))
    };
    answer(find())
}

async fn post_transaction(state: Shared, body: Received) -> HttpResponse {
    let submitted = async { submit(&state, &whole(body)?).await };
    match submitted.await {
        Ok(value) => HttpResponse::Accepted().json(value),
        Err(problem) => problem.reply(),
    }
}

/// The two forms of a transfer.
#[derive(Deserialize)]
#[serde(untagged)]
enum Posted {
    Hex(HexForm),
    Json(TransferJson),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HexForm {
    hex: String,
}

async fn submit(state: &State, body: &[u8]) -> Result<Value, Problem> {
    let posted = serde_json::from_slice(body).map_err(|error| {
        Problem::malformed(format!("{error}: send from, to, amount, fee, nonce, data and signature, or hex"))
    })?;
    let transfer = match posted {
        Posted::Hex(form) => native_transfer::from_hex(&form.hex),
        Posted::Json(form) => Transfer::try_from(form),
    };
    let transfer = transfer.map_err(Problem::malformed)?;
    let id = transfer.id(&state.node.network().chain);
    let confirmed = state.node.reader().snapshot()?.transaction(&id)?.is_some();
    // Whoever heard no answer may post again: the same transaction is the same success.
    if !confirmed {
        match state.node.submit(Transaction::Transfer(transfer)).await {
            Ok(_) | Err(Refused::Known(_)) => {}
            Err(refused) => return Err(refused.into()),
        }
    }
    Ok(json!({ "id": id }))
}

fn transaction_json(tx: &Transaction, id: TxId, block: Value, confirmations: u64) -> Value {
    let (kind, from, signer, data) = match tx {
        Transaction::Transfer(tx) => {
            ("transfer", tx.from.address().unwrap_or(Address::ZERO), tx.from, hex::encode(&tx.data))
        }
        Transaction::Barreleye(tx) => ("barreleye", tx.from, tx.signer, hex::encode([tx.data])),
    };
    json!({
        "id": id,
        "kind": kind,
        "from": from,
        "to": tx.to(),
        "amount": drops(tx.amount()),
        "fee": drops(tx.fee()),
        "nonce": tx.nonce().to_string(),
        "data": data,
        "signer": signer,
        "signature": tx.signature(),
        "block": block,
        "confirmations": confirmations,
    })
}

fn drops(amount: Amount) -> String {
    amount.as_drops().to_string()
}

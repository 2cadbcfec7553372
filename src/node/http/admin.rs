//! The operator's interface: every actor's state, peers, the miner, the log.
//!
//! It stays on this machine. Whoever may read the cookie file is the operator; a web page that talks a browser into
//! asking is not, so `Host` and `Origin` are checked too.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{Error, HttpResponse};
use libp2p::Multiaddr;
use machines::PeerId;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use super::body::{Received, whole};
use super::problem::Problem;
use super::{Shared, chain_admin, faucet_admin, metrics};
use crate::logging::LogControl;
use crate::node_api::{MinerOrder, Refused};

/// Wrong tokens within [`WINDOW`] after which nobody learns any more whether a token was wrong or late. The right
/// token always passes.
const MAX_FAILURES: u32 = 10;
/// See [`MAX_FAILURES`].
const WINDOW: Duration = Duration::from_secs(10);

/// What the admin listener knows beyond the node.
pub struct Operator {
    token: String,
    log: LogControl,
    failures: Mutex<(Instant, u32)>,
}

impl Operator {
    /// Lets in whoever has `token`.
    pub fn new(token: String, log: LogControl) -> Self {
        Self { token, log, failures: Mutex::new((Instant::now(), 0)) }
    }

    fn knows(&self, given: &str) -> bool {
        given.as_bytes().ct_eq(self.token.as_bytes()).into()
    }

    /// Counts a wrong token; whether there were too many of late.
    fn failed(&self) -> bool {
        // A poisoned count is still a count.
        let mut failures = self.failures.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if failures.0.elapsed() > WINDOW {
            *failures = (Instant::now(), 0);
        }
        failures.1 += 1;
        if failures.1 == 1 || failures.1 == MAX_FAILURES {
            tracing::warn!(count = failures.1, "a request to the admin interface had no valid token");
        }
        failures.1 > MAX_FAILURES
    }
}

/// Everything on the admin listener but `/livez` and `/readyz`.
pub fn routes(app: &mut ServiceConfig) {
    app.service(web::resource("/metrics").route(web::get().to(metrics::page))).service(
        web::scope("/admin")
            .wrap(from_fn(authenticate))
            .route("/actors", web::get().to(actors))
            .route("/actors/{name}", web::get().to(actor))
            .route("/peers", web::get().to(peers))
            .route("/miner/pause", web::post().to(pause))
            .route("/miner/resume", web::post().to(resume))
            .route("/peers/ban", web::post().to(ban))
            .route("/peers/unban", web::post().to(unban))
            .route("/peers/dial", web::post().to(dial))
            .route("/mint", web::post().to(mint))
            .route("/log", web::put().to(log))
            .configure(chain_admin::routes)
            .configure(faucet_admin::routes)
            .default_service(web::to(nothing_here)),
    );
}

async fn nothing_here() -> HttpResponse {
    Problem::not_found("there is nothing at this path, or not with this method").reply()
}

async fn authenticate<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    let operator = request.app_data::<Data<Operator>>();
    if operator.is_some_and(|operator| operator.knows(given)) {
        return next.call(request).await;
    }
    let problem = match operator.is_some_and(|operator| operator.failed()) {
        true => Problem::new(429, "/problems/too-many", "Too many wrong tokens", "wait ten seconds"),
        false => {
            let detail = "send Authorization: Bearer with the token in admin.cookie of the data directory";
            Problem::new(401, "/problems/unauthorized", "No valid token", detail)
        }
    };
    Err(InternalError::from_response("", problem.reply()).into())
}

/// Refuses a browser that was led here by another site: the name in `Host` must be an address or localhost, and an
/// `Origin` must be that same place.
pub async fn same_place<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let text = |name| request.headers().get(name).map(|value| value.to_str().unwrap_or("?").to_owned());
    if is_same_place(text(header::HOST).as_deref(), text(header::ORIGIN).as_deref()) {
        return next.call(request).await;
    }
    let detail = "the admin interface answers only to its own address, not to names or other sites";
    let problem = Problem::new(403, "/problems/other-site", "Request of another site", detail);
    Err(InternalError::from_response("", problem.reply()).into())
}

fn is_same_place(host: Option<&str>, origin: Option<&str>) -> bool {
    let Some(host) = host else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    // A rebinding attack needs a name that the attacker controls; an address cannot be rebound.
    let known = bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok();
    known && origin.is_none_or(|origin| origin == format!("http://{host}"))
}

async fn actors(state: Shared) -> HttpResponse {
    answer(Ok(json!({ "actors": state.node.actors().await })))
}

async fn actor(state: Shared, name: Path<String>) -> HttpResponse {
    let found = state.node.actors().await.into_iter().find(|actor| actor["name"] == name.as_str());
    answer(found.ok_or_else(|| Problem::not_found(format!("there is no actor '{name}': see /admin/actors"))))
}

async fn peers(state: Shared) -> HttpResponse {
    answer(Ok(json!({ "peers": state.node.peers().await })))
}

async fn pause(state: Shared) -> HttpResponse {
    answer(state.node.miner(MinerOrder::Pause).await.map(|miner| json!({ "miner": miner })).map_err(Problem::from))
}

async fn resume(state: Shared) -> HttpResponse {
    answer(state.node.miner(MinerOrder::Resume).await.map(|miner| json!({ "miner": miner })).map_err(Problem::from))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PeerBody {
    peer: String,
}

async fn ban(state: Shared, body: Received) -> HttpResponse {
    answer(peer(body).and_then(|peer| done(state.node.ban(peer, true))))
}

async fn unban(state: Shared, body: Received) -> HttpResponse {
    answer(peer(body).and_then(|peer| done(state.node.ban(peer, false))))
}

fn peer(body: Received) -> Result<PeerId, Problem> {
    let body: PeerBody = read(body, "{\"peer\": \"12D3…\"}")?;
    let peer: Option<libp2p::PeerId> = body.peer.parse().ok();
    let peer = peer.and_then(|peer| PeerId::from_multihash(&peer.to_bytes()));
    peer.ok_or_else(|| Problem::malformed(format!("'{}' is no peer id: they begin with 12D3Koo", body.peer)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DialBody {
    address: String,
}

async fn dial(state: Shared, body: Received) -> HttpResponse {
    let address = move || {
        let body: DialBody = read(body, "{\"address\": \"/ip4/203.0.113.7/tcp/4100\"}")?;
        let address: Result<Multiaddr, _> = body.address.parse();
        address.map_err(|error| Problem::malformed(format!("'{}' is no multiaddress: {error}", body.address)))
    };
    answer(address().and_then(|address| done(state.node.dial(&address))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MintBody {
    blocks: u32,
}

async fn mint(state: Shared, body: Received) -> HttpResponse {
    let blocks = match read::<MintBody>(body, "{\"blocks\": 1}") {
        Ok(MintBody { blocks }) => blocks,
        Err(problem) => return problem.reply(),
    };
    answer(state.node.mint(blocks).await.map(|ids| json!({ "blocks": ids })).map_err(Problem::from))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogBody {
    filter: String,
}

async fn log(operator: Data<Operator>, body: Received) -> HttpResponse {
    let set = move || {
        let body: LogBody = read(body, "{\"filter\": \"debug\"}")?;
        operator.log.set(&body.filter).map_err(Problem::malformed)?;
        tracing::info!(filter = body.filter, "the log filter changed");
        Ok(json!({ "filter": body.filter }))
    };
    answer(set())
}

/// `value`, or why not.
fn answer(result: Result<Value, Problem>) -> HttpResponse {
    match result {
        Ok(value) => HttpResponse::Ok().json(value),
        Err(problem) => problem.reply(),
    }
}

/// A body of this shape, or what would do.
pub fn read<T: DeserializeOwned>(body: Received, example: &str) -> Result<T, Problem> {
    serde_json::from_slice(&whole(body)?).map_err(|error| Problem::malformed(format!("{error}: send {example}")))
}

fn done(result: Result<(), Refused>) -> Result<Value, Problem> {
    result.map(|()| json!({ "done": true })).map_err(Problem::from)
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn a13_only_addresses_and_localhost_are_this_place() {
        for host in ["127.0.0.1:9100", "127.0.0.1", "[::1]:9100", "localhost:9100", "192.168.1.2:80"] {
            assert!(is_same_place(Some(host), None), "{host}");
            assert!(is_same_place(Some(host), Some(&format!("http://{host}"))), "{host}");
        }
        for host in [None, Some("evil.example:9100"), Some("127.0.0.1.evil.example"), Some(""), Some("?")] {
            assert!(!is_same_place(host, None), "{host:?}");
        }
        for origin in ["http://evil.example", "null", "http://127.0.0.1:9000", "https://127.0.0.1:9100", ""] {
            assert!(!is_same_place(Some("127.0.0.1:9100"), Some(origin)), "{origin}");
        }
    }
}

//! What this interface is: the OpenAPI document, made of the handlers themselves, and what it says of paths and methods
//! that are not there.

use actix_web::dev::ResourceDef;
use actix_web::web::{self, Bytes, ServiceConfig};
use actix_web::{App, HttpRequest, HttpResponse};
use utoipa::OpenApi;
use utoipa::openapi::PathItem;
use utoipa_actix_web::AppExt;

use super::problem::{Problem, is_native};
use super::{Shared, reply, server};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Barreleye node",
        description = "The interface of a Barreleye node. Paths under `/v1` are native: amounts are decimal strings in \
                       drops (1 Barrel is 100000000 drops), nonces decimal strings, times unix milliseconds; errors are \
                       problem documents (RFC 9457). Paths at the root are compatible with the original Barreleye."
    ),
    tags(
        (name = "node", description = "This node"),
        (name = "network", description = "The network that it belongs to"),
        (name = "blocks", description = "Blocks and headers"),
        (name = "transactions", description = "Transactions, from the pool to the chain"),
        (name = "accounts", description = "Accounts and what happened to them"),
        (name = "pool", description = "What waits for a block"),
        (name = "search", description = "What a text names"),
        (name = "events", description = "What happens, as it happens"),
        (name = "faucet", description = "Coins for newcomers"),
        (name = "compatible", description = "As the original Barreleye answers")
    ),
    components(schemas(
        client::Problem,
        client::BlockEvent,
        client::LifeEvent,
        client::ReorganisationEvent,
        client::StatusEvent,
        reply::RefusalEnvelope,
        reply::Message
    ))
)]
struct Info;

/// The document, and the methods of each path.
pub struct Document {
    json: Bytes,
    paths: Vec<(ResourceDef, Vec<&'static str>)>,
}

impl Document {
    /// Asks every handler for its part.
    pub fn new() -> Self {
        let app = App::new().into_utoipa_app().openapi(Info::openapi()).configure(server::api_routes);
        let (_, document) = app.split_for_parts();
        let path = |(path, item): (&String, &PathItem)| (ResourceDef::new(path.as_str()), methods(item));
        let paths = document.paths.paths.iter().map(path).collect();
        // A document of texts always serialises.
        let json = serde_json::to_vec(&document).unwrap_or_default().into();
        Self { json, paths }
    }

    /// The document as it is sent.
    pub fn json(&self) -> Bytes {
        self.json.clone()
    }

    /// The methods that a path has; none if there is no such path.
    fn methods(&self, path: &str) -> Vec<&'static str> {
        let here = self.paths.iter().filter(|(pattern, _)| pattern.is_match(path));
        here.flat_map(|(_, methods)| methods.iter().copied()).collect()
    }
}

fn methods(item: &PathItem) -> Vec<&'static str> {
    let all = [("GET", &item.get), ("POST", &item.post), ("PUT", &item.put), ("DELETE", &item.delete)];
    all.into_iter().filter(|(_, operation)| operation.is_some()).map(|(name, _)| name).collect()
}

/// The document.
pub fn routes(app: &mut ServiceConfig) {
    app.service(
        web::resource("/v1/openapi.json").route(web::get().to(json)).default_service(web::to(reply::other_method)),
    );
}

async fn json(state: Shared) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(state.document.json())
}

/// What is said of a path that is not there, or not with this method: each interface in its own words.
pub async fn missing(state: Shared, request: HttpRequest) -> HttpResponse {
    let methods = state.document.methods(request.path()).join(", ");
    let mut answer = match (is_native(request.path()), methods.is_empty()) {
        (true, true) => return Problem::not_found("there is nothing at this path").reply(),
        (true, false) => {
            let detail = format!("{} is not possible here, only {methods}", request.method());
            Problem::new(405, "/problems/method", "Method not allowed", detail).reply()
        }
        (false, true) => return reply::not_found().await,
        (false, false) => return reply::other_method(request).await,
    };
    if let Ok(allow) = methods.parse() {
        answer.headers_mut().insert(actix_web::http::header::ALLOW, allow);
    }
    answer
}

//! Whether the node works: for supervisors (`/livez`), load balancers (`/readyz`) and people (`/healthz`).

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, HttpResponseBuilder};

use super::Shared;
use super::reply::other_method;

/// The two that are fine for everybody.
pub fn routes(app: &mut ServiceConfig) {
    app.service(web::resource("/livez").route(web::get().to(live)).default_service(web::to(other_method)))
        .service(web::resource("/readyz").route(web::get().to(ready)).default_service(web::to(other_method)));
}

/// With all reasons, for the operator.
pub fn operator_routes(app: &mut ServiceConfig) {
    app.service(web::resource("/healthz").route(web::get().to(health)).default_service(web::to(other_method)));
}

async fn live(state: Shared) -> HttpResponse {
    let health = state.node.health();
    plain(health.live, "live", &health.reasons)
}

async fn ready(state: Shared) -> HttpResponse {
    let health = state.node.health();
    plain(health.live && health.ready, "ready", &health.reasons)
}

async fn health(state: Shared) -> HttpResponse {
    let health = state.node.health();
    status(health.live && health.ready).json(health)
}

fn plain(good: bool, word: &str, reasons: &[String]) -> HttpResponse {
    let text = if good { format!("{word}\n") } else { format!("not {word}: {}\n", reasons.join("; ")) };
    status(good).content_type("text/plain; charset=utf-8").body(text)
}

fn status(good: bool) -> HttpResponseBuilder {
    if good { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() }
}

//! The two listeners: binding, limits, and the order of what every request passes.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::http::KeepAlive;
use actix_web::middleware::{DefaultHeaders, from_fn};
use actix_web::web::{self, Data, PathConfig, PayloadConfig, QueryConfig, ServiceConfig};
use actix_web::{App, HttpServer};
use ipnet::IpNet;
use thiserror::Error;

use super::admin::Operator;
use super::problem::Problem;
use super::{Routes, State, admin, assets, compat, health, limits, metrics, openapi, v1};
use crate::config::Listener;
use crate::logging::LogControl;
use crate::node_api::NodeApi;

/// Threads for the public; the node's other work shares the machine.
const PUBLIC_WORKERS: usize = 2;
/// Connections of each worker: 256 together. Beyond it they wait in the backlog; peers have descriptors of their own.
const PUBLIC_CONNECTIONS: usize = 128;
/// An operator needs few.
const ADMIN_CONNECTIONS: usize = 32;
/// For the headers of the first request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// For requests that run when the node stops, in seconds.
const STOP_TIMEOUT_S: u64 = 5;

/// What the listeners need to know.
pub struct Settings {
    /// Where the public listens.
    pub public: Listener,
    /// Where the operator listens.
    pub admin: Listener,
    /// Proxies whose word about the client's address counts.
    pub trusted_proxies: Vec<IpNet>,
    /// What the operator must send.
    pub token: String,
    /// Changes the log.
    pub log: LogControl,
}

/// Listeners that are bound. They answer once [`Http::servers`] are spawned.
pub struct Http {
    /// Futures to spawn; each ends when its server has stopped.
    pub servers: Vec<Server>,
    /// Where the public listener is.
    pub public: Option<SocketAddr>,
    /// Where the admin listener is.
    pub admin: Option<SocketAddr>,
}

/// Why a listener cannot be.
#[derive(Debug, Error)]
pub enum HttpError {
    /// The address is taken or not of this machine.
    #[error("cannot listen on {address} ({error}): choose another address with --{flag}, or stop what uses it")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// Which flag sets it.
        flag: &'static str,
        /// Why not.
        error: io::Error,
    },
}

impl Http {
    /// What stops the listeners: no new connection, running requests get five seconds.
    pub fn handles(&self) -> Vec<ServerHandle> {
        self.servers.iter().map(Server::handle).collect()
    }
}

/// Binds the listeners. Must be called where an actix system or a tokio runtime runs.
pub fn bind(node: Arc<dyn NodeApi>, settings: Settings) -> Result<Http, HttpError> {
    let state = Data::new(State::new(node, settings.trusted_proxies));
    let mut http = Http { servers: Vec::new(), public: None, admin: None };
    if let Listener::On(address) = settings.public {
        let state = state.clone();
        let app = move || {
            let state = state.clone();
            App::new().wrap(from_fn(limits::guard)).wrap(from_fn(metrics::count)).wrap(no_sniffing()).configure(
                move |app| {
                    common(app, state);
                    public_routes(app);
                },
            )
        };
        // A kept connection has no limit for the headers of its second request, so none is kept.
        let server = HttpServer::new(app)
            .workers(PUBLIC_WORKERS)
            .max_connections(PUBLIC_CONNECTIONS)
            .keep_alive(KeepAlive::Disabled)
            .client_request_timeout(HEADER_TIMEOUT)
            .shutdown_timeout(STOP_TIMEOUT_S)
            .disable_signals()
            .bind(address)
            .map_err(|error| HttpError::Bind { address, flag: "http", error })?;
        http.public = server.addrs().first().copied();
        http.servers.push(server.run());
    }
    if let Listener::On(address) = settings.admin {
        let operator = Data::new(Operator::new(settings.token, settings.log));
        let app = move || {
            let (state, operator) = (state.clone(), operator.clone());
            App::new()
                .wrap(from_fn(admin::same_place))
                .wrap(from_fn(limits::operator_guard))
                .wrap(no_sniffing())
                .configure(move |app| {
                    common(app, state);
                    admin_routes(app, operator);
                })
        };
        let server = HttpServer::new(app)
            .workers(1)
            .max_connections(ADMIN_CONNECTIONS)
            .keep_alive(KeepAlive::Disabled)
            .client_request_timeout(HEADER_TIMEOUT)
            .shutdown_timeout(STOP_TIMEOUT_S)
            .disable_signals()
            .bind(address)
            .map_err(|error| HttpError::Bind { address, flag: "admin", error })?;
        http.admin = server.addrs().first().copied();
        http.servers.push(server.run());
    }
    Ok(http)
}

/// Everything that the public listener answers.
pub fn public_routes(app: &mut ServiceConfig) {
    api_routes(&mut Routes::new(app));
    app.configure(openapi::routes).configure(assets::routes).configure(health::routes);
    app.app_data(QueryConfig::default().error_handler(|error, _| Problem::malformed(error).into()));
    app.app_data(PathConfig::default().error_handler(|error, _| Problem::malformed(error).into()));
    app.default_service(web::to(openapi::missing));
}

/// What the OpenAPI document describes.
pub fn api_routes(app: &mut Routes) {
    compat::routes(app);
    v1::routes(app);
}

/// Everything that the admin listener answers.
pub fn admin_routes(app: &mut ServiceConfig, operator: Data<Operator>) {
    app.app_data(operator).configure(health::routes).configure(health::operator_routes).configure(admin::routes);
}

/// What both need.
pub fn common(app: &mut ServiceConfig, state: Data<State>) {
    app.app_data(state).app_data(PayloadConfig::new(limits::MAX_BODY));
}

fn no_sniffing() -> DefaultHeaders {
    DefaultHeaders::new().add(("X-Content-Type-Options", "nosniff"))
}

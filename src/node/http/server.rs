//! The two listeners: binding, limits, and the order of what every request passes.
//!
//! Connections are kept for further requests. Each is a [`Line`], which ends when nothing gets done on it.

use std::future::ready;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_http::HttpService;
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Server, ServerHandle};
use actix_web::error::InternalError;
use actix_web::http::KeepAlive;
use actix_web::middleware::{DefaultHeaders, from_fn};
use actix_web::web::{self, Data, PathConfig, PayloadConfig, QueryConfig, ServiceConfig};
use actix_web::{App, Error as ActixError, HttpRequest};
use ipnet::IpNet;
use thiserror::Error;
use tokio::net::TcpStream;

use super::admin::Operator;
use super::line::{self, Line};
use super::problem::refusal_at;
use super::visitors::Visitors;
use super::{
    Routes, State, admin, assets, compat, descriptors, events, faucet, health, limits, metrics, openapi, reference, v1,
};
use crate::config::Listener;
use crate::logging::LogControl;
use crate::node_api::NodeApi;

/// Threads for the public; the node's other work shares the machine.
const PUBLIC_WORKERS: usize = 2;
/// Connections of all clients together. Beyond it they are closed at once; peers have descriptors of their own.
const PUBLIC_CONNECTIONS: usize = 1_024;
/// One client may have half of them, so that no single address keeps the others out.
const CLIENT_SHARE: usize = 2;
/// An operator needs few.
const ADMIN_CONNECTIONS: usize = 32;
/// For the headers of the first request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection may rest between two requests: page after page is read within it.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// For a client that does not close its end.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// For requests that run when the node stops, in seconds.
const STOP_TIMEOUT_S: u64 = 5;

/// What the listeners need to know.
pub struct Settings {
    /// Where the public listens.
    pub public: Listener,
    /// Where the operator listens.
    pub admin: Listener,
    /// Where the database is.
    pub data_dir: PathBuf,
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
    let state = Data::new(State::new(node, settings.trusted_proxies.clone(), settings.data_dir));
    let mut http = Http { servers: Vec::new(), public: None, admin: None };
    if let Listener::On(address) = settings.public {
        tokio::spawn(events::run(Arc::downgrade(&state.clone().into_inner())));
        let connections = descriptors::for_connections(PUBLIC_CONNECTIONS);
        let visitors = Visitors::new(connections / CLIENT_SHARE, connections, settings.trusted_proxies);
        let limits = Limits { workers: PUBLIC_WORKERS, patience: line::PATIENCE, visitors };
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
        let (server, bound) = serve("http", address, limits, app)?;
        http.public = Some(bound);
        http.servers.push(server);
    }
    if let Listener::On(address) = settings.admin {
        let visitors = Visitors::new(ADMIN_CONNECTIONS, ADMIN_CONNECTIONS, Vec::new());
        let limits = Limits { workers: 1, patience: line::OPERATOR_PATIENCE, visitors };
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
        let (server, bound) = serve("admin", address, limits, app)?;
        http.admin = Some(bound);
        http.servers.push(server);
    }
    Ok(http)
}

/// What a listener allows.
struct Limits {
    workers: usize,
    patience: Duration,
    visitors: Visitors,
}

/// Binds a listener; where it is. Each connection takes a slot and gets its deadline before HTTP begins on it.
fn serve<F, I, S, B>(
    flag: &'static str,
    address: SocketAddr,
    limits: Limits,
    app: F,
) -> Result<(Server, SocketAddr), HttpError>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, actix_http::Request>,
    S: ServiceFactory<actix_http::Request, Config = AppConfig, Error = ActixError> + 'static,
    S::InitError: std::fmt::Debug,
    S::Response: Into<actix_http::Response<B>> + 'static,
    S::Service: 'static,
    S::Future: 'static,
    <S::Service as actix_service::Service<actix_http::Request>>::Future: 'static,
    B: MessageBody + 'static,
{
    let failed = |error| HttpError::Bind { address, flag, error };
    let listener = TcpListener::bind(address).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let Limits { workers, patience, visitors } = limits;
    let builder = Server::build()
        .workers(workers)
        // A client beyond the limit of its own is closed at once; this one holds for all of them together.
        .max_concurrent_connections(PUBLIC_CONNECTIONS)
        .shutdown_timeout(STOP_TIMEOUT_S)
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let service = move || {
        let (visitors, stopping) = (visitors.clone(), stopping.clone());
        let http = HttpService::build()
            .keep_alive(KeepAlive::Timeout(KEEP_ALIVE))
            .client_request_timeout(HEADER_TIMEOUT)
            .client_disconnect_timeout(CLOSE_TIMEOUT)
            .tcp_nodelay(true)
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .h1(map_config(app().into_factory().map_err(|error: ActixError| error.error_response()), |_| {
                AppConfig::default()
            }));
        fn_service(move |stream: TcpStream| {
            let line = stream.peer_addr().and_then(|peer| {
                stream.set_nodelay(true)?;
                let slot = visitors.enter(peer.ip()).ok_or(io::ErrorKind::ConnectionRefused)?;
                Ok((Line::new(stream, patience, slot), Some(peer)))
            });
            ready(line.map_err(actix_http::error::DispatchError::Io))
        })
        .and_then(http)
    };
    let builder = builder.listen(flag, listener, service).map_err(failed)?;
    Ok((builder.run(), bound))
}

/// Everything that the public listener answers.
pub fn public_routes(app: &mut ServiceConfig) {
    api_routes(&mut Routes::new(app));
    app.configure(openapi::routes).configure(reference::routes);
    app.configure(assets::routes).configure(health::routes);
    app.app_data(QueryConfig::default().error_handler(|error, request| unreadable(&error, request)));
    app.app_data(PathConfig::default().error_handler(|error, request| unreadable(&error, request)));
    app.default_service(web::to(openapi::missing));
}

/// A path or a query that is no text, or not of the kind that is wanted there.
fn unreadable(error: &dyn std::fmt::Display, request: &HttpRequest) -> ActixError {
    InternalError::from_response("", refusal_at(request.path(), 400, &error.to_string())).into()
}

/// What the OpenAPI document describes.
pub fn api_routes(app: &mut Routes) {
    compat::routes(app);
    v1::routes(app);
    events::routes(app);
    faucet::routes(app);
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

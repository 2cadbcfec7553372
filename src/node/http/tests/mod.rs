//! The HTTP interface over a node without actors: a real store, a real pool, blocks made by the test.

mod admin;
mod assets;
mod document;
mod events;
mod exchanges;
mod fake_faucet;
mod fake_node;
mod faucet;
mod limits;
mod native;
mod ordered_json;
mod transfers;

use actix_web::body::to_bytes;
use actix_web::http::Method;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::web::Data;
use actix_web::{App, middleware::from_fn};

use self::fake_node::FakeNode;
use super::server::{common, public_routes};
use super::{State, limits as guards, metrics};

/// What came back.
#[derive(Debug)]
struct Reply {
    status: u16,
    content_type: String,
    retry_after: Option<String>,
    body: String,
}

impl Reply {
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The message of the compatible envelope.
    fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap_or_default().to_owned()
    }
}

fn state(node: &FakeNode) -> Data<State> {
    let trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    Data::new(State::new(node.shared(), trusted_proxies, std::env::temp_dir()))
}

/// Asks the public listener's application.
async fn ask(node: &FakeNode, method: &str, path: &str, content_type: Option<&str>, body: &str) -> Reply {
    let state = state(node);
    let app = App::new()
        .wrap(from_fn(guards::guard))
        .wrap(from_fn(metrics::count))
        .configure(|app| common(app, state))
        .configure(public_routes);
    let service = init_service(app).await;
    let mut request = TestRequest::with_uri(path)
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .peer_addr("192.0.2.1:4711".parse().unwrap())
        .set_payload(body.to_owned());
    if let Some(kind) = content_type {
        request = request.insert_header(("Content-Type", kind));
    }
    let response = call_service(&service, request.to_request()).await;
    let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (status, content_type, retry_after) =
        (response.status().as_u16(), header("content-type").unwrap_or_default(), header("retry-after"));
    let body = to_bytes(response.into_body()).await.unwrap_or_else(|_| panic!("no body"));
    Reply { status, content_type, retry_after, body: String::from_utf8(body.to_vec()).unwrap() }
}

async fn get(node: &FakeNode, path: &str) -> Reply {
    ask(node, "GET", path, None, "").await
}

async fn post(node: &FakeNode, path: &str, body: &serde_json::Value) -> Reply {
    ask(node, "POST", path, Some("application/json"), &body.to_string()).await
}

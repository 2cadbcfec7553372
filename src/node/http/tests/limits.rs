//! Limits: time, size, panics, and a stop that does not wait for the slow.

use std::time::Duration;

use actix_web::dev::{Service, ServiceRequest};
use actix_web::middleware::{Next, from_fn};
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, HttpResponse, body::to_bytes, web};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::limits::{MAX_BODY, within};
use super::super::{Http, Settings, bind};
use super::ask;
use super::fake_node::FakeNode;
use crate::config::Listener;
use crate::logging::LogControl;

async fn guarded(path: &str) -> (u16, String) {
    let guard = |request: ServiceRequest, next: Next<actix_web::body::BoxBody>| {
        within(Duration::from_millis(20), request, next)
    };
    let app = App::new()
        .wrap(from_fn(guard))
        .route("/never", web::get().to(|| async { std::future::pending::<HttpResponse>().await }))
        .route("/panic", web::get().to(|| async { panic!("a handler's fault") as HttpResponse }))
        .route("/fine", web::get().to(|| async { HttpResponse::Ok().body("fine") }));
    let service = init_service(app).await;
    let response = match service.call(TestRequest::with_uri(path).to_request()).await {
        Ok(response) => response.into_parts().1,
        Err(error) => error.error_response(),
    };
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body()).await.unwrap_or_else(|_| panic!("no body"));
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[actix_web::test]
async fn a03_a_request_that_never_ends_is_ended() {
    let (status, body) = guarded("/never").await;
    assert_eq!(status, 408);
    assert!(body.contains("the request took too long"), "{body}");
}

#[actix_web::test]
async fn a14_a_panic_in_a_handler_is_an_answer() {
    let (status, body) = guarded("/panic").await;
    assert_eq!((status, body.contains("internal fault")), (500, true), "{body}");
    assert_eq!(guarded("/fine").await, (200, "fine".into()));
}

#[actix_web::test]
async fn a05_a_body_at_the_limit_is_read_and_one_byte_more_is_refused() {
    let node = FakeNode::new();
    let padding = |bytes: usize| format!("{{\"accountAddress\":\"\"{}}}", " ".repeat(bytes - 21));
    let at = padding(MAX_BODY);
    assert_eq!(at.len(), MAX_BODY);
    let reply = ask(&node, "POST", "/faucet", Some("application/json"), &at).await;
    assert_eq!((reply.status, reply.message().as_str()), (400, "invalid address length"));
    let over = padding(MAX_BODY + 1);
    for path in ["/faucet", "/txs", "/v1/transactions"] {
        let reply = ask(&node, "POST", path, Some("application/json"), &over).await;
        assert_eq!(reply.status, 413, "{path}");
        assert!(reply.body.contains("the body has more than 65536 bytes"), "{}", reply.body);
    }
}

fn listening(node: &FakeNode) -> Http {
    let (log, _layer) = LogControl::detached();
    let any = Listener::On("127.0.0.1:0".parse().unwrap());
    let settings = Settings { public: any, admin: Listener::Off, trusted_proxies: vec![], token: "x".into(), log };
    bind(node.shared(), settings).unwrap()
}

#[actix_web::test]
async fn a_port_in_use_is_an_error_that_names_the_flag() {
    let node = FakeNode::new();
    let first = listening(&node);
    let (log, _layer) = LogControl::detached();
    let taken = Listener::On(first.public.unwrap());
    let settings = Settings { public: Listener::Off, admin: taken, trusted_proxies: vec![], token: "x".into(), log };
    let error = bind(node.shared(), settings).err().unwrap().to_string();
    assert!(error.contains("choose another address with --admin"), "{error}");
}

#[actix_web::test]
async fn a02_no_connection_is_kept_for_a_second_request() {
    let node = FakeNode::new();
    let mut http = listening(&node);
    let (address, handles) = (http.public.unwrap(), http.handles());
    let server = actix_web::rt::spawn(http.servers.remove(0));
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(b"GET /last-block HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(Duration::from_secs(5), connection.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("x-content-type-options: nosniff"), "{answer}");
    for handle in handles {
        handle.stop(true).await;
    }
    server.await.unwrap().unwrap();
}

#[actix_web::test]
async fn a15_a_stop_does_not_wait_for_a_body_that_never_comes() {
    let node = FakeNode::new();
    let mut http = listening(&node);
    let (address, handles) = (http.public.unwrap(), http.handles());
    let server = actix_web::rt::spawn(http.servers.remove(0));
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"POST /txs HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{").await.unwrap();
    let stop = async {
        for handle in &handles {
            handle.stop(true).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(8), stop).await.unwrap();
    server.await.unwrap().unwrap();
}

//! Limits: time, size, panics, and a stop that does not wait for the slow.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::{ServerHandle, Service, ServiceRequest};
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
    let data_dir = std::env::temp_dir();
    let settings =
        Settings { public: any, admin: Listener::Off, data_dir, trusted_proxies: vec![], token: "x".into(), log };
    bind(node.shared(), settings).unwrap()
}

#[actix_web::test]
async fn a_port_in_use_is_an_error_that_names_the_flag() {
    let node = FakeNode::new();
    let first = listening(&node);
    let (log, _layer) = LogControl::detached();
    let taken = Listener::On(first.public.unwrap());
    let data_dir = std::env::temp_dir();
    let settings =
        Settings { public: Listener::Off, admin: taken, data_dir, trusted_proxies: vec![], token: "x".into(), log };
    let error = bind(node.shared(), settings).err().unwrap().to_string();
    assert!(error.contains("choose another address with --admin"), "{error}");
}

/// A server on loopback until it is dropped.
pub struct Served {
    pub address: SocketAddr,
    handles: Vec<ServerHandle>,
}

impl Served {
    pub fn new(node: &FakeNode) -> Self {
        let mut http = listening(node);
        let (address, handles) = (http.public.unwrap(), http.handles());
        actix_web::rt::spawn(http.servers.remove(0));
        Self { address, handles }
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// What comes back for `request` until the connection is closed.
    async fn until_closed(&self, request: &[u8]) -> String {
        let mut connection = self.connect().await;
        connection.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        // A connection that is reset was closed too.
        let read = tokio::time::timeout(Duration::from_secs(20), connection.read_to_end(&mut answer)).await;
        assert!(read.is_ok(), "the connection stays open: {}", String::from_utf8_lossy(&answer));
        String::from_utf8_lossy(&answer).into_owned()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        for handle in &self.handles {
            actix_web::rt::spawn(handle.stop(false));
        }
    }
}

/// Reads one answer with a length, and leaves the connection open.
async fn answer(connection: &mut TcpStream) -> String {
    let mut read = Vec::new();
    loop {
        read.push(tokio::time::timeout(Duration::from_secs(5), connection.read_u8()).await.unwrap().unwrap());
        let text = String::from_utf8_lossy(&read);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if body.len() == length.parse::<usize>().unwrap() {
            return text.into_owned();
        }
    }
}

#[actix_web::test]
async fn a01_a_connection_that_says_nothing_or_too_little_is_told_so_and_closed() {
    let node = FakeNode::new();
    let served = Served::new(&node);
    let (silent, slow) =
        tokio::join!(served.until_closed(b""), served.until_closed(b"GET /last-block HTTP/1.1\r\nHos"));
    for answer in [silent, slow] {
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
}

#[actix_web::test]
async fn a02_a_connection_is_kept_for_further_requests_and_only_as_a_line_with_a_deadline() {
    let node = FakeNode::new();
    let served = Served::new(&node);
    let mut connection = served.connect().await;
    for _ in 0..3 {
        connection.write_all(b"GET /last-block HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let answer = answer(&mut connection).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("x-content-type-options: nosniff"), "{answer}");
    }
}

#[actix_web::test]
async fn a06_headers_that_are_too_many_or_too_long_are_refused() {
    let node = FakeNode::new();
    let served = Served::new(&node);
    let many: String = (0..200).map(|n| format!("X-{n}: y\r\n")).collect();
    let long = format!("X-Long: {}\r\n", "y".repeat(200_000));
    for headers in [many, long] {
        let request = format!("GET /last-block HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        let answer = served.until_closed(request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 4") || answer.is_empty(), "{answer}");
        assert!(!answer.contains("200 OK"), "{answer}");
    }
}

#[actix_web::test]
async fn a07_requests_that_two_readers_could_read_in_two_ways_are_refused_and_closed() {
    let node = FakeNode::new();
    let served = Served::new(&node);
    for request in [
        "POST /txs HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "POST /txs HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /txs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "POST /txs HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\n{}",
        "GET /last-block HTTP/1.1\r\nHost: x\r\nX-Zero: a\0b\r\n\r\n",
        "GET /last-block HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET /last\0block HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        let answer = served.until_closed(request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{request:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{request:?}: {answer}");
    }
    let bad_chunk =
        "POST /txs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
    let answer = served.until_closed(bad_chunk.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[actix_web::test]
async fn a10_names_that_are_none_are_never_a_fault_of_the_node() {
    let node = FakeNode::new();
    let id = "ab".repeat(32);
    let names = ["0", "-1", "99999999999999999999", "1e5", "0x", "zz", &id, &id[1..], "%00", "%ff", "\u{d55c}", " "];
    for name in names {
        for path in [
            "/blocks/",
            "/txs/",
            "/accounts/",
            "/v1/blocks/",
            "/v1/transactions/",
            "/v1/accounts/",
            "/v1/search?q=",
            "/v1/events?account=",
            "/v1/blocks?before=",
            "/v1/transactions?before=",
            "/v1/headers?from=",
        ] {
            let name: String =
                name.chars().map(|c| if c.is_ascii_graphic() { c.to_string() } else { "%ED%95%9C".into() }).collect();
            let reply = ask(&node, "GET", &format!("{path}{name}"), None, "").await;
            assert!(matches!(reply.status, 200 | 400 | 404), "{path}{name}: {} {}", reply.status, reply.body);
            assert!(reply.status == 200 || reply.content_type.contains("json"), "{path}{name}: {}", reply.content_type);
        }
    }
}

#[actix_web::test]
async fn a09_json_that_is_hostile_or_none_is_refused_with_a_reason_in_the_native_interface_too() {
    let node = FakeNode::new();
    let deep = "[".repeat(60_000);
    for body in [
        deep.as_str(),
        "{",
        "{\"hex\":\"00\",\"hex\":\"00\"}{}",
        "{\"hex\":1e400}",
        "{\"hex\":5}",
        "\"\u{1}\"",
        "null",
        "[]",
    ] {
        for path in ["/v1/transactions", "/v1/transactions/batch"] {
            let reply = ask(&node, "POST", path, Some("application/json"), body).await;
            assert_eq!(reply.status, 400, "{path} {:.40}: {}", body, reply.body);
            assert!(!reply.json()["detail"].as_str().unwrap().is_empty());
        }
    }
}

#[actix_web::test]
async fn a17_sizes_of_the_native_interface_are_clamped() {
    let node = FakeNode::new();
    for _ in 0..3 {
        node.mine(vec![]);
    }
    for (path, list, all) in
        // Statistics count from the first mined block.
        [("/v1/blocks", "blocks", 4), ("/v1/headers", "headers", 4), ("/v1/statistics", "height", 3)]
    {
        let name = if list == "height" { "blocks" } else { "limit" };
        for (size, expected) in [("0", 1), ("1", 1), ("1000000000", all)] {
            let reply = ask(&node, "GET", &format!("{path}?{name}={size}"), None, "").await.json();
            assert_eq!(reply[list].as_array().map(Vec::len), Some(expected), "{path} {size}");
        }
        assert_eq!(ask(&node, "GET", &format!("{path}?{name}=-1"), None, "").await.status, 400);
    }
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

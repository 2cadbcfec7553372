//! The operator's interface: who gets in, and what it does.

use actix_web::http::Method;
use actix_web::test::{TestRequest, init_service};
use actix_web::web::Data;
use actix_web::{App, body::to_bytes, dev::Service, middleware::from_fn};
use serde_json::{Value, json};

use super::super::admin::{Operator, same_place};
use super::super::server::{admin_routes, common};
use super::fake_node::FakeNode;
use super::state;
use crate::logging::LogControl;

const TOKEN: &str = "0123456789abcdef";

/// Method, path, headers and body.
type Asked<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str);

/// Status and body of each request, all to the same listener.
async fn ask(requests: &[Asked<'_>]) -> Vec<(u16, String)> {
    let node = FakeNode::new();
    let (control, _layer) = LogControl::detached();
    let (state, operator) = (state(&node), Data::new(Operator::new(TOKEN.into(), control)));
    let app = App::new()
        .wrap(from_fn(same_place))
        .configure(|app| common(app, state))
        .configure(|app| admin_routes(app, operator));
    let service = init_service(app).await;
    let mut replies = Vec::new();
    for (method, path, headers, body) in requests {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = TestRequest::with_uri(path).method(method).set_payload(body.to_string());
        if !headers.iter().any(|(name, _)| *name == "Host") {
            request = request.insert_header(("Host", "127.0.0.1:9100"));
        }
        for header in *headers {
            request = request.insert_header(*header);
        }
        let response = match service.call(request.to_request()).await {
            Ok(response) => response.into_parts().1.map_into_boxed_body(),
            Err(error) => error.error_response(),
        };
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body()).await.unwrap_or_else(|_| panic!("no body"));
        replies.push((status, String::from_utf8(body.to_vec()).unwrap()));
    }
    replies
}

fn json_of(reply: &(u16, String)) -> Value {
    serde_json::from_str(&reply.1).unwrap_or_else(|error| panic!("{error}: {}", reply.1))
}

const OPEN: (&str, &str) = ("Authorization", "Bearer 0123456789abcdef");

#[actix_web::test]
async fn a12_only_the_whole_token_opens() {
    let given: [&[(&str, &str)]; 5] = [
        &[],
        &[("Authorization", "Bearer 0123456789abcde")],
        &[("Authorization", "Bearer 0123456789abcdef0")],
        &[("Authorization", "0123456789abcdef")],
        &[("Authorization", "Bearer ")],
    ];
    let requests: Vec<_> = given.iter().map(|headers| ("GET", "/admin/actors", *headers, "")).collect();
    for reply in ask(&requests).await {
        assert_eq!(reply.0, 401, "{}", reply.1);
    }
    let replies = ask(&[("GET", "/admin/actors", &[OPEN], "")]).await;
    assert_eq!(json_of(&replies[0])["actors"][0]["name"], "chain");
}

#[actix_web::test]
async fn a12_whoever_guesses_learns_nothing_and_the_operator_still_gets_in() {
    let wrong = ("GET", "/admin/actors", &[("Authorization", "Bearer x")] as &[_], "");
    let mut requests = vec![wrong; 30];
    requests.push(("GET", "/admin/actors", &[OPEN], ""));
    let replies = ask(&requests).await;
    assert!(replies[..10].iter().all(|reply| reply.0 == 401));
    assert!(replies[10..30].iter().all(|reply| reply.0 == 429));
    assert_eq!(replies[30].0, 200);
}

#[actix_web::test]
async fn a13_a_browser_that_was_led_here_is_refused_even_with_the_token() {
    let replies = ask(&[
        ("GET", "/admin/actors", &[OPEN, ("Host", "evil.example:9100")], ""),
        ("POST", "/admin/miner/pause", &[OPEN, ("Origin", "http://evil.example")], ""),
        ("GET", "/metrics", &[("Host", "evil.example")], ""),
        ("POST", "/admin/miner/pause", &[OPEN, ("Origin", "http://127.0.0.1:9100")], ""),
    ])
    .await;
    assert_eq!(replies.iter().map(|reply| reply.0).collect::<Vec<_>>(), [403, 403, 403, 200]);
}

#[actix_web::test]
async fn monitoring_needs_no_token() {
    let replies = ask(&[("GET", "/metrics", &[], ""), ("GET", "/livez", &[], ""), ("GET", "/readyz", &[], "")]).await;
    assert_eq!(replies.iter().map(|reply| reply.0).collect::<Vec<_>>(), [200, 200, 503]);
    assert!(replies[0].1.contains("barreleye_chain_height{} 0.0"), "{}", replies[0].1);
    assert!(replies[0].1.contains("barreleye_mailbox_handled_messages_total{actor=\"chain\",message=\"Tick\"} 3"));
    let tables = replies[0].1.lines().filter(|line| line.starts_with("barreleye_store_table_rows{table="));
    assert_eq!(tables.clone().count(), 10, "{}", replies[0].1);
    assert!(tables.clone().any(|line| line == "barreleye_store_table_rows{table=\"headers\"} 1.0"), "{}", replies[0].1);
}

#[actix_web::test]
async fn the_operator_steers_the_node() {
    let peer = r#"{"peer":"12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"}"#;
    let replies = ask(&[
        ("GET", "/admin/actors/chain", &[OPEN], ""),
        ("GET", "/admin/actors/nobody", &[OPEN], ""),
        ("GET", "/admin/peers", &[OPEN], ""),
        ("POST", "/admin/miner/pause", &[OPEN], ""),
        ("POST", "/admin/mint", &[OPEN], r#"{"blocks":2}"#),
        ("POST", "/admin/mint", &[OPEN], r#"{"blocks":0}"#),
        ("POST", "/admin/mint", &[OPEN], r#"{"bloks":1}"#),
        ("POST", "/admin/peers/ban", &[OPEN], peer),
        ("POST", "/admin/peers/unban", &[OPEN], r#"{"peer":"bob"}"#),
        ("POST", "/admin/peers/dial", &[OPEN], r#"{"address":"/ip4/127.0.0.1/tcp/1"}"#),
        ("GET", "/admin/mint", &[OPEN], ""),
        ("GET", "/healthz", &[], ""),
    ])
    .await;
    let statuses: Vec<_> = replies.iter().map(|reply| reply.0).collect();
    assert_eq!(statuses, [200, 404, 200, 200, 200, 422, 400, 200, 400, 503, 404, 503]);
    assert_eq!(json_of(&replies[3]), json!({ "miner": "Paused" }));
    assert_eq!(json_of(&replies[4])["blocks"].as_array().map(Vec::len), Some(2));
    assert_eq!(json_of(&replies[11])["reasons"][0], "catching up with the network");
}

#[actix_web::test]
async fn the_log_filter_changes_while_the_node_runs() {
    let replies = ask(&[
        ("PUT", "/admin/log", &[OPEN], r#"{"filter":"debug"}"#),
        ("PUT", "/admin/log", &[OPEN], r#"{"filter":"loud"}"#),
        ("PUT", "/admin/log", &[], r#"{"filter":"debug"}"#),
    ])
    .await;
    assert_eq!(replies.iter().map(|reply| reply.0).collect::<Vec<_>>(), [200, 400, 401]);
    assert!(replies[1].1.contains("use error, warn, info"), "{}", replies[1].1);
}

#[actix_web::test]
async fn the_operator_sees_the_faucet_and_steers_it() {
    let post = |path, body| ("POST", path, &[OPEN] as &[_], body);
    let replies = ask(&[
        post("/admin/faucet/deny", r#"{"entry":"192.0.2.9/24"}"#),
        post("/admin/faucet/allow", r#"{"entry":"0xf4bcd665c2595fb3253ade200bb80d7e5ddd9ca2"}"#),
        ("PUT", "/admin/faucet/amount", &[OPEN], r#"{"amount":"300000000"}"#),
        post("/admin/faucet/pause", ""),
        ("GET", "/admin/faucet", &[OPEN], ""),
        post("/admin/faucet/resume", ""),
        post("/admin/faucet/forget", r#"{"entry":"192.0.2.0/24"}"#),
        ("PUT", "/admin/faucet/amount", &[OPEN], r#"{"amount":null}"#),
        ("GET", "/admin/faucet", &[OPEN], ""),
        post("/admin/faucet/pardon", r#"{"entry":"192.0.2.0/24"}"#),
        post("/admin/faucet/deny", r#"{"entry":"alice"}"#),
        ("GET", "/admin/faucet", &[], ""),
    ])
    .await;
    let statuses: Vec<_> = replies.iter().map(|reply| reply.0).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 200, 200, 200, 422, 400, 401], "{replies:?}");
    let report = json_of(&replies[4]);
    assert_eq!(report["status"]["state"], "paused");
    assert_eq!(report["status"]["full_amount"], "300000000");
    assert_eq!(report["denied"], json!(["192.0.2.0/24"]));
    assert_eq!(report["allowed"], json!(["0xf4bcd665c2595fb3253ade200bb80d7e5ddd9ca2"]));
    let report = json_of(&replies[8]);
    assert_eq!(
        (&report["status"]["state"], &report["denied"], &report["amount"]),
        (&json!("open"), &json!([]), &Value::Null)
    );
    assert!(replies[9].1.contains("nothing to pardon") && replies[10].1.contains("neither an account"), "{replies:?}");
}

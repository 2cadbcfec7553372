//! The native interface and the pages beside it.

use ledger::{Address, Amount, Transaction, Transfer};
use serde_json::json;

use super::fake_node::{FakeNode, address, key};
use super::{ask, get, post};
use crate::native_transfer::{TransferJson, to_hex};

#[actix_web::test]
async fn both_forms_of_a_transfer_are_accepted_and_posting_again_is_the_same_success() {
    let node = FakeNode::new();
    let tx = node.native(1, address(7), Amount::drops(5), 0);
    let id = json!({ "id": tx.id(&node.network().chain) });
    for body in [json!(TransferJson::from(&tx)), json!({ "hex": to_hex(&tx) })] {
        let reply = post(&node, "/v1/transactions", &body).await;
        assert_eq!((reply.status, reply.json()), (202, id.clone()), "{}", reply.body);
    }
    assert_eq!(node.waiting(), 1);
    node.mine(vec![Transaction::Transfer(tx.clone())]);
    assert_eq!(post(&node, "/v1/transactions", &json!(TransferJson::from(&tx))).await.status, 202);
}

#[actix_web::test]
async fn a_transfer_is_pending_then_confirmed_with_exact_amounts() {
    let node = FakeNode::new();
    let tx = node.native(1, address(7), Amount::drops(123_456_789), 0);
    let path = format!("/v1/transactions/{}", tx.id(&node.network().chain));
    assert_eq!(get(&node, &path).await.status, 404);
    post(&node, "/v1/transactions", &json!(TransferJson::from(&tx))).await;
    let pending = get(&node, &path).await.json();
    assert_eq!((&pending["block"], &pending["confirmations"]), (&json!(null), &json!(0)));
    let block = node.mine(vec![Transaction::Transfer(tx)]);
    node.mine(vec![]);
    let confirmed = get(&node, &path).await.json();
    assert_eq!((&confirmed["block"]["id"], &confirmed["confirmations"]), (&json!(block), &json!(2)));
    assert_eq!((&confirmed["amount"], &confirmed["fee"]), (&json!("123456789"), &json!("1")));
    let account = get(&node, &format!("/v1/accounts/{}", address(7))).await.json();
    assert_eq!((&account["balance"], &account["sequence"]), (&json!("123456789"), &json!(0)));
}

#[actix_web::test]
async fn an_account_that_never_was_has_nothing_and_the_base_nonce() {
    let node = FakeNode::new();
    let account = get(&node, &format!("/v1/accounts/{}", Address([5; 20]))).await.json();
    assert_eq!((&account["exists"], &account["balance"]), (&json!(false), &json!("0")));
    assert_eq!(account["next_nonce"], node.network().nonce_base.to_string());
}

#[actix_web::test]
async fn every_refusal_is_a_problem_document() {
    let node = FakeNode::new();
    let mut forged = node.native(1, address(7), Amount::drops(5), 0);
    forged.amount = Amount::drops(6);
    let foreign = Transfer::sign(
        &key(1),
        &ledger::BlockId([9; 32]),
        address(7),
        Amount::drops(5),
        Amount::ZERO,
        node.nonce(&address(1)),
        vec![],
    );
    let too_much = node.native(1, address(7), Amount::barrels(1_001).unwrap(), 0);
    for (body, status, detail) in [
        (json!(TransferJson::from(&forged)), 422, "the signature is not valid for the key"),
        (json!(TransferJson::from(&foreign)), 422, "the signature is not valid for the key"),
        (json!(TransferJson::from(&too_much)), 422, "insufficient balance"),
        (json!({ "hex": "00" }), 400, "the bytes are not those of one native transfer"),
        (json!({ "hex": format!("{}00", to_hex(&forged)) }), 400, "the bytes are not those of one native transfer"),
        (json!({}), 400, "send from, to, amount"),
    ] {
        let reply = post(&node, "/v1/transactions", &body).await;
        assert_eq!((reply.status, reply.content_type.as_str()), (status, "application/problem+json"), "{}", reply.body);
        assert!(reply.json()["detail"].as_str().unwrap().contains(detail), "{}", reply.body);
    }
    assert_eq!(node.waiting(), 0);
    for (path, status) in [("/v1/nope", 404), ("/v1/accounts/xyz", 400), ("/v1/transactions/12", 400)] {
        let reply = get(&node, path).await;
        assert_eq!((reply.status, reply.json()["status"].as_u64()), (status, Some(status.into())));
    }
    assert_eq!(ask(&node, "DELETE", "/v1/status", None, "").await.status, 405);
}

#[actix_web::test]
async fn the_status_says_what_the_command_line_shows() {
    let node = FakeNode::new();
    node.mine(vec![]);
    let status = get(&node, "/v1/status").await.json();
    assert_eq!((&status["network"], &status["chain"]), (&json!("http"), &json!(node.network().chain)));
    assert_eq!((&status["tip"]["height"], &status["ready"]), (&json!(1), &json!(false)));
    assert_eq!(status["external"], json!(["/ip4/203.0.113.7/tcp/4100"]));
    assert_eq!(status["sync"]["phase"], json!("Following"));
    assert_eq!((get(&node, "/livez").await.status, get(&node, "/readyz").await.status), (200, 503));
}

#[actix_web::test]
async fn the_explorer_asks_nobody_else() {
    let node = FakeNode::new();
    for (path, kind) in [("/", "text/html"), ("/explorer.css", "text/css"), ("/explorer.js", "text/javascript")] {
        let reply = get(&node, path).await;
        assert_eq!(reply.status, 200);
        assert!(reply.content_type.starts_with(kind), "{}", reply.content_type);
        assert!(!reply.body.contains("http://") && !reply.body.contains("https://"), "{path} names another place");
    }
    assert_eq!(get(&node, "/explorer.svg").await.content_type, "image/svg+xml");
    let page = get(&node, "/").await.body;
    assert!(!page.contains("style=") && !page.contains("onclick"), "the policy allows nothing inline");
}

#[actix_web::test]
async fn a08_paths_that_climb_are_not_found() {
    let node = FakeNode::new();
    for path in ["/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//blocks", "/blocks//", "/explorer.html"] {
        assert_eq!(get(&node, path).await.status, 404, "{path}");
    }
}

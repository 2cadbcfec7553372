//! The faucet over HTTP: what a page or a program sees, from the first look to the payout, and what its operator does.

use ledger::Address;
use machines::faucet::{ClaimError, solve};
use serde_json::{Value, json};

use super::fake_node::{FakeNode, address};
use super::{Reply, get, post};

async fn claim(node: &FakeNode, body: Value) -> Reply {
    post(node, "/v1/faucet/claims", &body).await
}

#[actix_web::test]
async fn a_client_sees_how_the_faucet_stands_gets_a_challenge_and_claims_with_it() {
    let node = FakeNode::new();
    let to = address(7).to_string();
    let before = get(&node, &format!("/v1/faucet?address={to}")).await.json();
    assert_eq!((&before["on"], &before["state"], &before["work_bits"]), (&json!(true), &json!("open"), &json!(0)));
    assert_eq!((&before["amount"], &before["you"]), (&json!("500000000"), &Value::Null));
    assert_eq!(before["budget"]["capacity"], "500000000000", "half of a thousand blocks of 10");

    let challenge = get(&node, &format!("/v1/faucet/challenge?address={to}")).await.json();
    assert_eq!((&challenge["bits"], &challenge["algorithm"]), (&json!(0), &json!("sha256")));
    assert_eq!(challenge["expires_in_s"], 300);
    let body = json!({ "address": to, "challenge": challenge["challenge"], "solution": "17" });
    let first = claim(&node, body.clone()).await;
    assert_eq!(first.status, 202, "{}", first.body);
    assert_eq!(first.json()["amount"], "500000000");
    assert_eq!(claim(&node, body).await.json(), first.json(), "the same claim has the same answer");

    let after = get(&node, &format!("/v1/faucet?address={to}")).await.json();
    assert_eq!((&after["you"]["reason"], &after["you"]["retry_after_s"]), (&json!("time_limit"), &json!(3600)));
    assert_eq!(after["waiting"], 1);
    let other = claim(&node, json!({ "address": address(8) })).await;
    assert_eq!((other.status, other.retry_after.as_deref()), (429, Some("3600")));
    let problem = other.json();
    assert_eq!((&problem["type"], &problem["reason"]), (&json!("/problems/faucet"), &json!("time_limit")));
    assert_eq!(problem["retry_after_s"], 3600);
    let again = claim(&node, json!({ "address": to })).await;
    assert_eq!(again.json()["transaction"], first.json()["transaction"], "the same client for the same account");
}

#[actix_web::test]
async fn every_refusal_has_its_word_and_its_status() {
    let range = "192.0.2.0/24".parse().unwrap();
    for (error, status) in [
        (ClaimError::Off, 403),
        (ClaimError::Paused, 503),
        (ClaimError::Syncing, 503),
        (ClaimError::Busy, 503),
        (ClaimError::NoFunds, 503),
        (ClaimError::Budget { retry_after_s: 9 }, 503),
        (ClaimError::BadAddress, 422),
        (ClaimError::TimeLimit { retry_after_s: 9 }, 429),
        (ClaimError::RangeLimit { range, retry_after_s: 9 }, 429),
        (ClaimError::SufficientBalance, 422),
        (ClaimError::ReceivedEnough { received: ledger::Amount::BARREL }, 422),
        (ClaimError::Denied, 403),
        (ClaimError::Collector { collector: Address::ZERO }, 403),
        (ClaimError::Work { bits: 12 }, 422),
        (ClaimError::Challenge, 422),
        (ClaimError::NotKept("disk".into()), 500),
    ] {
        let node = FakeNode::new();
        node.refuse_claims(error.clone());
        let reply = claim(&node, json!({ "address": address(7) })).await;
        assert_eq!((reply.status, &reply.json()["reason"]), (status, &json!(error.reason())));
        assert_eq!(reply.retry_after, error.retry_after_s().map(|seconds| seconds.to_string()), "{error}");
        assert_eq!(reply.content_type, "application/problem+json");
    }
}

#[actix_web::test]
async fn a_claim_of_the_wrong_form_is_refused_before_the_faucet_is_asked() {
    let node = FakeNode::new();
    for body in [
        json!({}),
        json!({ "address": "0x12" }),
        json!({ "address": address(7), "solution": "5" }),
        json!({ "address": address(7), "challenge": "x", "solution": "-5" }),
        json!({ "address": address(7), "more": 1 }),
    ] {
        let reply = claim(&node, body.clone()).await;
        assert_eq!((reply.status, &reply.json()["type"]), (400, &json!("/problems/malformed")), "{body}");
    }
    assert_eq!(node.claims(), []);
    for path in ["/v1/faucet?address=5", "/v1/faucet/challenge", "/v1/faucet/challenge?address=5"] {
        assert_eq!(get(&node, path).await.status, 400, "{path}");
    }
}

#[actix_web::test]
async fn f08_a_foreign_challenge_is_refused_over_http() {
    let node = FakeNode::new();
    let challenge = get(&node, &format!("/v1/faucet/challenge?address={}", address(8))).await.json();
    let text = challenge["challenge"].as_str().unwrap();
    let solution = solve(text, 0).unwrap().to_string();
    let reply = claim(&node, json!({ "address": address(7), "challenge": text, "solution": solution })).await;
    assert_eq!((reply.status, &reply.json()["reason"]), (422, &json!("challenge")));
}

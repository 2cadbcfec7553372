//! `POST /txs` and `POST /faucet`: what is accepted is in the pool, what is refused says why and changes nothing.

use ledger::{Address, Amount, BarreleyeTransfer, Transaction};
use machines::faucet::ClaimError;
use serde_json::{Value, json};

use super::fake_node::{FakeNode, address, barreleye, key};
use super::{Reply, get, post};

/// A request as wallets of the original chain post it: numbers unpadded, the value behind `0x`.
pub fn request(tx: &BarreleyeTransfer) -> Value {
    let unpadded = |bytes: &[u8; 32]| hex::encode(bytes).trim_start_matches('0').to_owned();
    let ((x, y), (r, s)) = (tx.signer.coordinates().unwrap(), tx.signature.integers());
    json!({
        "nonce": format!("{:x}", tx.nonce),
        "from": tx.from.to_hex(),
        "to": tx.to.to_hex(),
        "value": format!("0x{:x}", tx.value),
        "data": "ab",
        "signerX": unpadded(&x),
        "signerY": unpadded(&y),
        "signatureR": unpadded(&r),
        "signatureS": unpadded(&s),
    })
}

async fn refused(node: &FakeNode, request: &Value) -> String {
    let reply = post(node, "/txs", request).await;
    assert_eq!(reply.status, 400, "{}", reply.body);
    assert_eq!(node.waiting(), 0, "{}", reply.body);
    reply.message()
}

#[actix_web::test]
async fn a_transfer_that_is_accepted_waits_in_the_pool_and_echoes_the_request() {
    let node = FakeNode::new();
    let tx = node.barreleye(1, address(7), 3, 0);
    let sent = request(&tx);
    let reply = post(&node, "/txs", &sent).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let echo = &reply.json()["data"]["transaction"];
    assert_eq!(echo["hash"], tx.id().to_hex());
    assert_eq!((&echo["blockHeight"], &echo["timestamp"]), (&json!(-1), &json!(-1)));
    assert_eq!((&echo["value"], &echo["signer"]["x"]), (&sent["value"], &sent["signerX"]));
    assert_eq!(node.waiting(), 1);
    // The nonce that the next transaction needs counts what waits.
    let account = get(&node, &format!("/accounts/{}", address(1).to_hex())).await;
    let next = tx.nonce + 1;
    assert_eq!(account.json()["data"]["account"]["nonce"], super::super::compat_json::minimal_hex(next));
}

#[actix_web::test]
async fn a16_the_same_post_again_is_the_same_success_once() {
    let node = FakeNode::new();
    let tx = node.barreleye(1, address(7), 3, 0);
    let first = post(&node, "/txs", &request(&tx)).await;
    let again = post(&node, "/txs", &request(&tx)).await;
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    assert_eq!(node.waiting(), 1);
    let node = FakeNode::new();
    node.mine(vec![Transaction::Barreleye(tx.clone())]);
    let mined = post(&node, "/txs", &request(&tx)).await;
    assert_eq!((mined.status, node.waiting()), (200, 0), "{}", mined.body);
}

#[actix_web::test]
async fn a_wallet_may_leave_out_the_nonce_or_send_another_one() {
    for sent_nonce in [json!(""), json!("zz"), json!("00"), Value::Null] {
        let node = FakeNode::new();
        let mut sent = request(&node.barreleye(1, address(7), 3, 0));
        sent["nonce"] = sent_nonce;
        let reply = post(&node, "/txs", &sent).await;
        assert_eq!((reply.status, node.waiting()), (200, 1), "{}", reply.body);
    }
}

#[actix_web::test]
async fn several_transfers_of_one_account_wait_behind_one_another() {
    let node = FakeNode::new();
    for ahead in 0..20 {
        let reply = post(&node, "/txs", &request(&node.barreleye(1, address(7), 1, ahead))).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
    assert_eq!(node.waiting(), 20);
}

#[actix_web::test]
async fn t1_nobody_spends_from_an_account_that_the_key_does_not_own() {
    let node = FakeNode::new();
    let stolen = barreleye(&key(2), address(1), address(7), 1, node.nonce(&address(1)));
    assert!(refused(&node, &request(&stolen)).await.starts_with("the signing key does not own 0x"));
}

#[actix_web::test]
async fn what_the_original_took_by_mistake_is_refused_with_the_reason() {
    let node = FakeNode::new();
    let good = request(&node.barreleye(1, address(7), 1, 0));
    let with = |field: &str, value: &str| {
        let mut changed = good.clone();
        changed[field] = json!(value);
        changed
    };
    for (field, value, reason) in [
        ("value", "-1", "invalid value"),
        ("value", "18446744073709551617", "invalid value"),
        ("value", "2", "the signature is not valid for the key"),
        ("value", "1001", "insufficient balance"),
        ("signatureR", "1", "the signature is not valid for the key"),
        ("signatureR", "0", "the signature is not valid for the key"),
        ("signerX", "1", "the public key is not a point of the curve"),
        ("data", "", "data must be exactly one byte, such as ab: the signed text has no lengths"),
        ("data", "abab", "data must be exactly one byte, such as ab: the signed text has no lengths"),
        ("data", "ac", "the signature is not valid for the key"),
        ("to", "abcd", "invalid address length"),
    ] {
        assert_eq!(refused(&node, &with(field, value)).await, reason, "{field} {value}");
    }
    let nothing = request(&node.barreleye(1, address(7), 0, 0));
    assert_eq!(refused(&node, &nothing).await, "the amount must be more than 0");
}

#[actix_web::test]
async fn a_high_s_is_taken_and_is_the_same_transaction() {
    let node = FakeNode::new();
    let tx = node.barreleye(1, address(7), 1, 0);
    let mut sent = request(&tx);
    let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    sent["signatureS"] = json!(minus(order, sent["signatureS"].as_str().unwrap()));
    let reply = post(&node, "/txs", &sent).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.json()["data"]["transaction"]["hash"], tx.id().to_hex());
}

/// The difference of two hex numbers of at most 64 digits.
fn minus(a: &str, b: &str) -> String {
    let digits = |text: &str| hex::decode(format!("{text:0>64}")).unwrap();
    let (a, b) = (digits(a), digits(b));
    let mut borrow = 0;
    let mut difference = vec![0; 32];
    for i in (0..32).rev() {
        let value = i16::from(a[i]) - i16::from(b[i]) - borrow;
        difference[i] = value.rem_euclid(256) as u8;
        borrow = i16::from(value < 0);
    }
    hex::encode(difference)
}

async fn claim(node: &FakeNode, to: &str) -> Reply {
    post(node, "/faucet", &json!({ "accountAddress": to })).await
}

#[actix_web::test]
async fn a_claim_is_made_for_the_address_and_the_socket_it_came_from() {
    let node = FakeNode::new();
    let reply = claim(&node, &format!("0x{}", address(7).to_hex())).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.json()["data"]["transaction"]["value"], "05");
    assert_eq!(node.claims(), [(address(7), "192.0.2.1".parse().unwrap())]);
}

#[actix_web::test]
async fn each_refusal_of_the_faucet_has_its_status_and_says_when_to_come_back() {
    let time_limit = ClaimError::TimeLimit { retry_after_s: 77 };
    for (error, status, retry_after) in [
        (time_limit, 400, Some("77")),
        (ClaimError::SufficientBalance, 400, None),
        (ClaimError::BadAddress, 400, None),
        (ClaimError::Off, 403, None),
        (ClaimError::NoFunds, 503, Some("60")),
        (ClaimError::Syncing, 503, Some("60")),
        (ClaimError::Busy, 503, Some("60")),
        (ClaimError::Budget { retry_after_s: 9 }, 503, Some("9")),
        (ClaimError::Work { bits: 12 }, 400, None),
        (ClaimError::Denied, 403, None),
    ] {
        let node = FakeNode::new();
        node.refuse_claims(error.clone());
        let reply = claim(&node, &Address::ZERO.to_hex()).await;
        assert_eq!((reply.status, reply.retry_after.as_deref()), (status, retry_after), "{error}");
        assert_eq!(reply.message(), error.to_string());
    }
}

#[actix_web::test]
async fn a_native_transfer_is_shown_in_whole_barrel_rounded_down() {
    let node = FakeNode::new();
    let tx = node.native(1, address(7), Amount::drops(299_999_999), 0);
    let id = tx.id(&node.network().chain);
    node.mine(vec![Transaction::Transfer(tx)]);
    let shown = get(&node, &format!("/txs/{}", id.to_hex())).await.json()["data"]["transaction"].clone();
    assert_eq!((&shown["value"], &shown["data"], &shown["blockHeight"]), (&json!("02"), &json!("0102"), &json!(1)));
    assert_eq!(get(&node, "/txs/0").await.json()["data"]["transaction"], shown);
}

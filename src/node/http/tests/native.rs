//! The native interface.

use client::transfer::{TransferJson, to_hex};
use ledger::{Address, Amount, Transaction, Transfer};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::fake_node::{FakeNode, address, key};
use super::{ask, get, post};

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
async fn blocks_are_listed_newest_first_and_each_page_names_the_next() {
    let node = FakeNode::new();
    let tx = node.native(1, address(7), Amount::drops(5), 0);
    node.mine(vec![Transaction::Transfer(tx)]);
    let ids: Vec<_> = (0..4).map(|_| node.mine(vec![])).collect();
    let first = get(&node, "/v1/blocks?limit=3").await.json();
    assert_eq!((&first["next"], &first["blocks"][0]["id"]), (&json!(3), &json!(ids[3])), "{first}");
    let rest = get(&node, "/v1/blocks?limit=3&before=3").await.json();
    let heights: Vec<_> = rest["blocks"].as_array().unwrap().iter().map(|block| block["height"].clone()).collect();
    assert_eq!((heights, &rest["next"]), (vec![json!(2), json!(1), json!(0)], &json!(null)));
    let paid = &rest["blocks"][1];
    assert_eq!((&paid["transactions"], &paid["fees"], &paid["miner"]), (&json!(1), &json!("1"), &json!(address(9))));
    assert_eq!(paid["parent"], rest["blocks"][2]["id"]);
    for limit in ["0", "1"] {
        let page = get(&node, &format!("/v1/blocks?limit={limit}")).await.json();
        assert_eq!(page["blocks"].as_array().map(Vec::len), Some(1), "{limit}");
    }
}

#[actix_web::test]
async fn a_block_is_found_by_height_and_by_id_and_its_header_hashes_to_its_id() {
    let node = FakeNode::new();
    let txs: Vec<_> = (0..3).map(|ahead| node.native(1, address(7), Amount::drops(5), ahead)).collect();
    let id = node.mine(txs.iter().cloned().map(Transaction::Transfer).collect());
    node.mine(vec![]);
    let block = get(&node, &format!("/v1/blocks/{id}")).await.json();
    assert_eq!(block, get(&node, "/v1/blocks/1").await.json());
    assert_eq!((&block["in_chain"], &block["confirmations"]), (&json!(true), &json!(2)));
    let header = hex::decode(block["header"].as_str().unwrap()).unwrap();
    let twice = Sha256::digest(Sha256::digest(header));
    assert_eq!(block["id"], hex::encode(twice));
    let listed = get(&node, "/v1/blocks/1/transactions?limit=2").await.json();
    assert_eq!((&listed["next"], &listed["total"]), (&json!(2), &json!(3)));
    let last = get(&node, "/v1/blocks/1/transactions?from=2").await.json();
    assert_eq!((&last["next"], &last["transactions"][0]["id"]), (&json!(null), &block["transaction_ids"][2]));
    assert_eq!(get(&node, "/v1/blocks/1/transactions?from=4000000000").await.json()["transactions"], json!([]));
    let run = get(&node, "/v1/headers?from=1&limit=1").await.json();
    assert_eq!((&run["headers"][0]["header"], &run["next"]), (&block["header"], &json!(2)));
}

#[actix_web::test]
async fn what_happened_to_an_account_is_paged_by_cursor_without_a_gap() {
    let node = FakeNode::new();
    for _ in 0..3 {
        let pay = |ahead| Transaction::Transfer(node.native(1, address(7), Amount::drops(5), ahead));
        node.mine(vec![pay(0), pay(1)]);
    }
    let path = format!("/v1/accounts/{}/transactions?limit=4", address(7));
    let first = get(&node, &path).await.json();
    let next = first["next"].as_str().unwrap();
    let second = get(&node, &format!("{path}&before={next}")).await.json();
    assert_eq!((first["transactions"].as_array().unwrap().len(), &second["next"]), (4, &json!(null)));
    let all = [first["transactions"].as_array().unwrap().clone(), second["transactions"].as_array().unwrap().clone()];
    let at: Vec<_> = all
        .concat()
        .iter()
        .map(|item| (item["height"].clone(), item["transaction"]["block"]["index"].clone()))
        .collect();
    let expected: Vec<_> =
        (1..=3).rev().flat_map(|height| [(json!(height), json!(1)), (json!(height), json!(0))]).collect();
    assert_eq!(at, expected);
    assert!(all.concat().iter().all(|item| item["direction"] == "in" && item["amount"] == "5"));
    let miner = get(&node, &format!("/v1/accounts/{}/transactions", address(9))).await.json();
    assert_eq!(
        (&miner["transactions"][0]["direction"], &miner["transactions"][0]["transaction"]),
        (&json!("mined"), &json!(null))
    );
    assert_eq!(get(&node, &format!("{path}&before=x")).await.status, 400);
}

#[actix_web::test]
async fn transactions_of_the_chain_are_paged_by_their_number() {
    let node = FakeNode::new();
    let pay = |ahead| Transaction::Transfer(node.native(1, address(7), Amount::drops(5), ahead));
    node.mine(vec![pay(0), pay(1)]);
    node.mine(vec![pay(0)]);
    let first = get(&node, "/v1/transactions?limit=2").await.json();
    assert_eq!((&first["next"], &first["total"]), (&json!(1), &json!(3)));
    let second = get(&node, "/v1/transactions?limit=2&before=1").await.json();
    assert_eq!((&second["next"], second["transactions"].as_array().unwrap().len()), (&json!(null), 1));
    assert_eq!(second["transactions"][0]["confirmations"], json!(2));
}

#[actix_web::test]
async fn the_supply_is_the_opening_balances_and_a_reward_for_each_block() {
    let node = FakeNode::new();
    let before: u64 = get(&node, "/v1/supply").await.json()["issued"].as_str().unwrap().parse().unwrap();
    node.mine(vec![]);
    let after = get(&node, "/v1/supply").await.json();
    let reward: u64 = get(&node, "/v1/network").await.json()["reward"].as_str().unwrap().parse().unwrap();
    assert_eq!((&after["issued"], &after["height"]), (&json!((before + reward).to_string()), &json!(1)));
}

#[actix_web::test]
async fn a_text_is_found_as_what_it_names() {
    let node = FakeNode::new();
    let tx = node.native(1, address(7), Amount::drops(5), 0);
    let id = tx.id(&node.network().chain);
    post(&node, "/v1/transactions", &json!(TransferJson::from(&tx))).await;
    let block = node.mine(vec![]);
    for (text, found) in [
        ("1".to_owned(), json!({ "kind": "block", "id": block, "height": 1 })),
        (block.to_string(), json!({ "kind": "block", "id": block, "height": 1 })),
        (id.to_string(), json!({ "kind": "transaction", "id": id })),
        (address(7).to_hex(), json!({ "kind": "account", "address": address(7), "exists": false })),
    ] {
        assert_eq!(get(&node, &format!("/v1/search?q={text}")).await.json(), found);
    }
    for unknown in ["2", "nothing", "", &"ab".repeat(32)] {
        assert_eq!(get(&node, &format!("/v1/search?q={unknown}")).await.status, 404, "{unknown}");
    }
}

#[actix_web::test]
async fn a_transfer_of_the_original_chain_is_taken_in_its_own_form_and_a_batch_takes_all_forms() {
    let node = FakeNode::new();
    let tx = node.barreleye(1, address(7), 3, 0);
    let form = json!({ "barreleye": super::transfers::request(&tx) });
    let reply = post(&node, "/v1/transactions", &form).await;
    assert_eq!((reply.status, reply.json()), (202, json!({ "id": tx.id() })), "{}", reply.body);
    let native = node.native(2, address(7), Amount::drops(5), 0);
    let mut bad = node.native(3, address(7), Amount::drops(5), 0);
    bad.amount = Amount::drops(6);
    let batch = json!({ "transactions": [form, { "hex": to_hex(&native) }, TransferJson::from(&bad)] });
    let reply = post(&node, "/v1/transactions/batch", &batch).await.json();
    assert_eq!(reply["transactions"][0]["id"], json!(tx.id()));
    assert_eq!(reply["transactions"][1]["id"], json!(native.id(&node.network().chain)));
    assert_eq!((&reply["transactions"][2]["status"], node.waiting()), (&json!(422), 2));
    for count in [0, 101] {
        let batch = json!({ "transactions": vec![json!({ "hex": "00" }); count] });
        assert_eq!(post(&node, "/v1/transactions/batch", &batch).await.status, 400, "{count}");
    }
}

#[actix_web::test]
async fn why_a_transaction_waits_is_told_from_a_gap_to_its_block() {
    let node = FakeNode::new();
    let txs: Vec<_> = (0..3).map(|ahead| node.native(1, address(7), Amount::drops(5), ahead)).collect();
    let id = |at: usize| txs[at].id(&node.network().chain);
    let base = node.nonce(&address(1));
    post(&node, "/v1/transactions", &json!(TransferJson::from(&txs[2]))).await;
    let waiting = |at: usize| format!("/v1/transactions/{}/waiting", id(at));
    let gap = get(&node, &waiting(2)).await.json();
    assert_eq!((&gap["reason"], &gap["position"]), (&json!("nonce_gap"), &json!(null)), "{gap}");
    assert_eq!(gap["missing_nonces"], json!([base.to_string(), (base + 1).to_string()]));
    assert_eq!(gap["needed"], json!("6"));
    assert_eq!(get(&node, &waiting(0)).await.status, 404);
    for tx in &txs[..2] {
        post(&node, "/v1/transactions", &json!(TransferJson::from(tx))).await;
    }
    let ready = get(&node, &waiting(2)).await.json();
    assert_eq!((&ready["reason"], &ready["position"]), (&json!("next_block"), &json!(3)), "{ready}");
    assert_eq!((&ready["expected_blocks"], &ready["missing_nonces"]), (&json!(1), &json!([])));
    let ahead = ready["ahead_bytes"].as_u64().unwrap() as usize;
    assert_eq!(ahead, txs[..2].iter().map(|tx| Transaction::Transfer(tx.clone()).size()).sum::<usize>());
    let pool = get(&node, "/v1/pool?limit=2").await.json();
    let listed: Vec<_> = pool["list"].as_array().unwrap().iter().map(|tx| tx["id"].clone()).collect();
    assert_eq!((listed, &pool["transactions"]), (vec![json!(id(0)), json!(id(1))], &json!(3)));
    let shown = get(&node, &format!("/v1/transactions/{}", id(1))).await.json();
    assert_eq!(
        (&shown["state"], &shown["pool"]["position"], &shown["pool"]["of"]),
        (&json!("pool"), &json!(2), &json!(3))
    );
    assert!(shown["received"].as_u64().unwrap() > 1_700_000_000_000, "{shown}");
    assert_eq!(get(&node, &format!("/v1/accounts/{}", address(1))).await.json()["waiting"], json!(3));
    node.mine(txs.iter().cloned().map(Transaction::Transfer).collect());
    let mined = get(&node, &waiting(2)).await.json();
    assert_eq!((&mined["state"], &mined["reason"]), (&json!("confirmed"), &json!(null)));
}

#[actix_web::test]
async fn a_place_costs_nothing_while_there_is_room() {
    let node = FakeNode::new();
    let tx = node.native(1, address(7), Amount::drops(5), 0);
    post(&node, "/v1/transactions", &json!(TransferJson::from(&tx))).await;
    let fees = get(&node, "/v1/fees").await.json();
    let nothing = json!({ "per_1000_bytes": "0", "transfer": "0" });
    for name in ["minimum", "next_block", "three_blocks", "ten_blocks"] {
        assert_eq!(fees[name], nothing);
    }
}

#[actix_web::test]
async fn a_proof_leads_from_the_transaction_to_the_header_by_hashes_alone() {
    let node = FakeNode::new();
    let txs: Vec<_> = (0..5).map(|ahead| node.native(1, address(7), Amount::drops(5), ahead)).collect();
    let block = node.mine(txs.iter().cloned().map(Transaction::Transfer).collect());
    for (index, tx) in txs.iter().enumerate() {
        let path = format!("/v1/transactions/{}/proof", tx.id(&node.network().chain));
        let proof: client::Proof = serde_json::from_str(&get(&node, &path).await.body).unwrap();
        assert_eq!((proof.block, proof.index as usize, proof.transactions), (block, index, 5));
        let sibling = |step: &client::Step| match step.side {
            client::Side::Left => ledger::merkle::Sibling::Left(step.digest),
            client::Side::Right => ledger::merkle::Sibling::Right(step.digest),
        };
        let branch: Vec<_> = proof.branch.iter().map(sibling).collect();
        let root = ledger::merkle::root_of(proof.leaf, &branch, proof.transactions);
        assert_eq!(root, proof.root);
        assert_eq!(proof.leaf, Transaction::Transfer(tx.clone()).leaf());
        assert_eq!(proof.encoded, hex::encode(Transaction::Transfer(tx.clone()).encode()));
        assert!(proof.header.contains(&root.to_hex()));
        let twice = Sha256::digest(Sha256::digest(hex::decode(&proof.header).unwrap()));
        assert_eq!(hex::encode(twice), block.to_hex());
    }
    let waits = node.native(2, address(7), Amount::drops(5), 0);
    post(&node, "/v1/transactions", &json!(TransferJson::from(&waits))).await;
    let path = format!("/v1/transactions/{}/proof", waits.id(&node.network().chain));
    assert_eq!(get(&node, &path).await.status, 404);
}

#[actix_web::test]
async fn the_table_of_an_account_has_a_row_for_everything_that_happened() {
    let node = FakeNode::new();
    for _ in 0..250 {
        node.mine(vec![]);
    }
    let tx = node.native(1, address(9), Amount::drops(150_000_000), 0);
    let id = tx.id(&node.network().chain);
    node.mine(vec![Transaction::Transfer(tx)]);
    let table = get(&node, &format!("/v1/accounts/{}/transactions.csv", address(9))).await;
    assert_eq!(table.content_type, "text/csv; charset=utf-8");
    let lines: Vec<_> = table.body.lines().collect();
    assert_eq!((lines.len(), lines[0]), (253, "time,height,direction,counterparty,amount,fee,transaction"));
    let paid: Vec<_> = lines[2].split(',').collect();
    let from = address(1).to_string();
    assert_eq!(paid[1..], ["251", "in", from.as_str(), "1.5", "0", id.to_hex().as_str()]);
    assert!(paid[0].ends_with('Z') && paid[0].contains('T'), "{}", paid[0]);
    assert!(lines[252].contains(",1,mined,,"), "{}", lines[252]);
}

#[actix_web::test]
async fn peers_are_told_without_their_addresses() {
    let node = FakeNode::new();
    let peers = get(&node, "/v1/peers").await;
    let body = peers.json();
    assert_eq!(body["peers"], json!([{ "agent": "barreleye/0.1", "height": 7, "direction": "out", "since_ms": 5 }]));
    assert_eq!((&body["inbound"], &body["outbound"]), (&json!(0), &json!(1)));
    assert!(!peers.body.contains("192.0.2.9"), "{}", peers.body);
}

#[actix_web::test]
async fn the_page_that_shows_the_document_asks_nobody_else() {
    let node = FakeNode::new();
    for (path, kind) in [("/api", "text/html"), ("/api/page.css", "text/css"), ("/api/page.js", "text/javascript")] {
        let reply = get(&node, path).await;
        assert_eq!((reply.status, reply.content_type.starts_with(kind)), (200, true), "{path}");
        assert!(!reply.body.contains("http://") && !reply.body.contains("https://"), "{path} names another place");
        assert!(!reply.body.contains("style=") && !reply.body.contains("onclick"), "the policy allows nothing inline");
        assert!(!reply.body.contains("innerHTML"), "texts are set as text");
    }
}

#[actix_web::test]
async fn statistics_count_from_the_block_before_the_first() {
    let node = FakeNode::new();
    for _ in 0..5 {
        node.mine(vec![]);
    }
    let chart = get(&node, "/v1/statistics?blocks=3").await.json();
    assert_eq!(chart["height"], json!([3, 4, 5]));
    assert_eq!(chart["interval_ms"], json!([1000, 1000, 1000]));
    assert_eq!(chart["mean_interval_ms"], json!(1000.0));
    let difficulty = chart["difficulty"][0].as_f64().unwrap();
    assert!((chart["hash_rate"].as_f64().unwrap() - difficulty).abs() < 1e-6, "one such block a second: {chart}");
    let whole = get(&node, "/v1/statistics?blocks=0").await.json();
    assert_eq!(whole["height"], json!([5]));
    let all = get(&node, "/v1/statistics").await.json();
    assert_eq!(all["height"], json!([1, 2, 3, 4, 5]), "nobody mined the genesis block");
    assert_eq!(all["interval_ms"], json!([0, 1000, 1000, 1000, 1000]));
    let empty = get(&FakeNode::new(), "/v1/statistics").await.json();
    assert_eq!((&empty["height"], &empty["mean_interval_ms"]), (&json!([]), &json!(0.0)));
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

//! The OpenAPI document: it names every route, each once, and nothing that is not there.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fake_node::FakeNode;
use super::{ask, get};

fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let item = item.as_object().unwrap().clone();
        item.into_iter().map(|(method, operation)| (path.clone(), method, operation)).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

#[actix_web::test]
async fn every_operation_of_the_document_is_there_and_says_how_it_may_fail() {
    let node = FakeNode::new();
    let document = get(&node, "/v1/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let operations = operations(&document);
    let mut names = BTreeSet::new();
    for (path, method, operation) in &operations {
        assert!(names.insert(operation["operationId"].as_str().unwrap()), "{path}: {operation}");
        for status in ["4XX", "5XX"] {
            assert!(operation["responses"][status].is_object(), "{method} {path} says nothing of {status}");
        }
        assert!(operation["summary"].is_string() && operation["tags"].is_array(), "{method} {path}");
        if path == "/v1/events" {
            // It never ends: see the tests of events.
            continue;
        }
        let named: String = path.replace("{block}", "0").replace(['{', '}'], "");
        let reply = ask(&node, &method.to_uppercase(), &named, Some("application/json"), "{}").await;
        let detail = if reply.status == 404 { reply.json() } else { Value::Null };
        assert_ne!(detail["detail"], "there is nothing at this path", "{method} {path}");
        assert_ne!(detail["message"], "Not Found", "{method} {path}");
    }
    for path in
        ["/last-block", "/blocks", "/txs", "/faucet", "/v1/blocks", "/v1/transactions/{id}", "/v1/accounts/{address}"]
    {
        assert!(operations.iter().any(|(named, ..)| named == path), "{path} is missing");
    }
}

#[actix_web::test]
async fn another_method_is_told_which_ones_there_are() {
    let node = FakeNode::new();
    for (path, native) in [("/v1/blocks/7", true), ("/blocks", false)] {
        let reply = ask(&node, "DELETE", path, None, "").await;
        assert_eq!((reply.status, reply.body.contains("only GET")), (405, native), "{}", reply.body);
    }
}

#[actix_web::test]
async fn every_reference_of_the_document_leads_somewhere() {
    let node = FakeNode::new();
    let document = get(&node, "/v1/openapi.json").await.json();
    let text = document.to_string();
    let references = text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap());
    let mut seen = 0;
    for place in references {
        assert!(document.pointer(place).is_some(), "{place}");
        seen += 1;
    }
    assert!(seen > 20, "{seen}");
}

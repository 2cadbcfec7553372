//! The files of the web application: complete, held to their policy, sent small and only when they changed.

use std::io::Read;

use actix_web::App;
use actix_web::body::to_bytes;
use actix_web::dev::ServiceResponse;
use actix_web::test::{TestRequest, call_service, init_service};
use flate2::read::GzDecoder;

use super::fake_node::FakeNode;
use super::{ask, get};
use crate::http::assets::routes;

/// Every path and the beginning of its content type.
const FILES: [(&str, &str); 7] = [
    ("/", "text/html"),
    ("/app.js", "text/javascript"),
    ("/vault.js", "text/javascript"),
    ("/work.js", "text/javascript"),
    ("/style.css", "text/css"),
    ("/icon.svg", "image/svg+xml"),
    ("/manifest.webmanifest", "application/manifest+json"),
];

async fn fetch(path: &str, headers: &[(&str, &str)]) -> ServiceResponse {
    let service = init_service(App::new().configure(routes)).await;
    let request = TestRequest::with_uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| request.insert_header((*name, *value)));
    call_service(&service, request.to_request()).await
}

fn header(response: &ServiceResponse, name: &str) -> String {
    response.headers().get(name).map_or(String::new(), |value| value.to_str().unwrap().into())
}

async fn bytes(response: ServiceResponse) -> Vec<u8> {
    to_bytes(response.into_body()).await.unwrap_or_else(|_| panic!("no body")).to_vec()
}

#[actix_web::test]
async fn every_file_comes_with_its_type_and_the_policy_that_lets_nothing_in() {
    for (path, kind) in FILES {
        let response = fetch(path, &[]).await;
        assert_eq!(response.status(), 200, "{path}");
        assert!(header(&response, "content-type").starts_with(kind), "{path}");
        let policy = header(&response, "content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
        for open in ["unsafe", "*", "http", "data:", "blob:"] {
            assert!(!policy.contains(open), "{open} in {policy}");
        }
    }
}

#[actix_web::test]
async fn the_page_names_only_files_of_this_node_and_has_nothing_inline() {
    let node = FakeNode::new();
    let page = get(&node, "/").await.body;
    for (before, after) in [("href=\"", '"'), ("src=\"", '"')] {
        for place in page.split(before).skip(1).filter_map(|rest| rest.split(after).next()) {
            assert!(FILES.iter().any(|(path, _)| *path == place), "{place} is not served here");
        }
    }
    assert!(!page.contains("style=") && !page.contains("onclick") && !page.contains("<style"), "something is inline");
    assert_eq!(page.matches("<script").count(), page.matches("<script type=\"module\" src=").count());
}

#[actix_web::test]
async fn a_client_that_takes_gzip_gets_the_same_bytes_in_less() {
    let plain = bytes(fetch("/app.js", &[]).await).await;
    let small = fetch("/app.js", &[("Accept-Encoding", "gzip, deflate, br")]).await;
    assert_eq!((header(&small, "content-encoding"), header(&small, "vary")), ("gzip".into(), "Accept-Encoding".into()));
    let small = bytes(small).await;
    assert!(small.len() * 2 < plain.len(), "{} of {} bytes", small.len(), plain.len());
    let mut unpacked = Vec::new();
    GzDecoder::new(&small[..]).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain);
    for refuses in ["identity", "gzip;q=0", "br"] {
        let response = fetch("/app.js", &[("Accept-Encoding", refuses)]).await;
        assert_eq!(header(&response, "content-encoding"), "", "{refuses}");
    }
}

#[actix_web::test]
async fn a_copy_that_is_the_newest_is_not_sent_again() {
    for accept in ["gzip", "identity"] {
        let first = fetch("/app.js", &[("Accept-Encoding", accept)]).await;
        let tag = header(&first, "etag");
        assert_eq!(header(&first, "cache-control"), "no-cache");
        let again = fetch("/app.js", &[("Accept-Encoding", accept), ("If-None-Match", &tag)]).await;
        assert_eq!((again.status().as_u16(), header(&again, "etag")), (304, tag.clone()));
        assert!(bytes(again).await.is_empty());
        let other = fetch("/style.css", &[("Accept-Encoding", accept), ("If-None-Match", &tag)]).await;
        assert_eq!(other.status(), 200, "the tag of another file");
    }
}

#[actix_web::test]
async fn a_file_is_only_read() {
    let node = FakeNode::new();
    for method in ["POST", "PUT", "DELETE"] {
        assert_eq!(ask(&node, method, "/app.js", None, "").await.status, 405);
    }
}

#[actix_web::test]
async fn a08_paths_that_climb_are_not_found() {
    let node = FakeNode::new();
    for path in ["/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//blocks", "/blocks//", "/index.html", "/dist/app.js"]
    {
        assert_eq!(get(&node, path).await.status, 404, "{path}");
    }
}

//! The stream of events, over a real connection.

use std::time::Duration;

use client::TransferJson;
use ledger::{Amount, Transaction};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::fake_node::{FakeNode, address};
use super::limits::Served;
use super::post;

/// An open stream.
struct Stream {
    connection: TcpStream,
    read: String,
}

impl Stream {
    async fn open(served: &Served, query: &str, last: Option<&str>) -> Self {
        let mut connection = served.connect().await;
        let last = last.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        let request = format!("GET /v1/events{query} HTTP/1.1\r\nHost: x\r\n{last}\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut stream = Self { connection, read: String::new() };
        stream.until(|text| text.contains("\r\n\r\n")).await;
        assert!(stream.read.starts_with("HTTP/1.1 200"), "{}", stream.read);
        stream
    }

    async fn until(&mut self, found: impl Fn(&str) -> bool) {
        let mut chunk = [0; 4096];
        while !found(&self.read) {
            let read = self.connection.read(&mut chunk);
            let count = tokio::time::timeout(Duration::from_secs(20), read).await;
            let count = count.unwrap_or_else(|_| panic!("nothing more comes: {}", self.read)).unwrap();
            assert!(count > 0, "the stream ended: {}", self.read);
            self.read.push_str(std::str::from_utf8(&chunk[..count]).unwrap());
        }
    }

    /// The data of the next event of this name; what came before it is dropped.
    async fn next(&mut self, name: &str) -> Value {
        let head = format!("event: {name}\n");
        let whole = |text: &str| text.find(&head).and_then(|at| Some((at, at + text[at..].find("\n\n")?)));
        self.until(|text| whole(text).is_some()).await;
        let (start, end) = whole(&self.read).unwrap();
        let event = self.read[start..end].to_owned();
        self.read.drain(..end);
        serde_json::from_str(event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap()).unwrap()
    }
}

#[actix_web::test]
async fn a_stream_begins_with_how_the_node_is_and_tells_of_blocks_and_transactions_as_they_come() {
    let node = FakeNode::new();
    let served = Served::new(&node);
    let mut stream = Stream::open(&served, "", None).await;
    assert_eq!(stream.next("status").await["tip"]["height"], json!(0));
    let tx = node.native(1, address(7), Amount::drops(5), 0);
    let id = json!(tx.id(&node.network().chain));
    post(&node, "/v1/transactions", &json!(TransferJson::from(&tx))).await;
    let told = stream.next("transaction").await;
    assert_eq!((&told["id"], &told["state"], &told["to"]), (&id, &json!("pool"), &json!(address(7))));
    let block = node.mine(vec![Transaction::Transfer(tx)]);
    let told = stream.next("block").await;
    assert_eq!((&told["id"], &told["transactions"], &told["fees"]), (&json!(block), &json!(1), &json!("1")));
    let told = stream.next("transaction").await;
    assert_eq!((&told["id"], &told["state"], &told["block"]), (&id, &json!("confirmed"), &json!(block)));
}

#[actix_web::test]
async fn a_stream_with_a_name_tells_of_that_account_and_of_no_other() {
    let node = FakeNode::new();
    let served = Served::new(&node);
    let mut stream = Stream::open(&served, &format!("?account={}", address(7)), None).await;
    stream.next("status").await;
    let other = Transaction::Transfer(node.native(2, address(8), Amount::drops(5), 0));
    let own = Transaction::Transfer(node.native(1, address(7), Amount::drops(6), 0));
    node.mine(vec![other, own]);
    assert_eq!(stream.next("transaction").await["amount"], json!("6"));
}

#[actix_web::test]
async fn whoever_comes_back_is_told_of_the_blocks_since_then() {
    let node = FakeNode::new();
    let served = Served::new(&node);
    let ids: Vec<_> = (0..4).map(|_| node.mine(vec![])).collect();
    let mut stream = Stream::open(&served, "", Some(&ids[1].to_hex())).await;
    assert_eq!(stream.next("block").await["id"], json!(ids[2]));
    assert_eq!(stream.next("block").await["id"], json!(ids[3]));
}

#[actix_web::test]
async fn a_reorganisation_is_told_with_what_waits_again() {
    let (node, other) = (FakeNode::new(), FakeNode::new());
    let served = Served::new(&node);
    let tx = node.native(1, address(7), Amount::drops(5), 0);
    let id = tx.id(&node.network().chain);
    let lost = node.mine(vec![Transaction::Transfer(tx)]);
    let mut stream = Stream::open(&served, &format!("?transaction={id}"), None).await;
    assert_eq!(stream.next("transaction").await["state"], json!("confirmed"));
    let paid = Transaction::Transfer(other.native(2, address(8), Amount::drops(5), 0));
    other.mine(vec![paid]);
    let tip = other.mine(vec![]);
    node.adopt(&other);
    let told = stream.next("reorganisation").await;
    assert_eq!((&told["depth"], &told["fork_height"]), (&json!(1), &json!(0)));
    assert_eq!((&told["from"], &told["to"], &told["returned"]), (&json!(lost), &json!(tip), &json!([id])));
    assert_eq!(stream.next("block").await["height"], json!(1));
    assert_eq!(stream.next("block").await["id"], json!(tip));
    assert_eq!(stream.next("transaction").await["state"], json!("pool"));
}

#[actix_web::test]
async fn a04_a_client_opens_no_more_streams_than_its_share() {
    let node = FakeNode::new();
    let served = Served::new(&node);
    let mut streams = Vec::new();
    for _ in 0..32 {
        streams.push(Stream::open(&served, "", None).await);
    }
    let refused = || async {
        let mut connection = served.connect().await;
        connection.write_all(b"GET /v1/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut line = [0; 12];
        connection.read_exact(&mut line).await.unwrap();
        &line == b"HTTP/1.1 429"
    };
    assert!(refused().await, "one more is refused");
    streams.pop();
    let began = std::time::Instant::now();
    while refused().await {
        assert!(began.elapsed() < Duration::from_secs(20), "the place of a stream that ended is never free");
        tokio::task::yield_now().await;
    }
}

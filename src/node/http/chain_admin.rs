//! What is kept, for the operator: all of it as one stream, and how much of the disk it takes.
//!
//! A stream is read in parts, each from a moment of its own: whoever takes hours to read holds nothing back.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::{self, Bytes, ServiceConfig};
use serde_json::json;
use store::{ArchiveError, ArchiveWriter, Reader, StoreError, Walk};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tracing::warn;

use super::Shared;
use super::problem::Problem;

/// Everything that is kept, as `chain export` writes it, with records of peers and of the faucet.
pub const EXPORT_PATH: &str = "/admin/chain/export";
/// The header that tells the height of the chain when an export begins.
pub const EXPORT_HEIGHT: &str = "barreleye-height";
/// What takes how much of the disk.
pub const TABLES_PATH: &str = "/admin/chain/tables";

/// Bytes that are sent at once, or a block if that is larger.
const CHUNK: usize = 256 * 1024;
/// Chunks that wait for a slow reader: 2 MB, more with large blocks.
const WAITING: usize = 8;

/// One export at a time: each reads the whole disk.
pub struct Exports(Arc<Semaphore>);

impl Default for Exports {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

/// Both of them, below `/admin`.
pub fn routes(app: &mut ServiceConfig) {
    app.route("/chain/export", web::get().to(export)).route("/chain/tables", web::get().to(tables));
}

async fn tables(state: Shared) -> HttpResponse {
    let reader = state.node.reader().clone();
    // Walks through all of it, on a thread that may wait.
    let read = web::block(move || Ok::<_, StoreError>((reader.usage()?, reader.free_bytes()?))).await;
    match read {
        Ok(Ok((tables, free_bytes))) => HttpResponse::Ok().json(json!({ "tables": tables, "free_bytes": free_bytes })),
        Ok(Err(error)) => Problem::from(error).reply(),
        Err(_) => Problem::new(503, "/problems/unavailable", "Unavailable", "the node is stopping").reply(),
    }
}

async fn export(state: Shared) -> HttpResponse {
    let Ok(turn) = state.exports.0.clone().try_acquire_owned() else {
        let detail = "somebody makes an export or a backup already: wait until it is done";
        return Problem::new(409, "/problems/busy", "One export at a time", detail).reply();
    };
    let reader = state.node.reader().clone();
    let walk = match Walk::new(reader.clone()) {
        Ok(walk) => walk,
        Err(error) => return Problem::from(error).reply(),
    };
    let (send, receive) = channel(WAITING);
    let write = move || {
        let _turn = turn;
        if let Err(error) = write(walk, &reader, BufWriter::with_capacity(CHUNK, Outlet(send))) {
            // Without its end nobody takes what has arrived for the whole.
            warn!(%error, "an export of the chain was cut off");
        }
    };
    // Not one of the threads that answer requests: it lives as long as its reader takes.
    if let Err(error) = std::thread::Builder::new().name("export".into()).spawn(write) {
        let detail = format!("a thread cannot be started: {error}");
        return Problem::new(503, "/problems/unavailable", "Unavailable", detail).reply();
    }
    HttpResponse::Ok()
        .content_type("application/octet-stream")
        .insert_header((EXPORT_HEIGHT, state.node.tip().height.to_string()))
        .streaming(futures::stream::unfold(receive, next))
}

async fn next(mut receive: Receiver<Bytes>) -> Option<(Result<Bytes, io::Error>, Receiver<Bytes>)> {
    let chunk = receive.recv().await?;
    Some((Ok(chunk), receive))
}

fn write(mut walk: Walk, reader: &Reader, outlet: BufWriter<Outlet>) -> Result<(), ArchiveError> {
    let mut archive = ArchiveWriter::new(outlet, reader.network().chain)?;
    loop {
        let part = walk.next_part().map_err(io::Error::other)?;
        part.blocks.iter().try_for_each(|block| archive.block(block))?;
        if let Some(records) = part.records {
            records.iter().try_for_each(|record| archive.record(record))?;
            archive.end(part.tip.height, part.tip.id)?;
            return Ok(());
        }
    }
}

/// Hands what is written to the connection and waits for it.
struct Outlet(Sender<Bytes>);

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "nobody reads any more");
        self.0.blocking_send(Bytes::copy_from_slice(bytes)).map_err(gone)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

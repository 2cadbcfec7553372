//! What plain TCP carries between two hosts: the measure of what may be demanded of a node on the same line.

use std::io::{Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::harness::Schedule;
use crate::space::Space;

/// Connections at once: on a line that loses much, one alone may have no luck at all.
const CONNECTIONS: usize = 8;
/// How long one look at a connection lasts.
const LOOK: Duration = Duration::from_millis(100);

/// Carries bytes from one host to another for so long; gives how many a second a connection carried, on average.
pub fn bytes_a_second(from: &Space, to: &Space, time: Duration) -> u64 {
    let end = Instant::now() + time;
    let (told, address) = mpsc::channel();
    let ip = from.addresses()[0];
    let server = from.inside(move || serve(ip, &told, end));
    let address = address.recv().expect("the server tells where it listens");
    let readers: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            to.inside(move || {
                match TcpStream::connect_timeout(&address, end.saturating_duration_since(Instant::now())) {
                    Ok(stream) => count(stream, end),
                    Err(_) => 0,
                }
            })
        })
        .collect();
    let bytes: u64 = readers.into_iter().map(joined).sum();
    joined(server);
    bytes / CONNECTIONS as u64 / time.as_secs()
}

/// Sends to everybody who comes as much as the line takes.
fn serve(ip: IpAddr, told: &mpsc::Sender<std::net::SocketAddr>, end: Instant) {
    let listener = TcpListener::bind((ip, 0)).expect("the host has this address");
    listener.set_nonblocking(true).expect("sockets can be that");
    told.send(listener.local_addr().expect("it is bound")).expect("it is waited for");
    let mut writers = Vec::new();
    while Instant::now() < end {
        match listener.accept() {
            Ok((stream, _)) => writers.push(std::thread::spawn(move || send(stream, end))),
            Err(_) => Schedule::start().at(LOOK),
        }
    }
    writers.into_iter().for_each(joined);
}

fn send(mut stream: TcpStream, end: Instant) {
    stream.set_nonblocking(false).and_then(|()| stream.set_write_timeout(Some(LOOK))).expect("sockets can be that");
    while Instant::now() < end {
        // Full, or broken: either way the other end tells what came.
        drop(stream.write(&[7; 10_000]));
    }
}

fn count(mut stream: TcpStream, end: Instant) -> u64 {
    stream.set_read_timeout(Some(LOOK)).expect("sockets can be that");
    let (mut bytes, mut buffer) = (0, [0; 65_536]);
    while Instant::now() < end {
        bytes += stream.read(&mut buffer).unwrap_or(0) as u64;
    }
    bytes
}

fn joined<T>(thread: JoinHandle<T>) -> T {
    thread.join().expect("it does not panic")
}

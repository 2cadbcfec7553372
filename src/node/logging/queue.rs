//! Lines on their way out of the process. Whoever logs never waits for whoever reads: what finds no room is lost, and
//! that is told once there is room again.

use std::io::{self, Write};
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::thread;
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

/// Lines that may wait: a second of the worst flood, a few hundred KiB.
const LINES: usize = 4_096;
/// The end of the process waits so long for its last lines.
const FLUSH: Duration = Duration::from_millis(500);

/// Where lines go.
pub enum Sink {
    /// Standard error.
    Stderr,
    /// The journal's own socket, one datagram for each entry.
    Journal(UnixDatagram),
}

enum Order {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

/// The way out. Cheap to clone.
#[derive(Clone)]
pub struct Queue {
    orders: SyncSender<Order>,
    lost: Arc<AtomicU64>,
}

impl Queue {
    /// A queue to `sink`; `note` makes a line that tells of lost ones.
    pub fn to(sink: Sink, note: impl Fn(&str) -> Vec<u8> + Send + 'static) -> io::Result<Self> {
        Self::with_writer(move |line| sink.write(line), note)
    }

    fn with_writer(
        mut write: impl FnMut(&[u8]) -> io::Result<()> + Send + 'static,
        note: impl Fn(&str) -> Vec<u8> + Send + 'static,
    ) -> io::Result<Self> {
        let (orders, inbox) = mpsc::sync_channel(LINES);
        let lost = Arc::new(AtomicU64::new(0));
        let losses = lost.clone();
        thread::Builder::new().name("log".into()).spawn(move || run(&inbox, &losses, &mut write, &note))?;
        Ok(Self { orders, lost })
    }

    /// Sends a line, or counts it as lost.
    pub fn line(&self, line: Vec<u8>) {
        if self.orders.try_send(Order::Line(line)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until what was logged before is written, but not long: nobody may be reading.
    pub fn flush(&self) {
        let (done, wait) = mpsc::sync_channel(1);
        let (end, mut order) = (Instant::now() + FLUSH, Order::Flush(done));
        while let Err(error) = self.orders.try_send(order) {
            match error {
                TrySendError::Full(back) if Instant::now() < end => order = back,
                TrySendError::Full(_) | TrySendError::Disconnected(_) => return,
            }
            thread::yield_now();
        }
        // Not in time: the process ends without its last lines, which is better than not at all.
        let _ = wait.recv_timeout(end.saturating_duration_since(Instant::now()));
    }
}

/// The thread: writes line by line. A sink that takes nothing loses the line, which is all that can be done.
fn run(
    inbox: &Receiver<Order>,
    lost: &AtomicU64,
    write: &mut impl FnMut(&[u8]) -> io::Result<()>,
    note: &impl Fn(&str) -> Vec<u8>,
) {
    while let Ok(order) = inbox.recv() {
        match order {
            Order::Line(line) => {
                if write(&line).is_err() {
                    lost.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                let gone = lost.swap(0, Ordering::Relaxed);
                if gone > 0
                    && write(&note(&format!("{gone} lines of the log were lost: it is read too slowly"))).is_err()
                {
                    lost.fetch_add(gone, Ordering::Relaxed);
                }
            }
            // Who waits may have given up.
            Order::Flush(done) => drop(done.try_send(())),
        }
    }
}

impl Sink {
    fn write(&self, line: &[u8]) -> io::Result<()> {
        match self {
            Self::Stderr => io::stderr().write_all(line),
            Self::Journal(socket) => socket.send(line).map(drop),
        }
    }
}

/// A line while it is formatted; it is sent when it goes out of scope.
pub struct Line {
    queue: Queue,
    bytes: Vec<u8>,
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.queue.line(std::mem::take(&mut self.bytes));
    }
}

impl<'a> MakeWriter<'a> for Queue {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { queue: self.clone(), bytes: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o11_a_log_that_nobody_reads_holds_up_nobody_and_what_was_lost_is_told() {
        let (written, seen) = mpsc::channel::<Vec<u8>>();
        let (go, wait) = mpsc::channel::<()>();
        let mut waiting = true;
        let write = move |line: &[u8]| {
            if std::mem::take(&mut waiting) {
                wait.recv().unwrap();
            }
            written.send(line.to_vec()).map_err(io::Error::other)
        };
        let queue = Queue::with_writer(write, |text| text.as_bytes().to_vec()).unwrap();
        let count = 3 * LINES;
        let (done, logged) = mpsc::channel();
        let busy = queue.clone();
        let logger = thread::spawn(move || {
            (0..count).for_each(|i| busy.line(i.to_string().into_bytes()));
            busy.flush();
            done.send(()).unwrap();
        });
        let meanwhile = logged.recv_timeout(Duration::from_secs(5));
        go.send(()).unwrap();
        assert!(meanwhile.is_ok(), "whoever logs waited for whoever reads");
        logger.join().unwrap();
        let (mut lines, mut told) = (0, None);
        while told.is_none() {
            let line = String::from_utf8(seen.recv_timeout(Duration::from_secs(5)).unwrap()).unwrap();
            match line.strip_suffix(" lines of the log were lost: it is read too slowly") {
                Some(lost) => told = Some(lost.parse::<usize>().unwrap()),
                None => lines += 1,
            }
        }
        queue.flush();
        lines += seen.try_iter().count();
        assert_eq!(lines + told.unwrap(), count);
    }
}

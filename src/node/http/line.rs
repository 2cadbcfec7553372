//! A connection that must get something done: whatever its client does or leaves undone, nothing is waited for longer
//! than [`PATIENCE`] without an answer, or a part of one, that was taken.
//!
//! actix-web has a limit for the headers of the first request, none for those of a later one, none for a client that
//! does not read. One rule covers them all, below HTTP: the connection ends when the last bytes that the client took
//! lie too far back. A stream of events says something every few seconds.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// Longer than the deadline of a request, its headers and an idle pause before it together; long enough for the
/// largest page, 3.3 MB, on a line of a megabit.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// The same for the operator, who mints many blocks in one request.
pub const OPERATOR_PATIENCE: Duration = Duration::from_secs(90);

/// A connection with a deadline for getting something done.
#[derive(Debug)]
pub struct Line<S, Slot = ()> {
    stream: S,
    patience: Duration,
    /// When all that was written was taken, or the connection began.
    delivered: Instant,
    /// Whether something was written since.
    writing: bool,
    /// Fires at the deadline or before; moved only then, so that an ordinary request costs no timer.
    timer: Pin<Box<Sleep>>,
    /// Given back when the connection ends.
    _slot: Slot,
}

impl<S, Slot> Line<S, Slot> {
    /// `stream`, with a deadline. `slot` is dropped with it.
    pub fn new(stream: S, patience: Duration, slot: Slot) -> Self {
        let timer = Box::pin(sleep(patience));
        Self { stream, patience, delivered: Instant::now(), writing: false, timer, _slot: slot }
    }

    /// An error once the deadline has passed; until then the task is woken at it.
    fn in_time(&mut self, cx: &mut Context) -> io::Result<()> {
        while self.timer.as_mut().poll(cx).is_ready() {
            let deadline = self.delivered + self.patience;
            if deadline <= Instant::now() {
                return Err(ErrorKind::TimedOut.into());
            }
            self.timer.as_mut().reset(deadline);
        }
        Ok(())
    }
}

impl<S: AsyncRead + Unpin, Slot: Unpin> AsyncRead for Line<S, Slot> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context, into: &mut ReadBuf) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.in_time(cx)?;
        Pin::new(&mut this.stream).poll_read(cx, into)
    }
}

impl<S: AsyncWrite + Unpin, Slot: Unpin> AsyncWrite for Line<S, Slot> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.in_time(cx)?;
        this.writing = true;
        Pin::new(&mut this.stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(cx);
        if this.writing && matches!(flushed, Poll::Ready(Ok(()))) {
            this.writing = false;
            this.delivered = Instant::now();
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn a02_a_line_whose_client_never_finishes_ends_whatever_it_sends() {
        for talks in [false, true] {
            let (mut client, server) = duplex(64);
            let mut line = Line::new(server, SHORT, ());
            let began = Instant::now();
            let client = tokio::spawn(async move {
                while talks && client.write_all(b"x").await.is_ok() {}
                client
            });
            let error = loop {
                if let Err(error) = line.read_u8().await {
                    break error;
                }
            };
            assert_eq!(error.kind(), ErrorKind::TimedOut, "{talks}");
            assert!(began.elapsed() >= SHORT, "not before its time");
            drop(line);
            client.await.unwrap();
        }
    }

    #[tokio::test]
    async fn a04_a_client_that_does_not_read_is_not_waited_for() {
        let (client, server) = duplex(64);
        let mut line = Line::new(server, SHORT, ());
        let error = line.write_all(&[0; 65]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        drop(client);
    }

    #[tokio::test]
    async fn only_an_answer_that_was_taken_gives_new_patience() {
        let (mut client, server) = duplex(64);
        let mut line = Line::new(server, PATIENCE, ());
        let began = line.delivered;
        client.write_all(b"?").await.unwrap();
        assert_eq!(line.read_u8().await.unwrap(), b'?');
        line.flush().await.unwrap();
        assert_eq!(line.delivered, began, "flushing nothing is no answer");
        line.write_all(b"!").await.unwrap();
        assert_eq!(line.delivered, began, "it is on its way");
        line.flush().await.unwrap();
        assert!(line.delivered > began);
        assert_eq!(client.read_u8().await.unwrap(), b'!');
    }
}

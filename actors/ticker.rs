//! Time as mail: a thread that posts [`Tick`] to every actor. Timers inside an actor starve while mail waits.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::{Directory, Port, Tick, Vital};

/// The time between two ticks.
const TICK: Duration = Duration::from_millis(100);
/// Peers have deadlines of seconds; they hear every tenth tick.
const PEERS_EVERY: u64 = 10;

/// The running thread; ends when stopped.
pub struct Ticker {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Ticker {
    /// Starts ticking. A port comes with how many ticks make one for it.
    pub fn start(ports: Vec<(u64, Port<Tick>)>, peers: Directory, vital: Vital) -> std::io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new().name("ticker".into()).spawn(move || {
            let mut count = 0u64;
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                count += 1;
                vital.beat();
                for (every, port) in &ports {
                    if count.is_multiple_of(*every) {
                        port.tell(Tick {});
                    }
                }
                if count.is_multiple_of(PEERS_EVERY) {
                    peers.tick();
                }
            }
        })?;
        Ok(Self { stop, thread })
    }

    /// Ends the thread.
    pub fn stop(self) {
        drop(self.stop);
        // It panicked only if its guard has reported that already.
        drop(self.thread.join());
    }
}

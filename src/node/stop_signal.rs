//! The signals that end a node, heard from its first moment on: one that comes while it still starts ends it as cleanly
//! as any other.

use std::io;

use futures::FutureExt;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Whether a node was told to stop.
pub struct StopSignal {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignal {
    /// Listens from now on. Must be called where a tokio runtime runs.
    pub fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for one.
    pub async fn arrived(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Whether one has come.
    pub async fn has_arrived(&mut self) -> bool {
        // The runtime must get a chance to hear of it.
        tokio::task::yield_now().await;
        self.arrived().now_or_never().is_some()
    }
}

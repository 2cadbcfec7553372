//! The clocks of a running node.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use machines::Now;

/// Tells a machine the moment.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock whose monotonic part starts now.
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// A clock that runs for so long already.
    #[cfg(test)]
    pub fn running_for(time: std::time::Duration) -> Self {
        Self { start: Instant::now() - time }
    }

    /// The moment. A system clock before 1970 reads as 1970.
    pub fn now(&self) -> Now {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { mono: millis(self.start.elapsed()), unix: millis(unix) }
    }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

//! Waiting: for a condition with a deadline, or for an instant of a schedule.

use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Looks at a condition until it holds and gives what it found; panics with what it said last after `deadline_s`.
#[track_caller]
pub fn eventually<T>(what: impl Debug, deadline_s: u64, mut look: impl FnMut() -> Result<T, String>) -> T {
    let began = Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(why) if began.elapsed() >= Duration::from_secs(deadline_s) => {
                panic!("not within {deadline_s} s: {what:?}: {why}")
            }
            Err(_) => until(Instant::now() + LOOK),
        }
    }
}

/// `Ok` if it holds, else the text.
pub fn holds(condition: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if condition { Ok(()) } else { Err(otherwise()) }
}

/// Instants at which a test does something, counted from its start: part of what is tested (nodes that start so many
/// seconds apart), never a guess of how long something takes.
pub struct Schedule(Instant);

impl Schedule {
    /// A schedule that begins now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Returns at that time after the beginning, at once if it has passed.
    pub fn at(&self, after: Duration) {
        until(self.0 + after);
    }
}

/// Says that something is over when it goes out of scope, also by a panic: threads that watch it end then.
pub struct Over<'a>(pub &'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn until(instant: Instant) {
    // Nobody ever sends: this ends by its timeout.
    let (_sender, receiver) = mpsc::channel::<()>();
    let _ = receiver.recv_timeout(instant.saturating_duration_since(Instant::now()));
}

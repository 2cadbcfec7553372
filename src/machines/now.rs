//! The moment at which an event is handled.

/// Two clocks: one for deadlines, one for block times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Milliseconds since the node started. Never goes back; every deadline is on this clock.
    pub mono: u64,
    /// Unix milliseconds. May step; only block times and what is stored use it.
    pub unix: u64,
}

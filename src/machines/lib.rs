//! Who decides: one pure state machine for each actor.
//!
//! A machine is `machine.on(now, event) -> Vec<Effect>`. It never does input or output, never reads a clock, never
//! makes its own randomness, never waits: time and what is stored are arguments. So everything a node decides can be
//! tested on virtual time, and a simulation of many nodes needs no network.

mod bounded;
mod bucket;
pub mod chain;
pub mod discovery;
pub mod faucet;
#[cfg(test)]
mod fixture;
pub mod miner;
mod now;
pub mod peer;
mod peer_id;
pub mod pool;
pub mod syncer;
mod timed;

pub use now::Now;
pub use peer_id::PeerId;

//! Starts real nodes on loopback and asks them what they do: `net.node("carol").crash().restart().until(height(12))`.
//!
//! Nothing here decides whether a node is right. Nobody sleeps: everything waits for a condition or for an instant of a
//! schedule, each with a deadline. A test that fails prints its seed and the last log lines of every node.

#![allow(dead_code, unused_imports, reason = "each test binary uses a part of it")]

pub mod api;
pub mod forge;
pub mod from;
pub mod hostile;
pub mod manager;
pub mod net;
pub mod node;
pub mod place;
pub mod process;
pub mod raw;
pub mod stranger;
pub mod terminal;
pub mod until;
pub mod wait;
pub mod wallet;

pub use api::Api;
pub use net::Net;
pub use node::Node;
pub use stranger::Stranger;
pub use terminal::Terminal;
pub use until::{height, mines, peers};
pub use wait::{Schedule, eventually};
pub use wallet::Wallet;

/// Whether to run what takes minutes: `BARRELEYE_LONG=1`.
pub fn long() -> bool {
    std::env::var("BARRELEYE_LONG").is_ok_and(|value| value == "1")
}

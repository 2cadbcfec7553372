//! Where a node of a test runs: its addresses, and what starts a program there.

use std::net::IpAddr;

use super::process::own_address;

/// A place for a node.
#[derive(Debug, Clone)]
pub struct Place {
    /// Where peers reach it.
    pub peers: IpAddr,
    /// Where users and its operator reach it, and this test.
    pub desk: IpAddr,
    /// The words before the program's own, such as `taskset -c 0`.
    pub through: Vec<String>,
}

impl Place {
    /// A loopback address that belongs to this test process alone: ports on it collide with nobody's.
    pub fn own() -> Self {
        let address = own_address().into();
        Self { peers: address, desk: address, through: Vec::new() }
    }

    /// Keeps programs there on the first core.
    pub fn use_one_core(&mut self) {
        self.through.extend(["taskset", "-c", "0"].map(String::from));
    }
}

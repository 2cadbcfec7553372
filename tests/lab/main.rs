//! The network laboratory: real nodes on hosts that this test makes, joined by lines that delay, lose and are cut.
//!
//! Needs network namespaces, so root; where they are not allowed, each test says so and passes. Like the tests on
//! loopback: what takes minutes runs with `BARRELEYE_LONG=1`, what is random comes from a seed that is printed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "only tests")]

#[path = "../harness/mod.rs"]
mod harness;
#[allow(clippy::module_inception, reason = "the laboratory is what this is about")]
mod lab;
mod plain;
mod space;
mod switch;
mod trade;

mod bad_line;
mod black_hole;
mod connects;
mod families;
mod partition;

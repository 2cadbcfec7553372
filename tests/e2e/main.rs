//! Promises of whole nodes, kept by real processes on loopback: each test's name is one.
//!
//! What takes minutes runs with `BARRELEYE_LONG=1` (`./tests/run --long`), what is random comes from a seed that a
//! failure prints (`BARRELEYE_SEED`).

#![allow(clippy::unwrap_used, clippy::panic, reason = "only tests")]

#[path = "../../benches/node/chain_maker.rs"]
#[allow(dead_code, reason = "measurements need more of it")]
mod chain_maker;
#[path = "../harness/mod.rs"]
mod harness;

mod admin;
mod commands;
mod crash;
mod data_care;
mod disk;
mod far_reorganisation;
mod faucet;
mod faucet_crowd;
mod first_run;
mod hostile_sync;
mod join;
mod keys;
mod limits;
mod long_chain;
mod network_forms;
mod old_tips;
mod partition;
mod questions;
mod refusals;
mod service;
mod serving;
mod soak;
mod start_stop;
mod transactions;

//! The node: command line, configuration, keys, HTTP, and the wiring that starts everything.
//!
//! This crate knows all others. It decides nothing about the chain: it translates between people, programs and the
//! actors.

pub mod cli;
pub mod client;
pub mod commands;
pub mod config;
pub mod failure;
mod handle_api;
pub mod http;
pub mod keyfile;
pub mod keystore;
pub mod logging;
pub mod node_api;
pub mod passphrase;
pub mod prepare;
pub mod private_file;
pub mod run;
#[cfg(test)]
mod test_chain;
pub mod wallet;
pub mod wiring;

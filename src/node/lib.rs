//! The node: command line, configuration, keys, HTTP, and the wiring that starts everything.
//!
//! This crate knows all others. It decides nothing about the chain: it translates between people, programs and the
//! actors.

pub mod cli;
pub mod commands;
pub mod config;
pub mod failure;
mod filling;
mod handle_api;
pub mod http;
pub mod key_forms;
pub mod keyfile;
pub mod logging;
pub mod node_api;
pub mod node_keys;
pub mod passphrase;
pub mod prepare;
pub mod private_file;
mod reload;
pub mod run;
pub mod secret;
pub mod self_check;
mod service;
pub mod stop_signal;
#[cfg(test)]
mod test_chain;
pub mod wallet;
pub mod wiring;
pub mod words;

//! What each command does, one file each. A command reads its arguments, asks or signs, prints, and ends.

mod account;
mod actors;
mod block;
mod chain;
mod config;
mod confirm;
mod faucet;
mod faucet_operator;
mod genesis;
mod history;
mod init;
mod network;
mod node;
mod offline;
mod operator;
mod peers;
mod print;
mod send;
mod sign;
mod status;
mod tx;
mod wait;
mod wallet;
mod watch;

use crate::cli::{Command, FaucetCommand, GenesisCommand, MinerCommand, NetworkCommand};
use crate::failure::Failure;

pub use print::Out;

/// Does what `command` says. Running a node is not among it: see [`crate::run`].
pub fn perform(command: Command, out: Out) -> Result<(), Failure> {
    match command {
        Command::Run(_) => Err(Failure::internal("a node is not started from here")),
        Command::Init(args) => init::init(&args, out),
        Command::Config(command) => config::perform(&command, out),
        Command::Status(args) => status::status(&args, out),
        Command::Peers(args) => peers::peers(&args, out),
        Command::Actors(args) => actors::actors(&args, out),
        Command::Miner(MinerCommand::Pause(args)) => operator::miner(&args, "pause", out),
        Command::Miner(MinerCommand::Resume(args)) => operator::miner(&args, "resume", out),
        Command::Log(args) => operator::log(&args, out),
        Command::Mint(args) => operator::mint(&args, out),
        Command::Wallet(command) => wallet::perform(command, out),
        Command::Balance(args) => account::balance(&args, out),
        Command::Account(args) => account::account(&args, out),
        Command::History(args) => history::history(&args, out),
        Command::Faucet(command) => faucet(command, out),
        Command::Send(args) => send::send(&args, out),
        Command::Sign(args) => sign::sign(&args, out),
        Command::Submit(args) => send::submit(&args, out),
        Command::Network(NetworkCommand::Show { client }) => network::show(&client, out),
        Command::Network(NetworkCommand::Export { accounts, out: file, wallet, client }) => {
            network::export(&accounts, file.as_deref(), &wallet, &client, out)
        }
        Command::Tx(args) => tx::tx(&args, out),
        Command::Block(args) => block::block(&args, out),
        Command::Genesis(GenesisCommand::New(args)) => genesis::new(*args, out),
        Command::Genesis(GenesisCommand::Show { network }) => genesis::show(&network, out),
        Command::Chain(command) => chain::perform(command, out),
    }
}

fn faucet(command: FaucetCommand, out: Out) -> Result<(), Failure> {
    match command {
        FaucetCommand::Claim(args) => faucet::claim(&args, out),
        FaucetCommand::Status(args) => faucet_operator::status(&args, out),
        FaucetCommand::Pause(args) => faucet_operator::switch(&args, "pause", out),
        FaucetCommand::Resume(args) => faucet_operator::switch(&args, "resume", out),
        FaucetCommand::Amount(args) => faucet_operator::amount(&args, out),
        FaucetCommand::Allow(args) => faucet_operator::entry(&args, "allow", out),
        FaucetCommand::Deny(args) => faucet_operator::entry(&args, "deny", out),
        FaucetCommand::Forget(args) => faucet_operator::entry(&args, "forget", out),
        FaucetCommand::Pardon(args) => faucet_operator::entry(&args, "pardon", out),
    }
}

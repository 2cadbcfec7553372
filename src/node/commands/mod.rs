//! What each command does, one file each. A command reads its arguments, asks or signs, prints, and ends.

mod account;
mod actors;
mod block;
mod chain;
mod genesis;
mod init;
mod operator;
mod peers;
mod print;
mod send;
mod status;
mod tx;
mod wallet;

use crate::cli::{ChainCommand, Command, FaucetCommand, GenesisCommand, MinerCommand};
use crate::failure::Failure;

/// Does what `command` says. Running a node is not among it: see [`crate::run`].
pub fn perform(command: Command) -> Result<(), Failure> {
    match command {
        Command::Run(_) => Err(Failure::internal("a node is not started from here")),
        Command::Init(args) => init::init(&args),
        Command::Status(args) => status::status(&args),
        Command::Peers(args) => peers::peers(&args),
        Command::Actors(args) => actors::actors(&args),
        Command::Miner(MinerCommand::Pause(args)) => operator::miner(&args, "pause"),
        Command::Miner(MinerCommand::Resume(args)) => operator::miner(&args, "resume"),
        Command::Log(args) => operator::log(&args),
        Command::Mint(args) => operator::mint(&args),
        Command::Wallet(command) => wallet::perform(command),
        Command::Balance(args) => account::balance(&args),
        Command::Faucet(FaucetCommand::Claim(args)) => account::claim(&args),
        Command::Send(args) => send::send(&args),
        Command::Tx(args) => tx::tx(&args),
        Command::Block(args) => block::block(&args),
        Command::Genesis(GenesisCommand::New(args)) => genesis::new(*args),
        Command::Genesis(GenesisCommand::Show { network, json }) => genesis::show(&network, json),
        Command::Chain(ChainCommand::Verify { network, data_dir }) => chain::verify(&network, &data_dir),
    }
}

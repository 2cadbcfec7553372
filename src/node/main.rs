//! The `barreleye` program: reads the command line, does what it says, and ends with the exit code that tells how.

use std::process::ExitCode;

use barreleye::cli::{Cli, Command, RunArgs};
use barreleye::failure::Failure;
use barreleye::{commands, config, run};
use clap::Parser;

fn main() -> ExitCode {
    let bare = std::env::args_os().len() <= 1;
    let cli = Cli::parse();
    let result = match cli.command {
        None => start(&cli.run, bare),
        Some(Command::Run(args)) => start(&args, false),
        Some(command) => commands::perform(command).map(|()| 0),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprintln!("barreleye: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn start(args: &RunArgs, bare: bool) -> Result<u8, Failure> {
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    run::run(config::load(args.layer(), args.config.as_deref(), &environment, bare)?)
}

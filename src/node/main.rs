//! The `barreleye` program: reads the command line, does what it says, and ends with the exit code that tells how.

use std::process::ExitCode;

use barreleye::cli::{Cli, Command};
use barreleye::commands::Out;
use barreleye::failure::Failure;
use barreleye::{commands, run};
use clap::Parser;

fn main() -> ExitCode {
    let bare = std::env::args_os().len() <= 1;
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return unusable(&error),
    };
    let out = Out::new(cli.json);
    let result = match cli.command {
        None => run::run(cli.run.source(bare)),
        Some(Command::Run(args)) => run::run(args.source(false)),
        Some(command) => commands::perform(command, out).map(|()| 0),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            out.failure(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

/// A command line that cannot be used, or one that asks for help. Programs get their JSON here too.
fn unusable(error: &clap::Error) -> ExitCode {
    let wants_json = std::env::args_os().any(|word| word == "--json");
    if error.use_stderr() && wants_json {
        let failure = Failure::usage(error.render().to_string().trim());
        Out::new(true).failure(&failure);
        return ExitCode::from(failure.exit_code());
    }
    error.exit()
}

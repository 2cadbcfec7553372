//! Asking a person before something that cannot be undone.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::failure::Failure;

/// Asks; anything but a yes is an error that says that nothing was done. Without a person to ask, `yes` must be given.
pub fn confirm(question: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(format!("{question} There is no terminal to ask on: add --yes")));
    }
    eprint!("{question} [y/N] ");
    io::stderr().flush().map_err(Failure::internal)?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(Failure::internal)?;
    match ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()) {
        true => Ok(()),
        false => Err(Failure::usage("not confirmed: nothing was done")),
    }
}

//! Where a passphrase comes from: a file, the environment, or the person at the terminal. Never the command line,
//! which every process on the machine can read.

use std::path::Path;

use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::private_file;

/// The environment variable that is asked when no file is given.
pub const VARIABLE: &str = "BARRELEYE_PASSPHRASE";

/// The passphrase of something that exists.
pub fn existing(file: Option<&Path>, what: &str) -> Result<Zeroizing<String>, Failure> {
    match given(file)? {
        Some(passphrase) => Ok(passphrase),
        None => prompt(&format!("Passphrase of {what}: ")),
    }
}

/// A new passphrase; a person types it twice.
pub fn new(file: Option<&Path>, what: &str) -> Result<Zeroizing<String>, Failure> {
    if let Some(passphrase) = given(file)? {
        return Ok(passphrase);
    }
    let first = prompt(&format!("New passphrase of {what}: "))?;
    if first.is_empty() {
        return Err(Failure::usage("the passphrase must not be empty"));
    }
    match *prompt("Once more: ")? == *first {
        true => Ok(first),
        false => Err(Failure::usage("the two passphrases differ: nothing was written, try again")),
    }
}

fn given(file: Option<&Path>) -> Result<Option<Zeroizing<String>>, Failure> {
    if let Some(path) = file {
        let text = private_file::read(path).map_err(Failure::usage)?;
        return Ok(Some(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())));
    }
    Ok(std::env::var(VARIABLE).ok().map(Zeroizing::new))
}

fn prompt(text: &str) -> Result<Zeroizing<String>, Failure> {
    rpassword::prompt_password(text).map(Zeroizing::new).map_err(|error| {
        Failure::usage(format!(
            "no passphrase: there is no terminal to ask on ({error}); give --passphrase-file FILE or set {VARIABLE}"
        ))
    })
}

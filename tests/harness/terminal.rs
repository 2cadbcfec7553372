//! A person at a terminal: the program runs on a pseudo terminal, as it does in front of somebody.

use std::path::Path;
use std::process::Stdio;

use rexpect::process::WaitStatus;
use rexpect::session::{PtySession, spawn_command};

use super::process::command;

/// A command takes a tenth of a second for its work on a passphrase; a loaded machine takes longer.
const PATIENCE_MS: u64 = 60_000;

/// A running command with a person in front of it.
pub struct Terminal {
    session: PtySession,
}

impl Terminal {
    /// Types a command. What is typed is shown by the terminal, unless the program forbids it.
    pub fn run(dir: &Path, arguments: &[&str]) -> Self {
        Self::with("stty echo", dir, arguments)
    }

    /// The same on a screen with room for a view.
    pub fn screen(dir: &Path, arguments: &[&str]) -> Self {
        Self::with("stty rows 40 cols 140", dir, arguments)
    }

    fn with(setting: &str, dir: &Path, arguments: &[&str]) -> Self {
        let through = ["sh".into(), "-c".into(), format!("{setting}; exec \"$0\" \"$@\"")];
        let mut command = command(dir, &through);
        command.args(arguments).stdin(Stdio::inherit());
        let session = spawn_command(command, Some(PATIENCE_MS)).expect("there are pseudo terminals");
        Self { session }
    }

    /// Waits until the program has said `text`; what it said before that is returned.
    #[track_caller]
    pub fn sees(&mut self, text: &str) -> String {
        self.session.exp_string(text).unwrap_or_else(|error| panic!("'{text}' did not appear: {error}"))
    }

    /// Types a line.
    pub fn types(&mut self, line: &str) -> &mut Self {
        self.session.send_line(line).expect("the program listens");
        self
    }

    /// Waits for the end; gives the rest of what was said, and the exit code.
    #[track_caller]
    pub fn ends(mut self) -> (String, i32) {
        let rest = self.session.exp_eof().unwrap_or_else(|error| panic!("it does not end: {error}"));
        match self.session.process().wait() {
            Ok(WaitStatus::Exited(_, code)) => (rest, code),
            other => panic!("it ended with {other:?}: {rest}"),
        }
    }
}
